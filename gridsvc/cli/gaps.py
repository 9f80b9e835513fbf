"""``gridsvc gaps``: what keeps an indicator from its goal, worst first."""

from __future__ import annotations

from pathlib import Path
from typing import Annotated

import geopandas as gpd
import typer

from gridsvc.cli.figures import AsOfOption, ChiefOption, RunOption, UnitOption, open_figures, require_chief
from gridsvc.cli.gap_rows import described, headed, show_gaps
from gridsvc.cli.output import Format, FormatOption, Listing, choose_format, deliver, plain_records, written
from gridsvc.cli.session import Session, command
from gridsvc.cli.worklists import all_chiefs, all_units, subject_of, told, worklist, write_all
from gridsvc.coverage.figures import Figures
from gridsvc.errors import NotFoundError, UsageError
from gridsvc.export.worklist import write_worklist
from gridsvc.text import bilingual

ALL = bilingual("All indicators", "全部指标")
WRITING = bilingual("Worklists", "清单")


def register(app: typer.Typer) -> None:
    """Add the command to *app*."""

    @command(app, "gaps")
    def gaps(
        session: Session,
        indicator: Annotated[
            str | None,
            typer.Argument(
                metavar="[INDICATOR]", help="Id of the indicator, e.g. lit_road; all when left out."
            ),
        ] = None,
        unit: UnitOption = None,
        chief: ChiefOption = None,
        every_chief: Annotated[
            bool, typer.Option("--all-chiefs", help="A worklist for every road chief, into the folder -o.")
        ] = False,
        units_of: Annotated[
            str | None,
            typer.Option(
                "--all-units",
                metavar="LEVEL",
                help="A worklist for every unit of a level, into the folder -o.",
            ),
        ] = None,
        as_of: AsOfOption = None,
        run: RunOption = None,
        limit: Annotated[
            int, typer.Option("--limit", min=1, help="Rows to show at most on a terminal.")
        ] = 50,
        form: FormatOption = None,
        out: Annotated[
            Path | None,
            typer.Option(
                "--output", "-o", metavar="FILE", help="Write to this file; a folder for all worklists."
            ),
        ] = None,
    ) -> None:
        """List what keeps indicators from their goals, worst first: dark stretches, areas without green …"""
        one = [name for name, given in (("--unit", unit), ("--chief", chief)) if given is not None]
        many = [name for name, given in (("--all-chiefs", every_chief), ("--all-units", units_of)) if given]
        if many and (one or len(many) > 1):
            both = [*many, *one]
            raise UsageError(
                f"{both[0]} and {both[1]} cannot be asked for together",
                f"{both[0]} 与 {both[1]} 不能同时使用",
            )
        if many:
            _write_all(session, indicator, units_of, run, as_of, form, out, many[0])
            return
        with open_figures(session, run, as_of) as figures:
            require_chief(figures, chief)
            if unit is not None and unit not in set(figures.units["code"]):
                raise NotFoundError(f"there is no unit {unit!r}", f"没有单元 {unit!r}")
            if out is not None and choose_format(session, form, out) is Format.XLSX:
                subject = subject_of(figures, unit, chief, session.lang)
                write_worklist(worklist(figures, subject, indicator, session.lang), out)
                session.answer({"file": str(out), "format": Format.XLSX.value}, written(out))
                return
            listing = _listing(figures, session, indicator, unit, chief, limit)
            deliver(session, listing, form, out)


def _listing(
    figures: Figures,
    session: Session,
    indicator: str | None,
    unit: str | None,
    chief: str | None,
    limit: int,
) -> Listing:
    """The gaps in every form but a workbook."""
    one = None if indicator is None else figures.indicators[indicator]
    found = figures.gaps(indicator, unit, chief)
    rows = described(figures, found, session.lang)
    title = (ALL if one is None else one.title)(session.lang)
    about = {"indicator": indicator, "title": title, "run": figures.run.id}
    named = rows if one is None else rows.drop(columns="indicator")
    leave_out = () if one is None else ("indicator",)
    return Listing(
        "gaps",
        lambda: {**about, "count": len(rows), "gaps": plain_records(named)},
        lambda: headed(named, session.lang),
        lambda: gpd.GeoDataFrame(named, geometry=found.geometry.to_numpy(), crs=found.crs),
        lambda console: show_gaps(console, rows, limit, title, session.lang, leave_out),
    )


def _write_all(
    session: Session,
    indicator: str | None,
    level: str | None,
    run: int | None,
    as_of: str | None,
    form: Format | None,
    folder: Path | None,
    option: str,
) -> None:
    """A workbook for every chief, or for every unit of *level*."""
    if folder is None or form not in (None, Format.XLSX):
        raise UsageError(
            f"{option} writes workbooks into a folder: add -o FOLDER, and no other --format than xlsx",
            f"{option} 将工作簿写入文件夹：请加 -o 文件夹，--format 只能为 xlsx",
        )
    if folder.exists() and not folder.is_dir():
        raise UsageError(f"{folder} is a file, not a folder", f"{folder} 是文件，不是文件夹")
    with open_figures(session, run, as_of) as figures, session.progress() as progress:
        if indicator is not None:
            figures.indicators[indicator]
        subjects = all_chiefs(figures, session.lang) if level is None else all_units(figures, level)
        progress.step("worklists", WRITING, len(subjects))
        made = write_all(figures, subjects, indicator, folder, session.lang, progress.advance)
    session.answer({"folder": str(folder), "files": [path.name for path in made]}, told(made, folder))
