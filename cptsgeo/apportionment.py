"""Whole inhabitants from fractions: divide a count so that its parts sum to it."""

from __future__ import annotations

from typing import TYPE_CHECKING

if TYPE_CHECKING:
    import numpy as np
    from numpy.typing import ArrayLike, NDArray


def apportion(total: int, weights: ArrayLike) -> NDArray[np.int64]:
    """Divide inhabitants by weights, to the inhabitant: largest remainders first, ties to the earlier weight.

    Parameters
    ----------
    total
        Inhabitants.
    weights
        Not negative, at least one of them above 0.

    Returns
    -------
    ndarray
        Whole numbers that sum to ``total``, each within one of its exact part.

    References
    ----------
    Hamilton's method (largest remainder).

    Examples
    --------
    >>> apportion(10, [1, 1, 1]).tolist(), apportion(7, [0.5, 0.25, 0.25]).tolist()
    ([4, 3, 3], [3, 2, 2])
    """
    import numpy as np

    exact = np.asarray(weights, dtype="float64")
    exact = total * (exact / exact.sum())
    parts: NDArray[np.int64] = np.floor(exact + 1e-9).astype("int64")
    left = total - int(parts.sum())
    order = np.argsort(-np.round(exact - parts, 9), kind="stable")
    parts[order[:left]] += 1
    return parts
