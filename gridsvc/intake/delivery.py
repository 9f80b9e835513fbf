"""What a file delivered, before anything is interpreted: columns of text cells, shapes, row numbers."""

from __future__ import annotations

import json
from collections.abc import Callable, Iterable, Sequence
from dataclasses import dataclass, field
from datetime import date, datetime, timedelta
from functools import cached_property
from pathlib import Path
from typing import Any, Literal

import numpy as np
import numpy.typing as npt
import pandas as pd
import pyproj

from gridsvc.text import Text, bilingual

Objects = npt.NDArray[np.object_]
Rows = npt.NDArray[np.int64]
Mask = npt.NDArray[np.bool_]
Format = Literal[
    "shapefile", "dbf", "geopackage", "filegdb", "geojson", "topojson", "kml", "csv", "xlsx", "osm"
]

UNREADABLE = bilingual("its geometry is broken and cannot be read", "图形已损坏，无法读取")
NO_SHAPE = bilingual("the row has no geometry", "该行没有图形")
# beyond this a float no longer tells neighbouring whole numbers apart as a spreadsheet shows them
EXACT = 1e15


def cell_text(value: Any) -> str | None:
    """One delivered cell as text, None when it is empty.

    Whole numbers come without a decimal point while all their digits are certain (15 of them); a larger
    float keeps its exponent, so that lost digits can be told.
    """
    if value is None or isinstance(value, str):
        return value
    if isinstance(value, bool | np.bool_):
        return "true" if value else "false"
    if isinstance(value, float | np.floating):
        if np.isnan(value):
            return None
        number = float(value)
        if not number.is_integer():
            return repr(number)
        # 1e300 has a short form of its own; 1234567890123456 as a float must not pass for exact text
        return str(int(number)) if abs(number) < EXACT else np.format_float_scientific(number, unique=True)
    if isinstance(value, int | np.integer):
        return str(int(value))
    if isinstance(value, datetime | date):
        return value.isoformat().replace("T", " ").removesuffix(" 00:00:00")
    if isinstance(value, timedelta):
        # 116:23:12 typed into a cell is a time of day to a spreadsheet
        minutes, seconds = divmod(value.total_seconds(), 60)
        return f"{int(minutes // 60)}:{int(minutes % 60):02d}:{seconds:09.6f}".rstrip("0").removesuffix(".")
    if isinstance(value, dict | list):
        return json.dumps(value, ensure_ascii=False)
    return str(value)


class Column:
    """One column as delivered: each cell as an index into the distinct spellings, -1 where it is empty.

    Made on first use, since most files carry columns that no field asks for.
    """

    def __init__(self, make: Callable[[], tuple[npt.NDArray[np.intp], list[str]]]) -> None:
        """Take the function that yields (index of each cell, distinct spellings)."""
        self._make = make

    @classmethod
    def of_cells(cls, cells: Callable[[], Iterable[Any]]) -> Column:
        """Column over cells of any Python type."""

        def make() -> tuple[npt.NDArray[np.intp], list[str]]:
            return _factorize([cell_text(cell) for cell in cells()])

        return cls(make)

    @classmethod
    def of_array(cls, values: npt.NDArray[Any]) -> Column:
        """Column over a numpy array of numbers, dates or objects."""
        if values.dtype.kind not in "fiu":
            return cls.of_cells(
                values.astype("datetime64[s]").tolist if values.dtype.kind == "M" else values.tolist
            )

        def make() -> tuple[npt.NDArray[np.intp], list[str]]:
            codes, distinct = pd.factorize(values)
            return np.asarray(codes, dtype=np.intp), [str(cell_text(value)) for value in distinct.tolist()]

        return cls(make)

    @cached_property
    def _factors(self) -> tuple[npt.NDArray[np.intp], list[str]]:
        codes, spellings = self._make()
        # what they were made of is not needed any more
        del self._make
        empty = np.array([not spelling.strip() for spelling in spellings], dtype=bool)
        if empty.any():
            codes = np.where((codes >= 0) & empty[codes], -1, codes)
        return codes, spellings

    @property
    def codes(self) -> npt.NDArray[np.intp]:
        """Index into :attr:`spellings` per row, -1 for an empty cell."""
        return self._factors[0]

    @property
    def spellings(self) -> list[str]:
        """Distinct texts of the column."""
        return self._factors[1]

    def cells(self, positions: npt.NDArray[np.intp]) -> list[str | None]:
        """The texts at *positions*."""
        spellings = self.spellings
        return [spellings[code] if code >= 0 else None for code in self.codes[positions].tolist()]

    def samples(self, count: int = 3) -> list[str]:
        """The first few distinct values, for people to recognise the column."""
        used = pd.unique(self.codes)
        return [self.spellings[code].strip() for code in used[used >= 0][:count].tolist()]

    def __len__(self) -> int:
        """Number of rows."""
        return len(self.codes)


def _factorize(texts: Sequence[str | None]) -> tuple[npt.NDArray[np.intp], list[str]]:
    cells = np.empty(len(texts), dtype=object)
    cells[:] = texts
    codes, distinct = pd.factorize(cells)
    return np.asarray(codes, dtype=np.intp), [encodable(text) for text in distinct]


def encodable(text: str) -> str:
    """*text* without lone surrogates, which JSON can escape but nothing can store."""
    return text if text.isprintable() else text.encode("utf-8", "replace").decode()


@dataclass(frozen=True)
class DataSet:
    """One table inside a file."""

    path: Path
    format: Format
    layer: str
    """Name of the layer or sheet; the file's own name where it has only one."""
    shown: str
    """The file as the person knows it."""

    @property
    def title(self) -> str:
        """File and layer for messages."""
        name = Path(self.shown).stem
        return self.shown if self.layer == name else f"{self.shown} [{self.layer}]"


@dataclass(frozen=True)
class LeftOut:
    """A row that is no feature (a total, a note, a record marked deleted)."""

    row: int
    text: str


@dataclass
class Delivery:
    """One table out of one file, as it was read."""

    name: str
    format: Format
    rows: Rows
    """Number of each row as the person sees it: data row from 1, or row of the spreadsheet."""
    columns: dict[str, Column]
    geometry: Objects | None = None
    """Shapes in the delivered coordinates; None where there is none."""
    unreadable: Mask | None = None
    """Rows whose shape is there but broken beyond reading."""
    crs: pyproj.CRS | None = None
    crs_note: Text | None = None
    """Where the CRS was found, or why what stood there is no use."""
    encoding: str = ""
    encoding_note: Text | None = None
    samples: list[str] = field(default_factory=list)
    """A few texts as decoded, to be judged by eye."""
    left_out: list[LeftOut] = field(default_factory=list)
    notes: list[Text] = field(default_factory=list)
    cut_names: bool = False
    """Column names may have been cut at ten bytes."""
    layer_crs_free: bool = False
    """The format prescribes lon/lat degrees when nothing is said (GeoJSON)."""
    made_of: dict[str, str] = field(default_factory=dict)
    """Column → what of the source it was made of, where that is no column (OpenStreetMap tags)."""
    no_shape: Text = NO_SHAPE
    """Why a row has no shape."""
    paths: dict[str, tuple[str, ...]] = field(default_factory=dict)
    """Column → the headings above it from the top, where the header has several rows."""
    days_from_1904: bool = False
    """Plain day numbers count from 1904, as in workbooks of old Macintoshes."""
    unreadable_why: Text = UNREADABLE
    """Why shapes cannot be read."""
    lost_values: int = 0
    """Cells that were not understood while the columns were made; the notes tell which."""


def unique_names(names: Iterable[str]) -> list[str]:
    """Column names made distinct: a second ``名称`` becomes ``名称_2``."""
    taken: set[str] = set()
    result = []
    for name in names:
        candidate, number = name, 2
        while candidate in taken:
            candidate, number = f"{name}_{number}", number + 1
        taken.add(candidate)
        result.append(candidate)
    return result
