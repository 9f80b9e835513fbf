"""``gridsvc quarantine``: the rows that wait, out to be corrected and in again."""

from __future__ import annotations

import json
from pathlib import Path
from typing import Annotated, Any

import pandas as pd
import typer
from rich.console import Console

from gridsvc.cli.load import DryRunOption, EncodingOption, MapOption, ReportOption, pairs, run_load
from gridsvc.cli.session import Session, command
from gridsvc.cli.tables import Side, show_table
from gridsvc.errors import NotFoundError, UsageError
from gridsvc.intake import LoadOptions, admit
from gridsvc.intake.quarantine import file_of, raw_of, write_waiting
from gridsvc.text import Text, bilingual

_RAW_SHOWN = 60
_MIDDLE, _WIDE = 100, 150
"""Columns of a terminal from which on files and loads, and the rows as delivered, are shown."""


def register(app: typer.Typer) -> None:
    """Add the command to *app*."""

    @command(app, "quarantine")
    def quarantine(
        session: Session,
        layer: Annotated[str, typer.Argument(metavar="LAYER", help="Layer; all of them when left out.")] = "",
        load: Annotated[
            int | None, typer.Option("--load", metavar="LOAD", help="Rows of this load only.")
        ] = None,
        everything: Annotated[
            bool, typer.Option("--all", help="Also rows that wait no more, with what became of them.")
        ] = False,
        limit: Annotated[int, typer.Option("--limit", min=1, help="Rows to show at most.")] = 50,
        export: Annotated[
            Path | None,
            typer.Option(
                "--export", metavar="FILE", help="Write the rows to correct: .xlsx, .csv, .geojson or .gpkg."
            ),
        ] = None,
        corrected: Annotated[
            Path | None, typer.Option("--admit", metavar="FILE", help="Take in the corrected export.")
        ] = None,
        mapping: MapOption = None,
        encoding: EncodingOption = None,
        dry_run: DryRunOption = False,
        report: ReportOption = None,
        dismiss: Annotated[
            str,
            typer.Option(
                "--dismiss", metavar="NUMBER,...", help="Leave these rows out for good; needs --note."
            ),
        ] = "",
        note: Annotated[str, typer.Option("--note", metavar="TEXT", help="Who decided that, and why.")] = "",
        reopen: Annotated[
            str, typer.Option("--reopen", metavar="NUMBER,...", help="Take a dismissal back.")
        ] = "",
    ) -> int | None:
        """List the source rows that loads could not accept; export them, take them in corrected, dismiss them."""
        asked = [
            option
            for option, value in (
                ("--export", export),
                ("--admit", corrected),
                ("--dismiss", dismiss),
                ("--reopen", reopen),
            )
            if value
        ]
        _require_sense(asked, layer, note)
        if layer:
            _ = session.layers[layer]
        if corrected is not None:
            options = LoadOptions(
                mapping=pairs("--map", mapping or []), encoding=encoding, dry_run=dry_run, mode="upsert"
            )
            return run_load(
                session,
                report,
                lambda store, step: admit(
                    store, session.layers, session.workspace, layer, corrected, options, step
                ),
                dry_run=dry_run,
            )
        if dismiss or reopen:
            _decide(session, layer, dismiss, reopen, note)
            return None
        with session.store() as store:
            if load is not None:
                store.load(load)
            rows = store.quarantine(load, layer or None)
            rows = rows if everything else rows[rows["open"]]
            crs = store.crs
        if export is not None:
            if rows.empty:
                raise NotFoundError(
                    f"nothing of {layer} waits in quarantine; there is nothing to export",
                    f"图层 {layer} 没有待处理的记录，无可导出",
                )
            write_waiting(rows, session.layers[layer], export, session.lang, crs)
            session.answer({"file": str(export), "rows": len(rows)}, _exported(export, layer, len(rows)))
            return None
        session.answer(
            {"rows": len(rows), "quarantine": plain_rows(rows)},
            lambda out: show_quarantine(out, rows, limit, session.lang, layer=layer, states=everything),
        )
        return None


def _require_sense(asked: list[str], layer: str, note: str) -> None:
    """One thing at a time, and of one layer."""
    if len(asked) > 1:
        raise UsageError(f"give one of {' and '.join(asked)}", f"{'、'.join(asked)} 只能给一个")
    if asked and not layer and asked[0] in ("--export", "--admit"):
        raise UsageError(
            f"{asked[0]} needs the layer: gridsvc quarantine LAYER {asked[0]} FILE",
            f"{asked[0]} 需要指明图层：gridsvc quarantine 图层 {asked[0]} 文件",
        )
    if "--dismiss" in asked and not note.strip():
        raise UsageError(
            "--dismiss needs --note TEXT: who decided that these rows are left out, and why",
            "--dismiss 需要 --note 说明：由谁决定、为何不入库",
        )


def _exported(path: Path, layer: str, count: int) -> Text:
    return bilingual(
        f"{count:,} rows written: {path}; correct them there, then: gridsvc quarantine {layer} --admit {path}",
        f"已写入 {count:,} 行：{path}；请在其中更正，然后执行：gridsvc quarantine {layer} --admit {path}",
    )


def _decide(session: Session, layer: str, dismiss: str, reopen: str, note: str) -> None:
    """Dismiss rows, or have dismissed ones wait again."""
    numbers = _numbers("--dismiss" if dismiss else "--reopen", dismiss or reopen)
    with session.store(write=True) as store:
        if dismiss:
            rows = store.dismiss(numbers, note.strip(), layer or None)
        else:
            rows = store.reopen(numbers, layer or None)
    shown = ", ".join(str(number) for number in rows["origin"].tolist())
    told = (
        bilingual(
            f"left out for good: {shown}; back again with: gridsvc quarantine --reopen {shown.replace(' ', '')}",
            f"已排除：{shown}；如需恢复：gridsvc quarantine --reopen {shown.replace(' ', '')}",
        )
        if dismiss
        else bilingual(f"waiting again: {shown}", f"已恢复待处理：{shown}")
    )
    session.answer({"rows": rows["origin"].tolist()}, told)


def _numbers(option: str, text: str) -> set[int]:
    parts = [part.strip() for part in text.replace("，", ",").split(",") if part.strip()]
    wrong = next((part for part in parts if not (part.isascii() and part.isdecimal())), None)
    if wrong is not None or not parts:
        raise UsageError(
            f"{option} {text}: it takes quarantine numbers, separated by commas",
            f"{option} {text}：应为待处理编号，用逗号分隔",
        )
    return {int(part) for part in parts}


def plain_rows(rows: pd.DataFrame) -> list[dict[str, Any]]:
    """Quarantined rows as plain values; shapes as hexadecimal WKB."""
    return [
        {str(name): _plain(str(name), value) for name, value in row.items()}
        for row in rows.astype(object).to_dict(orient="records")
    ]


def _plain(name: str, value: Any) -> Any:
    if isinstance(value, bytes | memoryview):
        return bytes(value).hex()
    if name == "columns":
        return json.loads(value) if isinstance(value, str) else []
    return None if value is None or value is pd.NA or value != value else value


def state_of(row: Any) -> Text:
    """What became of a quarantined row."""
    if row.open:
        return bilingual("waits", "待处理")
    if row.dismissed is not None:
        day = str(row.dismissed)[: len("YYYY-MM-DD")]
        return bilingual(f"left out {day}: {row.note}", f"{day} 已排除：{row.note}")
    if not pd.isna(row.admitted_by):
        return bilingual(f"taken up by load {row.admitted_by}", f"已由入库 {row.admitted_by} 处理")
    return bilingual("replaced by a later load, or undone", "已被后续入库替换或已撤销")


def show_quarantine(
    out: Console, rows: pd.DataFrame, limit: int, lang: str, *, layer: str, states: bool
) -> None:
    """Print quarantined rows."""
    if rows.empty:
        out.print(bilingual("nothing is in quarantine", "没有待处理的记录")(lang), highlight=False)
        return
    words: dict[str, tuple[Text, Side]] = {
        "number": (bilingual("No.", "待处理编号"), "right"),
        "layer": (bilingual("Layer", "图层"), "whole"),
        "load": (bilingual("Load", "入库"), "right"),
        "file": (bilingual("File", "来源文件"), "left"),
        "row": (bilingual("Row", "源行号"), "right"),
        "reason": (bilingual("Reason", "原因"), "left"),
        "state": (bilingual("State", "状态"), "left"),
        "key": (bilingual("Key", "编号"), "left"),
        "raw": (bilingual("Row as delivered", "原始内容"), "left"),
    }
    # reasons are what people read: what the export shows as well goes first where there is no room
    left = {"layer"} if layer else set()
    left |= set() if states else {"state"}
    left |= {"raw"} if out.width < _WIDE else {"key"}
    left |= {"file", "load"} if out.width < _MIDDLE else set()
    chosen = [name for name in words if name not in left]
    shown = rows.head(limit).astype({"source_row": object})
    shown = shown.assign(source_row=shown["source_row"].where(shown["source_row"].notna(), None))
    table = [
        {
            "number": str(row.origin),
            "layer": row.layer,
            "load": row.load_id,
            "file": file_of(row),
            "row": number,
            "reason": row.reason_zh if lang == "zh" else row.reason_en,
            "state": state_of(row)(lang),
            "key": row.key,
            "raw": _delivered(row),
        }
        for row, number in zip(shown.itertuples(), shown["source_row"].tolist(), strict=True)
    ]
    columns = [(words[name][0](lang), words[name][1]) for name in chosen]
    cells = [[record[name] for name in chosen] for record in table]
    show_table(out, columns, cells, lang=lang)
    if len(rows) > limit:
        more = bilingual(
            f"{limit} of {len(rows)} rows; --limit shows more",
            f"共 {len(rows)} 行，显示 {limit} 行（--limit 可调）",
        )
        out.print(more(lang), highlight=False)
    if rows["open"].any():
        name = layer or str(rows.loc[rows["open"], "layer"].iloc[0])
        told = bilingual(
            f"to correct them: gridsvc quarantine {name} --export {name}.xlsx",
            f"导出更正：gridsvc quarantine {name} --export {name}.xlsx",
        )
        out.print(told(lang), highlight=False, markup=False, soft_wrap=True)


def _delivered(row: Any) -> str:
    """The row as delivered, in short."""
    text = " · ".join(f"{name} {cell}" for name, cell in raw_of(row).items() if cell)
    return text if len(text) <= _RAW_SHOWN else text[: _RAW_SHOWN - 1] + "…"
