"""From whole amounts to a value, its display and its grade: exact, so that rounding never decides."""

from __future__ import annotations

from dataclasses import dataclass
from fractions import Fraction
from functools import lru_cache
from math import ceil, floor

from gridsvc.coverage.amounts import quantities
from gridsvc.coverage.indicators import Indicator


@dataclass(frozen=True)
class Grade:
    """What a numerator and a denominator come to. All empty where there is no denominator."""

    value: Fraction | None
    display: str
    grade: str
    met: bool | None
    """Whether the county's own goal is reached."""
    reached: tuple[bool, ...] = ()
    """The same of each goal."""
    points_off: Fraction | None = None
    """What is taken off in the assessment, where the definition says."""


@lru_cache(maxsize=1024)
def exact(number: float) -> Fraction:
    """A number of a definition as it was written: 98.6 is 986/10, not the nearest binary fraction."""
    return Fraction(repr(float(number)))


def grade(indicator: Indicator, numerator: int, denominator: int, unknown: int = 0) -> Grade:
    """Value, display and grade of *indicator* for whole amounts, of which *unknown* were left out."""
    if denominator == 0:
        return Grade(None, "—", "", None)
    scale = _scale(*quantities(indicator), indicator.factor)
    value = Fraction(numerator * scale.numerator, denominator * scale.denominator)
    if too_little_known(indicator, denominator, unknown):
        return Grade(value, display(indicator, value), "", None)
    reached = tuple(_reaches(indicator, value, goal.value) for goal in indicator.goals)
    return Grade(
        value,
        display(indicator, value),
        _band(indicator, value, numerator, denominator),
        reached[0] if reached else None,
        reached,
        _points_off(indicator, value, numerator, denominator),
    )


@lru_cache(maxsize=256)
def _scale(above: float, below: float, factor: float) -> Fraction:
    """What a quotient of whole amounts is multiplied with."""
    return exact(above) / exact(below) * exact(factor)


def _failures(indicator: Indicator, numerator: int, denominator: int) -> tuple[Fraction, Fraction]:
    """The denominator and what of it fails, in base units."""
    above, below = (exact(unit) for unit in quantities(indicator))
    size, good = denominator * below, numerator * above
    return size, size - good if indicator.direction == "up" else good


def too_little_known(indicator: Indicator, denominator: int, unknown: int) -> bool:
    """Whether less is known than the definition asks for a grade."""
    least = indicator.minimum_known
    return least > 0 and denominator < (denominator + unknown) * exact(least)


def _reaches(indicator: Indicator, value: Fraction, bound: float) -> bool:
    return value >= exact(bound) if indicator.direction == "up" else value <= exact(bound)


def _points_off(indicator: Indicator, value: Fraction, numerator: int, denominator: int) -> Fraction | None:
    """Points of the last step that is reached; None where the definition takes none off."""
    if indicator.deductions is None:
        return None
    if indicator.deductions.by == "failures":
        missed = _failures(indicator, numerator, denominator)[1]
    else:
        short = exact(indicator.goals[0].value) - value
        missed = short if indicator.direction == "up" else -short
    off = [exact(points) for size, points in indicator.deductions.steps if missed >= exact(size)]
    return off[-1] if off else Fraction(0)


def _band(indicator: Indicator, value: Fraction, numerator: int, denominator: int) -> str:
    """A, B or C; small numbers by the failures that are allowed, but not all of them; none below the minimum."""
    if indicator.minimum_denominator or indicator.allowed:
        size, failures = _failures(indicator, numerator, denominator)
        if size < exact(indicator.minimum_denominator):
            return ""
        for upto, allowed in indicator.allowed:
            if size <= exact(upto):
                return "A" if failures <= exact(allowed) and failures < size else "C"
    if not indicator.bands:
        return ""
    for letter in ("A", "B"):
        if _reaches(indicator, value, indicator.bands[letter]):
            return letter
    return "C"


def display(indicator: Indicator, value: Fraction) -> str:
    """The value to the indicator's digits, never across a band or goal: 98.996 of 99 reads 98.99, not 99.00."""
    scale = 10**indicator.digits
    exactly = value * scale
    shown = floor(exactly + Fraction(1, 2))
    bounds = {*indicator.bands.values(), *(goal.value for goal in indicator.goals)}
    edges = sorted(exact(bound) * scale for bound in bounds)
    # an edge belongs to the better side
    if indicator.direction == "up":
        below = [edge for edge in edges if exactly < edge <= shown]
        above = [edge for edge in edges if shown < edge <= exactly]
        shown = ceil(below[0]) - 1 if below else ceil(above[-1]) if above else shown
    else:
        below = [edge for edge in edges if exactly <= edge < shown]
        above = [edge for edge in edges if shown <= edge < exactly]
        shown = floor(below[0]) if below else floor(above[-1]) + 1 if above else shown
    return f"{shown / scale:.{indicator.digits}f}"
