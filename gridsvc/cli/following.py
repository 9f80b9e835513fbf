"""``--follow``: compute again whenever something was loaded, and tell each time in a line."""

from __future__ import annotations

import datetime as dt
import json
import signal
import threading
from collections.abc import Iterator
from contextlib import contextmanager
from types import FrameType
from typing import Any

from gridsvc.cli.session import Session
from gridsvc.coverage.follower import PAUSE, Followed, Follower
from gridsvc.errors import GridsvcError
from gridsvc.text import Text, bilingual

STOPPED = bilingual("stopped", "已停止")


def follow(session: Session, as_of: dt.date | None, threads: int | None, pause: float = PAUSE) -> None:
    """Follow the store until Ctrl+C or SIGTERM; a line (a JSON document with ``--json``) for each run."""
    stop = threading.Event()
    told = _Told(session, lines=True)

    def end(number: int, frame: FrameType | None) -> None:
        stop.set()

    before = {one: signal.signal(one, end) for one in (signal.SIGINT, signal.SIGTERM)}
    try:
        session.note(
            bilingual("following the store (Ctrl+C ends it)", "正在跟踪数据库变化（按 Ctrl+C 停止）")
        )
        Follower(session.workspace, session.layers, told, as_of, threads, pause).run(stop)
        session.note(STOPPED)
    finally:
        for one, handler in before.items():
            signal.signal(one, handler)


@contextmanager
def following(session: Session) -> Iterator[None]:
    """Follow the store in a thread while the block runs."""
    stop = threading.Event()
    follower = Follower(session.workspace, session.layers, _Told(session, lines=False))

    def work() -> None:
        try:
            follower.run(stop)
        except Exception as error:
            fault = f"{type(error).__name__}: {error}"
            session.note(
                bilingual(
                    f"error: nothing is computed any more ({fault}); start the service again",
                    f"错误：自动计算已停止（{fault}）；请重新启动服务",
                )
            )

    thread = threading.Thread(target=work, name="follower")
    thread.start()
    try:
        yield
    finally:
        stop.set()
        thread.join()


class _Told:
    """Tells what a follower did."""

    def __init__(self, session: Session, *, lines: bool) -> None:
        """*lines*: as the command's answer; else beside it."""
        self._session, self._lines = session, lines

    def __call__(self, what: Followed | GridsvcError) -> None:
        session = self._session
        if isinstance(what, GridsvcError):
            session.note(bilingual(f"error: {what.text.en}", f"错误：{what.text.zh}"))
        elif self._lines and session.as_json:
            session.out.file.write(json.dumps(_record(what), ensure_ascii=True) + "\n")
        elif self._lines:
            session.out.print(_line(what)(session.lang), highlight=False, markup=False, soft_wrap=True)
        else:
            session.note(_line(what))
        session.out.file.flush()


def _record(what: Followed) -> dict[str, Any]:
    return {
        "run": what.run.as_dict(),
        "seconds": round(what.seconds, 3),
        "figures": what.subjects,
        "indicators": what.indicators,
    }


def _line(what: Followed) -> Text:
    run, seconds = what.run, f"{what.seconds:.2f}"
    if what.change is None:
        return bilingual(
            f"run {run.id}, as of {run.as_of}: everything read ({seconds} s)",
            f"计算批次 {run.id}，截至 {run.as_of}：已读取全部数据（{seconds} 秒）",
        )
    count, names = what.subjects, what.indicators
    if not count:
        return bilingual(
            f"run {run.id}, as of {run.as_of}: no figure changed ({seconds} s)",
            f"计算批次 {run.id}，截至 {run.as_of}：数值无变化（{seconds} 秒）",
        )
    en, zh = ", ".join(names), "、".join(names)
    return bilingual(
        f"run {run.id}, as of {run.as_of}: {count} figures changed, of {en} ({seconds} s)",
        f"计算批次 {run.id}，截至 {run.as_of}：{count} 个数值有变化，涉及 {zh}（{seconds} 秒）",
    )
