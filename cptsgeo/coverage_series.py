"""Coverage of many dated states at once (units x CPTS x months), as one job on any engine."""

from __future__ import annotations

from dataclasses import dataclass
from pathlib import Path
from typing import TYPE_CHECKING

from cptsgeo.coverage import DEFINITIONS, GROUPS, coverage
from cptsgeo.engines import ENGINES, open_engine
from cptsgeo.errors import DataError, Finding, UsageError
from cptsgeo.i18n import _, current_language, language
from cptsgeo.perimeters import STAGES, Perimeters
from cptsgeo.point_files import open_source

if TYPE_CHECKING:
    import pandas as pd
    import pyarrow as pa

COLUMNS = ("cpts_id", "insee_code", "share")
COUNTS = ("population", "population_covered", "units", "units_covered", "population_stage_unknown")


@dataclass(frozen=True)
class StateKernel:
    """Compute the coverage of one state from its rows.

    Parameters
    ----------
    communes
        Units with their populations.
    month
        Column that names the state.
    by
        As for :func:`cptsgeo.coverage.coverage`.
    lang
        Language of the names of groups: a worker elsewhere does not know that of the user.
    """

    communes: pd.DataFrame
    month: str
    by: str
    lang: str

    @property
    def schema(self) -> pa.Schema:
        """Return the columns of the rates, and how many rows are of no known unit, or twice there."""
        import pyarrow as pa

        texts = [(name, pa.string()) for name in (self.month, "code", "name", "counting", "stage")]
        whole = [(name, pa.int64()) for name in (*COUNTS, "unknown", "repeated", "without_share")]
        return pa.schema([*texts, *whole])

    def __call__(self, rows: pa.Table) -> pa.Table:
        """Return the rates of the state, and what is wrong in it."""
        import pandas as pd
        import pyarrow as pa

        frame = rows.to_pandas()
        stage = frame["stage"] if "stage" in frame else pd.Series(None, index=frame.index, dtype="object")
        cpts = frame.assign(cpts_name=frame["cpts_id"], stage=pd.Categorical(stage, list(STAGES), ordered=True))
        membership = frame[list(COLUMNS)].sort_values(["cpts_id", "insee_code"], ignore_index=True)
        known = Perimeters(
            cpts.drop_duplicates("cpts_id")[["cpts_id", "cpts_name", "stage"]].sort_values("cpts_id"), membership
        )
        with language(self.lang):
            rates = coverage(self.communes, known, by=self.by)
        return pa.Table.from_pandas(
            rates.assign(
                **{self.month: str(frame[self.month].iloc[0])},
                unknown=int((~frame["insee_code"].isin(self.communes["insee_code"])).sum()),
                repeated=int(frame.duplicated(["cpts_id", "insee_code"]).sum()),
                without_share=int((~frame["share"].between(0, 1, inclusive="right")).sum()),
            )[self.schema.names],
            schema=self.schema,
            preserve_index=False,
        )


def coverage_series(
    memberships: Path | str | pd.DataFrame | pa.Table,
    communes: pd.DataFrame,
    *,
    month: str = "month",
    by: str = "scope",
    engine: str = ENGINES[0],
    workers: int | None = None,
    master: str | None = None,
) -> pd.DataFrame:
    """Compute coverage rates for every state of a long series, each as :func:`cptsgeo.coverage.coverage` does.

    Parameters
    ----------
    memberships
        ``month``, ``cpts_id``, ``insee_code``, ``share``, and ``stage`` where it is known: a table, or Parquet files,
        partitioned by month or not.
    communes
        Units and populations, as :func:`cptsgeo.communes.read_communes` returns them.
    month
        Column that names the state.
    by
        ``scope``, ``region``, ``departement``, ``epci`` or ``unit``.
    engine, workers, master
        See :func:`cptsgeo.engines.open_engine`; a state is worked through by one worker.

    Returns
    -------
    DataFrame
        ``month`` (text), then ``code``, ``name``, ``counting``, ``stage``, ``definition``, ``population``,
        ``population_covered``, ``coverage_rate``, ``units``, ``units_covered``, ``population_stage_unknown``; sorted
        by month and group, definitions in their order.

    Raises
    ------
    DataError
        Naming each month with rows of unknown units, rows there twice, or shares outside ]0, 1].
    UsageError
        For columns that are not there, and as :func:`cptsgeo.engines.open_engine`.
    """
    import pandas as pd

    chosen = open_engine(engine, workers=workers, master=master)
    source = open_source(memberships)
    absent = [name for name in (month, *COLUMNS) if name not in source.schema.names]
    if absent:
        raise UsageError(
            _("the memberships have no column {names}; they have: {columns}").format(
                names=", ".join(absent), columns=", ".join(source.schema.names)
            ),
            fix=_("name one of them"),
            where=str(source.path or ""),
        )
    if by not in GROUPS:
        coverage(communes, Perimeters(pd.DataFrame(), pd.DataFrame()), by=by)
    columns = [month, *COLUMNS, *(["stage"] if "stage" in source.schema.names else [])]
    kernel = StateKernel(communes, month, by, current_language())
    parts = [batch.to_pandas() for batch in chosen.over_groups(source, columns, month, kernel, kernel.schema)]
    found = pd.concat(parts, ignore_index=True) if parts else kernel.schema.empty_table().to_pandas()
    _require_sound(found, month, str(source.path or ""))
    order = {(one.counting, one.stage): rank for rank, one in enumerate(DEFINITIONS)}
    keys = list(zip(found["counting"], found["stage"], strict=True))
    found = found.assign(
        rank=[order[key] for key in keys],
        definition=[_(DEFINITIONS[order[key]].label) for key in keys],
        coverage_rate=(found["population_covered"] / found["population"]).where(found["population"] > 0),
    ).sort_values([month, "code", "rank"], ignore_index=True)
    before = [month, "code", "name", "counting", "stage", "definition", "population", "population_covered"]
    return found[[*before, "coverage_rate", "units", "units_covered", "population_stage_unknown"]]


def _require_sound(found: pd.DataFrame, month: str, where: str) -> None:
    """Refuse states with rows that would be dropped or counted twice."""
    words = {
        "unknown": _("{month}: {count} rows are of no unit of today's list"),
        "repeated": _("{month}: {count} rows repeat a CPTS and a unit"),
        "without_share": _("{month}: {count} rows have a share that is missing or outside ]0, 1]"),
    }
    states = found.drop_duplicates(month)
    findings = [
        Finding(f"state_{name}", "error", text.format(month=getattr(row, month), count=getattr(row, name)), file=where)
        for name, text in words.items()
        for row in states[states[name] > 0].itertuples()
    ]
    if findings:
        raise DataError(
            _("the memberships of some months cannot be used"),
            fix=_("bring their codes to today's list (see `cptsgeo check`), and give each CPTS and unit one share"),
            where=where,
            findings=findings,
        )
