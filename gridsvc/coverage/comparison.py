"""Two runs side by side: every figure before and after, over the same ground and by the same definition."""

from __future__ import annotations

import datetime as dt
from dataclasses import dataclass, field
from functools import cached_property
from typing import Any

import geopandas as gpd
import numpy as np
import pandas as pd
import shapely

from gridsvc.coverage.amounts import quantities
from gridsvc.coverage.definitions import same_measure
from gridsvc.coverage.figures import Figures
from gridsvc.coverage.indicators import Indicator
from gridsvc.coverage.measures import KINDS, measure, prepare
from gridsvc.coverage.scene import Scene
from gridsvc.coverage.statement import ORDER, all_figures
from gridsvc.coverage.tallies import COLUMNS as TALLIES
from gridsvc.coverage.tallies import SIDES, tally
from gridsvc.errors import NotFoundError
from gridsvc.partition.lineage import LINEAGE, clean, mapping
from gridsvc.partition.validity import units_on

SIDED = [*(f"{side}_int" for side in SIDES), "value", "display", "grade"]
COMPARED = [
    "indicator", "subject_kind", "level", "subject", "name",
    *(f"{name}_{when}" for when in ("before", "after") for name in SIDED),
    "numerator_change", "denominator_change", "value_change", "verdict", "basis",
]  # fmt: skip
# square metres by which a unit's ground may differ through noding alone
NOISE = 1.0
# share of a unit's ground that is noise of drawing, too
SLIVER = 0.001


@dataclass(frozen=True)
class Choice:
    """Whose figures are compared; as in :meth:`Figures.table`."""

    level: str | None = None
    unit: str | None = None
    indicator: str | None = None
    chief: str | None = None
    roads: bool = False
    chiefs: bool = False

    @property
    def of_units(self) -> bool:
        """Units are asked for, not roads or chiefs."""
        return self.chief is None and not self.roads and not self.chiefs


@dataclass(frozen=True)
class Restated(Figures):
    """The layers of a run over the units of a later one, measured anew when an indicator is asked for."""

    later: Figures
    scene: Scene
    measured: dict[str, pd.DataFrame] = field(default_factory=dict)

    @cached_property
    def cells(self) -> gpd.GeoDataFrame:
        """The later run's cells."""
        return self.scene.partition.cells

    @cached_property
    def units(self) -> pd.DataFrame:
        """Units of the later run's day."""
        return self.later.units

    def _sums(self, indicator: Indicator, kind: str) -> pd.DataFrame:
        """Whole amounts of one indicator by subject."""
        if indicator.kind not in KINDS:
            # reported, not measured
            return super()._sums(indicator, kind)
        if indicator.id not in self.measured:
            ready = all(self.run.versions.get(name) for name in indicator.layers)
            self.measured[indicator.id] = self._tally(indicator) if ready else pd.DataFrame(columns=TALLIES)
        rows = self.measured[indicator.id]
        return rows.loc[rows["subject_kind"] == kind, ["subject", *SIDES]]

    def _tally(self, indicator: Indicator) -> pd.DataFrame:
        prepare(self.scene, [indicator])
        return tally(self.scene, indicator, measure(self.scene, indicator))


@dataclass(frozen=True)
class Comparison:
    """Figures of a run beside those of an earlier one."""

    before: Figures
    after: Figures
    definitions: bool = False
    """The earlier run is measured by the later one's definitions."""

    @cached_property
    def redefined(self) -> dict[str, bool]:
        """Indicators that are defined otherwise in the later run: True where they count otherwise."""
        old, new = self.before.indicators, self.after.indicators
        both = [name for name in new if name in old and old[name] != new[name]]
        return {name: not same_measure(old[name], new[name]) for name in both}

    @cached_property
    def moved(self) -> frozenset[str]:
        """Codes of the later run whose ground is not that of the same code in the earlier one."""
        return frozenset(_moved(self.before, self.after, NOISE * 1e6))

    @cached_property
    def noded(self) -> frozenset[str]:
        """Codes of which the ground is the same but for what new borders beside it have moved: square millimetres."""
        return frozenset(_moved(self.before, self.after, 0)) - self.moved

    @cached_property
    def became(self) -> dict[str, dict[str, float]]:
        """What became of the ground of each unit that is no more: codes of now, and the share that each has.

        The empty code stands for what no unit has now.
        """
        old, new, found = self.own_scene, self.later_scene, {}
        days = [dt.date.fromisoformat(one.run.as_of) for one in (self.before, self.after)]
        lineage = clean(self.after.store.read(LINEAGE))
        for layer in self.after.layers.units.values():
            was, now = old.layer(layer.name), new.layer(layer.name)
            ended = was[~was["code"].isin(now["code"])]
            if ended.empty:
                continue
            beside = np.unique(now.sindex.query(ended.geometry, predicate="intersects")[1])
            parts = mapping(ended, now.iloc[beside], lineage, *days)
            for code, rows in parts[parts["share"] > SLIVER].groupby("old_code"):
                found[str(code)] = dict(zip(rows["new_code"], rows["share"], strict=True))
        return found

    @cached_property
    def later_scene(self) -> Scene:
        """The later run as it was measured."""
        return _scene(self.after)

    @cached_property
    def earlier_scene(self) -> Scene:
        """The earlier run as it was measured, or would be over the later run's units."""
        scene = _scene(self.before)
        if self.moved or self.noded:
            scene.stand_on(self.later_scene)
        return scene

    def scene_of(self, indicator: str) -> Scene:
        """The scene that the earlier figures of *indicator* are measured on, where they are compared."""
        return self.own_scene if _counts_units(self.after, indicator) else self.earlier_scene

    @cached_property
    def own_scene(self) -> Scene:
        """The earlier run over its own units."""
        return _scene(self.before) if self.moved or self.noded else self.earlier_scene

    @cached_property
    def restated(self) -> Restated:
        """The earlier run over the later one's units, by the definitions asked for."""
        source = self.after if self.definitions else self.before
        one = self.before
        return Restated(
            one.store, one.workspace, one.layers, source.indicators, one.run, self.after, self.earlier_scene
        )

    def table(self, choice: Choice) -> pd.DataFrame:
        """Figures before and after as :data:`COMPARED`, one row a subject and indicator.

        ``basis``: ``stored`` (as both runs hold it), ``restated`` (the earlier data measured over the later units or
        by the later definition), ``none`` (not comparable). ``verdict``: ``better``, ``worse``, ``same``, ``begun``
        (no value before), ``gone`` (no value after), ``ended`` (the unit is no more; see :attr:`became`), and
        ``definition`` or ``ground`` (not comparable: the indicator was defined otherwise; it counts units, and these
        are others). Raises :class:`NotFoundError` for a unit that
        neither run knows.
        """
        if choice.indicator is not None:
            _ = self.after.indicators[choice.indicator]
        after = _rows(self.after, choice)
        before = _rows(self.before, choice)
        if after is None and before is None:
            raise NotFoundError(f"there is no unit {choice.unit!r}", f"没有编码为 {choice.unit!r} 的单位")
        after = _nothing() if after is None else after
        before = _nothing() if before is None else before
        before = before[before["indicator"].isin(list(self.after.indicators))].assign(basis="stored")
        again = self._again(choice, after)
        if len(again):
            kept = ~_keyed(before).isin(_keyed(again))
            before = pd.concat([before[kept], again], ignore_index=True)
        return self._joined(before, after)

    def _again(self, choice: Choice, after: pd.DataFrame) -> pd.DataFrame:
        """Earlier figures that have to be measured anew, for subjects of the later run."""
        other = self.moved | self.noded if choice.of_units else frozenset()
        moved = after["subject"].isin(other)
        others = [name for name, counts in self.redefined.items() if counts or self.definitions]
        redefined = (
            after["indicator"].isin(others) if self.definitions else pd.Series(False, index=after.index)
        )
        parts = []
        for name in after.loc[moved | redefined, "indicator"].unique():
            if name not in self.restated.indicators:
                continue
            wanted = after[(moved | redefined) & (after["indicator"] == name)]
            if _counts_units(self.after, name):
                wanted = wanted[~wanted["subject"].isin(other)]
            found = _rows(self.restated, Choice(**{**vars(choice), "indicator": str(name)}))
            if found is not None:
                parts.append(found[found["subject"].isin(wanted["subject"])].assign(basis="restated"))
        return pd.concat(parts, ignore_index=True) if parts else _nothing()

    def _joined(self, before: pd.DataFrame, after: pd.DataFrame) -> pd.DataFrame:
        """Both sides as one row, with differences and verdicts."""
        rows = join(before, after, self.after)
        verdicts = [self._verdict(row) for row in rows.to_dict("records")]
        rows = rows.assign(verdict=verdicts)
        none = rows["verdict"].isin(["definition", "ground"])
        return rows.assign(basis=rows["basis"].where(~none, "none").fillna("stored")).reindex(
            columns=COMPARED
        )

    def _verdict(self, row: dict[Any, Any]) -> str:
        name = str(row["indicator"])
        if row["subject_kind"] == "unit" and pd.isna(row["denominator_int_after"]):
            return "ended"
        if self.redefined.get(name) and not self.definitions:
            return "definition"
        moved = row["subject_kind"] == "unit" and row["subject"] in self.moved
        if moved and row["basis"] != "restated":
            if not row["denominator_int_after"]:
                return "same"
            return "ground" if _counts_units(self.after, name) else "begun"
        return verdict(self.after.indicators[name], row)


def verdict(indicator: Indicator, row: dict[Any, Any]) -> str:
    """Whether a figure got better, by exact fractions."""
    if not row["denominator_int_before"]:
        return "begun" if row["denominator_int_after"] else "same"
    if not row["denominator_int_after"]:
        return "gone"
    sides = [f"{side}_int_{when}" for when in ("before", "after") for side in ("numerator", "denominator")]
    above, below, now_above, now_below = (int(row[name]) for name in sides)
    difference = now_above * below - above * now_below
    if difference == 0:
        return "same"
    return "better" if (difference > 0) == (indicator.direction == "up") else "worse"


def join(before: pd.DataFrame, after: pd.DataFrame, figures: Figures) -> pd.DataFrame:
    """Two tables of figures as one; differences are in base units, NaN where a side has no row."""
    keys = [*ORDER, "level", "name"]
    sides = [
        table[[*keys, *SIDED, *(["basis"] if "basis" in table else [])]].rename(
            columns={name: f"{name}_{when}" for name in SIDED}
        )
        for table, when in ((before, "before"), (after, "after"))
    ]
    rows = sides[1].merge(sides[0], on=ORDER, how="outer", suffixes=("", "_old"), sort=False)
    order = {name: place for place, name in enumerate(figures.indicators)}
    rows = rows.assign(order=rows["indicator"].map(order))
    rows = rows.sort_values(["order", "subject"], kind="stable", ignore_index=True)
    for name in ("level", "name"):
        rows[name] = rows[name].fillna(rows[f"{name}_old"])
    # roads and chiefs without any amount have no row; units that are not there have none, either, but are no zeros
    unlisted = rows["subject_kind"] != "unit"
    for side in SIDES:
        for when in ("before", "after"):
            column = f"{side}_int_{when}"
            amounts = rows[column].astype("Int64")
            rows[column] = amounts.mask(unlisted & amounts.isna(), 0)
    scale = [quantities(figures.indicators[name]) for name in rows["indicator"]]
    for place, side in enumerate(("numerator", "denominator")):
        change = (rows[f"{side}_int_after"] - rows[f"{side}_int_before"]).astype("Float64")
        rows[f"{side}_change"] = change.to_numpy(float, na_value=np.nan) * [pair[place] for pair in scale]
    rows["value_change"] = rows["value_after"].astype(float) - rows["value_before"].astype(float)
    for column in ("display_before", "display_after", "grade_before", "grade_after"):
        rows[column] = rows[column].fillna("")
    return rows if "basis" in rows else rows.assign(basis="stored")


def changed_figures(before: Figures, after: Figures) -> pd.DataFrame:
    """All figures that are not the same in two runs, as both hold them: what a revision corrects."""
    known = list(after.indicators)
    tables = [all_figures(one) for one in (before, after)]
    old, new = (table[table["indicator"].isin(known)] for table in tables)
    rows = join(old, new, after)
    differ = np.zeros(len(rows), dtype=bool)
    for name in [*(f"{side}_int" for side in SIDES), "display", "grade"]:
        was, is_ = rows[f"{name}_before"], rows[f"{name}_after"]
        differ |= ~((was == is_).fillna(False) | (was.isna() & is_.isna())).to_numpy(bool)
    titles = {name: one.title(after.workspace.county.languages[0]) for name, one in after.indicators.items()}
    return rows[differ].assign(title=lambda kept: kept["indicator"].map(titles)).reset_index(drop=True)


def _scene(figures: Figures) -> Scene:
    return Scene.of_run(figures.store, figures.workspace, figures.layers, figures.run)


def _nothing() -> pd.DataFrame:
    return pd.DataFrame(columns=[*ORDER, "level", "name", *SIDED, "basis"])


def _keyed(rows: pd.DataFrame) -> pd.Series:
    """What tells rows apart."""
    keys: pd.Series = rows["indicator"].astype(str) + "\0" + rows["subject"].astype(str)
    return keys


def _rows(figures: Figures, choice: Choice) -> pd.DataFrame | None:
    """Figures of a run; None where it does not know the unit or the indicator."""
    if choice.unit is not None and choice.unit not in set(figures.units["code"]):
        return None
    if choice.indicator is not None and choice.indicator not in figures.indicators:
        return None
    return figures.table(
        choice.level, choice.unit, choice.indicator, choice.chief, choice.roads, choice.chiefs
    )


def _counts_units(figures: Figures, name: str) -> bool:
    """True for indicators that count units, or are told of them: new units are no continuation of the old ones."""
    one = figures.indicators[name]
    return one.kind not in KINDS or (one.of is not None and figures.layers[one.of.layer].role == "unit")


def _moved(before: Figures, after: Figures, noise: float) -> set[str]:
    """Codes, and with ``*`` the rests of units, whose ground is new or another by more than *noise* (mm²)."""
    old, new = _outlines(before), _outlines(after)
    differing = {code for code in old.keys() | new.keys() if old.get(code) != new.get(code)}
    areas = [_areas(figures) for figures in (before, after)]
    for code in areas[1].index:
        if abs(areas[1][code] - areas[0].get(code, 0)) > noise:
            differing.add(str(code))
    # what units leave is another where any of them is
    above = {
        code[:digits] + "*" for code in differing for digits in after.workspace.county.layout.lengths.values()
    }
    return differing | (above & set(areas[1].index))


def _outlines(figures: Figures) -> dict[str, bytes]:
    """Outline of every unit of the run's day, as stored."""
    day = dt.date.fromisoformat(figures.run.as_of)
    found: dict[str, bytes] = {}
    for layer in figures.layers.units.values():
        rows = figures.store.read(layer.name, load=figures.run.versions.get(layer.name, 0))
        frame = units_on(rows, day)
        found |= dict(zip(frame["code"], shapely.to_wkb(frame.geometry.to_numpy(object)), strict=True))
    return found


def _areas(figures: Figures) -> pd.Series:
    """Square millimetres of every unit, and with ``*`` of what its units leave."""
    cells = figures.cells
    owner, area = cells["unit"].astype(str), cells["area_mm2"].astype(np.int64)
    rest = cells["remainder"].astype(bool)
    parts = [area[rest].groupby(owner[rest] + "*").sum()]
    for digits in figures.workspace.county.layout.lengths.values():
        long = owner.str.len() >= digits
        parts.append(area[long].groupby(owner[long].str[:digits]).sum())
    areas: pd.Series = pd.concat(parts)
    return areas
