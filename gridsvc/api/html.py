"""Pages for people: plain HTML made from templates; no script, nothing fetched from elsewhere."""

from __future__ import annotations

import base64
import hashlib
from collections.abc import Iterable, Mapping
from functools import lru_cache
from pathlib import Path
from typing import TYPE_CHECKING, Any
from urllib.parse import quote

from jinja2 import Environment, FileSystemLoader, StrictUndefined

from gridsvc import __version__
from gridsvc.codes import LEVEL_TITLES
from gridsvc.coverage.indicators import GROUPS
from gridsvc.maps.words import percent, unit
from gridsvc.text import LANGS, bilingual

if TYPE_CHECKING:
    from gridsvc.api.view import View

TEMPLATES = Path(__file__).parent / "templates"
STYLE = (TEMPLATES / "style.css").read_text(encoding="utf-8")
STYLE_HASH = base64.b64encode(hashlib.sha256(STYLE.encode()).digest()).decode()
COMMON = "object-src 'none'; base-uri 'none'; frame-ancestors 'self'"
# our own pages: one style sheet, known by its hash, and no script at all
PAGE_POLICY = (
    f"default-src 'none'; style-src 'sha256-{STYLE_HASH}'; img-src data:; form-action 'self'; {COMMON}"
)
# a map is one self-contained page: its scripts and styles stand in it, and nothing may leave it
MAP_POLICY = (
    "default-src 'none'; script-src 'unsafe-inline'; style-src 'unsafe-inline'; img-src data: blob:; "
    f"font-src data:; form-action 'none'; {COMMON}"
)
# the documentation's script comes from this service and reads the API document
DOCS_POLICY = (
    "default-src 'none'; script-src 'self' 'unsafe-inline'; style-src 'self' 'unsafe-inline'; "
    f"img-src 'self' data:; connect-src 'self'; {COMMON}"
)
DATA_POLICY = "default-src 'none'; frame-ancestors 'none'"
# longer tables are cut on pages; the other forms hold every row
MOST_ROWS = 500
LANGUAGE_NAMES = {"zh": "中文", "en": "English"}


@lru_cache(maxsize=1)
def _environment() -> Environment:
    environment = Environment(
        loader=FileSystemLoader(TEMPLATES),
        autoescape=True,
        undefined=StrictUndefined,
        trim_blocks=True,
        lstrip_blocks=True,
    )
    environment.filters["groupby_order"] = _grouped
    environment.filters["segment"] = lambda text: quote(str(text), safe="")
    return environment


def _grouped(rows: Iterable[Any], group_of: Mapping[str, str]) -> list[tuple[str, list[Any]]]:
    """Rows of indicators by group, groups in the order in which they come."""
    found: dict[str, list[Any]] = {}
    for row in rows:
        found.setdefault(group_of.get(row.indicator, ""), []).append(row)
    return list(found.items())


def render(template: str, view: View, **context: Any) -> str:
    """The page *template* for *view*; templates say ``t("English", "中文")`` and link with ``to(path)``."""
    root: str = view.request.scope.get("root_path", "").rstrip("/")

    def to(path: str, **query: object) -> str:
        """Address of *path* without the host's name: right behind any proxy."""
        absolute = view.url(path, query)
        return root + absolute.removeprefix(str(view.request.base_url).rstrip("/"))

    page: str = (
        _environment()
        .get_template(template)
        .render(
            t=lambda en, zh: bilingual(en, zh)(view.lang),
            to=to,
            here=lambda **changes: "?" + view.here(**changes).partition("?")[2],
            view=view,
            lang=view.lang,
            languages=[(lang, LANGUAGE_NAMES[lang]) for lang in LANGS],
            county=view.service.workspace.county,
            style=STYLE,
            version=__version__,
            levels=LEVEL_TITLES,
            explicit_lang="lang" in view.request.query_params,
            most=MOST_ROWS,
            percent=percent,
            unit=lambda text: unit(text)(view.lang),
            group_of={name: GROUPS[one.group](view.lang) for name, one in view.service.indicators.items()},
            **context,
        )
    )
    return page
