"""What a load is told at once: the checks that cost little and concern the layer that was loaded.

Everything else waits for ``gridsvc check``. A load of a quarter of a million lamps should not wait for its check:
layers with more than :data:`ROWS` features, or :data:`VERTICES` vertices of boundaries, are only checked there.
"""

from __future__ import annotations

import datetime as dt
from collections.abc import Callable, Iterator
from typing import Any

import numpy as np
import pandas as pd
import shapely

from gridsvc.checks.boundaries import repeated
from gridsvc.checks.duplicates import same_name, same_place
from gridsvc.checks.kinds import KINDS
from gridsvc.checks.network import road_findings
from gridsvc.checks.responsibility import faulty_duties
from gridsvc.codes import LEVELS
from gridsvc.coverage.scene import Scene
from gridsvc.duties.stretches import DUTIES
from gridsvc.errors import UsageError
from gridsvc.layers import Layer, Layers
from gridsvc.settings import Workspace
from gridsvc.store import Store
from gridsvc.text import Text, bilingual

ROWS, VERTICES = 20_000, 100_000


def loaded(store: Store, workspace: Workspace, layers: Layers, name: str) -> list[Text]:
    """One warning with the number of findings of each kind that needs attention in layer *name*, as it is now.

    Units: overlaps, gaps and protrusions of their level, outlines that stand twice. Roads: ends that miss
    another road, roads drawn twice. Assets and places: what stands twice. Duties: who and what is not there.
    """
    count = store.counts()[name]
    if not 0 < count <= ROWS:
        return []
    scene, layer = Scene(store, workspace, layers, dt.date.today()), layers[name]
    try:
        with store.snapshot():
            found = [one for one in _checks(scene, layer) if len(one)]
    except UsageError:
        # what cannot be looked at today (no unit is valid yet) is no fault of the load
        return []
    if not found:
        return []
    counts = pd.concat(found).groupby("kind", sort=False).size()
    kinds = [kind for kind in KINDS if kind in counts and KINDS[kind].severity == "attention"]
    if not kinds:
        return []
    en = ", ".join(f"{KINDS[kind].title.en} {counts[kind]:,}" for kind in kinds)
    zh = "，".join(f"{KINDS[kind].title.zh} {counts[kind]:,}" for kind in kinds)
    return [
        bilingual(
            f"worth a look in {name}: {en}; where: gridsvc check",
            f"{layer.title.zh}需检查：{zh}；位置见 gridsvc check",
        )
    ]


def _checks(scene: Scene, layer: Layer) -> Iterator[pd.DataFrame]:
    by_role: dict[str, Callable[[Scene, Layer], Iterator[pd.DataFrame]]] = {
        "unit": _units, "road": _roads, "asset": _features, "place": _features,
    }  # fmt: skip
    if layer.role in by_role:
        yield from by_role[layer.role](scene, layer)
    elif layer.name == DUTIES:
        yield faulty_duties(scene)


def _units(scene: Scene, layer: Layer) -> Iterator[pd.DataFrame]:
    """A level against itself and its parents, as valid today: what is wider than the drawing noise.

    Shape by shape, without the noded linework of the check: at this width both find the same.
    """
    yield repeated(scene, layer)
    number, layout = LEVELS.index(str(layer.level)), scene.workspace.county.layout
    frame = scene.layer(layer.name)
    shapes, code = frame.geometry.to_numpy(), frame["code"]
    if not len(frame) or int(shapely.get_num_coordinates(shapes).sum()) > VERTICES:
        return
    tree = shapely.STRtree(shapes)
    one, other = tree.query(shapes, predicate="intersects")
    yield _wide(scene, "overlap", shapely.intersection(shapes[one], shapes[other])[one < other])
    if not number:
        return
    above = scene.layer(scene.layers.units[LEVELS[number - 1]].name)
    parents = above.geometry.to_numpy()
    place = pd.Series(np.arange(len(above)), index=above["code"]).reindex(code.map(layout.parent))
    known = place.notna().to_numpy()
    rows = place[known].to_numpy(np.int64)
    yield _wide(scene, "protrusion", shapely.difference(shapes[known], parents[rows]))
    parent, child = tree.query(parents, predicate="intersects")
    drawn = [shapely.union_all(shapes[child[parent == row]]) for row in np.unique(rows)]
    yield _wide(scene, "gap", shapely.difference(parents[np.unique(rows)], np.array(drawn, dtype=object)))


def _wide(scene: Scene, kind: str, shapes: Any) -> pd.DataFrame:
    """The parts of *shapes* that are areas wider than the drawing noise."""
    parts = shapely.get_parts(shapes)
    parts = parts[shapely.area(parts) > 0]
    width = 2 * shapely.area(parts) / shapely.length(parts)
    return pd.DataFrame({"kind": [kind] * int((width >= scene.workspace.county.drawing_noise).sum())})


def _roads(scene: Scene, layer: Layer) -> Iterator[pd.DataFrame]:
    yield from road_findings(scene)


def _features(scene: Scene, layer: Layer) -> Iterator[pd.DataFrame]:
    yield same_place(scene, layer)
    yield same_name(scene, layer)
