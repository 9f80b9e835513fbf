"""Pages as documents: whole, closed to the network, and proof against hostile names."""

import base64
import hashlib
import html.parser
import json
import re

import folium
import numpy as np
import pytest
import shapely
from markupsafe import escape

from gridsvc.maps.chief_page import chief_html
from gridsvc.maps.folium_page import leaflet_files, safe_json
from gridsvc.maps.links import FileLinks
from gridsvc.maps.model import Card, ChiefPage, Column, Gap, Group, Info, Person, Sheet, Stamp, Stretch
from gridsvc.maps.phrases import PHRASES
from gridsvc.maps.style import load_style
from gridsvc.text import bilingual

HOSTILE = "</script><img src=x onerror=alert(1)>{{ 7 * 7 }}{% raw %}'\"&\u2028"


class Reader(html.parser.HTMLParser):
    """Gathers what a page is made of."""

    def __init__(self, text):
        super().__init__()
        self.tags, self.blocks, self.ids = [], {}, []
        self.feed(text)

    def handle_starttag(self, tag, attrs):
        self.tags.append((tag, dict(attrs)))

    def handle_data(self, data):
        if self.tags and self.tags[-1][0] in ("script", "style"):
            tag, attrs = self.tags[-1]
            self.blocks.setdefault((tag, attrs.get("id", "")), []).append(data)

    def first(self, tag, **wanted):
        return next(a for t, a in self.tags if t == tag and all(a.get(k) == v for k, v in wanted.items()))


def page(name="王小明", **stamp):
    """A chief with one road, one lamp and one gap, everything called *name*."""
    text = bilingual(name, name)
    chief = Person("C1", name, name, text, name, "138 0000-0000" if name == "王小明" else name)
    line = np.array([shapely.LineString([(0, 0), (4000, 300)])], dtype=object)
    lamp = np.array([shapely.Point(100, 40)], dtype=object)
    style = load_style()
    info = Info(text, [name], (Column(text, [name]),), [(chief,)])
    groups = [
        Group("land", "land", np.array([shapely.box(-9000, -9000, 9000, 9000)], dtype=object), {"fill": "#ffffff"}),
        Group("own", "own", line, style.own.plain(), text, "own", hit=True, info=info,
              labels={"names": [name], "along": True}),
        Group("gap-0-stretch", "gap", line, style.gap(0).plain(), text, "gaps", counted=True, info=info,
              extra={"indicator": "lit_road"}),
        Group("asset-0", "point", lamp, {**style.symbol("lamps", "dark", 0).plain(), "size": 5}, text, "assets",
              counted=True, hit=True, info=info),
    ]  # fmt: skip
    card = Card(
        "lit_road", text, text, "12.34", bilingual("%", "%"), 12.34, "C", text, 100.0, False, text, text, 0.5,
        shortfall=text, gaps=1,
    )  # fmt: skip
    gap = Gap("lit_road", "stretch", text, text, text, 12.0, "gap-0-stretch", 0)
    stretch = Stretch(name, name, "lane", text, text, 480.0, "2026-11-01", (chief,), "own", 0)
    shown = Stamp(text, ("zh", "en"), "2026-11-20", 3, "draft", **stamp)
    sheet = Sheet(groups, (0.0, 0.0, 4000.0, 300.0), (-9000.0, -9000.0, 9000.0, 9000.0), (0.0, 0.0))
    return ChiefPage(shown, chief, [card], [gap], [stretch], sheet, 480.0, "2026-11-01", name, name)


def rendered(lang="zh", **options):
    return chief_html(page(**options), load_style(), lang, FileLinks("zh"))


def test_a_page_brings_everything_along():
    reader = Reader(rendered())
    for tag, attrs in reader.tags:
        for attribute in ("src", "href", "xlink:href", "action", "srcset", "data"):
            target = attrs.get(attribute, "")
            local = target.startswith(("data:", "tel:", "#")) or re.fullmatch(r"[\w./-]+\.html", target)
            assert not target or local, (tag, attribute, target)
    assert not [tag for tag, _ in reader.tags if tag in ("iframe", "object", "embed", "base", "form")]
    styles = "".join(text for (tag, _), parts in reader.blocks.items() if tag == "style" for text in parts)
    assert "@import" not in styles
    assert "url(" not in styles


def test_only_the_pages_own_scripts_and_styles_may_work():
    text = rendered()
    reader = Reader(text)
    policy = reader.first("meta", **{"http-equiv": "Content-Security-Policy"})["content"]
    assert policy.startswith("default-src 'none'")
    assert "unsafe" not in policy
    assert "http" not in policy
    blocks = [
        body
        for attributes, body in re.findall(r"<script([^>]*)>(.*?)</script>", text, re.DOTALL)
        if "application/json" not in attributes
    ] + re.findall(r"<style>(.*?)</style>", text, re.DOTALL)
    allowed = set(re.findall(r"'sha256-([^']+)'", policy))
    assert {base64.b64encode(hashlib.sha256(block.encode()).digest()).decode() for block in blocks} == allowed
    # nothing would work that hangs on an element
    assert not [
        name for _, attrs in reader.tags for name in attrs if name.startswith("on") or name == "style"
    ]


def test_the_policy_stands_before_anything_it_rules():
    text = rendered()
    assert text.index("Content-Security-Policy") < text.index("<title>") < text.index("<style>")


@pytest.mark.parametrize("lang", ["zh", "en"])
def test_hostile_names_are_text(lang):
    text = rendered(lang, name=HOSTILE)
    reader = Reader(text)
    assert not [attrs for tag, attrs in reader.tags if tag == "img"]
    assert "49" not in Reader(text).first("meta", name="viewport")["content"]
    assert str(escape(HOSTILE)) in text
    data = json.loads("".join(reader.blocks["script", "page"]))
    assert data["people"][0]["n"] == HOSTILE
    own = next(group for group in data["groups"] if group["id"] == "own")
    assert own["labels"]["names"] == [HOSTILE]
    assert "{{ 7 * 7 }}" in text


def test_a_phone_number_that_is_none_dials_nothing():
    reader = Reader(rendered(name="javascript:alert(1)"))
    calls = [
        attrs["href"] for tag, attrs in reader.tags if tag == "a" and attrs.get("href", "").startswith("tel:")
    ]
    assert set(calls) == {"tel:1"}
    assert not [a for t, a in reader.tags if t == "a" and a.get("href", "").startswith("javascript")]


def test_a_phone_number_is_dialled_by_its_digits():
    assert 'href="tel:13800000000"' in rendered()


def test_the_same_data_gives_the_same_page():
    assert rendered() == rendered()


def test_folium_itself_stays_as_it_was():
    before = list(folium.Map.default_js), list(folium.Map.default_css)
    rendered()
    assert (folium.Map.default_js, folium.Map.default_css) == before
    assert "leaflet.js" in folium.Map().get_root().render()


def test_leaflet_is_whole_and_asks_for_no_further_files():
    script, styles = leaflet_files()
    assert re.match(r"/\* @preserve\s+\* Leaflet 1\.9\.\d", script)
    assert "sourceMappingURL" not in script
    assert "</script" not in script
    assert "url(" not in styles


def test_pages_speak_their_language():
    chinese, english = Reader(rendered("zh")), Reader(rendered("en"))
    assert chinese.first("html")["lang"] == "zh-CN"
    assert english.first("html")["lang"] == "en"
    assert chinese.first("a", **{"class": "lang"})["href"] == "../chiefs/C1.en.html"
    assert english.first("a", **{"class": "lang"})["href"] == "../chiefs/C1.html"


def test_a_page_may_be_enlarged_with_two_fingers():
    content = Reader(rendered()).first("meta", name="viewport")["content"]
    assert "maximum-scale" not in content
    assert "user-scalable" not in content


def test_marking_approval_and_origin_stand_on_the_page():
    text = rendered(marking="内部使用", approval="豫S(2026)001号", synthetic=True)
    assert "内部使用" in text
    assert "审图号：豫S(2026)001号" in text
    assert PHRASES["synthetic"].zh in text
    assert "2026-11-20" in text
    assert "第 3 批次" in text
    plain = rendered()
    assert PHRASES["synthetic"].zh not in plain
    assert "审图号" not in plain


def test_a_new_chief_names_the_predecessor():
    assert "自 2026-11-01 起任职，前任：王小明" in rendered()


def test_json_in_a_page_cannot_end_its_script():
    assert "<" not in safe_json({"a": "</script><!--"})
    assert json.loads(safe_json({"a": "</script>\u2028&"})) == {"a": "</script>\u2028&"}


def test_every_phrase_has_both_languages_and_the_same_fields():
    for key, text in PHRASES.items():
        fields = [sorted(re.findall(r"\{(\w+)\}", side)) for side in (text.en, text.zh)]
        assert text.en and text.zh, key
        assert fields[0] == fields[1], key
