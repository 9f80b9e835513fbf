"""The XML of a workbook's sheet, for what its reader does not tell: errors, number formats, hidden rows."""

from __future__ import annotations

import re
import zipfile
import zlib
from collections.abc import Callable
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
# only where one of these stands in a sheet does it have anything to tell
_TELLING = re.compile(rb"""\bt=["']e["']|hidden=["'](?:1|true)|<(?:\w+:)?f[\s/>]""")


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
            if styles.telling or _tells(book, member):
                cells = _Cells(facts, styles.telling)
                _parse(book, member, cells.start, cells.end, cells.text)
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


def _tells(book: zipfile.ZipFile, member: str) -> bool:
    """True where the sheet has hidden rows, errors or formulas: else there is nothing to read."""
    rest = b""
    with book.open(member) as source:
        while chunk := source.read(_CHUNK):
            if _TELLING.search(rest + chunk):
                return True
            rest = chunk[-16:]
    return False


class _DocumentType(Exception):
    """The XML declares a document type."""


Attributes = dict[str, str]


def _parse(
    book: zipfile.ZipFile,
    member: str,
    start: Callable[[str, Attributes], None],
    end: Callable[[str], None] | None = None,
    text: Callable[[str], None] | None = None,
) -> None:
    """Stream one XML member through *start*, *end* and *text*; prefixes of names are taken off."""
    parser = expat.ParserCreate()
    parser.buffer_text = True

    def refuse(*_: Any) -> None:
        raise _DocumentType

    parser.StartDoctypeDeclHandler = refuse
    parser.StartElementHandler = lambda name, attributes: start(name.rpartition(":")[2], attributes)
    if end is not None:
        parser.EndElementHandler = lambda name: end(name.rpartition(":")[2])
    if text is not None:
        parser.CharacterDataHandler = text
    with book.open(member) as source:
        _feed(parser, source)


def _feed(parser: expat.XMLParserType, source: IO[bytes]) -> None:
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
    """Reads the cells of a sheet into :class:`Facts`."""

    def __init__(self, facts: Facts, telling: dict[str, str]) -> None:
        self.facts = facts
        self.telling = telling
        self.place: Place = (-1, -1)
        self.kind = ""
        self.formula = self.value = self.inside = False
        self.error: list[str] = []

    def start(self, name: str, attributes: Attributes) -> None:
        if name == "c":
            self.place = _place(attributes.get("r", "")) or (self.place[0], self.place[1] + 1)
            self.kind = attributes.get("t", "")
            self.formula = self.value = False
            code = self.telling.get(attributes.get("s", ""))
            if code is not None and self.kind in {"", "n"}:
                self.facts.formats[self.place] = code
        elif name == "row":
            number = attributes.get("r", "")
            self.place = (int(number) - 1 if number.isdecimal() else self.place[0] + 1, -1)
            if attributes.get("hidden") in {"1", "true"}:
                self.facts.hidden.add(self.place[0])
        elif name == "f":
            self.formula = True
        elif name in {"v", "is"}:
            self.value, self.inside, self.error = True, self.kind == "e", []

    def text(self, text: str) -> None:
        if self.inside:
            self.error.append(text)

    def end(self, name: str) -> None:
        if name == "v" and self.inside:
            self.facts.errors[self.place] = "".join(self.error).strip()[:20] or "#ERROR!"
            self.inside = False
        elif name == "c" and self.formula and not self.value:
            self.facts.unanswered.append(self.place)


def _place(name: str) -> Place | None:
    """Place of a cell by its name; None where it has none."""
    split = len(name.rstrip("0123456789"))
    column = 0
    for letter in name[:split]:
        column = column * 26 + ord(letter) - 64
    return (int(name[split:]) - 1, column - 1) if 0 < split < len(name) else None
