"""Layer definitions: what every layer holds, read from ``layers/NAME.toml``.

Nothing in the code names one particular asset layer: adding a layer is adding a file. A workspace's own file
of the same name takes the place of the shipped one.
"""

from __future__ import annotations

import re
from collections.abc import Iterator, Mapping
from dataclasses import dataclass
from functools import cached_property
from pathlib import Path
from typing import Literal, Self

from pydantic import BaseModel, ConfigDict, ValidationError, field_validator, model_validator
from pydantic import Field as Spec

from gridsvc.codes import LEVELS, normalise
from gridsvc.errors import DefinitionError, NotFoundError
from gridsvc.settings import Workspace, explain, read_toml, shipped_dir
from gridsvc.text import Text

FieldType = Literal["text", "integer", "number", "boolean", "date"]
Role = Literal["unit", "zone", "road", "asset", "place", "table"]
GeometryType = Literal["Point", "LineString", "Polygon", "MultiPoint", "MultiLineString", "MultiPolygon"]

NAME = re.compile(r"^[a-z][a-z0-9_]{0,39}$")
# columns that the store itself keeps for every layer
RESERVED = {
    *("fid", "key", "geometry", "version", "hash", "load_in", "load_out", "source_row", "rowid", "context"),
}


class _Model(BaseModel):
    model_config = ConfigDict(frozen=True, extra="forbid")


class Value(_Model):
    """One allowed value of a field, its labels, and other spellings under which it arrives."""

    value: str
    zh: str
    en: str
    aliases: tuple[str, ...] = ()

    @property
    def title(self) -> Text:
        """The labels as a :class:`Text`."""
        return Text(en=self.en, zh=self.zh)

    @cached_property
    def spellings(self) -> frozenset[str]:
        """Every spelling that means this value, folded for comparison."""
        return frozenset(fold(text) for text in (self.value, self.zh, self.en, *self.aliases))


class Field(_Model):
    """One column of a layer."""

    type: FieldType
    title: Text
    unit: str = ""
    required: bool = False
    graded: bool = False
    """Figures rest on it: it has no default, a missing value is unknown."""
    default: str | int | float | bool | None = None
    values: tuple[Value, ...] = ()
    aliases: tuple[str, ...] = ()
    minimum: float | None = None
    maximum: float | None = None
    personal: bool = False
    """Concerns a person (phone): left out of open interfaces unless the setting allows it."""

    @model_validator(mode="after")
    def _consistent(self) -> Self:
        if self.graded and self.default is not None:
            raise ValueError("a graded field has no default: a missing value is unknown")
        if self.values and self.type != "text":
            raise ValueError("allowed values belong to text fields")
        if self.minimum is not None and self.maximum is not None and self.minimum > self.maximum:
            raise ValueError(f"minimum {self.minimum} is above maximum {self.maximum}")
        return self

    @cached_property
    def value_of(self) -> dict[str, str]:
        """From folded spelling to value, for fields with allowed values."""
        return {spelling: value.value for value in self.values for spelling in value.spellings}


class Layer(_Model):
    """One layer: a named set of features with one schema."""

    name: str
    title: Text
    role: Role
    level: Literal["county", "district", "community", "grid"] | None = None
    geometry: tuple[GeometryType, ...] = ()
    """Types accepted; a Multi type is also accepted where its single type stands, and the other way round."""
    key: tuple[str, ...]
    category: str = ""
    """GB/T 30428.2 category code, where known."""
    observed: str = ""
    """The field whose state observations report (lamps: ``state``)."""
    observed_on: str = ""
    """The field with the date at which the state delivered with the feature was seen."""
    same_place: float = Spec(default=0.5, ge=0)
    """Metres. Two features whose shapes differ by no more stand twice; 0 lets them. Half a metre is the finest
    class of positions in GB/T 30428.2."""
    side_width: dict[str, float] = Spec(default_factory=dict)
    """Roads: metres, by class, for roads without a width of their own."""
    no_walking: tuple[str, ...] = ()
    """Roads: classes along which nobody walks."""
    fields: dict[str, Field]

    @field_validator("fields")
    @classmethod
    def _names(cls, fields: dict[str, Field]) -> dict[str, Field]:
        bad = [name for name in fields if not NAME.match(name) or name in RESERVED]
        if bad:
            raise ValueError(f"field names must be lower-case words and not reserved: {', '.join(bad)}")
        return fields

    @model_validator(mode="after")
    def _consistent(self) -> Self:
        faults = [f"key: no field {name!r}" for name in self.key if name not in self.fields]
        faults += [
            f"{attribute}: no field {name!r}"
            for attribute in ("observed", "observed_on")
            if (name := getattr(self, attribute)) and name not in self.fields
        ]
        if not self.key:
            faults.append("key: at least one field")
        if not NAME.match(self.name):
            faults.append(f"name: {self.name!r} must be a lower-case word")
        if (self.role == "table") != (not self.geometry):
            faults.append("geometry: every layer but a table has geometry types, a table has none")
        if (self.role == "unit") != (self.level is not None):
            faults.append("level: units, and only units, name their level")
        if faults:
            raise ValueError("; ".join(faults))
        return self

    @property
    def dimensions(self) -> frozenset[int]:
        """Which of 0 points, 1 lines, 2 polygons the layer holds; empty for a table."""
        kinds = ("Point", "LineString", "Polygon")
        return frozenset(kinds.index(kind.removeprefix("Multi")) for kind in self.geometry)

    @property
    def takes_context(self) -> bool:
        """True where features of neighbouring counties can be loaded beside the county's own."""
        return self.role in ("road", "asset", "place")

    @property
    def multi(self) -> bool:
        """True where features may have several parts."""
        return any(kind.startswith("Multi") for kind in self.geometry)


def fold(text: str) -> str:
    """A spelling folded for comparison: full-width to plain, lower case, blanks and separators out."""
    return re.sub(r"[\s_\-·（）()\[\]【】:：.]+", "", normalise(text).lower())


@dataclass(frozen=True)
class Layers(Mapping[str, Layer]):
    """All layers of a workspace, by name, in the order in which they are best loaded."""

    by_name: dict[str, Layer]

    def __getitem__(self, name: str) -> Layer:
        """The layer called *name*; an unknown one is refused with the names there are."""
        try:
            return self.by_name[name]
        except KeyError:
            raise NotFoundError(
                f"there is no layer {name!r}; the layers are: {', '.join(self.by_name)}",
                f"没有图层 {name!r}；现有图层：{'、'.join(self.by_name)}",
            ) from None

    def __contains__(self, name: object) -> bool:
        """True when a layer is called *name*."""
        return name in self.by_name

    def __iter__(self) -> Iterator[str]:
        """Names in loading order."""
        return iter(self.by_name)

    def __len__(self) -> int:
        """Number of layers."""
        return len(self.by_name)

    def of_role(self, role: Role) -> list[Layer]:
        """Layers of one role."""
        return [layer for layer in self.by_name.values() if layer.role == role]

    @cached_property
    def units(self) -> dict[str, Layer]:
        """The four boundary layers by level, county first."""
        found = {str(layer.level): layer for layer in self.of_role("unit")}
        return {level: found[level] for level in LEVELS}

    @cached_property
    def roads(self) -> Layer:
        """The road layer."""
        return self.of_role("road")[0]

    @cached_property
    def zones(self) -> Layer:
        """The zone layer."""
        return self.of_role("zone")[0]


ORDER: tuple[Role, ...] = ("unit", "zone", "road", "asset", "place", "table")


def read_layer(path: Path) -> Layer:
    """Read one definition; its name is the file's."""
    raw = read_toml(path)
    try:
        return Layer.model_validate({"name": path.stem, **raw})
    except ValidationError as error:
        raise explain(path, error) from error


def load_layers(workspace: Workspace | None = None) -> Layers:
    """All layers: the shipped ones, overridden and extended by the workspace's own files."""
    folders = [shipped_dir("layers")] + ([workspace.layers_dir] if workspace else [])
    paths = {path.stem: path for folder in folders for path in sorted(folder.glob("*.toml"))}
    paths.pop("indicators", None)
    layers = [read_layer(path) for path in paths.values()]
    layers.sort(
        key=lambda layer: (ORDER.index(layer.role), LEVELS.index(layer.level or "county"), layer.name)
    )
    _require_one(layers, folders[-1])
    return Layers({layer.name: layer for layer in layers})


def _require_one(layers: list[Layer], folder: Path) -> None:
    """Each level, the zones and the roads are one layer."""
    kinds = [str(layer.level or layer.role) for layer in layers]
    for kind in (*LEVELS, "zone", "road"):
        if kinds.count(kind) != 1:
            raise DefinitionError(
                f"{folder}: exactly one layer must define {kind}, found {kinds.count(kind)}",
                f"{folder}：{kind} 必须恰好由一个图层定义，现有 {kinds.count(kind)} 个",
            )
