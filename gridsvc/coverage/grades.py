"""From whole amounts to a value, its display and its grade: exact, so that rounding never decides."""

from __future__ import annotations

from dataclasses import dataclass
from fractions import Fraction
from math import ceil, floor

from gridsvc.coverage.indicators import Indicator
from gridsvc.coverage.measures import quantities


@dataclass(frozen=True)
class Grade:
    """What a numerator and a denominator come to. All empty where there is no denominator."""

    value: Fraction | None
    display: str
    grade: str
    met: bool | None
    """Whether the county's own goal is reached."""


def exact(number: float) -> Fraction:
    """A number of a definition as it was written: 98.6 is 986/10, not the nearest binary fraction."""
    return Fraction(repr(float(number)))


def grade(indicator: Indicator, numerator: int, denominator: int) -> Grade:
    """Value, display and grade of *indicator* for whole amounts."""
    if denominator == 0:
        return Grade(None, "—", "", None)
    above, below = (exact(unit) for unit in quantities(indicator))
    value = Fraction(numerator, denominator) * above / below * exact(indicator.factor)
    met = None if indicator.goal is None else _reaches(indicator, value, indicator.goal)
    return Grade(value, display(indicator, value), _band(indicator, value, numerator, denominator), met)


def _reaches(indicator: Indicator, value: Fraction, bound: float) -> bool:
    return value >= exact(bound) if indicator.direction == "up" else value <= exact(bound)


def _band(indicator: Indicator, value: Fraction, numerator: int, denominator: int) -> str:
    """A, B or C; small numbers by the failures that are allowed; none below the minimum."""
    above, below = (exact(unit) for unit in quantities(indicator))
    size = denominator * below
    if size < exact(indicator.minimum_denominator):
        return ""
    failures = size - numerator * above
    for upto, allowed in indicator.allowed:
        if size <= exact(upto):
            return "A" if failures <= exact(allowed) else "C"
    if not indicator.bands:
        return ""
    for letter in ("A", "B"):
        if _reaches(indicator, value, indicator.bands[letter]):
            return letter
    return "C"


def display(indicator: Indicator, value: Fraction) -> str:
    """The value to the indicator's digits, never across a band or goal: 98.996 of 99 reads 98.99, not 99.00."""
    scale = 10**indicator.digits
    shown = _half_up(value * scale)
    bounds = sorted([*indicator.bands.values(), *(goal.value for goal in indicator.goals)])
    edges = [exact(bound) * scale for bound in bounds]
    if indicator.direction == "up":
        for edge in edges:
            if value * scale < edge <= shown:
                shown = ceil(edge) - 1
    else:
        for edge in reversed(edges):
            if shown <= edge < value * scale:
                shown = floor(edge) + 1
    return f"{shown / scale:.{indicator.digits}f}"


def _half_up(value: Fraction) -> int:
    return floor(value + Fraction(1, 2))
