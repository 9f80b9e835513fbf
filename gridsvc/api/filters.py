"""What features are asked for by: a box, a time, a page."""

from __future__ import annotations

from dataclasses import dataclass
from datetime import date

DEFAULT_LIMIT = 100
MAX_LIMIT = 10_000

Box = tuple[float, float, float, float]
"""West, south, east, north in degrees; a west greater than east crosses the antimeridian."""


@dataclass(frozen=True)
class Period:
    """Days from *start* to *end*, both included; None is open."""

    start: date | None
    end: date | None
