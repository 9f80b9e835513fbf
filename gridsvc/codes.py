"""Unit codes: digits in which a child's code starts with its parent's."""

from __future__ import annotations

import unicodedata
from dataclasses import dataclass
from itertools import accumulate

from gridsvc.errors import DefinitionError
from gridsvc.text import Text, bilingual

LEVELS: tuple[str, ...] = ("county", "district", "community", "grid")
LEVEL_TITLES: dict[str, Text] = {
    "county": bilingual("County", "县/区"),
    "district": bilingual("District", "街道/乡镇"),
    "community": bilingual("Community", "社区/村"),
    "grid": bilingual("Grid", "网格"),
}


@dataclass(frozen=True)
class CodeLayout:
    """How many digits each of the four levels adds, e.g. ``(6, 3, 3, 3)``."""

    widths: tuple[int, ...] = (6, 3, 3, 3)

    def __post_init__(self) -> None:
        """Refuse layouts that are not four positive widths."""
        if len(self.widths) != len(LEVELS) or min(self.widths) < 1:
            raise DefinitionError(
                f"county.toml: code_layout needs four positive widths, got {list(self.widths)}",
                f"county.toml：code_layout 需要四个正整数位数，现为 {list(self.widths)}",
            )

    @property
    def lengths(self) -> dict[str, int]:
        """Length of a whole code, by level."""
        return dict(zip(LEVELS, accumulate(self.widths), strict=True))

    def level(self, code: str) -> str | None:
        """Level that *code* belongs to by its length, or None."""
        if not (code.isascii() and code.isdigit()):
            return None
        return next((level for level, n in self.lengths.items() if len(code) == n), None)

    def ancestor(self, code: str, level: str) -> str:
        """The part of *code* that is the code of its ancestor (or itself) at *level*."""
        return code[: self.lengths[level]]

    def parent(self, code: str) -> str | None:
        """Code of the parent unit, or None for a county (or something that is no code)."""
        level = self.level(code)
        if level is None or level == LEVELS[0]:
            return None
        return self.ancestor(code, LEVELS[LEVELS.index(level) - 1])


def normalise(text: str) -> str:
    """Full-width digits, letters and spaces to their plain forms; outer blanks off."""
    return unicodedata.normalize("NFKC", text).strip()
