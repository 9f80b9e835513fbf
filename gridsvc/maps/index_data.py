"""The index of all chiefs as data."""

from __future__ import annotations

import numpy as np
import pandas as pd
import shapely

from gridsvc.coverage.indicators import GROUPS
from gridsvc.maps.atlas import Atlas
from gridsvc.maps.cards import card
from gridsvc.maps.chief_data import chief_cards
from gridsvc.maps.chief_roads import since_when
from gridsvc.maps.model import ChiefRow, Group, Heading, IndexPage, Person
from gridsvc.maps.phrases import PHRASES
from gridsvc.maps.pixels import bounds_of, grow
from gridsvc.maps.words import unit

# metres by which the lines of the index may differ from the roads
SIMPLE = 3.0
GRADES = ("A", "B", "C", "")


def index_page(atlas: Atlas) -> IndexPage:
    """Every chief with roads and figures, posts without anybody at the end, and the county's own figures."""
    rows = [_row(atlas, chief) for chief in atlas.chiefs]
    shapes = [_lines(atlas, chief) for chief in atlas.chiefs]
    for row, shape in _unheld(atlas):
        rows.append(row)
        shapes.append(shape)
    chiefs = _chief_lines(atlas, rows, shapes)
    groups = [
        *atlas.ground.plain,
        *atlas.ground.borders(("county", "district")),
        chiefs,
    ]
    view = bounds_of(chiefs.geometry[~shapely.is_empty(chiefs.geometry)]) or atlas.ground.bounds
    sheet = atlas.ground.sheet(groups, grow(view, 100 * atlas.ground.scale))
    return IndexPage(atlas.stamp, rows, headings(atlas), sheet)


def headings(atlas: Atlas) -> list[Heading]:
    """All indicators that are computed, with the county's figure, group by group."""
    return [heading(atlas, one.id) for one in atlas.counted]


def heading(atlas: Atlas, indicator_id: str) -> Heading:
    """One indicator with the county's figure."""
    if "headings" not in atlas.cache:
        # of several counties in one workspace none stands for all
        alone = len({row["subject"] for row in atlas.county_figures}) == 1
        county = {row["indicator"]: row for row in atlas.county_figures} if alone else {}
        asked = {row["indicator"] for rows in atlas.chief_figures.values() for row in rows}
        atlas.cache["headings"] = {
            one.id: Heading(
                one.id,
                one.title,
                one.definition,
                unit(one.unit),
                card(county[one.id], one, atlas.layers) if one.id in county else None,
                one.id in asked,
                GROUPS[one.group],
                one.headline,
            )
            for one in atlas.indicators.values()
        }
    found: Heading = atlas.cache["headings"][indicator_id]
    return found


def _row(atlas: Atlas, chief_id: str) -> ChiefRow:
    rows = atlas.holders.get(chief_id, np.empty(0, dtype=np.intp))
    part = atlas.stretches.iloc[rows]
    cards = {one.indicator: one for one in chief_cards(atlas, chief_id)}
    since, _ = since_when(atlas, chief_id, rows)
    person = atlas.people[chief_id]
    new = bool(since) and not person.vacant
    return ChiefRow(person, _road_names(atlas, part), float(part["metres"].sum()), cards, new)


def _road_names(atlas: Atlas, part: pd.DataFrame) -> tuple[str, ...]:
    names = atlas.roads["road_name"].to_numpy(object)
    found = (names[atlas.road_rows[key]] for key in part["road_id"] if key in atlas.road_rows)
    return tuple(dict.fromkeys(str(name) for name in found if not pd.isna(name)))


def _lines(atlas: Atlas, chief_id: str) -> shapely.Geometry:
    rows = atlas.holders.get(chief_id, np.empty(0, dtype=np.intp))
    return _joined(atlas, atlas.stretches.iloc[rows])


def _joined(atlas: Atlas, part: pd.DataFrame) -> shapely.Geometry:
    lines = shapely.multilinestrings(shapely.get_parts(part["shape"].to_numpy(object)))
    return shapely.simplify(shapely.line_merge(lines), SIMPLE * atlas.ground.scale)


def _unheld(atlas: Atlas) -> list[tuple[ChiefRow, shapely.Geometry]]:
    """Stretches whose duty names nobody, one row a road."""
    free = atlas.stretches[atlas.stretches["holder"].fillna("") == ""]
    found = []
    for _, part in free.groupby("road_id", sort=True):
        row = ChiefRow(Person("", ""), _road_names(atlas, part), float(part["metres"].sum()), {})
        found.append((row, _joined(atlas, part)))
    return found


def _chief_lines(atlas: Atlas, rows: list[ChiefRow], shapes: list[shapely.Geometry]) -> Group:
    """All chiefs' roads in one group, classed by the worst grade; feature and row of the table are one index."""
    styles = []
    for grade in GRADES:
        style = atlas.style.grade(grade)
        title = PHRASES[f"chiefs_of_{grade}" if grade else "chiefs_ungraded"]
        dash = {"A": [], "B": [14, 5], "C": [5, 4]}.get(grade, [])
        fill = style.fill if grade else "#7d8894"
        styles.append({"fill": fill, "dash": dash, "en": title.en, "zh": title.zh})
    classes = [GRADES.index(row.worst) for row in rows]
    geometry = np.asarray(shapes, dtype=object)
    return Group(
        "chiefs", "lines", geometry, {"width": 4.5, "casing": "#ffffff"}, PHRASES["chief_grades"],
        hit=True, extra={"styles": styles, "classes": classes},
    )  # fmt: skip
