"""One unit: where it stands in the hierarchy, who answers for it, how it does."""

from __future__ import annotations

import datetime as dt
from typing import Annotated

import pandas as pd
from fastapi import APIRouter, Depends, Path, Response

from gridsvc.api import models
from gridsvc.api.features import GeoJSONResponse
from gridsvc.api.figures import figure_rows, run_model
from gridsvc.api.gaps import IndicatorParameter, gaps_reply
from gridsvc.api.parameters import PageView, RunParameter, strict
from gridsvc.api.people import text_or_none
from gridsvc.api.service import Service
from gridsvc.api.view import GEOJSON, JSON, PAGE, View
from gridsvc.codes import LEVELS
from gridsvc.coverage.figures import Figures
from gridsvc.duties.people import People
from gridsvc.errors import NotFoundError
from gridsvc.partition.validity import units_on
from gridsvc.store import Store
from gridsvc.text import bilingual

router = APIRouter(tags=["units"], dependencies=[Depends(strict)])

UnitCode = Annotated[str, Path(alias="code", description="Code of a unit of any level")]


def directory(service: Service, store: Store, figures: Figures | None) -> pd.DataFrame:
    """All units by code, with name and level: those that figures are of, else those valid today."""
    if figures is not None:
        return figures.units.set_index("code")
    frames = [
        units_on(service.frame(store, layer.name).frame, dt.date.today())[["code", "name"]].assign(
            level=level
        )
        for level, layer in service.layers.units.items()
    ]
    return pd.concat(frames, ignore_index=True).set_index("code")


def unit_or_404(units: pd.DataFrame, code: str) -> None:
    """Refuse a code that no unit has."""
    if code not in units.index:
        raise NotFoundError(f"there is no unit {code}", f"没有编码为 {code} 的单元")


@router.get("/units/{code}", response_model=models.Unit, responses=PAGE, summary="One unit")
def unit(view: PageView, code: UnitCode) -> Response:
    """One unit: parents, children, officers, every figure."""
    service = view.service
    with service.store() as store, store.snapshot():
        figures = service.figures_of(store, None)
        units = directory(service, store, figures)
        unit_or_404(units, code)
        officers = _officers(store, code)
        rows = figure_rows(view, figures, unit=code)
    layout = service.workspace.county.layout
    level = str(units.at[code, "level"])
    above = [layout.ancestor(code, name) for name in LEVELS[: LEVELS.index(level)]]
    below = units.index[[layout.parent(one) == code for one in units.index]]
    model = models.Unit(
        code=code,
        name=str(units.at[code, "name"]),
        level=level,
        parents=[_reference(units, one) for one in above if one in units.index],
        children=[_reference(units, one) for one in below],
        officers=officers,
        run=run_model(figures.run if figures else None),
        figures=rows,
        links=_links(view, code, level),
    )
    return view.reply(model, "unit.html")


@router.get(
    "/units/{code}/gaps",
    response_model=models.Gaps,
    response_class=GeoJSONResponse,
    responses=PAGE,
    summary="A unit's gaps",
)
def unit_gaps(
    view: PageView, code: UnitCode, indicator: IndicatorParameter = None, run: RunParameter = None
) -> Response:
    """What keeps the unit's indicators from their goals, worst first."""
    with view.service.store() as store, store.snapshot():
        figures = view.service.figures_of(store, run)
        units = directory(view.service, store, figures)
        unit_or_404(units, code)
        name = str(units.at[code, "name"])
        return gaps_reply(view, figures, name, f"/units/{code}", indicator, unit=code)


def _reference(units: pd.DataFrame, code: str) -> models.UnitRef:
    return models.UnitRef(code=code, name=str(units.at[code, "name"]), level=str(units.at[code, "level"]))


def _officers(store: Store, code: str) -> list[models.Officer]:
    """Who answered for the unit on the day of the newest run."""
    posts = store.result("posts", where={"unit": code})
    people = People.open(store).officers.set_index("officer_id")
    found = []
    for holder, role, vacant in zip(posts["holder"], posts["role"], posts["vacant"], strict=True):
        person = people.loc[holder] if holder in people.index else pd.Series(dtype=object)
        found.append(
            models.Officer(
                id=holder or "",
                name=text_or_none(person.get("name")),
                department=text_or_none(person.get("department")),
                role=text_or_none(role),
                vacant=bool(vacant),
            )
        )
    return found


def _links(view: View, code: str, level: str) -> list[models.Link]:
    """The unit's own page, its gaps, and the figures of what lies under it."""
    below = LEVELS[min(LEVELS.index(level) + 1, len(LEVELS) - 1)]
    under = bilingual("Figures of the units under it", "下级单元指标")
    return [
        *view.self_links(),
        view.link("gaps", f"/units/{code}/gaps", GEOJSON, bilingual("Gaps", "短板")),
        view.link("coverage", "/coverage", JSON, under, unit=code, level=below),
    ]
