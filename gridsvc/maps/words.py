"""Quantities in words, for people."""

from __future__ import annotations

import math
from collections.abc import Iterable
from functools import lru_cache

from gridsvc.text import Text, bilingual


def number(value: float, digits: int = 0) -> str:
    """A number with separators between thousands; no zeros at the end of the fraction."""
    text = f"{value:,.{digits}f}"
    return text.rstrip("0").rstrip(".") if digits else text


def length(metres: float) -> Text:
    """A length: metres, from ten kilometres on kilometres."""
    if metres >= 10_000:
        return bilingual(f"{number(metres / 1000, 1)} km", f"{number(metres / 1000, 1)} 公里")
    return bilingual(f"{number(metres)} m", f"{number(metres)} 米")


def spans(ends: Iterable[tuple[float, float]]) -> Text:
    """Stretches from–to metres along one road; those that meet (within a metre) are one."""
    joined: list[tuple[float, float]] = []
    for low, high in sorted(ends):
        if joined and low <= joined[-1][1] + 1:
            low, high = joined[-1][0], max(joined.pop()[1], high)
        joined.append((low, high))
    parts = [f"{number(low)}–{number(high)}" for low, high in joined]
    return bilingual(f"{', '.join(parts)} m", f"{'、'.join(parts)} 米")


def area(square_metres: float) -> Text:
    """An area: square metres, from a tenth of a square kilometre on square kilometres."""
    if square_metres >= 100_000:
        text = f"{number(square_metres / 1e6, 2)} km²"
        return bilingual(text, text)
    text = f"{number(square_metres)} m²"
    return bilingual(text, text)


def count(value: float, unit: Text | None = None) -> Text:
    """A count with its unit (盏, 人), if it has one."""
    text = number(value, 0 if float(value).is_integer() else 1)
    if unit is None or not unit.zh:
        return bilingual(text, text)
    return bilingual(f"{text} {unit.en}".strip(), f"{text} {unit.zh}")


def percent(share: float) -> str:
    """A share (0–1) in percent; never rounded up to 100 %."""
    return f"{math.floor(share * 1000 + 1e-9) / 10:g}%"


# units of fields and indicators as they stand in the definitions, in English
ENGLISH_UNITS = {
    "盏": "light points",
    "人": "residents",
    "个": "",
    "座": "",
    "座/km²": "per km²",
    "个/km²": "per km²",
    "个/千人": "per 1,000 residents",
    "座/千人": "per 1,000 residents",
    "座/万人": "per 10,000 residents",
    "盏/km": "per km",
    "m²/人": "m² per resident",
}


@lru_cache(maxsize=256)
def unit(text: str) -> Text:
    """A unit in both languages; one that is not known here stands as it is."""
    return bilingual(ENGLISH_UNITS.get(text, text), text)


def same(text: str) -> Text:
    """A text that is the same in both languages (a name)."""
    return bilingual(text, text)
