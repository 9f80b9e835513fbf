"""Tables on a terminal: aligned, also where Chinese characters take two columns."""

from __future__ import annotations

from collections.abc import Iterable, Sequence
from typing import Literal

from rich import box
from rich.console import Console
from rich.table import Table
from rich.text import Text as Styled

Side = Literal["left", "right"]
NOTHING = "—"


def show_table(
    console: Console, columns: Sequence[tuple[str, Side]], rows: Iterable[Sequence[object]], title: str = ""
) -> None:
    """Print *rows* under *columns* of (heading, side to align to); no value shows as a dash."""
    table = Table(box=box.SIMPLE_HEAD, title=title or None, title_justify="left", pad_edge=False)
    for heading, side in columns:
        table.add_column(heading, justify=side, overflow="fold")
    for row in rows:
        table.add_row(*(cell(value) for value in row))
    console.print(table)


def cell(value: object) -> Styled:
    """One value as it is shown; nothing in it is taken for markup."""
    if isinstance(value, Styled):
        return value
    if value is None or value == "":
        return Styled(NOTHING)
    if isinstance(value, bool):
        return Styled("✓" if value else NOTHING)
    if isinstance(value, int):
        return Styled(f"{value:,}")
    return Styled(str(value))
