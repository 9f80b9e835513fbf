"""A road chief's page as HTML."""

from __future__ import annotations

import re
from collections import Counter
from functools import partial
from typing import Any

from gridsvc.maps.folium_page import Page, markup
from gridsvc.maps.links import Links
from gridsvc.maps.model import Card, ChiefPage, Person, Stamp, Stretch
from gridsvc.maps.payload import centre_of, legend, page_json, shapes_json
from gridsvc.maps.phrases import phrase
from gridsvc.maps.style import Style
from gridsvc.maps.words import length, percent
from gridsvc.text import Lang


def dial(phone: str) -> str:
    """A phone number as it is dialled: digits and the signs that telephones know."""
    return re.sub(r"[^\d+*#,]", "", phone)


def other_language(stamp: Stamp, lang: Lang) -> Lang | None:
    """The language a page can be switched to."""
    return next((other for other in stamp.languages if other != lang), None)


def chief_title(chief: Person, stamp: Stamp, lang: Lang) -> str:
    """Title of the page in the browser's tab."""
    name = chief.name or phrase("vacant", lang)
    return f"{name} · {phrase('chief_map', lang)} · {stamp.county(lang)}"


def grade_counts(cards: list[Card]) -> list[tuple[str, int]]:
    """How many figures have each grade, the best first."""
    counts = Counter(card.grade for card in cards if card.grade)
    return sorted(counts.items())


def gauge(card: Card) -> tuple[float | None, float | None]:
    """Width of a card's bar and place of its goal, 0–100; no bar where less is better or nothing is known."""
    if card.value is None or not card.bar:
        return None, None
    full = 100.0 if card.unit.en == "%" else 1.3 * max(card.goal_value or card.value, 1e-9)
    goal = None if card.goal_value is None else min(100.0, 100 * card.goal_value / full)
    return round(max(0.0, min(100.0, 100 * card.value / full)), 2), None if goal is None else round(goal, 2)


def card_view(card: Card, lang: Lang) -> dict[str, Any]:
    """A card for the template."""
    bar, goal_bar = gauge(card)
    known = "" if card.known_share is None else percent(card.known_share)
    return {**vars(card), "basis": card.basis, "bar": bar, "goal_bar": goal_bar, "known": known}


def _stretch_view(stretch: Stretch, lang: Lang) -> dict[str, Any]:
    about = [stretch.class_title(lang), stretch.code]
    if stretch.since:
        about.append(phrase("since", lang, date=stretch.since))
    team = [{"name": p.name, "role": p.level(lang) or p.title, "phone": p.phone} for p in stretch.team]
    return {
        "group": stretch.group,
        "index": stretch.index,
        "name": stretch.road or phrase("nameless", lang),
        "span": stretch.span(lang),
        "about": " · ".join(part for part in about if part),
        "length": length(stretch.metres)(lang),
        "team": team,
    }


def _gap_views(page: ChiefPage, lang: Lang) -> tuple[list[dict[str, Any]], list[dict[str, Any]]]:
    """Rows of the gap list in the order given, and the kinds to choose from."""
    titles = {card.indicator: card.title(lang) for card in page.cards}
    rows = [
        {
            "indicator": gap.indicator,
            "indicator_title": titles.get(gap.indicator, gap.indicator),
            "group": gap.group,
            "index": gap.index,
            "title": gap.title(lang) or phrase("nameless", lang),
            "place": gap.place(lang),
            "size": gap.size(lang),
        }
        for gap in page.gaps
    ]
    counts = Counter(gap.indicator for gap in page.gaps)
    groups = {gap.indicator: gap.group for gap in reversed(page.gaps)}
    kinds = [
        {"id": name, "title": titles.get(name, name), "count": counts[name], "group": groups[name]}
        for name in [*(card.indicator for card in page.cards), *sorted(set(counts) - set(titles))]
        if name in counts
    ]
    return rows, kinds


def chief_html(page: ChiefPage, style: Style, lang: Lang, links: Links, shapes: str | None = None) -> str:
    """The page; *shapes* is what :func:`~gridsvc.maps.payload.shapes_json` gave for another language."""
    links = links.on("chief")
    other = other_language(page.stamp, lang)
    gap_rows, gap_kinds = _gap_views(page, lang)
    body = markup(
        "chief.html",
        **vars(page)
        | {
            "cards": [card_view(card, lang) for card in page.cards],
            "stretches": [_stretch_view(stretch, lang) for stretch in page.stretches],
        },
        lang=lang,
        say=partial(say, lang),
        dial=dial,
        home=links.to("index", "", lang),
        other=links.to("chief", page.chief.id, other) if other else "",
        length=length(page.metres)(lang),
        grades=grade_counts(page.cards),
        gap_rows=gap_rows,
        gap_kinds=gap_kinds,
        sections=legend(page.sheet.groups, lang),
        save_name=f"{page.chief.id}-{page.stamp.as_of}.csv",
    )
    return Page(
        "chief",
        lang,
        chief_title(page.chief, page.stamp, lang),
        body,
        centre_of(page.sheet),
        style,
        {"page": page_json(page.sheet, style, lang), "shapes": shapes or shapes_json(page.sheet)},
    ).html()


def say(lang: Lang, key: str, **values: object) -> str:
    """A phrase for templates."""
    return phrase(key, lang, **values)
