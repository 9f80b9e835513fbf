"""One request as the service sees it: who asks, in which language and form; and the answer given back."""

from __future__ import annotations

from collections.abc import Iterable, Mapping, Sequence
from dataclasses import dataclass
from typing import Any, cast
from urllib.parse import urlencode

from fastapi import Request, Response
from pydantic import BaseModel

from gridsvc.api.html import PAGE_POLICY, render
from gridsvc.api.models import Link
from gridsvc.api.negotiation import language, media_type
from gridsvc.api.service import Service
from gridsvc.api.sheet import to_csv
from gridsvc.text import Lang, Text, bilingual

JSON = "application/json"
GEOJSON = "application/geo+json"
HTML = "text/html"
CSV = "text/csv"
SCHEMA = "application/schema+json"
MEDIA_TYPES = {"json": JSON, "geojson": GEOJSON, "html": HTML, "csv": CSV}
# for the API document: the answer comes as a page, too
PAGE: dict[int | str, dict[str, Any]] = {200: {"content": {HTML: {}}}}
# an answer may be kept, but is asked for again before it is used
REVALIDATE = "no-cache"
VARY = "Accept, Accept-Language"

AS_JSON = bilingual("This page as JSON", "本页的 JSON 形式")
AS_HTML = bilingual("This page as HTML", "本页的网页形式")


class NotModifiedError(Exception):
    """The client holds the answer already."""

    def __init__(self, headers: dict[str, str]) -> None:
        """Take the headers that the answer would have had."""
        super().__init__()
        self.headers = headers


def service_of(request: Request) -> Service:
    """The service that the application was made for."""
    return cast(Service, request.app.state.service)


def language_of(request: Request) -> Lang:
    """Language of the answer to *request*; works for requests that are refused, too."""
    spoken = service_of(request).workspace.county.languages
    return language(request.query_params.get("lang"), request.headers.get("accept-language", ""), spoken)


def wants_html(request: Request) -> bool:
    """True for people: a browser asks, or ``format=html`` does."""
    asked = request.query_params.get("format")
    if asked in MEDIA_TYPES:
        return asked == "html"
    return media_type(request.headers.get("accept", ""), {"json": JSON, "html": HTML}) == "html"


@dataclass(frozen=True)
class View:
    """One request, understood."""

    request: Request
    service: Service
    lang: Lang
    form: str
    """``json``, ``html``, ``csv`` or ``geojson``."""
    state: str
    """State of the store when the request came (:meth:`Service.state`)."""
    headers: dict[str, str]
    """What every answer to this request carries: its entity tag, and what it depends on."""

    def say(self, text: Text) -> str:
        """*text* in the language of the answer."""
        return text(self.lang)

    def url(self, path: str, query: Mapping[str, object] | None = None) -> str:
        """Absolute address of *path* (from the service's root), in the language asked for by name, if any."""
        merged = {**({"lang": self.lang} if "lang" in self.request.query_params else {}), **(query or {})}
        base = str(self.request.base_url).rstrip("/")
        return base + path + (f"?{urlencode(merged)}" if merged else "")

    def here(self, **changes: object) -> str:
        """Address of this very request with some parameters changed (None takes one out)."""
        query = {**dict(self.request.query_params), **changes}
        kept = {name: value for name, value in query.items() if value is not None}
        base = str(self.request.base_url).rstrip("/")
        # as it was sent: a decoded path is no address
        scope = self.request.scope
        path: str = scope["raw_path"].decode("ascii").removeprefix(scope.get("root_path", "").rstrip("/"))
        return base + path + (f"?{urlencode(kept)}" if kept else "")

    def link(self, rel: str, path: str, type_: str, title: Text | str, **query: object) -> Link:
        """A link to *path*."""
        words = title if isinstance(title, str) else self.say(title)
        return Link(href=self.url(path, query), rel=rel, type=type_, title=words)

    def self_links(self, main: str = JSON) -> list[Link]:
        """``self`` and ``alternate`` in the two forms that every page has."""
        types = {"json": main, "html": HTML}
        words = {"json": AS_JSON, "html": AS_HTML}
        shown = self.form if self.form in types else "json"
        return [
            Link(
                href=self.here(format=form) if form != shown else self.here(),
                rel="self" if form == shown else "alternate",
                type=types[form],
                title=self.say(words[form]),
            )
            for form in sorted(types, key=lambda form: form != shown)
        ]

    def reply(self, model: BaseModel, template: str, main: str = JSON, **context: Any) -> Response:
        """The answer as JSON, or as a page made from *template* (which sees the model as ``it``)."""
        if self.form == "html":
            return self.page(template, it=model, **context)
        return self.text(model.model_dump_json(exclude_unset=True), main)

    def page(self, template: str, **context: Any) -> Response:
        """The answer as a page made from *template*."""
        headers = self.headers | {"Content-Security-Policy": PAGE_POLICY}
        return Response(render(template, self, **context), media_type=HTML, headers=headers)

    def text(self, body: str, main: str) -> Response:
        """An answer that is text already."""
        return Response(body, media_type=main, headers=self.headers)

    def csv(self, name: str, columns: Sequence[str], rows: Iterable[Sequence[object]]) -> Response:
        """The answer as CSV, offered to the browser as a file called *name*."""
        headers = {"Content-Disposition": f'attachment; filename="{name}.csv"'}
        return Response(to_csv(columns, rows), media_type=CSV, headers=self.headers | headers)


def look(request: Request, asked: str | None, forms: Sequence[str]) -> View:
    """Understand *request*, which can be answered in *forms*; *asked* is the form asked for by name.

    Raises NotModifiedError when the client's copy is still good.
    """
    service = service_of(request)
    lang = language_of(request)
    offers = {form: MEDIA_TYPES[form] for form in forms}
    form = asked or media_type(request.headers.get("accept", ""), offers)
    state = service.state()
    tag = f'W/"{state}-{lang}-{form}"'
    spoken = "zh-CN" if lang == "zh" else "en"
    headers = {"ETag": tag, "Cache-Control": REVALIDATE, "Vary": VARY, "Content-Language": spoken}
    held = [held.strip() for held in request.headers.get("if-none-match", "").split(",")]
    if tag in held or "*" in held:
        raise NotModifiedError(headers)
    return View(request, service, lang, form, state, headers)
