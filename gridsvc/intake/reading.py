"""Layers of GeoPackages and file geodatabases, read whole by GDAL."""

from __future__ import annotations

from pathlib import Path
from typing import Any

import numpy as np
import numpy.typing as npt
import pyogrio
import pyproj
import shapely

from gridsvc.errors import InputRefusedError
from gridsvc.intake.delivery import UNREADABLE, Column, DataSet, Delivery, Mask, Objects, unique_names
from gridsvc.intake.gdal import ARC_STEP, GDAL_ERRORS, count_curves, lent, quiet_gdal
from gridsvc.text import Text, bilingual

_EXACT_FLOAT = 2.0**53
# polyhedral surface, TIN, triangle, as numbered in WKB
_SURFACES = {15, 16, 17}


def from_wkb(wkb: Objects) -> tuple[Objects, Mask]:
    """Shapes from WKB, and which of them were there but could not be read."""
    shapes = np.asarray(shapely.from_wkb(wkb, on_invalid="ignore"), dtype=object)
    present = np.array([value is not None for value in wkb], dtype=bool)
    return shapes, present & np.array(shapely.is_missing(shapes), dtype=bool)


def why_unreadable(wkb: Objects, unreadable: Mask) -> Text:
    """What is said of shapes that cannot be read: surfaces in space by their name."""
    kinds = {int.from_bytes(value[1:5], "little" if value[0] else "big") % 1000 for value in wkb[unreadable]}
    if not kinds & _SURFACES:
        return UNREADABLE
    return bilingual(
        "it is a surface in space (TIN or MultiPatch), which is not read; export it as polygons",
        "图形为三维曲面（TIN 或 MultiPatch），不支持；请导出为二维面",
    )


def read_layer_file(data: DataSet, forced: str | None) -> Delivery:
    """Read one layer of a GeoPackage or geodatabase; shapes are optional."""
    named = {"encoding": forced} if forced else {}
    try:
        with lent(data.path) as place:
            with quiet_gdal():
                meta, fids, wkb, values = pyogrio.raw.read(place, layer=data.layer, return_fids=True, **named)
            exact = [
                _as_text(place, data.layer, str(name)) if _inexact(array, str(kind)) else None
                for name, array, kind in zip(meta["fields"], values, meta["dtypes"], strict=True)
            ]
            # points have no arcs, and are many
            curved = 0 if str(meta["geometry_type"]).startswith("Point") else count_curves(place, data.layer)
    except GDAL_ERRORS as error:
        raise InputRefusedError(
            f"{data.title} cannot be read: {error}", f"无法读取 {data.title}：{error}"
        ) from error
    names = unique_names(str(name) for name in meta["fields"])
    columns = {
        name: Column.of_array(array) if texts is None else Column.of_cells(texts.copy)
        for name, array, texts in zip(names, values, exact, strict=True)
    }
    geometry, unreadable, why = None, None, UNREADABLE
    if wkb is not None:
        raw = np.asarray(wkb, dtype=object)
        geometry, unreadable = from_wkb(raw)
        why = why_unreadable(raw, unreadable)
    crs, crs_note = _crs(meta["crs"])
    return Delivery(
        data.title,
        data.format,
        np.arange(1, len(fids) + 1, dtype="int64"),
        columns,
        geometry=geometry,
        unreadable=unreadable,
        unreadable_why=why,
        crs=crs,
        crs_note=crs_note,
        encoding="UTF-8",
        encoding_note=bilingual("prescribed by the format", "格式规定"),
        samples=_layer_samples(columns, values),
        notes=[_curves(curved)] if curved else [],
    )


def _curves(count: int) -> Text:
    return bilingual(
        f"{count} features are drawn with arcs; they became chords of {ARC_STEP}°, which lie off the arc by less "
        "than 1/26,000 of its radius",
        f"{count} 个要素含圆弧，已按每 {ARC_STEP}° 一段折线化，偏离圆弧不超过半径的 1/26000",
    )


def _crs(text: str | None) -> tuple[pyproj.CRS | None, Text | None]:
    """CRS that the file states, or a note why what it states is no use."""
    try:
        return (
            (pyproj.CRS.from_user_input(text), bilingual("from the file", "来自文件"))
            if text
            else (None, None)
        )
    except pyproj.exceptions.CRSError:
        return None, bilingual("the coordinate system in the file is not known", "文件中的坐标系无法识别")


def _layer_samples(columns: dict[str, Column], values: list[npt.NDArray[Any]]) -> list[str]:
    for column, array in zip(columns.values(), values, strict=True):
        if array.dtype.kind == "O" and (texts := [text for text in column.samples() if not text.isascii()]):
            return texts
    return []


def _inexact(array: npt.NDArray[Any], kind: str) -> bool:
    """True for whole numbers that came as floats (there are empty cells) and are too large for that."""
    floats = kind.startswith("int") and array.dtype.kind == "f"
    return bool(floats and np.nanmax(np.abs(array), initial=0) >= _EXACT_FLOAT)


def _as_text(place: Path, layer: str, name: str) -> list[Any]:
    column, table = (text.replace('"', '""') for text in (name, layer))
    sql = f'SELECT CAST("{column}" AS TEXT) AS value FROM "{table}"'
    with quiet_gdal():
        values = pyogrio.raw.read(place, sql=sql, sql_dialect="SQLITE", read_geometry=False)[3]
    return list(values[0].tolist())
