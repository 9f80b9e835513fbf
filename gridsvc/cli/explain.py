"""``gridsvc explain``: a figure taken apart, so that it can be redone by hand."""

from __future__ import annotations

from typing import Annotated, Any

import geopandas as gpd
import pandas as pd
import typer
from rich.console import Console

from gridsvc.cli.explanations import definition, ending, headed, opening, sheets, sums, with_units
from gridsvc.cli.figures import AsOfOption, ChiefOption, RunOption, open_figures, require_chief
from gridsvc.cli.output import FormatOption, Listing, OutOption, deliver, plain_records
from gridsvc.cli.session import Session, command
from gridsvc.cli.tables import Side, show_table
from gridsvc.coverage.explain import Explanation, Subject, explain
from gridsvc.coverage.facts import EXACT
from gridsvc.coverage.tallies import SIDES
from gridsvc.errors import UsageError
from gridsvc.text import Text, bilingual

TITLES: dict[str, Text] = {
    "facts": bilingual("What it counts", "计入的对象"),
    "behind": bilingual("What makes it count", "计入的依据"),
    "exemptions": bilingual("Exemptions", "免考"),
    "sources": bilingual("Where the data comes from", "数据来源"),
    "sums": bilingual("Sums", "合计"),
}
RIGHT = {
    *SIDES,
    "from_m",
    "share",
    "listed",
    "stored",
    "amount",
    "to_m",
    "near_m",
    "within_m",
    "distance_m",
    "area_mm2",
    "load",
    "version",
    "current",
    "rows",
}
WHOLE = {"sha256", "loaded", "key", "cell", "side", "date_from", "date_to"}
# left out in this order where a terminal is narrow
SPARE = (("fields",), ("mode", "rows", "sha256"), ("layer",), ("name",), ("cell",))


def register(app: typer.Typer) -> None:
    """Add the command to *app*."""

    @command(app, "explain")
    def explain_figure(
        session: Session,
        indicator: Annotated[
            str, typer.Argument(metavar="INDICATOR", help="Id of the indicator, e.g. lit_road.")
        ],
        unit: Annotated[
            str | None,
            typer.Argument(metavar="UNIT", help="Code of a unit; with * what lies in none of its units."),
        ] = None,
        chief: ChiefOption = None,
        road: Annotated[
            str | None, typer.Option("--road", metavar="CODE", help="The figure of this road.")
        ] = None,
        as_of: AsOfOption = None,
        run: RunOption = None,
        limit: Annotated[
            int, typer.Option("--limit", min=1, help="Rows of each table to show at most on a terminal.")
        ] = 30,
        form: FormatOption = None,
        out: OutOption = None,
    ) -> int:
        """Take a figure apart: its definition, every piece and feature above and below the line, and their sums."""
        subject = _subject(unit, chief, road)
        with open_figures(session, run, as_of) as figures:
            require_chief(figures, chief)
            found = explain(figures, figures.indicators[indicator], subject)
            lang = session.lang
            listing = Listing(
                "explain",
                lambda: as_data(found, lang),
                lambda: headed(found.rows, found, lang),
                lambda: gpd.GeoDataFrame(found.rows, geometry=found.shapes().array),
                lambda console: show(console, found, limit, lang),
                lambda: sheets(found, lang),
            )
            deliver(session, listing, form, out)
        return 0 if found.adds_up else 1


def _subject(unit: str | None, chief: str | None, road: str | None) -> Subject:
    """Whose figure is asked for: exactly one."""
    asked = [
        Subject(kind, code)
        for kind, code in (("unit", unit), ("chief", chief), ("road", road))
        if code is not None
    ]
    if len(asked) != 1:
        raise UsageError(
            "whose figure? give one of: the code of a unit, --chief ID, --road CODE",
            "请指明一个对象：单元编码、--chief 编号 或 --road 编码",
        )
    return asked[0]


def as_data(found: Explanation, lang: str) -> dict[str, Any]:
    """Everything, for machines."""
    figure = found.figure
    return {
        "run": found.figures.run.as_dict(),
        "indicator": {name: value for name, _, value in definition(found, lang)},
        "subject_kind": found.subject.kind,
        "subject": found.subject.code,
        "name": figure["name"],
        "value": None if figure["value"] != figure["value"] else figure["value"],
        "display": figure["display"],
        "grade": figure["grade"] or None,
        "reason": figure[f"reason_{lang}"] or None,
        "sums": plain_records(sums(found)),
        "adds_up": found.adds_up,
        "changed": [text(lang) for text in (found.why or found.changed)],
        "facts": plain_records(found.rows),
        "behind": plain_records(found.behind),
        "exemptions": plain_records(found.exemptions),
        "sources": plain_records(found.sources),
    }


def show(out: Console, found: Explanation, limit: int, lang: str) -> None:
    """Print the definition, the facts of each grain with their sums, and what stands behind them."""

    def say(text: str) -> None:
        out.print(text, highlight=False, markup=False, soft_wrap=True)

    for line in opening(found, lang):
        say(line)
    say("")
    rows = found.rows.drop(columns=list(EXACT.values()))
    for _, group in rows.groupby(rows["layer"].fillna(""), sort=False):
        _table(out, group, found, "facts", limit, lang)
    _table(out, sums(found), found, "sums", limit, lang)
    for name in ("behind", "exemptions", "sources"):
        rows = getattr(found, name)
        if len(rows):
            _table(out, rows, found, name, limit, lang)
    for line in ending(found, lang):
        say(line)


def _table(out: Console, rows: pd.DataFrame, found: Explanation, title: str, limit: int, lang: str) -> None:
    """One table, its columns without values left out, its length told where it is cut."""
    held = [str(column) for column in rows if _says(rows[column], amounts=column in SIDES)]
    rows = rows[held]
    headings = [str(heading) for heading in headed(rows, found, lang).columns]
    titled = headed(rows.head(limit), found, lang).set_axis(held, axis="columns")
    columns: list[tuple[str, Side]] = [
        (heading, "right" if name in RIGHT else "whole" if name in WHOLE else "left")
        for name, heading in zip(held, headings, strict=True)
    ]
    cells = [[with_units(name, row[name], found) for name in held] for row in plain_records(titled)]
    named = dict(zip(held, headings, strict=True))
    spare = [[named[name] for name in group if name in named] for group in SPARE]
    show_table(out, columns, cells, title=TITLES[title](lang), spare=spare, lang=lang)
    if len(rows) > limit:
        more = bilingual(
            f"{limit} of {len(rows)}; --limit shows more, -o FILE.xlsx writes them all",
            f"共 {len(rows)} 行，显示 {limit} 行；--limit 可调，-o 文件.xlsx 可全部导出",
        )
        out.print(more(lang), highlight=False)


def _says(column: pd.Series, *, amounts: bool) -> bool:
    """Whether a column holds anything."""
    return bool((column.notna() & (column != (0 if amounts else ""))).any())
