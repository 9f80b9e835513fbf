"""Answers about what a figure is made of."""

from __future__ import annotations

from pydantic import Field

from gridsvc.api.models.base import Link, Model, Run
from gridsvc.api.models.figures import Figure, Indicator


class Sum(Model):
    """One side of a figure: the sum of its facts, and what the run holds."""

    side: str = Field(description="numerator, denominator, unknown or exempt")
    listed: int = Field(description="Sum of the facts, in whole amounts")
    stored: int
    per_whole: float = Field(description="Base units (metres, square metres, features) per whole amount")


class Fact(Model):
    """One thing that a figure counts: a stretch of road on one side in one cell, a feature, or a cell."""

    fact: str = Field(description="piece, feature, cell, or report (a reported value)")
    layer: str | None
    key: str
    name: str | None
    side: str | None = Field(description="Pieces: left or right in the direction in which the road is drawn")
    from_m: float | None = Field(description="Pieces: metres along the road feature")
    to_m: float | None
    share: float | None = Field(description="Pieces: part of the length that counts")
    cell: str | None
    fields: str | None = Field(description="Values of the fields that decide")
    near_key: str | None = Field(
        description="The nearest of what must be near, its true distance and the limit"
    )
    near_m: float | None
    within_m: float | None
    numerator_exact: int = Field(description="In whole nanometres, square millimetres, features, thousandths")
    denominator_exact: int
    unknown_exact: int
    exempt_exact: int
    numerator: float = Field(description="In base units: metres, square metres, features, persons")
    denominator: float
    unknown: float
    exempt: float


class Behind(Model):
    """What makes a fact count."""

    what: str = Field(description="near, along, covers, base or duty")
    layer: str
    key: str | None
    name: str | None
    fields: str | None
    of: str = Field(description="The road feature or cell that it makes count")
    distance_m: float | None = Field(description="In a straight line")
    within_m: float | None
    area_mm2: int | None
    from_m: float | None
    to_m: float | None
    role: str | None


class Exemption(Model):
    """What leaves a fact out."""

    layer: str
    feature_key: str
    from_m: float | None
    to_m: float | None
    reason: str | None
    document: str | None
    date_from: str | None
    date_to: str | None
    indicator: str | None


class SourceLoad(Model):
    """One load that the figure rests on."""

    layer: str
    load: int | None
    source: str | None
    sha256: str | None
    loaded: str | None
    mode: str | None
    rows: int | None
    version: int = Field(description="Newest load of the layer when the run was computed")
    current: int = Field(description="Newest load of the layer now")


class Explanation(Model):
    """One figure and everything that it is made of: the facts add up to it."""

    run: Run
    indicator: Indicator
    figure: Figure
    adds_up: bool = Field(description="The facts add up to the figure to the last digit")
    changed: list[str] = Field(description="What is not as it was when the run was computed")
    sums: list[Sum]
    facts: list[Fact]
    behind: list[Behind]
    exemptions: list[Exemption]
    sources: list[SourceLoad]
    links: list[Link]
