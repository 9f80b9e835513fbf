"""Runs: what is published, two of them compared, one figure through all of them."""

from __future__ import annotations

from typing import Annotated, Any

import pandas as pd
from fastapi import APIRouter, Depends, Path, Query, Response

from gridsvc.api import models
from gridsvc.api.coverage import Level
from gridsvc.api.figures import shown_run
from gridsvc.api.frames import records
from gridsvc.api.parameters import PageView, known_indicator, no_such, strict
from gridsvc.api.view import JSON, PAGE, View
from gridsvc.coverage.causes import find_causes
from gridsvc.coverage.comparison import Choice, Comparison
from gridsvc.coverage.explain import Subject
from gridsvc.coverage.figures import Figures
from gridsvc.coverage.runs import listed
from gridsvc.coverage.trend import runs_of, series
from gridsvc.duties.people import People
from gridsvc.errors import NotFoundError, UsageError
from gridsvc.maps.words import unit as unit_words
from gridsvc.store import Store
from gridsvc.text import bilingual

router = APIRouter(tags=["runs"], dependencies=[Depends(strict)])

RunId = Annotated[str, Path(alias="runId", description="Id of a run, or number or label of a published one")]
IndicatorQuery = Annotated[str | None, Query(description="Id of an indicator; all when not given")]
EXPLAINED = ("better", "worse", "begun", "gone")


@router.get("/runs", response_model=models.Runs, responses=PAGE, summary="All runs")
def runs(view: PageView) -> Response:
    """Runs, the newest first: drafts, and published ones with number, label, objection period and digest."""
    with view.service.store() as store, store.snapshot():
        found = [_detail(view, row) for row in reversed(listed(store))]
    model = models.Runs(runs=found, links=view.self_links())
    return view.reply(model, "runs.html", layers=view.service.layers)


@router.get("/runs/{runId:path}", response_model=models.RunDetail, responses=PAGE, summary="One run")
def run(view: PageView, run_id: RunId) -> Response:
    """One run by its id, number or label, with the versions of everything that it rests on."""
    with view.service.store() as store, store.snapshot():
        number = store.named_run(run_id).id
        (row,) = (row for row in listed(store) if row["id"] == number)
        model = _detail(view, row)
    up = view.link("up", "/runs", JSON, bilingual("All runs", "全部计算批次"))
    model = model.model_copy(update={"links": [*view.self_links(), up]})
    return view.reply(model, "run.html", layers=view.service.layers)


def _detail(view: View, row: dict[str, Any]) -> models.RunDetail:
    """A run as the service shows it: who filled it in and reviewed it stands on paper only."""
    publication = row["publication"]
    shown = None
    if publication is not None:
        shown = models.Publication(**{name: publication[name] for name in models.Publication.model_fields})
    names = set(models.RunDetail.model_fields) - {"publication", "links"}
    link = view.link(
        "self", f"/runs/{row['id']}", JSON, bilingual(f"Run {row['id']}", f"计算批次 {row['id']}")
    )
    return models.RunDetail(**{name: row[name] for name in names}, publication=shown, links=[link])


@router.get("/compare", response_model=models.Comparison, responses=PAGE, summary="Two runs side by side")
def compare(
    view: PageView,
    before: Annotated[str, Query(alias="from", description="The earlier run, by id, number or label")],
    after: Annotated[str, Query(alias="to", description="The later run")],
    level: Annotated[Level | None, Query(description="Units of this level, or roads")] = None,
    unit: Annotated[str | None, Query(description="Code of a unit; with a level those under it")] = None,
    indicator: IndicatorQuery = None,
    chief: Annotated[str | None, Query(description="Id of a road chief")] = None,
    definitions: Annotated[
        bool, Query(description="Measure the earlier run by the later definitions (takes seconds)")
    ] = False,
    causes: Annotated[
        bool, Query(description="The features that made the difference, of one indicator (takes seconds)")
    ] = False,
) -> Response:
    """Figures before and after with a verdict, over the same ground and by the same definition."""
    known_indicator(view, indicator)
    if causes and indicator is None:
        raise UsageError("causes are told of one indicator: give indicator", "查询原因时须指定 indicator")
    if chief is not None and (level is not None or unit is not None):
        raise UsageError("chief goes without level and unit", "chief 不能与 level、unit 同时使用")
    if level == "road" and unit is not None:
        raise UsageError("level=road goes without unit", "level=road 不能与 unit 同时使用")
    roads = level == "road"
    choice = Choice(None if roads else level, unit, indicator, chief, roads)
    with view.service.store() as store, store.snapshot():
        first, last = (_figures(view, store, name) for name in (before, after))
        _known_chief(store, chief)
        comparison = Comparison(first, last, definitions=definitions)
        try:
            rows = view.service.alone(lambda: comparison.table(choice))
        except NotFoundError as error:
            raise UsageError(error.text.en, error.text.zh) from error
        found = view.service.alone(lambda: _causes(comparison, rows, indicator)) if causes else None
        model = models.Comparison(
            before=shown_run(first.run),
            after=shown_run(last.run),
            redefined=[name for name, counts in comparison.redefined.items() if counts],
            other_ground=sorted(comparison.moved),
            numberMatched=len(rows),
            figures=_compared(view, last, rows),
            causes=found,
            links=view.self_links(),
        )
    titles = {name: view.say(layer.title) for name, layer in view.service.layers.items()}
    return view.reply(model, "compare.html", titles=titles)


def _figures(view: View, store: Store, name: str) -> Figures:
    """Figures of a run that a parameter names."""
    figures = view.service.figures_of(store, name)
    if figures is None:
        raise UsageError("nothing is computed yet", "尚未计算")
    return figures


def _known_chief(store: Store, chief: str | None) -> None:
    if chief is not None and chief not in set(People.open(store).chiefs["chief_id"]):
        raise no_such("chief", chief)


def _causes(comparison: Comparison, rows: pd.DataFrame, indicator: str | None) -> list[models.Cause]:
    """What made the figures of one indicator change."""
    wanted = rows[rows["verdict"].isin(EXPLAINED)]
    known = comparison.after if comparison.definitions else comparison.before
    if wanted.empty or indicator is None or indicator not in known.indicators:
        return []
    kind = str(wanted["subject_kind"].iloc[0])
    found = find_causes(comparison, indicator, kind, wanted["subject"].tolist()).rows
    changes = [one if isinstance(one, list) else [] for one in found["changes"]]
    plain = records(found.drop(columns="changes"))
    return [
        models.Cause(**row, changes=[list(one) for one in fields])
        for row, fields in zip(plain, changes, strict=True)
    ]


def _compared(view: View, figures: Figures, rows: pd.DataFrame) -> list[models.Compared]:
    """Compared figures as the service shows them."""
    ones = figures.indicators
    told = rows.assign(
        title=rows["indicator"].map({name: view.say(one.title) for name, one in ones.items()}),
        unit=rows["indicator"].map({name: view.say(unit_words(one.unit)) for name, one in ones.items()}),
    )
    for name in ("level", "grade_before", "grade_after"):
        told[name] = told[name].mask(told[name] == "")
    return [models.Compared(**row) for row in records(told[list(models.Compared.model_fields)])]


@router.get("/trend", response_model=models.Trend, responses=PAGE, summary="One figure through the runs")
def trend(
    view: PageView,
    indicator: Annotated[str, Query(description="Id of an indicator")],
    unit: Annotated[str | None, Query(description="Code of a unit; the county when not given")] = None,
    chief: Annotated[str | None, Query(description="Id of a road chief")] = None,
    road: Annotated[str | None, Query(description="Code of a road")] = None,
    published: Annotated[
        bool | None,
        Query(description="Published runs only (true), all (false); published ones if any when not given"),
    ] = None,
) -> Response:
    """One figure in every run by day, with what changed from each to the next."""
    known_indicator(view, indicator)
    with view.service.store() as store, store.snapshot():
        _known_chief(store, chief)
        subject = _subject(store, unit, chief, road)
        chosen = runs_of(store.runs(), published=published)
        try:
            service = view.service
            known = (service.workspace, service.layers, service.indicators)
            rows = series(store, *known, indicator, subject, chosen)
        except NotFoundError as error:
            raise UsageError(error.text.en, error.text.zh) from error
    one = view.service.indicators[indicator]
    told = rows.assign(note=rows[f"note_{view.lang}"])
    names = [name for name in rows["name"] if isinstance(name, str)]
    model = models.Trend(
        indicator=one.id,
        title=view.say(one.title),
        unit=view.say(unit_words(one.unit)),
        goal=one.goal,
        subject_kind=subject.kind,
        subject=subject.code,
        name=names[-1] if names else None,
        points=[models.Point(**row) for row in records(told[list(models.Point.model_fields)])],
        links=view.self_links(),
    )
    return view.reply(model, "trend.html", line=_line([point.value for point in model.points]))


def _subject(store: Store, unit: str | None, chief: str | None, road: str | None) -> Subject:
    """Whose figure is asked for."""
    asked = [Subject(kind, code) for kind, code in (("unit", unit), ("chief", chief), ("road", road)) if code]
    if len(asked) > 1:
        raise UsageError("give one of unit, chief and road", "unit、chief、road 只能指定一个")
    if asked:
        return asked[0]
    counties = store.read(store.layers.units["county"].name)["code"].tolist()
    if len(counties) != 1:
        raise UsageError("say whose figure: unit, chief or road", "请指明对象：unit、chief 或 road")
    return Subject("unit", str(counties[0]))


WIDE, HIGH, EDGE = 320.0, 64.0, 6.0


def _line(values: list[float | None]) -> list[tuple[float, float]]:
    """Points of a small chart, in its pixels, left to right; runs without a value have none."""
    held = [value for value in values if value is not None]
    if len(held) < 2:
        return []
    low, span = min(held), (max(held) - min(held)) or 1.0
    step = (WIDE - 2 * EDGE) / (len(values) - 1)
    return [
        (round(EDGE + place * step, 1), round(HIGH - EDGE - (value - low) / span * (HIGH - 2 * EDGE), 1))
        for place, value in enumerate(values)
        if value is not None
    ]
