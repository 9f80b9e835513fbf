"""The overview of one indicator as HTML."""

from __future__ import annotations

from functools import partial
from typing import Any

from gridsvc.maps.chief_page import other_language, say
from gridsvc.maps.folium_page import Page, markup
from gridsvc.maps.links import Links
from gridsvc.maps.model import Card, LevelTable, OverviewPage
from gridsvc.maps.payload import centre_of, legend, page_json, shapes_json
from gridsvc.maps.phrases import phrase
from gridsvc.maps.style import Style
from gridsvc.maps.words import percent
from gridsvc.text import Lang


def _unit(code: str, name: str, card: Card, lang: Lang) -> dict[str, Any]:
    basis = card.basis(lang) or phrase("no_value", lang)
    known = card.known_share
    return {
        "code": code.removesuffix("*"),
        "name": name,
        "value": card.value,
        "display": card.display,
        "grade": card.grade,
        "basis": basis,
        "known": "" if known is None else phrase("known", lang, share=percent(known)),
    }


def _level(table: LevelTable, lang: Lang) -> dict[str, Any]:
    rows = zip(table.codes, table.names, table.cards, strict=True)
    return {
        "level": table.level,
        "group": table.group,
        "bands": [band.title(lang) for band in table.bands],
        "units": [_unit(code, name(lang), card, lang) for code, name, card in rows],
    }


def overview_html(
    page: OverviewPage, style: Style, lang: Lang, links: Links, shapes: str | None = None
) -> str:
    """The page; *shapes* is what :func:`~gridsvc.maps.payload.shapes_json` gave for another language."""
    links = links.on("overview")
    other = other_language(page.stamp, lang)
    county = page.heading.county
    known = county.known_share if county else None
    body = markup(
        "overview.html",
        stamp=page.stamp,
        heading=page.heading,
        headings=page.headings,
        levels=page.levels,
        goal=page.goal,
        source=page.source,
        zone=page.zone,
        small_numbers=page.small_numbers,
        known="" if known is None else percent(known),
        sections=legend(page.sheet.groups, lang),
        links=links,
        lang=lang,
        say=partial(say, lang),
        home=links.to("index", "", lang),
        other=links.to("overview", page.heading.id, other) if other else "",
    )
    levels = [_level(table, lang) for table in page.levels]
    data = {
        "page": page_json(page.sheet, style, lang, levels=levels, unit=page.heading.unit(lang)),
        "shapes": shapes or shapes_json(page.sheet),
    }
    title = f"{page.heading.title(lang)} · {page.stamp.county(lang)}"
    return Page("overview", lang, title, body, centre_of(page.sheet), style, data).html()
