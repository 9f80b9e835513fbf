"""The ground under a map: there is no base map offline, so it is drawn from the county's own layers."""

from __future__ import annotations

from collections.abc import Set
from dataclasses import dataclass, field
from functools import cached_property
from typing import Any

import numpy as np
import numpy.typing as npt
import pandas as pd
import shapely

from gridsvc.maps.cutting import EDGE, clip, filled, first, joined, nearest, outside, segments
from gridsvc.maps.model import Group, Sheet, no_geometries
from gridsvc.maps.phrases import PHRASES
from gridsvc.maps.pixels import Bounds, Geometries, bounds_of, grow, pixels_per_metre
from gridsvc.maps.style import Area, Road, Style
from gridsvc.text import Text

# metres by which lines may differ from what was delivered: near the subject, and on the rest of the sheet
FINE, COARSE = 0.4, 8.0
# vertices that the ground may take of a page, by what it shows
ROADS, AREAS, FAR = 26_000, 34_000, 12_000
# square metres from which an area is drawn on the whole sheet
LARGE = 20_000


@dataclass(frozen=True)
class Lines:
    """Roads: geometry in pixels, class and name, one row a feature."""

    geometry: Geometries
    classes: npt.NDArray[np.object_]
    names: npt.NDArray[np.object_]

    @cached_property
    def tree(self) -> shapely.STRtree:
        """Index of the geometries."""
        return shapely.STRtree(self.geometry)

    @cached_property
    def named(self) -> tuple[list[str], Geometries, list[str]]:
        """Names, their lines joined end to end (names want long lines), and the first class of each."""
        table = pd.DataFrame({"name": self.names, "class": self.classes, "row": np.arange(len(self.names))})
        groups = table[table["name"].notna() & (table["name"] != "")].groupby("name", sort=True)
        rows = groups["row"].apply(np.asarray)
        merged = [shapely.line_merge(shapely.multilinestrings(_lines(self.geometry[part]))) for part in rows]
        classes = groups["class"].first()
        return list(rows.index), np.asarray(merged, dtype=object), ["" if pd.isna(c) else c for c in classes]


@dataclass(frozen=True)
class Areas:
    """One layer of areas drawn under the roads."""

    layer: str
    title: Text
    geometry: Geometries
    names: npt.NDArray[np.object_]

    @cached_property
    def tree(self) -> shapely.STRtree:
        """Index of the geometries."""
        return shapely.STRtree(self.geometry)


@dataclass(frozen=True)
class Units:
    """The units of one level: polygons in pixels that share their edges."""

    level: str
    title: Text
    codes: list[str]
    names: list[str]
    geometry: Geometries

    @cached_property
    def tree(self) -> shapely.STRtree:
        """Index of the geometries."""
        return shapely.STRtree(self.geometry)


def _lines(geometries: Geometries) -> Geometries:
    """The lines that lines and multi-lines consist of."""
    parts = shapely.get_parts(geometries)
    return np.asarray(parts[shapely.get_num_coordinates(parts) > 1], dtype=object)


@dataclass(frozen=True)
class Ground:
    """Everything that lies under the subject of a map."""

    style: Style
    roads: Lines
    areas: tuple[Areas, ...]
    units: dict[str, Units]
    """By level, county first."""
    _cache: dict[str, Any] = field(default_factory=dict, compare=False)

    @cached_property
    def bounds(self) -> Bounds:
        """Bounds of the county (of the roads, where no county is known)."""
        shapes = [units.geometry for units in self.units.values()]
        return bounds_of(*shapes) or bounds_of(self.roads.geometry) or (0.0, 0.0, 1.0, 1.0)

    @cached_property
    def scale(self) -> float:
        """Pixels in a metre of ground."""
        return pixels_per_metre((self.bounds[1] + self.bounds[3]) / 2)

    @cached_property
    def origin(self) -> tuple[float, float]:
        """The whole pixel in the middle: one for all pages, so that what they share is encoded once."""
        west, north, east, south = self.bounds
        return float(round((west + east) / 2)), float(round((north + south) / 2))

    def sheet(self, groups: list[Group], view: Bounds) -> Sheet:
        """A map of *groups* over this ground."""
        return Sheet(groups, view, self.limit(), self.origin)

    @cached_property
    def plain(self) -> list[Group]:
        """Ground of maps of the whole county; shared by all of them."""
        return self.groups(no_geometries())

    def limit(self) -> Bounds:
        """How far one may move on a map of the county."""
        width = max(self.bounds[2] - self.bounds[0], self.bounds[3] - self.bounds[1])
        return grow(self.bounds, 0.05 * width)

    def groups(self, own: Geometries, without: Set[str] = frozenset()) -> list[Group]:
        """What lies under a map in drawing order, with all detail around *own* (pixels), if there is any.

        Roads whose names are in *without* are drawn without them: the subject bears its own names.
        """
        box = self._neighbourhood(own) if len(own) else None
        groups = [self._land, *self._areas(own, box), *self._roads(own, box, without)]
        return [group for group in groups if group.count]

    def _neighbourhood(self, own: Geometries) -> Bounds | None:
        """The box around *own* that is drawn with all detail: about as wide as tall, as screens are."""
        bounds = bounds_of(own)
        if bounds is None:
            return None
        west, north, east, south = grow(bounds, 600 * self.scale)
        half = max(east - west, (south - north) * 1.2) / 2
        middle, tall = (west + east) / 2, max(south - north, half * 1.4) / 2
        height = (north + south) / 2
        return grow((middle - half, height - tall, middle + half, height + tall), 0.12 * half)

    def _fine(self, key: str, geometry: Geometries) -> Geometries:
        """Geometries with all the detail that a page shows."""
        if f"fine-{key}" not in self._cache:
            self._cache[f"fine-{key}"] = shapely.simplify(geometry, FINE * self.scale)
        fine: Geometries = self._cache[f"fine-{key}"]
        return fine

    @cached_property
    def _land(self) -> Group:
        county = next((units for units in self.units.values() if len(units.geometry)), None)
        land = county.geometry if county else no_geometries()
        simple = shapely.simplify(land, COARSE * self.scale)
        return Group("land", "land", simple, {"fill": self.style.ground.land})

    def _areas(self, own: Geometries, box: Bounds | None) -> list[Group]:
        groups = []
        styles = [(areas, self.style.area(areas.layer)) for areas in self.areas]
        # what shows from afar lies lowest
        styles.sort(key=lambda pair: pair[1].from_zoom)
        for areas, style in styles:
            geometry, names = self._near_areas(areas, own, box)
            if not style.from_zoom:
                far = self._far_areas(areas, box)
                geometry, names = np.concatenate([geometry, far]), [*names, *[""] * len(far)]
            groups.append(self._area_group(areas, style, geometry, names))
        return groups

    def _area_group(self, areas: Areas, style: Area, geometry: Geometries, names: list[str]) -> Group:
        labels = None
        if any(names):
            colour = style.label or self.style.ground.label
            labels = {"names": names, "size": 11, "weight": 400, "colour": colour, "room": 0.9}
        plain = {"fill": style.fill, "stroke": style.stroke}
        return Group(
            f"area-{areas.layer}", "area", geometry, plain, areas.title, "ground",
            from_zoom=style.from_zoom, labels=labels,
        )  # fmt: skip

    def _near_areas(self, areas: Areas, own: Geometries, box: Bounds | None) -> tuple[Geometries, list[str]]:
        if box is None:
            return no_geometries(), []
        rows = np.sort(areas.tree.query(shapely.box(*box)))
        clipped = clip(self._fine(areas.layer, areas.geometry)[rows], box)
        kept = np.flatnonzero(~shapely.is_empty(clipped))
        kept = kept[nearest(clipped[kept], own, AREAS)]
        return clipped[kept], ["" if pd.isna(name) else str(name) for name in areas.names[rows[kept]]]

    def _far_areas(self, areas: Areas, box: Bounds | None) -> Geometries:
        """Large areas of the whole county, simplified, without what is drawn in detail already."""
        key = f"far-{areas.layer}"
        if key not in self._cache:
            large = shapely.area(areas.geometry) > LARGE * self.scale**2
            simple = shapely.simplify(areas.geometry[large], COARSE * self.scale)
            order = np.argsort(-shapely.area(simple), kind="stable")
            self._cache[key] = simple[order][first(simple[order], FAR)]
        far: Geometries = self._cache[key]
        return far if box is None else outside(far, box)

    def _roads(self, own: Geometries, box: Bounds | None, without: Set[str]) -> list[Group]:
        if not len(self.roads.geometry):
            return []
        groups = self._road_lines(own, box)
        names, lines, classes = self.roads.named
        main = np.asarray([not self.style.road(c).from_zoom for c in classes], dtype=bool)
        labels = [("names-main", main, 12.5, 12)]
        if box is not None:
            labels.append(("names", ~main, 15.0, 11))
        for group, chosen, from_zoom, size in labels:
            rows = np.flatnonzero(chosen & ~np.isin(names, list(without)))
            if box is not None:
                rows = rows[shapely.intersects(lines[rows], shapely.box(*box))]
            shapes = lines[rows] if box is None else clip(lines[rows], box)
            shapes = shapely.simplify(shapes, 2 * self.scale)
            spec = {"names": [names[row] for row in rows], "along": True, "size": size}
            groups.append(
                Group(
                    group,
                    "label",
                    shapes,
                    {},
                    PHRASES["other_roads"],
                    "ground",
                    from_zoom=from_zoom,
                    labels=spec,
                )
            )
        return groups

    def _road_lines(self, own: Geometries, box: Bounds | None) -> list[Group]:
        """One group a class, the least important first; main roads on the whole sheet, others near *own*."""
        fine = self._fine("roads", self.roads.geometry)
        near, shapes = np.empty(0, dtype=np.intp), no_geometries()
        if box is not None:
            near = np.sort(self.roads.tree.query(shapely.box(*box)))
            shapes = clip(fine[near], box)
            kept = nearest(shapes, own, ROADS)
            near, shapes = near[kept], shapes[kept]
        near_classes = self._style_names(near)
        groups = []
        for name, style in reversed(list(self.style.roads.items())):
            lines = shapes[near_classes == name]
            if not style.from_zoom:
                far = self._far_roads(name)
                lines = np.concatenate([lines, far if box is None else outside(far, box)])
            groups.append(self._road_group(name, style, filled(lines)))
        return groups

    def _style_names(self, rows: npt.NDArray[np.intp]) -> npt.NDArray[np.object_]:
        """Class of each road as the style knows it."""
        known = self.style.roads
        classes = (name if name in known else "default" for name in self.roads.classes[rows])
        return np.asarray(list(classes), dtype=object)

    def _road_group(self, name: str, style: Road, shapes: Geometries) -> Group:
        plain = style.model_dump(exclude={"from_zoom"})
        return Group(
            f"road-{name}", "road", shapes, plain, PHRASES["other_roads"], "ground", from_zoom=style.from_zoom
        )

    def _far_roads(self, name: str) -> Geometries:
        """Lines of one class on the whole sheet, joined and simplified."""
        key = f"roads-{name}"
        if key not in self._cache:
            rows = np.flatnonzero(self._style_names(np.arange(len(self.roads.geometry))) == name)
            lines = _lines(self.roads.geometry[rows])
            merged = shapely.get_parts(shapely.line_merge(shapely.multilinestrings(lines)))
            simple = shapely.simplify(merged, COARSE / 2 * self.scale)
            order = np.argsort(-shapely.length(simple), kind="stable")
            self._cache[key] = simple[order][first(simple[order], FAR)]
        far: Geometries = self._cache[key]
        return far

    def borders(
        self, levels: tuple[str, ...], box: Bounds | None = None, *, exact: bool = False
    ) -> list[Group]:
        """Borders of units, each edge once, at the highest level that it bounds; the lowest level first.

        With *exact* they are as drawn, not simplified.
        """
        groups = []
        for level in reversed(levels):
            if level not in self.units or level not in self.style.units:
                continue
            if exact:
                groups.append(self._border(level, self._drawn_edges[level]))
                continue
            style, whole = self.style.units[level], self._edges[level]
            group = self._cache.setdefault(f"border-{level}", self._border(level, whole))
            if box is not None and style.from_zoom:
                lines = clip(whole, box)
                group = self._border(level, filled(lines))
            groups.append(group)
        return [group for group in groups if group.count]

    def _border(self, level: str, lines: Geometries) -> Group:
        style, title = self.style.units[level], self.units[level].title
        plain = style.model_dump(exclude={"from_zoom"})
        return Group(f"border-{level}", "border", lines, plain, title, "borders", from_zoom=style.from_zoom)

    @cached_property
    def _drawn_edges(self) -> dict[str, Geometries]:
        edges: dict[str, Geometries] = {}
        drawn = np.empty(0, dtype=EDGE)
        for level, units in self.units.items():
            own = np.setdiff1d(segments(units.geometry), drawn)
            drawn = np.union1d(drawn, own)
            edges[level] = joined(own)
        return edges

    @cached_property
    def _edges(self) -> dict[str, Geometries]:
        tolerance = FINE * 2 * self.scale
        return {level: shapely.simplify(lines, tolerance) for level, lines in self._drawn_edges.items()}
