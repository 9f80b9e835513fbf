"""Answers about road chiefs and their maps."""

from __future__ import annotations

from pydantic import Field

from gridsvc.api.models.base import Link, Model, Run
from gridsvc.api.models.figures import Figure


class Stretch(Model):
    """A stretch of road that a chief answers for."""

    road_id: str
    road_name: str | None
    from_m: float
    to_m: float
    role: str | None
    level: str | None
    date_from: str | None
    date_to: str | None


class ChiefRef(Model):
    """A road chief; no name where the post is vacant."""

    id: str
    name: str | None
    title: str | None
    level: str | None
    department: str | None
    vacant: bool
    links: list[Link]


class Chiefs(Model):
    """All road chiefs."""

    chiefs: list[ChiefRef]
    run: Run | None
    links: list[Link]


class Chief(Model):
    """One road chief: roads and figures."""

    id: str
    name: str | None
    title: str | None
    level: str | None
    department: str | None
    vacant: bool
    stretches: list[Stretch]
    assets: dict[str, int] = Field(description="How many assets of each layer belong to the chief")
    run: Run | None
    figures: list[Figure]
    links: list[Link]


class MapRef(Model):
    """A page of maps."""

    id: str
    title: str
    links: list[Link]


class Maps(Model):
    """Every map there is."""

    chiefs: list[MapRef]
    overviews: list[MapRef]
    links: list[Link]
