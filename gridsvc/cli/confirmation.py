"""``gridsvc confirm-data``: what departments sign before anybody is graded."""

from __future__ import annotations

import datetime as dt
from pathlib import Path
from typing import Annotated

import typer
from rich.console import Console
from rich.text import Text as Line

from gridsvc.checks.confirmation import Confirmation, confirm
from gridsvc.checks.confirmation_sheet import shown, unknown, write_confirmation, written
from gridsvc.cli.figures import AsOfOption, parse_day
from gridsvc.cli.session import Session, command
from gridsvc.cli.tables import Side, show_table
from gridsvc.coverage.scene import Scene
from gridsvc.errors import UsageError
from gridsvc.intake.summary import wrapped
from gridsvc.store.loads import now
from gridsvc.text import Text, bilingual

COUNTING = bilingual("Counting", "统计")


def register(app: typer.Typer) -> None:
    """Add the command to *app*."""

    @command(app, "confirm-data")
    def confirm_data(
        session: Session,
        xlsx: Annotated[
            Path | None, typer.Option("--xlsx", metavar="FILE", help="Write the form to print and sign.")
        ] = None,
        as_of: AsOfOption = None,
    ) -> None:
        """Tell what every layer holds, where it came from and what is unclear: the form that departments sign."""
        if xlsx is not None and xlsx.suffix.lower() != ".xlsx":
            raise UsageError(
                f"--xlsx {xlsx}: the file must end in .xlsx", f"--xlsx {xlsx}：文件扩展名应为 .xlsx"
            )
        day = parse_day(as_of) or dt.date.today()
        with session.store() as store, store.snapshot(), session.progress() as progress:
            progress.step("count", COUNTING)
            form = confirm(Scene(store, session.workspace, session.layers, day), now())
        if xlsx is not None:
            write_confirmation(form, xlsx, session.lang)

        def show(out: Console) -> None:
            show_form(out, form, session.lang)
            if xlsx is not None:
                out.print(written(xlsx)(session.lang), highlight=False, markup=False, soft_wrap=True)

        session.answer(form.to_dict() | ({"file": str(xlsx)} if xlsx else {}), show)


def show_form(out: Console, form: Confirmation, lang: str) -> None:
    """Print a line a layer, then the figures of each."""
    words: tuple[tuple[Text, Side], ...] = (
        (bilingual("Layer", "图层"), "whole"),
        (bilingual("Features", "数量"), "right"),
        (bilingual("Unknown", "未填"), "left"),
        (bilingual("Quarantine", "待处理"), "right"),
        (bilingual("To attend to", "需处理问题"), "right"),
        (bilingual("Loaded (UTC)", "最近入库"), "whole"),
        (bilingual("Source", "来源"), "left"),
    )
    rows = [
        (
            facts.layer.title(lang),
            facts.features,
            unknown(facts, lang),
            facts.waiting,
            sum(facts.findings.values()),
            facts.loaded,
            facts.sources,
        )
        for facts in form.layers
    ]
    spare = [[words[6][0](lang)], [words[5][0](lang)]]
    show_table(out, [(word(lang), side) for word, side in words], rows, spare=spare, lang=lang)
    for facts in form.layers:
        line = shown(facts, lang)
        if line:
            colon = "：" if lang == "zh" else ": "
            for text in wrapped(f"{facts.layer.title(lang)}{colon}{line}", out.width):
                out.print(Line(text), soft_wrap=True)
    told = bilingual(
        f"States as of {form.as_of}; digest of the content: {form.digest}",
        f"状态截至 {form.as_of}；数据内容摘要：{form.digest}",
    )
    out.print(told(lang), highlight=False, markup=False, soft_wrap=True)
