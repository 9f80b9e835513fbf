"""Indicator definitions, read from ``layers/indicators.toml``: definitions are data, not code."""

from __future__ import annotations

from collections.abc import Iterator, Mapping
from dataclasses import dataclass
from hashlib import sha256
from pathlib import Path
from typing import Any, Literal, Self

from pydantic import Field as Spec
from pydantic import ValidationError, model_validator

from gridsvc.coverage.clauses import (
    Along,
    Choice,
    Clause,
    Covered,
    DeadEnd,
    Deductions,
    Faulty,
    Goal,
    Near,
    Select,
    Where,
)
from gridsvc.coverage.faults import find_faults, own_faults
from gridsvc.duties.people import CHIEFS, OFFICERS
from gridsvc.duties.stretches import DUTIES
from gridsvc.errors import DefinitionError, NotFoundError
from gridsvc.layers import Layers
from gridsvc.settings import Workspace, explain, read_toml, shipped_dir
from gridsvc.text import Text, bilingual

Kind = Literal[
    "count_share", "length_share", "length_near", "spacing", "feature_near", "area_near", "area_share", "density",
    "reported",
]  # fmt: skip
Group = Literal["roads", "green", "sanitation", "parking", "services", "responsibility"]
GROUPS: dict[Group, Text] = {
    "roads": bilingual("Roads and light", "道路与照明"),
    "green": bilingual("Green", "园林绿化"),
    "sanitation": bilingual("Cleanliness", "市容环卫"),
    "parking": bilingual("Parking", "停车"),
    "services": bilingual("Services", "便民服务"),
    "responsibility": bilingual("Responsibility", "责任落实"),
}
"""Groups by id, in the order in which they are shown."""
FILE = "indicators.toml"
REPORTED = "reported"
"""The table of values that offices report."""


class Indicator(Clause):
    """One definition that yields a numerator and a denominator per cell."""

    id: str
    title: Text
    definition: Text
    kind: Kind
    group: Group
    headline: bool = False
    """Shown where there is room for few only (the table of chiefs, and the colour of each)."""
    zone: str = ""
    """Kind of zone that it is graded in; empty: everywhere."""
    of: Select | None = None
    """The features asked about; ``area_near`` has none, it asks about the units' area."""
    match: Where = Spec(default_factory=dict)
    responsible: bool = False
    """Instead of ``match``: the feature or stretch is somebody's duty on the day, the post not vacant."""
    has_chief: bool = False
    """Instead of ``match``: the asset belongs to a road there that a chief in office answers for."""
    vacant: bool = False
    """Instead of ``match``: somebody's post on the stretch is vacant."""
    filled: str = ""
    """Instead of ``match``: this field holds a value; without one the answer is no (unknown where no feature of the
    layer has one)."""
    covered: Covered | None = None
    """Instead of ``match``: enough of the feature's own area is covered."""
    dead_ends: DeadEnd | None = None
    """Instead of ``match``: the stretch is a dead end. A density counts the ends."""
    near: Near | None = None
    along: Along | None = None
    """Spacing: what must stand along the road."""
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
    """Small numbers: (denominator up to, failures allowed); grade A if kept and not everything fails, else C. Rates
    beyond."""
    weight: float | None = Spec(default=None, gt=0)
    """Points that it has in the assessment."""
    veto: bool = False
    """Missing the county's own goal fails the whole assessment (一票否决)."""
    deductions: Deductions | None = None
    system: str = ""
    """The assessment system and its version that points and veto are of."""
    source: str
    year: int = Spec(ge=1949, le=2100)

    @model_validator(mode="after")
    def _consistent(self) -> Self:
        faults = own_faults(self)
        if faults:
            raise Faulty(faults)
        return self

    @property
    def ways(self) -> list[str]:
        """Names of the keys given that say which features or stretches count in a share."""
        names = ("match", "responsible", "has_chief", "vacant", "filled", "covered", "dead_ends")
        return [name for name in names if getattr(self, name)]

    @property
    def of_length(self) -> bool:
        """True for shares of road length."""
        return self.kind.startswith("length") or self.kind == "spacing"

    @property
    def rated(self) -> bool:
        """True for shares, of which failures can be counted and a part can be known."""
        return self.kind not in ("density", "reported")

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
        areas = (
            self.kind.startswith("area_") or "area" in (self.measure, self.per) or self.covered is not None
        )
        return not areas and self.kind != "reported"

    @property
    def selects(self) -> list[tuple[str, Choice]]:
        """Every choice of features, with its key."""
        inside = self.dead_ends.inside if self.dead_ends is not None else None
        named = {
            "of": self.of,
            "near": self.near,
            "along": self.along,
            "covered": self.covered,
            "base": self.base,
            "per_of": self.per_of,
            "dead_ends.inside": inside,
        }
        return [(key, value) for key, value in named.items() if value is not None]

    @property
    def layers(self) -> list[str]:
        """Names of the layers that must be loaded."""
        named = [select.layer for _, select in self.selects]
        if self.kind == "reported":
            return [REPORTED]
        if self.responsible or self.vacant or self.has_chief:
            officers = self.responsible and self.kind == "count_share"
            named += [DUTIES, OFFICERS if officers else CHIEFS]
        return list(dict.fromkeys(named))


@dataclass(frozen=True)
class Indicators(Mapping[str, Indicator]):
    """All indicators by id: group by group, in each in the order of the files."""

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


def indicators_written(workspace: Workspace) -> float:
    """When the workspace's own definitions were written (seconds); 0 where there are none."""
    try:
        return (workspace.layers_dir / FILE).stat().st_mtime
    except OSError:
        return 0.0


def load_indicators(workspace: Workspace | None, layers: Layers) -> Indicators:
    """All indicators: the shipped ones, overridden and extended by the workspace's own file."""
    paths = [shipped_dir("layers") / FILE]
    if workspace is not None and (workspace.layers_dir / FILE).is_file():
        paths.append(workspace.layers_dir / FILE)
    found: dict[str, Indicator] = {}
    for path in paths:
        for name, raw in read_toml(path).items():
            found[name] = _read(path, name, raw, layers)
    order = list(GROUPS)
    found = dict(sorted(found.items(), key=lambda entry: order.index(entry[1].group)))
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
        said = Faulty(faults).text
        raise DefinitionError(f"{path}: {name}: {said.en}", f"{path}：{name}：{said.zh}")
    return indicator
