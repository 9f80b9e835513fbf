"""Findings about values that offices report: those that no figure takes up."""

from __future__ import annotations

import numpy as np
import pandas as pd

from gridsvc.checks.parts import part
from gridsvc.coverage.indicators import REPORTED, load_indicators
from gridsvc.coverage.reports import spellings
from gridsvc.coverage.scene import Scene
from gridsvc.layers import fold


def lost_reports(scene: Scene) -> pd.DataFrame:
    """Reported values that name no indicator of that kind, or no unit of the scene's day."""
    rows = scene.reports
    indicators = load_indicators(scene.workspace, scene.layers).values()
    known = {name for one in indicators if one.kind == REPORTED for name in spellings(one)}
    codes = {code for layer in scene.layers.units.values() for code in scene.layer(layer.name)["code"]}
    named = rows["indicator"].map(lambda text: fold(str(text)) in known).astype(bool)
    lost = rows[~(named & rows["unit_code"].isin(codes))]
    return part(
        np.full(len(lost), "lost_report", dtype=object),
        layer=REPORTED,
        feature=lost["key"].to_numpy(object),
        target=(lost["indicator"].astype(str) + " " + lost["unit_code"].astype(str)).to_numpy(object),
    )
