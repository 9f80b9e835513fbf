"""A proposal of new places in words and rows."""

from __future__ import annotations

import datetime as dt
from dataclasses import dataclass
from functools import cached_property
from typing import Any

import numpy as np
import pandas as pd
import shapely
from rich.console import Console

from gridsvc.cli.figure_rows import goal_of
from gridsvc.cli.output import plain_records
from gridsvc.cli.tables import Side, show_table
from gridsvc.coverage.amounts import quantities
from gridsvc.coverage.proposals import Proposal, Sums
from gridsvc.coverage.reach import near_of
from gridsvc.layers import Layers
from gridsvc.maps import words
from gridsvc.text import Text, bilingual

FEATURES = bilingual("features", "个")
HEADINGS: dict[str, Text] = {
    "rank": bilingual("No.", "序号"),
    "adds": bilingual("Adds", "新增"),
    "together": bilingual("Together", "累计"),
    "measure": bilingual("Unit", "单位"),
    "road": bilingual("At road", "所在道路"),
    "unit": bilingual("Unit code", "单元编码"),
    "unit_name": bilingual("Belongs to", "所属单元"),
    "lon": bilingual("Longitude", "经度"),
    "lat": bilingual("Latitude", "纬度"),
}
SIDES: dict[str, Side] = {
    **dict.fromkeys(("rank", "adds", "together", "lon", "lat"), "right"),
    "unit": "whole",
}
# left out in this order where a terminal is narrow
SPARE = (("unit",), ("together",), ("unit_name",))


@dataclass(frozen=True)
class Told:
    """A proposal in words and rows."""

    found: Proposal
    layers: Layers
    candidates: str
    asked: int
    unit: str
    lang: str
    shapes: Any
    """Points of the places in longitude and latitude."""
    day: dt.date
    distance: float | None
    """Metres that took the place of the figure's own."""

    @property
    def per_whole(self) -> float:
        """Base units per whole amount."""
        return quantities(self.found.indicator)[0]

    @cached_property
    def rows(self) -> pd.DataFrame:
        """Places, the best first."""
        places = self.found.places
        adds = places["adds"].to_numpy(np.int64)
        return pd.DataFrame(
            {
                "rank": np.arange(1, len(places) + 1),
                "adds": adds * self.per_whole,
                "together": np.cumsum(adds) * self.per_whole,
                "measure": self._measure(self.lang),
                "road": places["road"],
                "unit": places["unit"],
                "unit_name": places["unit_name"],
                "lon": shapely.get_x(self.shapes),
                "lat": shapely.get_y(self.shapes),
            }
        )

    @property
    def _measure(self) -> Text:
        """What amounts are in."""
        one = self.found.indicator
        if one.kind == "feature_near":
            weight = one.features.weight
            return words.unit(self.layers[one.features.layer].fields[weight].unit) if weight else FEATURES
        return words.same("m" if one.kind == "length_near" else "m²")

    def amount(self, whole: int) -> Text:
        """A whole amount in words."""
        if self.found.indicator.kind == "feature_near":
            return words.count(whole * self.per_whole, self._measure)
        return self.plain(whole)

    def plain(self, whole: int) -> Text:
        """The same without what is counted: a number of residents, but metres."""
        value = whole * self.per_whole
        if self.found.indicator.kind == "feature_near":
            return words.count(value)
        return (words.length if self.found.indicator.kind == "length_near" else words.area)(value)

    @property
    def data(self) -> dict[str, Any]:
        """What JSON holds."""
        found, one = self.found, self.found.indicator
        near, sites = near_of(one), found.sites
        return {
            "indicator": one.id,
            "title": one.title(self.lang),
            "as_of": self.day.isoformat(),
            "layer": near.layer,
            "distance": near.distance,
            "way": near.way,
            "asked": self.asked,
            "candidates": {"from": self.candidates, "unit": self.unit or None, "count": found.candidates},
            "figures": [
                {"unit": code or None, "before": self._sums(found.before[code]), "after": self._sums(sums)}
                for code, sums in found.after.items()
            ],
            "goal": one.goal,
            "measure": self._measure(self.lang),
            "lacking": found.lacking * self.per_whole,
            "beyond_every_candidate": found.alone * self.per_whole,
            "exact": sites.exact,
            "of_best_percent": self._of_best,
            "spacing": found.spacing,
            "places": plain_records(self.rows),
        }

    def _sums(self, sums: Sums) -> dict[str, Any]:
        graded = sums.graded(self.found.indicator)
        return {
            "value": None if graded.value is None else float(graded.value),
            "display": graded.display,
            "grade": graded.grade,
            "met": graded.met,
            "numerator": sums.numerator * self.per_whole,
            "denominator": sums.denominator * self.per_whole,
            "unknown": sums.unknown * self.per_whole,
        }

    @property
    def _of_best(self) -> float:
        """At least this share of what the best choice would reach, percent, rounded down."""
        sites = self.found.sites
        return sites.reached * 1000 // sites.best / 10 if sites.best else 100.0

    def show(self, out: Console) -> None:
        """Print the places and what they come to."""
        lines = [line(self.lang) for line in self._lines()]
        if self.found.places.empty:
            out.print(lines[0], highlight=False, markup=False, soft_wrap=True)
            return
        heads = {name: self._heading(name) for name in HEADINGS if name != "measure"}
        columns = [(head, SIDES.get(name, "left")) for name, head in heads.items()]
        digits = 0 if (self.rows["adds"] % 1 == 0).all() else 1
        forms = {"adds": f",.{digits}f", "together": f",.{digits}f", "lon": ".6f", "lat": ".6f"}
        cells = [
            [format(row[name], forms.get(name, "")) for name in heads] for row in plain_records(self.rows)
        ]
        spare = [[heads[name] for name in group] for group in SPARE]
        show_table(out, columns, cells, title=self._title, spare=spare, lang=self.lang)
        for line in lines:
            out.print(line, highlight=False, markup=False, soft_wrap=True)

    @property
    def _title(self) -> str:
        """The figure, and the distance that took the place of its own."""
        title = self.found.indicator.title(self.lang)
        return f"{title} · {words.length(self.distance)(self.lang)}" if self.distance else title

    def _heading(self, name: str) -> str:
        """The name of a column, with what its amounts are in."""
        measure = self._measure(self.lang) if name in ("adds", "together") else ""
        return HEADINGS[name](self.lang) + (f" ({measure})" if measure else "")

    def _lines(self) -> list[Text]:
        """What the places come to, one sentence a line."""
        found, one = self.found, self.found.indicator
        if not found.lacking:
            return [
                bilingual(
                    f"{one.title.en}: nothing is left to serve, no new place is needed",
                    f"{one.title.zh}：已全部覆盖，无需新增",
                )
            ]
        if found.places.empty:
            lacking = self.amount(found.lacking)
            return [
                bilingual(
                    f"{one.title.en}: {lacking.en} not served, but none of the {found.candidates:,} candidates is "
                    "within the distance of any",
                    f"{one.title.zh}：尚有 {lacking.zh} 未覆盖，但 {found.candidates:,} 个候选点均不在服务距离内",
                )
            ]
        return [*self._changes(), self._quality(), *self._left_out()]

    def _changes(self) -> list[Text]:
        """The figure before and after, of everything and of the unit."""
        lines = []
        for code, after in self.found.after.items():
            one, before = self.found.indicator, self.found.before[code]
            old, new = before.graded(one), after.graded(one)
            sides = [self.plain(sums.numerator) for sums in (before, after)]
            whole = self.amount(after.denominator)
            change = f"{old.display} → {new.display} {one.unit}"
            goal = bilingual("", "")
            if new.met is not None:
                asked = f"{goal_of(one)} {one.unit}"
                goal = bilingual(
                    f"; goal {asked} {'met' if new.met else 'not met'}",
                    f"；目标 {asked}，{'已达标' if new.met else '未达标'}",
                )
            lines.append(
                bilingual(
                    f"{code or 'overall'}: {change} ({sides[0].en} → {sides[1].en} of {whole.en}){goal.en}",
                    f"{code or '总体'}：{change}（{sides[0].zh} → {sides[1].zh}，共 {whole.zh}）{goal.zh}",
                )
            )
        return lines

    def _quality(self) -> Text:
        """How good the choice is."""
        found = self.found
        count, many = len(found.places), f"{found.candidates:,}"
        on = on_zh = ""
        if found.spacing is not None:
            on = f", judged by points {found.spacing:.0f} m apart"
            on_zh = f"（按间距 {found.spacing:.0f} 米的样点判断）"
        if found.sites.exact:
            return bilingual(
                f"no other {count} of the {many} candidates serve more{on}",
                f"在 {many} 个候选点中，没有其他 {count} 处能覆盖更多{on_zh}",
            )
        return bilingual(
            f"at least {self._of_best} % of what the best {count} of the {many} candidates could add{on}",
            f"在 {many} 个候选点中，至少达到最优 {count} 处新增量的 {self._of_best}%{on_zh}",
        )

    def _left_out(self) -> list[Text]:
        """Whom no candidate reaches, and places that would add nothing."""
        lines = []
        if self.found.alone:
            alone = self.amount(self.found.alone)
            lines.append(
                bilingual(
                    f"{alone.en} beyond the distance of every candidate",
                    f"{alone.zh} 距任何候选点都超出服务距离",
                )
            )
        few = len(self.found.places)
        if few < self.asked:
            lines.append(
                bilingual(
                    f"{few} of {self.asked}: more would add nothing",
                    f"仅列 {few} 处（要求 {self.asked} 处）：再增加也不会提高覆盖",
                )
            )
        return lines
