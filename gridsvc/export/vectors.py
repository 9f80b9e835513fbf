"""Formats of GIS desktops: GeoJSON, GeoPackage, FlatGeobuf, shapefile."""

from __future__ import annotations

import json
import warnings
from collections.abc import Iterator, Mapping
from contextlib import contextmanager
from pathlib import Path
from typing import Any

import geopandas
import numpy as np
import numpy.typing as npt
import pandas as pd
import shapely
from pyogrio import raw

from gridsvc.errors import UsageError
from gridsvc.export.dictionary import write_dictionary
from gridsvc.layers import Layer

DRIVERS = {".gpkg": "GPKG", ".fgb": "FlatGeobuf", ".shp": "ESRI Shapefile"}
SHAPEFILE_NAME = 10
SHAPEFILE_TEXT = 254
KINDS = ["Point", "LineString", "LinearRing", "Polygon", "MultiPoint", "MultiLineString", "MultiPolygon"]


def write_geojson(tables: Mapping[str, pd.DataFrame], path: Path) -> None:
    """Write the one table as GeoJSON with every digit of the stored longitude and latitude."""
    (frame,) = tables.values()
    path.write_text(geojson_text(frame), encoding="utf-8")


def geojson_text(frame: pd.DataFrame) -> str:
    """*frame* as a feature collection; rows without a shape, and tables, have a null geometry."""
    properties = pd.DataFrame(frame.drop(columns="geometry", errors="ignore"))
    for name in properties.columns:
        if pd.api.types.is_datetime64_any_dtype(properties[name].dtype):
            properties[name] = properties[name].dt.strftime("%Y-%m-%d")
    values = properties.astype(object).where(properties.notna(), None).to_dict(orient="records")
    shapes: list[str | None] = [None] * len(frame)
    if "geometry" in frame:
        array = shapely.orient_polygons(np.asarray(frame["geometry"], dtype=object))
        shapes = np.atleast_1d(shapely.to_geojson(array)).tolist()
    dumps = json.JSONEncoder(ensure_ascii=False, separators=(",", ":"), allow_nan=False).encode
    features = [
        f'{{"type":"Feature","geometry":{shape or "null"},"properties":{dumps(row)}}}'
        for shape, row in zip(shapes, values, strict=True)
    ]
    return '{"type":"FeatureCollection","features":[\n' + ",\n".join(features) + "\n]}\n"


def write_vector(
    tables: Mapping[str, pd.DataFrame], path: Path, layers: Mapping[str, Layer] | None = None
) -> None:
    """Write tables as the layers of *path* through GDAL; the format follows from the ending.

    A shapefile takes names of ten characters and texts of 254 bytes: longer names are cut and numbered, and a
    list of the fields is written beside it; a longer text, or a number of more digits than it holds, is
    refused (:class:`UsageError`), not cut. Its encoding is UTF-8 and its .cpg says so. *layers* are the
    definitions of tables that are layers: by them a table without rows has a type of geometry.
    """
    driver = DRIVERS[path.suffix]
    layers = layers or {}
    for name, frame in tables.items():
        layer = layers.get(name)
        properties = pd.DataFrame(frame.drop(columns="geometry", errors="ignore"))
        names = [str(column) for column in properties.columns]
        if driver == "ESRI Shapefile":
            _require_short(properties, path)
            names = short_names(names)
            write_dictionary(properties, names, layer, path)
        columns = [_column(properties[column]) for column in properties.columns]
        spatial = "geometry" in frame
        kind = _geometry_type(frame, layer) if spatial else None
        if driver != "GPKG":
            _require_one_kind(name, kind, path)
        whole: dict[str, str] = {}
        options: dict[str, str] = {}
        if driver == "GPKG":
            # 1.3 is what desktops of recent years read without complaint
            whole = {"VERSION": "1.3"} if not path.exists() else {}
            options = {"FID": "gpkg_fid"} | ({} if spatial else {"ASPATIAL_VARIANT": "GPKG_ATTRIBUTES"})
        with warnings.catch_warnings(), _digits_kept(name, path):
            # a number that does not fit into its column
            warnings.filterwarnings("error", message=".*not successfully written.*", category=RuntimeWarning)
            # a shapefile has one type of line and of polygon, be they of one part or several
            warnings.filterwarnings("ignore", message=".*(promote|single|multi).*", category=RuntimeWarning)
            raw.write(
                path,
                geometry=_wkb(frame) if spatial else None,
                field_data=[data for data, _ in columns],
                field_mask=[mask for _, mask in columns],
                fields=np.array(names, dtype=object),
                layer=name if driver == "GPKG" else path.stem,
                driver=driver,
                geometry_type=kind,
                promote_to_multi=kind is not None and kind.startswith("Multi"),
                crs=_crs(frame) if spatial else None,
                append=path.exists(),
                encoding="UTF-8",
                dataset_options=whole,
                layer_options=options,
            )


@contextmanager
def _digits_kept(name: str, path: Path) -> Iterator[None]:
    """Refuse where GDAL tells that a number lost digits."""
    try:
        yield
    except RuntimeWarning as warning:
        raise UsageError(
            f"{path}: {name} has a number with more digits than a shapefile holds ({warning}); use .gpkg instead",
            f"{path}：{name} 中有数值超出 shapefile 的位数（{warning}）；请改用 .gpkg",
        ) from warning


def _crs(frame: pd.DataFrame) -> str | None:
    crs = frame.crs if isinstance(frame, geopandas.GeoDataFrame) else None
    code = crs.to_epsg() if crs is not None else None
    return f"EPSG:{code}" if code else (crs.to_wkt() if crs is not None else None)


def _wkb(frame: pd.DataFrame) -> npt.NDArray[np.object_]:
    shapes = np.asarray(frame["geometry"], dtype=object)
    return np.asarray(shapely.to_wkb(shapes), dtype=object).reshape(len(shapes))


def _geometry_type(frame: pd.DataFrame, layer: Layer | None) -> str:
    """The one type that holds every shape of the frame (of the layer, where there is none), or Unknown."""
    if not len(frame) and layer is not None:
        several = next((kind for kind in layer.geometry if kind.startswith("Multi")), layer.geometry[0])
        return several if len(layer.dimensions) == 1 else "Unknown"
    found = np.unique(shapely.get_type_id(np.asarray(frame["geometry"], dtype=object)))
    kinds = {KINDS[kind] for kind in found if 0 <= kind < len(KINDS)}
    single = {kind.removeprefix("Multi") for kind in kinds}
    if len(single) != 1:
        return "Unknown"
    multi = any(kind.startswith("Multi") for kind in kinds)
    return f"{'Multi' if multi else ''}{single.pop()}"


def _column(column: pd.Series[Any]) -> tuple[npt.NDArray[Any], npt.NDArray[np.bool_] | None]:
    """One column as GDAL takes it, and which of its values are missing (None: the values tell)."""
    missing = column.isna().to_numpy(dtype=bool)
    if pd.api.types.is_bool_dtype(column.dtype):
        return column.fillna(value=False).to_numpy(dtype=bool), missing
    if pd.api.types.is_integer_dtype(column.dtype):
        return column.fillna(0).to_numpy(dtype="int64"), missing
    if pd.api.types.is_float_dtype(column.dtype):
        return column.to_numpy(dtype="float64", na_value=np.nan), None
    if pd.api.types.is_datetime64_any_dtype(column.dtype):
        return column.to_numpy(dtype="datetime64[D]"), None
    texts = np.empty(len(column), dtype=object)
    texts[:] = [None if gone else str(value) for value, gone in zip(column.tolist(), missing, strict=True)]
    return texts, None


def short_names(names: list[str]) -> list[str]:
    """Names of at most ten characters, all different: ``light_points`` → ``light_poin``, the next ``light_po_2``.

    Names that are short enough stay.
    """
    short: list[str] = []
    kept = {name for name in names if len(name) <= SHAPEFILE_NAME}
    for name in names:
        cut, number = name[:SHAPEFILE_NAME], 1
        while cut in short or (cut in kept and cut != name):
            number += 1
            cut = f"{name[: SHAPEFILE_NAME - 1 - len(str(number))]}_{number}"
        short.append(cut)
    return short


def _require_one_kind(name: str, kind: str | None, path: Path) -> None:
    """Refuse what a format of one geometry type cannot hold."""
    if kind is None:
        raise UsageError(
            f"{path}: {name} has no geometry; use .csv or .xlsx",
            f"{path}：{name} 没有图形；请改用 .csv 或 .xlsx",
        )
    if kind == "Unknown" and path.suffix == ".shp":
        raise UsageError(
            f"{path}: {name} mixes kinds of geometry, or has none, and a shapefile holds one; use .gpkg",
            f"{path}：{name} 含多种图形类型或为空，shapefile 只能保存一种；请改用 .gpkg",
        )


def _require_short(properties: pd.DataFrame, path: Path) -> None:
    """Refuse texts that a shapefile would cut."""
    for name in properties.select_dtypes(include=["object", "str"]).columns:
        lengths = properties[name].dropna().map(lambda text: len(str(text).encode()))
        if len(lengths) and lengths.max() > SHAPEFILE_TEXT:
            raise UsageError(
                f"{path}: column {name} has a text of {lengths.max()} bytes, a shapefile holds "
                f"{SHAPEFILE_TEXT}; use .gpkg instead",
                f"{path}：字段 {name} 有 {lengths.max()} 字节的文本，shapefile 最多 {SHAPEFILE_TEXT} 字节；"
                "请改用 .gpkg",
            )
