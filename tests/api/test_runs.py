"""Runs over HTTP: what is published, two of them compared, one figure through all of them."""

import datetime as dt

import pytest
from fastapi.testclient import TestClient

from gridsvc.api import create_app
from gridsvc.coverage.engine import compute
from gridsvc.coverage.indicators import load_indicators
from gridsvc.layers import load_layers
from gridsvc.store import NewPublication, open_store

from .conftest import COUNTY, GRIDS, TOWN, make_town, put

LATER = dt.date(2026, 11, 27)


@pytest.fixture(scope="module")
def client(tmp_path_factory):
    """The town, its first run published as 第47周; a week later lamp L1201 (dark) burns, and a draft was computed."""
    workspace = make_town(tmp_path_factory.mktemp("runs") / "county")
    layers = load_layers(workspace)
    with open_store(workspace, layers, write=True) as store:
        store.publish_run(
            1,
            NewPublication(
                "第47周",
                "ab" * 32,
                "",
                "2026-11-20T09:00:00+00:00",
                "2026-11-20",
                "2026-11-25",
                "电话 12345",
                "张三",
            ),
        )
        rows, shapes = TOWN["lamps"]
        rows = [{**row, "state": "lit"} if row["lamp_id"] == "L1201" else row for row in rows]
        put(store, layers, "lamps", rows, shapes)
        compute(store, workspace, layers, load_indicators(workspace, layers), LATER)
    return TestClient(create_app(workspace))


@pytest.fixture(scope="module")
def get(client):
    def ask(path, status=200, **query):
        answer = client.get(path, params=query)
        assert answer.status_code == status, answer.text
        return answer.json()

    return ask


def test_runs_are_listed_the_newest_first(get):
    newest, first = get("/runs")["runs"]
    assert (newest["id"], newest["state"], newest["publication"]) == (2, "draft", None)
    assert (first["state"], first["label"], first["loaded_since"]) == ("published", "第47周", ["lamps"])
    assert first["publication"]["number"] == "2026-1"
    assert first["publication"]["objections_until"] == "2026-11-25"


@pytest.mark.parametrize("name", ["1", "2026-1", "第47周", "2026-1-r1"])
def test_a_run_is_found_by_id_number_or_label(get, name):
    assert get(f"/runs/{name}")["id"] == 1
    assert get("/coverage", run=name)["run"]["id"] == 1
    assert get(f"/units/{COUNTY}/gaps", run=name)["run"]["id"] == 1


def test_an_unknown_run_is_not_found_in_an_address_and_a_bad_parameter_elsewhere(get):
    get("/runs/第9周", status=404)
    get("/coverage", status=400, run="第9周")
    get("/compare", status=400, **{"from": "第9周", "to": 1})


def test_who_filled_it_in_stands_on_paper_only(client):
    assert "张三" not in client.get("/runs").text + client.get("/runs/1").text


def test_two_runs_are_compared(get):
    answer = get(
        "/compare", **{"from": "第47周", "to": 2}, level="grid", indicator="lamps_burning", causes=True
    )
    rows = {row["subject"]: row for row in answer["figures"]}
    # an odd lamp has two light points
    east = rows[GRIDS[0]]["numerator_change"] or rows[GRIDS[1]]["numerator_change"]
    assert east == 2
    assert {row["verdict"] for row in rows.values()} == {"better", "same"}
    (cause,) = answer["causes"]
    assert (cause["key"], cause["what"], cause["changes"]) == ("L1201", "changed", [["state", "dark", "lit"]])
    assert cause["numerator_exact"] == 2000


def test_figures_are_compared_without_causes_unless_asked(get):
    answer = get("/compare", **{"from": 1, "to": 2})
    assert answer["causes"] is None
    assert {row["subject"] for row in answer["figures"]} == {COUNTY}
    chief = get("/compare", **{"from": 1, "to": 2}, chief="C1", indicator="lamps_burning")
    assert [row["verdict"] for row in chief["figures"]] == ["better"]


@pytest.mark.parametrize(
    "query",
    [
        {"from": 1},
        {"from": 1, "to": 2, "causes": True},
        {"from": 1, "to": 2, "unit": "7"},
        {"from": 1, "to": 2, "indicator": "x"},
        {"from": 1, "to": 2, "chief": "x"},
        {"from": 1, "to": 2, "chief": "C1", "level": "grid"},
        {"from": 1, "to": 2, "level": "road", "unit": COUNTY},
    ],
)
def test_what_cannot_be_compared_is_a_bad_request(get, query):
    assert get("/compare", status=400, **query)["code"]


def test_a_trend_is_of_published_runs_unless_all_are_asked_for(get):
    assert [point["run"] for point in get("/trend", indicator="lamps_burning")["points"]] == [1]
    every = get("/trend", indicator="lamps_burning", published=False)
    assert [point["verdict"] for point in every["points"]] == ["", "better"]
    assert every["subject"] == COUNTY
    assert get("/trend", indicator="lamps_burning", chief="C1")["name"] == "张三"
    get("/trend", status=400, indicator="lamps_burning", unit="7")
    get("/trend", status=400, indicator="x")


def test_pages_show_them_in_both_languages(client):
    paths = (
        "/runs",
        "/runs/1",
        "/compare?from=1&to=2&indicator=lamps_burning&causes=true",
        "/trend?indicator=lit_road",
    )
    for path in paths:
        mark = "&" if "?" in path else "?"
        for lang in ("zh", "en"):
            page = client.get(f"{path}{mark}lang={lang}&format=html")
            assert page.status_code == 200
            assert "第47周" in page.text
    drawn = client.get("/trend?indicator=lamps_burning&published=false&format=html").text
    assert "<polyline" in drawn
