"""The form of answers: languages, media types, headers, caching, CORS, addresses behind a proxy."""

import pytest
from fastapi.testclient import TestClient

from gridsvc.api import create_app
from gridsvc.api.negotiation import language, media_type
from gridsvc.api.sheet import to_csv
from gridsvc.layers import load_layers
from gridsvc.store import open_store

from .conftest import COUNTY, GRIDS, PHONE, make_town, put

BROWSER = {"Accept": "text/html,application/xhtml+xml,application/xml;q=0.9,*/*;q=0.8"}
PAGES = [
    "/",
    "/conformance",
    "/collections",
    "/collections/lamps",
    "/collections/lamps/items",
    "/collections/grids/items",
    "/collections/grids/items/1",
    "/collections/lamps/schema",
    "/collections/lamps/queryables",
    "/indicators",
    "/indicators/lit_road",
    "/coverage",
    "/coverage?level=road",
    f"/units/{COUNTY}",
    f"/units/{GRIDS[0]}",
    f"/units/{COUNTY}/gaps",
    "/chiefs",
    "/chiefs/C1",
    "/chiefs/组%2F2",
    "/chiefs/C1/gaps",
    "/loads",
    "/loads/7",
    "/healthz",
    "/readyz",
]
MAPS = ["/maps", "/maps/chiefs/C1", "/maps/chiefs/组%2F2", "/maps/overview/lit_road"]
OFFERS = {"json": "application/json", "html": "text/html"}


@pytest.mark.parametrize(
    ("accept", "form"),
    [
        ("", "json"),
        ("*/*", "json"),
        ("application/json", "json"),
        (BROWSER["Accept"], "html"),
        ("text/html;q=0.2, application/json;q=0.9", "json"),
        ("text/*", "html"),
        ("*/*;q=0.1, text/html;q=0", "json"),
        ("application/json;q=0, */*", "html"),
        ("image/png", "json"),
        ("text/html;q=nonsense", "json"),
    ],
)
def test_accept_header_decides_the_form(accept, form):
    assert media_type(accept, OFFERS) == form


@pytest.mark.parametrize(
    ("query", "header", "lang"),
    [
        ("en", "zh", "en"),
        (None, "en-GB,en;q=0.9,zh;q=0.8", "en"),
        (None, "fr, zh-CN;q=0.5, en;q=0.4", "zh"),
        (None, "fr", "zh"),
        (None, "", "zh"),
        ("fr", "en", "en"),
    ],
)
def test_language_is_the_one_asked_for_else_accepted_else_the_countys(query, header, lang):
    assert language(query, header, ("zh", "en")) == lang


@pytest.mark.parametrize("path", PAGES)
def test_people_get_pages_in_both_languages(client, path):
    titles = []
    for lang, tag in (("zh", "zh-CN"), ("en", "en")):
        answer = client.get(path, headers=BROWSER | {"Accept-Language": lang})
        assert answer.status_code == 200, answer.text
        assert answer.headers["content-type"] == "text/html; charset=utf-8"
        assert f'<html lang="{tag}">' in answer.text
        assert "<script" not in answer.text
        titles.append(answer.text)
    assert titles[0] != titles[1]


@pytest.mark.parametrize("path", MAPS)
def test_maps_are_served_with_links_between_them(client, path):
    answer = client.get(path, headers=BROWSER | {"Accept-Language": "zh"})
    assert answer.status_code == 200
    assert "script-src 'unsafe-inline'" in answer.headers["content-security-policy"]
    assert "/maps" in answer.text


def test_index_of_maps_for_clients(client, get):
    body = get("/maps")
    assert [one["id"] for one in body["chiefs"]] == ["C1", "组/2"]
    assert "lit_road" in [one["id"] for one in body["overviews"]]
    for one in [*body["chiefs"], body["overviews"][0]]:
        assert client.get(one["links"][0]["href"]).status_code == 200


def test_links_of_pages_answer_and_keep_the_language(client):
    page = client.get("/?lang=zh", headers=BROWSER).text
    addresses = {part.split('"')[0].replace("&amp;", "&") for part in page.split('href="/')[1:]}
    assert len(addresses) > 10
    for address in addresses:
        assert "lang=zh" in address
        assert client.get("/" + address, headers=BROWSER).status_code == 200, address


def test_text_from_the_data_is_escaped(tmp_path):
    workspace = make_town(tmp_path / "county", run=False)
    layers = load_layers(workspace)
    with open_store(workspace, layers, write=True) as store:
        put(store, layers, "chiefs", [{"chief_id": "<script>1", "name": "<b>&</b>", "level": "1"}], None)
    with TestClient(create_app(workspace)) as client:
        for path in ("/chiefs", "/chiefs/%3Cscript%3E1", "/maps", "/maps/chiefs/%3Cscript%3E1"):
            page = client.get(path, headers=BROWSER)
            assert page.status_code == 200
            assert "<script>1" not in page.text
            assert "<b>&" not in page.text


def test_csv_cells_that_look_like_formulas_are_disarmed():
    text = to_csv(["a", "b"], [["=1+1", "@x"], ["-3.5", "+86 1"], [-3.5, None]])
    assert text == "\ufeffa,b\r\n'=1+1,'@x\r\n-3.5,'+86 1\r\n-3.5,\r\n"


@pytest.mark.parametrize(
    "path", ["/", "/collections/lamps/items", "/coverage", "/docs", "/maps/chiefs/C1", "/nothing"]
)
def test_every_answer_carries_the_security_headers(client, path):
    for accept in ("application/json", "text/html"):
        headers = client.get(path, headers={"Accept": accept}).headers
        assert headers["x-content-type-options"] == "nosniff"
        assert "default-src 'none'" in headers["content-security-policy"]
        assert headers["cache-control"] in ("no-cache", "no-store")
        assert "referrer-policy" in headers


def test_an_unchanged_answer_is_not_sent_again(client):
    first = client.get("/coverage")
    again = client.get("/coverage", headers={"If-None-Match": first.headers["etag"]})
    assert again.status_code == 304
    assert again.content == b""
    assert again.headers["etag"] == first.headers["etag"]
    other = client.get("/coverage?lang=zh", headers={"If-None-Match": first.headers["etag"]})
    assert other.status_code == 200


def test_a_load_is_seen_at_once(tmp_path):
    workspace = make_town(tmp_path / "county", run=False)
    layers = load_layers(workspace)
    with TestClient(create_app(workspace)) as client:
        first = client.get("/collections/toilets/items")
        with open_store(workspace, layers, write=True) as store:
            rows = store.read("toilets")
            put(store, layers, "toilets", [{"toilet_id": "T9", "kind": "flush"}], [rows.geometry[0]])
        second = client.get("/collections/toilets/items", headers={"If-None-Match": first.headers["etag"]})
    assert second.status_code == 200
    assert [feature["properties"]["toilet_id"] for feature in second.json()["features"]] == ["T9"]


def test_head_is_get_without_the_body(client):
    head, get = client.head("/collections"), client.get("/collections")
    assert head.status_code == 200
    assert head.content == b""
    assert head.headers["content-type"] == get.headers["content-type"]


def test_other_origins_may_read_only_where_they_are_named(town, client):
    origin = {"Origin": "https://dashboard.example"}
    assert "access-control-allow-origin" not in client.get("/coverage", headers=origin).headers
    with TestClient(create_app(town, cors_origins=["https://dashboard.example"])) as open_client:
        headers = open_client.get("/coverage", headers=origin).headers
        assert headers["access-control-allow-origin"] == "https://dashboard.example"
        refused = open_client.get("/coverage", headers={"Origin": "https://other.example"})
        assert "access-control-allow-origin" not in refused.headers


def test_addresses_are_right_under_a_path_of_a_proxy(town):
    with TestClient(create_app(town), root_path="/grid", headers={"Accept-Language": "en"}) as client:
        body = client.get("/grid/collections/lamps/items?limit=5").json()
        links = {link["rel"]: link["href"] for link in body["links"]}
        assert links["next"] == "http://testserver/grid/collections/lamps/items?limit=5&offset=5"
        assert client.get(links["next"]).json()["features"][0]["id"] == 6
        page = client.get("/grid/", headers=BROWSER).text
        assert 'href="/grid/maps"' in page
        assert 'href="/maps"' not in page
        assert "/grid/maps/chiefs/C1" in client.get("/grid/maps", headers=BROWSER).text
        assert client.get("/grid/api").json()["servers"] == [{"url": "http://testserver/grid"}]


def test_loads_tell_what_became_of_every_row(get):
    newest = get("/loads")["loads"][0]
    assert newest["layer"] == "duties"
    lamps = next(one for one in get("/loads")["loads"] if one["layer"] == "lamps")
    detail = get(f"/loads/{lamps['id']}", lang="zh")
    assert detail["quarantined"] == 1
    assert detail["refused"] == [
        {"source_row": 2401, "reason": "geometry_missing", "description": "没有几何"}
    ]
    # what was in the refused row may concern a person
    assert PHONE not in str(detail)


def test_health_and_readiness(get):
    assert get("/healthz")["status"] == "ok"
    ready = get("/readyz")
    assert (ready["status"], ready["run"], ready["features"]["grids"]) == ("ready", 1, 2)


def test_not_ready_while_the_store_cannot_be_read(tmp_path):
    workspace = make_town(tmp_path / "county", run=False)
    app = create_app(workspace)
    (file,) = workspace.store_url.files
    file.write_bytes(b"this is no database " * 200)
    for extra in ("-wal", "-shm"):
        file.with_name(file.name + extra).unlink(missing_ok=True)
    with TestClient(app) as client:
        answer = client.get("/readyz")
        assert answer.status_code == 503
        assert answer.json()["code"] == "Unavailable"
        assert client.get("/healthz").status_code == 200
