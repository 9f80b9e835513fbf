"""``gridsvc loads`` and ``rollback``: what was loaded, and the way back."""

from __future__ import annotations

from typing import Annotated

import typer
from rich.console import Console

from gridsvc.cli.publishing import publish, warn_if_stale
from gridsvc.cli.session import Session, command
from gridsvc.cli.tables import Side, show_table
from gridsvc.store import LoadRecord
from gridsvc.text import Text, bilingual

KINDS: dict[str, Text] = {"load": bilingual("load", "入库"), "rollback": bilingual("rollback", "撤销")}
BESIDE = bilingual("{kind} (neighbours)", "{kind}（邻县）")
STATES: dict[str, Text] = {"done": bilingual("done", "有效"), "undone": bilingual("undone", "已撤销")}
# the state after the load is gone, its record stays
PRUNED = bilingual(", pruned", "，已清理")


def register(app: typer.Typer) -> None:
    """Add the commands to *app*."""

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
                # what of a split row was not stored waits there, too
                record.quarantined + record.other.get("split", 0),
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
