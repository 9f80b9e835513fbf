"""A chief's gaps: what keeps the figures from their goals, as a list and on the map."""

from __future__ import annotations

from typing import Any

import numpy as np
import pandas as pd

from gridsvc.coverage.gap_age import taken_over
from gridsvc.maps import words
from gridsvc.maps.assets import AssetLayer
from gridsvc.maps.atlas import Atlas
from gridsvc.maps.cards import quantities, quantity
from gridsvc.maps.model import NOTHING, Column, Gap, Group, Info
from gridsvc.maps.phrases import PHRASES
from gridsvc.maps.pixels import point_of
from gridsvc.maps.words import number, same
from gridsvc.text import Text, bilingual


def chief_gaps(atlas: Atlas, chief_id: str) -> tuple[list[Gap], list[Group]]:
    """The chief's gaps, worst first within each indicator, and the groups that draw them.

    Areas are nobody's gap: they lie in units, not on a chief's roads.
    """
    table = atlas.gaps.iloc[atlas.gaps_of.get(chief_id, np.empty(0, dtype=np.intp))]
    gaps: list[Gap] = []
    groups: list[Group] = []
    names = [name for name in atlas.indicators if (table["indicator"] == name).any()]
    for place, name in enumerate(names):
        of_indicator = table[table["indicator"] == name]
        for kind in ("stretch", "end", "feature"):
            part = of_indicator[of_indicator["kind"] == kind].sort_values(
                "size", ascending=False, kind="stable"
            )
            if len(part):
                group, found = _gap_group(atlas, name, kind, part, place, chief_id)
                groups.append(group)
                gaps += found
    return gaps, groups


def _gap_group(
    atlas: Atlas, name: str, kind: str, part: pd.DataFrame, place: int, chief_id: str
) -> tuple[Group, list[Gap]]:
    indicator = atlas.indicators[name]
    style = atlas.style.gap(place)
    # a stretch is measured as such, whatever the indicator counts
    what = quantities(indicator, atlas.layers)[0] if kind == "feature" else ("length", NOTHING)
    group_id = f"gap-{place}-{kind}"
    found = []
    for index, row in enumerate(part.to_dict("records")):
        title, where = _gap_words(atlas, kind, row)
        where = _aged(where, row, chief_id)
        size = quantity(float(row["size"]), what)
        found.append(Gap(name, kind, title, where, size, float(row["size"]), group_id, index))  # type: ignore[arg-type]
    shapes = part["shape"].to_numpy(object)
    drawn = {
        "stretch": ("gap", shapes, style.plain()),
    }.get(kind, ("point", point_of(shapes), {"ring": style.colour, "size": 5}))
    columns = (
        Column(PHRASES["kind"], list(range(len(found))), tuple(gap.place for gap in found)),
        Column(PHRASES["size"], list(range(len(found))), tuple(gap.size for gap in found)),
    )
    teams = [atlas.team(str(chiefs).split()) for chiefs in part["chiefs"]]
    info = Info(indicator.title, [gap.title.zh or PHRASES["nameless"].zh for gap in found], columns, teams)
    group = Group(
        group_id, drawn[0], drawn[1], drawn[2], indicator.title, "gaps",  # type: ignore[arg-type]
        hit=kind == "stretch", counted=True, info=info, extra={"indicator": name},
    )  # fmt: skip
    return group, found


def _gap_words(atlas: Atlas, kind: str, row: dict[Any, Any]) -> tuple[Text, Text]:
    """Where a gap is, and what it is more exactly."""
    road = "" if pd.isna(row["road_name"]) else str(row["road_name"])
    if kind == "stretch":
        span = atlas.span(row["road_id"], row["from_m"], row["to_m"])
        return same(road), NOTHING if span is None else words.spans([span])
    if kind == "end":
        span = atlas.span(row["road_id"], row["from_m"], row["from_m"])
        if span is None:
            return same(road), NOTHING
        return same(road), bilingual(f"at {number(span[0])} m", f"{number(span[0])} 米处")
    layer = atlas.assets.get(str(row["layer"]))
    at = layer.rows.get(str(row["feature_key"])) if layer else None
    if layer is None or at is None:
        return same(str(row["feature_key"])), same(road)
    state = _state_title(layer, layer.states[at])
    title = bilingual(
        f"{layer.layer.title.en} {layer.names[at]}", f"{layer.layer.title.zh} {layer.names[at]}"
    )
    parts = [text for text in (state, same(road)) if text.zh]
    return title, bilingual(" · ".join(t.en for t in parts), " · ".join(t.zh for t in parts))


def _aged(where: Text, row: dict[Any, Any], chief_id: str) -> Text:
    """*where*, and that the gap is older than the chief's duty, since when."""
    if not taken_over(row, chief_id):
        return where
    day = f"{row['since']:%Y-%m-%d}"
    told = bilingual(f"before office, since {day}", f"接任前（{day}起）")
    return bilingual(
        " · ".join(filter(None, (where.en, told.en))), " · ".join(filter(None, (where.zh, told.zh)))
    )


def _state_title(layer: AssetLayer, state: str) -> Text:
    if not layer.state_field:
        return NOTHING
    titles = {value.value: value.title for value in layer.layer.fields[layer.state_field].values}
    return titles.get(state, same(state))
