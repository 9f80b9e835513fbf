"""The attribute table of a shapefile (.dbf), read byte by byte: every digit, name and deleted mark as it stands."""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import dataclass
from functools import cached_property, partial
from pathlib import Path
from typing import Any

import numpy as np
import numpy.typing as npt
import pandas as pd

from gridsvc.errors import InputRefusedError
from gridsvc.intake.delivery import EXACT, Column, Mask, unique_names
from gridsvc.intake.encoding import Encoding, decode

# language driver ids that can be believed; 0x57 and 0x00 stand for anything
LANGUAGE_DRIVERS = {0x4D: "936", 0x7A: "936", 0x4F: "950", 0x78: "950"}
_BINARY = {"I": "<i4", "+": "<i4", "O": "<f8"}
# columns that hold no text of people's: plain ASCII, or binary
_PLAIN = "NFDLIO+"

Factors = tuple[npt.NDArray[np.intp], list[Any]]
"""Index per record, and the distinct values."""


@dataclass(frozen=True)
class DbfField:
    """One column's description; *name* in bytes, since the encoding is not known yet."""

    name: bytes
    kind: str
    width: int
    decimals: int


@dataclass(frozen=True)
class Dbf:
    """A .dbf file in memory."""

    fields: list[DbfField]
    records: npt.NDArray[Any]
    """Structured array: ``mark`` and ``f0``, ``f1``, …"""
    declared: int
    """Number of records that the header promises."""
    language_driver: int

    @property
    def deleted(self) -> Mask:
        """Records marked as deleted."""
        return np.asarray(self.records["mark"] == b"*", dtype=bool)

    @cached_property
    def _texts(self) -> dict[int, Factors]:
        """The text columns by index."""
        return {
            index: _factorize(self.records[f"f{index}"])
            for index, field in enumerate(self.fields)
            if field.kind not in _PLAIN
        }

    def texts(self) -> list[bytes]:
        """Every distinct text value (padding off) and every name: what the encoding is judged from."""
        texts = [value.rstrip(b" \0") for _, distinct in self._texts.values() for value in distinct]
        return texts + [field.name for field in self.fields]

    def columns(self, encoding: Encoding, chosen: npt.NDArray[np.intp]) -> dict[str, Column]:
        """Columns of the *chosen* records, decoded.

        None holds on to the records: padded to full width, they take more memory than all that is made of them.
        """
        names = unique_names(decode(field.name, encoding.codec).strip() for field in self.fields)
        return {
            name: Column(partial(_cells, self._plain(index, chosen), field, encoding.codec))
            if field.kind in _PLAIN
            else Column(partial(_cells, partial(_among, self._texts[index], chosen), field, encoding.codec))
            for index, (name, field) in enumerate(zip(names, self.fields, strict=True))
        }

    def _plain(self, index: int, chosen: npt.NDArray[np.intp]) -> Callable[[], Factors]:
        """What makes the factors of a column that is no text."""
        return partial(_factorize, self.records[f"f{index}"][chosen])


def _factorize(values: npt.NDArray[Any]) -> Factors:
    cells = np.empty(len(values), dtype=object)
    cells[:] = values.tolist()
    codes, distinct = pd.factorize(cells)
    return np.asarray(codes, dtype=np.intp), distinct.tolist()


def _among(factors: Factors, chosen: npt.NDArray[np.intp]) -> Factors:
    """Factors of the *chosen* records alone."""
    codes, distinct = factors
    if len(chosen) == len(codes):
        return factors
    codes, used = pd.factorize(codes[chosen])
    return np.asarray(codes, dtype=np.intp), [distinct[index] for index in used.tolist()]


def _cells(factors: Callable[[], Factors], field: DbfField, codec: str) -> Factors:
    """Index per record and distinct texts of one column."""
    codes, distinct = factors()
    if field.kind in _BINARY:
        return codes, [str(value) for value in distinct]
    texts = [decode(value.strip(b" \0"), codec) for value in distinct]
    if field.kind in {"N", "F"}:
        texts = [_number(text, field) for text in texts]
    elif field.kind == "D":
        texts = ["" if text in {"0", "00000000"} else text for text in texts]
    elif field.kind == "L":
        texts = ["" if text == "?" else text for text in texts]
    return codes, texts


def _number(text: str, field: DbfField) -> str:
    """A numeric cell as plain text: no idle zeros behind the point; asterisks (dBase's null), ``nan`` are empty."""
    if not text.strip("*") or text.lower() in {"nan", "-nan", "inf", "-inf", "-1.#ind"}:
        return ""
    if "." not in text and "e" not in text.lower():
        return text
    try:
        number = float(text)
    except ValueError:
        return text
    if number.is_integer():
        # a float column holds no more than 15 digits: above that they are already lost
        return str(int(number)) if abs(number) < EXACT else np.format_float_scientific(number)
    return text.rstrip("0") if "." in text and "e" not in text.lower() else repr(number)


def read_dbf(path: Path) -> Dbf:
    """Read the table at *path*; raises :class:`InputRefusedError` when it is no dBase table."""
    data = path.read_bytes()
    broken = InputRefusedError(
        f"{path.name} is not a dBase table, or its header is damaged; export the layer again",
        f"{path.name} 不是 dBase 表，或文件头已损坏；请重新导出该图层",
    )
    if len(data) < 33:
        raise broken
    count = int.from_bytes(data[4:8], "little")
    header = int.from_bytes(data[8:10], "little")
    length = int.from_bytes(data[10:12], "little")
    if not 33 <= header <= len(data):
        raise broken
    fields = _fields(data[32:header])
    if not count:
        return Dbf(
            fields, np.zeros(0, dtype=[("mark", "S1"), *((f"f{i}", "S1") for i in range(len(fields)))]), 0, 0
        )
    if sum(field.width for field in fields) + 1 != length or not fields:
        raise broken
    layout = [("mark", "S1")] + [
        (f"f{index}", _BINARY.get(field.kind, f"S{field.width}")) for index, field in enumerate(fields)
    ]
    if any(
        field.kind in _BINARY and field.width != np.dtype(_BINARY[field.kind]).itemsize for field in fields
    ):
        raise broken
    whole = min(count, (len(data) - header) // length)
    records = np.frombuffer(data, dtype=np.dtype(layout), count=whole, offset=header)
    return Dbf(fields, records, count, data[29])


def _fields(descriptors: bytes) -> list[DbfField]:
    fields = []
    for start in range(0, len(descriptors) - 31, 32):
        entry = descriptors[start : start + 32]
        if entry[0] == 0x0D:
            break
        kind = chr(entry[11])
        # long text fields keep the high byte of their width where decimals stand otherwise
        width = entry[16] + 256 * entry[17] if kind == "C" else entry[16]
        fields.append(DbfField(entry[:11].split(b"\0")[0], kind, width, entry[17]))
    return fields
