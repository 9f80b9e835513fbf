"""``gridsvc load``, ``loads``, ``rollback`` and ``quarantine``: files in, what became of them, and the way back."""

from __future__ import annotations

from collections.abc import Iterator
from enum import StrEnum
from pathlib import Path
from typing import Annotated, Any

import pandas as pd
import typer
from rich.console import Console

from gridsvc.cli.publishing import publish, warn_if_stale
from gridsvc.cli.session import Session, command
from gridsvc.cli.tables import Side, show_table
from gridsvc.errors import UsageError
from gridsvc.intake import LoadOptions, LoadReport, NothingAcceptedError, load_file
from gridsvc.store import LoadRecord
from gridsvc.text import Text, bilingual

KINDS: dict[str, Text] = {"load": bilingual("load", "入库"), "rollback": bilingual("rollback", "撤销")}
BESIDE = bilingual("{kind} (neighbours)", "{kind}（邻县）")
STATES: dict[str, Text] = {"done": bilingual("done", "有效"), "undone": bilingual("undone", "已撤销")}
# the state after the load is gone, its record stays
PRUNED = bilingual(", pruned", "，已清理")


class Mode(StrEnum):
    """How a load treats the features that the store has."""

    REPLACE = "replace"
    APPEND = "append"
    UPSERT = "upsert"


def register(app: typer.Typer) -> None:
    """Add the commands to *app*."""

    @command(app, "load")
    def load(
        session: Session,
        layer: Annotated[
            str, typer.Argument(metavar="LAYER", help="Layer to load into; see gridsvc layers.")
        ],
        files: Annotated[
            list[Path], typer.Argument(metavar="FILE...", help="Files, folders or zip archives.")
        ],
        encoding: Annotated[
            str | None, typer.Option("--encoding", help="Encoding of texts, e.g. gb18030.")
        ] = None,
        crs: Annotated[
            str | None, typer.Option("--crs", help="CRS of the files: EPSG:4547, GCJ02, BD09, PROJ.")
        ] = None,
        mapping: Annotated[
            list[str] | None, typer.Option("--map", metavar="FIELD=COLUMN", help="Column that holds a field.")
        ] = None,
        constants: Annotated[
            list[str] | None, typer.Option("--set", metavar="FIELD=VALUE", help="One value for every row.")
        ] = None,
        source_layer: Annotated[
            str | None,
            typer.Option("--source-layer", metavar="NAME", help="Layer or sheet, where there are several."),
        ] = None,
        mode: Annotated[
            Mode,
            typer.Option(
                "--mode", help="replace: the files are all there is; upsert: others stay; append: new."
            ),
        ] = Mode.REPLACE,
        context: Annotated[
            bool, typer.Option("--context", help="Features of neighbouring counties: near, never counted.")
        ] = False,
        dry_run: Annotated[bool, typer.Option("--dry-run", help="Report, and store nothing.")] = False,
        report: Annotated[
            Path | None, typer.Option("--report", metavar="FILE", help="Write the report (.json or .xlsx).")
        ] = None,
    ) -> int:
        """Load files into a layer: one load, all of it or nothing."""
        options = LoadOptions(
            encoding=encoding,
            crs=crs,
            mapping=pairs("--map", mapping or []),
            constants=pairs("--set", constants or []),
            source_layer=source_layer,
            mode=mode.value,
            dry_run=dry_run,
            context=context,
        )
        require_report(report)
        _ = session.layers[layer]
        try:
            with session.store(write=not dry_run) as store, session.progress() as progress:
                told = load_file(
                    store, session.layers, session.workspace, layer, files, options, progress.step
                )
                load_id = told.load_id
                stored = bilingual(f"load {load_id}", f"入库 {load_id} ")
                code = publish(session, store, stored, progress) if load_id else 0
        except NothingAcceptedError as refusal:
            write_report(refusal.report, report, session.lang)
            if not session.as_json:
                refusal.report.print(session.out, session.lang)
            raise
        write_report(told, report, session.lang)

        def show(out: Console) -> None:
            told.print(out, session.lang)
            for text in next_steps(told):
                out.print(text(session.lang), highlight=False, soft_wrap=True)

        session.answer(told.to_dict(), show)
        return max(told.exit_code, code)

    @command(app, "loads")
    def loads(
        session: Session,
        layer: Annotated[str, typer.Option("--layer", help="Loads of this layer only.")] = "",
    ) -> None:
        """List the loads: source, what became of its rows, when."""
        if layer:
            _ = session.layers[layer]
        with session.store() as store:
            records = store.loads(layer or None)
            warn_if_stale(session, store)
        session.answer(
            {"loads": [record.as_dict() for record in records]},
            lambda out: show_loads(out, records, session.lang),
        )

    @command(app, "rollback")
    def rollback(
        session: Session,
        load: Annotated[int, typer.Argument(metavar="LOAD", help="Number of the load; see gridsvc loads.")],
    ) -> int:
        """Undo the newest load of a layer exactly, and record that."""
        with session.store(write=True) as store:
            record = store.rollback(load)
            stored = bilingual(
                f"load {record.id}, the undoing of load {load},", f"入库 {record.id}（撤销入库 {load}）"
            )
            code = publish(session, store, stored)
        told = bilingual(
            f"load {load} of {record.layer} is undone (recorded as load {record.id}): "
            f"{record.added:,} features came back, {record.changed:,} are as before, {record.ended:,} were removed\n"
            "next: gridsvc compute",
            f"图层 {record.layer} 的入库 {load} 已撤销（记为入库 {record.id}）："
            f"恢复 {record.added:,} 个，还原 {record.changed:,} 个，移除 {record.ended:,} 个\n"
            "下一步：gridsvc compute",
        )
        session.answer(record.as_dict(), told)
        return code

    @command(app, "quarantine")
    def quarantine(
        session: Session,
        load: Annotated[
            int | None, typer.Option("--load", metavar="LOAD", help="Rows of this load only.")
        ] = None,
        layer: Annotated[str, typer.Option("--layer", help="Rows of this layer only.")] = "",
        limit: Annotated[int, typer.Option("--limit", min=1, help="Rows to show at most.")] = 50,
    ) -> None:
        """List the source rows that loads could not accept, with the reason of each."""
        if layer:
            _ = session.layers[layer]
        with session.store() as store:
            if load is not None:
                store.load(load)
            rows = store.quarantine(load, layer or None)
        session.answer(
            {"rows": len(rows), "quarantine": plain_rows(rows)},
            lambda out: show_quarantine(out, rows, limit, session.lang),
        )


def next_steps(report: LoadReport) -> Iterator[Text]:
    """What a person does after a load that has stored something."""
    if report.load_id is None:
        return
    if report.counts["quarantined"]:
        yield bilingual(
            f"see what waits: gridsvc quarantine --load {report.load_id}",
            f"查看待处理的行：gridsvc quarantine --load {report.load_id}",
        )
    if any(report.counts[name] for name in ("added", "changed")) or report.ended:
        yield bilingual("when all files are loaded: gridsvc compute", "全部文件入库后执行：gridsvc compute")


def pairs(option: str, texts: list[str]) -> dict[str, str]:
    """``FIELD=VALUE`` arguments as a mapping."""
    for text in texts:
        if not text.partition("=")[0].strip() or "=" not in text:
            raise UsageError(
                f"{option} {text}: write it as FIELD=VALUE", f"{option} {text}：应写作 字段=取值"
            )
    return {name.strip(): value.strip() for name, _, value in (text.partition("=") for text in texts)}


def require_report(path: Path | None) -> None:
    """A report is a ``.json`` or an ``.xlsx`` file."""
    if path is not None and path.suffix.lower() not in (".json", ".xlsx"):
        raise UsageError(
            f"--report {path}: a report is written as .json or .xlsx",
            f"--report {path}：报告只能写为 .json 或 .xlsx",
        )


def write_report(report: LoadReport, path: Path | None, lang: str) -> None:
    """Write the report of a load where it is wanted."""
    if path is None:
        return
    path.parent.mkdir(parents=True, exist_ok=True)
    if path.suffix.lower() == ".xlsx":
        report.write_xlsx(path, lang)
    else:
        path.write_text(report.to_json() + "\n", encoding="utf-8")


def plain_rows(rows: pd.DataFrame) -> list[dict[str, Any]]:
    """Quarantined rows as plain values; shapes as hexadecimal WKB."""
    table = rows.astype(object).where(rows.notna(), None)
    table["geometry"] = table["geometry"].map(
        lambda shape: shape.hex() if isinstance(shape, bytes) else shape
    )
    return [{str(name): value for name, value in row.items()} for row in table.to_dict(orient="records")]


def show_loads(out: Console, records: list[LoadRecord], lang: str) -> None:
    """Print the list of loads."""
    words = (
        bilingual("Load", "编号"),
        bilingual("Layer", "图层"),
        bilingual("Kind", "类型"),
        bilingual("Source", "来源"),
        bilingual("Rows", "行数"),
        bilingual("Added", "新增"),
        bilingual("Changed", "变更"),
        bilingual("Unchanged", "未变"),
        bilingual("Ended", "移除"),
        bilingual("Quarantined", "待处理"),
        bilingual("Finished (UTC)", "完成时间 (UTC)"),
        bilingual("State", "状态"),
    )
    numbers = {"Load", "Rows", "Added", "Changed", "Unchanged", "Ended", "Quarantined"}
    whole = {"Layer", "Kind", "Finished (UTC)", "State"}
    sides: dict[str, Side] = {**dict.fromkeys(numbers, "right"), **dict.fromkeys(whole, "whole")}
    spare = ({"Unchanged"}, {"Changed", "Ended"}, {"State"}, {"Added"})
    if not records:
        out.print(bilingual("no loads yet", "还没有入库记录")(lang), highlight=False)
        return
    show_table(
        out,
        [(word(lang), sides.get(word.en, "left")) for word in words],
        [
            (
                record.id,
                record.layer,
                _kind(record)(lang),
                record.source,
                record.rows_read,
                record.added,
                record.changed,
                record.unchanged,
                record.ended,
                record.quarantined,
                record.finished[: len("YYYY-MM-DDTHH:MM")].replace("T", " "),
                f"{STATES[record.status](lang)}{PRUNED(lang) if record.pruned else ''}",
            )
            for record in records
        ],
        spare=[[word(lang) for word in words if word.en in group] for group in spare],
        lang=lang,
    )


def _kind(record: LoadRecord) -> Text:
    """A load or a rollback, and whether it is about neighbours' features."""
    kind = KINDS[record.kind]
    return (
        bilingual(BESIDE.en.format(kind=kind.en), BESIDE.zh.format(kind=kind.zh)) if record.context else kind
    )


def show_quarantine(out: Console, rows: pd.DataFrame, limit: int, lang: str) -> None:
    """Print quarantined rows."""
    if rows.empty:
        out.print(bilingual("nothing is in quarantine", "没有待处理的记录")(lang), highlight=False)
        return
    words: tuple[tuple[Text, Side], ...] = (
        (bilingual("Load", "入库"), "right"),
        (bilingual("Layer", "图层"), "whole"),
        (bilingual("Source row", "源行号"), "right"),
        (bilingual("Reason", "原因"), "left"),
        (bilingual("Row as delivered", "原始内容"), "left"),
    )
    reason = "reason_zh" if lang == "zh" else "reason_en"
    shown = rows.head(limit)
    columns = [shown[name].tolist() for name in ("load_id", "layer", "source_row", reason, "raw")]
    show_table(out, [(word(lang), side) for word, side in words], zip(*columns, strict=True))
    if len(rows) > limit:
        more = bilingual(
            f"{limit} of {len(rows)} rows; --limit shows more",
            f"共 {len(rows)} 行，显示 {limit} 行（--limit 可调）",
        )
        out.print(more(lang), highlight=False)
