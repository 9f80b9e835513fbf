"""A chief's assets: symbols by state, and what pop-ups say of them."""

from __future__ import annotations

from collections.abc import Iterator
from dataclasses import dataclass
from functools import cached_property
from typing import TYPE_CHECKING, Any

import numpy as np
import numpy.typing as npt
import pandas as pd

from gridsvc.layers import Layer
from gridsvc.maps.model import Column, Group, Info
from gridsvc.maps.phrases import PHRASES
from gridsvc.maps.pixels import Geometries, point_of
from gridsvc.maps.words import ENGLISH_UNITS, number, same
from gridsvc.text import Text, bilingual

if TYPE_CHECKING:
    from gridsvc.maps.atlas import Atlas

Objects = npt.NDArray[np.object_]
Rows = npt.NDArray[np.intp]


@dataclass(frozen=True)
class AssetLayer:
    """The features of one asset layer, one row a feature."""

    layer: Layer
    frame: pd.DataFrame
    """The layer's fields, without geometry; the state as the figures took it."""
    geometry: Geometries
    """In pixels."""
    state_field: str
    """Field that holds the state; empty for layers without states."""
    personal: bool = True
    """Fields that concern persons may be shown."""

    @cached_property
    def rows(self) -> dict[str, int]:
        """Row by key."""
        return {key: row for row, key in enumerate(self.frame["key"])}

    @cached_property
    def states(self) -> Objects:
        """Values of the state field; empty where nobody has said."""
        return _filled(self.frame, self.state_field)

    @cached_property
    def names(self) -> Objects:
        """What a feature is called: its name, else its key."""
        names = _filled(self.frame, "name")
        return np.where(names == "", self.frame["key"].to_numpy(object), names)

    @cached_property
    def unsaid(self) -> Text:
        """Words for a state that nobody has said."""
        return PHRASES["unknown" if self.layer.observed == self.state_field else "no_state"]

    def columns(self, at: Rows) -> list[Column]:
        """What pop-ups say of the features *at*: the state first, then their other fields."""
        # the head of the pop-up is the name, or the key where there is none
        head = "name" if "name" in self.layer.fields else self.layer.key[0]
        others = [name for name in self.layer.fields if name not in (self.state_field, head)]
        names = [name for name in (self.state_field, *others) if name]
        part = self.frame.iloc[at]
        return [
            self._column(name, part[name])
            for name in names
            if (self.personal or not self.layer.fields[name].personal) and part[name].notna().any()
        ]

    def _column(self, name: str, values: pd.Series) -> Column:
        spec = self.layer.fields[name]
        if spec.values:
            place = {value.value: index for index, value in enumerate(spec.values)}
            labels = tuple(value.title for value in spec.values)
            nothing = None
            if name == self.state_field:
                labels, nothing = (*labels, self.unsaid), len(labels)
            return Column(spec.title, [place.get(v, nothing) for v in values], labels)
        if spec.type == "boolean":
            places = [None if pd.isna(v) else int(v) for v in values]
            return Column(spec.title, places, (bilingual("no", "否"), bilingual("yes", "是")))
        return Column(_with_unit(spec.title, spec.unit), _plain(values, spec.type))


def _filled(frame: pd.DataFrame, name: str) -> Objects:
    """A text column with "" for missing values and for a missing column."""
    if name not in frame:
        return np.full(len(frame), "", dtype=object)
    values: Objects = frame[name].astype(object).where(frame[name].notna(), "").to_numpy(object)
    return values


def _with_unit(title: Text, unit: str) -> Text:
    """A title with its unit of measurement; counting words (盏) are in the title already."""
    if not unit or unit in ENGLISH_UNITS:
        return title
    return bilingual(f"{title.en} ({unit})", f"{title.zh}（{unit}）")


def _plain(values: pd.Series, kind: str) -> list[Any]:
    if kind == "date":
        return [None if pd.isna(value) else value.date().isoformat() for value in values]
    if kind in ("integer", "number"):
        return [None if pd.isna(value) else f"{float(value):g}" for value in values]
    return [None if pd.isna(value) else str(value) for value in values]


def asset_groups(atlas: Atlas, chief_id: str) -> Iterator[Group]:
    """The chief's assets, one group a layer and state."""
    rows = atlas.assigned.get(chief_id, np.empty(0, dtype=np.intp))
    mine = atlas.assignments.iloc[rows]
    palette = 0
    for name, layer in atlas.assets.items():
        part = mine[mine["layer"] == name]
        part = part[part["asset_key"].isin(layer.rows)]
        if not len(part):
            continue
        at = np.asarray([layer.rows[key] for key in part["asset_key"]], dtype=np.intp)
        for state, title, members in _states(layer, at):
            yield _asset_group(atlas, layer, part.iloc[members], at[members], state, title, palette)
            palette += 1


def _states(layer: AssetLayer, at: Rows) -> Iterator[tuple[str, Text, Rows]]:
    """States in the order of their definition, the unknown one last: value, title, members of *at*."""
    values = layer.states[at]
    if not layer.state_field:
        yield "", layer.layer.title, np.arange(len(at))
        return
    known = layer.layer.fields[layer.state_field].values
    titles = {value.value: value.title for value in known} | {"": layer.unsaid}
    for state in [*titles, *sorted(set(values) - set(titles))]:
        members = np.flatnonzero(values == state)
        if len(members):
            title = titles.get(state, same(state))
            whole = bilingual(
                f"{layer.layer.title.en}: {title.en.lower()}", f"{layer.layer.title.zh}：{title.zh}"
            )
            yield state, whole, members


def _asset_group(
    atlas: Atlas, layer: AssetLayer, part: pd.DataFrame, at: Rows, state: str, title: Text, palette: int
) -> Group:
    style = atlas.style.assets.get(layer.layer.name)
    symbol = atlas.style.symbol(layer.layer.name, state if layer.state_field else None, palette)
    confirmed = [None if done else 0 for done in part["confirmed"].fillna(True)]
    columns = [
        *layer.columns(at),
        Column(PHRASES["at"], _places(atlas, part)),
        Column(PHRASES["unconfirmed"], confirmed, (bilingual("yes", "是"),)),
    ]
    teams = [atlas.team(str(chiefs).split()) for chiefs in part["chiefs"]]
    info = Info(
        layer.layer.title,
        [layer.names[row] for row in at],
        tuple(c for c in columns if any(value is not None for value in c.values)),
        teams,
    )
    return Group(
        f"asset-{layer.layer.name}-{palette}", "point", point_of(layer.geometry[at]),
        {**symbol.plain(), "size": style.size if style else 6.0}, title, "assets", hit=True, counted=True, info=info,
        from_zoom=symbol.from_zoom,
    )  # fmt: skip


def _places(atlas: Atlas, part: pd.DataFrame) -> list[Any]:
    """Road and metre of each asset."""
    names = atlas.roads["road_name"].to_numpy(object)
    places = []
    for key, at in zip(part["road_id"], part["at_m"], strict=True):
        row = atlas.road_rows.get(key)
        name = "" if row is None or pd.isna(names[row]) else str(names[row])
        span = atlas.span(key, at, at)
        metre = f"{number(span[0])} m" if span else ""
        places.append(f"{name} {metre}".strip() or None)
    return places
