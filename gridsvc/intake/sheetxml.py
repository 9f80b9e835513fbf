"""The XML of a workbook's sheet, for what its reader does not tell: errors, number formats, hidden rows."""

from __future__ import annotations

import re
import zipfile
import zlib
from collections.abc import Callable, Iterator
from dataclasses import dataclass, field
from pathlib import Path, PurePosixPath
from typing import IO, Any
from xml.parsers import expat

from gridsvc.errors import InputRefusedError

Place = tuple[int, int]
"""Row and column of a cell, from 0."""

_CHUNK = 1 << 20
PERCENT = re.compile(r"[#0,.?]*[#0?]\s*%")
# a format that shows zeros in front, or letters: 000000, "L"0000
PADDED = re.compile(r'((?:"[^"]*"|\\.)*)(0+)')
_PERCENT_FORMATS = {"9", "10"}
_BROKEN = (
    zipfile.BadZipFile,
    zlib.error,
    EOFError,
    NotImplementedError,
    OSError,
    ValueError,
    RuntimeError,
    KeyError,
)
_MOST_ROW = 16 * _CHUNK
# tags of bounded length, so that nothing takes longer than it is long
_ATTRIBUTE = re.compile(rb"""\b(\w+)=["']([^"']*)["']""")
_ROW = re.compile(rb"<(?:\w+:)?row\s([^<>]{0,400})>")
_FORMULA = rb"<(?:\w+:)?f(?:\s[^<>]{0,400})?(?:/>|>[^<]{0,9000}</(?:\w+:)?f>)"
_ERROR = re.compile(
    rb"""<(?:\w+:)?c\s([^<>]{0,400}\bt=["']e["'][^<>]{0,400})>(?:%s)?<(?:\w+:)?v>([^<]{0,20})<""" % _FORMULA
)
_UNANSWERED = re.compile(rb"<(?:\w+:)?c\s([^<>]{0,400})>%s(?:<(?:\w+:)?v\s?/>)?</(?:\w+:)?c>" % _FORMULA)


@dataclass
class Facts:
    """What the XML of a sheet tells besides its values."""

    errors: dict[Place, str] = field(default_factory=dict)
    """Cells that hold an error, ``#REF!``."""
    formats: dict[Place, str] = field(default_factory=dict)
    """Number format of cells that show something else than their number: percent, leading zeros."""
    hidden: set[int] = field(default_factory=set)
    """Rows that are hidden or filtered out."""
    unanswered: list[Place] = field(default_factory=list)
    """Formulas that were saved without a result."""
    days_from_1904: bool = False


def sheet_facts(path: Path, name: str, title: str) -> Facts:
    """What the XML of a sheet tells; nothing for a workbook that is no .xlsx, or built in an unusual way.

    Raises :class:`InputRefusedError` for XML with a document type, which no spreadsheet writes.
    """
    if not zipfile.is_zipfile(path):
        return Facts()
    try:
        with zipfile.ZipFile(path) as book:
            members = {_member(member): member for member in book.namelist()}
            root = _Root()
            _parse(book, members["xl/workbook.xml"], root.start)
            links = _Links()
            _parse(book, members["xl/_rels/workbook.xml.rels"], links.start)
            styles = _Styles()
            if "xl/styles.xml" in members:
                _parse(book, members["xl/styles.xml"], styles.start)
            facts = Facts(days_from_1904=root.days_from_1904)
            member = members[_target(links.targets[root.sheets[name]])]
            cells = _Cells(facts, styles.telling)
            with book.open(member) as source:
                for part in _parts(source):
                    cells.read(part)
            return facts
    except (expat.ExpatError, *_BROKEN):
        return Facts()
    except _DocumentType as error:
        raise InputRefusedError(
            f"{title}: its XML declares a document type, as no spreadsheet does; save it again as .xlsx",
            f"{title}：文件内的 XML 含文档类型声明，不是正常的工作簿；请另存为 .xlsx",
        ) from error


def _member(name: str) -> str:
    return name.replace("\\", "/").lstrip("/").lower()


def _target(target: str) -> str:
    """Member that a relation of the workbook points to."""
    path = PurePosixPath(target.replace("\\", "/"))
    return _member(str(path)) if path.is_absolute() else _member(str("xl" / path))


def _parts(source: IO[bytes]) -> Iterator[bytes]:
    """The XML of a sheet in parts of some megabytes, cut between rows."""
    rest = b""
    while chunk := source.read(_CHUNK):
        rest += chunk
        cut = rest.rfind(b"<", 0, max(rest.rfind(b"row "), 0))
        if cut <= 0:
            cut = 0 if len(rest) < _MOST_ROW else len(rest)
        if cut:
            yield rest[:cut]
            rest = rest[cut:]
    yield rest


class _DocumentType(Exception):
    """The XML declares a document type."""


Attributes = dict[str, str]


def _parse(
    book: zipfile.ZipFile,
    member: str,
    start: Callable[[str, Attributes], None],
) -> None:
    """Tell *start* the elements of a small XML member; prefixes of names are taken off."""
    parser = expat.ParserCreate()

    def refuse(*_: Any) -> None:
        raise _DocumentType

    parser.StartDoctypeDeclHandler = refuse
    parser.StartElementHandler = lambda name, attributes: start(name.rpartition(":")[2], attributes)
    with book.open(member) as source:
        while chunk := source.read(_CHUNK):
            parser.Parse(chunk, False)
        parser.Parse(b"", True)


class _Root:
    """Sheets of a workbook, and from when it counts days."""

    def __init__(self) -> None:
        self.sheets: dict[str, str] = {}
        self.days_from_1904 = False

    def start(self, name: str, attributes: Attributes) -> None:
        if name == "workbookPr":
            self.days_from_1904 = attributes.get("date1904") in {"1", "true"}
        elif name == "sheet":
            link = next((value for key, value in attributes.items() if key.endswith(":id")), "")
            self.sheets[attributes.get("name", "")] = link


class _Links:
    """Relations of the workbook."""

    def __init__(self) -> None:
        self.targets: dict[str, str] = {}

    def start(self, name: str, attributes: Attributes) -> None:
        if name == "Relationship":
            self.targets[attributes.get("Id", "")] = attributes.get("Target", "")


class _Styles:
    """The styles whose number format shows something else than the number."""

    def __init__(self) -> None:
        self.codes: dict[str, str] = {}
        self.telling: dict[str, str] = {}
        self._inside = False
        self._count = 0

    def start(self, name: str, attributes: Attributes) -> None:
        if name == "numFmt":
            self.codes[attributes.get("numFmtId", "")] = attributes.get("formatCode", "")
        elif name in {"cellXfs", "cellStyleXfs", "cellStyles"}:
            self._inside = name == "cellXfs"
        elif name == "xf" and self._inside:
            number = attributes.get("numFmtId", "")
            code = self.codes.get(number, "0%" if number in _PERCENT_FORMATS else "").partition(";")[0]
            padded = PADDED.fullmatch(code)
            if PERCENT.fullmatch(code) or (padded and (padded[1] or len(padded[2]) > 1)):
                self.telling[str(self._count)] = code
            self._count += 1


class _Cells:
    """Reads what is telling in the XML of a sheet into :class:`Facts`.

    By patterns: a whole parser takes five times as long as reading the values does.
    """

    def __init__(self, facts: Facts, telling: dict[str, str]) -> None:
        self.facts = facts
        self.telling = telling
        names = "|".join(map(re.escape, telling)).encode()
        self.styled = re.compile(rb"""<(?:\w+:)?c\s([^<>]{0,400}\bs=["'](?:%s)["'][^<>]{0,400})>""" % names)

    def read(self, part: bytes) -> None:
        """Read some rows."""
        if b"<!DOCTYPE" in part:
            raise _DocumentType
        if b"hidden=" in part:
            for row in _ROW.finditer(part):
                attributes = _attributes(row[1])
                if attributes.get("hidden") in {"1", "true"} and attributes.get("r", "").isdecimal():
                    self.facts.hidden.add(int(attributes["r"]) - 1)
        if self.telling:
            for cell in self.styled.finditer(part):
                attributes = _attributes(cell[1])
                place = _place(attributes.get("r", ""))
                if place is not None and attributes.get("t", "n") == "n":
                    self.facts.formats[place] = self.telling[attributes["s"]]
        if b't="e"' in part or b"t='e'" in part:
            for cell in _ERROR.finditer(part):
                if (place := _place(_attributes(cell[1]).get("r", ""))) is not None:
                    self.facts.errors[place] = cell[2].decode("utf-8", "replace").strip() or "#ERROR!"
        if b"<f" in part or b":f" in part:
            found = (_place(_attributes(cell[1]).get("r", "")) for cell in _UNANSWERED.finditer(part))
            self.facts.unanswered += [place for place in found if place is not None]


def _attributes(tag: bytes) -> Attributes:
    return {name.decode(): value.decode("utf-8", "replace") for name, value in _ATTRIBUTE.findall(tag)}


def _place(name: str) -> Place | None:
    """Place of a cell by its name; None where it has none."""
    split = len(name.rstrip("0123456789"))
    column = 0
    for letter in name[:split]:
        column = column * 26 + ord(letter) - 64
    return (int(name[split:]) - 1, column - 1) if 0 < split < len(name) else None
