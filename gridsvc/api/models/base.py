"""The parts that answers share."""

from __future__ import annotations

from pydantic import BaseModel, ConfigDict, Field


class Model(BaseModel):
    """Base of all answers: what is not declared is a mistake."""

    model_config = ConfigDict(frozen=True, extra="forbid")


class Link(Model):
    """A link to another resource."""

    href: str
    rel: str
    type: str | None = None
    title: str | None = None
    hreflang: str | None = None


class Error(Model):
    """Why a request was refused."""

    code: str
    description: str


class Run(Model):
    """One computation: what figures are bound to."""

    id: int
    as_of: str = Field(description="The day that the figures are for")
    created: str
    status: str
    label: str
