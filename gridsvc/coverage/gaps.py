"""Gaps (短板): the stretches, features and areas that keep an indicator from its goal, and who answers for them.

A stretch is cut where the responsible person changes, not where grids do: it is one job. Most roads run between two
grids and lower the figures of both, so ``unit`` holds the codes of all units that a stretch lies along, separated by
blanks, the one with most of it first. Features and areas have one unit.
"""

from __future__ import annotations

import geopandas as gpd
import numpy as np
import pandas as pd
import shapely

from gridsvc.coverage.amounts import Gaps, quantities
from gridsvc.coverage.indicators import Indicator
from gridsvc.coverage.scene import Rows, Scene, representatives
from gridsvc.coverage.tallies import asset_holders
from gridsvc.duties.roads import Names
from gridsvc.partition.cells import OUTSIDE
from gridsvc.partition.faces import Ints, Shapes
from gridsvc.partition.intervals import Intervals, cut_stretches, spread

SHORTEST = 1.0
"""Metres. Shorter stretches count in the figures but are not listed."""
SMALLEST = 10.0
"""Square metres, likewise."""
COLUMNS = [
    "indicator", "gap", "kind", "unit", "road_id", "road_name", "from_m", "to_m", "size", "measure", "layer",
    "feature_key", "chiefs", "geometry",
]  # fmt: skip


def find_gaps(scene: Scene, indicator: Indicator, gaps: Gaps) -> gpd.GeoDataFrame:
    """The gaps of one indicator inside its zone, as rows with geometry in the metre CRS."""
    parts = []
    if gaps.stretches is not None:
        parts.append(_stretches(scene, indicator, gaps.stretches))
    if gaps.features is not None and gaps.size is not None:
        parts.append(_features(scene, indicator, gaps, gaps.features, gaps.size))
    if gaps.ground is not None and gaps.reached is not None:
        parts.append(_areas(scene, indicator, gaps.ground, gaps.reached))
    rows = pd.concat(parts, ignore_index=True) if parts else pd.DataFrame(columns=COLUMNS)
    rows["indicator"] = indicator.id
    return gpd.GeoDataFrame(rows.reindex(columns=COLUMNS), geometry="geometry", crs=scene.crs)


def _joined(pairs: pd.DataFrame, n: int) -> list[str]:
    """Holders of each of *n* rows, separated by blanks."""
    joined = pairs.groupby("row")["holder"].agg(" ".join)
    return joined.reindex(range(n)).fillna("").tolist()


def _units(scene: Scene, cell: Ints) -> Names:
    units: Names = np.append(scene.partition.cells["unit"].to_numpy(object), "")[cell]
    return units


def _stretches(scene: Scene, indicator: Indicator, found: Intervals) -> pd.DataFrame:
    """Stretches inside the zone, cut where the responsible person changes."""
    pieces, roads = scene.pieces, scene.roads
    inside = scene.in_zone(indicator.zone)[pieces.cell]
    found = found.intersection(Intervals.of(pieces.start[inside], pieces.end[inside]))
    start, end, _ = cut_stretches(found.start, found.end, scene.duties.bounds)
    long = end - start >= SHORTEST * 1e9
    start, end = start[long], end[long]
    row = np.searchsorted(roads.segments.offset, start, side="right") - 1
    key = roads.frame["key"].to_numpy(object)[row]
    from_m, to_m = roads.measure(start, row), roads.measure(end, row)
    return pd.DataFrame(
        {
            "gap": [
                f"{name}:{low:.3f}-{high:.3f}" for name, low, high in zip(key, from_m, to_m, strict=True)
            ],
            "kind": "stretch",
            "unit": _units_along(scene, start, end, inside),
            "road_id": key,
            "road_name": roads.label[row],
            "from_m": from_m,
            "to_m": to_m,
            "size": (end - start) / 1e9,
            "measure": "m",
            "chiefs": _joined(scene.duties.holders_at(start), len(start)),
            "geometry": roads.segments.stretches(start, end),
        }
    )


def _units_along(scene: Scene, start: Ints, end: Ints, inside: Rows) -> list[str]:
    """Units in the zone that lie on either side of each stretch for a metre or more; at least one."""
    pieces, parts = scene.pieces, []
    for side in (0, 1):
        mine = np.flatnonzero(inside & (pieces.side == side))
        mine = mine[np.argsort(pieces.start[mine], kind="stable")]
        first = np.searchsorted(pieces.end[mine], start, side="right")
        row, found = spread(first, np.searchsorted(pieces.start[mine], end, side="left"))
        piece = mine[found]
        length = np.minimum(pieces.end[piece], end[row]) - np.maximum(pieces.start[piece], start[row])
        parts.append(pd.DataFrame({"row": row, "unit": _units(scene, pieces.cell[piece]), "length": length}))
    sums = pd.concat(parts).groupby(["row", "unit"])["length"].sum().reset_index()
    sums = sums.sort_values(["row", "length", "unit"], ascending=[True, False, True])
    sums = sums[(sums["length"] >= SHORTEST * 1e9) | ~sums.duplicated("row")]
    joined = sums.groupby("row")["unit"].agg(" ".join)
    return joined.reindex(range(len(start))).fillna("").tolist()


def _features(scene: Scene, indicator: Indicator, gaps: Gaps, rows: Ints, size: Ints) -> pd.DataFrame:
    """Single features inside the zone."""
    cell = scene.cell_of(gaps.layer)
    kept = scene.in_zone(indicator.zone)[cell[rows]]
    rows, size = rows[kept], size[kept]
    frame, layer = scene.layer(gaps.layer), scene.layers[gaps.layer]
    found = pd.DataFrame(
        {
            "gap": gaps.layer + ":" + frame["key"].iloc[rows].astype(str).to_numpy(object),
            "kind": "feature",
            "unit": _units(scene, cell[rows]),
            "size": size * quantities(indicator)[1],
            "measure": indicator.features.weight or "count",
            "layer": gaps.layer,
            "feature_key": frame["key"].to_numpy(object)[rows],
            "geometry": representatives(frame)[rows],
        }
    )
    if layer.role != "asset":
        return found.assign(chiefs="")
    assigned = scene.assignments(gaps.layer).iloc[rows]
    road = assigned["row"].to_numpy(np.int64)
    known = (road != OUTSIDE) & assigned["confirmed"].to_numpy(bool)
    keys = _by_row(scene.roads.frame["key"].to_numpy(object), road, known)
    labels = _by_row(scene.roads.label, road, known)
    pairs = asset_holders(scene, gaps.layer)
    place_of = pd.Series(np.arange(len(rows)), index=rows)
    pairs = pairs.assign(row=pairs["row"].map(place_of)).dropna()
    return found.assign(
        road_id=keys,
        road_name=labels,
        from_m=np.where(known, scene.roads.measure(assigned["place"].to_numpy(np.int64), road), np.nan),
        chiefs=_joined(pairs.astype({"row": int}), len(rows)),
    )


def _by_row(names: Names, row: Ints, known: Rows) -> Names:
    """Names of road features by row, None where the road is not known."""
    found: Names = np.full(len(row), None, dtype=object)
    found[known] = names[row[known]]
    return found


def _areas(scene: Scene, indicator: Indicator, ground: Shapes, reached: Shapes) -> pd.DataFrame:
    """What is left of each cell of the zone."""
    cells = scene.partition.cells
    inside = np.flatnonzero(scene.in_zone(indicator.zone)[:-1])
    left = shapely.difference(ground[inside], reached[inside])
    area = shapely.area(left)
    large = area >= SMALLEST
    rows, left, area = inside[large], left[large], area[large]
    return pd.DataFrame(
        {
            "gap": "cell:" + cells["cell"].iloc[rows].astype(str).to_numpy(object),
            "kind": "area",
            "unit": cells["unit"].to_numpy(object)[rows],
            "size": area,
            "measure": "m2",
            "chiefs": "",
            "geometry": left,
        }
    )
