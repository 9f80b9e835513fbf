"""What pages show, as plain data: no store, no figures, no HTML. Geometry is in pixels (:mod:`.pixels`)."""

from __future__ import annotations

from dataclasses import dataclass, field
from typing import Any, Literal

import numpy as np

from gridsvc.maps.pixels import Bounds, Geometries
from gridsvc.text import Lang, Text, bilingual

GroupKind = Literal["land", "area", "units", "lines", "border", "road", "own", "gap", "point", "label"]
GapKind = Literal["stretch", "end", "feature"]

NOTHING = Text(en="", zh="")


def no_geometries() -> Geometries:
    """No geometry at all."""
    return np.empty(0, dtype=object)


@dataclass(frozen=True)
class Stamp:
    """What every page says about itself: whose data, of which day and run, and how it may be used."""

    county: Text
    languages: tuple[Lang, ...]
    as_of: str
    """Day of the figures, ISO."""
    run: int | None
    status: str = ""
    """``draft`` or ``published``."""
    label: str = ""
    """Label of a published run (第32周)."""
    created: str = ""
    marking: str = ""
    approval: str = ""
    synthetic: bool = False
    sources: tuple[str, ...] = ()
    """Whom the data's licences ask to be named."""
    left_out: tuple[Text, ...] = ()
    """Indicators that are not computed, as layers are not loaded."""


@dataclass(frozen=True)
class Person:
    """Somebody responsible: a chief or an officer."""

    id: str
    name: str
    """Empty for a vacant post (空岗)."""
    title: str = ""
    level: Text = NOTHING
    department: str = ""
    phone: str = ""

    @property
    def vacant(self) -> bool:
        """Nobody holds the post."""
        return not self.name


@dataclass(frozen=True)
class Card:
    """One figure of one subject."""

    indicator: str
    title: Text
    definition: Text
    display: str
    """The value as it is shown everywhere, empty when there is none."""
    unit: Text
    value: float | None
    grade: str
    goal: Text
    goal_value: float | None
    met: bool | None
    numerator: Text
    denominator: Text
    known_share: float | None
    """Share (0–1) of the denominator that somebody has observed; None where all is known by nature."""
    reason: Text = NOTHING
    """Why there is no value."""
    shortfall: Text = NOTHING
    """What is missing to the goal, in words."""
    gaps: int = 0
    bar: bool = True
    """A bar makes sense: more is better."""

    @property
    def basis(self) -> Text:
        """What the value is of, or why there is none; what a density leaves out; who reported it."""
        if self.value is None or not self.numerator.en:
            return self.reason
        both = bilingual(*(f"{self.numerator(lang)} / {self.denominator(lang)}" for lang in ("en", "zh")))
        if not self.reason.en:
            return both
        return bilingual(f"{both.en} · {self.reason.en}", f"{both.zh} · {self.reason.zh}")

    @property
    def rank(self) -> tuple[int, float]:
        """Worst first: C, B, A, then what bears no grade; among equals the farther from the goal."""
        order = {"C": 0, "B": 1, "A": 2}.get(self.grade, 3 if self.value is not None else 4)
        far = 0.0 if self.value is None or self.goal_value is None else abs(self.value - self.goal_value)
        return order, 0.0 if self.met else -far


@dataclass(frozen=True)
class Gap:
    """One thing that keeps an indicator from its goal."""

    indicator: str
    kind: GapKind
    title: Text
    """Where it is: the road, or the asset's name."""
    place: Text
    """More exactly: from–to metres, or the state."""
    size: Text
    amount: float
    """The size as a number, to put the worst first."""
    group: str = ""
    index: int = 0
    """Where it stands on the map: feature *index* of the group."""


@dataclass(frozen=True)
class Stretch:
    """A road, or a part of it, that somebody answers for."""

    road: str
    """Name of the road; empty for a nameless one."""
    code: str
    road_class: str
    """A class of ``style.toml``."""
    class_title: Text
    span: Text
    """From–to metres in words, or empty for the whole road."""
    metres: float
    since: str
    team: tuple[Person, ...]
    """Everybody who answers for it, the page's chief included."""
    group: str = ""
    index: int = 0


@dataclass(frozen=True)
class Column:
    """One line of a pop-up, for every feature of a group."""

    title: Text
    values: list[Any]
    """Texts and numbers; indexes into *labels* where there are labels; None says nothing."""
    labels: tuple[Text, ...] = ()


@dataclass(frozen=True)
class Info:
    """What a pop-up says about the features of a group."""

    title: Text
    heads: list[str]
    columns: tuple[Column, ...] = ()
    teams: list[tuple[Person, ...]] = field(default_factory=list)


@dataclass
class Group:
    """Features drawn in one style and switched on and off together."""

    id: str
    kind: GroupKind
    geometry: Geometries
    style: dict[str, Any]
    title: Text = NOTHING
    section: str = ""
    """Section of the legend; empty: not in the legend."""
    on: bool = True
    hit: bool = False
    """Answers to a click."""
    counted: bool = False
    """The legend says how many there are."""
    from_zoom: float = 0
    labels: dict[str, Any] | None = None
    info: Info | None = None
    extra: dict[str, Any] = field(default_factory=dict)
    encoded: str = ""
    """The geometry as JSON, once somebody asked for it; groups that many pages share keep it."""

    @property
    def count(self) -> int:
        """Number of features."""
        return len(self.geometry)


@dataclass(frozen=True)
class Sheet:
    """The map of a page: groups in drawing order, what to look at first and how far one may go."""

    groups: list[Group]
    view: Bounds
    limit: Bounds
    origin: tuple[float, float]
    """Whole pixel that coordinates count from."""


@dataclass(frozen=True)
class ChiefPage:
    """A road chief's page."""

    stamp: Stamp
    chief: Person
    cards: list[Card]
    gaps: list[Gap]
    stretches: list[Stretch]
    sheet: Sheet
    metres: float
    since: str = ""
    """Day since which this chief answers, when that is recent."""
    predecessor: str = ""
    note: str = ""


@dataclass(frozen=True)
class ChiefRow:
    """A chief in the index."""

    chief: Person
    roads: tuple[str, ...]
    metres: float
    cards: dict[str, Card]
    new: bool = False

    @property
    def worst(self) -> str:
        """The worst grade among the figures, or empty."""
        return max((card.grade for card in self.cards.values() if card.grade), default="")


@dataclass(frozen=True)
class Heading:
    """An indicator at the head of a column or a page, with the whole county's figure."""

    id: str
    title: Text
    definition: Text
    unit: Text
    county: Card | None
    for_chiefs: bool = True
    group: Text = NOTHING
    headline: bool = True


@dataclass(frozen=True)
class IndexPage:
    """The index of all chiefs."""

    stamp: Stamp
    rows: list[ChiefRow]
    headings: list[Heading]
    """All indicators that are computed, group by group."""
    sheet: Sheet


@dataclass(frozen=True)
class Band:
    """One class of a choropleth's legend."""

    title: Text
    style: dict[str, Any]
    grade: str = ""


@dataclass(frozen=True)
class LevelTable:
    """The units of one level in an overview: one row a unit, one class a row."""

    level: str
    title: Text
    codes: list[str]
    names: list[Text]
    cards: list[Card]
    classes: list[int]
    """Band of each unit: index into ``bands``."""
    bands: list[Band]
    group: str
    """Group of the sheet that draws them, in the same order."""


@dataclass(frozen=True)
class OverviewPage:
    """One indicator over the whole county, by level."""

    stamp: Stamp
    heading: Heading
    headings: list[Heading]
    goal: Text
    source: Text
    zone: Text
    small_numbers: bool
    """Few features are graded by allowed failures, so that a grade may differ from the value's band."""
    levels: list[LevelTable]
    sheet: Sheet
