"""What a file is: told by its bytes, and by its name only where bytes say nothing."""

from __future__ import annotations

import os
import re
from pathlib import Path

from gridsvc.errors import GridsvcError, InputRefusedError, UsageError
from gridsvc.intake.delivery import Format
from gridsvc.text import Text, bilingual

FORMATS: dict[str, Format] = {
    ".shp": "shapefile",
    ".gpkg": "geopackage",
    ".geojson": "geojson",
    ".json": "geojson",
    ".topojson": "topojson",
    ".kml": "kml",
    ".csv": "csv",
    ".tsv": "csv",
    ".txt": "csv",
    ".xlsx": "xlsx",
    ".xlsm": "xlsx",
    ".xls": "xlsx",
    ".dbf": "dbf",
}
"""Formats by suffix. A geodatabase (.gdb) is a folder."""
SIDECARS = {".shx", ".dbf", ".prj", ".cpg", ".sbn", ".sbx", ".qix", ".qpj", ".xml"}
_ZIP = (b"PK\x03\x04", b"PK\x05\x06", b"PK\x07\x08")
SHAPES = b"\x00\x00\x27\x0a"
"""How a .shp begins."""
_WORKBOOK_1997 = b"\xd0\xcf\x11\xe0\xa1\xb1\x1a\xe1"
_PACKED = {
    b"Rar!": "RAR",
    b"7z\xbc\xaf\x27\x1c": "7z",
    b"\x1f\x8b": "gzip",
    b"BZh": "bzip2",
    b"\xfd7zXZ": "xz",
}
_PACKED_NAMES = {
    ".rar": "RAR", ".7z": "7z", ".gz": "gzip", ".tgz": "gzip", ".bz2": "bzip2", ".xz": "xz", ".tar": "tar",
}  # fmt: skip
ARCHIVES = frozenset({".zip", *_PACKED_NAMES})
"""How archives are called."""
# the root of an XML document, behind declarations and comments
_ROOT = re.compile(
    rb"\s*(?:<\?.*?\?>\s*|<!--.*?-->\s*|<!DOCTYPE[^>\[]*(?:\[.*?\]\s*)?>\s*)*<(?:[\w.-]+:)?([\w.-]+)",
    re.DOTALL,
)
_HEAD = 4096


def readable(name: str) -> str:
    """A file's name as text of one line: on Linux an archive of Windows may leave names in GBK bytes."""
    try:
        name.encode()
    except UnicodeEncodeError:
        name = os.fsencode(name).decode("gb18030", "replace")
    return name if name.isprintable() else "".join(sign if sign.isprintable() else "�" for sign in name)


def sniff(path: Path) -> Format | None:
    """Format of a file by its first bytes, whatever its name; by its name where they are plain text.

    None when it is none of ours. A name that promises what the bytes do not hold is not believed.
    """
    head = _head(path)
    suffix = path.suffix.lower()
    if head.startswith(b"SQLite format 3\0"):
        return "geopackage"
    if head.startswith(_ZIP):
        return "xlsx" if b"[Content_Types].xml" in head or suffix in {".xlsx", ".xlsm"} else None
    if head.startswith(_WORKBOOK_1997):
        return "xlsx"
    if head.startswith(SHAPES):
        return "shapefile" if suffix != ".shx" else None
    named = FORMATS.get(suffix)
    if named in {"shapefile", "dbf"}:
        # damaged ones are told by their own readers, which take nothing else for one
        return named
    text = _text(head)
    if text is None:
        return named if named in {"csv", "geojson"} else None
    start = text.lstrip()
    if named in {"geojson", "topojson"} or re.match(rb'\{\s*["}]', start):
        return "topojson" if named == "topojson" or _is_topology(path, head) else "geojson"
    if start.startswith(b"<"):
        return "kml" if root(start) == "kml" else None
    return "csv" if named in {"csv", "xlsx"} or (named is None and _is_table(text)) else None


def _head(path: Path) -> bytes:
    with path.open("rb") as file:
        return file.read(_HEAD)


def _text(head: bytes) -> bytes | None:
    """The start of a text without its byte order mark, one byte a sign; None for what is no text."""
    if head.startswith((b"\xff\xfe", b"\xfe\xff")):
        return head.decode("utf-16", "ignore").encode("ascii", "replace")
    return None if b"\0" in head else head.removeprefix(b"\xef\xbb\xbf")


def _is_topology(path: Path, head: bytes) -> bool:
    """True for TopoJSON; its type may stand at the very end."""
    if b'"FeatureCollection"' in head or b'"Feature"' in head:
        return False
    return re.search(rb'"type"\s*:\s*"Topology"', path.read_bytes()) is not None


def root(start: bytes) -> str:
    """Name of the root element of an XML text, without its prefix; empty where there is none."""
    found = _ROOT.match(start)
    return found[1].decode("ascii", "replace") if found else ""


def _is_table(text: bytes) -> bool:
    """True where text of no known name has lines that are cut into cells alike."""
    lines = [line for line in text.splitlines()[:-1] if line.strip()][:5] or text.splitlines()
    return any(all(mark in line for line in lines) for mark in (b",", b"\t", b";")) if lines else False


def is_zip(path: Path) -> bool:
    """True for a zip, whatever it is called, that is no spreadsheet."""
    head = _head(path)
    if path.suffix.lower() in {".zip", ".kmz"} and sniff(path) is None:
        return not any(head.startswith(mark) for mark in _PACKED)
    return head.startswith(_ZIP) and sniff(path) is None


def is_geodatabase(path: Path) -> bool:
    """True for the folder of a file geodatabase."""
    return path.suffix.lower() == ".gdb" and (path / "a00000001.gdbtable").is_file()


def advice(path: Path) -> GridsvcError | None:
    """What to do with a file of a kind that is known but not read here; None where nothing is known of it."""
    head, name = _head(path), readable(path.name)
    lower = name.lower()
    if lower.endswith((".osm.pbf", ".osm", ".osm.bz2", ".pbf")) or b"OSMHeader" in head[:64]:
        return UsageError(
            f"{name} is an OpenStreetMap extract; load it with: gridsvc osm {name}",
            f"{name} 是 OpenStreetMap 数据；请使用：gridsvc osm {name}",
        )
    packed = next((kind for mark, kind in _PACKED.items() if head.startswith(mark)), None)
    packed = packed or ("tar" if head[257:262] == b"ustar" else _PACKED_NAMES.get(path.suffix.lower()))
    if packed:
        return InputRefusedError(
            f"{name} is a {packed} archive, which is not read; unpack it and pack the files again as zip",
            f"{name} 是 {packed} 压缩包，不支持；请解压后重新打包为 zip",
        )
    kind = _foreign(head)
    if kind is None:
        return None
    return InputRefusedError(f"{name} {kind.en}", f"{name} {kind.zh}")


def _foreign(head: bytes) -> Text | None:
    """What is said of files that other programs write under names of ours."""
    name = root((_text(head) or b"").lstrip()).lower()
    if name in {"html", "workbook", "table"}:
        return bilingual(
            "is a web page or an XML sheet under another name; open it in Excel and save it as .xlsx",
            "实为网页或 XML 表格；请用 Excel 打开后另存为 .xlsx",
        )
    if name == "osm":
        return bilingual(
            "is an OpenStreetMap extract; load it with gridsvc osm",
            "是 OpenStreetMap 数据；请使用 gridsvc osm",
        )
    if name:
        return bilingual(
            f"is an XML file <{name[:30]}>, which is not read; save the layer as shapefile, GeoPackage or GeoJSON",
            f"是 XML 文件 <{name[:30]}>，不支持；请将图层另存为 Shapefile、GeoPackage 或 GeoJSON",
        )
    if head.startswith(b"AC10"):
        return bilingual(
            "is a drawing (DWG), which is not read; export its layer as shapefile with a coordinate system",
            "是 DWG 图纸，不支持；请将图层连同坐标系导出为 Shapefile",
        )
    return None


def sidecar(path: Path, suffix: str) -> Path | None:
    """The companion of *path* with *suffix*, whatever the case of its letters."""
    exact = path.with_suffix(suffix)
    if exact.is_file():
        return exact
    wanted = (path.stem + suffix).lower()
    return next(
        (file for file in path.parent.iterdir() if file.name.lower() == wanted and file.is_file()), None
    )
