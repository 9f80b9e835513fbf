"""The header of a sheet: found below titles, of one row or several, each column with its path of headings."""

from __future__ import annotations

import re
from collections import Counter
from collections.abc import Collection, Iterable, Iterator, Sequence
from dataclasses import dataclass
from functools import lru_cache
from typing import Any

from gridsvc.intake.delivery import cell_text
from gridsvc.layers import fold

Row = list[Any]
Merge = tuple[tuple[int, int], tuple[int, int]]
"""First and last cell (row, column from 0) of merged cells."""
Path = tuple[str, ...]
"""Headings above a column, from the top; empty where there is none."""

HEADER_ROWS = 30
"""How far down the header is looked for."""
TALLEST = 3
"""Rows that a header is looked for in; merged cells may make it taller."""
_MERGED_TALLEST = 6
_WIDEST = 1000
SERIAL = frozenset(fold(name) for name in ("序号", "行号", "序", "No", "Nr", "#"))
"""Folded names of columns that only count the rows."""
# how a form marks what must be filled in
_MARK = re.compile(
    r"^[*＊★※\s]+|[*＊★※\s]+$|[（(\[【]\s*(?:必填项?|选填|required|optional)\s*[）)\]】]", re.IGNORECASE
)
_ASIDE = re.compile(
    r"\s*[（(\[【]([^（()）\[\]【】]*)[）)\]】]$|\s*[/／]\s*(m|km|米|公里|千米|%|％|人|盏|个|座)$"
)


@dataclass(frozen=True)
class Header:
    """Where a header stands and what it calls the columns."""

    start: int
    end: int
    """First row below it."""
    paths: list[Path]
    score: int = 0
    """How many names in it mean something."""
    doubles: int = 0
    """How many of them stand over more than one column."""

    @property
    def rank(self) -> tuple[int, int, int]:
        """What makes one reading better than another: more names known, fewer of them twice, fewer rows."""
        return self.score, -self.doubles, self.start - self.end


def is_empty(cell: Any) -> bool:
    """True for a cell with nothing in it but blanks."""
    return cell is None or (isinstance(cell, str) and not cell.strip())


def heading(cell: Any) -> str:
    """Text of a heading: line breaks and surplus blanks out; empty for an empty cell."""
    return "" if is_empty(cell) else " ".join(str(cell_text(cell)).split())


def unmarked(name: str) -> str:
    """A heading without what marks it as required (``*``, 必填)."""
    return _MARK.sub("", name)


def aside(name: str) -> tuple[str, str]:
    """A heading without what stands in brackets at its end, and that: ``路宽（m）`` → ``路宽``, ``m``."""
    found = _ASIDE.search(name)
    if found is None or not name[: found.start()].strip():
        return name, ""
    return name[: found.start()], (found[1] or found[2] or "").strip()


def full_name(path: Path) -> str:
    """A column's name as it is shown: the headings above it, joined by ``/``."""
    return "/".join(path)


@lru_cache(maxsize=10_000)
def forms(text: str) -> tuple[str, ...]:
    """Folded forms under which a heading may be known: as it is, without marks, without brackets."""
    plain = unmarked(text)
    return tuple(dict.fromkeys(fold(form) for form in (text, plain, aside(plain)[0]) if form))


def find_header(rows: Sequence[Row], known: Collection[str], merges: Sequence[Merge] = ()) -> Header | None:
    """The header of a table: the rows that name the most columns by *known* (folded) names.

    Titles above it are passed over. Where nothing is known it is the first row of several texts; None where
    there is none. Vertically merged headings take in the rows that they reach into.
    """
    best: Header | None = None
    top = rows[:HEADER_ROWS]
    for start in range(len(top)):
        found = header_at(rows, start, known, merges)
        if found is not None and (best is None or found.rank > best.rank):
            best = found
    if best is None:
        wide = min(2, max((len(row) for row in top), default=0))
        texts = ([cell for cell in row if isinstance(cell, str) and cell.strip()] for row in top)
        fallback = next((index for index, row in enumerate(texts) if row and len(row) >= wide), None)
        if fallback is None:
            return None
        best = Header(fallback, fallback + 1, [])
    return _reaching(rows, best, known, merges)


def header_at(
    rows: Sequence[Row], start: int, known: Collection[str], merges: Sequence[Merge] = ()
) -> Header | None:
    """The header that begins in row *start*, as low as its names allow; None where nothing in it is known."""
    best: Header | None = None
    for end in range(start + 1, min(start + TALLEST, len(rows)) + 1):
        row = rows[end - 1]
        filled = [cell for cell in row[:_WIDEST] if not is_empty(cell)]
        if not filled or not all(isinstance(cell, str) for cell in filled):
            break
        found = _header(rows, start, end, known, merges)
        # one more row must tell more, else it is the first of the data; one text alone is a title
        title = sum(not is_empty(cell) for cell in rows[start][:_WIDEST]) == 1
        if found.score > (best.score if best else 0) or (best and not title and found.rank > best.rank):
            best = found
    return best


def _reaching(rows: Sequence[Row], found: Header, known: Collection[str], merges: Sequence[Merge]) -> Header:
    """*found*, with the rows that its vertically merged headings reach into."""
    start, end = found.start, found.end
    for (top, _), (bottom, _) in sorted(merges):
        # merged rows above the header's own first row are a title
        if bottom > top and top < end and bottom >= start and bottom - top < _MERGED_TALLEST:
            start, end = min(start, top), max(end, bottom + 1)
    return _header(rows, start, min(end, len(rows)), known, merges)


def _header(
    rows: Sequence[Row], start: int, end: int, known: Collection[str], merges: Sequence[Merge]
) -> Header:
    paths = _paths(rows, start, end, merges)
    counts = Counter(_known_names(paths, known))
    return Header(start, end, paths, len(counts), sum(count > 1 for count in counts.values()))


def _paths(rows: Sequence[Row], start: int, end: int, merges: Sequence[Merge]) -> list[Path]:
    """Headings of every column, over the rows *start* to *end*; a heading over several columns belongs to each."""
    width = max(len(row) for row in rows[start:end])
    levels = [[heading(row[i]) if i < len(row) else "" for i in range(width)] for row in rows[start:end]]
    for (top, left), (bottom, right) in merges:
        if start <= top and bottom < end:
            for column in range(left + 1, min(right + 1, width)):
                levels[top - start][column] = levels[top - start][column] or levels[top - start][left]
    # CSV does not say what is merged: a heading with another below it reaches over empty cells to its right
    for upper, level in enumerate(levels[:-1]):
        below = [any(lower[column] for lower in levels[upper + 1 :]) for column in range(width)]
        for column in range(1, width):
            if not level[column] and level[column - 1] and below[column] and below[column - 1]:
                level[column] = level[column - 1]
    paths = []
    for column in range(width):
        names = [level[column] for level in levels if level[column]]
        paths.append(
            tuple(name for index, name in enumerate(names) if index == 0 or name != names[index - 1])
        )
    return paths


def lone_last(paths: Iterable[Path]) -> set[str]:
    """Folded last headings that stand over one column only."""
    counts = Counter(fold(path[-1]) for path in paths if path)
    return {name for name, count in counts.items() if count == 1}


def _known_names(paths: list[Path], known: Collection[str]) -> Iterator[str]:
    """The known name of every column that has one."""
    paths, lone = paths[:_WIDEST], lone_last(paths)
    for path in paths:
        texts = ["".join(path)] + ([path[-1]] if len(path) > 1 and fold(path[-1]) in lone else [])
        match = next((form for text in texts for form in forms(text) if form in known), None)
        if match is not None:
            yield match
