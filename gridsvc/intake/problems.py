"""What is wrong with which rows: gathered over all checks, then one quarantined row each."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass, field

import numpy as np
import numpy.typing as npt

from gridsvc.intake.delivery import Mask
from gridsvc.text import Text, bilingual

# headings under which quarantined rows are grouped
REASONS: dict[str, Text] = {
    "no_geometry": bilingual("no geometry", "没有图形"),
    "unreadable_geometry": bilingual("geometry cannot be read", "图形无法读取"),
    "coordinates": bilingual("coordinates are no numbers, or not on earth", "坐标不是有效数值或不在地球上"),
    "geometry_type": bilingual("wrong geometry type", "图形类型不符"),
    "several_points": bilingual("one feature with several points", "一个要素含多个点"),
    "split": bilingual("what was left of mixed geometries", "混合图形拆分后的剩余部分"),
    "degenerate": bilingual("geometry without length or area", "图形没有长度或面积"),
    "invalid": bilingual("polygon crosses itself in a way that has no clear area", "面自相交，面积无法确定"),
    "missing": bilingual("required value missing", "缺少必填值"),
    "value": bilingual("value not understood", "值无法识别"),
    "range": bilingual("value out of range", "值超出范围"),
    "digits": bilingual("digits lost in a spreadsheet", "数字位数在表格中已丢失"),
    "code": bilingual("not a code of this level", "编码不符合本级位数"),
    "parent": bilingual("parent unit is not in the store", "上级单元不在库中"),
    "reused": bilingual("code has ended and may not be used again", "编码已停用，不得重复使用"),
    "conflict": bilingual("same key, different content", "编号相同而内容不同"),
    "exists": bilingual("key is in the store already", "编号已在库中"),
}

# what becomes of a source row, in the order in which it is told; each row has exactly one outcome
OUTCOMES: dict[str, Text] = {
    "added": bilingual("new", "新增"),
    "changed": bilingual("changed", "变更"),
    "unchanged": bilingual("unchanged", "未变"),
    "quarantined": bilingual("in quarantine", "待处理"),
    "split": bilingual("split: stored in part", "拆分（部分入库）"),
    "left_out": bilingual("left out (no record of the layer)", "不计入（合计、说明等非本层记录）"),
    "superseded": bilingual("repeats of a row", "重复行"),
}
ENDED = bilingual("ended in the store", "库中移除")

Positions = npt.NDArray[np.intp]


@dataclass(frozen=True)
class Problem:
    """Rows that share a reason."""

    code: str
    field: str
    """Field concerned, or empty."""
    positions: Positions
    texts: Sequence[Text]
    """One sentence per row."""


@dataclass
class Problems:
    """All problems of a load; a row with any of them goes to quarantine."""

    count: int
    found: list[Problem] = field(default_factory=list)

    def add(self, code: str, positions: Positions, text: Text | Sequence[Text], field: str = "") -> None:
        """Report rows by position, with one sentence for all or one each."""
        if len(positions):
            texts = [text] * len(positions) if isinstance(text, Text) else text
            self.found.append(Problem(code, field, positions, texts))

    @property
    def mask(self) -> Mask:
        """Rows that have a problem."""
        mask = np.zeros(self.count, dtype=bool)
        for problem in self.found:
            mask[problem.positions] = True
        return mask

    def without(self, gone: Mask) -> Problems:
        """Only the problems of rows that are not *gone*."""
        kept = Problems(self.count)
        for problem in self.found:
            chosen = np.flatnonzero(~gone[problem.positions])
            texts = [problem.texts[number] for number in chosen.tolist()]
            kept.add(problem.code, problem.positions[chosen], texts, problem.field)
        return kept

    def by_row(self) -> dict[int, list[tuple[str, Text, str]]]:
        """Reason codes with sentences and the fields concerned, by position; rows in order."""
        rows: dict[int, list[tuple[str, Text, str]]] = {}
        for problem in self.found:
            for position, text in zip(problem.positions.tolist(), problem.texts, strict=True):
                rows.setdefault(position, []).append((problem.code, text, problem.field))
        return dict(sorted(rows.items()))
