"""Findings about assets and rows: what waits for confirmation or in quarantine, what was assumed."""

from __future__ import annotations

from collections.abc import Iterator

import numpy as np
import pandas as pd

from gridsvc.checks.parts import part
from gridsvc.coverage.scene import Scene
from gridsvc.duties.roads import texts

WAITING = ("tie", "contradiction", "far")


def asset_findings(scene: Scene) -> Iterator[pd.DataFrame]:
    """Assets whose road is not certain, rows in quarantine, roads without a width."""
    counts = scene.store.counts()
    if counts[scene.layers.roads.name]:
        for layer in scene.layers.of_role("asset"):
            if counts[layer.name] and {"road_code", "road_name"} & set(layer.fields):
                yield unconfirmed(scene, layer.name)
        assumed = int(scene.roads.width_assumed.sum())
        if assumed:
            yield part("assumed_width", layer=scene.layers.roads.name, size=[float(assumed)])
    yield quarantined(scene)


def unconfirmed(scene: Scene, name: str) -> pd.DataFrame:
    """Assets of layer *name* that wait for confirmation of their road, or have none."""
    assigned, frame = scene.assignments(name), scene.layer(name)
    waits = assigned["how"].isin(WAITING).to_numpy(bool)
    rows = assigned[waits]
    called, code = texts(frame, "road_name")[waits], texts(frame, "road_code")[waits]
    return part(
        rows["how"].to_numpy(object),
        layer=name,
        feature=rows["asset_key"].to_numpy(object),
        target=np.where(called != "", called, code),
        size=rows["distance_m"].to_numpy(float),
        shape=frame.geometry.to_numpy()[waits],
    )


def quarantined(scene: Scene) -> pd.DataFrame:
    """Loads with rows that wait in quarantine."""
    rows = scene.store.quarantine()
    waiting = rows[rows["open"]].groupby(["load_id", "layer"]).size().reset_index(name="rows")
    return part(
        np.full(len(waiting), "quarantine", dtype=object),
        layer=waiting["layer"].to_numpy(object),
        target=waiting["load_id"].astype(str).to_numpy(object),
        size=waiting["rows"].to_numpy(float),
    )
