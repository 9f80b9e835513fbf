"""A figure taken apart: what it counts, what makes it count, where the data comes from."""

from __future__ import annotations

from typing import Annotated, Any

import pandas as pd
from fastapi import APIRouter, Depends, Query, Response

from gridsvc.api import models
from gridsvc.api.figures import run_model, to_models
from gridsvc.api.frames import records
from gridsvc.api.indicators import indicator_model
from gridsvc.api.parameters import PageView, RunParameter, known_indicator, no_such, strict
from gridsvc.api.view import PAGE, View
from gridsvc.coverage.explain import Explanation, Subject
from gridsvc.coverage.tallies import SIDES
from gridsvc.duties.people import People
from gridsvc.errors import NotFoundError, UsageError

router = APIRouter(tags=["figures"], dependencies=[Depends(strict)])


def whose(
    unit: Annotated[
        str | None, Query(description="Code of a unit; with * what lies in none of its units")
    ] = None,
    chief: Annotated[str | None, Query(description="Id of a road chief")] = None,
    road: Annotated[str | None, Query(description="Code of a road")] = None,
) -> Subject:
    """Whose figure is asked for: exactly one."""
    asked = [Subject(kind, code) for kind, code in (("unit", unit), ("chief", chief), ("road", road)) if code]
    if len(asked) != 1:
        raise UsageError(
            "whose figure? give one of unit, chief and road", "请指明一个对象：unit、chief 或 road"
        )
    return asked[0]


@router.get("/explain", response_model=models.Explanation, responses=PAGE, summary="What a figure is made of")
def explain(
    view: PageView,
    indicator: Annotated[str, Query(description="Id of an indicator")],
    subject: Annotated[Subject, Depends(whose)],
    run: RunParameter = None,
) -> Response:
    """A figure's definition, every fact above and below the line, and the loads it rests on.

    It is measured anew from the layers as they were when the run was computed: that takes a few seconds.
    """
    known_indicator(view, indicator)
    with view.service.store() as store, store.snapshot():
        figures = view.service.figures_of(store, run)
        if figures is None:
            raise UsageError("nothing is computed yet", "尚未计算")
        if subject.kind == "chief" and subject.code not in set(People.open(store).chiefs["chief_id"]):
            raise no_such("chief", subject.code)
        try:
            found = view.service.explain(figures, indicator, subject)
        except NotFoundError as error:
            raise UsageError(error.text.en, error.text.zh) from error
        model = _model(view, found)
    titles = {name: view.say(layer.title) for name, layer in view.service.layers.items()}
    return view.reply(model, "explain.html", titles=titles)


def _model(view: View, found: Explanation) -> models.Explanation:
    """An explanation as the service shows it."""
    run = run_model(found.figures.run)
    (figure,) = to_models(view, found.figures, pd.DataFrame([found.figure]))
    sums = [
        models.Sum(
            side=side, listed=found.listed[side], stored=found.stored[side], per_whole=found.per_whole[side]
        )
        for side in SIDES
    ]
    content: dict[str, Any] = {
        "run": run,
        "indicator": indicator_model(view, found.indicator),
        "figure": figure,
        "adds_up": found.adds_up,
        "changed": [view.say(text) for text in found.why or found.changed],
        "sums": sums,
        "links": view.self_links(),
    }
    tables = {name: getattr(found, name) for name in ("behind", "exemptions", "sources")}
    content |= {name: records(_days(table)) for name, table in {"facts": found.rows, **tables}.items()}
    return models.Explanation(**content)


def _days(table: pd.DataFrame) -> pd.DataFrame:
    """Dates as YYYY-MM-DD."""
    dates = table.select_dtypes("datetime").columns
    return table.assign(**{name: table[name].dt.strftime("%Y-%m-%d") for name in dates})
