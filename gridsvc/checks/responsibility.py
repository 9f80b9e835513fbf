"""Findings about duties: who is not known, what is not there, which posts are vacant."""

from __future__ import annotations

from collections.abc import Iterator

import pandas as pd
import shapely

from gridsvc.checks.boundaries import degrees
from gridsvc.coverage.scene import Scene


def responsibility_findings(scene: Scene) -> Iterator[pd.DataFrame]:
    """Findings of the duties of the scene's day."""
    faults = scene.duties.faults
    yield pd.DataFrame(
        {
            name: faults[column].to_numpy(object)
            for name, column in (("kind", "fault"), ("target", "target"), ("holder", "holder"))
        }
    )
    yield vacant_roads(scene)
    yield vacant_units(scene)
    yield unused_shares(scene)


def vacant_roads(scene: Scene) -> pd.DataFrame:
    """Vacant posts with duties on roads: one finding a post and road."""
    stretches = scene.duties.stretches
    vacant = stretches[stretches["vacant"].to_numpy(bool)]
    label = pd.Series(scene.roads.label[vacant["row"].to_numpy(int)], index=vacant.index, dtype=object)
    first = vacant.assign(target=label).drop_duplicates(["holder", "role", "target"])
    shapes = scene.roads.frame.geometry.to_numpy()[first["row"].to_numpy(int)]
    middle = shapely.line_interpolate_point(shapes, 0.5, normalized=True)
    lon, lat = degrees(scene, shapely.get_x(middle), shapely.get_y(middle))
    return _vacant(first).assign(lon=lon, lat=lat)


def vacant_units(scene: Scene) -> pd.DataFrame:
    """Vacant posts with duties on units."""
    posts = scene.duties.posts
    vacant = posts[posts["vacant"].to_numpy(bool)]
    return _vacant(vacant.assign(target=vacant["unit"])).assign(unit_a=vacant["unit"].to_numpy(object))


def unused_shares(scene: Scene) -> pd.DataFrame:
    """Agreements between neighbours on sharing a road that apply nowhere."""
    rows = scene.unused_shares
    return pd.DataFrame(
        {
            "kind": "unused_share",
            "target": rows["road_id"].to_numpy(object),
            "unit_a": rows["unit_code"].to_numpy(object),
        }
    )


def _vacant(rows: pd.DataFrame) -> pd.DataFrame:
    return pd.DataFrame(
        {
            "kind": "vacant",
            "target": rows["target"].to_numpy(object),
            "holder": rows["holder"].to_numpy(object),
        },
        index=range(len(rows)),
    )
