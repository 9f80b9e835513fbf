"""The parts of which definitions of indicators are made: which features, how near, how far apart, which goals."""

from __future__ import annotations

from itertools import pairwise
from typing import Literal, Self

from pydantic import BaseModel, ConfigDict, model_validator
from pydantic import Field as Spec

from gridsvc.text import Text, bilingual

Condition = str | bool | int | float
Where = dict[str, tuple[Condition, ...]]


class Faulty(ValueError):
    """What is wrong with a definition, in both languages."""

    def __init__(self, faults: list[Text]) -> None:
        """Join *faults* into one text."""
        self.text = bilingual(
            "; ".join(fault.en for fault in faults), "；".join(fault.zh for fault in faults)
        )
        super().__init__(self.text.en)


class Clause(BaseModel):
    """A part of a definition: unchangeable, without keys that it does not know."""

    model_config = ConfigDict(frozen=True, extra="forbid")


class Select(Clause):
    """Features of one layer."""

    layer: str
    where: Where = Spec(default_factory=dict)
    """Field → allowed values; all fields must agree."""
    on: Where = Spec(default_factory=dict)
    """Assets: the same of the road that each belongs to; unknown while the road waits for confirmation."""
    weight: str = ""
    """Number field that each feature counts with; empty: each counts one. ``length_share``: a width in metres that
    each metre counts with, so that areas are shared."""


class Near(Clause):
    """What must be near, and how near: metres, straight or along the streets."""

    layer: str
    where: Where = Spec(default_factory=dict)
    distance: float | None = Spec(default=None, gt=0)
    by: Literal["", "of", "near"] = ""
    """Whose field decides the distance: that of the feature asked about, or that of the target."""
    field: str = ""
    distances: dict[str, float] = Spec(default_factory=dict)
    """Metres by value of ``field``; ``distance`` is for values not listed (without it they are never near)."""
    by_area: tuple[tuple[float, float], ...] = ()
    """Steps (m² of the target from which, metres); smaller targets have ``distance`` (without it they are none)."""
    way: Literal["straight", "walk"] = "straight"
    """Walk: along the streets, with the straight way from and to them."""
    join: float = Spec(default=50, gt=0)
    """Walk: metres from a street beyond which nothing joins it; areas are entered from streets that near, and
    the ground that near to a street is reached from it."""

    @model_validator(mode="after")
    def _distances(self) -> Self:
        if (self.by != "") != bool(self.field) or bool(self.field) != bool(self.distances):
            raise Faulty(
                [bilingual("by, field and distances go together", "by、field、distances 须同时给出")]
            )
        if self.by_area and self.by:
            raise Faulty([bilingual("by_area and by exclude each other", "by_area 与 by 不能同时使用")])
        if not self.distances and not self.by_area and self.distance is None:
            raise Faulty([bilingual("distance is missing", "缺少 distance")])
        metres = [*self.distances.values(), *(metres for _, metres in self.by_area)]
        if any(one <= 0 for one in metres):
            raise Faulty([bilingual("distances must be positive metres", "距离须为正的米数")])
        if not rising([(0, 0), *self.by_area]):
            raise Faulty([bilingual("by_area: areas must rise from above 0", "by_area：面积须大于 0 且递增")])
        return self

    def metres(self, value: object) -> float | None:
        """Distance for a feature whose deciding field holds *value*."""
        return self.distances.get(str(value), self.distance)


class Along(Clause):
    """What must stand along a road, and how densely."""

    layer: str
    where: Where = Spec(default_factory=dict)
    every: float = Spec(gt=0)
    """Metres: the length of the stretches looked at."""
    at_least: int = Spec(default=1, ge=1)
    """How many must stand on each such stretch."""


class Covered(Clause):
    """What must cover part of each feature's own area."""

    layer: str
    where: Where = Spec(default_factory=dict)
    share: float | None = Spec(default=None, gt=0, le=100)
    """Percent of the feature's area."""
    field: str = ""
    """Instead of ``share``: the feature's own number field with the percentage."""

    @model_validator(mode="after")
    def _one(self) -> Self:
        if (self.share is None) == (not self.field):
            raise Faulty([bilingual("one of share and field", "share 与 field 须给出且只给出一个")])
        return self


Choice = Select | Near | Along | Covered
"""Features of one layer that a definition names, whatever for."""


class DeadEnd(Clause):
    """What counts as a dead end of the street network."""

    longer_than: float = Spec(default=0, ge=0)
    """Metres from the end to the first junction; what is no longer is none."""
    gap: float = Spec(default=3, gt=0)
    """Metres by which an end may miss the next street through careless drawing."""
    border: float = Spec(default=20, ge=0)
    """Metres from the county's border, or from what ``inside`` names, at which a street goes on."""
    inside: Select | None = None
    """Areas (compounds, squares) that streets end in by rights."""


class Goal(Clause):
    """A target and who set it."""

    value: float
    source: str


class Deductions(Clause):
    """Points taken off in the assessment."""

    by: Literal["failures", "shortfall"]
    """Failures: what counts below the line and not above it, in base units. Shortfall: the unit's points by which
    the county's own goal is missed."""
    steps: tuple[tuple[float, float], ...] = Spec(min_length=1)
    """(from this many on, points off); below the first nothing is taken off."""

    @model_validator(mode="after")
    def _rising(self) -> Self:
        if not rising([(0, 0), *self.steps]) or not rising(
            [(off, size) for size, off in [(0, 0), *self.steps]]
        ):
            raise Faulty(
                [
                    bilingual(
                        "steps: sizes and points must be positive and rise", "steps：数量与扣分须为正数且递增"
                    )
                ]
            )
        return self


def rising(steps: list[tuple[float, float]]) -> bool:
    """Whether the first numbers of *steps* rise."""
    return all(one < other for (one, _), (other, _) in pairwise(steps))
