"""``gridsvc compute`` and ``coverage``: figures."""

from __future__ import annotations

import datetime as dt
from collections.abc import Iterator
from contextlib import contextmanager
from typing import Annotated

import typer
from rich.console import Console

from gridsvc.cli.figure_rows import SORTS, described, ordered, show_figures, with_headings, with_shapes
from gridsvc.cli.following import follow as follow_store
from gridsvc.cli.output import FormatOption, Listing, OutOption, deliver, plain_records
from gridsvc.cli.publishing import publish
from gridsvc.cli.session import DONE, Session, command
from gridsvc.coverage.engine import compute as compute_run
from gridsvc.coverage.figures import Figures
from gridsvc.coverage.indicators import load_indicators
from gridsvc.errors import NotFoundError, UsageError
from gridsvc.store import Store
from gridsvc.text import bilingual

COMPUTING = bilingual("Computing", "计算")
NEXT = bilingual("next: gridsvc map --all draws the pages anew", "下一步：gridsvc map --all 重新生成页面")
OUTDATED = bilingual(
    "the definitions of indicators have changed since; figures are by those of then until gridsvc compute",
    "指标定义此后已修改；重新执行 gridsvc compute 之前，指标值仍按当时的定义",
)
AsOfOption = Annotated[
    str | None, typer.Option("--as-of", metavar="YYYY-MM-DD", help="Figures as they stood on this day.")
]
IndicatorOption = Annotated[
    str | None, typer.Option("--indicator", metavar="ID", help="This indicator only.")
]
UnitOption = Annotated[
    str | None, typer.Option("--unit", metavar="CODE", help="This unit, or the units in it.")
]
ChiefOption = Annotated[
    str | None, typer.Option("--chief", metavar="ID", help="The figures of this road chief.")
]
RunOption = Annotated[
    str | None,
    typer.Option("--run", metavar="RUN|LABEL", help="A run, by number or label; the newest when left out."),
]


def parse_day(text: str | None, option: str = "--as-of") -> dt.date | None:
    """A day as ``YYYY-MM-DD``."""
    try:
        return dt.date.fromisoformat(text) if text else None
    except ValueError:
        raise UsageError(
            f"{option} {text}: give a day as YYYY-MM-DD", f"{option} {text}：日期应写作 YYYY-MM-DD"
        ) from None


def choose_run(store: Store, run: str | None, day: dt.date | None) -> int | None:
    """The run asked for: by number or label, or the newest for a day (None: the newest of all)."""
    if run is not None:
        return store.named_run(run).id
    if day is None:
        return None
    found = [record.id for record in store.runs() if record.as_of == day.isoformat()]
    if not found:
        raise NotFoundError(
            f"nothing is computed as of {day}; run: gridsvc compute --as-of {day}",
            f"没有截至 {day} 的计算结果；请先执行：gridsvc compute --as-of {day}",
        )
    return found[-1]


@contextmanager
def open_figures(session: Session, run: str | None = None, as_of: str | None = None) -> Iterator[Figures]:
    """The figures of a run, in one state of the store."""
    day = parse_day(as_of)
    indicators = load_indicators(session.workspace, session.layers)
    with session.store() as store, store.snapshot():
        chosen = choose_run(store, run, day)
        figures = Figures.open(store, session.workspace, session.layers, indicators, chosen)
        if chosen is None and figures.run.definitions != indicators.digest:
            session.note(OUTDATED)
        yield figures


def register(app: typer.Typer) -> None:
    """Add the commands to *app*."""

    @command(app, "compute")
    def compute(
        session: Session,
        as_of: AsOfOption = None,
        threads: Annotated[
            int | None,
            typer.Option(
                "--threads", metavar="N", min=0, max=256, help="Threads that compute; 0: one a core."
            ),
        ] = None,
        follow: Annotated[
            bool,
            typer.Option("--follow", help="Stay, and compute again whenever something was loaded."),
        ] = False,
    ) -> int:
        """Compute all indicators at all levels, as they stand today or stood on a day."""
        if follow:
            follow_store(session, parse_day(as_of), threads)
            return DONE
        day = parse_day(as_of) or dt.date.today()
        indicators = load_indicators(session.workspace, session.layers)
        with session.store(write=True) as store, session.progress() as progress:
            progress.step("compute", COMPUTING)
            run = compute_run(
                store, session.workspace, session.layers, indicators, day, progress.reach, threads
            )
            stored = bilingual(f"run {run.id}", f"计算批次 {run.id} ")
            code = publish(session, store, stored, progress)
        with open_figures(session, str(run.id)) as figures:
            rows = described(figures, figures.table(), session.lang)
        told = bilingual(f"run {run.id}, as of {run.as_of}", f"计算批次 {run.id}，截至 {run.as_of}")

        def show(out: Console) -> None:
            out.print(told(session.lang), highlight=False)
            show_figures(out, rows, figures, session.lang)
            out.print(NEXT(session.lang), highlight=False, soft_wrap=True)

        session.answer({"run": run.as_dict(), "figures": plain_records(rows)}, show)
        return code

    @command(app, "coverage")
    def coverage(
        session: Session,
        level: Annotated[
            str | None,
            typer.Option("--level", help="All units of a level: county, district, community, grid."),
        ] = None,
        unit: UnitOption = None,
        indicator: IndicatorOption = None,
        chief: ChiefOption = None,
        chiefs: Annotated[bool, typer.Option("--chiefs", help="The figures of every road chief.")] = False,
        roads: Annotated[bool, typer.Option("--roads", help="The figures of every road.")] = False,
        as_of: AsOfOption = None,
        run: RunOption = None,
        sort: Annotated[
            str | None,
            typer.Option("--sort", metavar="[-]COLUMN", help=f"By {', '.join(SORTS)}; - for falling."),
        ] = None,
        form: FormatOption = None,
        out: OutOption = None,
    ) -> None:
        """Print figures: value, grade and goal, with what stands above and below the line."""
        require_one_subject(level, unit, chief, chiefs=chiefs, roads=roads)
        with open_figures(session, run, as_of) as figures:
            require_chief(figures, chief)
            table = figures.table(level, unit, indicator, chief, roads, chiefs)
            rows = ordered(described(figures, table, session.lang), sort)
            listing = Listing(
                "coverage",
                lambda: {"run": figures.run.as_dict(), "figures": plain_records(rows)},
                lambda: with_headings(rows, session.lang),
                lambda: with_shapes(figures, rows, level),
                lambda console: show_figures(console, rows, figures, session.lang),
            )
            deliver(session, listing, form, out)


def require_chief(figures: Figures, chief: str | None) -> None:
    """A chief asked for by id is in the list of chiefs, or has figures in the run."""
    if chief is None or chief in set(figures.store.read("chiefs")["key"]):
        return
    if chief not in set(figures.table(chiefs=True)["subject"]):
        raise NotFoundError(f"there is no road chief {chief!r}", f"没有编号为 {chief!r} 的路长")


def require_one_subject(
    level: str | None, unit: str | None, chief: str | None, *, chiefs: bool, roads: bool
) -> None:
    """Units, chiefs and roads are asked for one at a time."""
    asked = [name for name, given in (("--chief", chief), ("--chiefs", chiefs), ("--roads", roads)) if given]
    units = [name for name, given in (("--level", level), ("--unit", unit)) if given]
    if len(asked) > 1 or (asked and units):
        both = [*asked, *units]
        raise UsageError(
            f"{both[0]} and {both[1]} cannot be asked for together", f"{both[0]} 与 {both[1]} 不能同时使用"
        )
