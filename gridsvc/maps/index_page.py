"""The index of all chiefs as HTML."""

from __future__ import annotations

from collections import Counter
from functools import partial
from typing import Any

from gridsvc.maps.chief_page import other_language, say
from gridsvc.maps.folium_page import Page, markup
from gridsvc.maps.links import Links
from gridsvc.maps.model import ChiefRow, Heading, IndexPage
from gridsvc.maps.payload import centre_of, legend, page_json, shapes_json
from gridsvc.maps.phrases import phrase
from gridsvc.maps.style import Style
from gridsvc.maps.words import length
from gridsvc.text import Lang

# roads named in a row before it says how many more there are
NAMED = 3


def _roads(row: ChiefRow, lang: Lang) -> str:
    comma = "、" if lang == "zh" else ", "
    more = len(row.roads) - NAMED
    return comma.join(row.roads[:NAMED]) + (f" +{more}" if more > 0 else "")


def _row(row: ChiefRow, order: int, columns: list[Heading], lang: Lang, links: Links) -> dict[str, Any]:
    chief = row.chief
    cells = []
    for heading in columns:
        card = row.cards.get(heading.id)
        value = "" if card is None or card.value is None else repr(card.value)
        display = "" if card is None else card.display
        grade = "" if card is None else card.grade
        reason = "" if card is None else card.reason(lang)
        cells.append(
            {
                "value": value,
                "display": display,
                "grade": grade,
                "title": heading.title(lang),
                "reason": reason,
            }
        )
    post = " · ".join(part for part in (chief.level(lang), chief.title, chief.department) if part)
    text = " ".join([chief.name, chief.id, chief.title, chief.department, *row.roads])
    return {
        "name": chief.name,
        "href": links.to("chief", chief.id, lang) if chief.id else "",
        "vacant": chief.vacant,
        "new": row.new,
        "post": post,
        "order": f"{order:05d}",
        "text": f"{text} {phrase('vacant', lang)}" if chief.vacant else text,
        "roads": _roads(row, lang),
        "metres": round(row.metres),
        "length": length(row.metres)(lang) if row.metres else "",
        "worst": row.worst,
        # the worst first, and among them who has most figures of that grade
        "rank": _rank(row),
        "cells": cells,
    }


def _rank(row: ChiefRow) -> str:
    if not row.worst:
        return ""
    place = {"C": 0, "B": 1, "A": 2}[row.worst]
    return str(1000 * place - sum(card.grade == row.worst for card in row.cards.values()))


def index_html(page: IndexPage, style: Style, lang: Lang, links: Links, shapes: str | None = None) -> str:
    """The page; *shapes* is what :func:`~gridsvc.maps.payload.shapes_json` gave for another language."""
    links = links.on("index")
    other = other_language(page.stamp, lang)
    columns = [heading for heading in page.headings if heading.for_chiefs]
    # a table has room for few: the headline ones, where any are
    columns = [heading for heading in columns if heading.headline] or columns
    chiefs = next(group for group in page.sheet.groups if group.id == "chiefs")
    counts = Counter(chiefs.extra["classes"])
    bands = [
        {"group": "chiefs", "index": index, "title": band[lang], "count": counts[index]}
        for index, band in enumerate(chiefs.extra["styles"])
    ]
    sorts = [("chief", 0), ("roads", 1), ("grades", 2)]
    named = [(phrase(key, lang), column) for key, column in sorts]
    named += [(heading.title(lang), place) for place, heading in enumerate(columns, start=3)]
    titles = [{"title": phrase("sort_by", lang, what=what), "column": column} for what, column in named]
    people = [row for row in page.rows if row.chief.id]
    body = markup(
        "index.html",
        stamp=page.stamp,
        headings=page.headings,
        columns=columns,
        rows=[_row(row, place, columns, lang, links) for place, row in enumerate(page.rows)],
        people=len(people),
        vacant=sum(row.chief.vacant for row in page.rows),
        grades=sorted(Counter(row.worst for row in page.rows if row.worst).items()),
        bands=bands,
        sorts=titles,
        sections=legend(page.sheet.groups, lang),
        links=links,
        lang=lang,
        say=partial(say, lang),
        other=links.to("index", "", other) if other else "",
    )
    title = f"{phrase('chiefs_index', lang)} · {page.stamp.county(lang)}"
    data = {"page": page_json(page.sheet, style, lang), "shapes": shapes or shapes_json(page.sheet)}
    return Page("index", lang, title, body, centre_of(page.sheet), style, data).html()
