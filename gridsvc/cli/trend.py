"""``gridsvc trend``: one figure through the runs."""

from __future__ import annotations

from typing import Annotated, Any

import pandas as pd
import typer
from rich.console import Console
from rich.text import Text as Styled

from gridsvc.cli.comparison_rows import COLOURS, VERDICTS
from gridsvc.cli.figure_rows import GRADES, goal_of
from gridsvc.cli.figure_rows import HEADINGS as FIGURES
from gridsvc.cli.figures import ChiefOption
from gridsvc.cli.output import FormatOption, Listing, OutOption, deliver, plain_records
from gridsvc.cli.publications import STATUS
from gridsvc.cli.session import Session, command
from gridsvc.cli.tables import NOTHING, Side, show_table
from gridsvc.coverage.explain import Subject
from gridsvc.coverage.indicators import Indicator, load_indicators
from gridsvc.coverage.trend import runs_of, series, sparkline
from gridsvc.errors import NotFoundError, UsageError
from gridsvc.store import Store
from gridsvc.text import Text, bilingual

HEADINGS: dict[str, Text] = {
    "run": bilingual("Run", "批次"),
    "number": bilingual("Number", "期号"),
    "label": bilingual("Label", "标签"),
    "status": bilingual("Status", "状态"),
    "as_of": bilingual("As of", "截至"),
    **{name: FIGURES[name] for name in ("display", "unit", "grade", "numerator", "denominator")},
    "change": bilingual("Difference", "较前期"),
    "verdict": bilingual("Change", "变化"),
    "note": FIGURES["reason"],
}
SHOWN: dict[str, Side] = {
    "run": "right", "number": "whole", "label": "whole", "status": "whole", "as_of": "whole", "display": "right",
    "grade": "left", "change": "right", "verdict": "left", "note": "left",
}  # fmt: skip


def register(app: typer.Typer) -> None:
    """Add the command to *app*."""

    @command(app, "trend")
    def trend(
        session: Session,
        indicator: Annotated[
            str, typer.Argument(metavar="INDICATOR", help="Id of the indicator, e.g. lit_road.")
        ],
        unit: Annotated[
            str | None, typer.Option("--unit", metavar="CODE", help="Of this unit; the county when left out.")
        ] = None,
        chief: ChiefOption = None,
        road: Annotated[
            str | None, typer.Option("--road", metavar="CODE", help="The figure of this road.")
        ] = None,
        published: Annotated[
            bool, typer.Option("--published", help="Published runs only; that is so where there are any.")
        ] = False,
        everything: Annotated[bool, typer.Option("--all", help="All runs, drafts too.")] = False,
        form: FormatOption = None,
        out: OutOption = None,
    ) -> None:
        """Show one figure through the runs, with what changed from each to the next."""
        if published and everything:
            raise UsageError(
                "--published and --all cannot be given together", "--published 与 --all 不能同时使用"
            )
        one = load_indicators(session.workspace, session.layers)[indicator]
        with session.store() as store, store.snapshot():
            subject = subject_of(store, unit, chief, road)
            chosen = runs_of(store.runs(), published=True if published else False if everything else None)
            rows = series(
                store, session.workspace, session.layers,
                load_indicators(session.workspace, session.layers), one.id, subject, chosen,
            )  # fmt: skip
        require_some(rows)
        rows = rows.assign(note=rows[f"note_{session.lang}"])
        about = {"indicator": one.id, "title": one.title(session.lang), "unit": one.unit, "goal": one.goal}
        about |= {"subject_kind": subject.kind, "subject": subject.code}
        listing = Listing(
            "trend",
            lambda: {**about, "points": plain_records(rows.drop(columns=["note_en", "note_zh"]))},
            lambda: rows[list(HEADINGS)].rename(
                columns={k: text(session.lang) for k, text in HEADINGS.items()}
            ),
            _no_shapes,
            lambda console: show(console, rows, one, subject, session.lang),
        )
        deliver(session, listing, form, out)


def subject_of(store: Store, unit: str | None, chief: str | None, road: str | None) -> Subject:
    """Whose figure is asked for: the county's where nobody is named."""
    asked = [Subject(kind, code) for kind, code in (("unit", unit), ("chief", chief), ("road", road)) if code]
    if len(asked) > 1:
        raise UsageError("give one of --unit, --chief and --road", "--unit、--chief、--road 只能指定一个")
    if asked:
        return asked[0]
    counties = store.read(
        next(layer.name for layer in store.layers.of_role("unit") if layer.level == "county")
    )
    if len(counties) != 1:
        codes = ", ".join(counties["code"])
        raise UsageError(
            f"there are several counties, name one: --unit CODE ({codes})",
            f"有多个县，请用 --unit 编码 指定其一（{codes}）",
        )
    return Subject("unit", str(counties["code"].iloc[0]))


def require_some(rows: pd.DataFrame) -> None:
    """Refuse an empty series."""
    if rows.empty:
        raise NotFoundError(
            "there is no run to show; gridsvc runs lists what there is, gridsvc compute makes one",
            "没有可显示的批次；gridsvc runs 列出现有批次，gridsvc compute 进行计算",
        )


def _no_shapes() -> pd.DataFrame:
    raise UsageError("a trend is written as table, csv, json or xlsx", "趋势可用 table、csv、json、xlsx 格式")


def show(out: Console, rows: pd.DataFrame, one: Indicator, subject: Subject, lang: str) -> None:
    """Print the series, with a line of bars above it."""
    name = next((text for text in rows["name"][::-1] if isinstance(text, str)), "")
    goal = f" · {FIGURES['goal'](lang)} {goal_of(one)}" if one.goal is not None else ""
    unit = "" if one.unit == "" else f" ({one.unit})"
    out.print(
        f"{one.title(lang)}{unit} · {name} {subject.code}{goal}",
        highlight=False,
        markup=False,
        soft_wrap=True,
    )
    if rows["value"].notna().sum() > 1:
        out.print(sparkline([float(value) for value in rows["value"].astype(float)]), highlight=False)
    columns = [
        (column, side) for column, side in SHOWN.items() if column != "note" or rows["note"].fillna("").any()
    ]
    cells = [_cells(row, one, lang) for row in rows.to_dict("records")]
    show_table(
        out,
        [(HEADINGS[column](lang), side) for column, side in columns],
        [[row[column] for column, _ in columns] for row in cells],
        spare=[[HEADINGS[column](lang)] for column in ("status", "run")],
        lang=lang,
    )


def _cells(row: dict[Any, Any], one: Indicator, lang: str) -> dict[str, object]:
    """One point as it is shown."""
    number, revision = row["number"], row["revision"]
    change = row["change"]
    grade = row["grade"] if isinstance(row["grade"], str) else ""
    shown = VERDICTS[row["verdict"]](lang) if row["verdict"] else ""
    return {
        "run": int(row["run"]),
        "number": f"{number}-r{int(revision)}" if number and revision > 1 else number,
        "label": row["label"],
        "status": STATUS[row["status"]](lang),
        "as_of": row["as_of"],
        "display": row["display"] if isinstance(row["display"], str) else NOTHING,
        "grade": Styled(grade or NOTHING, style=GRADES.get(grade, "")),
        "change": "" if change != change or change is None else f"{change:+.{one.digits}f}",
        "verdict": Styled(shown or NOTHING, style=COLOURS.get(row["verdict"], "")),
        "note": row["note"] if isinstance(row["note"], str) else "",
    }
