"""Sums in memory: the whole amounts of every cell, unit, road and chief, brought up to date by what changed."""

from __future__ import annotations

from collections.abc import Mapping

import numpy as np
import pandas as pd

from gridsvc.codes import LEVELS, CodeLayout
from gridsvc.coverage.tallies import COLUMNS, SIDES, frame_of_sums
from gridsvc.duties.roads import Names
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
        if more.empty:
            return pd.DataFrame(columns=COLUMNS)
        for (indicator, kind), (subjects, sums) in self._grouped(more).items():
            place = self._places(kind, subjects.tolist())
            amounts = self._room(indicator, kind)
            np.add.at(amounts, place, sums)
            place, first = np.unique(place, return_index=True)
            some = subjects[first]
            parts.append((np.full(len(place), indicator, dtype=object), kind, some, amounts[place]))
        kinds = np.repeat(
            np.array([kind for _, kind, _, _ in parts], dtype=object), [len(p[2]) for p in parts]
        )
        indicators, subjects, sums = (np.concatenate([part[n] for part in parts]) for n in (0, 2, 3))
        return frame_of_sums(indicators, kinds, subjects, sums)

    def _grouped(self, more: pd.DataFrame) -> dict[tuple[str, str], tuple[Names, Ints]]:
        """Subjects and amounts by indicator and kind, with those of the units above cells."""
        code, pairs = pd.factorize(pd.MultiIndex.from_frame(more[KEY[:2]]))
        subjects, sums = more["subject"].to_numpy(object), more[list(SIDES)].to_numpy(np.int64)
        found = {}
        for number, (indicator, kind) in enumerate(pairs):
            rows = np.flatnonzero(code == number)
            found[str(indicator), str(kind)] = subjects[rows], sums[rows]
            if kind == "cell":
                found[str(indicator), UNIT] = self._of_units(subjects[rows], sums[rows])
        return found

    def rows(self, indicator: str, kind: str) -> pd.DataFrame:
        """All sums of an indicator for one kind of subject that are not zero (:data:`COLUMNS`)."""
        amounts = self._amounts.get((indicator, kind))
        if amounts is None:
            return pd.DataFrame(columns=COLUMNS)
        subjects = np.array(list(self._rows[kind]), dtype=object)[: len(amounts)]
        some = (amounts != 0).any(axis=1)
        return frame_of_sums(
            indicator, np.full(int(some.sum()), kind, dtype=object), subjects[some], amounts[some]
        )

    def tallies(self, indicator: str | None = None) -> pd.DataFrame:
        """What a run stores, of one indicator or of all: the sums of everything but units."""
        wanted = [key for key in self._amounts if key[1] != UNIT and indicator in (None, key[0])]
        parts = [self.rows(*key) for key in wanted]
        parts = [part for part in parts if len(part)]
        return pd.concat(parts, ignore_index=True) if parts else pd.DataFrame(columns=COLUMNS)

    def now(self, subjects: pd.DataFrame) -> pd.DataFrame:
        """The sums as they are now of some subjects (:data:`KEY`), and of the units above those that are cells."""
        return self.add(subjects.assign(**dict.fromkeys(SIDES, 0)))

    def _of_units(self, cells: Names, sums: Ints) -> tuple[Names, Ints]:
        """The amounts of cells for the units above each."""
        above = [self._above[cell] for cell in cells]
        row = np.repeat(np.arange(len(cells)), [len(units) for units in above])
        return np.array([unit for units in above for unit in units], dtype=object), sums[row]

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


def net(before: pd.DataFrame, after: pd.DataFrame) -> pd.DataFrame:
    """What tallies *after* have more than those *before* (:data:`COLUMNS`), without the zeros."""
    more: dict[tuple[str, str, str], Ints] = {}
    for frame, sign in ((before, -1), (after, 1)):
        if frame.empty:
            continue
        keys = zip(*(frame[name].tolist() for name in KEY), strict=True)
        sums = sign * frame[list(SIDES)].to_numpy(np.int64)
        for key, amounts in zip(keys, sums, strict=True):
            more[key] = more[key] + amounts if key in more else amounts
    some = {key: amounts for key, amounts in more.items() if amounts.any()}
    names = np.array(list(some), dtype=object).reshape(-1, 3)
    sums = np.array(list(some.values()), dtype=np.int64).reshape(-1, len(SIDES))
    indicators, kinds, subjects = names.T
    return frame_of_sums(indicators, kinds, subjects, sums)
