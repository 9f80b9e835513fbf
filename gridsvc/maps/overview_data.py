"""One indicator over the whole county as data: units of each level, classed and drawn."""

from __future__ import annotations

from dataclasses import replace
from typing import Any

import numpy as np
import pandas as pd
import shapely

from gridsvc.codes import LEVEL_TITLES, LEVELS
from gridsvc.coverage.figures import REST
from gridsvc.coverage.indicators import Indicator
from gridsvc.maps.atlas import Atlas
from gridsvc.maps.cards import card, value_text
from gridsvc.maps.index_data import heading, headings
from gridsvc.maps.model import NOTHING, Band, Card, Group, LevelTable, OverviewPage
from gridsvc.maps.phrases import PHRASES
from gridsvc.maps.pixels import Bounds, Geometries, bounds_of, encode, grow, point_of, to_pixels
from gridsvc.maps.style import Style
from gridsvc.maps.words import same
from gridsvc.text import Text, bilingual

Floats = np.ndarray[Any, np.dtype[np.float64]]
# metres by which borders may differ from the units', by level: those of many units are seen from near
SIMPLE = {"county": 6.0, "district": 4.0, "community": 3.0, "grid": 2.0}
# vertices of a level that a page bears, and pixels at which borders are not simplified any further
VERTICES, FAR = 120_000, 400
# classes of values that bear no grades
CLASSES = 5


def overview_page(atlas: Atlas, indicator_id: str) -> OverviewPage:
    """The overview of one indicator; an unknown one is a :class:`~gridsvc.errors.NotFoundError`."""
    indicator = atlas.indicators[indicator_id]
    levels, groups = [], []
    # one county's figure is the page's headline
    for level in LEVELS[1:] if len(atlas.ground.units[LEVELS[0]].codes) == 1 else LEVELS:
        table, group = _level(atlas, indicator, level)
        if table.codes:
            levels.append(table)
            groups.append(group)
    view = _valued(levels, groups) or atlas.ground.bounds
    land = [group for group in atlas.ground.plain if group.kind == "land"]
    sheet = atlas.ground.sheet([*land, *groups, *_over(atlas)], view)
    return OverviewPage(
        atlas.stamp,
        heading(atlas, indicator_id),
        headings(atlas),
        NOTHING if indicator.goal is None else value_text(indicator.goal, indicator),
        same(f"{indicator.source} ({indicator.year})"),
        _zone(atlas, indicator),
        bool(indicator.allowed or indicator.minimum_denominator),
        levels,
        sheet,
    )


def _valued(levels: list[LevelTable], groups: list[Group]) -> Bounds | None:
    """Bounds of the smallest units that have a value: a figure of the town is looked at there."""
    if not levels:
        return None
    has = np.asarray([one.value is not None for one in levels[-1].cards], dtype=bool)
    shapes = groups[-1].geometry[has]
    bounds = bounds_of(shapes[~shapely.is_missing(shapes)])
    return None if bounds is None else grow(bounds, 0.04 * (bounds[2] - bounds[0]))


def _zone(atlas: Atlas, indicator: Indicator) -> Text:
    values = atlas.layers.zones.fields["kind"].values
    named = bilingual(indicator.zone, indicator.zone)
    return next((value.title for value in values if value.value == indicator.zone), named)


def _over(atlas: Atlas) -> list[Group]:
    """Main roads, places (water) and borders over the fills, in colours that leave them legible."""
    if "over" not in atlas.cache:
        places = {f"area-{layer.name}" for layer in atlas.layers.of_role("place")}
        places_first = [group for group in atlas.ground.plain if group.id in places]
        roads = [
            replace(group, kind="border", style={"stroke": "#4a5560", "width": 0.9})
            for group in atlas.ground.plain
            if group.kind == "road"
        ]
        borders = atlas.ground.borders(("county", "district", "community"))
        atlas.cache["over"] = [*places_first, *roads, *borders]
    over: list[Group] = atlas.cache["over"]
    return over


def _level(atlas: Atlas, indicator: Indicator, level: str) -> tuple[LevelTable, Group]:
    rows = atlas.level_figures(level, indicator.id)
    cards = [card(row, indicator, atlas.layers) for row in rows]
    codes = [str(row["subject"]) for row in rows]
    bands, classes = classed(atlas.style, indicator, cards)
    names = [_name(atlas, row) for row in rows]
    units = _units(atlas, level, codes)
    group = replace(
        units,
        labels={
            # many small units without data would only be a carpet of names
            "names": [
                f"{name.zh}\n{one.display}".strip() if one.display or level != LEVELS[-1] else ""
                for name, one in zip(names, cards, strict=True)
            ],
            "anchors": units.extra["anchors"], "size": 12, "room": 1.05,
        },
        extra={"styles": [band.style for band in bands], "classes": classes},
    )  # fmt: skip
    return LevelTable(level, LEVEL_TITLES[level], codes, names, cards, classes, bands, group.id), group


def _name(atlas: Atlas, row: dict[str, Any]) -> Text:
    code = str(row["subject"])
    if not code.endswith("*"):
        name = code if pd.isna(row["name"]) else str(row["name"])
        return bilingual(name, name)
    return REST.fill(name=atlas.unit_names.get(code[:-1], code[:-1]))


def classed(style: Style, indicator: Indicator, cards: list[Card]) -> tuple[list[Band], list[int]]:
    """Bands of the legend and the band of each figure: by grade where the indicator has bands, else by value."""
    bands = _graded(style, indicator) if indicator.bands else _sequence(style, indicator, cards)
    ungraded = Band(PHRASES["ungraded"], {"fill": "#cfd6db"})
    nothing = Band(PHRASES["no_data"], style.grade("none").plain())
    if indicator.bands:
        place = {band.grade: index for index, band in enumerate(bands)}
        classes = [len(bands) + 1 if one.value is None else place.get(one.grade, len(bands)) for one in cards]
    else:
        limits = _limits(cards, indicator)
        values = _shown(cards)
        found = np.searchsorted(limits, np.nan_to_num(values), side="right")
        classes = [int(c) for c in np.where(np.isnan(values), len(bands) + 1, found)]
    bands = [*bands, ungraded, nothing]
    # only bands that occur, but for the grades: those belong to the legend
    kept = [i for i, band in enumerate(bands) if band.grade or i in set(classes)]
    return [bands[i] for i in kept], [kept.index(c) for c in classes]


def _graded(style: Style, indicator: Indicator) -> list[Band]:
    a, b = value_text(indicator.bands["A"], indicator), value_text(indicator.bands["B"], indicator)
    up = indicator.direction == "up"
    words = {
        "A": _fill(PHRASES["at_least" if up else "at_most"], a, a),
        "B": _fill(PHRASES["between"], *((b, a) if up else (a, b))),
        "C": _fill(PHRASES["below" if up else "above"], b, b),
    }
    return [
        Band(
            bilingual(f"{grade}: {words[grade].en}", f"{grade} 级：{words[grade].zh}"),
            style.grade(grade).plain(),
            grade,
        )
        for grade in ("A", "B", "C")
    ]


def _fill(text: Text, low: Text, high: Text) -> Text:
    return bilingual(text.en.format(low=low.en, high=high.en), text.zh.format(low=low.zh, high=high.zh))


def _shown(cards: list[Card]) -> Floats:
    """Values as they are shown, so that none stands in a class that its display is outside of."""
    return np.asarray([np.nan if one.value is None else float(one.display) for one in cards], dtype=float)


def _limits(cards: list[Card], indicator: Indicator) -> Floats:
    """Values that part the classes: about as many units in each."""
    values = _shown(cards)
    values = values[~np.isnan(values)]
    if not len(values):
        return np.empty(0)
    limits = np.unique(np.quantile(values, np.arange(1, CLASSES) / CLASSES).round(indicator.digits))
    chosen: Floats = limits[limits > values.min()]
    return chosen


def _sequence(style: Style, indicator: Indicator, cards: list[Card]) -> list[Band]:
    limits = [value_text(float(limit), indicator) for limit in _limits(cards, indicator)]
    colours = style.sequence.colours
    steps = np.linspace(0, len(colours) - 1, len(limits) + 1).round().astype(int)
    titles = [
        _fill(PHRASES["below"], limits[0], limits[0]) if i == 0 and limits
        else _fill(PHRASES["at_least"], limits[-1], limits[-1]) if i == len(limits) and limits
        else _fill(PHRASES["between"], limits[i - 1], limits[i]) if limits
        else PHRASES["all"]
        for i in range(len(limits) + 1)
    ]  # fmt: skip
    return [Band(title, {"fill": colours[step]}) for title, step in zip(titles, steps, strict=True)]


def _units(atlas: Atlas, level: str, codes: list[str]) -> Group:
    """The units of a level in the order of *codes*; encoded once for all indicators."""
    key = f"units-{level}"
    if key not in atlas.cache:
        shapes = unit_shapes(atlas, level, SIMPLE[level])
        geometry = np.asarray([shapes.get(code) for code in codes], dtype=object)
        group = Group(key, "units", geometry, {}, LEVEL_TITLES[level], on=False, hit=True)
        group.encoded = encode(geometry, atlas.ground.origin).json()
        group.extra["anchors"] = point_of(geometry)
        atlas.cache[key] = group
    found: Group = atlas.cache[key]
    return found


def unit_shapes(atlas: Atlas, level: str, tolerance: float) -> dict[str, shapely.Geometry]:
    """Units of a level, and the remainders of higher ones, by subject; borders simplified together."""
    if atlas.figures is None:
        return {}
    units = atlas.ground.units[level]
    codes, shapes = [*units.codes], units.geometry
    cells = atlas.figures.cells
    higher = atlas.workspace.county.layout.lengths[level]
    rest = cells[cells["remainder"].astype(bool) & (cells["unit"].str.len() < higher)]
    for code, part in rest.groupby("unit"):
        codes.append(f"{code}*")
        merged = shapely.coverage_union_all(part.geometry.to_numpy(object))
        shapes = np.append(shapes, to_pixels(np.asarray([merged], dtype=object)))
    simple = _together(shapes, tolerance * atlas.ground.scale)
    return dict(zip(codes, simple, strict=True))


def _together(shapes: Geometries, tolerance: float) -> Geometries:
    """Polygons simplified so that common borders stay common; left as they are where they do not fit.

    Where units are many, the tolerance grows until they fit into a page.
    """
    if not len(shapes) or not shapely.coverage_is_valid(shapes):
        return shapes
    simple: Geometries = np.asarray(shapely.coverage_simplify(shapes, tolerance), dtype=object)
    while shapely.get_num_coordinates(simple).sum() > VERTICES and tolerance < FAR:
        tolerance *= 2
        simple = np.asarray(shapely.coverage_simplify(shapes, tolerance), dtype=object)
    return simple
