"""KML, read here: placemarks of all folders with their data; no entity, link or style is followed."""

from __future__ import annotations

import re
from dataclasses import dataclass, field
from pathlib import Path
from typing import Any
from xml.parsers import expat

import pyproj

from gridsvc.errors import InputRefusedError
from gridsvc.intake.delivery import DataSet, Delivery
from gridsvc.intake.encoding import Encoding, detect_text
from gridsvc.intake.geojson import of_features
from gridsvc.text import bilingual

_DEPTH = 100
_SHAPES = {"Point": "Point", "LineString": "LineString", "LinearRing": "LineString", "Polygon": "Polygon"}
_BOUNDS = {"outerBoundaryIs", "innerBoundaryIs"}
_FOREIGN = {"Model", "gx:Track", "gx:MultiTrack"}
_TEXTS = {"name", "description", "address", "phoneNumber"}
_COMMA = re.compile(r"\s*,\s*")


@dataclass
class _Folder:
    """A document or folder; its name may come after its content."""

    parents: tuple[_Folder, ...]
    name: str = ""


@dataclass
class _Placemark:
    folder: _Folder | None
    properties: dict[str, Any] = field(default_factory=dict)
    shapes: list[Any] = field(default_factory=list)
    """GeoJSON geometries; False for what cannot be read."""

    def feature(self) -> dict[str, Any]:
        """The placemark as a GeoJSON feature."""
        whole = all(self.shapes)
        shape: Any = self.shapes[0] if self.shapes else None
        if len(self.shapes) > 1:
            shape = {"type": "GeometryCollection", "geometries": self.shapes} if whole else False
        return {"properties": self.properties, "geometry": shape}


class _Reader:
    """Handlers of one parse."""

    def __init__(self, shown: str) -> None:
        self.shown = shown
        self.placemarks: list[_Placemark] = []
        self.links = 0
        self._path: list[str] = []
        self._folders: list[_Folder] = []
        self._mark: _Placemark | None = None
        self._text: list[str] = []
        self._key = ""
        self._rings: list[Any] = []
        parser = expat.ParserCreate()
        parser.StartElementHandler = self._start
        parser.EndElementHandler = self._end
        parser.CharacterDataHandler = self._text.append
        parser.StartDoctypeDeclHandler = self._refuse_doctype
        parser.buffer_text = True
        self._parser = parser

    def read(self, text: str) -> None:
        """Parse the whole document."""
        try:
            self._parser.Parse(text, True)
        except expat.ExpatError as error:
            raise InputRefusedError(
                f"{self.shown} is not whole or not well-formed XML: {error}; export it again",
                f"{self.shown} 不是完整、规范的 XML：{error}；请重新导出",
            ) from error

    def _refuse_doctype(self, *_: object) -> None:
        raise InputRefusedError(
            f"{self.shown} declares a document type of its own, as no KML does; it is not read",
            f"{self.shown} 自带文档类型声明（DOCTYPE），正常的 KML 不含此内容，不予读取",
        )

    def _start(self, tag: str, attributes: dict[str, str]) -> None:
        tag = tag if tag.startswith("gx:") else tag.rpartition(":")[2]
        self._path.append(tag)
        self._text.clear()
        if len(self._path) > _DEPTH:
            raise InputRefusedError(
                f"{self.shown} is nested more than {_DEPTH} elements deep; it is not read",
                f"{self.shown} 的元素嵌套超过 {_DEPTH} 层，不予读取",
            )
        if tag in {"Document", "Folder"}:
            self._folders.append(_Folder(tuple(self._folders)))
        elif tag == "Placemark":
            self._mark = _Placemark(self._folders[-1] if self._folders else None)
            self.placemarks.append(self._mark)
        elif tag in {"Data", "SimpleData"}:
            self._key = attributes.get("name", "")
        elif tag == "Polygon":
            self._rings = []
        elif tag == "NetworkLink":
            self.links += 1

    def _end(self, _tag: str) -> None:
        tag, parent = self._path.pop(), self._path[-1] if self._path else ""
        text = "".join(self._text).strip()
        self._text.clear()
        mark = self._mark
        if tag in {"Document", "Folder"}:
            self._folders.pop()
        elif tag == "name" and parent in {"Document", "Folder"}:
            self._folders[-1].name = text
        elif mark is None:
            return
        elif tag == "Placemark":
            self._mark = None
        elif tag in _TEXTS and parent == "Placemark":
            mark.properties[tag] = text
        elif self._key and (tag == "SimpleData" or (tag == "value" and parent == "Data")):
            mark.properties[self._key] = text
        elif tag in _FOREIGN and parent in {"Placemark", "MultiGeometry"}:
            mark.shapes.append(False)
        elif tag == "coordinates":
            self._coordinates(mark, parent, _positions(text))
        elif tag == "Polygon":
            whole = bool(self._rings) and all(self._rings)
            mark.shapes.append(whole and {"type": "Polygon", "coordinates": self._rings})

    def _coordinates(self, mark: _Placemark, parent: str, positions: list[list[float]] | None) -> None:
        if parent == "LinearRing" and self._path[-2:-1] and self._path[-2] in _BOUNDS:
            outer = self._path[-2] == "outerBoundaryIs"
            self._rings.insert(0 if outer else len(self._rings), positions)
        elif parent in _SHAPES:
            kind = _SHAPES[parent]
            point = kind == "Point"
            if not positions or (point and len(positions) != 1):
                mark.shapes.append(False)
            else:
                mark.shapes.append({"type": kind, "coordinates": positions[0] if point else positions})


def _positions(text: str) -> list[list[float]] | None:
    """Positions of a ``coordinates`` element, heights of zero left off; None for what is none."""
    try:
        found = [[float(value) for value in one.split(",")[:3]] for one in _COMMA.sub(",", text).split()]
    except ValueError:
        return None
    if any(len(one) < 2 for one in found):
        return None
    flat = all(len(one) == 2 or one[2] == 0 for one in found)
    return [one[:2] for one in found] if flat else [[*one, 0.0][:3] for one in found]


def _read(path: Path, shown: str, forced: str | None = None) -> tuple[_Reader, Encoding]:
    text, encoding = detect_text(path.read_bytes(), shown, forced)
    reader = _Reader(shown)
    reader.read(text)
    return reader, encoding


def _top(mark: _Placemark) -> str:
    """Name of the folder below the document that holds a placemark, at whatever depth."""
    chain = () if mark.folder is None else (*mark.folder.parents, mark.folder)
    return chain[1].name if len(chain) > 1 else ""


def folders_of(path: Path) -> list[str]:
    """What of a KML file can be chosen: all of it (by the file's name), or one of several folders."""
    reader, _ = _read(path, path.name)
    names = list(dict.fromkeys(_top(mark) for mark in reader.placemarks))
    return (
        [path.stem, *(name for name in names if name and name != path.stem)]
        if len(names) > 1
        else [path.stem]
    )


def read_kml(data: DataSet, forced: str | None) -> Delivery:
    """Read the placemarks of a KML file, or of one of its folders."""
    reader, encoding = _read(data.path, data.shown, forced)
    marks = reader.placemarks
    if data.layer != data.path.stem:
        marks = [mark for mark in marks if _top(mark) == data.layer]
    delivery = of_features(data, [mark.feature() for mark in marks], encoding)
    delivery.crs = pyproj.CRS.from_epsg(4326)
    delivery.crs_note = bilingual("prescribed by KML", "KML 格式规定")
    if reader.links:
        delivery.notes.append(
            bilingual(
                f"{reader.links} links to other files were not followed", f"{reader.links} 个外部链接未读取"
            )
        )
    return delivery
