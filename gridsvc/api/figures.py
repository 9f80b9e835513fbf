"""Figures as the service shows them, for units, roads and chiefs alike."""

from __future__ import annotations

from typing import Any

import pandas as pd

from gridsvc.api import models
from gridsvc.api.frames import records
from gridsvc.api.view import View
from gridsvc.coverage.figures import REST, Figures
from gridsvc.coverage.indicators import Indicator
from gridsvc.coverage.tallies import SIDES
from gridsvc.store import RunRecord


def run_model(run: RunRecord | None) -> models.Run | None:
    """A run as the service shows it."""
    if run is None:
        return None
    return models.Run(id=run.id, as_of=run.as_of, created=run.created, status=run.status, label=run.label)


def figure_rows(view: View, figures: Figures | None, **choice: Any) -> list[models.Figure]:
    """Figures chosen as by ``Figures.table``; none while nothing was computed."""
    if figures is None:
        return []
    return to_models(view, figures, view.service.table(figures, view.state, **choice))


def to_models(view: View, figures: Figures, table: pd.DataFrame) -> list[models.Figure]:
    """Rows of a table of figures as the service shows them."""
    frame = table.rename(columns={f"{side}_int": f"{side}_exact" for side in SIDES})
    frame = frame.drop(columns=["reason_en", "reason_zh"]).assign(
        title=table["indicator"].map({name: view.say(one.title) for name, one in _definitions(view)}),
        name=_names(view, figures, table),
        reason=table[f"reason_{view.lang}"],
        loaded=~table["indicator"].isin([one.id for one in figures.left_out]),
    )
    for name in ("grade", "level", "reason"):
        frame[name] = frame[name].mask(frame[name] == "")
    run, as_of = figures.run.id, figures.run.as_of
    return [models.Figure(**record, run=run, as_of=as_of) for record in records(frame)]


def _definitions(view: View) -> list[tuple[str, Indicator]]:
    return list(view.service.indicators.items())


def _names(view: View, figures: Figures, table: pd.DataFrame) -> pd.Series[Any]:
    """Names of the subjects; remainders are called what they are in the language of the answer."""
    rest = table["subject"].astype(str).str.endswith("*")
    if not rest.any():
        return table["name"]
    units = figures.units.set_index("code")["name"]
    owners = table["subject"].astype(str).str.rstrip("*").map(units)
    called = ("" if name is None else view.say(REST).format(name=name) for name in owners)
    return pd.Series(list(called), index=table.index).where(rest, table["name"])
