"""Coordinates as people write them: decimal, or degrees, minutes and seconds, with or without a direction."""

from __future__ import annotations

import re

from gridsvc.codes import normalise
from gridsvc.intake.values import Fault, plain_number
from gridsvc.text import bilingual

# every mark of degrees, minutes and seconds that people type
_MARKS = str.maketrans(
    dict.fromkeys("º˚度", "°") | dict.fromkeys("′’‘´`＇分", "'") | dict.fromkeys("″”“〃＂秒", '"')
)
_AXIS = re.compile(r"^(东经|西经|北纬|南纬|[EWNS东西南北经纬])[:\s]*|[:\s]*([EWNS东西南北])$", re.IGNORECASE)
_AXES = {"E": ("x", 1), "东": ("x", 1), "经": ("x", 1), "W": ("x", -1), "西": ("x", -1)} | {
    "N": ("y", 1), "北": ("y", 1), "纬": ("y", 1), "S": ("y", -1), "南": ("y", -1)
}  # fmt: skip
# what most cells hold
_DECIMAL = re.compile(r"-?\d{1,15}(?:\.\d+)?", re.ASCII)
_ANGLES = (
    re.compile(r"(\d{1,3})°(\d{1,2})'(\d{1,2}(?:\.\d+)?)\"?"),
    re.compile(r"(\d{1,3})°(\d{1,2}(?:\.\d+)?)'?"),
    re.compile(r"(\d{1,3}(?:\.\d+)?)°"),
    re.compile(r"(\d{1,3}):(\d{1,2}):(\d{1,2}(?:\.\d+)?)"),
    re.compile(r"(\d{1,3}) (\d{1,2}) (\d{1,2}(?:\.\d+)?)"),
)
_MOST = {"x": 180.0, "y": 90.0}
_KINDS = {"x": bilingual("longitude", "经度"), "y": bilingual("latitude", "纬度")}


def coordinate(text: str, axis: str) -> float | None:
    """A longitude or x (*axis* ``x``), latitude or y (``y``) as a number, None for an empty cell.

    Degrees may have minutes and seconds, with marks, colons or blanks between, and the letter of their
    direction. Raises :class:`Fault` for anything else.
    """
    if _DECIMAL.fullmatch(text):
        return float(text)
    plain, told, sign = _direction(_plain(text))
    if told is not None and told != axis:
        kinds = _KINDS[told], _KINDS[axis]
        raise _fault(text, f"is a {kinds[0].en}, not a {kinds[1].en}", f"是{kinds[0].zh}，不是{kinds[1].zh}")
    if plain.startswith("-") and told is None:
        plain, sign = plain[1:].lstrip(), -1
    for pattern in _ANGLES:
        if found := pattern.fullmatch(plain):
            return sign * _degrees(text, [float(part) for part in found.groups()], axis)
    number = plain_number(plain)
    return None if number is None else sign * number


def _plain(text: str) -> str:
    """*text* with plain digits, and one spelling of the marks of degrees, minutes and seconds."""
    words = text.replace("经度", "经").replace("纬度", "纬")
    plain = normalise(words.translate(_MARKS)).translate(_MARKS).replace("''", '"')
    return " ".join(re.sub(r"\s*([°'\":])\s*", r"\1", plain).split())


def _direction(plain: str) -> tuple[str, str | None, int]:
    """A coordinate without the letter of its direction; which axis that tells, and the sign."""
    found = _AXIS.search(plain)
    if found is None:
        return plain, None, 1
    word = (found[1] or found[2]).upper()
    axis, sign = _AXES[word[0] if word[0] in _AXES else word[-1]]
    return (plain[: found.start()] + plain[found.end() :]).strip(), axis, sign


def _degrees(text: str, parts: list[float], axis: str) -> float:
    if any(part >= 60 for part in parts[1:]):
        raise _fault(text, "has minutes or seconds of 60 or more", "的分或秒不小于 60")
    number: float = sum(part / 60**power for power, part in enumerate(parts))
    if number > _MOST[axis]:
        raise _fault(text, f"is more than {_MOST[axis]:g} degrees", f"超过 {_MOST[axis]:g} 度")
    return number


def _fault(text: str, en: str, zh: str) -> Fault:
    shown = text.strip()[:40]
    return Fault("value", bilingual(f"{shown!r} {en}", f"“{shown}”{zh}"))


def both(text: str, *, lat_first: bool = False) -> tuple[float, float] | None:
    """Longitude and latitude (x and y) out of one cell, None for an empty one.

    Their order is that of the letters of their directions, else *lat_first* tells it. Raises :class:`Fault`.
    """
    plain = re.sub(r"^[\s(\[{<]+|[\s)\]}>]+$", "", _plain(text))
    parts = [part.strip() for part in re.split(r"[,;、|/]", plain) if part.strip()]
    if len(parts) == 1:
        parts = plain.split()
    if not parts:
        return None
    if len(parts) != 2:
        raise _fault(text, "is not a pair of coordinates", "不是一对坐标")
    first = _direction(parts[0])[1] or {"x": "y", "y": "x", None: None}[_direction(parts[1])[1]]
    if (first == "y") if first else lat_first:
        parts.reverse()
    x, y = coordinate(parts[0], "x"), coordinate(parts[1], "y")
    if x is None or y is None:
        raise _fault(text, "is not a pair of coordinates", "不是一对坐标")
    return x, y
