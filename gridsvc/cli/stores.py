"""``gridsvc copy-store``: a whole store from one engine or place to another."""

from __future__ import annotations

from typing import Annotated

import typer

from gridsvc.cli.session import Session, command
from gridsvc.settings import StoreUrl
from gridsvc.text import bilingual

COPYING = bilingual("copying", "复制")


def register(app: typer.Typer) -> None:
    """Add the command to *app*."""

    @command(app, "copy-store")
    def copy(
        session: Session,
        source: Annotated[str, typer.Argument(metavar="FROM", help="URL of the store to copy.")],
        target: Annotated[str, typer.Argument(metavar="TO", help="URL of a store that holds nothing.")],
    ) -> None:
        """Copy a store whole, all versions, loads and runs, to SQLite or PostGIS; FROM stays as it is."""
        from gridsvc.store import copy_store

        root = session.workspace.root
        old, new = StoreUrl.parse(source, root), StoreUrl.parse(target, root)
        with session.progress() as progress:
            progress.step("copy", COPYING)
            copied = copy_store(old, new, session.layers, reach=progress.reach)
        loads, runs = copied.rows["loads"], copied.rows["runs"]
        told = bilingual(
            f"copied {copied.total} rows ({loads} loads, {runs} runs) from {old} to {new}, and compared them\n"
            f"to use it: put its URL into county.toml as store; then {old} can be removed",
            f"已从 {old} 复制 {copied.total} 行（{loads} 次入库，{runs} 个计算批次）到 {new}，并逐行核对\n"
            f"启用方法：在 county.toml 的 store 中填写新地址；之后可删除 {old}",
        )
        session.answer({"from": str(old), "to": str(new), "rows": copied.rows}, told)
