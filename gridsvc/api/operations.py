"""Operations: is the process alive, can it serve, and what was loaded."""

from __future__ import annotations

from fastapi import APIRouter, Depends, Request, Response

from gridsvc import __version__
from gridsvc.api import models
from gridsvc.api.parameters import PageView, strict
from gridsvc.api.view import JSON, PAGE, View, language_of, service_of, wants_html
from gridsvc.store import LoadRecord
from gridsvc.text import bilingual

router = APIRouter(tags=["operations"], dependencies=[Depends(strict)])
NEVER_KEPT = {"Cache-Control": "no-store"}


@router.get("/healthz", response_model=models.Health, responses=PAGE, summary="The process is alive")
def healthz(request: Request) -> Response:
    """Answers while the process runs; looks at nothing."""
    return _now(request, models.Health(status="ok", version=__version__))


@router.get("/readyz", response_model=models.Ready, responses=PAGE, summary="The service can answer")
def readyz(request: Request) -> Response:
    """Answers when the store can be read; 503 otherwise."""
    with service_of(request).store() as store, store.snapshot():
        run = store.run()
        model = models.Ready(status="ready", features=store.counts(), run=run.id if run else None)
    return _now(request, model)


def _now(request: Request, model: models.Health | models.Ready) -> Response:
    """An answer about this very moment: never kept."""
    if not wants_html(request):
        return Response(model.model_dump_json(), media_type=JSON, headers=NEVER_KEPT)
    return View(request, service_of(request), language_of(request), "html", "", dict(NEVER_KEPT)).page(
        "status.html", it=model
    )


@router.get("/loads", response_model=models.Loads, responses=PAGE, summary="All loads")
def loads(view: PageView) -> Response:
    """What was loaded into which layer, newest first, and what became of every row of it."""
    with view.service.store() as store:
        found = [_load(view, record) for record in reversed(store.loads())]
    return view.reply(
        models.Loads(loads=found, links=view.self_links()), "loads.html", layers=view.service.layers
    )


@router.get("/loads/{loadId}", response_model=models.LoadDetail, responses=PAGE, summary="One load")
def load(view: PageView, load_id: models.LoadId) -> Response:
    """One load, with the source rows that wait in quarantine and the reasons."""
    with view.service.store() as store, store.snapshot():
        record = store.load(load_id)
        waiting = store.quarantine(load_id)
    reasons = waiting["reason_zh" if view.lang == "zh" else "reason_en"]
    # the rows themselves may hold what concerns persons, so only their numbers are shown
    rows = [
        models.Refused(source_row=None if row is None else int(row), reason=code, description=words)
        for row, code, words in zip(
            waiting["source_row"].astype(object).where(waiting["source_row"].notna(), None),
            waiting["reason"],
            reasons,
            strict=True,
        )
    ]
    values = _load(view, record).model_dump(exclude={"links"})
    links = [*view.self_links(), view.link("up", "/loads", JSON, bilingual("All loads", "全部入库记录"))]
    model = models.LoadDetail(**values, refused=rows, links=links)
    return view.reply(model, "load.html", layers=view.service.layers)


def _load(view: View, record: LoadRecord) -> models.Load:
    """A record as the service shows it."""
    values = {name: value for name, value in record.as_dict().items() if name in models.Load.model_fields}
    title = bilingual(f"Load {record.id}", f"入库 {record.id}")
    return models.Load(**values, links=[view.link("self", f"/loads/{record.id}", JSON, title)])
