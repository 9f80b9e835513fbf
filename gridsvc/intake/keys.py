"""Keys: what makes a feature the same feature; repeats of one key within a delivery; unit codes and parents."""

from __future__ import annotations

from collections.abc import Collection

import numpy as np
import numpy.typing as npt
import pandas as pd
import shapely

from gridsvc.codes import LEVELS, CodeLayout
from gridsvc.errors import InputRefusedError
from gridsvc.intake.delivery import Mask, Objects
from gridsvc.intake.problems import Positions, Problems
from gridsvc.layers import Layer
from gridsvc.text import bilingual

SEPARATOR = "|"


def make_keys(layer: Layer, frame: pd.DataFrame) -> Objects:
    """Key of every row: the key field's text, or the texts of several joined by ``|``; empty where all are."""
    parts = [_texts(frame[name]) for name in layer.key]
    keys = np.empty(len(frame), dtype=object)
    if len(parts) == 1:
        keys[:] = parts[0]
        return keys
    joined = [
        SEPARATOR.join(part.replace("\\", "\\\\").replace(SEPARATOR, "\\" + SEPARATOR) for part in row)
        for row in zip(*parts, strict=True)
    ]
    blank = SEPARATOR * (len(parts) - 1)
    keys[:] = ["" if key == blank else key for key in joined]
    return keys


def _texts(series: pd.Series) -> list[str]:
    """One key field as text: whole numbers without a point, days as ISO, nothing as the empty text."""
    missing = series.isna().to_numpy()
    if pd.api.types.is_datetime64_any_dtype(series.dtype):
        values = series.dt.strftime("%Y-%m-%d").tolist()
    elif pd.api.types.is_float_dtype(series.dtype):
        values = [f"{value:.15g}" for value in series.tolist()]
    else:
        values = series.tolist()
    return ["" if gone else str(value) for value, gone in zip(values, missing, strict=True)]


def repeats(
    frame: pd.DataFrame, keys: Objects, candidates: Positions
) -> tuple[Positions, Positions, Positions]:
    """Rows among *candidates* that repeat an earlier key: (identical ones, different ones, the first of the latter).

    Identical means every field and the geometry, to the last bit.
    """
    chosen = keys[candidates]
    codes, _ = pd.factorize(chosen)
    first = np.full(codes.max(initial=-1) + 1, -1, dtype=np.intp)
    # written backwards, so that the earliest row of each key stays
    first[codes[::-1]] = candidates[::-1]
    origin = first[codes]
    again = origin != candidates
    later, earlier = candidates[again], origin[again]
    same = np.ones(len(later), dtype=bool)
    for name in frame.columns:
        if name == "geometry":
            same &= _same_shapes(frame[name].to_numpy(), later, earlier)
        else:
            codes, _ = pd.factorize(frame[name])
            same &= codes[later] == codes[earlier]
    return later[same], later[~same], earlier[~same]


def _same_shapes(shapes: npt.NDArray[np.object_], later: Positions, earlier: Positions) -> Mask:
    return np.asarray(shapely.to_wkb(shapes[later]) == shapely.to_wkb(shapes[earlier]), dtype=bool)


def check_codes(
    layer: Layer,
    layout: CodeLayout,
    codes: Objects,
    candidates: Positions,
    parents: Collection[str] | None,
    parent_layer: str,
    problems: Problems,
) -> None:
    """Report codes of a unit layer that have the wrong length or no parent in the store.

    *parents* are the codes of the parent layer, None for counties, which need none.
    Raises :class:`InputRefusedError` when that concerns every row.
    """
    level = str(layer.level)
    wanted = layout.lengths[level]
    level_of = np.array([layout.level(str(code)) for code in codes[candidates]], dtype=object)
    wrong = candidates[level_of != level]
    shown = "+".join(str(width) for width in layout.widths[: LEVELS.index(level) + 1])
    if len(candidates) and len(wrong) == len(candidates):
        raise InputRefusedError(
            f"{layer.name}: none of the codes has {wanted} digits ({shown}), for instance {codes[wrong[0]]!r}; "
            "check which column holds the codes, or code_layout in county.toml",
            f"{layer.name}：没有一个编码是 {wanted} 位数字（{shown}），例如 {codes[wrong[0]]!r}；"
            "请检查编码所在的列，或 county.toml 中的 code_layout",
        )
    problems.add(
        "code",
        wrong,
        [
            bilingual(
                f"code {code!r} does not have {wanted} digits ({shown})",
                f"编码 {code!r} 不是 {wanted} 位数字（{shown}）",
            )
            for code in codes[wrong]
        ],
        layer.key[0],
    )
    if parents is None:
        return
    right = candidates[level_of == level]
    needed = np.array([layout.parent(str(code)) for code in codes[right]], dtype=object)
    orphan = ~pd.Index(needed, dtype=object).isin(list(parents))
    if len(right) and orphan.all():
        raise InputRefusedError(
            f"{layer.name}: none of the {len(right)} codes has its parent in {parent_layer} "
            f"({codes[right[0]]} needs {needed[0]}); load {parent_layer} first, or check the codes",
            f"{layer.name}：{len(right)} 个编码在 {parent_layer} 中都找不到上级"
            f"（{codes[right[0]]} 的上级应为 {needed[0]}）；请先入库 {parent_layer}，或检查编码",
        )
    problems.add(
        "parent",
        right[orphan],
        [
            bilingual(
                f"{code}: its parent {parent} is not in {parent_layer}",
                f"{code}：上级 {parent} 不在 {parent_layer} 中",
            )
            for code, parent in zip(codes[right[orphan]], needed[orphan], strict=True)
        ],
        layer.key[0],
    )
