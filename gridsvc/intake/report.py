"""The report of a load: what was understood, and what became of every source row."""

from __future__ import annotations

import json
from collections.abc import Iterator
from dataclasses import dataclass, field
from itertools import groupby
from pathlib import Path
from typing import Any

from rich.console import Console

from gridsvc.errors import InputRefusedError
from gridsvc.intake.context import LEFT_OUT
from gridsvc.intake.problems import OUTCOMES, REASONS
from gridsvc.intake.sheet import write_report
from gridsvc.intake.summary import print_report
from gridsvc.text import Text


@dataclass(frozen=True)
class ColumnReport:
    """A column that feeds a field."""

    column: str
    field: str
    title: Text
    how: str
    """``map``, ``name``, ``alias``, ``cut`` (a shortened name), ``tag``, ``before`` (as the load that is corrected
    read it) or ``set`` (one value for all rows)."""
    samples: list[str]


@dataclass(frozen=True)
class FileReport:
    """How one file was understood."""

    name: str
    format: str
    rows: int
    encoding: str
    encoding_how: Text | None
    samples: list[str]
    crs: str
    crs_how: Text | None
    columns: list[ColumnReport]
    ignored: list[str]


@dataclass(frozen=True)
class RowReport:
    """A source row that a person should look at."""

    file: str
    row: int
    """Number as the person sees it: data row from 1, or row of the spreadsheet."""
    outcome: str
    """``quarantined``, ``split`` (a part of its shape was stored), ``left_out``, ``superseded`` or ``repaired``
    (stored, but its shape was mended)."""
    key: str
    reasons: list[str]
    text: Text
    raw: dict[str, str | None]
    columns: list[str] = field(default_factory=list)
    """Delivered columns at fault."""
    number: int | None = None
    """Number under which the row waited in quarantine before, where it is a correction."""


@dataclass
class LoadReport:
    """Everything there is to tell about one load."""

    layer: str
    title: Text
    source: str
    sha256: str
    mode: str
    dry_run: bool
    files: list[FileReport]
    rows_read: int
    counts: dict[str, int]
    """Source rows by outcome (:data:`gridsvc.intake.problems.OUTCOMES`); they add up to :attr:`rows_read`."""
    ended: int = 0
    """Rows of the store that the load ended."""
    problems: list[RowReport] = field(default_factory=list)
    warnings: list[Text] = field(default_factory=list)
    lost_values: int = 0
    """Cells whose value was not understood and is stored as unknown."""
    load_id: int | None = None
    """Id of the load; None for a dry run and for a refusal."""
    seconds: float = 0.0
    context: bool = False
    """The features are those of neighbouring counties."""
    attribution: str = ""
    """Whom the data's licence wants named wherever anything made of it is shown."""
    delivered: dict[str, Any] = field(default_factory=dict)
    """Number of ``files`` handed over, their ``bytes``, and whether they are ``kept`` in the store."""

    @property
    def exit_code(self) -> int:
        """0 when all went in, 1 when rows wait in quarantine or values were not understood."""
        return int(bool(self.quarantined) or self.lost_values > 0)

    def outcomes(self) -> Iterator[tuple[str, Text, int]]:
        """What became of how many source rows: name, title, number."""
        for name, title in {**OUTCOMES, **(LEFT_OUT if self.context else {})}.items():
            yield name, title, self.counts.get(name, 0)

    @property
    def quarantined(self) -> list[RowReport]:
        """The rows in quarantine, whole or in part."""
        return [row for row in self.problems if row.outcome in {"quarantined", "split"}]

    def reasons(self) -> Iterator[tuple[Text, list[RowReport]]]:
        """Quarantined rows grouped by their first reason, the most frequent first."""
        ordered = sorted(self.quarantined, key=lambda row: row.reasons[0])
        groups = [(code, list(rows)) for code, rows in groupby(ordered, key=lambda row: row.reasons[0])]
        for code, rows in sorted(groups, key=lambda group: -len(group[1])):
            yield REASONS[code], rows

    def to_dict(self) -> dict[str, Any]:
        """Plain values, ready for JSON; texts are ``{"en": …, "zh": …}``."""
        return {
            "layer": self.layer,
            "source": self.source,
            "sha256": self.sha256,
            "attribution": self.attribution,
            "mode": self.mode,
            "context": self.context,
            "dry_run": self.dry_run,
            "load": self.load_id,
            "seconds": round(self.seconds, 3),
            "rows_read": self.rows_read,
            "counts": dict(self.counts),
            "ended": self.ended,
            "lost_values": self.lost_values,
            "delivered": dict(self.delivered),
            "files": [_plain(vars(file)) for file in self.files],
            "warnings": [_plain(text) for text in self.warnings],
            "reasons": [{"reason": _plain(title), "rows": len(rows)} for title, rows in self.reasons()],
            "rows": [_plain(vars(row)) for row in self.problems],
        }

    def to_json(self) -> str:
        """The report as one JSON document."""
        return json.dumps(self.to_dict(), ensure_ascii=False, indent=2)

    def print(self, console: Console, lang: str) -> None:
        """Print the report for a person at a terminal."""
        print_report(self, console, lang)

    def write_xlsx(self, path: Path, lang: str = "zh") -> None:
        """Write the report as a workbook to hand back to whoever made the file."""
        write_report(self, path, lang)


def _plain(value: Any) -> Any:
    if isinstance(value, Text):
        return {"en": value.en, "zh": value.zh}
    if isinstance(value, ColumnReport):
        return _plain(vars(value))
    if isinstance(value, dict):
        return {key: _plain(item) for key, item in value.items()}
    return [_plain(item) for item in value] if isinstance(value, list) else value


class NothingAcceptedError(InputRefusedError):
    """No row of the input could be accepted; the report tells why, row by row."""

    def __init__(self, report: LoadReport) -> None:
        """Take the report of the load that did not happen."""
        title, rows = next(iter(report.reasons()))
        first = rows[0]
        super().__init__(
            f"{report.source}: none of {report.rows_read} rows could be accepted; {title.en}: {len(rows)} rows, "
            f"first row {first.row}: {first.text.en}",
            f"{report.source}：{report.rows_read} 行全部无法入库；{title.zh}：{len(rows)} 行，"
            f"首见第 {first.row} 行：{first.text.zh}",
        )
        self.report = report
