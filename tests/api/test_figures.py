"""Figures, units, chiefs and gaps: the same number everywhere, with what it was computed from."""

import csv
import io

import pytest

from gridsvc.api import models
from gridsvc.coverage.figures import Figures
from gridsvc.coverage.indicators import load_indicators
from gridsvc.layers import load_layers
from gridsvc.store import open_store

from .conftest import AS_OF, COMMUNITY, COUNTY, DISTRICT, GRIDS


@pytest.fixture(scope="module")
def figures(town):
    layers = load_layers(town)
    with open_store(town, layers) as store:
        yield Figures.open(store, town, layers, load_indicators(town, layers))


def one(body, **wanted):
    found = [row for row in body["figures"] if all(row[name] == value for name, value in wanted.items())]
    assert len(found) == 1
    return found[0]


def test_indicators_carry_goals_bands_and_sources(get):
    body = models.Indicators.model_validate(get("/indicators"))
    lit = next(one for one in body.indicators if one.id == "lit_road")
    assert lit.goals[0].value == 100
    assert lit.bands["A"] > lit.bands["B"]
    assert lit.rule["near"]["layer"] == "lamps"
    assert lit.source
    assert get("/indicators/lit_road")["definition"] == lit.definition
    assert get("/indicators/lit_road", lang="zh")["title"] == "道路装灯率"


def test_coverage_gives_every_figure_of_the_county(get, figures):
    body = models.Coverage.model_validate(get("/coverage"))
    assert body.run.as_of == AS_OF.isoformat()
    assert body.numberMatched == body.numberReturned == len(figures.indicators)
    table = figures.table().set_index("indicator")
    for row in body.figures:
        assert row.numerator_exact == table.at[row.indicator, "numerator_int"]
        assert row.denominator_exact == table.at[row.indicator, "denominator_int"]
        assert row.display == table.at[row.indicator, "display"]
        assert (row.value is None) == (row.reason is not None)


def test_a_figure_has_numerator_denominator_grade_goal_and_run(get):
    # 2,400 lamps with one or two light points each, a third not observed, half of the rest burning
    row = one(get("/coverage", indicator="lamps_burning"))
    assert (row["numerator"], row["denominator"], row["value"]) == (1200, 2400, 50)
    assert (row["numerator_exact"], row["denominator_exact"]) == (1_200_000, 2_400_000)
    assert row["unknown_exact"] == 1_200_000
    assert row["known_share"] == pytest.approx(2 / 3)
    assert (row["display"], row["unit"], row["grade"], row["goal"], row["met"]) == (
        "50.00",
        "%",
        "C",
        100,
        False,
    )
    assert (row["subject"], row["level"], row["run"], row["as_of"]) == (COUNTY, "county", 1, "2026-11-20")
    assert row["reason"] is None


def test_no_value_is_null_with_a_reason_in_the_language_asked(get):
    row = one(get("/coverage", indicator="parking_near"))
    assert (row["value"], row["grade"], row["met"]) == (None, None, None)
    assert row["reason"] == "not loaded: Car parks"
    assert one(get("/coverage", indicator="parking_near", lang="zh"))["reason"] == "图层未入库：停车场"


def test_units_of_a_level_add_up_to_the_unit_above(get):
    for indicator in ("lit_road", "lamps_burning", "green_share"):
        whole = one(get("/coverage", indicator=indicator))
        for level in ("district", "community", "grid"):
            rows = get("/coverage", indicator=indicator, level=level)["figures"]
            assert sum(row["numerator_exact"] for row in rows) == whole["numerator_exact"]
            assert sum(row["denominator_exact"] for row in rows) == whole["denominator_exact"]


def test_remainders_are_named_in_the_language_asked(get):
    names = {
        lang: {row["subject"]: row["name"] for row in get("/coverage", level="grid", lang=lang)["figures"]}
        for lang in ("zh", "en")
    }
    assert names["zh"][f"{COUNTY}*"] == "测试县其余部分"
    assert names["en"][f"{COUNTY}*"] == "测试县, rest"
    assert names["en"][GRIDS[0]] == "一网格"


def test_unit_alone_and_units_below_it(get):
    alone = get("/coverage", unit=COMMUNITY, indicator="lit_road")
    assert [row["subject"] for row in alone["figures"]] == [COMMUNITY]
    below = get("/coverage", unit=COMMUNITY, level="grid", indicator="lit_road")
    assert [row["subject"] for row in below["figures"]] == list(GRIDS)


def test_roads_and_chiefs_have_figures(get):
    roads = get("/coverage", level="road", indicator="lit_road")["figures"]
    assert {row["name"] for row in roads} == {"中山路", "建设路"}
    mine = one(get("/coverage", chief="C1", indicator="lit_road"))
    # the chief has this one road and no other
    assert mine["numerator_exact"] == one({"figures": roads}, name="中山路")["numerator_exact"]
    assert (mine["subject_kind"], mine["subject"]) == ("chief", "C1")


def test_sorting_puts_what_has_no_value_last(get):
    for sort in ("value", "-value"):
        values = [row["value"] for row in get("/coverage", level="grid", sort=sort)["figures"]]
        known = [value for value in values if value is not None]
        assert known == sorted(known, reverse=sort.startswith("-"))
        assert values == known + [None] * (len(values) - len(known))


def test_sorting_by_several_columns(get):
    rows = get("/coverage", level="grid", sort="grade,-subject", indicator="lit_road")["figures"]
    assert [row["subject"] for row in rows][:2] == [GRIDS[1], GRIDS[0]]


def test_coverage_can_be_taken_in_pages(get):
    whole = get("/coverage", level="grid", sort="subject,indicator")
    first = get("/coverage", level="grid", sort="subject,indicator", limit=5)
    second = get("/coverage", level="grid", sort="subject,indicator", limit=5, offset=5)
    assert first["numberMatched"] == whole["numberMatched"]
    assert first["figures"] + second["figures"] == whole["figures"][:10]


def test_an_older_run_can_be_asked_for(get):
    assert get("/coverage", run=1)["run"]["id"] == 1


def test_csv_opens_in_spreadsheets(client):
    answer = client.get("/coverage", params={"level": "grid", "format": "csv", "lang": "zh"})
    assert answer.headers["content-type"] == "text/csv; charset=utf-8"
    assert "coverage.csv" in answer.headers["content-disposition"]
    assert answer.content.startswith(b"\xef\xbb\xbf")
    rows = list(csv.DictReader(io.StringIO(answer.content.decode("utf-8-sig"))))
    # one value a cell: the county's own goal stands for the list of them
    assert list(rows[0]) == [name for name in models.Figure.model_fields if name != "goals"]
    lit = next(row for row in rows if row["indicator"] == "lit_road" and row["subject"] == GRIDS[0])
    assert lit["title"] == "道路装灯率"
    assert lit["numerator_exact"].isdigit()


def test_geojson_has_the_shape_of_every_unit(get):
    body = get("/coverage", level="grid", indicator="lit_road", format="geojson")
    shapes = {feature["id"]: feature["geometry"] for feature in body["features"]}
    assert shapes[GRIDS[0]]["type"] == shapes[GRIDS[1]]["type"] == "Polygon"
    # a remainder is what is left of a unit: its figure stands here, a shape of its own it has not
    assert shapes[f"{COUNTY}*"] is None
    figure = models.Figure.model_validate(body["features"][0]["properties"])
    assert figure.indicator == "lit_road"
    assert body["run"]["id"] == 1


def test_unit_knows_parents_children_and_officers(get):
    body = models.Unit.model_validate(get(f"/units/{COMMUNITY}"))
    assert [one.code for one in body.parents] == [COUNTY, DISTRICT]
    assert [one.code for one in body.children] == list(GRIDS)
    assert body.officers == []
    officers = get(f"/units/{GRIDS[0]}")["officers"]
    assert officers == [{"id": "O1", "name": "李四", "department": "城管局", "role": "grid", "vacant": False}]
    assert len(body.figures) == len(get("/indicators")["indicators"])


def test_the_same_figure_on_every_page(get):
    here = one(get(f"/units/{GRIDS[0]}"), indicator="lit_road")
    there = one(get("/coverage", level="grid", indicator="lit_road"), subject=GRIDS[0])
    assert here == there


def test_chiefs_are_listed_vacant_posts_too(get):
    body = models.Chiefs.model_validate(get("/chiefs"))
    assert [(one.id, one.name, one.vacant) for one in body.chiefs] == [
        ("C1", "张三", False),
        ("组/2", None, True),
    ]


def test_chief_has_roads_assets_and_figures(get):
    body = models.Chief.model_validate(get("/chiefs/C1"))
    assert [(one.road_id, one.road_name, one.from_m) for one in body.stretches] == [("R1", "中山路", 0)]
    assert body.stretches[0].to_m == pytest.approx(739.17, abs=0.01)
    assert body.assets["lamps"] == 2400
    assert one(body.model_dump(), indicator="roads_with_chief")["value"] == 100


def test_links_of_a_chief_whose_id_is_no_plain_word(client, get):
    for link in get("/chiefs")["chiefs"][1]["links"]:
        answer = client.get(link["href"])
        assert answer.status_code == 200, link
    assert get("/chiefs")["chiefs"][1]["links"][0]["href"].isascii()


@pytest.mark.parametrize("path", ["/chiefs/C1/gaps", f"/units/{GRIDS[0]}/gaps"])
def test_gaps_are_geojson_worst_first(get, path):
    body = models.Gaps.model_validate(get(path))
    assert body.numberMatched == len(body.features) > 0
    assert len({feature.id for feature in body.features}) == len(body.features)
    lit = models.Gaps.model_validate(get(path, indicator="lit_road"))
    sizes = [feature.properties["size"] for feature in lit.features]
    assert sizes == sorted(sizes, reverse=True)
    assert {feature.geometry["type"] for feature in lit.features} <= {"LineString", "MultiLineString"}


def test_gap_says_where_on_which_road_and_whose(get):
    gap = get("/chiefs/C1/gaps", indicator="lit_road")["features"][0]["properties"]
    # the lamps stand from 1 to 6 along the road, their reach is 30 m; it is dark from there to its end
    assert (gap["road_name"], gap["chiefs"], gap["measure"]) == ("中山路", ["C1"], "m")
    assert gap["to_m"] - gap["from_m"] == pytest.approx(gap["size"])
    assert gap["size"] == pytest.approx(247.38, abs=0.05)


def test_before_anything_is_computed_pages_answer_without_figures(tmp_path):
    from fastapi.testclient import TestClient

    from gridsvc.api import create_app

    from .conftest import make_town

    workspace = make_town(tmp_path / "county", run=False)
    with TestClient(create_app(workspace), headers={"Accept-Language": "en"}) as client:
        assert client.get("/coverage").json()["figures"] == []
        assert client.get(f"/units/{COMMUNITY}").json()["children"][0]["code"] == GRIDS[0]
        for path in (
            "/",
            "/coverage",
            f"/units/{COUNTY}",
            "/chiefs/C1",
            f"/units/{COUNTY}/gaps",
            "/maps/chiefs/C1",
        ):
            answer = client.get(path, headers={"Accept": "text/html"})
            assert answer.status_code == 200, path
        assert "gridsvc compute" in client.get("/", headers={"Accept": "text/html"}).text


def test_an_absent_store_is_empty_not_broken(tmp_path):
    from fastapi.testclient import TestClient

    from gridsvc.api import create_app
    from gridsvc.settings import County, init_workspace
    from gridsvc.text import bilingual

    workspace = init_workspace(tmp_path / "county", County(name=bilingual("New", "新县")))
    with TestClient(create_app(workspace)) as client:
        for path in (
            "/",
            "/collections",
            "/collections/lamps/items",
            "/chiefs",
            "/coverage",
            "/loads",
            "/maps",
            "/readyz",
        ):
            for form in ("json", "html"):
                answer = client.get(path, headers={"Accept": {"json": "*/*", "html": "text/html"}[form]})
                assert answer.status_code == 200, (path, answer.text)
        assert client.get("/readyz").json()["run"] is None


def test_pages_name_units_in_the_readers_language(client):
    page = client.get("/indicators", params={"format": "html", "lang": "en"}).text
    assert "per 1,000 residents" in page
    assert "千人" not in page
    assert "个/千人" in client.get("/indicators", params={"format": "html", "lang": "zh"}).text
