"""Findings about values: what the layers' definitions do not allow, and how much of what is graded is unknown.

Loads hold every row against the definitions of their day; definitions change, so the store is held against those
of today.
"""

from __future__ import annotations

from collections.abc import Iterator

import numpy as np
import pandas as pd

from gridsvc.checks.parts import part, places
from gridsvc.coverage.scene import Rows, Scene
from gridsvc.layers import Field, Layer
from gridsvc.text import Text, bilingual

# tables whose rows are seen on a day, and the field that says which
SEEN = {"observations": "observed_on"}


def field_findings(scene: Scene) -> Iterator[pd.DataFrame]:
    """What the definitions do not allow, row by row, and the share of unknown values, field by field."""
    counts = scene.store.counts()
    for layer in scene.layers.values():
        if not counts[layer.name]:
            continue
        for name, field in layer.fields.items():
            yield from _faults(scene, layer, name, field)
        yield _future(scene, layer)
        yield _backward(scene, layer)
        yield from unknown_shares(scene, layer)


def _faults(scene: Scene, layer: Layer, name: str, field: Field) -> Iterator[pd.DataFrame]:
    """Values of one field that are missing, not allowed, or out of range."""
    values = scene.layer(layer.name)[name]
    known = values.notna().to_numpy(bool)
    if field.required:
        yield _found(scene, layer, ~known, "missing_value", field, "no value", "无值")
    if field.values:
        odd = known & ~values.isin([value.value for value in field.values]).to_numpy(bool)
        yield _found(
            scene, layer, odd, "not_allowed", field, "{} is not one of its values", "取值 {} 不允许", name
        )
    if field.minimum is not None or field.maximum is not None:
        numbers = pd.to_numeric(values).to_numpy(dtype=float, na_value=np.nan)
        low = -np.inf if field.minimum is None else field.minimum
        high = np.inf if field.maximum is None else field.maximum
        for outside, bound, en, zh in (
            (numbers < low, low, "below", "小于"),
            (numbers > high, high, "above", "大于"),
        ):
            told = (f"{{}} is {en} {bound:g}", f"{{}} {zh} {bound:g}")
            yield _found(scene, layer, outside, "out_of_range", field, *told, name)


def _future(scene: Scene, layer: Layer) -> pd.DataFrame:
    """What was seen on a day that had not come when the layer was last loaded, nor on the day of the check."""
    name = SEEN.get(layer.name, layer.observed_on)
    if name not in layer.fields:
        return part([])
    last = max((record.finished[:10] for record in scene.store.loads(layer.name)), default="")
    # loads are dated in universal time, which is a day behind in China at night
    latest = max(pd.Timestamp(scene.as_of), pd.Timestamp(last) + pd.Timedelta(days=1))
    later = (scene.layer(layer.name)[name] > latest).to_numpy(bool)
    field = layer.fields[name]
    return _found(scene, layer, later, "future_date", field, "{} is still to come", "{} 尚未到来", name)


def _backward(scene: Scene, layer: Layer) -> pd.DataFrame:
    """Rows that are valid to a day before the one from which they are."""
    if not {"date_from", "date_to"} <= set(layer.fields):
        return part([])
    frame = scene.layer(layer.name)
    wrong = (frame["date_from"] > frame["date_to"]).to_numpy(bool)
    days = frame["date_from"].dt.strftime("%Y-%m-%d") + " – " + frame["date_to"].dt.strftime("%Y-%m-%d")
    keys = frame["key"].to_numpy(object)[wrong]
    return part(
        np.full(len(keys), "backward_dates", dtype=object),
        layer=layer.name,
        feature=keys,
        target="date_to",
        what_en=days[wrong].to_numpy(object),
        what_zh=days[wrong].to_numpy(object),
    )


def _found(
    scene: Scene, layer: Layer, wrong: Rows, kind: str, field: Field, en: str, zh: str, name: str = ""
) -> pd.DataFrame:
    """Rows with a wrong value in *field*; ``{}`` in the sentences stands for the value of column *name*."""
    frame = scene.layer(layer.name)
    rows = np.flatnonzero(wrong)
    shapes = frame.geometry.to_numpy()[rows] if layer.geometry else np.full(len(rows), None, dtype=object)
    told = [_plain(value) for value in frame[name].iloc[rows]] if name else [""] * len(rows)
    target = next(key for key, one in layer.fields.items() if one is field)
    return part(
        np.full(len(rows), kind, dtype=object),
        layer=layer.name,
        feature=frame["key"].to_numpy(object)[rows],
        target=target,
        what_en=[f"{field.title.en}: {en.format(value)}" for value in told],
        what_zh=[f"{field.title.zh}：{zh.format(value)}" for value in told],
        shape=places(shapes),
    )


def _plain(value: object) -> str:
    """A value as it stands in a sentence."""
    if isinstance(value, pd.Timestamp):
        return value.strftime("%Y-%m-%d")
    return f"{value:g}" if isinstance(value, float) else str(value)


def unknown_shares(scene: Scene, layer: Layer) -> Iterator[pd.DataFrame]:
    """A note for each graded field that has rows without a value: figures leave these out as unknown."""
    frame = scene.layer(layer.name)
    for name, field in layer.fields.items():
        missing = int(frame[name].isna().sum()) if field.graded else 0
        if missing:
            told = share_text(field, missing, len(frame))
            yield part(
                "unknown_values",
                layer=layer.name,
                target=name,
                size=[float(missing)],
                what_en=told.en,
                what_zh=told.zh,
            )


def share_text(field: Field, missing: int, total: int) -> Text:
    """How much of a graded field is not known."""
    share = f"{100 * missing / total:.1f} %"
    # neither everything nor nothing unless it is
    share = "< 0.1 %" if share == "0.0 %" else "> 99.9 %" if share == "100.0 %" and missing < total else share
    return bilingual(
        f"{field.title.en} is not known for {missing:,} of {total:,} ({share})",
        f"{field.title.zh}未知 {missing:,} / {total:,}（{share}）",
    )
