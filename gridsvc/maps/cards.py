"""Figures as cards: values, goals and quantities in words."""

from __future__ import annotations

import math
from collections.abc import Mapping
from functools import lru_cache
from typing import Any

import pandas as pd

from gridsvc.coverage.clauses import Select
from gridsvc.coverage.indicators import REPORTED, Indicator
from gridsvc.layers import Layers
from gridsvc.maps import words
from gridsvc.maps.model import NOTHING, Card
from gridsvc.text import Text, bilingual

Quantity = tuple[str, Text]
"""What a number counts: ``length``, ``area``, ``count`` (and its unit), or ``value``: nothing that is counted."""


def _counted(select: Select | None, layers: Layers) -> Quantity:
    if select is None or select.layer not in layers:
        return "count", NOTHING
    if not select.weight:
        return "count", NOTHING
    return "count", words.unit(layers[select.layer].fields[select.weight].unit)


def quantities(indicator: Indicator, layers: Layers) -> tuple[Quantity, Quantity]:
    """What numerator and denominator of *indicator* count."""
    if indicator.of_length:
        what = "area" if indicator.features.weight else "length"
        return (what, NOTHING), (what, NOTHING)
    if indicator.kind.startswith("area_"):
        return ("area", NOTHING), ("area", NOTHING)
    if indicator.kind == REPORTED:
        return ("value", NOTHING), ("value", NOTHING)
    counted = _counted(indicator.of, layers)
    if indicator.kind != "density":
        return counted, counted
    measured: Quantity = counted if indicator.measure == "count" else (indicator.measure, NOTHING)
    per: dict[str, Quantity] = {"area": ("area", NOTHING), "length": ("length", NOTHING)}
    return measured, per.get(indicator.per) or _counted(indicator.per_of, layers)


def quantity(amount: float, what: Quantity) -> Text:
    """An amount in words."""
    if what[0] == "value":
        return NOTHING
    if math.isnan(amount):
        return bilingual("—", "—")
    if what[0] == "length":
        return words.length(amount)
    return words.area(amount) if what[0] == "area" else words.count(amount, what[1])


def value_text(value: float, indicator: Indicator) -> Text:
    """A goal or bound of *indicator* with its unit."""
    return _with_unit(value, indicator.unit)


@lru_cache(maxsize=1024)
def _with_unit(value: float, symbol: str) -> Text:
    # never rounded: a bound of 99.95 is not 100
    text, unit = words.number(value, 10), words.unit(symbol)
    if symbol == "%":
        return bilingual(f"{text}%", f"{text}%")
    return bilingual(f"{text} {unit.en}", f"{text} {unit.zh}")


def shortfall(indicator: Indicator, numerator: float, denominator: float, what: Quantity) -> Text:
    """How much more (or, where less is better, how much less) numerator would reach the goal."""
    if indicator.goal is None or what[0] == "value" or math.isnan(numerator) or not denominator > 0:
        return NOTHING
    wanted = indicator.goal / indicator.factor * denominator
    missing = wanted - numerator if indicator.direction == "up" else numerator - wanted
    if missing <= 0:
        return NOTHING
    # a part of a lamp or a metre is still a lamp or a metre; the hair is for divisions that end a hair above
    amount = math.ceil(missing - 1e-6)
    return (
        bilingual(f"{amount:,}", f"{amount:,} 个") if what == ("count", NOTHING) else quantity(amount, what)
    )


def _known(share: Any) -> float | None:
    """The share observed, where some of it is not."""
    return None if pd.isna(share) or float(share) >= 1 else float(share)


def card(row: Mapping[str, Any], indicator: Indicator, layers: Layers, gaps: int = 0) -> Card:
    """One row of :meth:`gridsvc.coverage.figures.Figures.table` as a card."""
    value = None if pd.isna(row["value"]) else float(row["value"])
    met = None if pd.isna(row["met"]) else bool(row["met"])
    above = below = reason = missing = NOTHING
    if value is not None:
        what, per = quantities(indicator, layers)
        numerator, denominator = float(row["numerator"]), float(row["denominator"])
        # 214 / 222 盏, not 214 盏 / 222 盏
        above = quantity(numerator, ("count", NOTHING) if what == per and what[0] == "count" else what)
        below = quantity(denominator, per)
        missing = shortfall(indicator, numerator, denominator, what) if met is False else NOTHING
    # what too little is known of says its known share beside the value
    if value is None or not indicator.rated:
        reason = bilingual(str(row["reason_en"] or ""), str(row["reason_zh"] or ""))
    return Card(
        indicator=indicator.id,
        title=indicator.title,
        definition=indicator.definition,
        display=str(row["display"]) if value is not None else "",
        unit=words.unit(indicator.unit),
        value=value,
        grade=str(row["grade"] or ""),
        goal=NOTHING if indicator.goal is None else value_text(indicator.goal, indicator),
        goal_value=indicator.goal,
        met=met,
        numerator=above,
        denominator=below,
        known_share=_known(row["known_share"]),
        reason=reason,
        shortfall=missing,
        gaps=gaps,
        bar=indicator.direction == "up",
    )
