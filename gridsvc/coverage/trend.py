"""One figure through the runs: its series, published ones by default."""

from __future__ import annotations

from collections.abc import Iterable, Sequence

import pandas as pd

from gridsvc.coverage.comparison import verdict
from gridsvc.coverage.definitions import same_measure
from gridsvc.coverage.explain import Subject, figure_row
from gridsvc.coverage.figures import Figures
from gridsvc.coverage.indicators import Indicator, Indicators
from gridsvc.errors import NotFoundError
from gridsvc.layers import Layers
from gridsvc.settings import Workspace
from gridsvc.store import RunRecord, Store
from gridsvc.text import bilingual

COLUMNS = [
    "run", "number", "revision", "label", "status", "as_of", "name", "value", "display", "unit", "grade", "numerator",
    "denominator", "numerator_exact", "denominator_exact", "change", "verdict", "note_en", "note_zh",
]  # fmt: skip
BARS = "▁▂▃▄▅▆▇█"
DEFINED = bilingual("defined otherwise than before", "指标定义与前期不同")
UNDEFINED = bilingual("not yet defined", "当时尚无此指标")
ABSENT = bilingual("not in this run", "此批次中没有该对象")
OTHER_GROUND = bilingual("other ground than before", "范围与前期不同")


def runs_of(runs: Sequence[RunRecord], *, published: bool | None) -> list[RunRecord]:
    """Runs of a series by day: the newest revision of each number, else (*published* False) all that are there.

    None: the published ones where there are any.
    """
    newest: dict[str, RunRecord] = {}
    for run in runs:
        if run.publication is not None:
            held = newest.get(run.publication.number)
            if (
                held is None
                or held.publication is None
                or held.publication.revision < run.publication.revision
            ):
                newest[run.publication.number] = run
    chosen: Iterable[RunRecord] = newest.values()
    if published is False or (published is None and not newest):
        chosen = (run for run in runs if not run.pruned)
    return sorted(chosen, key=lambda run: (run.as_of, run.id))


def series(
    store: Store,
    workspace: Workspace,
    layers: Layers,
    indicators: Indicators,
    indicator: str,
    subject: Subject,
    runs: Sequence[RunRecord],
) -> pd.DataFrame:
    """The figure of *subject* in each run as :data:`COLUMNS`; ``change`` and ``verdict`` are against the run before.

    A run that lacks the subject or the indicator has a row without value and says so. Raises
    :class:`NotFoundError` where no run has the subject.
    """
    rows: list[dict[str, object]] = []
    last: tuple[Indicator, dict[str, object]] | None = None
    size: int | None = None
    for run in runs:
        figures = Figures.open(store, workspace, layers, indicators, run.id)
        row = _row(figures, indicator, subject)
        if "value" in row:
            one = figures.indicators[indicator]
            ground = figures.area_of(subject.code) if subject.kind == "unit" else None
            if last is not None:
                row |= _against(last[1], row, one, same_measure(last[0], one))
                # a square metre is noise of drawing
                if ground is not None and size is not None and abs(ground - size) > 1e6:
                    row |= {"note_en": OTHER_GROUND.en, "note_zh": OTHER_GROUND.zh, "verdict": ""}
            last, size = (one, row), ground
        rows.append(row)
    if runs and last is None:
        raise NotFoundError(
            f"{subject.code}: no run has a figure {indicator} of this {subject.kind}",
            f"{subject.code}：各批次中都没有它的 {indicator} 指标值",
        )
    found = pd.DataFrame(rows).reindex(columns=COLUMNS)
    whole = ["run", "revision", "numerator_exact", "denominator_exact"]
    text = ["number", "label", "name", "display", "unit", "grade"]
    kinds = dict.fromkeys(whole, "Int64") | dict.fromkeys(text, "object")
    found = found.astype(kinds)
    return found.assign(**{name: found[name].where(found[name].notna(), None) for name in text})


def _row(figures: Figures, indicator: str, subject: Subject) -> dict[str, object]:
    """One point of the series."""
    run, one = figures.run, figures.run.publication
    row: dict[str, object] = {
        "run": run.id,
        "number": one.number if one else None,
        "revision": one.revision if one else None,
        "label": one.label if one else None,
        "status": run.status,
        "as_of": run.as_of,
        "verdict": "",
    }
    if indicator not in figures.indicators:
        return row | {"note_en": UNDEFINED.en, "note_zh": UNDEFINED.zh}
    try:
        found = figure_row(figures, figures.indicators[indicator], subject)
    except NotFoundError:
        return row | {"note_en": ABSENT.en, "note_zh": ABSENT.zh}
    named = {
        name: found[name]
        for name in ("name", "value", "display", "unit", "grade", "numerator", "denominator")
    }
    exact = {f"{side}_exact": int(found[f"{side}_int"]) for side in ("numerator", "denominator")}
    return row | named | exact | {"note_en": found["reason_en"], "note_zh": found["reason_zh"]}


def _against(
    old: dict[str, object], new: dict[str, object], indicator: Indicator, comparable: bool
) -> dict[str, object]:
    """Difference from the run before; none where the figure was defined otherwise."""
    if not comparable:
        return {"note_en": DEFINED.en, "note_zh": DEFINED.zh}
    sides = {
        f"{side}_int_{when}": row[f"{side}_exact"]
        for row, when in ((old, "before"), (new, "after"))
        for side in ("numerator", "denominator")
    }
    change = float(str(new["value"])) - float(str(old["value"]))
    return {"change": change, "verdict": verdict(indicator, sides)}


def sparkline(values: Sequence[float]) -> str:
    """Values as a line of bars, the least as the lowest; a gap where there is none."""
    held = [value for value in values if value == value]
    low, high = min(held, default=0.0), max(held, default=0.0)
    span = (high - low) or 1.0
    return "".join(
        " " if value != value else BARS[round((value - low) / span * (len(BARS) - 1))] for value in values
    )
