"""The partition of a workspace into cells, and the cell of every point.

Built from below (DESIGN, rule 1): a face belongs to the finest unit drawn over it, the lower code where two of
one level overlap; what a unit's children leave is its remainder; zones cut both. A cell is all faces of one owner
in one set of zones, so cells tile the union of all boundaries exactly once whatever was drawn.
"""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass, field
from typing import Any

import geopandas as gpd
import numpy as np
import numpy.typing as npt
import pandas as pd
import pyproj
import shapely
from scipy.sparse import coo_array
from scipy.sparse.csgraph import connected_components

from gridsvc.codes import LEVELS, CodeLayout
from gridsvc.errors import UsageError
from gridsvc.partition.faces import Faces, Ints, Shapes, covering, draw_faces, snapped
from gridsvc.partition.findings import find_defects
from gridsvc.partition.lookup import Bins

OUTSIDE = -1
"""Cell number of whatever lies in no unit."""
SQUARE_MM = 1e6
POINTS = 200_000
"""Points that are located in one go."""
BIN = 100.0
"""Metres: the size of the bins in which they are looked up."""


@dataclass(frozen=True)
class Units:
    """Boundaries of all levels as rows in canonical order: county first, then by code."""

    level: Ints
    """Index into :data:`gridsvc.codes.LEVELS`."""
    code: npt.NDArray[np.object_]
    shape: Shapes

    @classmethod
    def of(cls, boundaries: Mapping[str, gpd.GeoDataFrame]) -> Units:
        """Stack frames (by level; columns ``code``, geometry in the metre CRS)."""
        frames = [
            pd.DataFrame(
                {"level": LEVELS.index(level), "code": frame["code"], "shape": np.asarray(frame.geometry)}
            )
            for level, frame in boundaries.items()
            if len(frame)
        ]
        if not frames:
            raise UsageError(
                "no boundaries are loaded; load counties, districts, communities and grids first",
                "尚未入库任何边界；请先入库县、街道、社区、网格图层",
            )
        rows = pd.concat(frames).sort_values(["level", "code"], kind="stable")
        return cls(
            rows["level"].to_numpy(np.int64), rows["code"].to_numpy(object), rows["shape"].to_numpy(object)
        )


@dataclass(frozen=True)
class Partition:
    """Cells, in the order of rule 1: grids before remainders, then by code and zones."""

    cells: gpd.GeoDataFrame
    """``cell`` (name), ``unit`` (code of the owner), ``level``, ``remainder``, ``zones`` (kinds, sorted, separated
    by blanks), ``area_mm2`` (int64), geometry in the metre CRS."""
    findings: pd.DataFrame
    """Overlaps, gaps and protrusions: see :func:`gridsvc.partition.findings.find_defects`."""
    crs: pyproj.CRS
    as_drawn: bool = False
    """True where cells keep their own coordinates, which need not be whole millimetres."""
    _ready: Shapes = field(init=False, repr=False, compare=False)
    """Copies of the cells, prepared for points."""

    def __post_init__(self) -> None:
        """Prepare for points, all of it now: GEOS does it at the first question, which threads must not share."""
        ready = shapely.from_wkb(shapely.to_wkb(np.asarray(self.cells.geometry, dtype=object)))
        shapely.prepare(ready)
        west, south, east, north = shapely.bounds(ready).T
        shapely.intersects_xy(ready, (west + east) / 2, (south + north) / 2)
        object.__setattr__(self, "_ready", ready)

    @classmethod
    def of_tiles(cls, codes: Any, shapes: Any, crs: pyproj.CRS) -> Partition:
        """Grids that already tile the ground, each a cell just as it is drawn, in the order given.

        For comparing with tools that take polygons as they are: nothing is snapped, noded or looked for. Raises
        :class:`UsageError` where they overlap, or where neighbours do not share their vertices.
        """
        tiles = np.asarray(shapes, dtype=object)
        if not shapely.coverage_is_valid(tiles):
            raise UsageError(
                "the grids overlap or do not share their vertices; they need to be partitioned",
                "网格相互重叠，或相邻网格的顶点不一致；需要先进行划分",
            )
        table = pd.DataFrame({"cell": codes, "unit": codes, "level": "grid", "remainder": False, "zones": ""})
        table["area_mm2"] = np.rint(shapely.area(tiles) * SQUARE_MM).astype(np.int64)
        return cls(gpd.GeoDataFrame(table, geometry=tiles, crs=crs), pd.DataFrame(), crs, as_drawn=True)

    def locate(self, xy: npt.NDArray[np.float64]) -> Ints:
        """Cell number of each point (n, 2), :data:`OUTSIDE` where there is none.

        On a shared border the first cell in order has the point: a grid before a remainder, the lowest code.
        Points are snapped to the millimetre like the borders, so that a border drawn along the axes holds them.
        """
        spots = np.asarray(xy, dtype=float) if self.as_drawn else snapped(xy)
        parts = [self._locate(spots[first : first + POINTS]) for first in range(0, len(spots), POINTS)]
        return np.concatenate([np.empty(0, dtype=np.int64), *parts])

    def _locate(self, xy: npt.NDArray[np.float64]) -> Ints:
        found = np.full(len(xy), len(self.cells), dtype=np.int64)
        boxes = shapely.bounds(self._ready)
        cell, point = Bins.of(xy, BIN).within(boxes)
        (x, y), (west, south, east, north) = xy[point].T, boxes[cell].T
        near = (x >= west) & (x <= east) & (y >= south) & (y <= north)
        cell, point = cell[near], point[near]
        inside = shapely.intersects_xy(self._ready[cell], x[near], y[near])
        np.minimum.at(found, point[inside], cell[inside])
        found[found == len(self.cells)] = OUTSIDE
        return found


def build_partition(
    boundaries: Mapping[str, gpd.GeoDataFrame],
    zones: gpd.GeoDataFrame,
    layout: CodeLayout,
    crs: pyproj.CRS,
    sliver_width: float,
) -> Partition:
    """Partition everything that *boundaries* cover.

    Parameters
    ----------
    boundaries: frames by level with ``code`` and valid polygons in the metre CRS *crs*.
    zones: columns ``kind``, geometry in *crs*; zones of one kind form one zone and may overlap.
    layout: how codes nest.
    sliver_width: metres; remainders of smaller mean width (2 × area / perimeter) join the neighbour with the
        longest shared border.
    """
    units = Units.of(boundaries)
    zones = zones.sort_values("kind", kind="stable")
    zone_shapes = np.asarray(zones.geometry, dtype=object)
    faces = draw_faces(np.concatenate([units.shape, zone_shapes]))
    unit, face = covering(faces, units.shape)
    findings = find_defects(faces, units.level, units.code, unit, face, layout)
    owner = _absorb_slivers(faces, units, _owners(faces, units, unit, face), sliver_width)
    zone_of_face = _zone_sets(faces, zones["kind"].to_numpy(object), zone_shapes)
    return Partition(_cells(faces, units, owner, zone_of_face, crs), findings, crs)


def _owners(faces: Faces, units: Units, unit: Ints, face: Ints) -> Ints:
    """Row of the unit that owns each face: the finest level, then the lowest code; OUTSIDE if none."""
    owner = np.full(len(faces.polygons), OUTSIDE, dtype=np.int64)
    order = np.lexsort((unit, -units.level[unit], face))
    first = np.unique(face[order], return_index=True)[1]
    owner[face[order][first]] = unit[order][first]
    return owner


def connected(n: int, left: Any, right: Any) -> Ints:
    """Number of the connected part that each of *n* faces is in, given pairs that hang together."""
    graph = coo_array((np.ones(len(left), dtype=bool), (left, right)), shape=(n, n))
    return np.asarray(connected_components(graph, directed=False)[1], dtype=np.int64)


def _absorb_slivers(faces: Faces, units: Units, owner: Ints, width: float) -> Ints:
    """Give thin remainder parts to the neighbour with the longest shared border (then the lowest code)."""
    owner = owner.copy()
    n = len(owner)
    area = shapely.area(faces.polygons)
    grid = LEVELS.index("grid")
    while True:
        same = owner[faces.left] == owner[faces.right]
        part = connected(n, faces.left[same], faces.right[same])
        inner = np.bincount(part[faces.left[same]], weights=faces.border[same], minlength=part.max() + 1)
        perimeter = np.bincount(part, weights=faces.perimeter) - 2 * inner
        thickness = 2 * np.bincount(part, weights=area) / perimeter
        remainder = (owner != OUTSIDE) & (units.level[owner] != grid)
        thin = remainder & (thickness[part] < width)
        target = _best_neighbour(faces, part, owner, thin)
        if not (target != OUTSIDE).any():
            return owner
        owner = np.where(target != OUTSIDE, target, owner)


def _best_neighbour(faces: Faces, part: Ints, owner: Ints, thin: npt.NDArray[np.bool_]) -> Ints:
    """For every face of a thin part, the unit that it joins; OUTSIDE for all other faces."""
    a = np.concatenate([faces.left, faces.right])
    b = np.concatenate([faces.right, faces.left])
    border = np.concatenate([faces.border, faces.border])
    use = thin[a] & ~thin[b] & (owner[b] != OUTSIDE)
    best = np.full(len(owner), OUTSIDE, dtype=np.int64)
    if use.any():
        table = pd.DataFrame({"part": part[a[use]], "owner": owner[b[use]], "border": border[use]})
        shared = table.groupby(["part", "owner"])[["border"]].sum().reset_index()
        shared["border"] = shared["border"].round(6)
        shared = shared.sort_values(["part", "border", "owner"], ascending=[True, False, True])
        chosen = shared.drop_duplicates("part").set_index("part")["owner"]
        best[thin] = chosen.reindex(part[thin], fill_value=OUTSIDE).to_numpy(np.int64)
    return best


def _zone_sets(faces: Faces, kinds: npt.NDArray[np.object_], shapes: Shapes) -> npt.NDArray[np.object_]:
    """The sorted kinds of the zones that hold each face, separated by blanks."""
    names = np.full(len(faces.polygons), "", dtype=object)
    if len(shapes):
        zone, face = covering(faces, shapes)
        pairs = (
            pd.DataFrame({"face": face, "kind": kinds[zone]}).drop_duplicates().sort_values(["face", "kind"])
        )
        joined = pairs.groupby("face")["kind"].agg(" ".join)
        names[joined.index.to_numpy()] = joined.to_numpy(object)
    return names


def _cells(
    faces: Faces, units: Units, owner: Ints, zones: npt.NDArray[np.object_], crs: pyproj.CRS
) -> gpd.GeoDataFrame:
    """Dissolve faces into cells."""
    inside = np.flatnonzero(owner != OUTSIDE)
    rows = owner[inside]
    table = pd.DataFrame(
        {
            "remainder": units.level[rows] != LEVELS.index("grid"),
            "unit": units.code[rows],
            "zones": zones[inside],
            "level": np.array(LEVELS, dtype=object)[units.level[rows]],
            "shape": faces.polygons[inside],
        }
    )
    groups = table.groupby(["remainder", "unit", "zones", "level"], sort=True)["shape"]
    cells = groups.agg(lambda part: _joined(part.to_numpy(object))).reset_index()
    suffix = cells["zones"].map(lambda kinds: "@" + kinds.replace(" ", "+") if kinds else "")
    cells["cell"] = cells["unit"] + np.where(cells["remainder"], "*", "") + suffix
    shapes = shapely.normalize(cells.pop("shape").to_numpy(object))
    cells["area_mm2"] = np.rint(shapely.area(shapes) * SQUARE_MM).astype(np.int64)
    columns = ["cell", "unit", "level", "remainder", "zones", "area_mm2"]
    return gpd.GeoDataFrame(cells[columns], geometry=shapes, crs=crs)


def _joined(faces: Shapes) -> Any:
    """The faces of one cell as one shape."""
    return faces[0] if len(faces) == 1 else shapely.coverage_union_all(faces)
