"""Progress of long work, drawn on a terminal only."""

from __future__ import annotations

import time
from types import TracebackType
from typing import Self

from rich.console import Console
from rich.progress import BarColumn, MofNCompleteColumn, SpinnerColumn, TaskID, TextColumn, TimeElapsedColumn
from rich.progress import Progress as Bars

from gridsvc.text import Lang, Text


class Progress:
    """Steps with a bar each; seconds per step are kept for whoever wants to tell them."""

    def __init__(self, console: Console, lang: Lang) -> None:
        """Draw on *console* in *lang*; where it is no terminal nothing is drawn."""
        self._lang = lang
        self._bars = Bars(
            SpinnerColumn(finished_text="✓"),
            TextColumn("{task.description}"),
            BarColumn(bar_width=24),
            MofNCompleteColumn(),
            TimeElapsedColumn(),
            console=console,
            disable=not console.is_terminal,
            transient=False,
        )
        self._task: TaskID | None = None
        self._began = 0.0
        self.seconds: dict[str, float] = {}
        self._step = ""

    def __enter__(self) -> Self:
        """Start drawing."""
        self._bars.start()
        return self

    def __exit__(
        self, kind: type[BaseException] | None, error: BaseException | None, trace: TracebackType | None
    ) -> None:
        """Finish the last step (unless it failed) and stop drawing."""
        if error is None:
            self._finish()
        self._bars.stop()

    def step(self, name: str, title: Text, total: int | None = None) -> None:
        """Begin a step called *name*, of *total* parts (None: not known); the one before is finished."""
        self._finish()
        self._step, self._began = name, time.perf_counter()
        self._task = self._bars.add_task(title(self._lang), total=total)

    def advance(self, parts: int = 1) -> None:
        """Some parts of the current step are done."""
        if self._task is not None:
            self._bars.advance(self._task, parts)

    def reach(self, _what: str, done: int, total: int) -> None:
        """The current step has done *done* parts of *total*; takes what computations and maps tell."""
        if self._task is not None:
            self._bars.update(self._task, completed=done, total=total)

    def _finish(self) -> None:
        if self._task is None:
            return
        self.seconds[self._step] = round(time.perf_counter() - self._began, 2)
        task = next(task for task in self._bars.tasks if task.id == self._task)
        total = task.total if task.total is not None else 1
        self._bars.update(self._task, completed=total, total=total)
        self._task = None
