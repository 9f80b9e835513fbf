"""Definitions: what is measured, against which goals."""

from __future__ import annotations

from typing import Annotated

from fastapi import APIRouter, Depends, Path, Response

from gridsvc.api import models
from gridsvc.api.parameters import PageView, strict
from gridsvc.api.view import HTML, JSON, PAGE, View
from gridsvc.coverage.indicators import Indicator
from gridsvc.text import bilingual

router = APIRouter(tags=["figures"], dependencies=[Depends(strict)])

IndicatorId = Annotated[str, Path(alias="indicatorId", description="Id of an indicator")]
# parts of a definition that stand in the answer under names of their own
_TOLD = set(models.Indicator.model_fields)


@router.get("/indicators", response_model=models.Indicators, responses=PAGE, summary="All indicators")
def indicators(view: PageView) -> Response:
    """What is measured: definitions, goals, bands and where they come from."""
    found = [indicator_model(view, indicator) for indicator in view.service.indicators.values()]
    return view.reply(models.Indicators(indicators=found, links=view.self_links()), "indicators.html")


@router.get(
    "/indicators/{indicatorId}", response_model=models.Indicator, responses=PAGE, summary="One indicator"
)
def indicator(view: PageView, indicator_id: IndicatorId) -> Response:
    """One definition."""
    model = indicator_model(view, view.service.indicators[indicator_id], alone=True)
    kinds = {value.value: value.title for value in view.service.layers.zones.fields["kind"].values}
    zone = view.say(kinds[model.zone]) if model.zone in kinds else model.zone
    return view.reply(model, "indicator.html", zone=zone)


def _deductions(one: Indicator) -> models.Deductions | None:
    if one.deductions is None:
        return None
    steps = [models.Deduction(size=size, points=points) for size, points in one.deductions.steps]
    return models.Deductions(by=one.deductions.by, steps=steps)


def indicator_model(view: View, one: Indicator, *, alone: bool = False) -> models.Indicator:
    """A definition as the service shows it."""
    title = view.say(one.title)
    links = view.self_links() if alone else [view.link("self", f"/indicators/{one.id}", JSON, title)]
    links.append(
        view.link(
            "coverage", "/coverage", JSON, bilingual("Figures", "指标值"), indicator=one.id, level="district"
        )
    )
    links.append(view.link("map", f"/maps/overview/{one.id}", HTML, bilingual("Map", "总览图")))
    return models.Indicator(
        id=one.id,
        title=title,
        definition=view.say(one.definition),
        kind=one.kind,
        group=one.group,
        unit=one.unit,
        digits=one.digits,
        direction=one.direction,
        goals=[models.Goal(value=goal.value, source=goal.source) for goal in one.goals],
        bands={str(grade): value for grade, value in one.bands.items()},
        minimum_denominator=one.minimum_denominator,
        minimum_known=one.minimum_known,
        allowed=[models.Allowance(upto=upto, failures=failures) for upto, failures in one.allowed],
        weight=one.weight,
        veto=one.veto,
        deductions=_deductions(one),
        system=one.system,
        zone=one.zone,
        rule=one.model_dump(mode="json", exclude=_TOLD, exclude_defaults=True),
        source=one.source,
        year=one.year,
        links=links,
    )
