"""A figure taken apart: the facts above and below its line, so that it can be redone by hand."""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import dataclass

import geopandas as gpd
import numpy as np
import pandas as pd

from gridsvc.codes import LEVELS
from gridsvc.coverage.amounts import quantities
from gridsvc.coverage.engine import software
from gridsvc.coverage.evidence import layers_used, list_behind, list_exemptions, list_sources
from gridsvc.coverage.facts import COLUMNS, EXACT, Facts, list_facts
from gridsvc.coverage.figures import Figures
from gridsvc.coverage.indicators import REPORTED, Indicator
from gridsvc.coverage.measures import measure, prepare
from gridsvc.coverage.reasons import NOT_HIS
from gridsvc.coverage.reports import list_reports, newest
from gridsvc.coverage.scene import Rows, Scene
from gridsvc.coverage.tallies import OWNERS, SIDES, cell_of
from gridsvc.crs import transform
from gridsvc.errors import NotFoundError, UsageError
from gridsvc.store import RunRecord
from gridsvc.text import Text, bilingual

DEFINITIONS = bilingual("the definitions of indicators were changed", "指标定义已修改")
SOFTWARE = bilingual("the software is another: {names}", "软件版本不同：{names}")
SETTINGS = bilingual(
    "county.toml, the definition of a layer or this software was changed", "county.toml、图层定义或软件已修改"
)


@dataclass(frozen=True)
class Subject:
    """Whom a figure is of."""

    kind: str
    """``unit``, ``road`` or ``chief``."""
    code: str
    """A unit's code (with ``*``: what belongs to none of the units in it), a road's code, a chief's id."""


@dataclass(frozen=True)
class Explanation:
    """One figure of a run and what it is made of."""

    figures: Figures
    indicator: Indicator
    subject: Subject
    figure: pd.Series
    """The figure as :meth:`Figures.table` gives it."""
    scene: Scene
    facts: list[Facts]
    behind: pd.DataFrame
    exemptions: pd.DataFrame
    sources: pd.DataFrame
    changed: tuple[Text, ...]
    """What is not as it was when the run was computed."""

    @property
    def stored(self) -> dict[str, int]:
        """Whole amounts that the run holds, by side."""
        return {side: int(self.figure[f"{side}_int"]) for side in SIDES}

    @property
    def listed(self) -> dict[str, int]:
        """Sums of the facts, by side."""
        return {side: sum(int(one.rows[EXACT[side]].sum()) for one in self.facts) for side in SIDES}

    @property
    def adds_up(self) -> bool:
        """Whether the facts add up to what the run holds, to the last digit."""
        return self.listed == self.stored

    @property
    def why(self) -> tuple[Text, ...]:
        """What may be why the facts do not add up; nothing where they do."""
        return () if self.adds_up else self.changed or (SETTINGS,)

    @property
    def per_whole(self) -> dict[str, float]:
        """Base units (metres, square metres, features, persons) per whole amount, by side."""
        above, below = quantities(self.indicator)
        if self.indicator.kind != "density":
            return {"numerator": above, "denominator": below, "unknown": below, "exempt": below}
        # features whose numbers are missing are counted; exempt is what the numerator lacks
        return {"numerator": above, "denominator": below, "unknown": 1.0, "exempt": above}

    @property
    def rows(self) -> pd.DataFrame:
        """All facts as one table, with their amounts in base units as well."""
        parts = [one.rows for one in self.facts if len(one.rows)] or [pd.DataFrame(columns=COLUMNS)]
        rows = pd.concat(parts, ignore_index=True)
        # divided, not multiplied: 48 m are 48.0
        amounts = {
            side: rows[EXACT[side]].astype(np.int64) / round(1 / per) for side, per in self.per_whole.items()
        }
        return rows.assign(**amounts)

    def shapes(self) -> gpd.GeoSeries:
        """Shapes of all facts in the order of :attr:`rows`, in longitude and latitude."""
        parts = [one.shapes() for one in self.facts if len(one.rows)]
        moved = transform(
            np.concatenate([np.empty(0, dtype=object), *parts]), self.scene.crs, self.scene.store.crs
        )
        return gpd.GeoSeries(moved, crs=self.scene.store.crs)


def explain(
    figures: Figures, indicator: Indicator, subject: Subject, scene: Scene | None = None
) -> Explanation:
    """Take the figure of *indicator* for *subject* apart, from the layers as they were when the run was computed.

    Reads the store. *scene*: the run's, where it is at hand (:meth:`Scene.of_run`). Raises :class:`NotFoundError`
    for a subject that the run does not know, :class:`UsageError` for figures that persons and roads do not have.
    """
    if subject.kind != "unit" and not indicator.for_chiefs:
        raise UsageError(f"{indicator.id}: {NOT_HIS.en}", f"{indicator.id}：{NOT_HIS.zh}")
    figure, run = figure_row(figures, indicator, subject), figures.run
    scene = scene or Scene.of_run(figures.store, figures.workspace, figures.layers, run)
    facts: list[Facts] = []
    if all(run.versions.get(name) for name in indicator.layers):
        prepare(scene, [indicator])
        facts = _facts(scene, indicator, subject)
    used = layers_used(figures.layers, indicator, facts)
    return Explanation(
        figures,
        indicator,
        subject,
        figure,
        scene,
        facts,
        list_behind(scene, indicator, facts),
        list_exemptions(scene, indicator, facts),
        list_sources(used, run.versions, scene.versions(), figures.store.loads()),
        _changed(run, figures.indicators.digest),
    )


def _facts(scene: Scene, indicator: Indicator, subject: Subject) -> list[Facts]:
    """What is counted for the subject; of a reported value the report."""
    if indicator.kind == REPORTED:
        return list_reports(newest(scene.reports, indicator, scene.as_of), subject.code)
    measured = measure(scene, indicator)
    return list(list_facts(scene, indicator, measured, _taker(scene, indicator, subject)))


def figure_row(figures: Figures, indicator: Indicator, subject: Subject) -> pd.Series:
    """The figure's row; a unit's rest is among the rows of the level below it."""
    code = subject.code.removesuffix("*")
    if subject.kind == "chief":
        table = figures.table(indicator=indicator.id, chief=code)
    elif subject.kind == "road":
        code = subject.code
        table = figures.table(indicator=indicator.id, roads=True)
    elif code == subject.code:
        return figures.table(unit=code, indicator=indicator.id).iloc[0]
    else:
        levels = figures.units.set_index("code")["level"]
        below = LEVELS[LEVELS.index(levels[code]) + 1 :][:1] if code in levels.index else ()
        table = figures.table(below[0], code, indicator.id) if below else pd.DataFrame(columns=["subject"])
    found = table[table["subject"] == subject.code]
    if found.empty:
        raise NotFoundError(
            f"{subject.code}: there is no figure of this {subject.kind} for {indicator.id} in run {figures.run.id}",
            f"{subject.code}：计算批次 {figures.run.id} 中没有它的 {indicator.id} 指标值",
        )
    return found.iloc[0]


def _taker(scene: Scene, indicator: Indicator, subject: Subject) -> Callable[[str], Rows]:
    """Says which facts of a grain are in the indicator's zone and the subject's."""
    zone = scene.in_zone(indicator.zone)
    if subject.kind != "unit":

        def owned(grain: str) -> Rows:
            cell, (row, owner) = cell_of(scene, grain), OWNERS[subject.kind](scene, grain)
            mine = np.zeros(len(cell), dtype=bool)
            mine[row[owner == subject.code]] = True
            return mine & zone[cell]

        return owned
    units = scene.partition.cells["unit"]
    rest, code = subject.code.endswith("*"), subject.code.removesuffix("*")
    inside = (units == code) if rest else units.str.startswith(code)
    taken = zone & np.append(inside.to_numpy(bool), False)
    return lambda grain: taken[cell_of(scene, grain)]


def _changed(run: RunRecord, definitions: str) -> tuple[Text, ...]:
    """What is not as it was when the run was computed; layers are read as they were."""
    now = software()
    other = [
        f"{name} {run.libraries[name]} → {now[name]}"
        for name in now
        if run.libraries.get(name, now[name]) != now[name]
    ]
    found = [DEFINITIONS] if run.definitions != definitions else []
    return (*found, *([SOFTWARE.fill(names=", ".join(other))] if other else []))
