"""Answers about indicators, figures, units and gaps."""

from __future__ import annotations

from typing import Any, Literal

from pydantic import Field

from gridsvc.api.models.base import Link, Model, Run


class Goal(Model):
    """A target value and who set it."""

    value: float
    source: str


class Allowance(Model):
    """Small numbers are graded by the failures that are allowed, not by rates."""

    upto: float = Field(description="Denominators up to this, in base units")
    failures: float = Field(description="Failures with which grade A is still given")


class Deduction(Model):
    """One step of a table of deductions."""

    size: float = Field(description="From this many on")
    points: float = Field(description="Points off")


class Deductions(Model):
    """Points taken off in the assessment."""

    by: Literal["failures", "shortfall"] = Field(
        description="What is counted: failures, or points by which the county's own goal is missed"
    )
    steps: list[Deduction]


class Indicator(Model):
    """One definition that yields figures."""

    id: str
    title: str
    definition: str
    kind: str
    group: str
    unit: str
    digits: int
    direction: Literal["up", "down"] = Field(description="up: more is better; down: less is better")
    goals: list[Goal] = Field(description="The county's own goal first")
    bands: dict[str, float] = Field(description="Values from which a grade is given; anything worse is C")
    minimum_denominator: float = Field(description="In base units; below it no grade is given")
    minimum_known: float = Field(description="Share that must be known; below it no grade is given")
    allowed: list[Allowance]
    zone: str = Field(description="Kind of zone that the indicator is graded in; empty: everywhere")
    weight: float | None = Field(description="Points in the assessment")
    veto: bool = Field(description="Missing the county's own goal fails the whole assessment")
    deductions: Deductions | None
    system: str = Field(description="Assessment system and its version; empty: none")
    rule: dict[str, Any] = Field(description="What is counted, near what, per what; as in indicators.toml")
    source: str
    year: int
    links: list[Link]


class Indicators(Model):
    """All definitions."""

    indicators: list[Indicator]
    links: list[Link]


class GoalMet(Model):
    """A goal, who set it, and whether it is met; null where that cannot be said."""

    value: float
    source: str
    met: bool | None


class Figure(Model):
    """One indicator of one unit, chief or road, with what it was computed from."""

    indicator: str
    title: str
    subject_kind: str
    subject: str
    name: str
    level: str | None
    value: float | None
    display: str = Field(description="The value as it is shown: never across a grade's band")
    unit: str
    numerator: float = Field(description="In base units: metres, square metres, features, persons")
    denominator: float
    numerator_exact: int = Field(
        description="In whole nanometres, square millimetres, features …; reported values in 10⁻⁸ of their unit"
    )
    denominator_exact: int
    unknown_exact: int = Field(description="What nobody has observed; in neither side")
    exempt_exact: int = Field(description="What is left out by an exemption")
    grade: str | None
    goal: float | None = Field(description="The county's own goal")
    met: bool | None = Field(description="Whether it is met")
    goals: list[GoalMet] = Field(description="Every goal, the county's own first")
    points_off: float | None = Field(description="Points taken off in the assessment, where it says")
    known_share: float | None = Field(description="Share of the features whose state is known")
    loaded: bool = Field(description="Whether all layers that it needs were loaded for the run")
    reason: str | None = Field(
        description="Why there is no value or no grade, what is left out, or when and by whom it was reported"
    )
    run: int
    as_of: str


class Coverage(Model):
    """Figures of one run."""

    run: Run | None
    numberMatched: int
    numberReturned: int
    figures: list[Figure]
    links: list[Link]


class UnitRef(Model):
    """A unit by code."""

    code: str
    name: str
    level: str


class Officer(Model):
    """A person who answers for a unit; no name where the post is vacant."""

    id: str
    name: str | None
    department: str | None
    role: str | None
    vacant: bool


class Unit(Model):
    """One unit with everything known of it."""

    code: str
    name: str
    level: str
    parents: list[UnitRef]
    children: list[UnitRef]
    officers: list[Officer]
    run: Run | None
    figures: list[Figure]
    links: list[Link]


class Gap(Model):
    """One gap as a GeoJSON feature: geometry that keeps an indicator from its goal."""

    type: Literal["Feature"]
    id: str
    geometry: dict[str, Any] | None
    properties: dict[str, Any]


class Gaps(Model):
    """Gaps, with the run they were found in."""

    type: Literal["FeatureCollection"]
    timeStamp: str
    numberMatched: int
    numberReturned: int
    features: list[Gap]
    run: Run | None
    links: list[Link]
