"""Which rows of a sheet are records: totals, notes and the like are not; merged cells belong to all their rows."""

from __future__ import annotations

import re
from collections.abc import Mapping, Sequence
from typing import Any

from gridsvc.intake.header import Merge, Row, is_empty

Fills = Mapping[int, list[tuple[int, Any]]]
"""Row (from 0) → columns that a merged cell further up fills, with its value."""

_TOTAL_WORDS = r"(?:合\s*计|总\s*计|小\s*计|共\s*计|累\s*计|总\s*数|total|subtotal|sum)"
# the first cell of a row that is no record
_TOTAL = re.compile(
    rf"(?:本页|本表|以上|全[县区市镇乡村]|其中[：:]?)?\s*{_TOTAL_WORDS}(?=$|[\s\d：:，,。(（])", re.IGNORECASE
)
# … or any of the first few
_TOTAL_ALONE = re.compile(rf"(?:本页|本表|以上)?\s*{_TOTAL_WORDS}\s*[：:]?", re.IGNORECASE)
_TOTAL_CELLS = 4
_NOTE = re.compile(
    r"(注|备注|说明|附注|填表说明|填表人|填表单位|填报人|填报单位|制表人?|审核人?|审批人?|复核人?|校对人?|经办人|"
    r"单位负责人|分管领导|主要领导|负责人|联系人|联系电话|填表日期|填报日期|制表日期|打印日期|统计日期|日期|"
    r"单位（?盖章）?|单位\(盖章\)|盖章|note)"
    r"\s*[0-9一二三四五]?\s*[：:]",
    re.IGNORECASE,
)
_NOTE_ALONE = frozenset({"注", "备注", "说明", "附注"})
_END = re.compile(
    r"[\s—\-─（(【]*(?:以下空白|以下无正文|此页无正文|(?:续|转|接)下页)[\s—\-─）)】]*|第\s*\d+\s*页(?:\s*[，,/]?\s*共\s*\d+\s*页)?"
)


def is_no_record(row: Row, filled: list[Any], serial: set[int]) -> bool:
    """True for a total, a note, the end of a page, or a row that only counts; *filled* are its cells with content.

    *serial* are the columns that count the rows.
    """
    own = [cell for index, cell in enumerate(row) if index not in serial and not is_empty(cell)]
    if not own:
        return True
    firsts = [cell.strip() for cell in (filled[0], own[0]) if isinstance(cell, str)]
    if any(_says_none(text) for text in firsts):
        return True
    return any(
        isinstance(cell, str) and _TOTAL_ALONE.fullmatch(cell.strip()) for cell in filled[:_TOTAL_CELLS]
    )


def _says_none(text: str) -> bool:
    text = text.strip()
    return bool(_TOTAL.match(text) or _NOTE.match(text) or _END.fullmatch(text)) or text in _NOTE_ALONE


def wide_rows(merges: Sequence[Merge], named: int) -> set[int]:
    """Rows with one cell merged over half of the *named* columns or more, as headings of sections are."""
    least = max(2, (named + 1) // 2)
    return {top for (top, left), (bottom, right) in merges if top == bottom and right - left + 1 >= least}


def filled_down(rows: Sequence[Row], merges: Sequence[Merge], start: int) -> Fills:
    """What vertically merged cells from row *start* on mean for the rows below their first.

    A row with nothing of its own gets nothing: merged cells alone make no record.
    """
    fills: dict[int, list[tuple[int, Any]]] = {}
    free: dict[int, int] = {}
    """Column → first row that no earlier merge fills: in a damaged file they may overlap."""
    for (top, left), (bottom, _) in sorted(merges):
        if top < start or bottom <= top or top >= len(rows) or left >= len(rows[top]):
            continue
        value = rows[top][left]
        if is_empty(value):
            continue
        for index in range(max(top + 1, free.get(left, 0)), min(bottom + 1, len(rows))):
            if any(not is_empty(cell) for cell in rows[index]):
                fills.setdefault(index, []).append((left, value))
        free[left] = max(free.get(left, 0), bottom + 1)
    return fills
