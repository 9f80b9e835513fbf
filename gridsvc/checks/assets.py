"""Findings about assets and rows: what waits for confirmation or in quarantine, what was assumed."""

from __future__ import annotations

from collections.abc import Iterator

import pandas as pd
import shapely

from gridsvc.checks.boundaries import degrees
from gridsvc.coverage.scene import Scene

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
            yield pd.DataFrame(
                {"kind": ["assumed_width"], "layer": [scene.layers.roads.name], "size": [float(assumed)]}
            )
    yield quarantined(scene)


def unconfirmed(scene: Scene, name: str) -> pd.DataFrame:
    """Assets of layer *name* that wait for confirmation of their road, or have none."""
    assigned = scene.assignments(name)
    waits = assigned["how"].isin(WAITING).to_numpy(bool)
    points = shapely.point_on_surface(scene.layer(name).geometry.to_numpy()[waits])
    lon, lat = degrees(scene, shapely.get_x(points), shapely.get_y(points))
    rows = assigned[waits]
    return pd.DataFrame(
        {
            "kind": rows["how"].to_numpy(object),
            "layer": name,
            "target": rows["asset_key"].to_numpy(object),
            "size": rows["distance_m"].to_numpy(float),
            "lon": lon,
            "lat": lat,
        }
    )


def quarantined(scene: Scene) -> pd.DataFrame:
    """Loads with rows that wait in quarantine."""
    rows = scene.store.quarantine()
    waiting = rows[rows["open"]].groupby(["load_id", "layer"]).size().reset_index(name="rows")
    return pd.DataFrame(
        {
            "kind": "quarantine",
            "layer": waiting["layer"].to_numpy(object),
            "target": waiting["load_id"].astype(str).to_numpy(object),
            "size": waiting["rows"].to_numpy(float),
        }
    )
