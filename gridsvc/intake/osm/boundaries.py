"""Administrative boundaries of an extract: which close, and which bear a code that the county's layout knows."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass

import numpy as np
import pyproj
import shapely

from gridsvc.codes import CodeLayout
from gridsvc.intake.delivery import Column, Delivery, LeftOut, Objects
from gridsvc.intake.osm.elements import Tagged, Tags
from gridsvc.intake.osm.features import WGS84, key_of, tag_columns
from gridsvc.intake.osm.shapes import Shapes
from gridsvc.intake.osm.tags import Boundaries
from gridsvc.intake.problems import Positions
from gridsvc.layers import Layer
from gridsvc.text import bilingual


@dataclass(frozen=True)
class LevelCount:
    """Boundaries of one ``admin_level``."""

    admin_level: str
    closed: int
    open: int
    """Not all of it is in the extract, or its rings do not close."""
    coded: int
    """Closed, and with a code of the level's length."""
    layer: str
    """Layer of units that this level is, or empty."""


@dataclass(frozen=True)
class Found:
    """Administrative boundaries among the tagged elements, by position."""

    chosen: Positions
    shapes: Objects
    closed: np.ndarray
    tagged: Tagged

    def of_level(self, admin_levels: set[str]) -> Positions:
        """Which of :attr:`chosen` have one of these levels."""
        levels = [self.tagged.tags[position].get("admin_level", "") for position in self.chosen.tolist()]
        return np.flatnonzero([level in admin_levels for level in levels])


def find_boundaries(shapes: Shapes, members: set[int]) -> Found:
    """Administrative boundaries: relations, and closed ways that are no part (*members*) of one."""
    tagged = shapes.tagged
    chosen = [
        position
        for position, tags in enumerate(tagged.tags)
        if tags.get("boundary") == "administrative"
        and (
            tagged.kinds[position] == "r"
            or (tagged.kinds[position] == "w" and "name" in tags and tagged.ids[position] not in members)
        )
    ]
    positions = np.array(chosen, dtype=np.intp)
    built = shapes.areas(positions)
    polygons = np.isin(shapely.get_type_id(built.shapes), (3, 6))
    # an open way is a border line, no unit's boundary
    units = polygons | (np.array([tagged.kinds[position] for position in chosen], dtype="U1") == "r")
    closed = polygons & ~built.incomplete
    return Found(positions[units], built.shapes[units], closed[units], tagged)


def code_of(tags: Tags, keys: tuple[str, ...], layout: CodeLayout, level: str) -> str | None:
    """The first tag among *keys* whose value is a code of this level; codes are never made up."""
    values = (tags.get(key, "").strip() for key in keys)
    return next((value for value in values if value and layout.level(value) == level), None)


def count_levels(
    found: Found,
    rules: Boundaries,
    layout: CodeLayout,
    units: Mapping[str, Layer],
    tags_of: Mapping[str, str],
) -> list[LevelCount]:
    """Closed, open and coded boundaries by ``admin_level``; *tags_of*: layer → tag that holds its codes."""
    levels = sorted(
        {found.tagged.tags[position].get("admin_level", "") for position in found.chosen.tolist()},
        key=lambda text: (len(text), text),
    )
    counts = []
    for admin_level in levels:
        here = found.of_level({admin_level})
        level = rules.levels.get(admin_level)
        layer = units[level].name if level else ""
        keys = _code_keys(rules, layer, tags_of)
        coded = [
            position
            for position in here[found.closed[here]].tolist()
            if level
            and code_of(found.tagged.tags[int(found.chosen[position])], keys, layout, level) is not None
        ]
        counts.append(
            LevelCount(
                admin_level,
                int(found.closed[here].sum()),
                int((~found.closed[here]).sum()),
                len(coded),
                layer,
            )
        )
    return counts


def _code_keys(rules: Boundaries, layer: str, tags_of: Mapping[str, str]) -> tuple[str, ...]:
    return (tags_of[layer],) if layer in tags_of else rules.code


def deliver_boundaries(
    name: str,
    layer: Layer,
    found: Found,
    rules: Boundaries,
    layout: CodeLayout,
    mapping: Mapping[str, str],
) -> Delivery | None:
    """Closed and coded boundaries of one level as a delivery, the others left out; None where there is none."""
    level = str(layer.level)
    here = found.of_level({number for number, which in rules.levels.items() if which == level})
    keys = _code_keys(rules, layer.name, {layer.name: mapping["code"]} if "code" in mapping else {})
    rows, codes, kept, left = [], [], [], []
    for number, position in enumerate(here.tolist(), 1):
        element = int(found.chosen[position])
        code = code_of(found.tagged.tags[element], keys, layout, level)
        if not found.closed[position]:
            left.append(LeftOut(number, f"does not close / 未闭合 {key_of(found.tagged, element)}"))
        elif code is None:
            left.append(LeftOut(number, f"no code / 无编码 {key_of(found.tagged, element)}"))
        else:
            rows.append(number)
            codes.append(code)
            kept.append(position)
    if not kept:
        return None
    tags = [found.tagged.tags[int(found.chosen[position])] for position in kept]
    names = [row.get("name") or row.get("name:zh") for row in tags]
    own = {field: tag for field, tag in mapping.items() if field != "code"}
    columns = {"code": Column.of_cells(lambda: codes), "name": Column.of_cells(lambda: names)}
    return Delivery(
        name,
        "osm",
        np.array(rows, dtype=np.int64),
        {field: column for field, column in columns.items() if field not in own} | tag_columns(own, tags),
        found.shapes[kept],
        crs=pyproj.CRS.from_epsg(4326),
        crs_note=WGS84,
        left_out=left,
        notes=[
            bilingual(
                f"{len(left)} boundaries were left out: they do not close in the extract, or bear no code",
                f"{len(left)} 个边界未入库：在数据范围内未闭合，或没有编码",
            )
        ]
        if left
        else [],
        made_of={"code": ", ".join(keys), "name": "name"},
    )
