"""Answers about the service itself and its loads."""

from __future__ import annotations

from typing import Annotated, Literal

from fastapi import Path
from pydantic import Field

from gridsvc.api.models.base import Link, Model


class Health(Model):
    """The process answers."""

    status: Literal["ok"]
    version: str


class Ready(Model):
    """The store answers."""

    status: Literal["ready"]
    features: dict[str, int]
    run: int | None


LoadId = Annotated[int, Path(alias="loadId", description="Number of a load")]


class Load(Model):
    """One reading of one source into one layer, or the undoing of one."""

    id: int
    layer: str
    kind: str = Field(description="load or rollback")
    undoes: int | None
    source: str
    sha256: str
    mode: str
    started: str
    finished: str
    rows_read: int
    added: int
    changed: int
    unchanged: int
    ended: int
    quarantined: int
    left_out: int
    superseded: int
    other: dict[str, int]
    status: str
    links: list[Link]


class Refused(Model):
    """One source row that a load could not accept."""

    source_row: int | None
    reason: str
    description: str


class LoadDetail(Load):
    """One load, with the rows it could not accept."""

    refused: list[Refused]


class Loads(Model):
    """All loads, newest first."""

    loads: list[Load]
    links: list[Link]
