"""OGC API – Features: collections, items, paging and filters."""

import re
from dataclasses import replace
from itertools import pairwise

import pytest
from starlette.testclient import TestClient

from gridsvc.api import create_app, models

from .conftest import GRIDS, LAMPS, PHONE, SOUTH, WEST

CRS84 = "http://www.opengis.net/def/crs/OGC/1.3/CRS84"


def rels(body):
    return {link["rel"]: link["href"] for link in body["links"]}


def test_landing_page_links_to_what_clients_look_for(get):
    body = get("/")
    models.Landing.model_validate(body)
    assert body["title"] == "Test county"
    assert {"self", "alternate", "service-desc", "service-doc", "conformance", "data"} <= set(rels(body))
    assert "made up" in body["attribution"]
    assert "内部使用" in body["attribution"]


def test_every_link_of_the_landing_page_answers(client, get):
    for link in get("/")["links"]:
        answer = client.get(link["href"])
        assert answer.status_code == 200, link
        assert answer.headers["content-type"].split(";")[0] == link["type"].split(";")[0]


def test_conformance_names_the_classes_of_part_1_only(get):
    classes = get("/conformance")["conformsTo"]
    assert {name.rsplit("/", 1)[1] for name in classes} == {"core", "oas30", "geojson", "html"}


def test_every_layer_is_a_collection_with_its_extent(get):
    found = {one["id"]: one for one in models.Collections(**get("/collections")).model_dump()["collections"]}
    assert {"counties", "grids", "roads", "lamps", "parking"} <= set(found)
    west, south, east, north = found["counties"]["extent"]["spatial"]["bbox"][0]
    assert (west, south) == pytest.approx((WEST, SOUTH))
    assert (east, north) == pytest.approx((WEST + 0.02, SOUTH + 0.01))
    assert found["lamps"]["crs"] == [CRS84]
    assert found["parking"]["extent"] is None


def test_collection_says_when_its_features_are(get):
    extent = get("/collections/communities")["extent"]
    assert extent["temporal"]["interval"] == [["2020-01-01T00:00:00Z", "2027-12-31T23:59:59Z"]]


def test_collection_links_lead_to_items_schema_and_queryables(client, get):
    for link in get("/collections/lamps")["links"]:
        answer = client.get(link["href"])
        assert answer.status_code == 200
        assert answer.headers["content-type"].split(";")[0] == link["type"]


def test_items_are_geojson_with_counts_and_time(client):
    answer = client.get("/collections/grids/items")
    assert answer.headers["content-type"] == "application/geo+json"
    body = models.FeatureCollection.model_validate(answer.json())
    assert (body.numberMatched, body.numberReturned) == (2, 2)
    assert re.fullmatch(r"2\d{3}-\d\d-\d\dT\d\d:\d\d:\d\dZ", body.timeStamp)
    assert [feature.properties["code"] for feature in body.features] == list(GRIDS)


def test_coordinates_are_longitude_latitude_with_outer_rings_counter_clockwise(get):
    ring = get("/collections/counties/items")["features"][0]["geometry"]["coordinates"][0]
    assert all(115 < x < 116 and 34 <= y < 35 for x, y in ring)
    area = sum(x0 * y1 - x1 * y0 for (x0, y0), (x1, y1) in pairwise(ring))
    assert area > 0


def test_coordinates_are_rounded_to_nine_decimals(get):
    shapes = [feature["geometry"] for feature in get("/collections/lamps/items", limit=500)["features"]]
    assert all(round(number, 9) == number for shape in shapes for number in shape["coordinates"])


def test_pages_follow_each_other_and_hold_every_feature_once(get):
    seen, page = [], get("/collections/lamps/items", limit=1000)
    while True:
        seen += [feature["id"] for feature in page["features"]]
        assert page["numberMatched"] == LAMPS
        if "next" not in rels(page):
            break
        page = get(rels(page)["next"])
    assert len(seen) == len(set(seen)) == LAMPS
    assert get(rels(page)["prev"])["features"][0]["id"] == seen[1000]


def test_limit_is_clamped_not_refused(get):
    assert get("/collections/lamps/items", limit=1_000_000)["numberReturned"] == LAMPS
    assert get("/collections/lamps/items")["numberReturned"] == 100


def test_next_link_keeps_filters(get):
    page = get("/collections/lamps/items", limit=10, state="dark")
    following = get(rels(page)["next"])
    assert {feature["properties"]["state"] for feature in following["features"]} == {"dark"}
    assert following["numberMatched"] == page["numberMatched"]


def test_bbox_selects_what_touches_it(get):
    # the west border of the second grid is at 5: a box that ends there touches both
    box = f"{WEST + 0.001},{SOUTH},{WEST + 0.005},{SOUTH + 0.01}"
    assert get("/collections/grids/items", bbox=box)["numberMatched"] == 2
    box = f"{WEST + 0.001},{SOUTH},{WEST + 0.0049},{SOUTH + 0.01}"
    assert get("/collections/grids/items", bbox=box)["numberMatched"] == 1
    heights = f"{WEST + 0.001},{SOUTH},-10,{WEST + 0.0049},{SOUTH + 0.01},1000"
    assert get("/collections/grids/items", bbox=heights)["numberMatched"] == 1


def test_bbox_asks_for_the_geometry_not_its_envelope(get):
    # R1 runs along 5, R2 along 2: this box lies within the envelope of neither line, the next within R1's row
    empty = f"{WEST + 0.003},{SOUTH + 0.006},{WEST + 0.004},{SOUTH + 0.007}"
    assert get("/collections/roads/items", bbox=empty)["numberMatched"] == 0


def test_bbox_across_the_antimeridian(get):
    assert get("/collections/grids/items", bbox="170,-10,-170,90")["numberMatched"] == 0
    assert get("/collections/grids/items", bbox="100,-10,-170,90")["numberMatched"] == 2


def test_tables_are_no_collections(client, get):
    # a feature of OGC API - Features has a geometry
    assert "chiefs" not in [one["id"] for one in get("/collections")["collections"]]
    assert client.get("/collections/chiefs/items").status_code == 404


@pytest.mark.parametrize(
    ("period", "matched"),
    [("2019-06-01", 0), ("2021-06-01", 1), ("2021-06-01T08:00:00Z", 1), ("2028-01-01/..", 0), ("../2020-01-01", 1)],
)  # fmt: skip
def test_datetime_meets_intervals(get, period, matched):
    assert get("/collections/communities/items", datetime=period)["numberMatched"] == matched


def test_datetime_is_accepted_where_a_layer_has_no_time(get):
    assert get("/collections/roads/items", datetime="2021-06-01")["numberMatched"] == 2


def test_datetime_as_gdal_writes_it(get):
    days = [
        get("/collections/lamps/items", datetime=f"2026-11-{day:02d}T")["numberMatched"] for day in (2, 3)
    ]
    assert days == [LAMPS // 3, LAMPS // 3]
    assert get("/collections/lamps/items", datetime="2026-11-02T/..")["numberMatched"] == 2 * LAMPS // 3


@pytest.mark.parametrize(
    ("layer", "query", "matched"),
    [
        ("lamps", {"state": "dark", "light_points": "2"}, LAMPS // 6),
        ("lamps", {"state": "nowhere"}, 0),
        ("roads", {"road_name": "中山路"}, 1),
        ("roads", {"width": "20"}, 1),
        ("toilets", {"accessible": "true"}, 1),
        ("toilets", {"accessible": "0"}, 0),
        ("communities", {"valid_from": "2020-01-01"}, 1),
    ],
)
def test_properties_select_equal_values(get, layer, query, matched):
    assert get(f"/collections/{layer}/items", **query)["numberMatched"] == matched


def test_a_feature_is_found_by_its_id(get):
    feature = get("/collections/toilets/items")["features"][0]
    body = models.Feature.model_validate(get(f"/collections/toilets/items/{feature['id']}"))
    assert body.properties == feature["properties"]
    assert {"self", "alternate", "collection"} <= {link.rel for link in body.links}


def test_values_keep_their_types(get):
    lamp, other = get("/collections/lamps/items", limit=2)["features"]
    assert lamp["properties"]["state"] is None
    assert lamp["properties"]["checked_on"] is None
    assert other["properties"]["light_points"] == 2
    assert other["properties"]["checked_on"] == "2026-11-02"
    assert get("/collections/toilets/items")["features"][0]["properties"]["accessible"] is True


@pytest.mark.parametrize(
    "path",
    [
        "/collections/toilets/items",
        "/collections/toilets/items/1",
        "/chiefs",
        "/chiefs/C1",
        f"/units/{GRIDS[0]}",
    ],
)
def test_phones_stay_inside(client, path):
    for form in ("json", "html"):
        answer = client.get(path, params={"format": form})
        assert answer.status_code == 200
        assert PHONE not in answer.text
        assert "keeper_phone" not in answer.text
    assert client.get("/collections/toilets/items", params={"keeper_phone": PHONE}).status_code == 400


@pytest.mark.parametrize(
    "path", ["/maps", "/maps/chiefs/C1", "/maps/chiefs/组%2F2", "/maps/overview/lit_road"]
)
def test_served_maps_hold_no_phones_where_the_county_says_so(town, path):
    quiet = replace(town, county=town.county.model_copy(update={"phones_on_pages": False}))
    with TestClient(create_app(quiet)) as client:
        answer = client.get(path, headers={"Accept": "text/html"})
    assert answer.status_code == 200
    assert PHONE not in answer.text
    assert PHONE[-6:] not in answer.text


def test_served_maps_show_chiefs_phones_as_the_signs_at_the_roads_do(client):
    assert f"tel:{PHONE}" in client.get("/maps/chiefs/C1", headers={"Accept": "text/html"}).text


def test_schemas_describe_the_open_fields(get):
    schema = get("/collections/toilets/schema")
    assert "keeper_phone" not in schema["properties"]["properties"]["properties"]
    lamps = get("/collections/lamps/schema")["properties"]["properties"]["properties"]
    assert lamps["checked_on"] == lamps["checked_on"] | {"type": "string", "format": "date"}
    assert lamps["state"]["enum"] == ["lit", "dark"]
    queryables = get("/collections/lamps/queryables")
    assert queryables["properties"]["geometry"] == {"format": "geometry-point-any"}
    assert set(lamps) < set(queryables["properties"])
