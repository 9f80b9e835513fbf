"""What each unit lacks of a density or of a share of area: no feature of these fails, there is too little of them."""

from __future__ import annotations

import geopandas as gpd
import numpy as np
import pandas as pd

from gridsvc.codes import LEVELS
from gridsvc.coverage.amounts import quantities
from gridsvc.coverage.gaps import gap_frame
from gridsvc.coverage.grades import exact
from gridsvc.coverage.indicators import Indicator
from gridsvc.coverage.scene import Scene
from gridsvc.duties.roads import Names

KINDS = ("density", "area_share")


def find_shortages(scene: Scene, indicator: Indicator, tallies: pd.DataFrame) -> gpd.GeoDataFrame:
    """What each unit of every level needs more of to reach the goal, as rows of gaps; the unit is the place.

    *tallies* are the indicator's (:func:`gridsvc.coverage.tallies.tally`). What is counted one by one is needed in
    whole numbers, so what a unit needs may be less than its children's needs together.
    """
    return gap_frame(scene, indicator, [_shortages(scene, indicator, tallies)])


def has_shortages(indicator: Indicator) -> bool:
    """True for indicators that ask for enough of something, and say how much is enough."""
    return indicator.kind in KINDS and indicator.direction == "up" and indicator.goal is not None


def _shortages(scene: Scene, indicator: Indicator, tallies: pd.DataFrame) -> pd.DataFrame:
    above, below = (exact(unit) for unit in quantities(indicator))
    # whole amounts wanted for each whole amount of what they are asked for
    wanted = exact(indicator.goal or 0) / exact(indicator.factor) * below / above
    # features come one by one: in thousandths where they are weighed
    step = 1000 if indicator.features.weight else 1
    parts = []
    for units in (scene.layer(scene.layers.units[level].name) for level in LEVELS):
        codes = units["code"].to_numpy(object)
        sums = _sums(scene, tallies, codes)
        held, asked = sums["numerator"].tolist(), sums["denominator"].tolist()
        missing = [
            -((has * wanted.denominator - size * wanted.numerator) // (wanted.denominator * step)) * step
            for has, size in zip(held, asked, strict=True)
        ]
        short = np.flatnonzero([amount > 0 for amount in missing])
        parts.append(
            pd.DataFrame(
                {
                    "unit": codes[short],
                    "amounts": [str(missing[row]) for row in short],
                    "size": [float(missing[row] * above) for row in short],
                    "geometry": units.geometry.to_numpy(object)[short],
                }
            )
        )
    found = pd.concat(parts, ignore_index=True)
    return found.assign(
        gap="unit:" + found["unit"],
        kind="shortage",
        measure=_measure(indicator),
        layer=indicator.features.layer,
    )


def _sums(scene: Scene, tallies: pd.DataFrame, codes: Names) -> pd.DataFrame:
    """Numerator and denominator of units of one level."""
    cells = tallies[tallies["subject_kind"] == "cell"]
    names = scene.partition.cells.set_index("cell")["unit"]
    owner = names.reindex(cells["subject"]).astype(str).str[: len(codes[0]) if len(codes) else 0]
    sums = cells[["numerator", "denominator"]].astype(np.int64).groupby(owner.to_numpy(object)).sum()
    return sums.reindex(codes, fill_value=0)


def _measure(indicator: Indicator) -> str:
    """What the missing amount is in, as sizes of gaps are."""
    if indicator.kind == "area_share":
        return "m2"
    return indicator.features.weight or {"length": "m", "area": "m2"}.get(indicator.measure, "count")
