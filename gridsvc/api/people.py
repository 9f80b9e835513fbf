"""Road chiefs: who answers for what, and how it does."""

from __future__ import annotations

from collections import Counter
from typing import Annotated, Any
from urllib.parse import quote

import pandas as pd
from fastapi import APIRouter, Depends, Path, Response

from gridsvc.api import models
from gridsvc.api.features import GeoJSONResponse
from gridsvc.api.figures import figure_rows, run_model
from gridsvc.api.frames import records
from gridsvc.api.gaps import IndicatorParameter, gaps_reply
from gridsvc.api.parameters import PageView, RunParameter, strict
from gridsvc.api.view import GEOJSON, HTML, JSON, PAGE, View
from gridsvc.duties.people import CHIEFS, People
from gridsvc.errors import NotFoundError
from gridsvc.store import Store
from gridsvc.text import bilingual

router = APIRouter(tags=["chiefs"], dependencies=[Depends(strict)])

ChiefId = Annotated[str, Path(alias="chiefId", description="Id of a road chief")]


def text_or_none(value: Any) -> str | None:
    """A cell of a text column; None where it is empty."""
    return None if value is None or pd.isna(value) or value == "" else str(value)


def day_or_none(value: Any) -> str | None:
    """A cell of a date column as YYYY-MM-DD."""
    return None if pd.isna(value) else pd.Timestamp(value).date().isoformat()


@router.get("/chiefs", response_model=models.Chiefs, responses=PAGE, summary="All road chiefs")
def chiefs(view: PageView) -> Response:
    """Who is a road chief, at which level."""
    with view.service.store() as store, store.snapshot():
        people = People.open(store).chiefs
        run = store.run()
    found = [models.ChiefRef(**_person(record), links=_links(view, record)) for record in records(people)]
    model = models.Chiefs(chiefs=found, run=run_model(run), links=view.self_links())
    return view.reply(model, "chiefs.html", titles=_levels(view))


# the longer address stands first, because an id may hold a slash
@router.get(
    "/chiefs/{chiefId:path}/gaps",
    response_model=models.Gaps,
    response_class=GeoJSONResponse,
    responses=PAGE,
    summary="A chief's gaps",
)
def chief_gaps(
    view: PageView, chief_id: ChiefId, indicator: IndicatorParameter = None, run: RunParameter = None
) -> Response:
    """What keeps the chief's indicators from their goals, worst first."""
    with view.service.store() as store, store.snapshot():
        record = chief_or_404(store, chief_id)
        figures = view.service.figures_of(store, run)
        about = record["name"] or chief_id
        path = f"/chiefs/{quote(chief_id, safe='')}"
        return gaps_reply(view, figures, str(about), path, indicator, chief=chief_id)


@router.get("/chiefs/{chiefId:path}", response_model=models.Chief, responses=PAGE, summary="One road chief")
def chief(view: PageView, chief_id: ChiefId) -> Response:
    """One road chief: roads, assets, figures."""
    with view.service.store() as store, store.snapshot():
        record = chief_or_404(store, chief_id)
        figures = view.service.figures_of(store, None)
        stretches = _stretches(store, view, chief_id)
        assets = _assets(store, chief_id)
        rows = figure_rows(view, figures, chief=chief_id)
    model = models.Chief(
        **_person(record),
        stretches=stretches,
        assets=assets,
        run=run_model(figures.run if figures else None),
        figures=rows,
        links=view.self_links() + _links(view, record)[1:],
    )
    return view.reply(model, "chief.html", titles=_levels(view), layers=view.service.layers)


def chief_or_404(store: Store, chief_id: str) -> dict[str, Any]:
    """One chief's row; refuses an id that no chief has."""
    people = People.open(store).chiefs
    found = records(people[people["chief_id"] == chief_id])
    if not found:
        raise NotFoundError(f"there is no road chief {chief_id}", f"没有编号为 {chief_id} 的路长")
    return found[0]


def _person(record: dict[str, Any]) -> dict[str, Any]:
    """What anybody may know of a chief: the phone is not among it."""
    names = ("name", "title", "level", "department")
    person = {name: text_or_none(record[name]) for name in names}
    return {"id": record["chief_id"], **person, "vacant": bool(record["vacant"])}


def _stretches(store: Store, view: View, chief_id: str) -> list[models.Stretch]:
    """The chief's stretches on the day of the newest run."""
    table = pd.DataFrame(store.result("stretches", where={"holder": chief_id}))
    roads = view.service.frame(store, view.service.layers.roads.name).frame
    names = dict(zip(roads["road_id"], roads["road_name"], strict=True))
    return [
        models.Stretch(
            road_id=row["road_id"],
            road_name=text_or_none(names.get(row["road_id"])),
            from_m=row["from_m"],
            to_m=row["to_m"],
            role=text_or_none(row["role"]),
            level=text_or_none(row["level"]),
            date_from=day_or_none(row["date_from"]),
            date_to=day_or_none(row["date_to"]),
        )
        for row in table.drop(columns="geometry").to_dict("records")
    ]


def _assets(store: Store, chief_id: str) -> dict[str, int]:
    """How many assets of each layer belong to the chief; those that wait for confirmation belong to nobody."""
    table = store.result("assignments")
    mine = [
        layer
        for layer, ids in zip(table["layer"], table["chiefs"], strict=True)
        if chief_id in (ids or "").split()
    ]
    return dict(sorted(Counter(mine).items()))


def _levels(view: View) -> dict[str, str]:
    """Labels of the chiefs' levels."""
    fields = view.service.layers[CHIEFS].fields
    return {value.value: view.say(value.title) for value in fields["level"].values}


def _links(view: View, record: dict[str, Any]) -> list[models.Link]:
    """A chief's page, gaps and map."""
    segment = quote(record["chief_id"], safe="")
    title = text_or_none(record["name"]) or record["chief_id"]
    return [
        view.link("self", f"/chiefs/{segment}", JSON, title),
        view.link("gaps", f"/chiefs/{segment}/gaps", GEOJSON, bilingual("Gaps", "短板")),
        view.link("map", f"/maps/chiefs/{segment}", HTML, bilingual("Map", "责任地图")),
    ]
