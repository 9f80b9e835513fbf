"""Cells as delivered to values of a field: codes, numbers, yes and no, dates, allowed values."""

from __future__ import annotations

import re
from collections.abc import Callable, Sequence
from dataclasses import dataclass
from datetime import UTC, date, datetime, timedelta, timezone
from functools import partial
from typing import Any

import numpy as np
import numpy.typing as npt
import pandas as pd

from gridsvc.codes import normalise
from gridsvc.intake.delivery import Column
from gridsvc.layers import Field, fold
from gridsvc.text import Text, bilingual

# what stands in cells that mean nothing
_NULLS = frozenset({"<null>", "<空>", "null"})
# what a spreadsheet shows where a formula failed
_ERRORS = frozenset(
    {"#n/a", "#value!", "#ref!", "#div/0!", "#name?", "#num!", "#null!", "#error!", "#spill!", "#calc!"}
)
# … in cells of anything but text
_BLANKS = _NULLS | {"-", "--", "—", "——", "/", "\\", "nan", "none", "n/a", "na", "空", "暂无", "未知", "不详"}
_TRUE = frozenset({"是", "有", "y", "yes", "1", "true", "t", "√", "✓", "✔", "☑", "v", "对", "真"})
_FALSE = frozenset({"否", "无", "没有", "n", "no", "0", "false", "f", "×", "✗", "✘", "☒", "x", "错", "假"})
_FULL_WIDTH = {
    code: code - 0xFEE0 for code in (*range(0xFF10, 0xFF1A), *range(0xFF21, 0xFF3B), *range(0xFF41, 0xFF5B))
}
_FULL_WIDTH |= {0x3000: 0x20, 0xA0: 0x20}
# a spreadsheet's short form of a number whose last digits are gone
_LOST = re.compile(r"[+-]?\d(\.\d*)?[eE]\+?(\d{2,})")
_WRAPPED = re.compile(r'="(.*)"')
# an apostrophe that keeps a spreadsheet from running a text or taking it for a number
_GUARDED = re.compile(r"'(?=[\d=+\-@＝＋－＠])")
_IDLE = re.compile(r"^(\d{1,15})\.0+$")
_WHOLE = re.compile(r"(\d{6,15})\.0+")
_NUMBER = re.compile(r"[+-]?(\d+(\.\d*)?|\.\d+)([eE][+-]?\d+)?")
_STAKE = re.compile(r"[kK](\d+)\+(\d{1,3}(?:\.\d+)?)")
_DATE = re.compile(
    r"(\d{4})\s*[-/.年]\s*(\d{1,2})\s*[-/.月]\s*(\d{1,2})\s*[日号]?(?:[T\s]+([\d:.]+)\s*(Z|[+-]\d{2}:?\d{0,2})?)?"
)
# the day of a moment is the day that people in China write for it
_CHINA = timezone(timedelta(hours=8))
# unit of a field → units in which it may be written, with what they are of it
_UNITS: dict[str, dict[str, float]] = {
    "m": {"m": 1, "米": 1, "公尺": 1, "km": 1000, "千米": 1000, "公里": 1000},
    "km": {"km": 1, "千米": 1, "公里": 1, "m": 0.001, "米": 0.001},
    "%": {"%": 1},
}
UNIT_NAMES = frozenset(
    "m 米 公尺 km 千米 公里 cm 厘米 mm 毫米 dm 分米 里 华里 % ％ ‰ 人 千人 万人 盏 m2 m² ㎡ 平方米 km2 km² 平方公里 "  # noqa: SIM905
    "亩 公顷 ha ° 度".split()
)
"""What a heading may name as its unit in brackets."""
_EXCEL_EPOCH = date(1899, 12, 30)
_DAYS_TO_1904 = 1462
_MOST_SERIAL = 80_000


class Fault(Exception):
    """A cell that is no value of its field; carries reason code and sentence."""

    def __init__(self, code: str, text: Text) -> None:
        """Take the reason code and what is wrong."""
        super().__init__(text.en)
        self.code = code
        self.text = text


@dataclass(frozen=True)
class Parsed:
    """One field of a delivery: a value per row, and what is wrong with which."""

    values: Any
    """Numpy or pandas array of the field's type; missing where the cell is empty or faulty."""
    fault: npt.NDArray[np.intp]
    """Index into :attr:`faults` per row, -1 where the cell is in order."""
    faults: list[Fault]
    wrong: list[str]
    """The spelling behind each fault."""


def parse(field: Field, column: Column, *, key: bool = False, from_1904: bool = False) -> Parsed:
    """Values of *field* from *column*; each distinct spelling is parsed once.

    *key*: keys are normalised whole. *from_1904*: plain day numbers count from 1904.
    """
    parser = _parser(field, key, from_1904)
    values: list[Any] = []
    faults: list[Fault] = []
    wrong: list[str] = []
    fault_of = np.full(len(column.spellings) + 1, -1, dtype=np.intp)
    for index, spelling in enumerate(column.spellings):
        try:
            value = parser(spelling)
            # "<Null>" and its like are empty cells, too
            values.append(field.default if value is None else value)
        except Fault as fault:
            fault_of[index] = len(faults)
            faults.append(fault)
            wrong.append(spelling)
            values.append(None)
    values.append(field.default)
    # an empty cell has code -1 and so takes the last entry: the default
    return Parsed(_typed(field, values, column.codes), fault_of[column.codes], faults, wrong)


def constant(field: Field, text: str, *, key: bool = False) -> Any:
    """The value that ``--set`` gives to every row; raises :class:`Fault`."""
    value = _parser(field, key)(text)
    if value is None:
        raise Fault("value", bilingual("it is empty", "值为空"))
    return value


def repeated(field: Field, value: Any, count: int) -> Any:
    """A column of *count* times *value*, in the field's type."""
    return _typed(field, [value], np.zeros(count, dtype=np.intp))


def _typed(field: Field, values: Sequence[Any], codes: npt.NDArray[np.intp]) -> Any:
    """Spread distinct *values* over the rows, as an array of the field's type."""
    if field.type == "integer":
        return pd.array(values, dtype="Int64").take(np.where(codes < 0, len(values) - 1, codes))
    if field.type == "boolean":
        return pd.array(values, dtype="boolean").take(np.where(codes < 0, len(values) - 1, codes))
    if field.type == "number":
        return np.array([np.nan if value is None else value for value in values], dtype="float64")[codes]
    if field.type == "date":
        days = ["NaT" if value is None else value for value in values]
        return np.array(days, dtype="datetime64[s]")[codes]
    texts = np.empty(len(values), dtype=object)
    texts[:] = values
    return texts[codes]


def _parser(field: Field, key: bool, from_1904: bool = False) -> Callable[[str], Any]:
    """What makes a value of a cell, or raises :class:`Fault`."""
    inner = _inner(field, key, from_1904)

    def parser(cell: str) -> Any:
        if cell.startswith("#") and cell.strip().lower() in _ERRORS:
            raise Fault(
                "value",
                bilingual(f"{cell.strip()} is an error of the spreadsheet", f"{cell.strip()} 是表格公式错误"),
            )
        return inner(cell)

    return parser


def _inner(field: Field, key: bool, from_1904: bool) -> Callable[[str], Any]:
    if field.values:
        return _allowed(field)
    if field.type == "text":
        return _key_text if key else _text
    makers: dict[str, Callable[[str], Any]] = {
        "integer": _integer(field),
        "number": _number(field),
        "boolean": _boolean,
        "date": partial(_date, from_1904=from_1904),
    }
    plain = makers[field.type]

    def parser(cell: str) -> Any:
        text = normalise(cell)
        return None if text.lower() in _BLANKS or not text else plain(text)

    return parser


def _text(cell: str) -> str | None:
    """Text as it is, but for full-width letters and digits, control characters and outer blanks.

    ``="001"`` (how spreadsheets keep zeros in CSV) is unwrapped, and a long whole number loses its ``.0``.
    """
    if cell.isascii() and cell.isalnum() and len(cell) != len("null"):
        # most are: digits and letters alone, of which only "null" means nothing
        return cell
    text = cell.strip() if cell.isascii() else cell.translate(_FULL_WIDTH).strip()
    if not text.isprintable():
        text = " ".join("".join(char if char.isprintable() else " " for char in text).split())
    if text.isalnum() or not text:
        return None if text.lower() in _NULLS or not text else text
    if text.lower() in _NULLS:
        return None
    lost = _LOST.fullmatch(text)
    if lost and int(lost[2]) >= 11:
        raise Fault(
            "digits",
            bilingual(
                f"{text} is a number whose last digits are lost; format the column as text in the spreadsheet",
                f"{text} 的末尾数字已丢失；请在表格中将该列设为文本格式后重新填写",
            ),
        )
    if wrapped := _WRAPPED.fullmatch(text):
        return wrapped[1] or None
    text = _GUARDED.sub("", text, count=1) if text.startswith("'") else text
    return whole[1] if (whole := _WHOLE.fullmatch(text)) else text


def _key_text(cell: str) -> str | None:
    """Text of a key or code: full-width forms to plain ones, a leading quote and an idle ``.0`` off."""
    text = _text(cell)
    if text is None or (text.isascii() and text.isalnum()):
        return text
    text = normalise(text).removeprefix("'")
    return (_IDLE.sub(r"\1", text)) or None


def _allowed(field: Field) -> Callable[[str], str | None]:
    known = field.value_of
    listed = ", ".join(f"{value.zh}/{value.value}" for value in field.values)

    def parser(cell: str) -> str | None:
        value = known.get(fold(cell))
        if value is not None:
            return value
        text = normalise(cell)
        if text.lower() in _BLANKS or not text:
            return None
        # a number column gives 1.0 where 1 was meant
        value = known.get(fold(text.removesuffix(".0")))
        if value is None:
            raise Fault(
                "value", bilingual(f"{text!r} is not one of {listed}", f"{text!r} 不在允许值（{listed}）之内")
            )
        return value

    return parser


def units_of(unit: str) -> dict[str, float]:
    """Names of units in which a value of *unit* may be written, and what one of them is."""
    return _UNITS.get(unit) or ({unit.lower(): 1.0} if unit else {})


def _without_unit(text: str, unit: str) -> tuple[str, float]:
    """A number without the unit behind it, and what that unit is of the field's."""
    names = units_of(unit)
    found = next((name for name in sorted(names, key=len, reverse=True) if text.lower().endswith(name)), None)
    return (text, 1.0) if found is None else (text[: -len(found)].rstrip(), names[found])


def _plain_number(text: str, unit: str) -> float:
    text, factor = _without_unit(text, unit)
    stake = _STAKE.fullmatch(text)
    if stake and unit == "m":
        return int(stake[1]) * 1000 + float(stake[2])
    if re.fullmatch(r"[+-]?\d{1,3}(,\d{3})+(\.\d*)?", text):
        text = text.replace(",", "")
    if not _NUMBER.fullmatch(text):
        raise Fault("value", bilingual(f"{text!r} is not a number", f"{text!r} 不是数字"))
    # rounded as decimals are, so that 1.2 km are 1200 m
    number = float(text) if factor == 1 else float(f"{float(text) * factor:.15g}")
    if not np.isfinite(number):
        raise Fault("value", bilingual(f"{text!r} is too large a number", f"{text!r} 超出数值范围"))
    return number


def plain_number(text: str) -> float | None:
    """A number without a unit, None for an empty cell; raises :class:`Fault`."""
    text = normalise(text)
    return None if not text or text.lower() in _BLANKS else _plain_number(text, "")


def _in_range(field: Field, number: float) -> float:
    low, high = field.minimum, field.maximum
    if (low is not None and number < low) or (high is not None and number > high):
        limits = f"{'' if low is None else f'{low:g}'}…{'' if high is None else f'{high:g}'}"
        raise Fault(
            "range", bilingual(f"{number:.15g} is outside {limits}", f"{number:.15g} 超出范围 {limits}")
        )
    return number


def _number(field: Field) -> Callable[[str], float]:
    return lambda text: _in_range(field, _plain_number(text, field.unit))


def _integer(field: Field) -> Callable[[str], int]:
    def parser(text: str) -> int:
        number = _in_range(field, _plain_number(text, field.unit))
        if not number.is_integer() or abs(number) >= 2**53:
            raise Fault("value", bilingual(f"{text!r} is not a whole number", f"{text!r} 不是整数"))
        return int(number)

    return parser


def _boolean(text: str) -> bool:
    plain = text.lower().removesuffix(".0")
    if plain in _TRUE:
        return True
    if plain in _FALSE:
        return False
    raise Fault("value", bilingual(f"{text!r} is neither yes nor no (是/否)", f"{text!r} 不是“是/否”"))


def _date(text: str, *, from_1904: bool) -> str:
    """ISO day of a date in any of the usual forms; a time of day is dropped, one with an offset is China's first."""
    try:
        found = _DATE.fullmatch(text)
        if found:
            day = date(int(found[1]), int(found[2]), int(found[3])).isoformat()
            if found[5] is None:
                return day
            return datetime.fromisoformat(f"{day}T{found[4]}{found[5]}").astimezone(_CHINA).date().isoformat()
        if re.fullmatch(r"\d{8}(\.0)?", text):
            return date(int(text[:4]), int(text[4:6]), int(text[6:8])).isoformat()
        if re.fullmatch(r"\d{14}", text):
            return datetime.strptime(text, "%Y%m%d%H%M%S").replace(tzinfo=UTC).date().isoformat()
        # day numbers of a spreadsheet: 1954 to 2119
        if re.fullmatch(r"\d{5}(\.\d+)?", text):
            days = int(float(text)) + (_DAYS_TO_1904 if from_1904 else 0)
            if 20_000 <= days < _MOST_SERIAL:
                return (_EXCEL_EPOCH + timedelta(days=days)).isoformat()
        if re.fullmatch(r"\d{12,13}", text):
            return datetime.fromtimestamp(int(text) / 1000, _CHINA).date().isoformat()
    except (ValueError, OverflowError, OSError):
        pass
    raise Fault(
        "value",
        bilingual(f"{text!r} is not a date; write 2026-11-03", f"{text!r} 不是日期；请写成 2026-11-03"),
    )
