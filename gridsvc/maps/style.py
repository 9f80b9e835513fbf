"""How maps look: colours and symbols, read from ``maps/style.toml``.

A workspace's own ``maps/style.toml`` is laid over the shipped one, key by key. Layers and values that no style
names take defaults and a palette, so a new layer is drawn without anybody touching code.
"""

from __future__ import annotations

import re
from functools import lru_cache
from pathlib import Path
from typing import Annotated, Any, Literal

from pydantic import AfterValidator, BaseModel, ConfigDict, Field, ValidationError

from gridsvc.layers import Layer
from gridsvc.settings import Workspace, explain, read_toml, shipped_dir


def _colour(value: str) -> str:
    if not re.fullmatch(r"#[0-9a-fA-F]{6}", value):
        raise ValueError(f"a colour is written #rrggbb, not {value!r}")
    return value.lower()


Colour = Annotated[str, AfterValidator(_colour)]
Shape = Literal["circle", "square", "diamond", "triangle", "hexagon", "star"]
Mark = Literal["", "cross", "bar", "dot", "tick"]
Hatch = Literal["", "rise", "fall", "cross"]
Dash = tuple[Annotated[float, Field(ge=0)], ...]


class _Style(BaseModel):
    model_config = ConfigDict(frozen=True, extra="forbid")

    def plain(self) -> dict[str, Any]:
        """The style for the page's script, without what is left at nothing."""
        return {key: value for key, value in self.model_dump().items() if value not in ("", 0, (), None)}


class Ground(_Style):
    """The sheet itself: land, what lies outside the county, and lettering."""

    land: Colour
    outside: Colour
    label: Colour
    halo: Colour


class Grade(_Style):
    """Fill of a grade, the colour of its letter, and a hatch for prints without colour."""

    fill: Colour
    ink: Colour
    hatch: Hatch = ""
    hatch_colour: Colour = "#ffffff"


class Sequence(_Style):
    """Colours of values without bands, from low to high."""

    colours: tuple[Colour, ...] = Field(min_length=2)


class Road(_Style):
    """A road: width in pixels at zoom 15, never thinner than *least*."""

    fill: Colour
    casing: Colour
    width: float = Field(gt=0)
    least: float = Field(ge=0)
    from_zoom: float = 0
    dash: Dash = ()


class Selection(_Style):
    """What is selected in a list."""

    fill: Colour
    casing: Colour


class Gap(_Style):
    """A stretch that keeps an indicator from its goal."""

    colour: Colour
    dash: Dash = ()


class Border(_Style):
    """A border of units."""

    stroke: Colour
    width: float = 1
    dash: Dash = ()
    from_zoom: float = 0


class Area(_Style):
    """Ground under the roads."""

    fill: Colour
    stroke: Colour | Literal[""] = ""
    label: Colour | Literal[""] = ""
    from_zoom: float = 0
    drawn: bool = True
    """False: figures use it, maps do not show it."""


class Symbol(_Style):
    """A point symbol."""

    shape: Shape = "circle"
    fill: Colour
    stroke: Colour
    mark: Mark = ""
    from_zoom: float = 0


class Assets(_Style):
    """Symbols of one asset layer, by state."""

    state: str = ""
    """Field that holds the state; empty: the layer's observed field, else its first graded field with values."""
    size: float = Field(default=6, gt=0)
    states: dict[str, Symbol] = Field(default_factory=dict)
    unknown: Symbol | None = None


class Style(_Style):
    """Everything in style.toml."""

    ground: Ground
    grades: dict[Literal["A", "B", "C", "none"], Grade]
    sequence: Sequence
    roads: dict[str, Road]
    own: Road
    vacant: Road
    selection: Selection
    gaps: tuple[Gap, ...] = Field(min_length=1)
    units: dict[str, Border]
    areas: dict[str, Area]
    assets: dict[str, Assets]
    palette: tuple[Symbol, ...] = Field(min_length=1)
    findings: dict[Literal["attention", "note"], Symbol]

    def road(self, road_class: str | None) -> Road:
        """Style of a road class; unknown classes look like the default."""
        return self.roads.get(road_class or "default", self.roads["default"])

    def area(self, layer: str) -> Area:
        """Style of a layer drawn as ground."""
        return self.areas.get(layer, self.areas["default"])

    def gap(self, index: int) -> Gap:
        """Style of the gaps of the indicator at *index*."""
        return self.gaps[index % len(self.gaps)]

    def grade(self, grade: str) -> Grade:
        """Style of a grade; anything but A, B, C is no grade."""
        return self.grades[grade if grade in ("A", "B", "C") else "none"]  # type: ignore[index]

    def symbol(self, layer: str, state: str | None, index: int) -> Symbol:
        """Symbol of a state of an asset layer; *index* picks from the palette what has none of its own.

        ``""`` is a state that nobody has said; None is for layers without states.
        """
        assets, spare = self.assets.get(layer, Assets()), self.palette[index % len(self.palette)]
        if state:
            return assets.states.get(state, spare)
        hollow = spare.model_copy(update={"fill": "#ffffff", "stroke": "#5b6775", "mark": "dot"})
        return assets.unknown or (spare if state is None else hollow)

    def state_field(self, layer: Layer) -> str:
        """Field of *layer* whose values are its states, or empty when it has none."""
        named = self.assets.get(layer.name, Assets()).state or layer.observed
        if named in layer.fields:
            return named
        graded = (name for name, field in layer.fields.items() if field.graded and field.values)
        return next(graded, "")


def _laid_over(base: dict[str, Any], own: dict[str, Any]) -> dict[str, Any]:
    """*base* with the keys of *own* in their place, tables merged key by key."""
    merged = dict(base)
    for key, value in own.items():
        both = isinstance(value, dict) and isinstance(base.get(key), dict)
        merged[key] = _laid_over(base[key], value) if both else value
    return merged


def load_style(workspace: Workspace | None = None) -> Style:
    """The shipped style with the workspace's own laid over it; a fault names file and key."""
    path = shipped_dir("maps") / "style.toml"
    raw = read_toml(path)
    own = workspace.root / "maps" / "style.toml" if workspace else path
    if own != path and own.is_file():
        raw, path = _laid_over(raw, read_toml(own)), own
    return _validated(path, raw)


def _validated(path: Path, raw: dict[str, Any]) -> Style:
    try:
        style = Style.model_validate(raw)
    except ValidationError as error:
        raise explain(path, error) from error
    for table, wanted in (
        ("roads", {"default"}),
        ("areas", {"default"}),
        ("grades", {"A", "B", "C", "none"}),
        ("findings", {"attention", "note"}),
    ):
        if missing := wanted - set(getattr(style, table)):
            raise explain(path, _missing(table, sorted(missing)))
    return style


def _missing(table: str, names: list[str]) -> ValidationError:
    line: Any = [{"type": "missing", "loc": (table, name), "input": {}} for name in names]
    return ValidationError.from_exception_data("Style", line)


@lru_cache(maxsize=16)
def page_asset(name: str) -> str:
    """Text of one of the page assets (templates, scripts, styles)."""
    return (shipped_dir("maps") / name).read_text(encoding="utf-8")
