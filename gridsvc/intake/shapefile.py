"""Shapefiles and bare .dbf tables: shapes by GDAL, attributes straight from the .dbf."""

from __future__ import annotations

from pathlib import Path

import numpy as np
import numpy.typing as npt
import pyogrio
import pyproj

from gridsvc.errors import InputRefusedError
from gridsvc.intake.archive import work_folder
from gridsvc.intake.dbf import LANGUAGE_DRIVERS, Dbf, read_dbf
from gridsvc.intake.delivery import Column, DataSet, Delivery, LeftOut, Objects
from gridsvc.intake.encoding import Encoding, decode, detect
from gridsvc.intake.formats import SHAPES, sidecar
from gridsvc.intake.gdal import GDAL_ERRORS, quiet_gdal, stand_in
from gridsvc.intake.reading import from_wkb, why_unreadable
from gridsvc.text import Text, bilingual

# types of shapes: with measures, with heights and perhaps measures
_MEASURED, _HIGH = {21, 23, 25, 28}, {11, 13, 15, 18}


def read_shapefile(data: DataSet, forced: str | None) -> Delivery:
    """Read a shapefile: shapes through GDAL, attributes straight from the .dbf.

    Records marked deleted are left out; a .shp and a .dbf of different length are told, and the rows that
    lack one of the two are kept for the checks to judge.
    """
    wkb, shapes_note = _shapes(data.path)
    table = sidecar(data.path, ".dbf")
    delivery = _table(read_dbf(table), data, forced, len(wkb)) if table else _bare(data, len(wkb))
    records = delivery.rows - 1
    geometry = np.full(len(records), None, dtype=object)
    present = records < len(wkb)
    geometry[present] = wkb[records[present]]
    delivery.geometry, delivery.unreadable = from_wkb(geometry)
    delivery.unreadable_why = why_unreadable(geometry, delivery.unreadable)
    delivery.crs, delivery.crs_note = read_prj(sidecar(data.path, ".prj"))
    delivery.format = "shapefile"
    delivery.notes += shapes_note
    if _measured(data.path):
        delivery.notes.append(bilingual("measures (M) were dropped", "已舍去测量（M）值"))
    return delivery


def _measured(path: Path) -> bool:
    """True where the header of a .shp tells of measures; GDAL drops them on the way here."""
    with path.open("rb") as file:
        head = file.read(100)
    kind = int.from_bytes(head[32:36], "little")
    low, high = np.frombuffer(head[84:100], dtype="<f8").tolist()
    # a height may have a measure beside it; "no data" is any number below -1e38
    return kind in _MEASURED or (kind in _HIGH and low > -1e38 and (low, high) != (0, 0))


def read_dbf_table(data: DataSet, forced: str | None) -> Delivery:
    """Read a .dbf that stands alone."""
    return _table(read_dbf(data.path), data, forced, 0)


def _table(table: Dbf, data: DataSet, forced: str | None, shapes: int) -> Delivery:
    """Attributes of a .dbf; rows beyond its end (when there are more *shapes*) have empty cells."""
    cpg = sidecar(data.path, ".cpg")
    declared = decode(cpg.read_bytes()[:200], "utf-8").strip() if cpg else None
    declared = declared or LANGUAGE_DRIVERS.get(table.language_driver)
    texts = table.texts()
    encoding = detect(texts, data.shown, forced=forced, declared=declared)
    chosen = np.flatnonzero(~table.deleted)
    columns = table.columns(encoding, chosen)
    count = len(table.records)
    extra = max(shapes - count, 0)
    if extra:
        columns = {name: _padded(column, extra) for name, column in columns.items()}
    delivery = Delivery(
        data.title,
        "dbf",
        np.concatenate([chosen, np.arange(count, count + extra)]).astype("int64") + 1,
        columns,
        encoding=encoding.title,
        encoding_note=encoding.how,
        samples=_samples(texts, encoding),
        left_out=[
            LeftOut(int(row) + 1, "deleted record / 已标记删除") for row in np.flatnonzero(table.deleted)
        ],
        notes=list(encoding.notes),
        cut_names=True,
    )
    if table.declared > count:
        delivery.notes.append(
            bilingual(
                f"the .dbf ends after {count} of {table.declared} records",
                f".dbf 应有 {table.declared} 条记录，实际只有 {count} 条",
            )
        )
    if shapes and shapes != count:
        delivery.notes.append(
            bilingual(
                f"the .shp holds {shapes} shapes, the .dbf {count} records",
                f".shp 有 {shapes} 个图形，.dbf 有 {count} 条记录",
            )
        )
    return delivery


def _padded(column: Column, extra: int) -> Column:
    def make() -> tuple[npt.NDArray[np.intp], list[str]]:
        return np.concatenate([column.codes, np.full(extra, -1, dtype=np.intp)]), column.spellings

    return Column(make)


def _bare(data: DataSet, count: int) -> Delivery:
    note = bilingual("there is no .dbf: features have no attributes", "缺少 .dbf：要素没有属性")
    return Delivery(data.title, "shapefile", np.arange(1, count + 1, dtype="int64"), {}, notes=[note])


def _samples(texts: list[bytes], encoding: Encoding) -> list[str]:
    """Three decoded texts, foreign ones first: by these a person sees whether the encoding is right."""
    foreign = [text for text in texts if not text.isascii()]
    chosen = (foreign or [text for text in texts if text.strip()])[:3]
    return [decode(text, encoding.codec).strip()[:40] for text in chosen]


def _shapes(path: Path) -> tuple[Objects, list[Text]]:
    """WKB of every shape in file order, None for null shapes.

    GDAL sees the .shp and .shx alone, in a folder of our own: so it neither judges by the .dbf which shapes
    exist nor writes a new .shx beside somebody's data.
    """
    with path.open("rb") as file:
        known = file.read(4) == SHAPES
    damaged = InputRefusedError(
        f"{path.name} is not a shapefile, or it is damaged; export the layer again",
        f"{path.name} 不是 Shapefile 或已损坏；请重新导出该图层",
    )
    if not known:
        raise damaged
    index = sidecar(path, ".shx")
    with work_folder() as folder:
        stand_in(path, folder / "shapes.shp")
        if index is not None and _is_true(index, path):
            stand_in(index, folder / "shapes.shx")
            try:
                return _read_shapes(folder / "shapes.shp"), []
            except GDAL_ERRORS:
                (folder / "shapes.shx").unlink(missing_ok=True)
        whole = _rebuild_index(folder / "shapes.shp", folder / "shapes.shx")
        notes = [
            bilingual("the .shx was missing or broken and was rebuilt", "缺少 .shx 或 .shx 已损坏，已重建")
        ]
        if not whole:
            notes.append(bilingual("the .shp ends in the middle of a shape", ".shp 不完整，末尾的图形已缺失"))
        try:
            return _read_shapes(folder / "shapes.shp"), notes
        except GDAL_ERRORS as error:
            raise damaged from error


def _is_true(index: Path, shapes: Path) -> bool:
    """True where every entry of a .shx tells the length of the record it points to, and they fill the .shp."""
    data = index.read_bytes()
    if len(data) < 100 or (len(data) - 100) % 8:
        return False
    place, length = np.frombuffer(data, dtype=">i4", offset=100).reshape(-1, 2).T.astype("int64")
    size = shapes.stat().st_size
    if not len(place):
        return size <= 100
    if (place < 50).any() or (2 * (place + 4 + length) > size).any():
        return False
    words = np.memmap(shapes, dtype="u1", mode="r")
    # the record's own word for its length, big-endian, four bytes behind its number
    told = sum(words[2 * place + 4 + byte].astype("int64") << (8 * (3 - byte)) for byte in range(4))
    return bool((told == length).all() and 2 * (place + 4 + length).max() == size)


def _rebuild_index(shapes: Path, index: Path) -> bool:
    """Write the .shx of a .shp; False where the last shape is cut off.

    Our own, since GDAL's gives up on lengths that real files have.
    """
    data = shapes.read_bytes()
    entries = []
    place, whole = 100, True
    while place + 8 <= len(data):
        length = int.from_bytes(data[place + 4 : place + 8], "big", signed=True)
        whole = length >= 2 and place + 8 + 2 * length <= len(data)
        if not whole:
            break
        entries += [place // 2, length]
        place += 8 + 2 * length
    size = (50 + 2 * len(entries)).to_bytes(4, "big")
    index.write_bytes(data[:24] + size + data[28:100] + np.array(entries, dtype=">i4").tobytes())
    return whole


def _read_shapes(path: Path) -> Objects:
    with quiet_gdal():
        _, fids, wkb, _ = pyogrio.raw.read(path, columns=[], return_fids=True)
    shapes = np.full(int(fids.max()) + 1 if len(fids) else 0, None, dtype=object)
    shapes[fids] = wkb
    return shapes


def read_prj(path: Path | None) -> tuple[pyproj.CRS | None, Text | None]:
    """CRS of a .prj file, or a note why what it holds is no use."""
    if path is None:
        return None, None
    text = decode(path.read_bytes(), "utf-8").strip("\ufeff \r\n\t\0")
    try:
        return pyproj.CRS.from_wkt(text), bilingual(f"from {path.name}", f"来自 {path.name}")
    except pyproj.exceptions.CRSError:
        shown = " ".join(text.split())[:30]
        return None, bilingual(
            f"{path.name} holds {shown!r}, which is no coordinate system",
            f"{path.name} 内容为 {shown!r}，不是坐标系定义",
        )
