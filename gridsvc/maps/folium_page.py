"""A folium map inside a page that carries everything it needs and asks nothing of any network.

folium's own page loads ten files from four hosts. Here the map keeps folium's element tree, but brings Leaflet
along (out of a Python package, see :func:`leaflet_files`) and drops jQuery, Bootstrap and the icon fonts.
"""

from __future__ import annotations

import base64
import hashlib
import json
import re
from dataclasses import dataclass, field
from functools import lru_cache
from importlib.resources import files
from typing import Any

import folium
import jinja2
import markupsafe
from branca.element import Element, Figure, MacroElement
from folium.template import Template

from gridsvc.maps.style import Style, page_asset
from gridsvc.settings import shipped_dir

LEAFLET_PACKAGE = "js_lib_leaflet"
MAP_OPTIONS: dict[str, Any] = {
    "zoom_control": False,
    "zoom_snap": 0.25,
    "zoom_delta": 1,
    "fade_animation": False,
    "min_zoom": 6,
    "max_zoom": 19,
}


@lru_cache(maxsize=1)
def leaflet_files() -> tuple[str, str]:
    """Leaflet's script and style sheet, as its makers publish them, less what would ask for further files."""
    folder = files(LEAFLET_PACKAGE) / "static" / LEAFLET_PACKAGE
    script = (folder / "leaflet.js").read_text(encoding="utf-8")
    styles = (folder / "leaflet.css").read_text(encoding="utf-8")
    script = re.sub(r"\n//# sourceMappingURL=\S*\s*$", "\n", script)
    return script, re.sub(r"url\((images/[^)]*|#default#VML)\)", "none", styles)


class Raw(Element):
    """Text that goes into the page as it is.

    branca makes a template of whatever it is given, so that a road named ``{{ … }}`` would be run: data never
    goes that way.
    """

    def __init__(self, text: str) -> None:
        """Keep *text*."""
        super().__init__()
        self._text = text

    def render(self, **kwargs: Any) -> str:
        """The text."""
        return self._text


def safe_json(value: Any) -> str:
    """JSON that may stand inside a script element of a page."""
    text = json.dumps(value, ensure_ascii=False, separators=(",", ":"), allow_nan=False)
    for character in "<>&\u2028\u2029":
        text = text.replace(character, f"\\u{ord(character):04x}")
    return text


class PageMap(folium.Map):
    """A folium map without tiles, whose page brings its own scripts.

    The lists of links belong to the instance: folium keeps one list for all maps of the process.
    """

    _template = Template(
        """
        {% macro script(this, kwargs) %}
        var {{ this.get_name() }} = L.map("map", {{ this.options|tojavascript }});
        {% endmacro %}
        """
    )

    def __init__(self, centre: tuple[float, float], **options: Any) -> None:
        """Make a map around *centre* (longitude, latitude); *options* are Leaflet's."""
        super().__init__(location=[centre[1], centre[0]], tiles=None, zoom_start=14, **options)
        self.default_js: list[tuple[str, str]] = []
        self.default_css: list[tuple[str, str]] = []
        # a name of its own, not a random one: the same data gives the same page
        self._name, self._id = "gridsvc", "map"
        self.options |= {"center": list(self.location), "attribution_control": False}


class PageScript(MacroElement):
    """The part of a page's script that is its own: starts the page on its map."""

    _template = Template(
        """
        {% macro script(this, kwargs) %}
        gridsvc.{{ this.start }}({{ this.map_name }});
        {% endmacro %}
        """
    )

    def __init__(self, start: str, map_name: str) -> None:
        """Call ``gridsvc.START(map)``."""
        super().__init__()  # type: ignore[no-untyped-call]
        self._name, self._id = "start", start
        self.start, self.map_name = start, map_name


class PageFigure(Figure):
    """A whole page: language, policy, title, styles and scripts inside."""

    _template = jinja2.Template(
        "<!DOCTYPE html>\n"
        '<html lang="{{ this.lang }}">\n<head>\n<meta charset="utf-8">\n'
        '<meta http-equiv="Content-Security-Policy" content="{{ this.policy }}">\n'
        '<meta name="viewport" content="width=device-width, initial-scale=1, viewport-fit=cover">\n'
        '<meta name="referrer" content="no-referrer">\n<meta name="format-detection" content="telephone=no">\n'
        "<title>{{ this.title|e }}</title>\n"
        '<link rel="icon" href="{{ this.icon }}">\n'
        "{% for text in this.styles %}<style>{{ text }}</style>\n{% endfor %}"
        '</head>\n<body class="{{ this.kind }}">\n{{ this.body }}\n'
        "{% for text in this.scripts %}<script>{{ text }}</script>\n{% endfor %}"
        "</body>\n</html>\n"
    )

    def __init__(self, lang: str, title: str, kind: str, body: str, style: Style) -> None:
        """A page in *lang* called *title*; *body* is markup that goes before the data and the scripts."""
        super().__init__(title=title)
        self.lang = "zh-CN" if lang == "zh" else lang
        self.kind = kind
        self.icon = _icon()
        self._body, self._style = body, style
        self.body, self.policy = "", ""
        self.styles: list[str] = []
        self.scripts: list[str] = []

    def render(self, **kwargs: Any) -> str:
        """The page."""
        for child in list(self._children.values()):
            child.render(**kwargs)
        script, styles = leaflet_files()
        self.styles = [styles, page_asset("page.css"), grade_rules(self._style)]
        own = "".join(page_asset(f"{name}.js") for name in ("canvas", "page", self.kind))
        self.scripts = [script, own, self.script.render(**kwargs)]
        self.body = str(self._body) + "".join(part.render(**kwargs) for part in self.html._children.values())
        self.policy = policy(self.scripts, self.styles)
        return str(self._template.render(this=self, kwargs=kwargs))


def grade_rules(style: Style) -> str:
    """Style rules of the grades' badges and bars."""
    return "".join(
        f".grade-{name} {{ background: {grade.fill}; fill: {grade.fill}; color: {grade.ink}; }}\n"
        for name, grade in style.grades.items()
    )


@lru_cache(maxsize=64)
def _digest(text: str) -> str:
    return "'sha256-" + base64.b64encode(hashlib.sha256(text.encode()).digest()).decode() + "'"


def policy(scripts: list[str], styles: list[str]) -> str:
    """Content-Security-Policy under which only these scripts and styles work, and no request leaves the page."""
    return (
        f"default-src 'none'; script-src {' '.join(map(_digest, scripts))}; "
        f"style-src {' '.join(map(_digest, styles))}; img-src data:; base-uri 'none'; form-action 'none'"
    )


@lru_cache(maxsize=1)
def _icon() -> str:
    return "data:image/svg+xml;base64," + base64.b64encode(page_asset("icon.svg").encode()).decode()


@lru_cache(maxsize=1)
def _templates() -> jinja2.Environment:
    loader = jinja2.FileSystemLoader(shipped_dir("maps"))
    return jinja2.Environment(
        loader=loader, autoescape=True, trim_blocks=True, lstrip_blocks=True, undefined=jinja2.StrictUndefined
    )


def markup(template: str, **values: Any) -> markupsafe.Markup:
    """Markup from one of the page templates; every value is escaped."""
    return markupsafe.Markup(_templates().get_template(template).render(**values))  # noqa: S704


@dataclass(frozen=True)
class Page:
    """What a page is put together from."""

    kind: str
    lang: str
    title: str
    body: markupsafe.Markup
    centre: tuple[float, float]
    """Longitude and latitude that the map starts at, before the script fits it to the data."""
    style: Style
    data: dict[str, str] = field(default_factory=dict)
    """JSON texts (made safe) by element id."""

    def html(self) -> str:
        """The page as one HTML document."""
        figure = PageFigure(self.lang, self.title, self.kind, self.body, self.style)
        page_map = PageMap(self.centre, **MAP_OPTIONS)
        figure.add_child(page_map)
        for name, text in self.data.items():
            # JSON is no script: nothing in it can run
            block = f'<script type="application/json" id="{name}">{text}</script>\n'
            figure.html.add_child(Raw(block), name=name)
        figure.add_child(PageScript(self.kind, page_map.get_name()))
        return figure.render()
