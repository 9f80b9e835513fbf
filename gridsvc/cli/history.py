"""``gridsvc delivered`` and ``prune``: what was handed over, and what is taken out when it is old."""

from __future__ import annotations

import datetime as dt
from pathlib import Path
from typing import Annotated

import typer
from rich.console import Console

from gridsvc.cli.session import ATTENTION, DONE, Session, command
from gridsvc.cli.tables import Side, show_table
from gridsvc.errors import StoreError, UsageError
from gridsvc.store import Store
from gridsvc.store.prune import Pruned
from gridsvc.text import bilingual

MB = 1_000_000


def register(app: typer.Typer) -> None:
    """Add the commands to *app*."""

    @command(app, "prune")
    def prune(
        session: Session,
        before: Annotated[
            str, typer.Option("--before", metavar="LOAD|DATE", help="What was before this load or day goes.")
        ] = "",
        keep: Annotated[
            int | None, typer.Option("--keep", metavar="N", min=1, help="Loads of every layer to keep.")
        ] = None,
        dry_run: Annotated[bool, typer.Option("--dry-run", help="Tell what would go.")] = False,
    ) -> int:
        """Take out old versions; current content, and what a published run rests on, stays."""
        if bool(before) == (keep is not None):
            raise UsageError(
                "say what is old: --before LOAD, --before YYYY-MM-DD or --keep N",
                "请指定清理范围：--before 入库编号、--before YYYY-MM-DD 或 --keep N",
            )
        with session.store(write=not dry_run) as store:
            moment = moment_of(store, before) if before else None
            pruned = store.prune(before=moment, keep=keep, dry_run=dry_run)
            size, code = None, DONE
            if not dry_run and not pruned.nothing:
                try:
                    size = store.give_back()
                except StoreError as error:
                    # pruned it is; the space is used again by later loads
                    session.note(
                        bilingual(
                            f"pruned, but the space was not given back: {error.text.en}",
                            f"已清理，但未能释放磁盘空间：{error.text.zh}",
                        )
                    )
                    code = ATTENTION
        told = {
            "dry_run": dry_run,
            **vars(pruned),
            "size": {"before": size[0], "after": size[1]} if size else None,
        }
        session.answer(told, lambda out: show_pruned(out, pruned, session, dry_run, size))
        return code

    @command(app, "delivered")
    def delivered(
        session: Session,
        load: Annotated[int, typer.Argument(metavar="LOAD", help="Number of the load; see gridsvc loads.")],
        folder: Annotated[Path, typer.Argument(metavar="FOLDER", help="Folder to write the files into.")],
    ) -> None:
        """Write the files of a load back, byte for byte as they were handed over."""
        with session.store() as store, store.snapshot():
            files = store.delivered(load)
            made = store.write_delivered(load, folder)
        lines = "\n".join(str(path) for path in made)
        session.answer(
            {
                "load": load,
                "files": [
                    {"file": str(path), "name": file.name, "bytes": file.size, "sha256": file.sha256}
                    for path, file in zip(made, files, strict=True)
                ],
            },
            bilingual(
                f"load {load}: {len(made)} files, as they were delivered\n{lines}",
                f"入库 {load}：{len(made)} 个原始文件\n{lines}",
            ),
        )


def moment_of(store: Store, text: str) -> int:
    """The load that ``--before`` means: its number, or the newest one that was finished before a day (UTC)."""
    if text.isdecimal():
        return store.load(int(text)).id
    try:
        day = dt.date.fromisoformat(text).isoformat()
    except ValueError:
        raise UsageError(
            f"--before {text}: give the number of a load, or a day as YYYY-MM-DD",
            f"--before {text}：请给出入库编号或日期（YYYY-MM-DD）",
        ) from None
    return max((record.id for record in store.loads() if record.finished[:10] < day), default=0)


def show_pruned(
    console: Console, pruned: Pruned, session: Session, dry_run: bool, size: tuple[int, int] | None
) -> None:
    """Print what went, or would go."""
    lang = session.lang
    if pruned.nothing:
        console.print(bilingual("there is nothing to prune", "没有可清理的内容")(lang), highlight=False)
        return
    words = (
        bilingual("Layer", "图层"),
        bilingual("Oldest state: after load", "现存最早：入库"),
        bilingual("Row versions", "历史行数"),
    )
    sides: tuple[Side, ...] = ("whole", "right", "right")
    titles = {layer.name: layer.title for layer in session.layers.values()}
    show_table(
        console,
        [(word(lang), side) for word, side in zip(words, sides, strict=True)],
        [
            (titles[name](lang) if name in titles else name, load, pruned.versions.get(f"layer_{name}", 0))
            for name, load in pruned.horizons.items()
        ],
    )
    results = sum(count for name, count in pruned.versions.items() if name.startswith("result_"))
    rows = sum(pruned.versions.values()) - results
    verb = bilingual("would go", "将清理") if dry_run else bilingual("went", "已清理")
    told = [
        bilingual(
            f"{verb.en}: row versions {rows:,}, results of drafts {results:,}, "
            f"deliveries {len(pruned.deliveries):,}, quarantined rows {pruned.quarantined:,}; "
            f"about {pruned.bytes / MB:,.1f} MB",
            f"{verb.zh}：历史行 {rows:,}，草稿批次的结果 {results:,}，原始文件 {len(pruned.deliveries):,} 次，"
            f"待处理记录 {pruned.quarantined:,}；约 {pruned.bytes / MB:,.1f} MB",
        )
    ]
    if size:
        told.append(
            bilingual(
                f"the store: {size[0] / MB:,.1f} MB, now {size[1] / MB:,.1f} MB",
                f"数据库：{size[0] / MB:,.1f} MB，现为 {size[1] / MB:,.1f} MB",
            )
        )
    for text in told:
        console.print(text(lang), highlight=False, markup=False, soft_wrap=True)
