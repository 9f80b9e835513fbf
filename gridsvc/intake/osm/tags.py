"""Which tags make a row of which layer, and what they say of its fields: rules out of ``tags.toml``."""

from __future__ import annotations

import re
from dataclasses import dataclass, field
from pathlib import Path
from typing import Literal

from pydantic import BaseModel, ConfigDict, Field, ValidationError

from gridsvc.intake.osm.elements import Tags
from gridsvc.settings import Workspace, explain, read_toml

Form = Literal["line", "area", "point", "any"]
Element = Literal["node", "way", "relation"]

ANY = "*"
OWN_TABLE = "osm_tags.toml"
"""A workspace's own rules, beside its ``county.toml``."""
KINDS: dict[str, Element] = {"n": "node", "w": "way", "r": "relation"}

_LENGTH = re.compile(r"(\d+(?:[.,]\d+)?)\s*(m|metres?|meters?|米|cm|km|ft|mi)?")
_FEET = re.compile(r"(\d+)'\s*(?:(\d+(?:\.\d+)?)\")?")
_METRES = {"cm": 0.01, "km": 1000.0, "ft": 0.3048, "mi": 1609.344}


class _Model(BaseModel):
    model_config = ConfigDict(frozen=True, extra="forbid", populate_by_name=True)


class Rule(_Model):
    """One way in which a tag says what a field holds."""

    tag: str
    values: dict[str, str] | None = None
    """Tag value → field value; other values say nothing."""
    as_: Literal["text", "metres", "count"] = Field(default="text", alias="as")
    unless: tuple[str, ...] = ()
    """The rule says nothing where one of these tags stands."""


class Mapping(_Model):
    """One layer's rules."""

    form: Form
    elements: tuple[Element, ...]
    select: dict[str, tuple[str, ...]]
    leave: dict[str, tuple[str, ...]] = Field(default_factory=dict)
    needs: tuple[str, ...] = ()
    fields: dict[str, tuple[Rule, ...]] = Field(default_factory=dict)

    def selected(self, tags: Tags) -> str | None:
        """The tag (``highway=primary``) that makes an element a row, or None."""
        return _matching(self.select, tags)

    def left(self, tags: Tags) -> str | None:
        """The tag for which a row is left out, or None."""
        return _matching(self.leave, tags)


class Boundaries(_Model):
    """How units stand in the map."""

    code: tuple[str, ...]
    levels: dict[str, Literal["county", "district", "community", "grid"]]
    """``admin_level`` → level."""


class Table(_Model):
    """All rules."""

    layers: dict[str, Mapping]
    boundaries: Boundaries

    @property
    def keys(self) -> frozenset[str]:
        """Tag keys of which one makes an element worth keeping."""
        return frozenset({"boundary"}.union(*(mapping.select for mapping in self.layers.values())))


def _matching(wanted: dict[str, tuple[str, ...]], tags: Tags) -> str | None:
    for key, values in wanted.items():
        value = tags.get(key)
        if value is not None and (value in values or (ANY in values and value != "no")):
            return f"{key}={value}"
    return None


def load_table(workspace: Workspace | None = None) -> Table:
    """The rules that ship with gridsvc, a workspace's own tables (``osm_tags.toml``) in the place of shipped ones.

    A broken table is a :class:`DefinitionError`.
    """
    path = Path(__file__).with_name("tags.toml")
    raw = read_toml(path)
    own = workspace.root / OWN_TABLE if workspace else None
    if own is not None and own.is_file():
        path, raw = own, {**raw, **read_toml(own)}
    boundaries = raw.pop("boundaries", {})
    try:
        return Table.model_validate({"layers": raw, "boundaries": boundaries})
    except ValidationError as error:
        raise explain(path, error) from error


@dataclass
class Reading:
    """One field as the tags have it: a text per row (None: nothing said), and what was not understood."""

    texts: list[str | None]
    tags: list[str]
    """Tags that said something, in the order of the rules."""
    lost: dict[int, str] = field(default_factory=dict)
    """Position → tag whose value should be a number and is none."""


def read_field(rules: tuple[Rule, ...], rows: list[Tags]) -> Reading:
    """What *rules* make of the tags of every row."""
    texts: list[str | None] = [None] * len(rows)
    used: set[str] = set()
    lost: dict[int, str] = {}
    for position, tags in enumerate(rows):
        for rule in rules:
            value = tags.get(rule.tag)
            if value is None or any(key in tags for key in rule.unless):
                continue
            text = _meaning(rule, value)
            if text is None:
                if rule.as_ != "text":
                    lost[position] = f"{rule.tag}={value}"
                continue
            lost.pop(position, None)
            texts[position] = text
            used.add(rule.tag)
            break
    return Reading(texts, [tag for tag in dict.fromkeys(rule.tag for rule in rules) if tag in used], lost)


def _meaning(rule: Rule, value: str) -> str | None:
    if rule.values is not None:
        return rule.values.get(value)
    if rule.as_ == "metres":
        return metres(value)
    if rule.as_ == "count":
        return value.strip() if re.fullmatch(r"\d{1,9}", value.strip(), re.ASCII) else None
    return value


def metres(text: str) -> str | None:
    """A length as tags have it (``3.5``, ``3.5 m``, ``12'6"``) in metres, None where it is none."""
    plain = text.strip().lower()
    if feet := _FEET.fullmatch(plain):
        return f"{(int(feet[1]) * 12 + float(feet[2] or 0)) * 0.0254:.4g}"
    found = _LENGTH.fullmatch(plain)
    if found is None:
        return None
    number = found[1].replace(",", ".")
    return number if (found[2] or "m") not in _METRES else f"{float(number) * _METRES[found[2]]:.6g}"
