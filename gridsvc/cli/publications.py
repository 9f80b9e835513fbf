"""``gridsvc publish`` and ``runs``: a run frozen under a label, and the list of all runs."""

from __future__ import annotations

import datetime as dt
from collections.abc import Callable
from dataclasses import dataclass
from typing import Annotated, Any

import typer
from rich.console import Console

from gridsvc.cli.figures import parse_day
from gridsvc.cli.output import plain_records
from gridsvc.cli.pages import DRAWING
from gridsvc.cli.published import folder_of, require_unchanged, write_published
from gridsvc.cli.session import ATTENTION, DONE, Session, command
from gridsvc.cli.tables import Side, show_table
from gridsvc.coverage.comparison import changed_figures
from gridsvc.coverage.definitions import definitions_text
from gridsvc.coverage.figures import Figures
from gridsvc.coverage.indicators import Indicators, load_indicators
from gridsvc.coverage.runs import listed
from gridsvc.coverage.statement import digest_of
from gridsvc.errors import GridsvcError, StoreError, UsageError
from gridsvc.maps.reader import titled
from gridsvc.settings import County
from gridsvc.store import NewPublication, Publication, Store
from gridsvc.store.loads import now
from gridsvc.store.runs import already_published
from gridsvc.text import Text, bilingual

STATUS: dict[str, Text] = {
    "draft": bilingual("draft", "草稿"),
    "published": bilingual("published", "已发布"),
    "corrected": bilingual("corrected", "已被修订"),
    "pruned": bilingual("pruned", "已清理"),
}
HEADINGS: tuple[tuple[Text, Side], ...] = (
    (bilingual("Run", "批次"), "right"),
    (bilingual("Number", "期号"), "whole"),
    (bilingual("Label", "标签"), "whole"),
    (bilingual("Status", "状态"), "whole"),
    (bilingual("As of", "截至"), "whole"),
    (bilingual("Made (UTC)", "计算时间（UTC）"), "whole"),
    (bilingual("Published (UTC)", "发布时间（UTC）"), "whole"),
    (bilingual("Objections until", "异议截止"), "whole"),
    (bilingual("Loaded since", "此后有变化的图层"), "left"),
)
# left out in this order where a terminal is narrow
SPARE = (5, 6, 8)


@dataclass(frozen=True)
class Asked:
    """What the options of ``publish`` say."""

    label: str
    until: str | None
    days: int | None
    filled_by: str
    reviewed_by: str
    revises: str | None
    reason: str

    def period(self, county: County, today: dt.date) -> tuple[str, str]:
        """First and last day of the objection period; empty where there is none."""
        if self.until is not None and self.days is not None:
            raise UsageError(
                "--objections-until and --objection-days cannot be given together",
                "--objections-until 与 --objection-days 不能同时使用",
            )
        last = parse_day(self.until, "--objections-until")
        days = county.objection_days if self.days is None else self.days
        if last is None:
            last = today + dt.timedelta(days=days) if days else None
        elif last < today:
            raise UsageError(
                f"--objections-until {last}: the period begins today, {today}",
                f"--objections-until {last}：异议期自今日（{today}）开始",
            )
        return (today.isoformat(), last.isoformat()) if last else ("", "")


def register(app: typer.Typer) -> None:
    """Add the commands to *app*."""

    @command(app, "publish")
    def publish(
        session: Session,
        run: Annotated[str | None, typer.Argument(metavar="RUN", help="Number of a run.")] = None,
        label: Annotated[
            str | None, typer.Argument(metavar="LABEL", help="What it is called: 第32周.")
        ] = None,
        until: Annotated[
            str | None,
            typer.Option("--objections-until", metavar="YYYY-MM-DD", help="Last day for objections."),
        ] = None,
        days: Annotated[
            int | None,
            typer.Option(
                "--objection-days", metavar="N", min=0, max=366, help="Days for objections; 0: none."
            ),
        ] = None,
        filled_by: Annotated[
            str, typer.Option("--filled-by", metavar="NAME", help="Who filled it in (填报人).")
        ] = "",
        reviewed_by: Annotated[
            str, typer.Option("--reviewed-by", metavar="NAME", help="Who reviewed it (审核人).")
        ] = "",
        revises: Annotated[
            str | None,
            typer.Option("--revises", metavar="LABEL|RUN", help="The published run that this one corrects."),
        ] = None,
        reason: Annotated[str, typer.Option("--reason", metavar="TEXT", help="Why it is corrected.")] = "",
        again: Annotated[
            str | None,
            typer.Option(
                "--again", metavar="LABEL|RUN", help="Write the files of a published run anew; nothing else."
            ),
        ] = None,
    ) -> int:
        """Freeze a run under a label, with its pages and its workbook; a correction is a further revision."""
        indicators = load_indicators(session.workspace, session.layers)
        if again is not None:
            if run is not None:
                raise UsageError("--again goes without RUN and LABEL", "--again 不能与批次、标签同时使用")
            with session.store() as store:
                return _deliver(session, store, indicators, _published(store, again), None)
        if run is None or label is None:
            raise UsageError(
                "say which run, and what it is called: gridsvc publish RUN LABEL; gridsvc runs lists the runs",
                "请指明批次和标签：gridsvc publish 批次 标签；gridsvc runs 可列出全部批次",
            )
        asked = Asked(label, until, days, filled_by, reviewed_by, revises, reason)
        with session.store(write=True) as store:
            made, changed = freeze(store, indicators, run, asked)
            return _deliver(session, store, indicators, made, changed)

    @command(app, "runs")
    def runs(
        session: Session,
        verify: Annotated[
            bool, typer.Option("--verify", help="Check that the figures of published runs are unchanged.")
        ] = False,
    ) -> int:
        """List all runs: what is published, and what was loaded since."""
        with session.store() as store, store.snapshot():
            rows = all_runs(store)
            faults = _verified(session, store) if verify else {}
        if verify:
            for row in rows:
                if row["publication"] is not None:
                    row["unchanged"] = row["id"] not in faults
        session.answer({"runs": rows}, lambda out: show_runs(out, rows, session.lang))
        for fault in faults.values():
            session.note(fault)
        if verify and not faults:
            count = sum(row["publication"] is not None for row in rows)
            session.note(
                bilingual(
                    f"{count} published runs are what they were when they were published",
                    f"{count} 个已发布批次与发布时一致",
                )
            )
        return ATTENTION if faults else DONE


def freeze(
    store: Store, indicators: Indicators, run: str, asked: Asked
) -> tuple[Publication, list[dict[str, Any]] | None]:
    """Publish a draft; returns how it was published and, of a revision, the figures that it corrects."""
    record = store.named_run(run)
    if record.publication is not None:
        raise already_published(record.publication)
    first, last = asked.period(store.workspace.county, dt.date.today())
    figures = Figures.open(store, store.workspace, store.layers, indicators, record.id)
    if figures.indicators.digest != record.definitions:
        raise UsageError(
            f"run {record.id} is older than the keeping of definitions, and they have changed since: compute again",
            f"计算批次 {record.id} 未保存当时的指标定义，而定义此后已修改：请重新计算",
        )
    revised = None if asked.revises is None else _published(store, asked.revises)
    changed = None
    if revised is not None:
        before = Figures.open(store, store.workspace, store.layers, indicators, revised.id)
        changed = plain_records(changed_figures(before, figures))
    made = store.publish_run(
        record.id,
        NewPublication(
            label=asked.label,
            digest=digest_of(figures),
            definitions=definitions_text(figures.indicators),
            published=now(),
            objections_from=first,
            objections_until=last,
            objections_to=store.workspace.county.objections_to,
            filled_by=asked.filled_by,
            reviewed_by=asked.reviewed_by,
            revises=None if revised is None else revised.id,
            reason=asked.reason,
        ),
    )
    if made.publication is None:
        raise ValueError(f"run {made.id} was not published")
    return made.publication, changed


def _published(store: Store, name: str) -> Publication:
    """The publication that *name* means; a draft is refused."""
    record = store.named_run(name)
    if record.publication is None:
        raise UsageError(
            f"run {record.id} is a draft: nothing was published", f"计算批次 {record.id} 是草稿，尚未发布"
        )
    return record.publication


def _deliver(
    session: Session,
    store: Store,
    indicators: Indicators,
    made: Publication,
    changed: list[dict[str, Any]] | None,
) -> int:
    """Write the files of a published run, and tell."""
    with session.progress() as progress:
        progress.step("map", DRAWING)
        try:
            folder = write_published(store, indicators, made, progress.reach)
        except StoreError as error:
            raise StoreError(
                f"{made.edition} {made.label} is published, but its files are not there: {error.text.en}; "
                f"then: gridsvc publish --again {made.edition}",
                f"{made.edition} {made.label} 已发布，但文件未生成：{error.text.zh}；"
                f"排除问题后执行：gridsvc publish --again {made.edition}",
            ) from error
    answer: dict[str, Any] = {"run": made.id, "publication": made.as_dict(), "folder": str(folder)}
    if changed is not None:
        answer["changed"] = changed
    session.answer(answer, _told(made, folder, changed))
    return DONE


def _told(made: Publication, folder: object, changed: list[dict[str, Any]] | None) -> Text:
    """What was published, in words."""
    en = f"run {made.id} is published: {titled(made)}; files: {folder}"
    zh = f"计算批次 {made.id} 已发布：{titled(made)}；文件：{folder}"
    if made.objections_until:
        en += f"\nobjections until {made.objections_until}"
        zh += f"\n异议期至 {made.objections_until}"
    if changed is not None:
        en += f"\n{len(changed)} figures differ from the revision before; gridsvc compare tells which and why"
        zh += f"\n与上一版相比有 {len(changed)} 个指标值不同；gridsvc compare 可查看详情和原因"
    en += f"\nSHA-256 of figures.csv: {made.digest}"
    zh += f"\nfigures.csv 的 SHA-256：{made.digest}"
    return bilingual(en, zh)


def all_runs(store: Store) -> list[dict[str, Any]]:
    """All runs as plain values, published ones with their folder."""
    folders = {
        run.id: None if run.publication is None else str(folder_of(store.workspace, run.publication))
        for run in store.runs()
    }
    return [{**row, "folder": folders[row["id"]]} for row in listed(store)]


def _verified(session: Session, store: Store) -> dict[int, Text]:
    """What is wrong with published runs, by run."""
    indicators = load_indicators(session.workspace, session.layers)
    faults: dict[int, Text] = {}
    for record in store.runs():
        if record.publication is not None:
            try:
                require_unchanged(
                    Figures.open(store, session.workspace, session.layers, indicators, record.id)
                )
            except GridsvcError as error:
                faults[record.id] = error.text
    return faults


def show_runs(out: Console, rows: list[dict[str, Any]], lang: str) -> None:
    """Print the runs, the newest first."""
    if not rows:
        none = bilingual(
            "nothing is computed yet; run: gridsvc compute", "尚未计算；请先执行：gridsvc compute"
        )
        out.print(none(lang), highlight=False)
        return
    minute: Callable[[str], str] = lambda text: text[:16].replace("T", " ")  # noqa: E731
    cells = []
    for row in reversed(rows):
        one = row["publication"] or {}
        revision = f"-r{one['revision']}" if one.get("revision", 1) > 1 else ""
        cells.append(
            (
                row["id"],
                f"{one['number']}{revision}" if one else None,
                one.get("label"),
                STATUS[row["state"]](lang),
                row["as_of"],
                minute(row["created"]),
                minute(one.get("published", "")),
                one.get("objections_until"),
                " ".join(row["loaded_since"]),
            )
        )
    columns = [(heading(lang), side) for heading, side in HEADINGS]
    show_table(out, columns, cells, spare=[[columns[number][0]] for number in SPARE], lang=lang)
