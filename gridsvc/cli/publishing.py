"""The GeoPackage that follows what a command stored; and what is told when it does not."""

from __future__ import annotations

from gridsvc.cli.progress import Progress
from gridsvc.cli.session import ATTENTION, DONE, Session
from gridsvc.errors import StoreError
from gridsvc.store import Store
from gridsvc.text import Text, bilingual

PUBLISHING = bilingual("Publishing the GeoPackage", "更新 GeoPackage")


def publish(session: Session, store: Store, stored: Text, progress: Progress | None = None) -> int:
    """Publish the GeoPackage; where that fails, say that *stored* is stored. Returns the exit code."""
    if progress is not None:
        progress.step("publish", PUBLISHING)
    try:
        store.publish_geopackage()
    except StoreError as error:
        session.note(
            bilingual(
                f"{stored.en} is stored, but not yet in the GeoPackage: {error.text.en}; the next load, rollback or "
                "compute writes it",
                f"{stored.zh}已存入，但 GeoPackage 尚未更新：{error.text.zh}；下次入库、撤销或计算时会重新写入",
            )
        )
        return ATTENTION
    return DONE


def warn_if_stale(session: Session, store: Store) -> None:
    """Tell that the GeoPackage lacks what was stored last."""
    if store.geopackage_is_stale:
        name = session.workspace.geopackage_path.name
        session.note(
            bilingual(
                f"{name} lacks what was stored last (a command was cut short, or the file is gone); the next load, "
                "rollback or compute writes it",
                f"{name} 尚未包含最近存入的内容（命令曾被中断，或文件已不存在）；下次入库、撤销或计算时会重新写入",
            )
        )
