"""What the client wants: a language and a media type, from the query or else from the request's headers."""

from __future__ import annotations

from collections.abc import Mapping, Sequence

from gridsvc.text import LANGS, Lang


def _quality(parameters: Sequence[str]) -> float:
    """The ``q`` among the parameters of one header entry; 1 when absent, 0 when it is no number."""
    for parameter in parameters:
        name, _, value = parameter.strip().partition("=")
        if name.strip().lower() == "q":
            try:
                return min(max(float(value), 0.0), 1.0)
            except ValueError:
                return 0.0
    return 1.0


def _entries(header: str) -> list[tuple[str, float]]:
    """Names and qualities of an ``Accept…`` header, in the order in which they stand."""
    entries = []
    for entry in header.split(","):
        name, *parameters = entry.split(";")
        if name.strip():
            entries.append((name.strip().lower(), _quality(parameters)))
    return entries


def _matches(wanted: str, offered: str) -> int:
    """How exactly *wanted* (``text/*`` …) names the media type *offered*: 3, 2, 1, or 0 for not at all."""
    offered = offered.split(";")[0]
    if wanted == offered:
        return 3
    if wanted.endswith("/*") and offered.startswith(wanted[:-1]):
        return 2
    return int(wanted == "*/*")


def media_type(accept: str, offers: Mapping[str, str]) -> str:
    """Choose one of *offers* (name → media type, the service's own favourite first) for an Accept header.

    A header that accepts none of them gets the first: an answer in another form serves a client better
    than none.
    """
    entries = _entries(accept)
    best, best_quality = next(iter(offers)), 0.0
    for name, offered in offers.items():
        # the most exact entry decides, whatever stands before it
        exact, quality = max(((_matches(wanted, offered), q) for wanted, q in entries), default=(0, 0.0))
        if exact and quality > best_quality:
            best, best_quality = name, quality
    return best


def language(query: str | None, accept_language: str, spoken: Sequence[Lang]) -> Lang:
    """Language of an answer: the one asked for, else the first of ``Accept-Language``, else the county's own."""
    asked = next((lang for lang in LANGS if lang == query), None)
    if asked:
        return asked
    wanted = sorted(_entries(accept_language), key=lambda entry: -entry[1])
    for name, quality in wanted:
        found = next((lang for lang in spoken if name.split("-")[0] == lang), None)
        if found and quality > 0:
            return found
    return spoken[0] if spoken else "zh"
