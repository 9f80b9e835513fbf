"""The built fabric on the county's plane: buildings with residents, green areas and car parks."""

from __future__ import annotations

from dataclasses import dataclass
from functools import reduce
from typing import Any

import numpy as np
import shapely
from numpy.typing import NDArray

from gridsvc.sample.along import Streets
from gridsvc.sample.blocks import LAKES, Blocks, boxes_of
from gridsvc.sample.frame import Floats, Geometries, polygons_of, quads
from gridsvc.sample.plan import EAST, NORTH
from gridsvc.sample.settlements import Settlement
from gridsvc.sample.streets import Layout
from gridsvc.sample.water import Water, blob
from gridsvc.sample.yards import Yards, fill

RESIDENTS = 180_000


@dataclass
class Buildings:
    """Building footprints (metres of `frame.CRS`) with use, floors and residents."""

    shapes: Geometries
    uses: NDArray[np.str_]
    floors: NDArray[np.int64]
    residents: NDArray[np.int64]


@dataclass
class Areas:
    """Named, typed polygons (metres of `frame.CRS`): green areas or car parks."""

    shapes: Geometries
    kinds: NDArray[np.str_]
    names: list[str]

    def joined(self, other: Areas) -> Areas:
        """Return both sets as one."""
        return Areas(
            np.concatenate([self.shapes, other.shapes]),
            np.concatenate([self.kinds, other.kinds]),
            self.names + other.names,
        )

    def pick(self, keep: NDArray[np.bool_]) -> Areas:
        """Return some of the areas."""
        return Areas(self.shapes[keep], self.kinds[keep], [self.names[k] for k in np.flatnonzero(keep)])


def care(rng: np.random.Generator) -> Floats:
    """How well each superblock of the core is kept, 0 to 1, by row from the north and column from the west.

    The north-east is new and well kept, the old town and the south-west are not: this is what spreads the figures.
    """
    row, column = np.mgrid[0:7, 0:7]
    slope = 0.62 + 0.045 * (column - 3) - 0.04 * (row - 3)
    return np.asarray(np.clip(slope + rng.normal(0, 0.13, (7, 7)), 0.12, 1.0))


def superblock(uv: Floats) -> tuple[NDArray[np.intp], NDArray[np.intp]]:
    """Return (row, column) of the core's superblock of each plan point."""
    return np.searchsorted(-np.array(NORTH), -uv[:, 1]), np.searchsorted(EAST, uv[:, 0])


def _yards(blocks: Blocks, kept: Floats, rng: np.random.Generator) -> Yards:
    """Fill all plots of one layout."""
    out = Yards()
    for k, (box, use) in enumerate(zip(boxes_of(blocks.plots), blocks.uses, strict=True)):
        bounds = (float(box[0]), float(box[1]), float(box[2]), float(box[3]))
        fill(bounds, use, k, 0.8 + 0.52 * float(kept[k]), rng, out)
    return out


def _on_plots(boxes: list[Any], plots: list[int], ground: Geometries) -> tuple[Geometries, NDArray[np.bool_]]:
    shapes = quads(np.array(boxes).reshape(-1, 4))
    low_high = shapely.bounds(shapes)
    sound = (low_high[:, 2] - low_high[:, 0] > 3) & (low_high[:, 3] - low_high[:, 1] > 3)
    return shapes, sound & shapely.covers(ground[plots], shapely.buffer(shapes, -0.05))


@dataclass
class Fabric:
    """Buildings, green areas (without those along roads) and car parks of the whole county."""

    buildings: Buildings
    greens: Areas
    lots: Areas


def _part(layout: Layout, blocks: Blocks, kept: Floats, rng: np.random.Generator) -> tuple[Any, Areas, Areas]:
    """Fabric of one layout, laid on the plane: (footprints, uses, floors), greens, car parks."""
    yards = _yards(blocks, kept, rng)
    ground = np.array(blocks.plots, dtype=object)
    shapely.prepare(ground)
    houses, fit = _on_plots(yards.houses, yards.house_plots, ground)
    built = (layout.frame.lay(houses[fit]), np.array(yards.uses)[fit], np.array(yards.floors)[fit])
    lots, fit = _on_plots(yards.lots, yards.lot_plots, ground)
    cars = Areas(
        layout.frame.lay(lots[fit]), np.array(yards.lot_kinds, dtype=str)[fit], [""] * int(fit.sum())
    )
    lawns, _ = _on_plots(yards.greens, yards.green_plots, ground)
    lawns, which = polygons_of(shapely.intersection(lawns, ground[yards.green_plots]), 70.0)
    kinds = np.array(yards.green_kinds, dtype=str)[which]
    green = Areas(layout.frame.lay(lawns), kinds, [""] * len(lawns))
    if blocks.parks:
        parks = layout.frame.lay(np.array([shape for _, _, shape in blocks.parks], dtype=object))
        titles = [name for name, _, _ in blocks.parks]
        green = Areas(parks, np.full(len(parks), "公园"), titles).joined(green)
    return built, green, cars


def _residents(
    shapes: Geometries, uses: NDArray[np.str_], floors: NDArray[np.int64], rng: np.random.Generator
) -> Any:
    """Share RESIDENTS among homes by floor area, unevenly; a few homes stand empty."""
    weight = (
        shapely.area(shapes)
        * np.minimum(floors, 8) ** 0.8
        * (uses == "住宅")
        * rng.uniform(0.55, 1.3, len(shapes))
    )
    weight *= rng.random(len(shapes)) > 0.03
    weight += shapely.area(shapes) * 0.12 * (uses == "商业") * (floors > 1) * (rng.random(len(shapes)) < 0.35)
    return np.round(weight * RESIDENTS / weight.sum()).astype(np.int64)


def _rows(places: list[Settlement], rng: np.random.Generator) -> list[Any]:
    """Houses of towns and hamlets that stand on no plot: (footprints, uses, floors) per place."""
    built = []
    for place in places:
        if len(place.houses):
            rows = place.layout.frame.lay(quads(place.houses))
            shops = (place.kind != "hamlet") & (rng.random(len(rows)) < 0.4)
            built.append((rows, np.where(shops, "商业", "住宅"), rng.integers(1, 4, len(rows))))
    return built


def _clear(shapes: Geometries, streets: Streets, water: Water) -> NDArray[np.bool_]:
    """Which footprints stand clear of streets, water and one another (of two that meet, the first stays)."""
    room = shapely.buffer(streets.lines, streets.width / 2 + 1.5)
    near = shapely.STRtree(np.concatenate([room, water.shapes])).query(shapes, "intersects")[0]
    one, two = shapely.STRtree(shapes).query(shapes, "intersects")
    return ~np.isin(np.arange(len(shapes)), np.concatenate([near, two[one < two]]))


def _dig_lakes(green: Areas, water: Water, rng: np.random.Generator) -> None:
    """Put a lake into each park that has one."""
    for name, title in LAKES.items():
        park = green.shapes[green.names.index(name)]
        lake = blob(shapely.get_coordinates(park.centroid)[0], 0.24 * float(park.area) ** 0.5, rng, 26)
        water.add(lake, title, "湖泊")


def make_fabric(
    parts: list[tuple[Layout, Blocks]],
    places: list[Settlement],
    streets: Streets,
    water: Water,
    kept: Floats,
    rng: np.random.Generator,
) -> Fabric:
    """Fill all plots and hamlets; drop what would stand in a street or in water; lakes are added to `water`."""
    built: list[Any] = []
    greens: list[Areas] = []
    lots: list[Areas] = []
    for layout, blocks in parts:
        spots = shapely.get_coordinates(shapely.point_on_surface(np.array(blocks.plots, dtype=object)))
        here = np.full(len(spots), float(rng.uniform(0.2, 0.6)))
        if layout.place == "core":
            here = kept[superblock(spots)]
        house, green, cars = _part(layout, blocks, here, rng)
        built.append(house)
        greens.append(green)
        lots.append(cars)
    built.extend(_rows(places, rng))
    shapes, uses, floors = (np.concatenate([b[k] for b in built]) for k in range(3))
    keep = _clear(shapes, streets, water)
    shapes, uses, floors = shapes[keep], uses[keep], floors[keep]
    green, cars = _dry(reduce(Areas.joined, greens), water), reduce(Areas.joined, lots)
    taken = shapely.STRtree(shapes).query(cars.shapes, "intersects")[0]
    cars = cars.pick(~np.isin(np.arange(len(cars.shapes)), taken))
    _dig_lakes(green, water, rng)
    return Fabric(Buildings(shapes, uses, floors, _residents(shapes, uses, floors, rng)), green, cars)


def _dry(green: Areas, water: Water) -> Areas:
    """Cut rivers out of the green areas."""
    tree = shapely.STRtree(water.shapes)
    hit, body = tree.query(green.shapes, "intersects")
    shapes = green.shapes.copy()
    for k, b in zip(hit, body, strict=True):
        shapes[k] = shapely.difference(shapes[k], water.shapes[b])
    parts, origin = polygons_of(shapes, 60.0)
    return Areas(parts, green.kinds[origin], [green.names[k] for k in origin])
