"""The maps: pages drawn by :mod:`gridsvc.maps`, kept until something changes."""

from __future__ import annotations

from collections.abc import Callable
from typing import Any
from urllib.parse import quote

from fastapi import APIRouter, Depends, Response

from gridsvc.api import models
from gridsvc.api.frames import records
from gridsvc.api.html import MAP_POLICY
from gridsvc.api.indicators import IndicatorId
from gridsvc.api.parameters import MapView, PageView, strict
from gridsvc.api.people import ChiefId, chief_or_404, text_or_none
from gridsvc.api.view import HTML, PAGE, View
from gridsvc.duties.people import VACANT, People
from gridsvc.maps import Atlas, ServedLinks, render_chief, render_index, render_overview

router = APIRouter(tags=["maps"], dependencies=[Depends(strict)])

ONLY_PAGE: dict[int | str, dict[str, Any]] = {200: {"content": {HTML: {}}}}


def links(view: View) -> ServedLinks:
    """How maps link to each other: from the server's root, wherever the service is mounted."""
    return ServedLinks(view.request.scope.get("root_path", "").rstrip("/") + "/maps")


def _drawn(view: View, name: tuple[str, ...], draw: Callable[[Atlas], str]) -> Response:
    """The page called *name*, drawn when nobody has asked for it since the last change."""
    page = view.service.page((*name, view.lang, links(view).root), view.state, draw)
    headers = view.headers | {"Content-Security-Policy": MAP_POLICY}
    return Response(page, media_type=HTML, headers=headers)


@router.get("/maps", response_model=models.Maps, responses=PAGE, summary="All maps")
def index(view: PageView) -> Response:
    """The index of all chiefs for people; a list of all maps for clients."""
    if view.form == "html":
        return _drawn(view, ("index",), lambda atlas: render_index(atlas, view.lang, links(view)))
    with view.service.store() as store:
        people = records(People.open(store).chiefs)
    chiefs = [
        _reference(view, "chiefs", one["chief_id"], text_or_none(one["name"]) or view.say(VACANT))
        for one in people
    ]
    titles = {name: view.say(one.title) for name, one in view.service.indicators.items()}
    overviews = [_reference(view, "overview", name, title) for name, title in titles.items()]
    model = models.Maps(chiefs=chiefs, overviews=overviews, links=view.self_links())
    return view.reply(model, "")


def _reference(view: View, kind: str, name: str, title: str) -> models.MapRef:
    """One map of the list."""
    link = view.link("map", f"/maps/{kind}/{quote(name, safe='')}", HTML, title)
    return models.MapRef(id=name, title=title, links=[link])


@router.get(
    "/maps/chiefs/{chiefId:path}", response_class=Response, responses=ONLY_PAGE, summary="A chief's map"
)
def chief_map(view: MapView, chief_id: ChiefId) -> Response:
    """The responsibility map of one road chief: roads, assets, gaps, figures."""
    with view.service.store() as store:
        chief_or_404(store, chief_id)
    return _drawn(
        view, ("chief", chief_id), lambda atlas: render_chief(atlas, chief_id, view.lang, links(view))
    )


@router.get(
    "/maps/overview/{indicatorId}", response_class=Response, responses=ONLY_PAGE, summary="An overview map"
)
def overview_map(view: MapView, indicator_id: IndicatorId) -> Response:
    """One indicator over the whole county, level by level."""
    name = view.service.indicators[indicator_id].id
    return _drawn(
        view, ("overview", name), lambda atlas: render_overview(atlas, name, view.lang, links(view))
    )
