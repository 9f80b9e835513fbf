"""Figures to read: every unit, zone, road and chief as sums of a stored run's tallies, with value and grade."""

from __future__ import annotations

import datetime as dt
from dataclasses import dataclass
from functools import cached_property

import geopandas as gpd
import numpy as np
import pandas as pd
import shapely

from gridsvc.codes import LEVELS
from gridsvc.coverage.amounts import quantities
from gridsvc.coverage.definitions import definitions_of
from gridsvc.coverage.gap_lists import list_gaps
from gridsvc.coverage.grades import Grade, grade
from gridsvc.coverage.indicators import REPORTED, Indicator, Indicators
from gridsvc.coverage.reasons import NOT_IN_RUN, Reasons
from gridsvc.coverage.reports import KIND, newest, said_of
from gridsvc.coverage.tallies import SIDES
from gridsvc.duties.people import CHIEFS, OFFICERS, People
from gridsvc.errors import NotFoundError, UsageError
from gridsvc.layers import Layers
from gridsvc.partition.faces import Ints
from gridsvc.partition.validity import units_on
from gridsvc.settings import Workspace
from gridsvc.store import RunRecord, Store
from gridsvc.text import Text, bilingual

REST = bilingual("{name}, rest", "{name}其余部分")

COLUMNS = [
    "indicator", "subject_kind", "level", "subject", "name", "numerator", "denominator", "numerator_int",
    "denominator_int", "unknown_int", "exempt_int", "value", "display", "unit", "grade", "goal", "met", "goals",
    "points_off", "reason_en", "reason_zh", "known_share",
]  # fmt: skip


def _goals(indicator: Indicator, grades: list[Grade], index: pd.Index) -> pd.Series:
    """Of each figure every goal, and whether it is met (None where that cannot be said)."""
    nobody = (None,) * len(indicator.goals)
    told = {
        reached: [
            {"value": goal.value, "source": goal.source, "met": met}
            for goal, met in zip(indicator.goals, reached or nobody, strict=True)
        ]
        for reached in {one.reached for one in grades}
    }
    return pd.Series([told[one.reached] for one in grades], index=index, dtype=object)


@dataclass(frozen=True)
class Asked:
    """Units that figures are asked of."""

    subjects: pd.DataFrame
    """``code``, ``name``, ``level``, and ``rest`` for what is left of a unit between those below it."""
    place: Ints
    """Row of the subject that each of the run's cells counts for; the last stands for a cell that is not known."""


@dataclass(frozen=True)
class Figures:
    """The figures of one run."""

    store: Store
    workspace: Workspace
    layers: Layers
    indicators: Indicators
    run: RunRecord

    @classmethod
    def open(
        cls,
        store: Store,
        workspace: Workspace,
        layers: Layers,
        indicators: Indicators,
        run: int | None = None,
    ) -> Figures:
        """Open a run (the newest for None); :class:`NotFoundError` when nothing was computed yet.

        A run is read with the definitions that it was computed with; *indicators*, those of now, stand in for them
        only in runs that are older than their keeping.
        """
        record = store.run(run)
        if record is None:
            raise NotFoundError(
                "nothing is computed yet; run: gridsvc compute", "尚未计算；请先执行：gridsvc compute"
            )
        return cls(store, workspace, layers, definitions_of(store, record, indicators), record)

    @cached_property
    def left_out(self) -> list[Indicator]:
        """Indicators that the run does not have, as a layer they need was never loaded."""
        versions = self.run.versions
        return [one for one in self.indicators.values() if not all(versions.get(name) for name in one.layers)]

    @cached_property
    def cells(self) -> gpd.GeoDataFrame:
        """The run's cells."""
        return self.store.result("cells", self.run.id)

    @cached_property
    def _owners(self) -> pd.Series:
        """Code of the unit that owns each cell."""
        owners: pd.Series = self.cells.set_index("cell")["unit"]
        return owners

    def _read(self, layer: str) -> pd.DataFrame:
        """A layer as it was when the run was computed: its figures never change."""
        return self.store.read(layer, load=self.run.versions.get(layer, 0))

    @cached_property
    def units(self) -> pd.DataFrame:
        """Units of the run's day: ``code``, ``name``, ``level``, ``parent`` ("" for a county), by level and code."""
        layout, day = self.workspace.county.layout, dt.date.fromisoformat(self.run.as_of)
        frames = []
        for level in LEVELS:
            frame = units_on(self._read(self.layers.units[level].name), day)
            codes = frame["code"].tolist()
            parents = [layout.parent(code) or "" for code in codes]
            frames.append(
                pd.DataFrame({"code": codes, "name": frame["name"], "level": level, "parent": parents})
            )
        return pd.concat(frames, ignore_index=True)

    @cached_property
    def people(self) -> People:
        """Chiefs and officers as they were loaded when the run was computed."""
        return People.of(self._read(CHIEFS), self._read(OFFICERS))

    @cached_property
    def _tallies(self) -> dict[tuple[str, str], pd.DataFrame]:
        """The run's sums by indicator and kind of subject."""
        stored = self.store.result("tallies", self.run.id)
        return {
            (str(one), str(kind)): rows for (one, kind), rows in stored.groupby(["indicator", "subject_kind"])
        }

    def _sums(self, indicator: Indicator, kind: str) -> pd.DataFrame:
        """Whole amounts of one indicator by subject."""
        nothing = pd.DataFrame(columns=["subject", *SIDES])
        return self._tallies.get((indicator.id, kind), nothing)[["subject", *SIDES]]

    def area_of(self, code: str) -> int:
        """Square millimetres of a unit, or with ``*`` of what its units leave."""
        owner, rest = self.cells["unit"], code.removesuffix("*")
        mine = owner == rest if rest != code else owner.str.startswith(code)
        return int(self.cells.loc[mine, "area_mm2"].sum())

    # figures

    def table(
        self,
        level: str | None = None,
        unit: str | None = None,
        indicator: str | None = None,
        chief: str | None = None,
        roads: bool = False,
        chiefs: bool = False,
    ) -> pd.DataFrame:
        """Figures as rows; see :data:`COLUMNS`.

        *unit* alone: that unit. *level* (with *unit*: below it): all units of the level, and the remainders that
        lie in none of them, so that the rows add up to their parent. *chief*: that chief; *chiefs*: every one;
        *roads*: every road. Nothing: the counties. ``numerator_int`` and ``denominator_int`` are the exact whole
        amounts; ``numerator`` and ``denominator`` are in base units (metres, square metres, features, persons).
        """
        chosen = [self.indicators[indicator]] if indicator else list(self.indicators.values())
        if chief is not None or chiefs or roads:
            kind = "road" if roads else "chief"
            return self._rows(chosen, [self._by_subject(one, kind, chief) for one in chosen])
        if level is not None and level not in LEVELS:
            raise UsageError(
                f"there is no level {level!r}; there are: {', '.join(LEVELS)}",
                f"没有层级 {level!r}；现有层级：{'、'.join(LEVELS)}",
            )
        if (level, unit) not in self._asked:
            subjects = self._subjects(level, unit).reset_index(drop=True)
            self._asked[level, unit] = Asked(subjects, self._places(subjects))
        asked = self._asked[level, unit]
        return self._rows(chosen, [self._by_unit(one, asked) for one in chosen])

    @cached_property
    def _asked(self) -> dict[tuple[str | None, str | None], Asked]:
        """Units that were asked for, by level and unit."""
        return {}

    def _subjects(self, level: str | None, unit: str | None) -> pd.DataFrame:
        """Units asked for, with the cells of each: ``level``, ``subject``, ``name``, ``prefix``, ``rest``."""
        units = self.units
        if unit is not None and unit not in set(units["code"]):
            raise NotFoundError(f"there is no unit {unit!r}", f"没有编码为 {unit!r} 的单位")
        if level is None:
            chosen = units[units["code"] == unit] if unit else units[units["level"] == LEVELS[0]]
            return chosen.assign(rest=False)
        below = units[(units["level"] == level) & units["code"].str.startswith(unit or "")]
        order = LEVELS.index(level)
        higher = units[[LEVELS.index(name) < order for name in units["level"]]]
        higher = higher[higher["code"].str.startswith(unit or "")]
        owners = set(self.cells.loc[self.cells["remainder"].astype(bool), "unit"])
        rest = higher[higher["code"].isin(owners)].assign(rest=True)
        return pd.concat([below.assign(rest=False), rest], ignore_index=True)

    def _by_unit(self, indicator: Indicator, asked: Asked) -> pd.DataFrame:
        """Sums over the cells of each unit asked for; reported values of the units themselves."""
        subjects = asked.subjects
        if indicator.kind == REPORTED:
            return self._by_report(indicator, subjects)
        rows = self._sums(indicator, "cell")
        place = asked.place[self._owners.index.get_indexer(pd.Index(rows["subject"]))]
        kept = place >= 0
        sums = np.zeros((len(subjects), len(SIDES)), dtype=np.int64)
        np.add.at(sums, place[kept], rows[list(SIDES)].to_numpy(np.int64)[kept])
        return self._titled(
            subjects[["code", "name", "level", "rest"]].assign(
                **{side: sums[:, number] for number, side in enumerate(SIDES)}
            )
        )

    def _places(self, subjects: pd.DataFrame) -> Ints:
        """Row of *subjects* that each of the run's cells counts for, -1 for none; units of a level share none."""
        owners, lengths = self._owners.reset_index(drop=True), self.workspace.county.layout.lengths
        found = np.full(len(owners), -1, dtype=np.int64)
        for (level, rest), group in subjects.groupby(["level", "rest"], sort=False):
            digits = lengths[str(level)]
            codes = owners if rest else owners.str[:digits].where(owners.str.len() >= digits, "")
            rows = pd.Series(group.index, index=group["code"]).reindex(codes)
            found = np.where(rows.notna(), rows.fillna(-1), found).astype(np.int64)
        return np.append(found, -1)

    def _by_report(self, indicator: Indicator, subjects: pd.DataFrame) -> pd.DataFrame:
        """What was reported for each unit asked for, and for nothing in it or left over between."""
        sums = self._sums(indicator, KIND).set_index("subject").astype(np.int64)
        named = subjects[["code", "name", "level", "rest"]].reset_index(drop=True)
        found = sums.reindex(named["code"].where(~named["rest"].astype(bool)), fill_value=0)
        return self._titled(pd.concat([named, found.reset_index(drop=True)], axis=1))

    def _titled(self, table: pd.DataFrame) -> pd.DataFrame:
        """Units' sums under the codes and names by which they are asked for."""
        left_over = table["rest"].to_numpy(bool)
        table["subject"] = table["code"] + np.where(left_over, "*", "")
        table["name"] = [
            self.title(name, rest=left) for name, left in zip(table["name"], left_over, strict=True)
        ]
        return table.assign(subject_kind="unit")

    def title(self, name: str, *, rest: bool) -> str:
        """Name to show for a unit, or for what belongs to none of the units in it."""
        return REST(self.workspace.county.languages[0]).format(name=name) if rest else name

    def _by_subject(self, indicator: Indicator, kind: str, subject: str | None) -> pd.DataFrame:
        """Stored sums of roads or chiefs; a chief asked for by id has a row for every indicator."""
        table = self._sums(indicator, kind)
        if subject is not None:
            table = table[table["subject"] == subject]
            if table.empty:
                table = pd.DataFrame({"subject": [subject], **{side: [0] for side in SIDES}})
        names = self._names(kind)
        return table.assign(
            subject_kind=kind, level="", name=[names.get(code) or code for code in table["subject"]]
        )

    def _names(self, kind: str) -> dict[str, str]:
        """Names of chiefs or roads by subject."""
        if kind == "chief":
            people = self._read(CHIEFS)
            return dict(zip(people["key"], people["name"], strict=True))
        # a road with one code may have several names in turn: the first
        roads = self._read(self.layers.roads.name).dropna(subset=["road_code", "road_name"])
        roads = roads.drop_duplicates("road_code")
        return dict(zip(roads["road_code"], roads["road_name"], strict=True))

    def _rows(self, indicators: list[Indicator], tables: list[pd.DataFrame]) -> pd.DataFrame:
        """Values, displays, grades and reasons for sums."""
        parts = [self._graded(one, table) for one, table in zip(indicators, tables, strict=True)]
        rows = pd.concat([part for part in parts if len(part)] or parts[:1], ignore_index=True)
        return rows.reindex(columns=COLUMNS)

    def _graded(self, indicator: Indicator, table: pd.DataFrame) -> pd.DataFrame:
        above, below = quantities(indicator)
        sides = {side: table[side].astype(np.int64).tolist() for side in SIDES}
        amounts = zip(*(sides[side] for side in ("numerator", "denominator", "unknown")), strict=True)
        grades = [grade(indicator, good, size, unknown) for good, size, unknown in amounts]
        subjects = zip(
            *(sides[side] for side in ("denominator", "unknown", "exempt")),
            table["subject_kind"],
            table["subject"],
            strict=True,
        )
        reasons = [
            self._reasons.why(indicator, kind, subject, size, unknown, exempt)
            for size, unknown, exempt, kind, subject in subjects
        ]
        if self._defined_since(indicator):
            reasons = [NOT_IN_RUN] * len(table)
        if indicator.kind == REPORTED:
            told = self._reports(indicator)
            reasons = [told.get(code, why) for code, why in zip(table["subject"], reasons, strict=True)]
        # a density's two sides are of different things, of which no share is known
        seen = [
            (d + u) * indicator.rated for d, u in zip(sides["denominator"], sides["unknown"], strict=True)
        ]
        shown = {
            "indicator": indicator.id,
            "numerator": np.array(sides["numerator"], dtype=float) * above,
            "denominator": np.array(sides["denominator"], dtype=float) * below,
            "numerator_int": sides["numerator"],
            "denominator_int": sides["denominator"],
            "unknown_int": sides["unknown"],
            "exempt_int": sides["exempt"],
            "value": [float(one.value) if one.value is not None else np.nan for one in grades],
            "display": [one.display for one in grades],
            "unit": indicator.unit,
            "grade": [one.grade for one in grades],
            "goal": np.nan if indicator.goal is None else indicator.goal,
            "met": pd.array([one.met for one in grades], dtype="boolean"),
            "goals": _goals(indicator, grades, table.index),
            "points_off": [np.nan if one.points_off is None else float(one.points_off) for one in grades],
            "reason_en": [reason.en if reason else "" for reason in reasons],
            "reason_zh": [reason.zh if reason else "" for reason in reasons],
            "known_share": [d / s if s else np.nan for d, s in zip(sides["denominator"], seen, strict=True)],
        }
        return pd.DataFrame(
            {name: shown[name] if name in shown else table[name] for name in COLUMNS}, index=table.index
        )

    def _defined_since(self, indicator: Indicator) -> bool:
        """Whether the run is of other definitions, has its layers, and yet no sums of it at all."""
        if self.run.definitions == self.indicators.digest or indicator in self.left_out:
            return False
        return not any(name == indicator.id for name, _ in self._tallies)

    def _reports(self, indicator: Indicator) -> dict[str, Text]:
        """By unit: when and by whom its value was reported."""
        return said_of(newest(self._reported, indicator, dt.date.fromisoformat(self.run.as_of)))

    @cached_property
    def _reported(self) -> pd.DataFrame:
        """Everything that offices reported."""
        return self._read(REPORTED)

    @cached_property
    def _reasons(self) -> Reasons:
        return Reasons(self.layers, self.run.versions, self.cells, self.workspace.county.layout)

    # geometry

    @cached_property
    def counties(self) -> pd.DataFrame:
        """The figures of the counties."""
        return self.table(level=LEVELS[0])

    @cached_property
    def stored_gaps(self) -> gpd.GeoDataFrame:
        """The run's gaps as they are stored."""
        return self.store.result("gaps", self.run.id)

    @cached_property
    def _denominators(self) -> dict[str, dict[str, int]]:
        return {}

    def denominators(self, indicator: str) -> dict[str, int]:
        """The whole amount below the line of every unit that has one, by code."""
        if indicator not in self._denominators:
            self._denominators[indicator] = self._below(indicator)
        return self._denominators[indicator]

    def _below(self, indicator: str) -> dict[str, int]:
        rows = self._sums(self.indicators[indicator], "cell")
        owner = self._owners.reindex(rows["subject"]).reset_index(drop=True)
        amount = rows["denominator"].astype(np.int64).reset_index(drop=True)
        found: dict[str, int] = {}
        for digits in self.workspace.county.layout.lengths.values():
            deep = owner.str.len() >= digits
            sums = amount[deep].groupby(owner[deep].str[:digits]).sum()
            found |= dict(zip(sums.index.astype(str), sums.tolist(), strict=True))
        return found

    def gaps(
        self, indicator: str | None = None, unit: str | None = None, chief: str | None = None
    ) -> gpd.GeoDataFrame:
        """The run's gaps, narrowed to an indicator, a unit (and all below it), a chief; the worst first.

        Worst is what brings the county the largest part of its way to the goal, then what gains it most.

        ``gain_county`` is what closing a gap adds to the county's figure, in the indicator's unit, ``gain_own`` what
        it adds to the figure of the unit or chief asked for, else of the gap's ``unit``. A stretch stands under every
        unit that it lies along: ``size`` is its length on the ground, ``own`` the part that counts in that figure, so
        ``own`` of neighbouring units adds up. ``since``: the first day from which it is known to stand;
        ``inherited``: whether that is before the duties of all who answer for it, or of the chief asked for.
        """
        return list_gaps(self, indicator, unit, chief)

    def unit_shapes(self, level: str) -> gpd.GeoDataFrame:
        """Each unit of *level* as the union of its cells: ``code``, ``name``, geometry in longitude, latitude."""
        digits = self.workspace.county.layout.lengths[level]
        cells = self.cells[self.cells["unit"].str.len() >= digits]
        groups = pd.Series(cells.geometry.to_numpy(), index=cells["unit"].str[:digits].to_numpy(object))
        shapes = groups.groupby(level=0).agg(lambda part: shapely.coverage_union_all(part.to_numpy(object)))
        names = self.units.set_index("code")["name"]
        return gpd.GeoDataFrame(
            {"code": shapes.index.to_numpy(object), "name": names.reindex(shapes.index).to_numpy(object)},
            geometry=shapes.to_numpy(object),
            crs=self.cells.crs,
        )
