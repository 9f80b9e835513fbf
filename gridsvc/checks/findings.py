"""Gathering findings from boundaries, duties, assets and loads, in one table."""

from __future__ import annotations

from collections.abc import Hashable
from dataclasses import dataclass
from typing import Any

import geopandas as gpd
import numpy as np
import numpy.typing as npt
import pandas as pd
import shapely

from gridsvc.checks.assets import asset_findings
from gridsvc.checks.boundaries import boundary_findings
from gridsvc.checks.duplicates import duplicate_findings
from gridsvc.checks.fields import field_findings
from gridsvc.checks.kinds import KINDS
from gridsvc.checks.lineage import lineage_findings
from gridsvc.checks.network import road_findings
from gridsvc.checks.parts import has_units, part, places
from gridsvc.checks.reports import lost_reports
from gridsvc.checks.responsibility import responsibility_findings
from gridsvc.codes import LEVEL_TITLES
from gridsvc.coverage.scene import Scene
from gridsvc.crs import transform

COLUMNS = [
    *("severity", "kind", "level", "unit_a", "unit_b", "unit", "layer", "feature", "source", "source_row"),
    *("other", "other_source", "other_row", "target", "holder"),
    *("size", "measure", "width_m", "lon", "lat", "text_en", "text_zh"),
]
# what tells findings of one kind apart when their sizes are equal
_ORDER = ["unit_a", "unit_b", "layer", "feature", "other", "target", "holder"]


@dataclass(frozen=True)
class Findings:
    """What was found, what needs attention first, then by kind, largest first."""

    frame: pd.DataFrame
    """Columns :data:`COLUMNS`. ``unit`` is the finest unit that a finding lies in; ``source`` and ``source_row``
    are the file and the row of it that ``feature`` of ``layer`` came from, likewise for ``other``; ``lon``,
    ``lat`` in degrees (NaN: no place), ``size`` in ``measure``."""
    shapes: npt.NDArray[np.object_]
    """What there is to see of each finding, longitude and latitude; None where it has no place."""

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
        found += [
            *lineage_findings(scene),
            *road_findings(scene),
            *duplicate_findings(scene),
            *responsibility_findings(scene),
            *asset_findings(scene),
            *field_findings(scene),
            lost_reports(scene),
        ]
    found = [one for one in found if len(one)] or [part([])]
    frame = _ordered(_placed(_graded(pd.concat(found, ignore_index=True)), scene))
    frame = _told(_traced(frame, scene), scene)
    return Findings(frame[COLUMNS], frame["shape"].to_numpy(object))


def _graded(frame: pd.DataFrame) -> pd.DataFrame:
    """A finding's severity is its kind's unless it has its own; its measure is its kind's."""
    usual = frame["kind"].map({kind: one.severity for kind, one in KINDS.items()})
    measure = frame["kind"].map({kind: one.measure for kind, one in KINDS.items()})
    return frame.assign(
        severity=frame["severity"].where(frame["severity"] != "", usual).astype(object),
        measure=measure.astype(object),
    )


def _placed(frame: pd.DataFrame, scene: Scene) -> pd.DataFrame:
    """Add where each finding is: ``lon``, ``lat``, and the unit it lies in; shapes in degrees."""
    lon, lat = np.full(len(frame), np.nan), np.full(len(frame), np.nan)
    unit = frame["unit_a"].to_numpy(object, copy=True)
    shapes = frame["shape"].to_numpy(object, copy=True)
    known = ~shapely.is_missing(shapes)
    if known.any():
        points = places(shapes[known])
        if has_units(scene):
            owners = np.append(scene.partition.cells["unit"].to_numpy(object), "")
            unit[known] = owners[scene.partition.locate(shapely.get_coordinates(points))]
        moved = transform(points, scene.crs, scene.store.crs)
        lon[known], lat[known] = shapely.get_x(moved), shapely.get_y(moved)
        shapes[known] = transform(shapes[known], scene.crs, scene.store.crs)
    # beyond the county there is no unit, but for the one that reaches there
    unit = np.where(unit == "", frame["unit_a"].to_numpy(object), unit)
    return frame.assign(unit=unit, lon=lon, lat=lat, shape=pd.Series(shapes, index=frame.index, dtype=object))


def _ordered(frame: pd.DataFrame) -> pd.DataFrame:
    order = {kind: number for number, kind in enumerate(KINDS)}
    frame = frame.assign(
        _kind=frame["kind"].map(order), _note=frame["severity"] != "attention", _size=-frame["size"].fillna(0)
    )
    names = ["_note", "_kind", "_size", *_ORDER]
    return frame.sort_values(names, kind="stable", ignore_index=True).drop(
        columns=["_kind", "_note", "_size"]
    )


def _traced(frame: pd.DataFrame, scene: Scene) -> pd.DataFrame:
    """Add the file and the row of it that each feature, and each second feature, came from."""
    others = frame["other_layer"].where(frame["other_layer"] != "", frame["layer"])
    source, row = _origins(frame["layer"], frame["feature"], scene)
    other_source, other_row = _origins(others, frame["other"], scene)
    return frame.assign(source=source, source_row=row, other_source=other_source, other_row=other_row)


def _origins(layer: pd.Series, feature: pd.Series, scene: Scene) -> tuple[pd.Series, pd.Series]:
    """File and row of each feature; nothing where none is named, or where it came from no file."""
    source = pd.Series("", index=feature.index, dtype=object)
    row = pd.Series(pd.NA, index=feature.index, dtype="Int64")
    for name, keys in feature[feature != ""].groupby(layer):
        if name in scene.layers:
            found = scene.store.origins(str(name)).set_index("key").reindex(keys)
            source[keys.index] = found["source"].fillna("").to_numpy(object)
            row[keys.index] = found["source_row"].array
    return source, row


def _told(frame: pd.DataFrame, scene: Scene) -> pd.DataFrame:
    """Add the sentence of each finding in both languages."""
    names = _names(scene) if len(frame) and scene.store.bounds() is not None else {}
    said: dict[str, list[str]] = {"text_en": [], "text_zh": []}
    for row in frame.drop(columns="shape").to_dict("records"):
        sentence, words = KINDS[row["kind"]].sentence, _words(row, names, scene)
        said["text_en"].append(sentence.en.format(what=row["what_en"], **words))
        said["text_zh"].append(sentence.zh.format(what=row["what_zh"], **words))
    return frame.assign(**said)


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
