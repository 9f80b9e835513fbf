"""Rows in quarantine as a table to correct: as they were delivered, with the reason, and a number to come back by."""

from __future__ import annotations

import json
from collections.abc import Sequence
from pathlib import Path
from typing import Any

import geopandas
import numpy as np
import pandas as pd
import pyproj
import shapely
import xlsxwriter

from gridsvc.errors import StoreError, UsageError
from gridsvc.export import file_format, write_file
from gridsvc.export.tables import EXCEL_TEXT, disarmed, width_of
from gridsvc.intake.delivery import unique_names
from gridsvc.intake.positions import coordinate_columns
from gridsvc.layers import Layer
from gridsvc.text import Text, bilingual

# the columns that gridsvc puts before those of the file; what starts with # is never read as data
REASON = bilingual("#reason", "#原因")
NUMBER = bilingual("#quarantine", "#待处理编号")
FILE = bilingual("#file", "#来源文件")
ROW = bilingual("#row", "#源行号")
HEADS = (REASON, NUMBER, FILE, ROW)
POSITION = (bilingual("lon", "经度"), bilingual("lat", "纬度"))
EXPORTS = ("xlsx", "csv", "geojson", "gpkg")
_HELP = bilingual(
    "Correct the yellow cells (the reason stands in the first column), leave the column {number} as it is, save, and "
    "take the rows in with:\ngridsvc quarantine {layer} --admit {file}\nA row that is deleted here just goes on "
    "waiting. To leave one out for good: gridsvc quarantine {layer} --dismiss NUMBER --note TEXT",
    "请修改黄色单元格（原因见第一列），“{number}”列保持不变，保存后执行：\n"
    "gridsvc quarantine {layer} --admit {file}\n"
    "在此删除的行只是继续待处理。确定不入库的行：gridsvc quarantine {layer} --dismiss 编号 --note 说明",
)
SHEET = bilingual("Correct here", "请在此更正")
_GUIDE = bilingual("Read me", "填写说明")


def raw_of(row: Any) -> dict[str, str | None]:
    """The delivered cells of a quarantined row, by column."""
    found = json.loads(row.raw) if isinstance(row.raw, str) else {}
    return {name: text for name, text in found.items() if name != "#file"}


def file_of(row: Any) -> str:
    """The file that a quarantined row came from; empty where older versions did not record it."""
    found = row.file or (json.loads(row.raw).get("#file") if isinstance(row.raw, str) else None)
    return str(found or "")


def columns_of(raws: Sequence[dict[str, str | None]]) -> list[str]:
    """Every delivered column of some rows, in order."""
    return list(dict.fromkeys(name for raw in raws for name in raw))


def waiting_frame(rows: pd.DataFrame, layer: Layer, lang: str, crs: pyproj.CRS, ending: str) -> pd.DataFrame:
    """*rows* of *layer* (:meth:`Store.quarantine`) as a table: :data:`HEADS`, then the columns delivered.

    For the formats of GIS desktops it has the shapes that could be placed, longitude and latitude in *crs*; a
    spreadsheet has them of points as :data:`POSITION`, unless the file has columns of its own for that.
    """
    raws = [raw_of(row) for row in rows.itertuples()]
    heads: dict[str, list[Any]] = {
        REASON(lang): rows[f"reason_{lang}"].tolist(),
        NUMBER(lang): rows["origin"].tolist(),
        FILE(lang): [file_of(row) for row in rows.itertuples()],
        ROW(lang): rows["source_row"].tolist(),
    }
    # csv_text disarms names itself
    delivered = columns_of(raws)
    names = shown_names(delivered, "" if ending == "csv" else ending)
    if ending in ("xlsx", "csv") and 0 in layer.dimensions and coordinate_columns(delivered) is None:
        heads |= dict(zip((name(lang) for name in POSITION), _positions(rows), strict=True))
    cells = {shown: [raw.get(name) for raw in raws] for name, shown in names.items()}
    data = {name: pd.Series(values, dtype=object) for name, values in {**heads, **cells}.items()}
    frame = pd.DataFrame(data, index=range(len(rows)))
    for name in (NUMBER(lang), ROW(lang)):
        frame[name] = frame[name].astype("Int64")
    if ending not in ("geojson", "gpkg"):
        return frame
    shapes = geopandas.GeoSeries(shapes_of(rows), index=frame.index)
    placed: pd.DataFrame = geopandas.GeoDataFrame(frame, geometry=shapes, crs=crs)
    return placed


def _positions(rows: pd.DataFrame) -> tuple[list[str | None], list[str | None]]:
    """Longitude and latitude of points as text, with every digit; None for other shapes and where there is none."""
    at = [position_of(shape) for shape in shapes_of(rows)]
    return [one and one[0] for one in at], [one and one[1] for one in at]


def position_of(shape: Any) -> tuple[str, str] | None:
    """A point's longitude and latitude as the export writes them."""
    if shape is None or shape.geom_type != "Point" or shape.is_empty:
        return None
    return repr(float(shape.x)), repr(float(shape.y))


def shapes_of(rows: pd.DataFrame) -> np.ndarray:
    """Shapes of quarantined rows, None where they could not be placed."""
    shapes = np.full(len(rows), None, dtype=object)
    shapes[:] = [shapely.from_wkb(bytes(wkb)) if wkb else None for wkb in rows["geometry"].tolist()]
    return shapes


def write_waiting(rows: pd.DataFrame, layer: Layer, path: Path, lang: str, crs: pyproj.CRS) -> None:
    """Write *rows* of *layer* for a person to correct; the ending of *path* names the form (:data:`EXPORTS`)."""
    ending = file_format(path)
    if ending not in EXPORTS:
        known = ", ".join(f".{name}" for name in EXPORTS)
        raise UsageError(
            f"--export {path}: rows to correct are written as {known}",
            f"--export {path}：待更正的行可导出为 {known}",
        )
    if ending == "xlsx":
        _write_workbook(rows, layer, path, lang, crs)
        return
    frame = waiting_frame(rows, layer, lang, crs, ending)
    write_file({layer.name: frame}, path)


def _write_workbook(rows: pd.DataFrame, layer: Layer, path: Path, lang: str, crs: pyproj.CRS) -> None:
    """A workbook whose faulty cells are coloured; every cell is text, so that no code loses a digit."""
    frame = waiting_frame(rows, layer, lang, crs, "xlsx")
    faults = [set(json.loads(text)) if isinstance(text, str) else set() for text in rows["columns"]]
    aside = path.with_name(f".{path.name}.part")
    try:
        path.parent.mkdir(parents=True, exist_ok=True)
        with xlsxwriter.Workbook(str(aside), {"in_memory": True}) as book:
            _fill(book, frame, faults, lang)
            told = _HELP.fill(number=NUMBER(lang), layer=layer.name, file=path.name)(lang)
            guide = book.add_worksheet(_GUIDE(lang))
            guide.set_column(0, 0, 100)
            for number, line in enumerate(told.split("\n")):
                guide.write_string(number, 0, line, book.add_format({"text_wrap": True}))
        aside.replace(path)
    except (xlsxwriter.exceptions.FileCreateError, OSError) as error:
        aside.unlink(missing_ok=True)
        raise StoreError(f"{path} cannot be written: {error}", f"无法写入 {path}：{error}") from error


def _fill(book: Any, frame: pd.DataFrame, faults: list[set[str]], lang: str) -> None:
    edge = {"border": 1, "border_color": "#C5CDD5", "valign": "top", "num_format": "@"}
    head = book.add_format({"bold": True, "bg_color": "#E8EEF4", **edge})
    told = book.add_format({"text_wrap": True, "bg_color": "#FFF2CC", "font_color": "#9C2A00", **edge})
    fixed = book.add_format({"font_color": "#707880", **edge, "num_format": "0"})
    plain, wrong = book.add_format(edge), book.add_format({"bg_color": "#FFE45C", **edge})
    sheet = book.add_worksheet(SHEET(lang))
    names = [str(name) for name in frame.columns]
    for column, name in enumerate(names):
        sheet.write_string(0, column, name, head)
        values = frame[name].tolist()
        sheet.set_column(column, column, min(max(width_of(text) for text in (name, *values[:200])) + 2, 30))
        for row, value in enumerate(values, 1):
            style = wrong if name in faults[row - 1] else told if not column else plain
            text = "" if value is None or value is pd.NA else str(value)
            if name in (NUMBER(lang), ROW(lang)) and text:
                sheet.write_number(row, column, int(text), fixed)
            elif text:
                sheet.write_string(row, column, text[:EXCEL_TEXT], style)
            else:
                sheet.write_blank(row, column, None, style)
    sheet.set_column(0, 0, 60)
    sheet.freeze_panes(1, 2)
    sheet.autofilter(0, 0, max(len(frame), 1), len(names) - 1)


def shown_names(columns: Sequence[str], ending: str) -> dict[str, str]:
    """Under which name each delivered column stands in an export with this ending."""
    if ending == "csv":
        return {name: str(disarmed(name)) for name in columns}
    kept = {"geojson": {"geometry"}, "gpkg": {"geometry", "geom", "fid", "gpkg_fid"}}.get(ending, set())
    shown = [f"{name}_" if name.lower() in kept else name for name in columns]
    if ending == "gpkg":
        # a database does not tell names apart by case
        apart = unique_names([name.lower() for name in shown])
        shown = [name + other[len(name) :] for name, other in zip(shown, apart, strict=True)]
    return dict(zip(columns, shown, strict=True))


def delivered_names(names: Sequence[str], columns: Sequence[str]) -> dict[str, str]:
    """Which delivered column each column of a corrected file is; columns that were not delivered keep their name."""
    known = {shown: name for ending in EXPORTS for name, shown in shown_names(columns, ending).items()}
    known |= {name: name for name in columns}
    return {name: known.get(name, name) for name in names}


def names_back(name: str) -> Text | None:
    """Which of :data:`HEADS` a column of a corrected file is, in either language; None for a delivered one."""
    return next((head for head in HEADS if name.strip() in (head.en, head.zh)), None)
