"""Gaps (短板): the stretches, features and areas that keep an indicator from its goal, and who answers for them.

A stretch is cut where the responsible person changes, not where grids do: it is one job. Most roads run between two
grids and lower the figures of both, so ``unit`` holds the codes of all units that a stretch lies along, separated by
blanks, the one with most of it first, and ``amounts`` what counts in the figure of each: whole numbers at the
indicator's grain, which add up. Everything else has one unit.
"""

from __future__ import annotations

from typing import Any

import geopandas as gpd
import numpy as np
import pandas as pd
import shapely

from gridsvc.coverage.amounts import Ends, Gaps, quantities, rated
from gridsvc.coverage.indicators import Indicator
from gridsvc.coverage.leftovers import leftovers
from gridsvc.coverage.responsible import blank_separated, chiefs_at, with_officers
from gridsvc.coverage.scene import Rows, Scene, representatives
from gridsvc.duties.roads import Names
from gridsvc.partition.cells import OUTSIDE
from gridsvc.partition.faces import Ints
from gridsvc.partition.intervals import Intervals, cut_stretches, spread
from gridsvc.partition.segments import Floats

SHORTEST = 1.0
"""Metres. Shorter stretches count in the figures but are not listed."""
COLUMNS = [
    "indicator", "gap", "kind", "unit", "amounts", "road_id", "road_name", "from_m", "to_m", "size", "measure",
    "residents", "layer", "feature_key", "chiefs", "officers", "taken_up", "geometry",
]  # fmt: skip


def find_gaps(scene: Scene, indicator: Indicator, gaps: Gaps) -> gpd.GeoDataFrame:
    """The gaps of one indicator inside its zone, as rows with geometry in the metre CRS."""
    parts = []
    if gaps.stretches is not None:
        parts.append(_stretches(scene, indicator, gaps.stretches, gaps.rate))
    if gaps.ends is not None:
        parts.append(_ends(scene, indicator, gaps.ends))
    if gaps.features is not None and gaps.size is not None:
        parts.append(_features(scene, indicator, gaps, gaps.features, gaps.size))
    if gaps.ground is not None and gaps.reached is not None:
        parts.append(leftovers(scene, indicator, gaps.ground, gaps.reached))
    return gap_frame(scene, indicator, parts)


def gap_frame(scene: Scene, indicator: Indicator, parts: list[pd.DataFrame]) -> gpd.GeoDataFrame:
    """Rows of gaps with all :data:`COLUMNS`; officers where no chief answers for a gap."""
    rows = pd.concat(parts, ignore_index=True) if parts else pd.DataFrame(columns=COLUMNS)
    rows = with_officers(scene, rows.assign(indicator=indicator.id).reindex(columns=COLUMNS))
    return gpd.GeoDataFrame(rows, geometry="geometry", crs=scene.crs)


def _unit_of(scene: Scene, cell: Ints) -> Names:
    units: Names = np.append(scene.partition.cells["unit"].to_numpy(object), "")[cell]
    return units


# stretches


def _stretches(scene: Scene, indicator: Indicator, found: Intervals, rate: Floats | None) -> pd.DataFrame:
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
    units, amounts = _shares(scene, start, end, inside, rate)
    chiefs, taken_up = chiefs_at(scene, start)
    return pd.DataFrame(
        {
            "gap": [
                f"{name}:{low:.3f}-{high:.3f}" for name, low, high in zip(key, from_m, to_m, strict=True)
            ],
            "kind": "stretch",
            "unit": units,
            "amounts": amounts,
            "road_id": key,
            "road_name": roads.label[row],
            "from_m": from_m,
            "to_m": to_m,
            "size": (end - start) / 1e9,
            "measure": "m",
            "chiefs": chiefs,
            "taken_up": taken_up,
            "geometry": roads.segments.stretches(start, end),
        }
    )


def _shares(
    scene: Scene, start: Ints, end: Ints, inside: Rows, rate: Floats | None
) -> tuple[list[str], list[str]]:
    """Units in the zone in whose figures each stretch counts, and the whole amounts that each has of it."""
    pieces, parts = scene.pieces, []
    for side in (0, 1):
        mine = np.flatnonzero(inside & (pieces.side == side))
        mine = mine[np.argsort(pieces.start[mine], kind="stable")]
        first = np.searchsorted(pieces.end[mine], start, side="right")
        row, found = spread(first, np.searchsorted(pieces.start[mine], end, side="left"))
        piece = mine[found]
        held, begun = pieces.take(piece), pieces.start[piece]
        # credited from the piece's beginning: parts under an agreement, each rounded, would miss nanometres
        before, after = (
            rated(held.credit(place - begun), None if rate is None else rate[piece])
            for place in (np.maximum(begun, start[row]), np.minimum(held.end, end[row]))
        )
        amount = after - before
        parts.append(pd.DataFrame({"row": row, "unit": _unit_of(scene, held.cell), "amount": amount}))
    sums = pd.concat(parts).groupby(["row", "unit"])["amount"].sum().reset_index()
    sums = sums[sums["amount"] > 0].sort_values(["row", "amount", "unit"], ascending=[True, False, True])
    of, n = sums["row"], len(start)
    return blank_separated(of, sums["unit"], n), blank_separated(of, sums["amount"].astype(str), n)


def _ends(scene: Scene, indicator: Indicator, ends: Ends) -> pd.DataFrame:
    """Dead ends inside the zone; from–to is what their road has of the way to the first junction."""
    roads, pieces = scene.roads, scene.pieces
    ends = ends.take(np.flatnonzero(scene.in_zone(indicator.zone)[pieces.cell[ends.piece]]))
    row = pieces.road[ends.piece]
    key, at = roads.frame["key"].to_numpy(object)[row], roads.measure(ends.place, row)
    # the last place of a road is the first of the next one on the axis
    chiefs, taken_up = chiefs_at(scene, np.minimum(ends.place, pieces.end[ends.piece] - 1))
    return pd.DataFrame(
        {
            "gap": [f"{name}@{metres:.3f}" for name, metres in zip(key, at, strict=True)],
            "kind": "end",
            "unit": _unit_of(scene, pieces.cell[ends.piece]),
            "amounts": "1",
            "road_id": key,
            "road_name": roads.label[row],
            "from_m": at,
            "size": ends.length,
            "measure": "m",
            "chiefs": chiefs,
            "taken_up": taken_up,
            "geometry": shapely.points(ends.xy),
        }
    )


# features


def _features(scene: Scene, indicator: Indicator, gaps: Gaps, rows: Ints, size: Ints) -> pd.DataFrame:
    """Single features inside the zone: units with their shape, others with a point."""
    cell = scene.cell_of(gaps.layer)
    kept = scene.in_zone(indicator.zone)[cell[rows]]
    rows, size = rows[kept], size[kept]
    frame, layer = scene.layer(gaps.layer), scene.layers[gaps.layer]
    units = layer.role == "unit"
    key = frame["key"].to_numpy(object)[rows]
    found = pd.DataFrame(
        {
            "gap": gaps.layer + ":" + frame["key"].iloc[rows].astype(str).to_numpy(object),
            "kind": "unit" if units else "feature",
            "unit": key if units else _unit_of(scene, cell[rows]),
            "amounts": size.astype(str),
            "size": size * quantities(indicator)[1],
            "measure": indicator.features.weight or "count",
            "layer": gaps.layer,
            "feature_key": key,
            "geometry": (frame.geometry.to_numpy(object) if units else representatives(frame))[rows],
        }
    )
    return found.assign(**_of_road(scene, gaps.layer, rows)) if layer.role == "asset" else found


def _of_road(scene: Scene, layer: str, rows: Ints) -> dict[str, Any]:
    """The road of assets, where on it, and who answers for that place; nothing where the road is not certain."""
    assigned = scene.assignments(layer).iloc[rows]
    road, place = assigned["row"].to_numpy(np.int64), assigned["place"].to_numpy(np.int64)
    known = (road != OUTSIDE) & assigned["confirmed"].to_numpy(bool)
    chiefs, taken_up = chiefs_at(scene, np.where(known, place, -1))
    return {
        "road_id": _by_row(scene.roads.frame["key"].to_numpy(object), road, known),
        "road_name": _by_row(scene.roads.label, road, known),
        "from_m": np.where(known, scene.roads.measure(place, road), np.nan),
        "chiefs": chiefs,
        "taken_up": taken_up,
    }


def _by_row(names: Names, row: Ints, known: Rows) -> Names:
    """Names of road features by row, None where the road is not known."""
    found: Names = np.full(len(row), None, dtype=object)
    found[known] = names[row[known]]
    return found
