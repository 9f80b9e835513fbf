"""Where everything begins: the landing page, the API document and its reading form."""

from __future__ import annotations

from collections.abc import Sequence

from fastapi import APIRouter, Depends, Request, Response
from fastapi.openapi.docs import get_swagger_ui_html

from gridsvc.api import models, openapi
from gridsvc.api.figures import figure_rows
from gridsvc.api.geojson import dumps
from gridsvc.api.html import DOCS_POLICY
from gridsvc.api.parameters import PageView, strict
from gridsvc.api.view import HTML, JSON, PAGE, REVALIDATE, View
from gridsvc.settings import County
from gridsvc.store.loads import attributions
from gridsvc.text import Text, bilingual

router = APIRouter(tags=["service"], dependencies=[Depends(strict)])

STATIC = "/static-offline-docs"
DESCRIPTION = bilingual(
    "Boundaries, street assets, coverage figures and road chiefs' maps of the county",
    "全县网格边界、城市部件、指标覆盖率与路长责任图",
)
SYNTHETIC = bilingual("Synthetic data: made up, no real place", "虚构数据：非真实地区")


def attribution(county: County, sources: Sequence[str]) -> Text:
    """What must stand beside the data: its marks, whom its licences ask to be named, that it is made up."""
    marks = [county.marking, county.map_approval, *sources]
    parts = [bilingual(mark, mark) for mark in marks if mark]
    parts += [SYNTHETIC] if county.synthetic else []
    return bilingual("; ".join(part.en for part in parts), "；".join(part.zh for part in parts))


@router.get("/", response_model=models.Landing, responses=PAGE, summary="Landing page")
def landing(view: PageView) -> Response:
    """The county's page for people; links to everything for clients."""
    county = view.service.workspace.county
    with view.service.store() as store, store.snapshot():
        loads = store.loads()
        model = models.Landing(
            title=view.say(county.name),
            description=view.say(DESCRIPTION),
            attribution=view.say(attribution(county, attributions(loads))),
            links=_links(view),
        )
        if view.form != "html":
            return view.reply(model, "landing.html")
        counts = store.counts()
        figures = view.service.figures_of(store, None)
        rows = figure_rows(view, figures, level="county")
    newest = max((load.finished for load in loads), default="")
    return view.reply(
        model,
        "landing.html",
        counts=counts,
        layers=view.service.layers,
        newest=newest[:10],
        sources=attributions(loads),
        run=figures.run if figures else None,
        counties=_by_subject(rows),
    )


def _by_subject(rows: list[models.Figure]) -> dict[str, list[models.Figure]]:
    """Figures by the unit they are of; remainders aside."""
    found: dict[str, list[models.Figure]] = {}
    for row in rows:
        if row.subject.isdigit():
            found.setdefault(row.subject, []).append(row)
    return found


def _links(view: View) -> list[models.Link]:
    """What clients of OGC API – Features look for, then everything else."""
    return [
        *view.self_links(),
        view.link(
            "service-desc", "/api", openapi.MEDIA_TYPE, bilingual("API document", "API 文档（OpenAPI）")
        ),
        view.link("service-doc", "/docs", HTML, bilingual("API documentation", "API 说明")),
        view.link("conformance", "/conformance", JSON, bilingual("Conformance classes", "符合性声明")),
        view.link("data", "/collections", JSON, bilingual("Layers", "图层")),
        view.link("indicators", "/indicators", JSON, bilingual("Indicators", "指标")),
        view.link("coverage", "/coverage", JSON, bilingual("Coverage figures", "覆盖率")),
        view.link("runs", "/runs", JSON, bilingual("Runs", "计算批次")),
        view.link("chiefs", "/chiefs", JSON, bilingual("Road chiefs", "路长")),
        view.link("maps", "/maps", JSON, bilingual("Maps", "责任地图")),
        view.link("loads", "/loads", JSON, bilingual("Loads", "入库记录")),
    ]


@router.get(
    "/api",
    response_class=Response,
    summary="API document",
    responses={200: {"content": {openapi.MEDIA_TYPE: {}, HTML: {}}}},
)
def api(view: PageView, request: Request) -> Response:
    """This service as an OpenAPI 3.0 document; its reading form for people."""
    if view.form == "html":
        return _documentation(request)
    server = {"url": str(request.base_url).rstrip("/")}
    return view.text(dumps({**request.app.state.document, "servers": [server]}), openapi.MEDIA_TYPE)


@router.get("/docs", include_in_schema=False)
def docs(request: Request) -> Response:
    """The API document to read and to try out; works without the internet."""
    return _documentation(request)


def _documentation(request: Request) -> Response:
    root = request.scope.get("root_path", "")
    page = get_swagger_ui_html(
        openapi_url=f"{root}/api?format=json",
        title=request.app.state.document["info"]["title"],
        swagger_js_url=f"{root}{STATIC}/swagger-ui-bundle.js",
        swagger_css_url=f"{root}{STATIC}/swagger-ui.css",
        swagger_favicon_url=f"{root}{STATIC}/favicon.png",
    )
    page.headers["Content-Security-Policy"] = DOCS_POLICY
    page.headers["Cache-Control"] = REVALIDATE
    return page
