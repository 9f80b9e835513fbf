"""Sums in memory: the whole amounts of every cell, unit, road and chief, brought up to date by what changed."""

from __future__ import annotations

from collections.abc import Mapping

import numpy as np
import pandas as pd

from gridsvc.codes import LEVELS, CodeLayout
from gridsvc.coverage.tallies import COLUMNS, SIDES
from gridsvc.partition.faces import Ints

KEY = ["indicator", "subject_kind", "subject"]
UNIT = "unit"
"""Kind of the sums of units: a code has all cells of the unit, a code with ``*`` those that lie in none below it."""


def units_above(cells: pd.DataFrame, layout: CodeLayout) -> dict[str, tuple[str, ...]]:
    """The units that each cell counts for, by its name; *cells* has ``cell``, ``unit``, ``remainder``."""
    lengths = [layout.lengths[level] for level in LEVELS]
    return {
        cell: (*(unit[:digits] for digits in lengths if digits <= len(unit)), *([f"{unit}*"] if rest else []))
        for cell, unit, rest in zip(cells["cell"], cells["unit"], cells["remainder"], strict=True)
    }


class Sums:
    """Whole amounts by indicator, kind of subject and subject."""

    def __init__(self, tallies: pd.DataFrame, above: Mapping[str, tuple[str, ...]]) -> None:
        """Begin with *tallies* (:data:`COLUMNS`); *above*: see :func:`units_above`."""
        self._above = above
        self._rows: dict[str, dict[str, int]] = {}
        self._amounts: dict[tuple[str, str], Ints] = {}
        self.add(tallies)

    def add(self, more: pd.DataFrame) -> pd.DataFrame:
        """Add the amounts of *more* (:data:`COLUMNS`, whole, of either sign; cells, not units).

        Returns the sums, as they are now, of all subjects that are in *more* and of the units above its cells.
        """
        parts = []
        everything = pd.concat([more, self._of_units(more)], ignore_index=True)
        for (indicator, kind), rows in everything.groupby(["indicator", "subject_kind"], sort=False):
            place = self._places(str(kind), rows["subject"].tolist())
            amounts = self._room(str(indicator), str(kind))
            np.add.at(amounts, place, rows[list(SIDES)].to_numpy(np.int64))
            subjects = rows["subject"].to_numpy(object)
            place, first = np.unique(place, return_index=True)
            parts.append(_frame(str(indicator), str(kind), subjects[first], amounts[place]))
        return pd.concat(parts, ignore_index=True) if parts else pd.DataFrame(columns=COLUMNS)

    def drop(self, indicator: str) -> None:
        """Forget an indicator."""
        for key in [key for key in self._amounts if key[0] == indicator]:
            del self._amounts[key]

    def rows(self, indicator: str, kind: str) -> pd.DataFrame:
        """All sums of an indicator for one kind of subject that are not zero (:data:`COLUMNS`)."""
        amounts = self._amounts.get((indicator, kind))
        if amounts is None:
            return pd.DataFrame(columns=COLUMNS)
        subjects = np.array(list(self._rows[kind]), dtype=object)[: len(amounts)]
        some = (amounts != 0).any(axis=1)
        return _frame(indicator, kind, subjects[some], amounts[some])

    def tallies(self, indicator: str | None = None) -> pd.DataFrame:
        """What a run stores, of one indicator or of all: the sums of everything but units."""
        wanted = [key for key in self._amounts if key[1] != UNIT and indicator in (None, key[0])]
        parts = [self.rows(*key) for key in wanted]
        parts = [part for part in parts if len(part)]
        return pd.concat(parts, ignore_index=True) if parts else pd.DataFrame(columns=COLUMNS)

    def now(self, subjects: pd.DataFrame) -> pd.DataFrame:
        """The sums as they are now of some subjects (:data:`KEY`), and of the units above those that are cells."""
        return self.add(subjects.assign(**dict.fromkeys(SIDES, 0)))

    def _of_units(self, more: pd.DataFrame) -> pd.DataFrame:
        """The same amounts for the units above each cell."""
        cells = more[more["subject_kind"] == "cell"]
        above = [self._above[cell] for cell in cells["subject"]]
        row = np.repeat(np.arange(len(cells)), [len(units) for units in above])
        subjects = np.array([unit for units in above for unit in units], dtype=object)
        return cells.iloc[row].assign(subject_kind=UNIT, subject=subjects)

    def _places(self, kind: str, subjects: list[str]) -> Ints:
        """Row of each subject; new ones get one."""
        known = self._rows.setdefault(kind, {})
        return np.array([known.setdefault(subject, len(known)) for subject in subjects], dtype=np.int64)

    def _room(self, indicator: str, kind: str) -> Ints:
        """The amounts of an indicator, with a row for every subject known."""
        held = self._amounts.get((indicator, kind), np.zeros((0, len(SIDES)), dtype=np.int64))
        lacking = len(self._rows[kind]) - len(held)
        if lacking:
            held = np.concatenate([held, np.zeros((lacking, len(SIDES)), dtype=np.int64)])
        self._amounts[indicator, kind] = held
        return held


def _frame(indicator: str, kind: str, subjects: np.ndarray, amounts: Ints) -> pd.DataFrame:
    sides = dict(zip(SIDES, amounts.T, strict=True))
    table = pd.DataFrame({"indicator": indicator, "subject_kind": kind, "subject": subjects, **sides})
    return table[COLUMNS]


def net(before: pd.DataFrame, after: pd.DataFrame) -> pd.DataFrame:
    """What tallies *after* have more than those *before* (:data:`COLUMNS`), without the zeros."""
    minus = before.assign(**{side: -before[side] for side in SIDES})
    both = [part for part in (minus, after) if len(part)]
    if not both:
        return before
    more = pd.concat(both).groupby(KEY, sort=False)[list(SIDES)].sum().reset_index()
    return more[(more[list(SIDES)] != 0).any(axis=1)]
