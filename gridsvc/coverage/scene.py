"""Everything a computation needs, read once: layers in metres, states of the day, cells, roads, duties."""

from __future__ import annotations

import datetime as dt
from collections.abc import Callable, Iterable, Mapping
from copy import copy
from dataclasses import dataclass
from functools import cached_property, partial
from typing import Any, Self

import geopandas as gpd
import numpy as np
import numpy.typing as npt
import pandas as pd
import pyproj
import shapely

from gridsvc.codes import LEVELS
from gridsvc.coverage.clauses import Choice, DeadEnd, Near, Select, Where
from gridsvc.coverage.dead_ends import DeadEnds, dead_ends
from gridsvc.coverage.indicators import REPORTED
from gridsvc.coverage.network import Network, street_network
from gridsvc.coverage.observations import observed_on, of_layer
from gridsvc.crs import metre_crs, named_crs, require_metres, transform
from gridsvc.duties.assignments import assign
from gridsvc.duties.people import CHIEFS, OFFICERS, People
from gridsvc.duties.roads import Roads
from gridsvc.duties.stretches import DUTIES, Duties, duties_on
from gridsvc.errors import UsageError
from gridsvc.layers import Layers
from gridsvc.partition.areas import ARC
from gridsvc.partition.cells import OUTSIDE, Partition, build_partition
from gridsvc.partition.faces import Ints
from gridsvc.partition.intervals import Intervals
from gridsvc.partition.lineage import LINEAGE
from gridsvc.partition.pieces import Pieces, agree, two_sided
from gridsvc.partition.validity import units_on, valid_on
from gridsvc.partition.workers import ALONE, Kept, Workers, do
from gridsvc.settings import CONFIG_NAME, Workspace
from gridsvc.store import RunRecord, Store

Rows = npt.NDArray[np.bool_]


@dataclass(frozen=True)
class Chosen:
    """Which features of a layer a condition takes: yes, or unknown because a field has no value."""

    yes: Rows
    unknown: Rows

    @property
    def possible(self) -> Rows:
        """Yes or unknown."""
        return self.yes | self.unknown


class Scene:
    """The workspace on one day, ready to be measured; each part is prepared when first asked for."""

    arc = ARC
    """Straight edges per quarter circle of a buffer."""

    def __init__(
        self,
        store: Store,
        workspace: Workspace,
        layers: Layers,
        as_of: dt.date,
        workers: Workers = ALONE,
        versions: Mapping[str, int] | None = None,
    ) -> None:
        """Bind to an open store; nothing is read yet.

        *versions*: load after which each layer is read, by name; without it as they are now.
        """
        self._versions = versions or {}
        self.workers, self.once = workers, Kept().once
        self.store, self.workspace, self.layers, self.as_of = store, workspace, layers, as_of
        self._frames: dict[str, gpd.GeoDataFrame] = {}
        self._targets: dict[str, gpd.GeoDataFrame] = {}
        self._cells: dict[str, Ints] = {}
        self._assigned: dict[str, pd.DataFrame] = {}

    @classmethod
    def of_run(cls, store: Store, workspace: Workspace, layers: Layers, run: RunRecord) -> Self:
        """The workspace as a run saw it: its day, its versions of the layers, its metre CRS."""
        day = dt.date.fromisoformat(run.as_of)
        # a layer that was defined later held nothing then
        scene = cls(store, workspace, layers, day, versions=dict.fromkeys(layers, 0) | run.versions)
        scene.crs = named_crs(run.libraries["metre_crs"])
        return scene

    def stand_on(self, other: Scene) -> None:
        """Take the units, and the metre CRS, of another scene before anything is read: its ground, these features."""
        self.crs = other.crs
        self._frames |= {one.name: other.layer(one.name) for one in self.layers.units.values()}

    def table(self, name: str, *, context: bool = False) -> Any:
        """Stored rows of a layer or table, of the version that the scene is bound to (longitude, latitude)."""
        return self.store.read(name, load=self._versions.get(name), context=context)

    @cached_property
    def crs(self) -> pyproj.CRS:
        """The metre CRS: the one in county.toml, else the one of the county's position."""
        if self.workspace.county.metre_crs:
            where = f"{self.workspace.root / CONFIG_NAME}: metre_crs"
            return require_metres(named_crs(self.workspace.county.metre_crs), where)
        bounds = self.store.bounds()
        if bounds is None:
            raise UsageError(
                "nothing is loaded yet; begin with the boundaries: gridsvc load counties FILE",
                "尚未入库任何数据；请先入库边界：gridsvc load counties 文件",
            )
        west, south, east, north = bounds
        return metre_crs((west + east) / 2, (south + north) / 2)

    def layer(self, name: str) -> gpd.GeoDataFrame:
        """A layer in the metre CRS, with the states of the day, sorted by key; of units those valid on the day."""
        if name not in self._frames:
            frame = self.table(name)
            if self.layers[name].role == "unit":
                frame = units_on(frame, self.as_of)
            self._frames[name] = self._prepared(name, frame)
        return self._frames[name]

    def targets(self, name: str) -> gpd.GeoDataFrame:
        """What of a layer may be near: its own features as in :meth:`layer`, then those of neighbouring counties."""
        if name not in self._targets:
            found, beside = self.layer(name), self.table(name, context=True)
            if len(beside):
                found = pd.concat([found, self._prepared(name, beside)], ignore_index=True)
            self._targets[name] = found
        return self._targets[name]

    def with_targets(self, name: str, points: Any, fields: Mapping[str, Any]) -> Scene:
        """The same place with *points* (metre CRS) added to what of a layer may be near.

        They have the values *fields*; no other fields of these targets can be asked for.
        """
        stands = self.targets(name)
        new = {
            field: pd.array([value] * len(points), dtype=stands[field].dtype)
            for field, value in fields.items()
        }
        added = gpd.GeoDataFrame(new, geometry=np.asarray(points, dtype=object), crs=self.crs)
        other = copy(self)
        other.once = Kept().once
        stands = stands[[*fields, "geometry"]]
        other._targets = {**self._targets, name: pd.concat([stands, added], ignore_index=True)}
        return other

    def _prepared(self, name: str, frame: gpd.GeoDataFrame) -> gpd.GeoDataFrame:
        """Rows of a layer with the states of the day, in the metre CRS."""
        if self.layers[name].observed:
            frame = observed_on(self.layers[name], frame, self.table("observations"), self.as_of)
        if self.layers[name].geometry:
            shapes = transform(frame.geometry.to_numpy(), pyproj.CRS(frame.crs), self.crs)
            frame = gpd.GeoDataFrame(frame.drop(columns="geometry"), geometry=shapes, crs=self.crs)
        return frame

    def read(self, names: Iterable[str]) -> None:
        """Read layers and tables now: a store answers only the thread that opened it."""
        self._held  # noqa: B018
        units = [layer.name for layer in self.layers.units.values()]
        self.reports  # noqa: B018
        for name in {*units, self.layers.zones.name, self.layers.roads.name, *names}:
            if self.layers[name].geometry:
                self.layer(name)

    def place(self) -> None:
        """Find the roads' pieces and the cells of all features read so far."""
        self._exemptions, self.duties, self._agreements  # noqa: B018
        features = [
            name for name, layer in self.layers.items() if name in self._frames and layer.role != "road"
        ]
        points = [partial(self.cell_of, name) for name in features]
        todo: list[Callable[[], Any]] = [lambda: self.pieces, *points]
        self.workers.map(do, todo)

    # cells

    @cached_property
    def _held(self) -> dict[str, int]:
        """Features of every layer in the store, whatever the day."""
        return self.store.counts()

    @cached_property
    def partition(self) -> Partition:
        """The cells."""
        boundaries = {level: self.layer(self.layers.units[level].name) for level in LEVELS}
        held = self._held
        if not any(map(len, boundaries.values())) and any(
            held[one.name] for one in self.layers.units.values()
        ):
            raise UsageError(
                f"no unit is valid on {self.as_of}: see valid_from and valid_to of the boundaries",
                f"{self.as_of} 没有任何有效的单元：请查看边界的启用日期和停用日期",
            )
        county = self.workspace.county
        zones = self.layer(self.layers.zones.name)
        return build_partition(boundaries, zones, county.layout, self.crs, county.sliver_width)

    def in_zone(self, kind: str) -> Rows:
        """Which cells lie in a zone (all, for ""); the last entry stands for what lies outside: never."""
        zones = self.partition.cells["zones"]
        inside = np.array([not kind or kind in names.split() for names in zones], dtype=bool)
        return np.append(inside, False)

    def cell_of(self, name: str) -> Ints:
        """Cell of each feature: by its representative point; a unit's own cell for units."""
        if name not in self._cells:
            frame = self.layer(name)
            points = representatives(frame)
            cell = self.partition.locate(shapely.get_coordinates(points))
            if self.layers[name].role == "unit":
                cell = self._own_cells(frame["code"].to_numpy(object), cell)
            self._cells[name] = cell
        return self._cells[name]

    def _own_cells(self, codes: npt.NDArray[np.object_], cell: Ints) -> Ints:
        """Cell of each unit: where its point lies if that is its own, else its first; else where it lies."""
        owner = self.partition.cells["unit"].to_numpy(object)
        first = pd.Series(np.arange(len(owner)), index=owner).groupby(level=0).first()
        own = first.reindex(codes).fillna(OUTSIDE).to_numpy(np.int64)
        at_home = np.append(owner, "")[cell] == codes
        return np.where(at_home | (own == OUTSIDE), cell, own)

    # roads

    @cached_property
    def roads(self) -> Roads:
        """The road layer with measures."""
        counties = self.layer(self.layers.units[LEVELS[0]].name)
        return Roads.of(self.layer(self.layers.roads.name), self.layers.roads, counties)

    @cached_property
    def streets(self) -> Network:
        """The roads that people walk along, joined where they meet."""
        return street_network(self.roads.segments, ~self._closed)

    @cached_property
    def _closed(self) -> Rows:
        """Roads along which nobody walks, and which others cross without meeting them."""
        closed: Rows = self.roads.frame["class"].isin(self.layers.roads.no_walking).to_numpy(bool)
        return closed

    def dead_ends(self, what: DeadEnd) -> DeadEnds:
        """Dead ends of all roads."""
        return self.once(("dead ends", what.model_dump_json()), partial(self._dead_ends, what))

    def _dead_ends(self, what: DeadEnd) -> DeadEnds:
        segments, everything = self.roads.segments, np.ones(len(self.roads), dtype=bool)
        network = street_network(segments, everything, self._closed, what.gap)
        county = shapely.union_all(self.layer(self.layers.units[LEVELS[0]].name).geometry.to_numpy())
        passable = np.empty(0, dtype=object)
        if what.inside is not None:
            passable = self.layer(what.inside.layer).geometry.to_numpy()[self.choose(what.inside).possible]
        return dead_ends(network, what.longer_than, county, shapely.union_all(passable), what.border)

    @cached_property
    def people(self) -> People:
        """Chiefs and officers."""
        return People.of(self.table(CHIEFS), self.table(OFFICERS))

    @cached_property
    def duties(self) -> Duties:
        """Duties of the day."""
        names = [layer.name for layer in self.layers.units.values()]
        units = {code for name in names for code in self.layer(name)["code"]}
        others = {code for name in names for code in self.table(name)["code"]}
        others |= set(self.table(LINEAGE)["old_code"].dropna())
        duties = self.table(DUTIES)
        return duties_on(self.as_of, duties, self.people, self.roads, units, others - units)

    @cached_property
    def _agreements(self) -> pd.DataFrame:
        """Agreements between neighbours on who has which share of a road."""
        shares: pd.DataFrame = self.table("road_shares")
        return shares

    @cached_property
    def _shared(self) -> tuple[Pieces, pd.DataFrame]:
        """The roads' pieces with agreements between neighbours applied, and the agreements that were not."""
        return self._share()

    def _share(self) -> tuple[Pieces, pd.DataFrame]:
        roads, shares = self.roads, self._agreements
        pieces = two_sided(roads.segments, roads.width, roads.divided, self.partition)
        if shares.empty:
            return pieces, shares
        placed = self._placed(shares, shares["road_id"]).assign(share=lambda rows: rows["share"] / 100)
        pieces, unused = agree(pieces, placed, self.partition)
        lost = shares["key"].isin(unused["key"]) | ~shares["key"].isin(placed["key"])
        return pieces, shares[lost]

    @cached_property
    def pieces(self) -> Pieces:
        """The roads' pieces, two-sided, with agreements applied and cut where duties change."""
        return self._shared[0].cut(self.duties.bounds)

    @property
    def unused_shares(self) -> pd.DataFrame:
        """Agreements that apply nowhere: no such road, the unit on neither side or on both, or contradicted."""
        return self._shared[1]

    def _placed(self, rows: pd.DataFrame, road_id: pd.Series) -> pd.DataFrame:
        """Rows that name a road feature and from–to metres on it, with ``start`` and ``end`` on the axis."""
        row_of = pd.Series(np.arange(len(self.roads)), index=self.roads.frame["key"].to_numpy(object))
        found = rows.assign(row=road_id.map(row_of))
        found = found[found["row"].notna()]
        start, end = self.roads.places(found["row"], found["from_m"], found["to_m"])
        return found.assign(start=start, end=end)

    def stretches_of(self, rows: Rows) -> Intervals:
        """The whole length of some road features."""
        chosen = np.flatnonzero(rows)
        start = self.roads.segments.offset[chosen]
        return Intervals.of(start, start + self.roads.segments.length(chosen))

    def assignments(self, name: str) -> pd.DataFrame:
        """Which road each asset of a layer belongs to; see :func:`gridsvc.duties.assignments.assign`."""
        if name not in self._assigned:
            reach = self.workspace.county.asset_distance
            self._assigned[name] = assign(self.layer(name), self.roads, reach)
        return self._assigned[name]

    # conditions

    def choose(self, select: Choice) -> Chosen:
        """Features that fulfil a choice's ``where`` and ``on``: of :meth:`targets` for what is to be near."""
        frame = self.targets(select.layer) if isinstance(select, Near) else self.layer(select.layer)
        chosen = _matching(frame, select.where)
        if not isinstance(select, Select) or not select.on:
            return chosen
        on = self._on_roads(select.layer, select.on)
        yes = chosen.yes & on.yes
        return Chosen(yes, chosen.possible & on.possible & ~yes)

    def _on_roads(self, name: str, on: Where) -> Chosen:
        """Assets of a layer whose road fulfils *on*; unknown while it waits for confirmation."""
        found, roads = self.assignments(name), _matching(self.roads.frame, on)
        row, sure = found["row"].to_numpy(np.int64), found["confirmed"].to_numpy(bool)
        waits = ~sure & (row != OUTSIDE)
        return Chosen(
            sure & np.append(roads.yes, False)[row], waits | (sure & np.append(roads.unknown, False)[row])
        )

    def matching(self, name: str, where: Where) -> Chosen:
        """Features of a layer whose fields hold one of the given values; without a value it is unknown."""
        return _matching(self.layer(name), where)

    def knows(self, name: str, field: str) -> bool:
        """Whether any feature of a layer has a value in a field."""
        return bool(self.layer(name)[field].notna().any())

    @cached_property
    def reports(self) -> pd.DataFrame:
        """Values that offices reported, of any day."""
        found: pd.DataFrame = self.table(REPORTED)
        return found

    @cached_property
    def _exemptions(self) -> pd.DataFrame:
        return valid_on(self.table("exemptions"), self.as_of)

    def exemptions(self, name: str, indicator: str) -> pd.DataFrame:
        """Exemptions of features of a layer from an indicator that are valid on the day."""
        rows, layer = self._exemptions, self.layers[name]
        if rows.empty:
            return rows
        return rows[of_layer(rows, layer) & rows["indicator"].fillna("").isin(["", indicator])]

    def exempt_features(self, name: str, indicator: str) -> Rows:
        """Features that are left out of an indicator on the day."""
        keys = self.exemptions(name, indicator)["feature_key"]
        exempt: Rows = self.layer(name)["key"].isin(keys).to_numpy(bool)
        return exempt

    def exempt_stretches(self, indicator: str) -> Intervals:
        """Stretches of roads that are left out of an indicator on the day."""
        rows = self.exemptions(self.layers.roads.name, indicator)
        if rows.empty:
            return Intervals.empty()
        placed = self._placed(rows, rows["feature_key"])
        return Intervals.of(placed["start"], placed["end"])

    def versions(self) -> dict[str, Any]:
        """What the computation rests on: newest load of every layer, 0 for one that holds nothing."""
        return self.store.layer_versions()


def _matching(frame: gpd.GeoDataFrame, where: Where) -> Chosen:
    yes, no = np.ones(len(frame), dtype=bool), np.zeros(len(frame), dtype=bool)
    unknown = np.zeros(len(frame), dtype=bool)
    for field, values in where.items():
        missing = frame[field].isna().to_numpy(bool)
        held = frame[field].isin(list(values)).fillna(False).to_numpy(bool)
        unknown |= missing
        no |= ~held & ~missing
        yes &= held
    return Chosen(yes, unknown & ~no)


def representatives(frame: gpd.GeoDataFrame) -> npt.NDArray[np.object_]:
    """A point of each feature: a point itself, else one that surely lies on it."""
    shapes = frame.geometry.to_numpy()
    points: npt.NDArray[np.object_] = shapes.copy()
    other = shapely.get_type_id(shapes) != 0
    points[other] = shapely.point_on_surface(shapes[other])
    return points
