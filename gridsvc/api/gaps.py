"""Gaps: the geometry that keeps indicators from their goals, worst first."""

from __future__ import annotations

from typing import Annotated, Any

import geopandas
import pandas as pd
from fastapi import Query, Response

from gridsvc.api import geojson
from gridsvc.api.figures import run_model
from gridsvc.api.frames import records
from gridsvc.api.parameters import known_indicator
from gridsvc.api.view import GEOJSON, View
from gridsvc.coverage.figures import Figures

IndicatorParameter = Annotated[
    str | None, Query(alias="indicator", description="Id of an indicator; all when not given")
]
RunParameter = Annotated[
    int | None, Query(alias="run", ge=1, description="Number of a run; the newest when not given")
]
INTERNAL = {"fid", "geometry"}


def gaps_reply(
    view: View, figures: Figures | None, about: str, path: str, indicator: str | None, **choice: Any
) -> Response:
    """Gaps chosen as by ``Figures.gaps``, as GeoJSON or as a page about the subject called *about*."""
    known_indicator(view, indicator)
    found = None if figures is None else figures.gaps(indicator=indicator, **choice)
    run = run_model(figures.run if figures else None)
    links = view.self_links(GEOJSON)
    rows = [] if found is None else _properties(found)
    if view.form == "html":
        titles = {name: view.say(one.title) for name, one in view.service.indicators.items()}
        units = {name: one.unit for name, one in view.service.indicators.items()}
        return view.page(
            "gaps.html", about=about, path=path, rows=rows, run=run, titles=titles, units=units, links=links
        )
    shapes = [] if found is None else geojson.geometries(found.geometry.to_numpy())
    features = [
        geojson.feature(f"{row['indicator']}/{row['gap']}", shape, row)
        for row, shape in zip(rows, shapes, strict=True)
    ]
    more = {"run": run.model_dump() if run else None}
    return view.text(geojson.collection(features, len(features), links, more), GEOJSON)


def _properties(found: geopandas.GeoDataFrame) -> list[dict[str, Any]]:
    """Everything known of each gap; the chiefs and officers as lists, days as YYYY-MM-DD."""
    columns = [name for name in found.columns if name not in INTERNAL]
    table = pd.DataFrame(found[columns]).assign(since=found["since"].dt.strftime("%Y-%m-%d"))
    return [row | {who: (row[who] or "").split() for who in ("chiefs", "officers")} for row in records(table)]
