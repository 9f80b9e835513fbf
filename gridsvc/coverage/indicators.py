"""Indicator definitions, read from ``layers/indicators.toml``: definitions are data, not code."""

from __future__ import annotations

from collections.abc import Iterator, Mapping
from dataclasses import dataclass
from hashlib import sha256
from pathlib import Path
from typing import Any, Literal, Self

from pydantic import BaseModel, ConfigDict, ValidationError, model_validator
from pydantic import Field as Spec

from gridsvc.coverage.faults import find_faults
from gridsvc.duties.people import CHIEFS, OFFICERS
from gridsvc.duties.stretches import DUTIES
from gridsvc.errors import DefinitionError, NotFoundError
from gridsvc.layers import NAME, Layers
from gridsvc.settings import Workspace, explain, read_toml, shipped_dir
from gridsvc.text import Text

Kind = Literal[
    "count_share", "length_share", "length_near", "feature_near", "area_near", "area_share", "density"
]
Condition = str | bool | int | float
FILE = "indicators.toml"


class _Model(BaseModel):
    model_config = ConfigDict(frozen=True, extra="forbid")


class Select(_Model):
    """Features of one layer."""

    layer: str
    where: dict[str, tuple[Condition, ...]] = Spec(default_factory=dict)
    """Field → allowed values; all fields must agree."""
    weight: str = ""
    """Number field that each feature counts with; empty: each counts one."""


class Near(_Model):
    """What must be near, and how near: metres, straight or along the streets."""

    layer: str
    where: dict[str, tuple[Condition, ...]] = Spec(default_factory=dict)
    distance: float | None = Spec(default=None, gt=0)
    by: Literal["", "of", "near"] = ""
    """Whose field decides the distance: that of the feature asked about, or that of the target."""
    field: str = ""
    distances: dict[str, float] = Spec(default_factory=dict)
    """Metres by value of ``field``; ``distance`` is for values not listed (without it they are never near)."""
    way: Literal["straight", "walk"] = "straight"
    """Walk: along the streets, with the straight way from and to them."""
    join: float = Spec(default=50, gt=0)
    """Walk: metres from a street beyond which nothing joins it; areas are entered from streets that near, and
    the ground that near to a street is reached from it."""

    @model_validator(mode="after")
    def _distances(self) -> Self:
        if (self.by != "") != bool(self.field) or bool(self.field) != bool(self.distances):
            raise ValueError("by, field and distances go together")
        if not self.distances and self.distance is None:
            raise ValueError("distance is missing")
        if any(metres <= 0 for metres in self.distances.values()):
            raise ValueError("distances must be positive metres")
        return self

    def metres(self, value: object) -> float | None:
        """Distance for a feature whose deciding field holds *value*."""
        return self.distances.get(str(value), self.distance)


class DeadEnd(_Model):
    """What counts as a dead end of the street network."""

    longer_than: float = Spec(default=0, ge=0)
    """Metres from the end to the first junction; what is no longer is none."""
    gap: float = Spec(default=3, gt=0)
    """Metres by which an end may miss the next street through careless drawing."""
    border: float = Spec(default=20, ge=0)
    """Metres from the county's border, or from what ``inside`` names, at which a street goes on."""
    inside: Select | None = None
    """Areas (compounds, squares) that streets end in by rights."""


class Goal(_Model):
    """A target and who set it."""

    value: float
    source: str


class Indicator(_Model):
    """One definition that yields a numerator and a denominator per cell."""

    id: str
    title: Text
    definition: Text
    kind: Kind
    group: Literal["roads", "green", "sanitation", "parking", "responsibility"]
    zone: str = ""
    """Kind of zone that it is graded in; empty: everywhere."""
    of: Select | None = None
    """The features asked about; ``area_near`` has none, it asks about the units' area."""
    match: dict[str, tuple[Condition, ...]] = Spec(default_factory=dict)
    responsible: bool = False
    """Instead of ``match``: the feature or stretch is somebody's duty on the day, the post not vacant."""
    dead_ends: DeadEnd | None = None
    """Instead of ``match``: the stretch is a dead end. A density counts the ends."""
    near: Near | None = None
    base: Select | None = None
    """Area kinds: count only on the area of these features."""
    measure: Literal["count", "length", "area"] = "count"
    """Density: what of the features is summed (with a weight: the weight)."""
    per: Literal["", "area", "length", "weight"] = ""
    """Density: what the sum is divided by."""
    per_of: Select | None = None
    """Density: the roads or weighted features of the denominator."""
    unit: str = "%"
    factor: float = Spec(default=100.0, gt=0)
    """What the quotient in base units (m, m², features) is multiplied with to give ``unit``."""
    digits: int = Spec(default=2, ge=0, le=6)
    direction: Literal["up", "down"] = "up"
    goals: tuple[Goal, ...] = ()
    bands: dict[Literal["A", "B"], float] = Spec(default_factory=dict)
    """Values from which grade A and B are given; anything worse is C."""
    minimum_denominator: float = Spec(default=0, ge=0)
    """Base units; below it no grade is given."""
    minimum_known: float = Spec(default=0, ge=0, le=1)
    """Share of what is asked about whose state must be known; below it no grade is given."""
    allowed: tuple[tuple[float, float], ...] = ()
    """Small numbers: (denominator up to, failures allowed); grade A if kept, else C. Rates beyond."""
    source: str
    year: int

    @model_validator(mode="after")
    def _consistent(self) -> Self:
        faults = []
        if not NAME.match(self.id):
            faults.append(f"id {self.id!r} must be a lower-case word")
        if self.kind.endswith("_near") != (self.near is not None):
            faults.append("near: kinds that end in _near, and only these, have it")
        if (self.kind == "area_near") != (self.of is None):
            faults.append("of: every kind but area_near has it")
        if self.kind == "area_near" and self.near is not None and self.near.by == "of":
            faults.append("near.by: area_near has no of that could decide")
        if self.kind in ("count_share", "length_share"):
            if bool(self.match) + self.responsible + (self.dead_ends is not None) != 1:
                faults.append("a share needs one of match, responsible and dead_ends")
        elif self.match or self.responsible:
            faults.append("match, responsible: belong to count_share and length_share")
        if self.dead_ends is not None and self.kind not in ("length_share", "density"):
            faults.append("dead_ends: belongs to length_share and density")
        if self.kind == "density" and self.dead_ends is not None and self.measure != "count":
            faults.append("measure: dead ends are counted")
        if (self.kind == "density") != bool(self.per):
            faults.append("per: density, and only density, has it")
        if self.kind != "density" and self.measure != "count":
            faults.append("measure: belongs to density")
        if self.kind == "density" and self.allowed:
            faults.append("allowed: a density has no failures to count")
        if self.kind == "density" and self.minimum_known:
            faults.append("minimum_known: a density has no share that is known")
        if (self.per in ("length", "weight")) != (self.per_of is not None):
            faults.append("per_of: names the layer that per = length or weight sums")
        if self.per == "weight" and self.per_of is not None and not self.per_of.weight:
            faults.append("per_of.weight: names the number field that per = weight sums")
        if self.base is not None and not self.kind.startswith("area_"):
            faults.append("base: belongs to area kinds")
        a, b = self.bands.get("A"), self.bands.get("B")
        if self.bands and (a is None or b is None):
            faults.append("bands: both A and B")
        elif a is not None and b is not None and (a <= b if self.direction == "up" else a >= b):
            faults.append(f"bands: A ({a}) must be better than B ({b})")
        if [upto for upto, _ in self.allowed] != sorted({upto for upto, _ in self.allowed}):
            faults.append("allowed: rows must rise")
        if faults:
            raise ValueError("; ".join(faults))
        return self

    @property
    def goal(self) -> float | None:
        """The county's own goal (the first)."""
        return self.goals[0].value if self.goals else None

    @property
    def features(self) -> Select:
        """``of``, of kinds that have it."""
        if self.of is None:
            raise ValueError(f"{self.id}: {self.kind} asks about areas, not features")
        return self.of

    @property
    def for_chiefs(self) -> bool:
        """True where a chief can have the figure: it rests on roads and assets, not on areas."""
        return not self.kind.startswith("area_") and "area" not in (self.measure, self.per)

    @property
    def selects(self) -> list[tuple[str, Select | Near]]:
        """Every choice of features, with its key."""
        inside = self.dead_ends.inside if self.dead_ends is not None else None
        named = {
            "of": self.of,
            "near": self.near,
            "base": self.base,
            "per_of": self.per_of,
            "dead_ends.inside": inside,
        }
        return [(key, value) for key, value in named.items() if value is not None]

    @property
    def layers(self) -> list[str]:
        """Names of the layers that must be loaded."""
        duties = [DUTIES, CHIEFS if self.kind == "length_share" else OFFICERS] if self.responsible else []
        return list(dict.fromkeys([*(select.layer for _, select in self.selects), *duties]))


@dataclass(frozen=True)
class Indicators(Mapping[str, Indicator]):
    """All indicators by id, in the order of the file."""

    by_id: dict[str, Indicator]
    digest: str
    """SHA-256 over all definitions."""

    def __getitem__(self, name: str) -> Indicator:
        """The indicator *name*; an unknown one is refused with those there are."""
        try:
            return self.by_id[name]
        except KeyError:
            raise NotFoundError(
                f"there is no indicator {name!r}; there are: {', '.join(self.by_id)}",
                f"没有指标 {name!r}；现有指标：{'、'.join(self.by_id)}",
            ) from None

    def __contains__(self, name: object) -> bool:
        """True when an indicator has this id."""
        return name in self.by_id

    def __iter__(self) -> Iterator[str]:
        """Ids in order."""
        return iter(self.by_id)

    def __len__(self) -> int:
        """Number of indicators."""
        return len(self.by_id)


def load_indicators(workspace: Workspace | None, layers: Layers) -> Indicators:
    """All indicators: the shipped ones, overridden and extended by the workspace's own file."""
    paths = [shipped_dir("layers") / FILE]
    if workspace is not None and (workspace.layers_dir / FILE).is_file():
        paths.append(workspace.layers_dir / FILE)
    found: dict[str, Indicator] = {}
    for path in paths:
        for name, raw in read_toml(path).items():
            found[name] = _read(path, name, raw, layers)
    text = "\n".join(one.model_dump_json() for one in found.values())
    return Indicators(found, sha256(text.encode()).hexdigest())


def _read(path: Path, name: str, raw: Any, layers: Layers) -> Indicator:
    """One definition, checked against the layers it names."""
    if not isinstance(raw, dict):
        raise DefinitionError(f"{path}: {name}: an indicator is a table", f"{path}：{name}：指标应为一个表")
    try:
        indicator = Indicator.model_validate({"id": name, **raw})
    except ValidationError as error:
        fault = explain(path, error)
        raise DefinitionError(
            fault.text.en.replace(": ", f": {name}: ", 1), fault.text.zh.replace("：", f"：{name}：", 1)
        ) from error
    faults = find_faults(indicator, layers)
    if faults:
        raise DefinitionError(f"{path}: {name}: {'; '.join(faults)}", f"{path}：{name}：{'；'.join(faults)}")
    return indicator
