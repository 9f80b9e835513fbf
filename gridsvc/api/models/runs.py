"""Answers about runs: what is published, two of them compared, one figure through all."""

from __future__ import annotations

from pydantic import Field

from gridsvc.api.models.base import Link, Model, Run


class Publication(Model):
    """How a run was published: frozen, with a number and a label."""

    number: str = Field(description="Year of the figures' day and a running number in it; revisions share it")
    label: str
    revision: int
    revises: int | None = Field(description="Run that this one corrects")
    reason: str = Field(description="Why it was corrected")
    published: str
    objections_from: str = Field(description="First day of the objection period; empty: none")
    objections_until: str
    objections_to: str = Field(description="Where to object")
    digest: str = Field(description="SHA-256 over all figures: that of figures.csv in the run's folder")


class RunDetail(Run):
    """One run, with what it rests on."""

    state: str = Field(description="draft, published, corrected (by a later revision) or pruned")
    publication: Publication | None
    versions: dict[str, int] = Field(description="Newest load of every layer that it rests on; 0: none")
    definitions: str = Field(description="SHA-256 of the indicators' definitions")
    libraries: dict[str, str]
    loaded_since: list[str] = Field(description="Layers with newer loads than those that it rests on")
    links: list[Link]


class Runs(Model):
    """All runs, newest first."""

    runs: list[RunDetail]
    links: list[Link]


class Compared(Model):
    """One figure in two runs."""

    indicator: str
    title: str
    subject_kind: str
    level: str | None
    subject: str
    name: str | None
    value_before: float | None
    display_before: str
    grade_before: str | None
    value_after: float | None
    display_after: str
    grade_after: str | None
    unit: str
    value_change: float | None
    numerator_change: float | None = Field(description="In base units")
    denominator_change: float | None
    verdict: str = Field(
        description="better, worse, same, begun (no value before), gone (no value after), ended (the unit is "
        "no more), or not comparable: definition (the indicator was defined otherwise), ground (it counts units, and "
        "these are others)"
    )
    basis: str = Field(
        description="stored; restated (earlier data over the later units or definitions); none"
    )


class Cause(Model):
    """A feature that counts otherwise than before, or that is near one; counted ones add up to the difference."""

    subject: str
    part: str = Field(description="counted or near")
    layer: str = Field(description="Empty for ground")
    key: str
    name: str | None
    what: str
    changes: list[list[str | float | bool | None]] = Field(description="Field, old and new value")
    moved_m: float | None
    numerator_exact: int | None = Field(description="Differences, in whole nanometres, features …")
    denominator_exact: int | None
    unknown_exact: int | None
    exempt_exact: int | None


class Comparison(Model):
    """Two runs side by side."""

    before: Run
    after: Run
    redefined: list[str] = Field(description="Indicators that the later run counts otherwise")
    other_ground: list[str] = Field(description="Units of the later run whose ground is not what it was")
    numberMatched: int
    figures: list[Compared]
    causes: list[Cause] | None = Field(description="None where they were not asked for")
    links: list[Link]


class Point(Model):
    """One figure in one run of a series."""

    run: int
    number: str | None
    revision: int | None
    label: str | None
    status: str
    as_of: str
    value: float | None
    display: str | None
    grade: str | None
    numerator: float | None
    denominator: float | None
    numerator_exact: int | None
    denominator_exact: int | None
    change: float | None = Field(description="Against the run before; none where they cannot be compared")
    verdict: str
    note: str | None


class Trend(Model):
    """One figure through the runs."""

    indicator: str
    title: str
    unit: str
    goal: float | None
    subject_kind: str
    subject: str
    name: str | None
    points: list[Point]
    links: list[Link]
