"""Gathering findings from boundaries, duties, assets and loads, in one table."""

from __future__ import annotations

from collections.abc import Hashable
from dataclasses import dataclass
from typing import Any

import geopandas as gpd
import numpy as np
import pandas as pd
import shapely

from gridsvc.checks.assets import asset_findings
from gridsvc.checks.boundaries import boundary_findings
from gridsvc.checks.kinds import KINDS
from gridsvc.checks.lineage import lineage_findings
from gridsvc.checks.responsibility import responsibility_findings
from gridsvc.codes import LEVEL_TITLES
from gridsvc.coverage.scene import Scene

COLUMNS = [
    *("severity", "kind", "level", "unit_a", "unit_b", "layer", "target", "holder"),
    *("size", "measure", "width_m", "lon", "lat", "text_en", "text_zh"),
]
_TEXTS = ("level", "unit_a", "unit_b", "layer", "target", "holder")


@dataclass(frozen=True)
class Findings:
    """What was found, what needs attention first, then by kind, largest first."""

    frame: pd.DataFrame
    """Columns :data:`COLUMNS`; ``lon``, ``lat`` in degrees (NaN: no place), ``size`` in ``measure``."""

    @property
    def attention(self) -> int:
        """How many findings need attention."""
        return int((self.frame["severity"] == "attention").sum())

    def counts(self) -> pd.DataFrame:
        """``severity``, ``kind``, ``count``, ``size`` (sum, where sizes add up) in the order of the findings."""
        groups = self.frame.groupby(["severity", "kind"], sort=False)
        counts = groups.agg(count=("kind", "size"), size=("size", "sum"), measure=("measure", "first"))
        return counts.reset_index()

    def points(self) -> gpd.GeoDataFrame:
        """The findings as points, longitude and latitude; those without a place have no geometry."""
        place = self.frame[["lon", "lat"]].to_numpy(float)
        shapes = np.full(len(place), None, dtype=object)
        known = ~np.isnan(place).any(axis=1)
        shapes[known] = shapely.points(place[known])
        columns = self.frame.drop(columns=["lon", "lat"])
        return gpd.GeoDataFrame(columns, geometry=gpd.GeoSeries(shapes, index=columns.index), crs=4326)


def find(scene: Scene) -> Findings:
    """Check the workspace of *scene* on its day."""
    found = list(boundary_findings(scene))
    if scene.store.bounds() is not None:
        found += [*lineage_findings(scene), *responsibility_findings(scene), *asset_findings(scene)]
    frame = pd.concat([_complete(part) for part in found if len(part)] or [_complete(pd.DataFrame())])
    return Findings(_told(_sorted(frame), scene))


def _complete(part: pd.DataFrame) -> pd.DataFrame:
    """*part* with every column; a finding's severity is its kind's unless it has its own."""
    part = part.reset_index(drop=True)
    for name in _TEXTS:
        part[name] = part[name].astype(object) if name in part else ""
    for name in ("size", "width_m", "lon", "lat"):
        part[name] = part[name].astype(float) if name in part else np.nan
    part["kind"] = part["kind"].astype(object) if "kind" in part else pd.Series(dtype=object)
    if "severity" not in part:
        part["severity"] = part["kind"].map(lambda kind: KINDS[kind].severity).astype(object)
    part["measure"] = part["kind"].map(lambda kind: KINDS[kind].measure).astype(object)
    return part


def _sorted(frame: pd.DataFrame) -> pd.DataFrame:
    order = {kind: number for number, kind in enumerate(KINDS)}
    frame = frame.assign(
        _kind=frame["kind"].map(order), _note=frame["severity"] != "attention", _size=-frame["size"].fillna(0)
    )
    names = ["_note", "_kind", "_size", "unit_a", "unit_b", "layer", "target", "holder"]
    return frame.sort_values(names, kind="stable", ignore_index=True).drop(
        columns=["_kind", "_note", "_size"]
    )


def _told(frame: pd.DataFrame, scene: Scene) -> pd.DataFrame:
    """Add the sentence of each finding in both languages."""
    names = _names(scene) if len(frame) and scene.store.bounds() is not None else {}
    rows = frame.to_dict("records")
    texts = [KINDS[row["kind"]].sentence.fill(**_words(row, names, scene)) for row in rows]
    return frame.assign(text_en=[text.en for text in texts], text_zh=[text.zh for text in texts])[COLUMNS]


def _names(scene: Scene) -> dict[str, str]:
    """Names of units, chiefs and officers by code or id."""
    people = (scene.people.chiefs, scene.people.officers)
    pairs = [(frame["key"], frame["name"]) for frame in people]
    pairs += [(frame["code"], frame["name"]) for frame in map(scene.layer, _unit_layers(scene))]
    return {code: name for codes, names in pairs for code, name in zip(codes, names, strict=True) if name}


def _unit_layers(scene: Scene) -> list[str]:
    return [layer.name for layer in scene.layers.units.values()]


def _words(row: dict[Hashable, Any], names: dict[str, str], scene: Scene) -> dict[str, Any]:
    """What sentences can name; codes stand with their names."""
    level = LEVEL_TITLES.get(row["level"])
    layer = scene.layers[row["layer"]].title.zh if row["layer"] in scene.layers else ""
    named = {
        column: f"{row[column]} {names[row[column]]}" if row[column] in names else row[column]
        for column in ("unit_a", "unit_b", "target", "holder")
    }
    words = {**{str(name): value for name, value in row.items()}, **named}
    return {
        **words,
        "holder": named["holder"] or "—",
        "level_zh": level.zh if level else "",
        "layer_zh": layer,
    }
