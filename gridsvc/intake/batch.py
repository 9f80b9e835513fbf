"""The deliveries of one load together: checks that need all rows, and what becomes of each of them."""

from __future__ import annotations

import json
from collections.abc import Sequence
from functools import cached_property
from typing import Any

import numpy as np
import pandas as pd
import shapely

from gridsvc.codes import LEVELS
from gridsvc.intake import keys
from gridsvc.intake.context import Surroundings
from gridsvc.intake.current import current_keys
from gridsvc.intake.delivery import Mask, Objects
from gridsvc.intake.prepare import Prepared
from gridsvc.intake.problems import Problems
from gridsvc.intake.report import RowReport
from gridsvc.intake.through_time import check_dates, check_reuse
from gridsvc.layers import Layer, Layers
from gridsvc.settings import Workspace
from gridsvc.store import Store
from gridsvc.text import Text, bilingual

Raw = dict[str, str | None]


class Batch:
    """Prepared deliveries as one; rows are by position over all of them."""

    def __init__(self, parts: list[Prepared], layer: Layer, aside: Sequence[RowReport] = ()) -> None:
        """Join *parts* for *layer*; rows *aside* are told as left out beside those of the parts."""
        self.parts = parts
        self.layer = layer
        self.aside = list(aside)
        self.starts = np.cumsum([0, *(len(part.frame) for part in parts)])
        frames = [part.frame for part in parts]
        self.frame = frames[0] if len(frames) == 1 else pd.concat(frames, ignore_index=True)
        self.rows = np.concatenate([part.delivery.rows for part in parts])
        self.problems = Problems(len(self.frame))
        for start, part in zip(self.starts.tolist(), parts, strict=False):
            for problem in part.problems.found:
                self.problems.add(problem.code, problem.positions + start, problem.texts, problem.field)
        self.keys = keys.make_keys(layer, self.frame)
        self.superseded = np.zeros(len(self.frame), dtype=bool)
        self.beyond = np.zeros(len(self.frame), dtype=bool)
        self.within = np.zeros(len(self.frame), dtype=bool)

    @property
    def accepted(self) -> Mask:
        """Rows that go into the store."""
        return ~(self.problems.mask | self.superseded | self.beyond | self.within)

    @property
    def left_out(self) -> int:
        """Number of source rows that were no records."""
        return len(self.aside) + sum(len(part.delivery.left_out) for part in self.parts)

    def keep_beside(self, around: Surroundings) -> None:
        """Leave out what is no feature of a near neighbour, whatever else may be wrong with it."""
        shapes = self.frame["geometry"].to_numpy(dtype=object)
        placed = np.flatnonzero(~shapely.is_missing(shapes))
        self.beyond[placed] = around.far(shapes[placed])
        self.within[placed] = around.own(shapes[placed])
        self.problems = self.problems.without(self.beyond | self.within)

    def check(
        self, store: Store, layers: Layers, workspace: Workspace, mode: str, *, context: bool = False
    ) -> None:
        """Checks over all rows: keys, unit codes and parents, repeats, keys that the store has.

        Raises :class:`InputRefusedError` when no row has a code of the layer's level, or none has a parent.
        """
        unkeyed = np.flatnonzero((self.keys == "") & self.accepted)
        names = " + ".join(self.layer.key)
        text = bilingual(f"the row has no key ({names})", f"该行没有编号（{names}）")
        self.problems.add("missing", unkeyed, text)
        if self.layer.role == "unit":
            self._check_units(store, layers, workspace)
        same, different, first = keys.repeats(self.frame, self.keys, np.flatnonzero(self.accepted))
        self.superseded[same] = True
        conflicts = [self._conflict(row, origin) for row, origin in zip(different, first, strict=True)]
        self.problems.add("conflict", different, conflicts)
        if mode == "append":
            known = current_keys(store, self.layer, context=context)
            left = np.flatnonzero(self.accepted)
            again = left[[key in known for key in self.keys[left].tolist()]]
            text = bilingual(
                "its key is in the store already; use --mode upsert to change it",
                "编号已在库中；更新请用 --mode upsert",
            )
            self.problems.add("exists", again, text)

    def _check_units(self, store: Store, layers: Layers, workspace: Workspace) -> None:
        level = LEVELS.index(str(self.layer.level))
        parent = layers.units[LEVELS[level - 1]] if level else None
        keys.check_codes(
            self.layer,
            workspace.county.layout,
            self.keys,
            np.flatnonzero(~self.problems.mask),
            current_keys(store, parent) if parent else None,
            parent.name if parent else "",
            self.problems,
        )
        check_dates(self.frame, np.flatnonzero(self.accepted), self.problems)
        check_reuse(store, self.layer, self.frame, self.keys, np.flatnonzero(self.accepted), self.problems)

    def _conflict(self, row: int, first: int) -> Text:
        key = str(self.keys[row])
        file, number = self._where(first)
        other = f"{file} " if len(self.parts) > 1 else ""
        return bilingual(
            f"key {key!r} stands in {other}row {number} already, with other content",
            f"编号“{key}”与{other}第 {number} 行重复，内容不同",
        )

    def _part(self, position: int) -> int:
        return int(np.searchsorted(self.starts, position, side="right")) - 1

    def _where(self, position: int) -> tuple[str, int]:
        """File and row number of a position."""
        return self.parts[self._part(position)].delivery.name, int(self.rows[position])

    def stored_frame(self) -> pd.DataFrame:
        """The accepted rows as the store takes them: fields, ``geometry``, ``key``, ``source_row``."""
        chosen = np.flatnonzero(self.accepted)
        frame = self.frame.iloc[chosen].reset_index(drop=True)
        frame["key"] = pd.Series(self.keys[chosen], dtype=object)
        frame["source_row"] = self.rows[chosen]
        return frame

    def _raw(self, positions: Sequence[int]) -> list[Raw]:
        """Rows as they were delivered (positions ascending); with several files also which one."""
        records: list[Raw] = []
        wanted = np.asarray(positions, dtype=np.intp)
        for start, end, part in zip(self.starts[:-1], self.starts[1:], self.parts, strict=True):
            here = wanted[(wanted >= start) & (wanted < end)] - start
            columns = part.delivery.columns
            cells = [column.cells(here) for column in columns.values()]
            rows = zip(*cells, strict=True) if cells else [()] * len(here)
            file: Raw = {"#file": part.delivery.name} if len(self.parts) > 1 else {}
            records += [{**file, **dict(zip(columns, row, strict=True))} for row in rows]
        return records

    def let_go(self) -> None:
        """Give up what was delivered, once all that is told of it is told: it takes as much memory as the rows."""
        for part in self.parts:
            part.delivery.columns = {}
            part.delivery.geometry = None

    def quarantined(self) -> list[RowReport]:
        """Rows that could not be accepted, with all their reasons."""
        by_row = self.problems.by_row()
        return [
            RowReport(
                *self._where(position),
                "quarantined",
                str(self.keys[position]),
                [code for code, _, _ in found],
                bilingual("; ".join(t.en for _, t, _ in found), "；".join(t.zh for _, t, _ in found)),
                raw,
                self._at_fault(position, found),
            )
            for (position, found), raw in zip(by_row.items(), self._raw(list(by_row)), strict=True)
        ]

    @cached_property
    def splits(self) -> dict[int, tuple[Any, Text]]:
        """Accepted rows of whose shape a part was taken only: the rest of it in lon/lat, and what to say."""
        accepted = self.accepted
        return {
            position + start: (rest, text)
            for start, part in zip(self.starts.tolist(), self.parts, strict=False)
            if part.placed is not None
            for position, rest, text in zip(
                part.placed.split.positions.tolist(),
                part.placed.split.rest,
                part.placed.split.texts,
                strict=True,
            )
            if accepted[position + start]
        }

    def split_rows(self) -> list[RowReport]:
        """Rows of which a part was stored and the rest waits."""
        texts = [text for _, text in self.splits.values()]
        return self._told("split", list(self.splits), texts, ["split"])

    def _at_fault(self, position: int, found: Sequence[tuple[str, Text, str]]) -> list[str]:
        """The delivered columns that the reasons of a row are about."""
        mapping = self.parts[self._part(position)].mapping
        keyed = {"missing", "conflict", "exists", "reused"}
        names = [
            name
            for code, _, field in found
            for name in ([field] if field else self.layer.key if code in keyed else [])
        ]
        return list(dict.fromkeys(mapping[name] for name in names if name in mapping))

    def quarantine_frame(self, rows: Sequence[RowReport]) -> pd.DataFrame:
        """The quarantined and split *rows* as the store keeps them; geometry as lon/lat WKB where it has a place."""
        shapes: Objects = np.full(len(rows), None, dtype=object)
        if "geometry" in self.frame:
            chosen = self.frame["geometry"].to_numpy(dtype=object)[self.problems.mask].tolist()
            shapes[:] = [*chosen, *(rest for rest, _ in self.splits.values())]
            shapes = np.asarray(shapely.to_wkb(shapes, byte_order=1), dtype=object)
        # a second row under one number waits under one of its own
        numbers = pd.Series([row.number for row in rows], dtype=object)
        origins = numbers.where(~numbers.duplicated(), None)
        return pd.DataFrame(
            {
                "source_row": [row.row for row in rows],
                "reason": [row.reasons[0] for row in rows],
                "reason_en": [row.text.en for row in rows],
                "reason_zh": [row.text.zh for row in rows],
                "raw": [json.dumps(row.raw, ensure_ascii=False) for row in rows],
                "geometry": pd.Series(shapes, dtype=object),
                "file": [row.file for row in rows],
                "key": [row.key for row in rows],
                "columns": [json.dumps(row.columns, ensure_ascii=False) for row in rows],
                "origin": origins,
            }
        )

    def others(self) -> list[RowReport]:
        """Rows left out, repeated, and repaired ones that were accepted."""
        rows = self.aside + [
            RowReport(
                part.delivery.name,
                left.row,
                "left_out",
                "",
                [],
                bilingual(f"no record: {left.text}", f"不是数据行：{left.text}"),
                {},
            )
            for part in self.parts
            for left in part.delivery.left_out
        ]
        repeated = np.flatnonzero(self.superseded).tolist()
        repeats = bilingual("repeats an earlier row exactly", "与前面的行完全相同")
        rows += self._told("superseded", repeated, [repeats] * len(repeated))
        repairs = self.repairs()
        rows += self._told("repaired", list(repairs), [_mended(share) for share in repairs.values()])
        return rows

    def _told(
        self, outcome: str, positions: list[int], texts: list[Text], reasons: Sequence[str] = ()
    ) -> list[RowReport]:
        return [
            RowReport(*self._where(position), outcome, str(self.keys[position]), list(reasons), text, raw)
            for position, text, raw in zip(positions, texts, self._raw(positions), strict=True)
        ]

    def repairs(self) -> dict[int, float]:
        """Accepted rows whose polygon was repaired, with the share of the area that is in doubt."""
        accepted = self.accepted
        return {
            position + start: share
            for start, part in zip(self.starts.tolist(), self.parts, strict=False)
            if part.placed is not None
            for position, share in zip(
                part.placed.repair.positions.tolist(), part.placed.repair.change, strict=True
            )
            if accepted[position + start]
        }

    def warnings(self) -> list[Text]:
        """What is worth telling about the files, with their names where there are several."""
        told = [
            text
            if len(self.parts) == 1
            else bilingual(f"{part.delivery.name}: {text.en}", f"{part.delivery.name}：{text.zh}")
            for part in self.parts
            for text in part.warnings
        ]
        repaired = list(self.repairs())
        if repaired:
            shown = ", ".join(str(row) for row in self.rows[repaired[:10]].tolist())
            more = " …" if len(repaired) > 10 else ""
            told.append(
                bilingual(
                    f"{len(repaired)} polygons crossed themselves and were repaired: rows {shown}{more}",
                    f"{len(repaired)} 个面自相交，已修复：第 {shown}{more} 行",
                )
            )
        return told


def _mended(share: float) -> Text:
    return bilingual(
        f"the polygon crossed itself and was repaired; its area is certain to {share:.2%}",
        f"面自相交，已修复；面积误差不超过 {share:.2%}",
    )
