"""What stands behind the facts of a figure: what is near or covers them, duties, exemptions, loads and files."""

from __future__ import annotations

from collections.abc import Iterable, Iterator, Mapping
from dataclasses import replace

import numpy as np
import pandas as pd
import shapely

from gridsvc.coverage.amounts import CELLS, PIECES
from gridsvc.coverage.clauses import Along, Choice, Near, Select
from gridsvc.coverage.facts import Facts, spelled
from gridsvc.coverage.indicators import Indicator
from gridsvc.coverage.reach import groups
from gridsvc.coverage.scene import Scene
from gridsvc.duties.people import CHIEFS, OFFICERS
from gridsvc.duties.stretches import DUTIES
from gridsvc.layers import Layers
from gridsvc.partition.cells import SQUARE_MM
from gridsvc.partition.faces import Ints
from gridsvc.partition.lineage import LINEAGE
from gridsvc.store import LoadRecord
from gridsvc.store.loads import standing

BEHIND = [
    "what", "layer", "key", "name", "fields", "of", "distance_m", "within_m", "area_mm2", "from_m", "to_m", "role",
]  # fmt: skip
EXEMPTIONS = [
    "layer", "feature_key", "from_m", "to_m", "reason", "document", "date_from", "date_to", "indicator",
]  # fmt: skip
SOURCES = ["layer", "load", "source", "sha256", "loaded", "mode", "rows", "version", "current"]


def list_behind(scene: Scene, indicator: Indicator, facts: list[Facts]) -> pd.DataFrame:
    """Features that make the facts count, as :data:`BEHIND`; ``of``: the road feature or cell that they make count.

    ``what`` is ``near`` (with its distance in a straight line, also where ways on foot are asked for), ``covers``
    (with the area it has of the cell: what overlaps counts once, so these may add up to more), ``base`` or ``duty``.
    """
    parts = [pd.DataFrame(columns=BEHIND)]
    near, of = indicator.near, indicator.of
    for one in facts:
        if near is not None and one.grain in (PIECES, CELLS):
            parts += _near(scene, indicator, near, one)
        if indicator.responsible or indicator.vacant:
            parts.append(_duties(scene, one))
        if indicator.along is not None:
            parts.append(_standing(scene, indicator.along, one))
        if (
            one.grain == CELLS
            and of is not None
            and scene.layers[of.layer].role != "unit"
            and one.having("numerator", "unknown").any()
        ):
            parts.append(_covering(scene, "covers", of, one))
        if one.grain == CELLS and indicator.base is not None:
            parts.append(_covering(scene, "base", indicator.base, one))
    found = pd.concat([part for part in parts if len(part)] or parts[:1], ignore_index=True)
    return found.reindex(columns=BEHIND)


def _features(scene: Scene, select: Choice, rows: Ints) -> dict[str, object]:
    """What tells features of a layer apart, and the fields by which they were chosen."""
    frame = scene.targets(select.layer) if isinstance(select, Near) else scene.layer(select.layer)
    names = [*select.where, *([select.field] if isinstance(select, Near) and select.by == "near" else [])]
    return {
        "layer": select.layer,
        "key": frame["key"].to_numpy(object)[rows],
        "name": frame["name"].to_numpy(object)[rows] if "name" in frame else None,
        "fields": spelled(frame, names, rows),
    }


def _near(scene: Scene, indicator: Indicator, near: Near, facts: Facts) -> Iterator[pd.DataFrame]:
    """Targets in reach of road features that count, and of cells."""
    held = facts.having("numerator", "unknown")
    shapes, place, keys = facts.shapes()[held], facts.place[held], facts.rows["key"].to_numpy(object)[held]
    goals = scene.targets(near.layer).geometry.to_numpy(object)
    asking = near.layer if facts.grain == CELLS else indicator.features.layer
    for mine, theirs, metres in groups(scene, asking, near, scene.choose(near).possible):
        some = np.flatnonzero(mine[place]) if facts.grain == PIECES else np.arange(len(place))
        offered = np.flatnonzero(theirs)
        tree = shapely.STRtree(goals[offered])
        row, goal = tree.query(shapes[some], predicate="dwithin", distance=metres)
        row, goal = some[row], offered[goal]
        pairs = pd.DataFrame(
            {"goal": goal, "of": keys[row], "far": shapely.distance(shapes[row], goals[goal])}
        )
        pairs = pairs.groupby(["of", "goal"], sort=True)["far"].min().reset_index()
        yield pd.DataFrame(
            {
                "what": "near",
                **_features(scene, near, pairs["goal"].to_numpy(np.int64)),
                "of": pairs["of"],
                "distance_m": pairs["far"],
                "within_m": metres,
            }
        )


def _covering(scene: Scene, what: str, select: Select, facts: Facts) -> pd.DataFrame:
    """Polygons that cover cells, with the area in each."""
    frame = scene.layer(select.layer)
    chosen = np.flatnonzero(scene.choose(select).possible)
    shapes, cells = frame.geometry.to_numpy(object)[chosen], facts.shapes()
    cell, shape = shapely.STRtree(shapes).query(cells, predicate="intersects")
    area = np.rint(shapely.area(shapely.intersection(cells[cell], shapes[shape])) * SQUARE_MM).astype(
        np.int64
    )
    real = area > 0
    cell, shape, area = cell[real], shape[real], area[real]
    return pd.DataFrame(
        {
            "what": what,
            **_features(scene, select, chosen[shape]),
            "of": facts.rows["key"].to_numpy(object)[cell],
            "area_mm2": area,
        }
    )


def _standing(scene: Scene, along: Along, facts: Facts) -> pd.DataFrame:
    """What stands along the road features that count, and where."""
    found, roads = scene.assignments(along.layer), scene.roads
    row, place = (found[name].to_numpy(np.int64) for name in ("row", "place"))
    stands = np.isin(row, facts.place) & scene.choose(along).possible & (row >= 0)
    rows = np.flatnonzero(stands)
    rows = rows[np.argsort(place[rows], kind="stable")]
    at = roads.measure(place[rows], row[rows])
    return pd.DataFrame(
        {
            "what": "along",
            **_features(scene, along, rows),
            "of": roads.frame["key"].to_numpy(object)[row[rows]],
            "from_m": at,
            "to_m": at,
            "distance_m": found["distance_m"].to_numpy(float)[rows],
        }
    )


def _duties(scene: Scene, facts: Facts) -> pd.DataFrame:
    """Duties on road features that count, or on units."""
    names = {
        **dict(zip(scene.people.officers["officer_id"], scene.people.officers["name"], strict=True)),
        **dict(zip(scene.people.chiefs["chief_id"], scene.people.chiefs["name"], strict=True)),
    }
    keys = set(facts.rows["key"])
    if facts.grain == PIECES:
        rows, roads = scene.duties.stretches, scene.roads
        road = rows["row"].to_numpy(np.int64)
        places = {
            "from_m": roads.measure(rows["start"].to_numpy(np.int64), road),
            "to_m": roads.measure(rows["end"].to_numpy(np.int64), road),
        }
        rows = rows.assign(of=roads.frame["key"].to_numpy(object)[road], **places)
    else:
        rows = scene.duties.posts.rename(columns={"unit": "of"})
    rows = rows[rows["of"].isin(keys)]
    found = rows.reindex(columns=["of", "from_m", "to_m", "role"])
    return found.assign(what="duty", layer=DUTIES, key=rows["holder"], name=rows["holder"].map(names))


def list_exemptions(scene: Scene, indicator: Indicator, facts: list[Facts]) -> pd.DataFrame:
    """Exemptions of the day that leave some of the facts out, as :data:`EXEMPTIONS`."""
    parts = [pd.DataFrame(columns=EXEMPTIONS)]
    for one in facts:
        if one.grain != CELLS:
            name = scene.layers.roads.name if one.grain == PIECES else one.grain
            found = scene.exemptions(name, indicator.id)
            keys = set(one.rows.loc[one.having("exempt"), "key"])
            parts.append(found[found["feature_key"].isin(keys)].assign(layer=name))
    return pd.concat([part for part in parts if len(part)] or parts[:1], ignore_index=True).reindex(
        columns=EXEMPTIONS
    )


# loads


def layers_used(layers: Layers, indicator: Indicator, facts: list[Facts]) -> list[str]:
    """Names of the layers that a figure rests on."""
    names = [layer.name for layer in layers.units.values()]
    names += [layers.zones.name] if indicator.zone else []
    names += indicator.layers
    roads = layers.roads.name
    if roads in names or any(one.grain == PIECES for one in facts):
        names += [roads, "road_shares", DUTIES, CHIEFS]
    names += ["exemptions"] if indicator.of is not None else []
    names += ["observations"] if any(layers[name].observed for name in indicator.layers) else []
    names += [DUTIES, OFFICERS, LINEAGE] if indicator.responsible else []
    names += [roads, "road_shares", DUTIES, CHIEFS] if indicator.has_chief or indicator.along else []
    return list(dict.fromkeys(names))


def list_sources(
    names: Iterable[str], versions: Mapping[str, int], now: Mapping[str, int], loads: Iterable[LoadRecord]
) -> pd.DataFrame:
    """Loads whose rows stood in the *versions* of layers, as :data:`SOURCES`; a layer that held nothing has one row.

    ``version`` is the newest load of the layer that the run rests on, ``current`` the newest there is (of *now*).
    """
    rows, every = [], list(loads)
    for name in names:
        version = versions.get(name, 0)
        before = [load for load in every if load.layer == name and load.id <= version]
        undone = {load.undoes for load in before if load.kind == "rollback"}
        kept = standing(replace(load, status="undone" if load.id in undone else "done") for load in before)
        about = {"layer": name, "version": version, "current": now.get(name, 0)}
        rows += [about | _source(load) for load in kept] or [about]
    return pd.DataFrame(rows, columns=SOURCES)


def _source(load: LoadRecord) -> dict[str, object]:
    return {
        "load": load.id,
        "source": load.source,
        "sha256": load.sha256,
        "loaded": load.finished[: len("YYYY-MM-DD")],
        "mode": load.mode,
        "rows": load.rows_read,
    }
