"""The report of an OpenStreetMap load: one report per layer, what was not loaded and why, whom to name."""

from __future__ import annotations

import json
from dataclasses import asdict, dataclass, field
from pathlib import Path
from typing import Any

from rich.console import Console
from rich.text import Text as Line

from gridsvc.errors import InputRefusedError
from gridsvc.intake.osm.boundaries import LevelCount
from gridsvc.intake.problems import OUTCOMES
from gridsvc.intake.report import LoadReport
from gridsvc.text import Text, bilingual

ATTRIBUTION = "© OpenStreetMap contributors, ODbL 1.0"
"""What the licence wants shown wherever anything made of the data is."""

_DATED = bilingual("Data of", "数据时间")
_SKIPPED = bilingual("Not loaded", "未入库")
_BOUNDARIES = bilingual("Boundaries", "行政边界")
_TOTALS = bilingual("In all", "合计")


@dataclass
class OsmReport:
    """Everything there is to tell about one extract or place."""

    source: str
    sha256: str
    dated: str
    """When the map was as the extract has it, or empty."""
    dry_run: bool
    loads: list[LoadReport] = field(default_factory=list)
    skipped: dict[str, Text] = field(default_factory=dict)
    """Layer → why nothing was loaded into it."""
    refused: dict[str, LoadReport | None] = field(default_factory=dict)
    """Layers among :attr:`skipped` for which there were rows, none of which could be accepted; row by row."""
    boundaries: list[LevelCount] = field(default_factory=list)
    seconds: float = 0.0

    @property
    def exit_code(self) -> int:
        """0 when all went in, 1 when rows wait in quarantine, were not understood, or a layer was refused."""
        return int(bool(self.refused) or any(load.exit_code for load in self.loads))

    def to_dict(self) -> dict[str, Any]:
        """Plain values, ready for JSON; texts are ``{"en": …, "zh": …}``."""
        return {
            "source": self.source,
            "sha256": self.sha256,
            "attribution": ATTRIBUTION,
            "dated": self.dated,
            "dry_run": self.dry_run,
            "seconds": round(self.seconds, 3),
            "loads": [load.to_dict() for load in self.loads],
            "skipped": {layer: {"en": why.en, "zh": why.zh} for layer, why in self.skipped.items()},
            "refused": {layer: load.to_dict() if load else None for layer, load in self.refused.items()},
            "boundaries": [asdict(level) for level in self.boundaries],
        }

    def print(self, console: Console, lang: str) -> None:
        """Print the report for a person at a terminal."""
        for load in self.loads:
            load.print(console, lang)
            console.rule(style="dim") if console.is_terminal else console.print()
        self._print_totals(console, lang)
        for title, lines in (
            (_BOUNDARIES, [_level(level)(lang) for level in self.boundaries]),
            (_SKIPPED, self._not_loaded(lang)),
        ):
            if lines:
                console.print(Line(title(lang), style="bold yellow"))
                for line in lines:
                    console.print(Line(f"  • {line}"))
        if self.dated:
            console.print(Line(f"{_DATED(lang)} {self.dated}"))
        console.print(Line(ATTRIBUTION, style="bold"))

    def _not_loaded(self, lang: str) -> list[str]:
        """Layers without a load, those for the same reason together."""
        layers: dict[str, list[str]] = {}
        for layer, why in self.skipped.items():
            layers.setdefault(why(lang), []).append(layer)
        return [f"{', '.join(names)}: {why}" for why, names in layers.items()]

    def _print_totals(self, console: Console, lang: str) -> None:
        if not self.loads:
            return
        console.print(Line(_TOTALS(lang), style="bold"))
        for load in self.loads:
            stored = sum(load.counts[name] for name in ("added", "changed", "unchanged"))
            parts = [f"{load.title(lang)} {stored:,}/{load.rows_read:,}"]
            parts += [
                f"{OUTCOMES[name](lang)} {load.counts[name]:,}"
                for name in ("quarantined", "split", "left_out", "superseded")
                if load.counts[name]
            ]
            console.print(Line("  " + " · ".join(parts)))

    def write(self, path: Path, lang: str = "zh") -> list[Path]:
        """Write the report: one ``.json``, or an ``.xlsx`` per layer (its name before the suffix)."""
        path.parent.mkdir(parents=True, exist_ok=True)
        if path.suffix.lower() != ".xlsx":
            text = json.dumps(self.to_dict(), ensure_ascii=False, indent=2)
            path.write_text(text + "\n", encoding="utf-8")
            return [path]
        loads = [*self.loads, *(load for load in self.refused.values() if load)]
        paths = [path.with_name(f"{path.stem}-{load.layer}{path.suffix}") for load in loads]
        for target, load in zip(paths, loads, strict=True):
            load.write_xlsx(target, lang)
        return paths


def _level(level: LevelCount) -> Text:
    """One line on the boundaries of one ``admin_level``."""
    en = f"admin_level {level.admin_level or '–'}: {level.closed} close, {level.open} do not"
    zh = f"admin_level {level.admin_level or '–'}：闭合 {level.closed} 个，未闭合 {level.open} 个"
    if not level.layer or not level.closed:
        return bilingual(en, zh)
    if level.coded:
        return bilingual(
            f"{en}; {level.coded} have a code for {level.layer}",
            f"{zh}；{level.coded} 个带 {level.layer} 编码",
        )
    return bilingual(
        f"{en}; none has a code that fits the county's layout: name the tag that holds it with "
        f"--map {level.layer}.code=TAG, or load the boundaries from a file with codes",
        f"{zh}；均无合规编码：请用 --map {level.layer}.code=标签 指定编码标签，或改用带编码的边界文件入库",
    )


class NothingLoadedError(InputRefusedError):
    """No layer could be loaded from an extract; the report tells why, layer by layer."""

    def __init__(self, text: Text, report: OsmReport) -> None:
        """Take why, and the report of the loads that did not happen."""
        super().__init__(text.en, text.zh)
        self.report = report
