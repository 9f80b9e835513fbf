"""The facts that a figure counts, one by one: stretches of roads, features or cells, each with its whole amounts."""

from __future__ import annotations

from collections.abc import Callable, Iterator
from dataclasses import dataclass

import numpy as np
import pandas as pd
import shapely

from gridsvc.coverage.amounts import CELLS, PIECES, Amounts, Measured, rated
from gridsvc.coverage.clauses import Choice, Near, Select
from gridsvc.coverage.indicators import Indicator
from gridsvc.coverage.reach import groups, near_of
from gridsvc.coverage.scene import Rows, Scene
from gridsvc.coverage.tallies import SIDES, cell_of, sides
from gridsvc.duties.roads import Names
from gridsvc.partition.faces import Ints, Shapes
from gridsvc.partition.intervals import cut_stretches
from gridsvc.partition.pieces import Pieces

Side = dict[str, Amounts]
EXACT = {side: f"{side}_exact" for side in SIDES}
SIDE_OF_ROAD = np.array(["left", "right"], dtype=object)
COLUMNS = [
    "fact", "layer", "key", "name", "side", "from_m", "to_m", "share", "cell", "fields", "near_key", "near_m",
    "within_m", *EXACT.values(),
]  # fmt: skip


@dataclass(frozen=True)
class Facts:
    """Facts of one grain, of which each has an amount on some side."""

    grain: str
    rows: pd.DataFrame
    """:data:`COLUMNS`; ``fact`` is ``piece``, ``feature`` or ``cell``, the amounts are whole numbers."""
    place: Ints
    """Row of each fact's road feature, feature or cell."""
    shapes: Callable[[], Shapes]
    """Makes their shapes in the metre CRS: a stretch of the centre line, a feature, a cell."""

    def having(self, *names: str) -> Rows:
        """Which facts have an amount on one of these sides."""
        held: Rows = (self.rows[[EXACT[name] for name in names]] != 0).any(axis=1).to_numpy(bool)
        return held


def list_facts(
    scene: Scene, indicator: Indicator, measured: Measured, taken: Callable[[str], Rows]
) -> Iterator[Facts]:
    """The facts of each grain that *taken* chooses (asked by grain: which facts)."""
    by_grain: dict[str, Side] = {}
    for name, amounts in sides(measured):
        by_grain.setdefault(amounts.grain, {})[name] = amounts
    for grain, side in by_grain.items():
        some = np.any([amounts.amount != 0 for amounts in side.values()], axis=0)
        rows = np.flatnonzero(taken(grain) & some)
        yield (
            _pieces(scene, indicator, side, rows)
            if grain == PIECES
            else _whole(scene, indicator, grain, side, rows)
        )


def _pieces(scene: Scene, indicator: Indicator, side: Side, rows: Ints) -> Facts:
    """Pieces of roads, cut where what counts begins and ends, so that each part counts as a whole or not at all."""
    roads, layer = scene.roads, scene.layers.roads.name
    bounds = [
        ends for one in side.values() if one.stretches for ends in (one.stretches.start, one.stretches.end)
    ]
    points = np.unique(np.concatenate([np.empty(0, dtype=np.int64), *bounds]))
    start, end, of = cut_stretches(scene.pieces.start[rows], scene.pieces.end[rows], points)
    amounts = {EXACT[name]: _parts(scene.pieces, one, rows, start, end, of) for name, one in side.items()}
    held = np.any(list(amounts.values()), axis=0)
    start, end, of = start[held], end[held], of[held]
    pieces = scene.pieces.take(rows[of])
    road, left = pieces.road, pieces.share
    found = pd.DataFrame(
        {
            "fact": "piece",
            "layer": layer,
            "key": roads.frame["key"].to_numpy(object)[road],
            "name": roads.label[road],
            "side": SIDE_OF_ROAD[pieces.side],
            "from_m": roads.measure(start, road),
            "to_m": roads.measure(end, road),
            "share": np.where(pieces.side == 0, left, 1 - left) / pieces.lines,
            "cell": _cell_names(scene)[pieces.cell],
            "fields": _fields(roads.frame, indicator, layer, road),
            **{name: amount[held] for name, amount in amounts.items()},
        }
    )
    order = np.lexsort((pieces.side, start))
    shapes: Callable[[], Shapes] = lambda: roads.segments.stretches(start[order], end[order])  # noqa: E731
    return Facts(PIECES, completed(found.iloc[order]), road[order], shapes)


def _parts(pieces: Pieces, amounts: Amounts, rows: Ints, start: Ints, end: Ints, of: Ints) -> Ints:
    """What each part of some pieces counts for; the parts of a piece add up to its amount.

    Lengths are credited up to the part's end less up to its start: under an agreement each is rounded, and a sum of
    parts rounded by themselves could miss the amount by nanometres. Counts stand with the first part of a piece.
    """
    if amounts.stretches is None:
        first = np.append(True, of[1:] != of[:-1]) if len(of) else np.empty(0, dtype=bool)
        return np.where(first, amounts.amount[rows[of]], 0)
    covered, begun = amounts.stretches.within(start, end), pieces.start[rows[of]]
    before = amounts.stretches.within(begun, start)
    mine, rate = pieces.take(rows[of]), None if amounts.rate is None else amounts.rate[rows[of]]
    return rated(mine.credit(before + covered), rate) - rated(mine.credit(before), rate)


def _whole(scene: Scene, indicator: Indicator, grain: str, side: Side, rows: Ints) -> Facts:
    """Features of a layer, or cells."""
    cells, frame = scene.partition.cells, None if grain == CELLS else scene.layer(grain)
    cell = _cell_names(scene)[cell_of(scene, grain)[rows]]
    found = pd.DataFrame(
        {
            "fact": "cell" if frame is None else "feature",
            "layer": None if frame is None else grain,
            "key": cell if frame is None else frame["key"].to_numpy(object)[rows],
            "cell": cell,
            **{EXACT[name]: one.amount[rows] for name, one in side.items()},
        }
    )
    if frame is not None:
        found["fields"] = _fields(frame, indicator, grain, rows)
        found["name"] = frame["name"].to_numpy(object)[rows] if "name" in frame else None
        if indicator.kind == "feature_near" and grain == indicator.features.layer:
            found = found.assign(**_nearest(scene, grain, near_of(indicator), rows))
    shapes = (cells if frame is None else frame).geometry.to_numpy(object)
    return Facts(grain, completed(found), rows, lambda: shapes[rows])


def completed(found: pd.DataFrame) -> pd.DataFrame:
    """The columns of facts, amounts that are not there as 0, others as missing."""
    rows = found.reset_index(drop=True).reindex(columns=COLUMNS)
    return rows.assign(**{name: rows[name].fillna(0).astype(np.int64) for name in EXACT.values()})


def _cell_names(scene: Scene) -> Names:
    """Names of cells by number; "" for OUTSIDE."""
    names: Names = np.append(scene.partition.cells["cell"].to_numpy(object), "")
    return names


# what decides


def _fields(frame: pd.DataFrame, indicator: Indicator, layer: str, rows: Ints) -> list[str]:
    """Values of the fields that decide how features of a layer count, as ``field=value``."""
    selects: list[Choice] = [one for _, one in indicator.selects if one.layer == layer]
    names = [name for one in selects for name in one.where]
    names += [one.weight for one in selects if isinstance(one, Select) and one.weight]
    if indicator.of is not None and indicator.of.layer == layer:
        names += [*indicator.match, *([indicator.filled] if indicator.filled else [])]
        names += (
            [indicator.covered.field] if indicator.covered is not None and indicator.covered.field else []
        )
    near = indicator.near
    if near is not None and near.by and layer == (indicator.features if near.by == "of" else near).layer:
        names.append(near.field)
    return spelled(frame, list(dict.fromkeys(names)), rows)


def spelled(frame: pd.DataFrame, names: list[str], rows: Ints) -> list[str]:
    """``field=value`` of some rows, ``?`` where there is no value."""
    columns = [
        frame[name].astype(object).where(frame[name].notna(), "?").to_numpy(object)[rows] for name in names
    ]
    said = zip(*columns, strict=True) if names else iter([()] * len(rows))
    return [", ".join(f"{name}={value}" for name, value in zip(names, row, strict=True)) for row in said]


def _nearest(scene: Scene, layer: str, near: Near, rows: Ints) -> dict[str, Names]:
    """For features: the target that is nearest, seen from the distance that it may have, and both distances."""
    shapes = scene.layer(layer).geometry.to_numpy(object)[rows]
    targets, yes = scene.targets(near.layer), scene.choose(near).yes
    goals, keys = targets.geometry.to_numpy(object), targets["key"].to_numpy(object)
    beyond, key = np.full(len(rows), np.inf), np.full(len(rows), None, dtype=object)
    away, within = np.full(len(rows), np.nan), np.full(len(rows), np.nan)
    for mine, theirs, metres in groups(scene, layer, near, yes):
        asking, offered = np.flatnonzero(mine[rows]), np.flatnonzero(theirs)
        tree = shapely.STRtree(goals[offered])
        (row, goal), far = tree.query_nearest(shapes[asking], return_distance=True)
        # of several as near the first by key
        order = np.lexsort((goal, row))
        order = order[np.unique(row[order], return_index=True)[1]]
        row, goal, far = asking[row[order]], offered[goal[order]], far[order]
        better = far - metres < beyond[row]
        row, goal, far = row[better], goal[better], far[better]
        beyond[row], key[row], away[row], within[row] = far - metres, keys[goal], far, metres
    return {"near_key": key, "near_m": away, "within_m": within}
