"""A page's map as JSON for its script: geometry once for all languages, words in one language."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass, field
from typing import Any

import numpy as np
import shapely

from gridsvc.maps.folium_page import safe_json
from gridsvc.maps.model import Group, Info, Person, Sheet
from gridsvc.maps.phrases import PHRASES, SCRIPT_PHRASES, phrase
from gridsvc.maps.pixels import Bounds, encode, to_degrees
from gridsvc.maps.style import Style
from gridsvc.text import Lang


def shapes_json(sheet: Sheet) -> str:
    """The geometry of all groups, the same in every language, as safe JSON."""
    for group in sheet.groups:
        group.encoded = group.encoded or encode(group.geometry, sheet.origin).json()
    return "{" + ",".join(f"{safe_json(group.id)}:{group.encoded}" for group in sheet.groups) + "}"


def centre_of(sheet: Sheet) -> tuple[float, float]:
    """Longitude, latitude of the middle of the view."""
    west, north, east, south = sheet.view
    return to_degrees((west + east) / 2, (north + south) / 2)


@dataclass
class _Register:
    """People and teams of a page, each once."""

    lang: Lang
    people: dict[Person, int] = field(default_factory=dict)
    teams: dict[tuple[Person, ...], int] = field(default_factory=dict)

    def team(self, team: tuple[Person, ...]) -> int:
        for person in team:
            self.people.setdefault(person, len(self.people))
        return self.teams.setdefault(team, len(self.teams))

    def spec(self) -> dict[str, Any]:
        people = [
            {"n": person.name, "r": person.level(self.lang) or person.title, "p": person.phone}
            for person in self.people
        ]
        return {"people": people, "teams": [[self.people[p] for p in team] for team in self.teams]}


def page_json(sheet: Sheet, style: Style, lang: Lang, **more: Any) -> str:
    """Everything the page's script needs but the geometry, as safe JSON."""
    register = _Register(lang)
    origin = sheet.origin
    groups = [_group(group, lang, register, origin) for group in sheet.groups]
    spec = {
        "lang": lang,
        "words": {key: phrase(key, lang) for key in SCRIPT_PHRASES},
        "origin": [int(value) for value in origin],
        "view": _relative(sheet.view, origin),
        "limit": _relative(sheet.limit, origin),
        "ground": style.ground.model_dump(),
        "selection": style.selection.model_dump(),
        "groups": groups,
        **register.spec(),
        **more,
    }
    return safe_json(spec)


def _relative(bounds: Bounds, origin: tuple[float, float]) -> list[int]:
    return [round(value - origin[index % 2]) for index, value in enumerate(bounds)]


def _labels(labels: dict[str, Any], origin: tuple[float, float]) -> dict[str, Any]:
    """Labels with their anchors relative to the page's origin."""
    if "anchors" not in labels:
        return labels
    places = np.column_stack([shapely.get_x(labels["anchors"]), shapely.get_y(labels["anchors"])])
    near = np.where(np.isnan(places), 0, np.rint(places - origin)).astype(int)
    return {**labels, "anchors": near.tolist()}


def _group(group: Group, lang: Lang, register: _Register, origin: tuple[float, float]) -> dict[str, Any]:
    spec: dict[str, Any] = {
        "id": group.id,
        "kind": group.kind,
        "title": group.title(lang),
        "style": group.style,
        "on": group.on,
        "hit": group.hit,
        "fromZoom": group.from_zoom,
        **group.extra,
    }
    if group.labels:
        spec["labels"] = _labels(group.labels, origin)
    if group.info:
        spec["info"] = _info(group.info, lang, register)
    return spec


def _info(info: Info, lang: Lang, register: _Register) -> dict[str, Any]:
    columns = []
    for column in info.columns:
        spec: dict[str, Any] = {"t": column.title(lang), "v": column.values}
        if column.labels:
            spec["l"] = [label(lang) for label in column.labels]
        columns.append(spec)
    out: dict[str, Any] = {"title": info.title(lang), "heads": info.heads, "columns": columns}
    if info.teams:
        out["teams"] = [register.team(team) for team in info.teams]
    return out


SECTIONS = ("attention", "notes", "own", "gaps", "assets", "borders", "ground")
SECTION_TITLES = {
    "attention": "attention",
    "notes": "notes",
    "own": "",
    "gaps": "gaps",
    "assets": "assets",
    "borders": "borders",
    "ground": "ground",
}


def legend(groups: Sequence[Group], lang: Lang) -> list[dict[str, Any]]:
    """Sections of the legend; groups that bear one title are one entry. Later groups come first."""
    sections = []
    for section in SECTIONS:
        entries: dict[str, dict[str, Any]] = {}
        for group in groups:
            if group.section != section:
                continue
            title = group.title(lang)
            entry = entries.setdefault(
                title, {"title": title, "groups": [], "swatch": group.id, "on": group.on, "count": None}
            )
            entry["groups"].append(group.id)
            if group.kind != "label":
                entry["swatch"] = group.id
            if group.counted:
                entry["count"] = (entry["count"] or 0) + group.count
        if entries:
            named = SECTION_TITLES[section]
            title = PHRASES[named](lang) if named else ""
            for entry in entries.values():
                entry["count"] = None if entry["count"] is None else f"{entry['count']:,}"
            sections.append({"title": title, "entries": list(entries.values())})
    return sections
