"""Query parameters, one dependency each: what they are called, may hold, and mean."""

from __future__ import annotations

import math
import re
from collections.abc import Iterable
from datetime import date, time
from typing import Annotated, Literal

from fastapi import Depends, Query, Request

from gridsvc.api import openapi
from gridsvc.api.filters import DEFAULT_LIMIT, MAX_LIMIT, Box, Period
from gridsvc.api.view import View, look
from gridsvc.errors import UsageError
from gridsvc.text import Lang

LangParameter = Annotated[
    Lang | None, Query(description="Language of the answer; else Accept-Language decides")
]
_FORMAT = "Form of the answer; else the Accept header decides"
PageFormat = Annotated[Literal["json", "html"] | None, Query(alias="format", description=_FORMAT)]
CoverageFormat = Annotated[
    Literal["json", "csv", "geojson", "html"] | None,
    Query(alias="format", description=f"{_FORMAT}. GeoJSON needs one indicator"),
]

RunParameter = Annotated[
    str | None,
    Query(
        alias="run",
        description="A run: its id, or number or label of a published one; the newest when not given",
    ),
]


def strict(request: Request) -> None:
    """Refuse parameters that the API document does not list for this path, and repeated ones."""
    route = request.scope["route"]
    known = openapi.parameters(request.app.state.document, route.path_format, request.path_params)
    if known is None:
        return
    given = [name for name, _ in request.query_params.multi_items()]
    unknown = sorted(set(given) - known)
    if unknown:
        raise UsageError(
            f"unknown parameter: {', '.join(unknown)}; this address takes: {', '.join(sorted(known)) or 'none'}",
            f"未知参数：{'、'.join(unknown)}；此地址可用参数：{'、'.join(sorted(known)) or '无'}",
        )
    twice = sorted({name for name in given if given.count(name) > 1})
    if twice:
        raise UsageError(
            f"parameter given more than once: {', '.join(twice)}", f"参数重复：{'、'.join(twice)}"
        )


def no_such(name: str, value: str, known: Iterable[str] = ()) -> UsageError:
    """A parameter that names something that does not exist: a bad request, the address itself is right."""
    names = ", ".join(known)
    en, zh = (f"; there are: {names}", f"；现有：{names}") if names else ("", "")
    return UsageError(f"{name}={value}: there is no such {name}{en}", f"{name}={value}：不存在{zh}")


def known_indicator(view: View, indicator: str | None) -> None:
    """Refuse the id of an indicator that is not defined."""
    if indicator is not None and indicator not in view.service.indicators:
        raise no_such("indicator", indicator, view.service.indicators)


def page_view(request: Request, lang: LangParameter = None, form: PageFormat = None) -> View:
    """A request that JSON or a page answers."""
    return look(request, form, ("json", "html"))


def coverage_view(request: Request, lang: LangParameter = None, form: CoverageFormat = None) -> View:
    """A request that JSON, a page, CSV or GeoJSON answers."""
    return look(request, form, ("json", "html", "csv", "geojson"))


def map_view(request: Request, lang: LangParameter = None) -> View:
    """A request that a map answers."""
    return look(request, "html", ("html",))


PageView = Annotated[View, Depends(page_view)]
CoverageView = Annotated[View, Depends(coverage_view)]
MapView = Annotated[View, Depends(map_view)]


def limit(
    limit: Annotated[
        int,
        Query(
            ge=1, description=f"How many features a page holds; more than {MAX_LIMIT} is read as {MAX_LIMIT}"
        ),
    ] = DEFAULT_LIMIT,
) -> int:
    """Features a page; clamped, not refused, when above the maximum."""
    return min(limit, MAX_LIMIT)


def offset(
    offset: Annotated[int, Query(ge=0, description="How many features to skip")] = 0,
) -> int:
    """Features before the page."""
    return offset


Limit = Annotated[int, Depends(limit)]
Offset = Annotated[int, Depends(offset)]


def bbox(
    bbox: Annotated[
        str | None,
        Query(
            description="west,south,east,north in degrees (CRS84); six numbers give heights, too, which are "
            "not looked at. A west greater than east crosses the antimeridian"
        ),
    ] = None,
) -> Box | None:
    """The box that features must touch, or None."""
    if bbox is None:
        return None
    try:
        numbers = [float(part) for part in bbox.split(",")]
    except ValueError:
        numbers = []
    if len(numbers) == 6:
        numbers = [*numbers[:2], *numbers[3:5]]
    if len(numbers) != 4 or not all(math.isfinite(number) for number in numbers):
        raise UsageError(
            f"bbox={bbox}: four numbers are needed: west,south,east,north",
            f"bbox={bbox}：需要四个数字：西,南,东,北",
        )
    west, south, east, north = numbers
    if south > north:
        raise UsageError(f"bbox={bbox}: south is above north", f"bbox={bbox}：南界大于北界")
    return west, south, east, north


# GDAL writes a day as 2026-11-20T
MOMENT = re.compile(r"\d{4}-\d\d-\d\d(T|[Tt ]\d\d:\d\d:\d\d(\.\d+)?([Zz]|[+-]\d\d:\d\d)?)?")


def _day(text: str) -> date | None:
    """One end of an interval: a day, or the day of a time; ``..`` and nothing are open."""
    if text in ("", ".."):
        return None
    if not MOMENT.fullmatch(text):
        raise ValueError(text)
    day = date.fromisoformat(text[:10])
    if len(text) > 11:
        # refuses hours and minutes that no clock shows
        time.fromisoformat(text[11:].upper().replace("Z", "+00:00"))
    return day


def period(
    datetime: Annotated[
        str | None,
        Query(
            description="A day or time (RFC 3339), or an interval: start/end, ../end, start/... Layers with "
            "a date, or with dates from and to, are filtered by it; others have no time and are not"
        ),
    ] = None,
) -> Period | None:
    """The time that features must meet, or None."""
    if datetime is None:
        return None
    ends = datetime.split("/")
    try:
        days = [_day(end) for end in ends]
    except ValueError:
        days = []
    wrong = len(days) not in (1, 2) or (len(days) == 1 and days[0] is None)
    start, end = (days[0], days[-1]) if not wrong else (None, None)
    if wrong or (start and end and start > end):
        raise UsageError(
            f"datetime={datetime}: a day (2026-11-20), a time (2026-11-20T08:00:00Z) or an interval "
            "(2026-11-01/2026-11-30, ../2026-11-30, 2026-11-01/..) is needed",
            f"datetime={datetime}：需要日期（2026-11-20）、时刻（2026-11-20T08:00:00Z）或区间"
            "（2026-11-01/2026-11-30、../2026-11-30、2026-11-01/..）",
        )
    return Period(start, end)


Bbox = Annotated[Box | None, Depends(bbox)]
Datetime = Annotated[Period | None, Depends(period)]
