"""The page of a check in a real browser, at the size of a phone and of a desk, with the network cut."""

import pytest

pytestmark = pytest.mark.browser


@pytest.fixture(scope="module", params=["zh", "en"])
def file(request, demo, gridsvc, tmp_path_factory):
    path = tmp_path_factory.mktemp("findings") / "f.html"
    done = gridsvc("check", "-w", demo, "--html", path, "--lang", request.param, "--limit", "0")
    assert done.returncode == 1, done.stderr
    return path


@pytest.mark.parametrize("size", ["phone", "desk"])
def test_list_and_map_show_what_the_filters_let_through(file, visit, size):
    page = visit(file.as_uri(), size)
    assert [url for url in page.asked if not url.startswith("data:")] == [file.as_uri()]
    assert page.evaluate("document.documentElement.scrollWidth") <= page.viewport_size["width"]
    assert int(page.locator("html").get_attribute("data-drawn")) < 2000
    page.select_option("#kind", "overlap")
    rows = page.locator("#rows li")
    assert rows.count() == 1
    shown = (
        "Object.keys(gridsvc.here.page.picks).filter(id => gridsvc.here.scene.byId[id].shown.some(Boolean))"
    )
    assert page.evaluate(shown) == ["area-attention-overlap", "mark-attention-overlap"]
    zoom = page.evaluate("gridsvc.here.map.getZoom()")
    rows.locator("button").click()
    assert page.evaluate("gridsvc.here.map.getZoom()") > zoom
    assert (
        rows.locator(".main").evaluate("one => one.firstChild.textContent")
        in page.locator(".popup").text_content()
    )
    assert page.said == []


def test_a_mark_on_the_map_leads_to_its_row(file, visit):
    page = visit(file.as_uri())
    page.select_option("#kind", "gap")
    page.locator("#rows button").first.click()
    at = page.evaluate("(() => { const p = gridsvc.here.map.getSize(); return [p.x / 2, p.y / 2]; })()")
    page.evaluate("gridsvc.here.map.closePopup(); document.querySelector('#rows .on').classList.remove('on')")
    page.locator("#map").click(position={"x": at[0], "y": at[1]})
    assert page.locator("#rows li.on").count() == 1
    assert page.said == []
