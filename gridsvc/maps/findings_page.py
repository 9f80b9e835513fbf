"""What a check found as a page: a map of it beside a list of it, each linked to the other."""

from __future__ import annotations

import datetime as dt
from dataclasses import dataclass, replace
from functools import partial
from typing import Any

import numpy as np
import numpy.typing as npt
import pandas as pd
import shapely

from gridsvc.checks import KINDS, SEVERITIES, Findings
from gridsvc.checks.kinds import Subject
from gridsvc.codes import LEVELS
from gridsvc.layers import Layers
from gridsvc.maps.chief_page import say
from gridsvc.maps.folium_page import Page, markup
from gridsvc.maps.ground import Ground
from gridsvc.maps.model import Group, Sheet, Stamp
from gridsvc.maps.payload import centre_of, legend, page_json, shapes_json
from gridsvc.maps.phrases import phrase
from gridsvc.maps.pixels import Geometries, bounds_of, grow, to_pixels
from gridsvc.maps.reader import Reader, stamp_of
from gridsvc.maps.style import Style, load_style
from gridsvc.store import Store
from gridsvc.store.loads import attributions
from gridsvc.text import Lang

Ints = npt.NDArray[np.int64]

LIMIT = 1_000
"""Findings of one kind and severity that a page bears; it says so when there are more."""
SHAPES: dict[Subject, str] = {
    "boundaries": "square",
    "roads": "triangle",
    "assets": "circle",
    "values": "hexagon",
    "duties": "diamond",
    "loads": "star",
}
# pixels by which outlines may differ from what was found, and vertices from which they may differ by more
FINE, COARSE, MANY = 0.5, 12.0, 400


@dataclass(frozen=True)
class Shown:
    """The findings on a page: as many of each kind as it bears."""

    frame: pd.DataFrame
    shapes: Geometries
    """In pixels; None without a place."""
    points: Geometries
    cut: list[tuple[str, int]]
    """Kinds that are not shown whole, and how many there are of each."""

    @classmethod
    def of(cls, findings: Findings) -> Shown:
        """The largest of each kind."""
        groups = findings.frame.groupby(["severity", "kind"], sort=False)
        kept = np.flatnonzero(groups.cumcount() < LIMIT)
        counts = groups.size()
        cut = [(str(kind), int(count)) for (_, kind), count in counts.items() if count > LIMIT]  # type: ignore[misc, has-type]
        frame = findings.frame.iloc[kept].reset_index(drop=True)
        known = frame["lon"].notna().to_numpy(bool)
        shapes, points = np.full((2, len(frame)), None, dtype=object)
        shapes[known] = _simple(to_pixels(findings.shapes[kept][known]))
        points[known] = to_pixels(shapely.points(frame.loc[known, ["lon", "lat"]].to_numpy(float)))
        return cls(frame, shapes, points, cut)


def _simple(shapes: Geometries) -> Geometries:
    """Outlines as fine as a page shows them."""
    many = shapely.get_num_coordinates(shapes) > MANY
    return np.asarray(shapely.simplify(shapes, np.where(many, COARSE, FINE)), dtype=object)


def render_findings(store: Store, layers: Layers, findings: Findings, day: dt.date, lang: Lang) -> str:
    """The page of *findings*, which are those of *day*, as HTML."""
    style = load_style(store.workspace)
    reader = Reader(store, store.workspace, layers, style, None)
    ground = reader.ground(reader.layer(layers.roads.name), None, day)
    loads = store.loads()
    stamp = replace(stamp_of(store.workspace, None, attributions(loads)), as_of=day.isoformat())
    shown = Shown.of(findings)
    groups, picks = finding_groups(shown, style)
    newest = (loads[-1].id, loads[-1].finished[:10]) if loads else None
    return _html(
        _sheet(ground, shown, groups),
        shown,
        picks,
        _Words(findings, stamp, newest, layers, store),
        style,
        lang,
    )


def _sheet(ground: Ground, shown: Shown, groups: list[Group]) -> Sheet:
    """The map: the ground in detail near the findings, borders as they were drawn, and the findings on top."""
    placed = shown.points[~shapely.is_missing(shown.points)]
    around = bounds_of(placed)
    under = ground.groups(placed)
    levels = tuple(LEVELS)
    borders = ground.borders(levels, exact=True)
    if sum(shapely.get_num_coordinates(group.geometry).sum() for group in borders) > 150_000:
        borders = ground.borders(levels)
    view = ground.bounds if around is None else grow(around, 40 * ground.scale)
    return ground.sheet([*under, *borders, *groups], view)


def finding_groups(shown: Shown, style: Style) -> tuple[list[Group], dict[str, list[int]]]:
    """Groups of the map, notes below what needs attention, and the finding of each of their features.

    Every kind has its marks; those that are areas or lines have these, too, below all marks.
    """
    frame, marks, extents, picks = shown.frame, [], [], {}
    kinds = frame[["severity", "kind"]].drop_duplicates().itertuples(index=False)
    for severity, kind in reversed([(str(row.severity), str(row.kind)) for row in kinds]):
        rows = np.flatnonzero(
            (frame["severity"] == severity) & (frame["kind"] == kind) & frame["lon"].notna()
        )
        if not len(rows):
            continue
        symbol = style.findings["attention" if severity == "attention" else "note"]
        section = "attention" if severity == "attention" else "notes"
        common: dict[str, Any] = {"title": KINDS[kind].title, "section": section, "hit": True}
        dimension = shapely.get_dimensions(shown.shapes[rows])
        for name, chosen, drawn, look in (
            (
                "area",
                dimension == 2,
                "area",
                {"fill": symbol.fill, "stroke": symbol.fill, "alpha": 0.55, "width": 1.6},
            ),
            ("line", dimension == 1, "border", {"stroke": symbol.fill, "width": 4}),
        ):
            if chosen.any():
                name = f"{name}-{severity}-{kind}"
                extents.append(Group(name, drawn, shown.shapes[rows[chosen]], look, **common))  # type: ignore[arg-type]
                picks[name] = rows[chosen].tolist()
        name = f"mark-{severity}-{kind}"
        look = {
            **symbol.plain(),
            "shape": SHAPES[KINDS[kind].subject],
            "size": 6.5 if severity == "attention" else 5,
        }
        marks.append(Group(name, "point", shown.points[rows], look, counted=True, **common))
        picks[name] = rows.tolist()
    return [*extents, *marks], picks


def _as_listed(groups: list[Group], kinds: list[str]) -> list[Group]:
    """Groups with those of findings in the order of the list, each kind's marks last: they stand for it."""
    place = {kind: number for number, kind in enumerate(kinds)}
    found = [group for group in groups if group.section in ("attention", "notes")]
    found.sort(key=lambda group: (place[group.id.split("-", 2)[2]], group.kind == "point"))
    return [*found, *(group for group in groups if group.section not in ("attention", "notes"))]


@dataclass(frozen=True)
class _Words:
    """What a page says beside the findings themselves."""

    findings: Findings
    stamp: Stamp
    newest: tuple[int, str] | None
    layers: Layers
    store: Store

    def units(self, frame: pd.DataFrame) -> list[tuple[str, str, int]]:
        """Districts and communities that findings lie in: code, name, depth."""
        layout = self.store.workspace.county.layout
        names = self.names
        lengths = [layout.lengths[level] for level in LEVELS[1:3]]
        found = {
            (code[:length], depth)
            for code in frame["unit"].unique()
            for depth, length in enumerate(lengths)
            if len(code) >= length
        }
        return [(code, names.get(code, code), depth) for code, depth in sorted(found)]

    @property
    def names(self) -> dict[str, str]:
        """Names of units by code."""
        frames = [self.store.read(layer.name) for layer in self.layers.units.values()]
        pairs = (pair for frame in frames for pair in zip(frame["code"], frame["name"], strict=True))
        return {code: name for code, name in pairs if name}


def _rows(shown: Shown, picks: dict[str, list[int]], names: dict[str, str], lang: Lang) -> list[list[Any]]:
    """One row a finding: severity, kind, sentence, unit's code and name, where it came from, group, index."""
    mark = {
        row: (name, place)
        for name, rows in picks.items()
        if name.startswith("mark-")
        for place, row in enumerate(rows)
    }
    columns = ("severity", "kind", f"text_{lang}", "unit")
    origins = ("source", "source_row", "other_source", "other_row")
    rows = zip(*(shown.frame[name] for name in columns), strict=True)
    files = zip(*(shown.frame[name] for name in origins), strict=True)
    return [
        [*row, names.get(row[-1], ""), _origin(lang, *file), *mark.get(number, ("", -1))]
        for number, (row, file) in enumerate(zip(rows, files, strict=True))
    ]


def _origin(lang: Lang, source: str, row: Any, other: str, other_row: Any) -> str:
    """The file and row of a feature, and of the second one, where there is one."""
    pairs = [(source, row), ("" if other == source else other, other_row)]
    said = [
        " ".join(filter(None, (file, "" if pd.isna(at) else phrase("row", lang, row=at))))
        for file, at in pairs
    ]
    return ", ".join(filter(None, said))


def _html(
    sheet: Sheet, shown: Shown, picks: dict[str, list[int]], words: _Words, style: Style, lang: Lang
) -> str:
    """Put the page together."""
    findings, stamp = words.findings, words.stamp
    counts = findings.counts()
    attention = findings.attention
    title = phrase("check", lang)
    limits = [
        phrase("page_limit", lang, title=KINDS[kind].title(lang), shown=f"{LIMIT:,}", total=f"{count:,}")
        for kind, count in shown.cut
    ]
    kinds = list(dict.fromkeys(counts["kind"]))
    body = markup(
        "findings.html",
        stamp=stamp,
        attention=attention,
        notes=len(findings.frame) - attention,
        newest=words.newest,
        kinds=[
            (kind, KINDS[kind].title(lang), int(counts.loc[counts["kind"] == kind, "count"].sum()))
            for kind in kinds
        ],
        units=words.units(shown.frame),
        limits=limits,
        sections=legend(_as_listed(sheet.groups, kinds), lang),
        lang=lang,
        say=partial(say, lang),
    )
    more = {
        "rows": _rows(shown, picks, words.names, lang),
        "kinds": {kind: KINDS[kind].title(lang) for kind in kinds},
        "severities": {name: text(lang) for name, text in SEVERITIES.items()},
        "picks": picks,
    }
    data = {"page": page_json(sheet, style, lang, **more), "shapes": shapes_json(sheet)}
    return Page(
        "findings", lang, f"{title} · {stamp.county(lang)}", body, centre_of(sheet), style, data
    ).html()
