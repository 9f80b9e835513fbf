"""The page of figures: any level, any unit, any chief; as JSON, page, CSV or GeoJSON."""

from __future__ import annotations

from typing import Annotated, Any, Literal

import pandas as pd
from fastapi import APIRouter, Depends, Query, Response

from gridsvc.api import geojson, models
from gridsvc.api.figures import run_model, to_models
from gridsvc.api.parameters import CoverageView, Offset, known_indicator, no_such, strict
from gridsvc.api.view import CSV, GEOJSON, HTML, View
from gridsvc.coverage.figures import Figures
from gridsvc.duties.people import People
from gridsvc.errors import NotFoundError, UsageError

router = APIRouter(tags=["figures"], dependencies=[Depends(strict)])

Level = Literal["county", "district", "community", "grid", "road"]
SORTABLE = ("indicator", "level", "subject", "name", "value", "numerator", "denominator", "grade", "goal")


def choice(
    view: CoverageView,
    level: Annotated[
        Level | None, Query(description="Units of this level (or roads); county when nothing is asked")
    ] = None,
    unit: Annotated[
        str | None, Query(description="Code of a unit: that unit, or with a level those under it")
    ] = None,
    indicator: Annotated[str | None, Query(description="Id of an indicator; all when not given")] = None,
    chief: Annotated[str | None, Query(description="Id of a road chief: figures of that chief")] = None,
) -> dict[str, Any]:
    """What figures are asked for, in the words of ``Figures.table``."""
    # a form sends what was not chosen as an empty text
    unit, indicator, chief = unit or None, indicator or None, chief or None
    if chief is not None and (level is not None or unit is not None):
        raise UsageError("chief goes without level and unit", "chief 不能与 level、unit 同时使用")
    if level == "road" and unit is not None:
        raise UsageError(
            "roads cross units: level=road goes without unit", "道路跨单元：level=road 不能与 unit 同时使用"
        )
    known_indicator(view, indicator)
    if level is None and unit is None and chief is None:
        level = "county"
    return {"level": level, "unit": unit, "indicator": indicator, "chief": chief}


def run_number(
    run: Annotated[int | None, Query(ge=1, description="Number of a run; the newest when not given")] = None,
) -> int | None:
    """The run that figures are asked of."""
    return run


def order(
    sort: Annotated[
        str | None,
        Query(description=f"Order, by one or more of {', '.join(SORTABLE)}; a minus in front turns it round"),
    ] = None,
) -> list[tuple[str, bool]]:
    """Columns to sort by, each with True for ascending."""
    keys = [(part.removeprefix("-"), not part.startswith("-")) for part in (sort or "").split(",") if part]
    for name, _ in keys:
        if name not in SORTABLE:
            raise no_such("sort", name, SORTABLE)
    return keys


def count(
    limit: Annotated[int | None, Query(ge=1, description="How many figures; all when not given")] = None,
) -> int | None:
    """Figures on a page."""
    return limit


def sort_text(keys: list[tuple[str, bool]]) -> str:
    """The parameter that gives *keys*."""
    return ",".join(name if ascending else f"-{name}" for name, ascending in keys)


@router.get(
    "/coverage",
    response_model=models.Coverage,
    responses={200: {"content": {HTML: {}, CSV: {}, GEOJSON: {}}}},
    summary="Figures",
)
def coverage(
    view: CoverageView,
    chosen: Annotated[dict[str, Any], Depends(choice)],
    run: Annotated[int | None, Depends(run_number)],
    keys: Annotated[list[tuple[str, bool]], Depends(order)],
    limit: Annotated[int | None, Depends(count)],
    offset: Offset,
) -> Response:
    """Figures with numerator, denominator, grade and goal, as JSON, page, CSV or GeoJSON."""
    if view.form == "geojson" and (
        chosen["indicator"] is None or chosen["chief"] or chosen["level"] == "road"
    ):
        raise UsageError(
            "GeoJSON holds one indicator of units: give indicator, and level or unit",
            "GeoJSON 只能包含各级单元的一个指标：请给出 indicator，以及 level 或 unit",
        )
    with view.service.store() as store, store.snapshot():
        figures = view.service.figures_of(store, run)
        if chosen["chief"] is not None and chosen["chief"] not in set(People.open(store).chiefs["chief_id"]):
            raise no_such("chief", chosen["chief"])
        table = pd.DataFrame() if figures is None else sorted_by(_table(view, figures, chosen), keys)
        page = table.iloc[offset : None if limit is None else offset + limit]
        rows = [] if figures is None else to_models(view, figures, page)
        if view.form == "geojson":
            return _geojson(view, figures, rows, len(table))
    if view.form == "csv":
        # a cell holds one value: the county's own goal
        names = [name for name in models.Figure.model_fields if name != "goals"]
        return view.csv("coverage", names, ([getattr(row, name) for name in names] for row in rows))
    model = models.Coverage(
        run=run_model(figures.run if figures else None),
        numberMatched=len(table),
        numberReturned=len(rows),
        figures=rows,
        links=_links(view),
    )
    return view.reply(
        model, "coverage.html", chosen=chosen, indicators=view.service.indicators, sort=sort_text(keys)
    )


def _table(view: View, figures: Figures, chosen: dict[str, Any]) -> pd.DataFrame:
    """The figures asked for; units and chiefs that do not exist are a bad request."""
    words = dict(chosen)
    if words["level"] == "road":
        words |= {"level": None, "roads": True}
    try:
        return view.service.table(figures, view.state, **words)
    except NotFoundError as error:
        raise UsageError(error.text.en, error.text.zh) from error


def sorted_by(table: pd.DataFrame, keys: list[tuple[str, bool]]) -> pd.DataFrame:
    """*table* in the order of *keys*; rows without a value come last, equal ones stay as they were."""
    if keys and not table.empty:
        names, ascending = [name for name, _ in keys], [up for _, up in keys]
        table = table.sort_values(
            names,
            ascending=ascending,
            na_position="last",
            kind="stable",
            key=lambda column: column.mask(column == ""),
        )
    return table.reset_index(drop=True)


def _links(view: View) -> list[models.Link]:
    """The page in all its forms."""
    others = (("csv", CSV), ("geojson", GEOJSON))
    return view.self_links() + [
        models.Link(href=view.here(format=form), rel="alternate", type=main, title=form.upper())
        for form, main in others
    ]


def _geojson(view: View, figures: Figures | None, rows: list[models.Figure], matched: int) -> Response:
    """Figures of one indicator with the shapes of their units."""
    shapes: dict[str, str] = {}
    if figures is not None:
        # rows of remainders (code and star) have no shape of their own
        for level in sorted({str(row.level) for row in rows}):
            frame = figures.unit_shapes(level)
            shapes |= dict(zip(frame["code"], geojson.geometries(frame.geometry.to_numpy()), strict=True))
    features = [
        geojson.feature(row.subject, shapes.get(row.subject, "null"), row.model_dump()) for row in rows
    ]
    run = run_model(figures.run if figures else None)
    more = {"run": run.model_dump() if run else None}
    return view.text(geojson.collection(features, matched, view.self_links(GEOJSON), more), GEOJSON)
