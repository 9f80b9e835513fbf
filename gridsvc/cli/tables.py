"""Tables on a terminal: aligned, also where Chinese characters take two columns, and never wider than it."""

from __future__ import annotations

from collections.abc import Iterable, Sequence
from typing import Literal

from rich import box
from rich.console import Console
from rich.table import Table
from rich.text import Text as Styled

from gridsvc.text import bilingual

# "right" is for numbers and "whole" for codes and times, which are never broken; "left" is for words
Side = Literal["left", "right", "whole"]
NOTHING = "—"
# columns of a terminal below which words are not squeezed
WORDS = 10
GAP = 2


def show_table(
    console: Console,
    columns: Sequence[tuple[str, Side]],
    rows: Iterable[Sequence[object]],
    title: str = "",
    spare: Sequence[Sequence[str]] = (),
    lang: str = "en",
) -> None:
    """Print *rows* under *columns* of (heading, side); no value shows as a dash.

    On a narrow terminal the groups of columns in *spare* are left out, from the first on, until the others
    fit, and a line says which.
    """
    cells = [[cell(value) for value in row] for row in rows]
    shown = list(range(len(columns)))
    for names in spare:
        if _width(columns, cells, shown) <= console.width:
            break
        shown = [number for number in shown if columns[number][0] not in names]
    if title:
        console.print(Styled(title, style="italic"), soft_wrap=True)
    table = Table(box=box.SIMPLE_HEAD, padding=(0, GAP - 1, 0, 0), pad_edge=False)
    for heading, side in (columns[number] for number in shown):
        justify: Literal["left", "right"] = "right" if side == "right" else "left"
        table.add_column(heading, justify=justify, overflow="fold", no_wrap=side != "left")
    for row in cells:
        table.add_row(*(row[number] for number in shown))
    console.print(table)
    left = [name for number, (name, _) in enumerate(columns) if number not in shown]
    if left:
        told = bilingual(
            f"not shown, the terminal is narrow: {', '.join(left)}; --json has everything",
            f"因终端宽度不足未显示：{'、'.join(left)}；--json 输出全部内容",
        )
        console.print(told(lang), highlight=False, markup=False, soft_wrap=True)


def _width(columns: Sequence[tuple[str, Side]], cells: list[list[Styled]], shown: list[int]) -> int:
    """The least width in which the columns can be read."""
    width = 0
    for number in shown:
        heading, side = columns[number]
        widest = max([Styled(heading).cell_len, *(row[number].cell_len for row in cells)])
        width += GAP + (widest if side != "left" else min(widest, WORDS))
    return width


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
