"""``gridsvc site``: where new facilities would bring most of what is not near enough yet within the distance."""

from __future__ import annotations

import datetime as dt
from dataclasses import dataclass
from functools import cached_property
from typing import Annotated, Any

import geopandas as gpd
import numpy as np
import pandas as pd
import shapely
import typer
from rich.console import Console

from gridsvc.cli.figure_rows import goal_of
from gridsvc.cli.figures import AsOfOption, parse_day
from gridsvc.cli.output import FormatOption, Listing, OutOption, deliver, plain_records
from gridsvc.cli.session import Session, command
from gridsvc.cli.tables import Side, show_table
from gridsvc.coverage.amounts import quantities
from gridsvc.coverage.indicators import load_indicators
from gridsvc.coverage.proposals import JUNCTIONS, Proposal, Sums, propose, siting_indicator
from gridsvc.coverage.reach import near_of
from gridsvc.coverage.scene import Scene
from gridsvc.crs import transform
from gridsvc.layers import Layers
from gridsvc.maps import words
from gridsvc.partition.workers import Workers
from gridsvc.text import Text, bilingual

SITING = bilingual("Looking for places", "选址计算")
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
RIGHT = {"rank", "adds", "together", "lon", "lat"}
# left out in this order where a terminal is narrow
SPARE = (("unit",), ("together",), ("unit_name",))


def register(app: typer.Typer) -> None:
    """Add the command to *app*."""

    @command(app, "site")
    def site(
        session: Session,
        layer: Annotated[
            str, typer.Argument(metavar="LAYER", help="What is to be built: a layer, e.g. toilets.")
        ],
        add: Annotated[int, typer.Option("--add", metavar="N", min=1, max=1000, help="How many to build.")],
        indicator: Annotated[
            str | None,
            typer.Option("--indicator", metavar="ID", help="The figure to raise; one of residents first."),
        ] = None,
        distance: Annotated[
            float | None,
            typer.Option("--distance", metavar="M", min=1, max=100_000, help="Metres, not the figure's own."),
        ] = None,
        candidates: Annotated[
            str,
            typer.Option("--candidates", metavar="junctions|LAYER", help="Where something could be built."),
        ] = JUNCTIONS,
        unit: Annotated[
            str | None, typer.Option("--unit", metavar="CODE", help="Build inside this unit only.")
        ] = None,
        as_of: AsOfOption = None,
        form: FormatOption = None,
        out: OutOption = None,
    ) -> None:
        """Find where new facilities would serve most of those not served yet, existing ones counted."""
        day = parse_day(as_of) or dt.date.today()
        session.layers[layer], candidates == JUNCTIONS or session.layers[candidates]
        indicators = load_indicators(session.workspace, session.layers)
        one = siting_indicator(indicators, layer, indicator, distance)
        threads = session.workspace.county.threads
        with session.store() as store, session.progress() as progress, Workers(threads) as workers:
            progress.step("site", SITING)
            with store.snapshot():
                scene = Scene(store, session.workspace, session.layers, day, workers)
                found = propose(scene, one, add, candidates, unit or "", progress.reach)
                lonlat = store.crs
                shapes = transform(found.places.geometry.to_numpy(), scene.crs, lonlat)
        told = Told(found, session.layers, candidates, add, unit or "", session.lang, shapes, day)
        listing = Listing(
            "site",
            lambda: told.data,
            lambda: told.rows.rename(columns={name: title(session.lang) for name, title in HEADINGS.items()}),
            lambda: gpd.GeoDataFrame(told.rows, geometry=shapes, crs=lonlat),
            told.show,
        )
        deliver(session, listing, form, out)


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
        shown = [name for name in HEADINGS if name != "measure"]
        columns: list[tuple[str, Side]] = [
            (HEADINGS[name](self.lang), "right" if name in RIGHT else "whole" if name == "unit" else "left")
            for name in shown
        ]
        digits = 0 if (self.rows["adds"] % 1 == 0).all() else 1
        cells = [
            [
                f"{row[name]:,.{digits}f}" if name in ("adds", "together")
                else f"{row[name]:.6f}" if name in ("lon", "lat")
                else row[name]
                for name in shown
            ]
            for row in plain_records(self.rows)
        ]  # fmt: skip
        titles = {"adds", "together"}
        columns = [
            (
                f"{head} ({self._measure(self.lang)})"
                if name in titles and self._measure(self.lang)
                else head,
                side,
            )
            for name, (head, side) in zip(shown, columns, strict=True)
        ]
        spare = [
            [head for name, (head, _) in zip(shown, columns, strict=True) if name in group] for group in SPARE
        ]
        show_table(
            out, columns, cells, title=self.found.indicator.title(self.lang), spare=spare, lang=self.lang
        )
        for line in lines:
            out.print(line, highlight=False, markup=False, soft_wrap=True)

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
            goal, goal_zh = "", ""
            if new.met is not None:
                goal = f"; goal {goal_of(one)} {one.unit} {'met' if new.met else 'not met'}"
                goal_zh = f"；目标 {goal_of(one)} {one.unit}，{'已达标' if new.met else '未达标'}"
            who, who_zh = code or "overall", code or "总体"
            lines.append(
                bilingual(
                    f"{who}: {old.display} → {new.display} {one.unit} ({sides[0].en} → {sides[1].en} of {whole.en}){goal}",
                    f"{who_zh}：{old.display} → {new.display} {one.unit}（{sides[0].zh} → {sides[1].zh}，共 {whole.zh}）{goal_zh}",
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


FEATURES = bilingual("features", "个")
