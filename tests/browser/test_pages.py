"""Pages of the sample county in a real browser, at the size of a phone and of a desk, with the network cut."""

import csv
import datetime as dt
import functools
import http.server
import json
import shutil
import threading

import pytest

from gridsvc.coverage.engine import compute
from gridsvc.coverage.indicators import load_indicators
from gridsvc.layers import load_layers
from gridsvc.maps import Atlas, write_all
from gridsvc.settings import open_workspace
from gridsvc.store import Source, open_store

pytestmark = pytest.mark.browser

PAGES = ["index.html", "index.en.html", "chiefs/LZ001.html", "chiefs/LZ014.en.html", "overview/lit_road.html",
         "overview/lamps_burning.en.html"]  # fmt: skip


@pytest.fixture(scope="module")
def folder(demo):
    return demo / "maps" / "out"


def drawn(page, group):
    """Pixels of the map that change when a group is switched off."""
    script = """async id => {
        const here = gridsvc.here, canvas = here.scene._container, group = here.scene.byId[id];
        const read = () => canvas.getContext('2d').getImageData(0, 0, canvas.width, canvas.height).data;
        const wait = () => new Promise(done => requestAnimationFrame(() => requestAnimationFrame(done)));
        const before = read();
        group.on = false; here.scene.redraw(); await wait(); await wait();
        const after = read();
        group.on = true; here.scene.redraw(); await wait();
        let count = 0;
        for (let i = 0; i < before.length; i += 4)
            if (before[i] !== after[i] || before[i + 1] !== after[i + 1] || before[i + 2] !== after[i + 2]) count++;
        return count;
    }"""
    return page.evaluate(script, group)


def groups(page):
    return json.loads(page.locator("#page").text_content())["groups"]


@pytest.mark.parametrize("size", ["phone", "desk"])
@pytest.mark.parametrize("name", PAGES)
def test_a_page_opens_from_a_file_without_network(visit, folder, name, size):
    file = folder / name
    page = visit(file.as_uri(), size)
    asked = [url for url in page.asked if not url.startswith("data:")]
    assert asked == [file.as_uri()]
    assert page.said == []
    assert page.evaluate("document.documentElement.scrollWidth") <= page.viewport_size["width"]
    assert int(page.locator("html").get_attribute("data-drawn")) < 2000
    assert int(page.locator("html").get_attribute("data-count")) > 50


@pytest.mark.parametrize("size", ["phone", "desk"])
def test_every_chiefs_page_is_small_and_whole(folder, visit, size):
    files = sorted((folder / "chiefs").glob("LZ*.html"))
    assert len(files) >= 120
    assert max(file.stat().st_size for file in files) < 1_500_000
    largest = max(files, key=lambda file: file.stat().st_size)
    page = visit(largest.as_uri(), size)
    assert int(page.locator("html").get_attribute("data-drawn")) < 2000


@pytest.mark.parametrize("size", ["phone", "desk"])
def test_nothing_is_clipped(folder, visit, size):
    page = visit((folder / "chiefs/LZ001.html").as_uri(), size)
    script = """() => [...document.querySelectorAll('h1, .call, .sum span, .tabs button, .card > *, .tag')]
        .filter(one => one.offsetParent && (one.scrollWidth > one.clientWidth + 1) && one.clientWidth > 0
            && getComputedStyle(one).display !== 'inline').map(one => one.className + ' ' + one.textContent.trim())"""
    assert page.evaluate(script) == []
    script = """() => [...document.querySelectorAll('.top *, .tabs *, .card')].filter(one => {
        const box = one.getBoundingClientRect();
        return box.width && (box.left < -0.5 || box.right > innerWidth + 0.5);
    }).map(one => one.className || one.tagName)"""
    assert page.evaluate(script) == []


@pytest.mark.parametrize("size", ["phone", "desk"])
def test_own_roads_gaps_and_assets_are_drawn(folder, visit, size):
    page = visit((folder / "chiefs/LZ001.html").as_uri(), size)
    shown = [
        group for group in groups(page) if group["kind"] in ("own", "gap", "point") and not group["fromZoom"]
    ]
    assert {group["kind"] for group in shown} == {"own", "gap", "point"}
    for group in shown:
        assert drawn(page, group["id"]) > 8, group["id"]


def test_the_ground_is_drawn_from_the_countys_own_layers(folder, visit):
    page = visit((folder / "chiefs/LZ014.html").as_uri())
    for name in ("land", "area-greenery", "area-water", "road-arterial", "road-lane", "border-grid"):
        assert drawn(page, name) > 50, name


def test_a_served_page_asks_for_nothing_but_itself(folder, visit):
    handler = functools.partial(http.server.SimpleHTTPRequestHandler, directory=folder)
    handler.log_message = lambda *_: None
    with http.server.ThreadingHTTPServer(("127.0.0.1", 0), handler) as server:
        threading.Thread(target=server.serve_forever, daemon=True).start()
        address = f"http://127.0.0.1:{server.server_port}/chiefs/LZ001.html"
        page = visit(address, online=True)
        page.wait_for_timeout(300)
        server.shutdown()
    assert [url for url in page.asked if not url.startswith("data:")] == [address]
    assert page.said == []


def test_a_gap_in_the_list_leads_to_the_map(folder, visit):
    page = visit((folder / "chiefs/LZ001.html").as_uri())
    zoom = page.evaluate("gridsvc.here.map.getZoom()")
    page.click("#tab-gaps")
    row = page.locator("#gap-list button").first
    row.click()
    assert page.evaluate("gridsvc.here.map.getZoom()") > zoom
    popup = page.locator(".popup")
    assert row.locator("b").text_content() in popup.text_content()
    assert popup.locator("a[href^='tel:']").count() >= 1
    picked = page.evaluate("gridsvc.here.scene.selected[0]")
    assert picked["group"] == row.get_attribute("data-pick")


def test_a_card_shows_its_gaps_alone(folder, visit):
    page = visit((folder / "chiefs/LZ001.html").as_uri())
    card = page.locator("button.card[data-gaps]").first
    card.click()
    shown = page.locator("#gap-list li:visible")
    kinds = {shown.nth(k).get_attribute("data-indicator") for k in range(shown.count())}
    assert kinds == {card.get_attribute("data-gaps")}
    on = [one["indicator"] for one in groups(page) if one.get("indicator")
          and page.evaluate("id => gridsvc.here.scene.byId[id].on", one["id"])]  # fmt: skip
    assert set(on) == kinds


def test_the_legend_switches_layers(folder, visit):
    page = visit((folder / "chiefs/LZ001.html").as_uri())
    entry = page.locator("#legend input[data-groups='own']")
    assert page.evaluate("gridsvc.here.scene.byId.own.on")
    entry.uncheck()
    assert not page.evaluate("gridsvc.here.scene.byId.own.on")


def test_the_legend_lives_in_a_tab_on_a_phone(folder, visit):
    page = visit((folder / "chiefs/LZ001.html").as_uri(), "phone")
    assert not page.locator("#legend").is_visible()
    page.tap("#tab-legend")
    assert page.locator("#panel-legend #legend").is_visible()


def test_the_phones_sheet_can_be_pulled_down(folder, visit):
    page = visit((folder / "chiefs/LZ001.html").as_uri(), "phone")
    height = page.locator("#map").bounding_box()["height"]
    page.tap("#grip")
    page.wait_for_timeout(400)
    assert page.locator("#map").bounding_box()["height"] > height + 100


def test_a_click_on_the_road_names_the_responsible(folder, visit):
    page = visit((folder / "chiefs/LZ014.html").as_uri())
    spot = page.evaluate("""() => {
        const {scene, map} = gridsvc.here, g = scene.byId.own.geometry, i = Math.floor(g.x.length / 2);
        const at = map.latLngToContainerPoint(scene.toLatLng((g.x[i] + g.x[i - 1]) / 2, (g.y[i] + g.y[i - 1]) / 2));
        for (const group of scene.groups) if (group.id !== 'own') group.hit = false;
        return at;
    }""")
    box = page.locator("#map").bounding_box()
    page.mouse.click(box["x"] + spot["x"], box["y"] + spot["y"])
    assert page.locator(".popup .people a[href^='tel:']").count() >= 1
    assert page.locator(".popup h4").text_content() == "团结路"


def test_the_search_finds_roads_and_assets(folder, visit):
    page = visit((folder / "chiefs/LZ014.html").as_uri())
    page.fill("#find", "团结")
    page.keyboard.press("Enter")
    assert page.evaluate("gridsvc.here.scene.selected[0].group") == "own"
    page.fill("#find", "没有这条路")
    assert "没有找到" in page.locator("#found").text_content()


def test_the_gap_list_can_be_saved_without_network(folder, visit):
    page = visit((folder / "chiefs/LZ001.html").as_uri())
    page.click("#tab-gaps")
    with page.expect_download() as waiting:
        page.click("[data-save]")
    text = waiting.value.path().read_text(encoding="utf-8-sig")
    rows = list(csv.reader(text.splitlines()))
    assert len(rows) == 1 + page.locator("#gap-list li").count()
    assert rows[0] == ["指标", "所在道路", "位置", "大小"]


def test_cards_tabs_and_lists_work_with_the_keyboard_alone(folder, visit):
    page = visit((folder / "chiefs/LZ001.html").as_uri())
    page.focus("#tab-figures")
    page.keyboard.press("ArrowRight")
    assert page.locator("#tab-gaps").get_attribute("aria-selected") == "true"
    assert page.evaluate("document.activeElement.id") == "tab-gaps"
    page.focus("#gap-list button")
    page.keyboard.press("Enter")
    assert page.locator(".popup").count() == 1


def test_the_index_is_searched_and_sorted(folder, visit):
    page = visit((folder / "index.html").as_uri())
    rows = page.locator("tr.row:visible")
    count = rows.count()
    page.fill("#filter", "环城路")
    assert 0 < rows.count() < count
    page.fill("#filter", "")
    page.click("th:nth-child(3) button")
    ranks = page.eval_on_selector_all("tr.row", "rows => rows.map(row => row.cells[2].dataset.value)")
    known = [float(rank) for rank in ranks if rank]
    assert known == sorted(known, reverse=True)
    # who has no grade stands last
    assert all(ranks[: len(known)])
    page.click("tr.row td:nth-child(2)")
    assert page.evaluate("gridsvc.here.scene.selected[0].group") == "chiefs"


def test_the_index_leads_to_a_chiefs_page_and_back(folder, visit):
    page = visit((folder / "index.html").as_uri())
    page.click("tr.row[data-index='0'] a")
    page.wait_for_selector("html[data-drawn]", state="attached")
    assert page.locator("body.chief").count() == 1
    page.click("a.home")
    page.wait_for_selector("body.index")


def test_table_and_map_of_an_overview_belong_together(folder, visit):
    page = visit((folder / "overview/lamps_burning.html").as_uri())
    page.click("[data-level='community']")
    row = page.locator("#rows tr").first
    row.click()
    name = row.locator("button").text_content()
    assert page.locator(".popup h4").text_content() == name
    index = int(row.get_attribute("data-index"))
    assert page.evaluate("gridsvc.here.scene.selected[0]") == {"group": "units-community", "index": index}
    # and the other way: a click on the map marks the row
    page.click("[data-level='district']")
    page.evaluate("gridsvc.here.home()")
    spot = page.evaluate("""() => {
        const {scene, map} = gridsvc.here, [x, y] = scene.byId['units-district'].labels.anchors[3];
        return map.latLngToContainerPoint(scene.toLatLng(x, y));
    }""")
    box = page.locator("#map").bounding_box()
    page.mouse.click(box["x"] + spot["x"], box["y"] + spot["y"])
    assert page.locator("#rows tr.on").get_attribute("data-index") == "3"


def test_an_overviews_legend_counts_every_unit(folder, visit):
    page = visit((folder / "overview/lit_road.html").as_uri())
    for level in ("district", "community", "grid"):
        page.click(f"[data-level='{level}']")
        counts = page.locator("#bands .count").all_text_contents()
        units = page.evaluate(
            "name => gridsvc.here.page.levels.find(one => one.level === name).units.length", level
        )
        assert sum(int(text.split()[0]) for text in counts) == units
        words = " ".join(page.locator("#bands .word").all_text_contents())
        assert "98% 及以上" in words


def test_printing_shows_map_cards_and_lists(folder, visit):
    page = visit((folder / "chiefs/LZ014.html").as_uri())
    page.emulate_media(media="print")
    page.evaluate("dispatchEvent(new Event('beforeprint'))")
    for selector in ("#map canvas", ".card >> nth=0", "#gap-list li >> nth=0", "#legend"):
        assert page.locator(selector).is_visible(), selector
    assert not page.locator("#find").is_visible()


HOSTILE = "</script><script>alert(1)</script><img src=x onerror=alert(2)>{{ 7 * 7 }}'\"&"


@pytest.fixture(scope="module")
def hostile(demo, tmp_path_factory):
    """The pages of a chief whose name, roads and toilets are called something hostile."""
    root = tmp_path_factory.mktemp("hostile") / "county"
    shutil.copytree(demo, root, ignore=shutil.ignore_patterns("out"))
    workspace = open_workspace(root)
    layers = load_layers(workspace)
    with open_store(workspace, layers, write=True) as store:
        for name, field in (
            ("chiefs", "name"),
            ("chiefs", "phone"),
            ("roads", "road_name"),
            ("toilets", "name"),
        ):
            rows = store.read(name)
            rows[field] = HOSTILE
            store.apply(
                name, rows.drop(columns="fid").assign(source_row=0), Source("hostile", "0" * 64), "upsert"
            )
        indicators = load_indicators(workspace, layers)
        compute(store, workspace, layers, indicators, dt.date(2026, 11, 20))
        atlas = Atlas.open(store, workspace, layers, indicators)
        write_all(atlas, langs=["zh"], chiefs=["LZ001"], overviews=["lit_road"])
    return workspace.pages_dir


@pytest.mark.parametrize("name", ["index.html", "chiefs/LZ001.html"])
def test_hostile_names_are_shown_and_not_obeyed(hostile, visit, name):
    page = visit((hostile / name).as_uri())
    text = (
        page.locator("h1").first.text_content()
        if "LZ" in name
        else page.locator("tr.row a").first.text_content()
    )
    assert HOSTILE in text
    if "LZ" in name:
        page.click("#tab-roads")
        page.locator("#panel-roads button[data-pick]").first.click()
        assert HOSTILE in page.locator(".popup h4").text_content()
        page.fill("#find", "alert")
        assert page.locator("#found li").count() > 0
    else:
        page.click("tr.row td:nth-child(2)")
    page.wait_for_timeout(200)
    assert page.said == []
    assert page.locator("img:not(.leaflet-tile)").count() == 0
