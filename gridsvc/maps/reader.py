"""Reading for pages: layers and results as they were for a run, moved to pixels."""

from __future__ import annotations

import datetime as dt
from collections.abc import Iterable, Sequence
from dataclasses import dataclass
from functools import cached_property
from typing import Any

import geopandas
import numpy as np
import pandas as pd

from gridsvc.codes import LEVEL_TITLES, LEVELS
from gridsvc.coverage.figures import Figures
from gridsvc.coverage.indicators import Indicator
from gridsvc.coverage.scene import Scene
from gridsvc.duties.people import People
from gridsvc.duties.roads import texts
from gridsvc.layers import Layer, Layers
from gridsvc.maps.assets import AssetLayer
from gridsvc.maps.ground import Areas, Ground, Lines, Units
from gridsvc.maps.model import NOTHING, Person, Stamp
from gridsvc.maps.phrases import PHRASES
from gridsvc.maps.pixels import to_pixels
from gridsvc.maps.style import Style
from gridsvc.partition.validity import units_on
from gridsvc.settings import Workspace
from gridsvc.store import RunRecord, Store
from gridsvc.text import bilingual


def stamp_of(
    workspace: Workspace,
    run: RunRecord | None,
    sources: Sequence[str] = (),
    left_out: Iterable[Indicator] = (),
) -> Stamp:
    """What all pages of *run*, made of data from *sources* and without some indicators, say about themselves."""
    county = workspace.county
    return Stamp(
        county=county.name,
        languages=county.languages,
        as_of=run.as_of if run else "",
        run=run.id if run else None,
        status=run.status if run else "",
        label=run.label if run else "",
        created=run.created if run else "",
        marking=county.marking,
        approval=county.map_approval,
        synthetic=county.synthetic,
        sources=tuple(sources),
        left_out=tuple(one.title for one in left_out),
    )


def text_of(value: Any) -> str:
    """A text without outer blanks; empty for a missing value."""
    return "" if value is None or pd.isna(value) else str(value).strip()


def people_of(
    people: People, layers: Layers, *, phones: bool
) -> tuple[dict[str, Person], list[str], dict[str, str]]:
    """All persons by id, the chiefs' ids by level and id, and the chiefs' notes."""
    titles = {
        value.value: bilingual(value.en, value.zh if value.zh.endswith("路长") else f"{value.zh}路长")
        for value in layers["chiefs"].fields["level"].values
    }
    found, notes = {}, {}
    chiefs = people.chiefs.sort_values(["level", "chief_id"], na_position="last")
    for row in chiefs.to_dict("records"):
        found[row["chief_id"]] = Person(
            row["chief_id"],
            text_of(row["name"]),
            text_of(row["title"]),
            titles.get(row["level"], NOTHING),
            text_of(row["department"]),
            text_of(row["phone"]) if phones else "",
        )
        notes[row["chief_id"]] = text_of(row["note"])
    for row in people.officers.to_dict("records"):
        phone = text_of(row["phone"]) if phones else ""
        officer = Person(
            row["officer_id"], text_of(row["name"]), "", PHRASES["officer"], text_of(row["department"]), phone
        )
        found.setdefault(row["officer_id"], officer)
    return found, list(chiefs["chief_id"]), notes


def records(table: pd.DataFrame) -> list[dict[str, Any]]:
    """Rows of a table by column."""
    names = [str(name) for name in table]
    columns = [table[name].tolist() for name in table]
    return [dict(zip(names, row, strict=True)) for row in zip(*columns, strict=True)]


def of_persons(indicator: Indicator, layers: Layers) -> bool:
    """True for figures that persons can have: of roads and assets, not of areas, residents or units."""
    counted = [select.layer for select in (indicator.of, indicator.per_of) if select is not None]
    return indicator.for_chiefs and all(layers[name].role in ("road", "asset") for name in counted)


def chief_figures(figures: Figures, holders: Iterable[str]) -> dict[str, list[dict[str, Any]]]:
    """The figures of every chief by id, and of all *holders*: a row for each indicator that persons can have."""
    counted = set(figures.indicators) - {one.id for one in figures.left_out}
    applies = {name for name in counted if of_persons(figures.indicators[name], figures.layers)}
    # a chief that nobody is has every row, with the reason why nothing can be counted
    blank = [row for row in records(figures.table(chief="")) if row["indicator"] in applies]
    place = {row["indicator"]: index for index, row in enumerate(blank)}
    found = {str(holder): list(blank) for holder in holders if holder and not pd.isna(holder)}
    for row in records(figures.table(chiefs=True)):
        if row["indicator"] in applies:
            found.setdefault(str(row["subject"]), list(blank))[place[row["indicator"]]] = row
    return found


@dataclass(frozen=True)
class Measure:
    """Where a road feature lies along its road."""

    origin: float
    """Metres along the road at which the feature begins."""
    reverse: bool
    """The feature is drawn against its road."""
    length: float

    def span(self, start: float, end: float) -> tuple[float, float]:
        """Metres along the road of two measures along the feature, the lesser first."""
        if self.reverse:
            start, end = self.length - end, self.length - start
        return self.origin + start, self.origin + end


@dataclass
class Reader:
    """Reads layers as they were for the run, in pixels."""

    store: Store
    workspace: Workspace
    layers: Layers
    style: Style
    run: RunRecord | None

    def layer(self, name: str) -> geopandas.GeoDataFrame:
        """A layer in longitude, latitude."""
        load = self.run.versions.get(name) if self.run else None
        # a layer that held nothing when the run was made has version 0
        return self.store.read(name, load=load) if load else self.store.read(name)

    def plain(self, table: str) -> pd.DataFrame:
        """A result table without geometry."""
        return pd.DataFrame(self.store.result(table, self.run.id if self.run else None))

    def shaped(self, table: str) -> pd.DataFrame:
        """A result table with its geometry as ``shape`` in pixels."""
        frame = self.store.result(table, self.run.id if self.run else None)
        shapes = to_pixels(frame.geometry.to_numpy(object))
        return pd.DataFrame(frame.drop(columns="geometry")).assign(shape=shapes)

    def stretches(self, roads: geopandas.GeoDataFrame) -> pd.DataFrame:
        """The run's stretches with ``metres``: each line of a divided road is half of it, as in the figures."""
        frame = self.shaped("stretches")
        divided = roads["key"][texts(roads, "carriageway") == "divided"]
        share = np.where(frame["road_id"].isin(divided), 0.5, 1.0)
        return frame.assign(metres=(frame["to_m"] - frame["from_m"]) * share)

    def ground(
        self, roads: geopandas.GeoDataFrame, figures: Figures | None, day: dt.date | None = None
    ) -> Ground:
        """What lies under all maps; units as their cells make them, without *figures* as drawn for *day* (today)."""
        lines = Lines(
            to_pixels(roads.geometry.to_numpy(object)),
            roads["class"].to_numpy(object),
            roads["road_name"].to_numpy(object),
        )
        return Ground(self.style, lines, tuple(self._areas()), dict(self._units(figures, day)))

    def _areas(self) -> Iterable[Areas]:
        """Layers with areas: places, and the assets that the style draws as ground."""
        for layer in self.layers.values():
            drawn = layer.role == "place" or (layer.role == "asset" and layer.name in self.style.areas)
            if not drawn or 2 not in layer.dimensions or not self.style.area(layer.name).drawn:
                continue
            frame = self.layer(layer.name)
            frame = frame[frame.geometry.geom_type.isin(["Polygon", "MultiPolygon"])]
            names = frame["name"] if "name" in frame else pd.Series([None] * len(frame), dtype=object)
            if len(frame):
                shapes = to_pixels(frame.geometry.to_numpy(object))
                yield Areas(layer.name, layer.title, shapes, names.to_numpy(object))

    def _units(self, figures: Figures | None, day: dt.date | None) -> Iterable[tuple[str, Units]]:
        for level in LEVELS:
            if figures is None:
                frame = units_on(self.layer(self.layers.units[level].name), day or dt.date.today())
            else:
                frame = figures.unit_shapes(level)
            names = [text_of(name) for name in frame["name"]]
            shapes = to_pixels(frame.geometry.to_numpy(object))
            yield level, Units(level, LEVEL_TITLES[level], list(frame["code"]), names, shapes)

    def assets(self, *, personal: bool) -> dict[str, AssetLayer]:
        """Every asset layer by name."""
        return {layer.name: self._asset(layer, personal) for layer in self.layers.of_role("asset")}

    @cached_property
    def _scene(self) -> Scene | None:
        """The day as the figures saw it."""
        if self.run is None:
            return None
        return Scene(self.store, self.workspace, self.layers, dt.date.fromisoformat(self.run.as_of))

    def measures(self) -> dict[str, Measure]:
        """How metres along each road feature become metres along its road; roads that form no line have none."""
        if self._scene is None:
            return {}
        roads = self._scene.roads
        length = roads.segments.length(np.arange(len(roads))) / 1e9
        table = zip(roads.frame["key"], roads.origin / 1e9, roads.reverse, length, strict=True)
        return {
            str(key): Measure(float(origin), bool(reverse), float(long))
            for key, origin, reverse, long in table
            if origin >= 0
        }

    def _asset(self, layer: Layer, personal: bool) -> AssetLayer:
        frame = self.layer(layer.name)
        state = self.style.state_field(layer)
        if state == layer.observed and state and self._scene is not None:
            # as last observed on or before the run's day
            seen = self._scene.layer(layer.name)
            frame = frame.assign(
                **{state: frame["key"].map(dict(zip(seen["key"], seen[state], strict=True)))}
            )
        shapes = to_pixels(frame.geometry.to_numpy(object))
        return AssetLayer(layer, pd.DataFrame(frame.drop(columns="geometry")), shapes, state, personal)
