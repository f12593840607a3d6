"""Maps: pages of a study, and what a map of one's own needs.

>>> import cptsgeo.maps, folium
>>> m = folium.Map([46, 2], tiles=None)
>>> "https://cdn" in cptsgeo.maps.self_contained(m)
False
"""

from __future__ import annotations

from importlib import import_module
from typing import Any

_HOMES = {"CommuneLayer": "commune_layer", "inline_page": "stand_alone", "self_contained": "stand_alone"}
__all__ = list(_HOMES)


def __getattr__(name: str) -> Any:
    """Import what is asked for: Folium costs a second to those who draw nothing."""
    if name not in _HOMES:
        raise AttributeError(f"module {__name__!r} has no attribute {name!r}")
    return getattr(import_module(f"cptsgeo.maps.{_HOMES[name]}"), name)
