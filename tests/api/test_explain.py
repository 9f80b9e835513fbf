"""What a figure is made of, over HTTP."""

import pytest

from .conftest import COUNTY, GRIDS


def test_the_facts_add_up_to_the_figure_that_coverage_shows(get):
    for grid in GRIDS:
        told = get(f"/explain?indicator=lit_road&unit={grid}")
        (figure,) = get(f"/coverage?indicator=lit_road&unit={grid}")["figures"]
        assert told["figure"] == figure
        assert told["adds_up"]
        for side in ("numerator", "denominator"):
            assert sum(fact[f"{side}_exact"] for fact in told["facts"]) == figure[f"{side}_exact"]
        assert {fact["key"] for fact in told["facts"]} <= {"R1", "R2"}


def test_the_figure_of_a_chief_and_of_a_road(get):
    # road A is C1's from end to end
    chief = get("/explain?indicator=lit_road&chief=C1")
    road = get("/explain?indicator=lit_road&road=A")
    assert chief["facts"] == road["facts"]
    assert chief["facts"]


def test_loads_and_definition_stand_beside_it(get):
    told = get(f"/explain?indicator=toilet_density&unit={COUNTY}")
    assert [fact["key"] for fact in told["facts"] if fact["layer"] == "toilets"] == ["T1"]
    assert {source["layer"] for source in told["sources"]} >= {"toilets", "zones", "grids"}
    assert told["indicator"]["rule"]["of"] == {"layer": "toilets"}
    assert [side["side"] for side in told["sums"]] == ["numerator", "denominator", "unknown", "exempt"]


def test_people_read_it_as_a_page(client):
    page = client.get(f"/explain?indicator=lit_road&unit={COUNTY}&lang=zh", headers={"Accept": "text/html"})
    assert page.status_code == 200
    assert "逐位相同" in page.text
    assert "中山路" in page.text


@pytest.mark.parametrize(
    "query",
    [
        "",
        "indicator=lit_road",
        f"indicator=nothing&unit={COUNTY}",
        "indicator=lit_road&unit=123",
        f"indicator=lit_road&unit={COUNTY}&chief=C1",
        "indicator=lit_road&chief=nobody",
        f"indicator=lit_road&unit={COUNTY}&run=99",
        "indicator=green_share&chief=C1",
    ],
)
def test_what_cannot_be_explained_is_refused(client, query):
    answer = client.get(f"/explain?{query}")
    assert answer.status_code == 400
    assert answer.json()["code"] == "InvalidParameter"
