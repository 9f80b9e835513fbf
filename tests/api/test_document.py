"""The API document: OpenAPI 3.0, and true: what it lists is taken, what it does not list is refused."""

import re

import pytest
from fastapi.routing import APIRoute

from gridsvc.api import create_app

from .conftest import COUNTY

OPERATIONS = {"get", "put", "post", "delete", "patch", "head", "options", "trace"}
NAMES = {
    "featureId": "1",
    "indicatorId": "lit_road",
    "code": COUNTY,
    "chiefId": "C1",
    "loadId": "1",
    "runId": "1",
}

# what an address cannot do without
NEEDED = {
    "/explain": f"?indicator=lit_road&unit={COUNTY}",
    "/compare": "?from=1&to=1",
    "/trend": "?indicator=lit_road",
}


@pytest.fixture(scope="module")
def document(get):
    return get("/api")


def walk(node):
    yield node
    for child in node.values() if isinstance(node, dict) else node if isinstance(node, list) else ():
        yield from walk(child)


def test_media_type_is_the_one_of_openapi_3_0(client):
    answer = client.get("/api")
    assert answer.headers["content-type"] == "application/vnd.oai.openapi+json;version=3.0"
    assert answer.json()["openapi"].startswith("3.0.")
    assert answer.json()["servers"] == [{"url": "http://testserver"}]


def test_holds_nothing_that_openapi_3_0_does_not_know(document):
    nodes = [node for node in walk(document) if isinstance(node, dict)]
    assert not [node for node in nodes if node.get("type") == "null" or isinstance(node.get("type"), list)]
    newer = {"const", "prefixItems", "examples", "$defs", "patternProperties"}
    assert not [node for node in nodes if newer & set(node)]
    assert not [node for node in nodes if "$ref" in node and len(node) > 1]
    assert not [node for node in nodes if isinstance(node.get("exclusiveMinimum"), int | float) is True]


def test_every_reference_leads_somewhere(document):
    wanted = {node["$ref"] for node in walk(document) if isinstance(node, dict) and "$ref" in node}
    assert wanted == {f"#/components/schemas/{name}" for name in document["components"]["schemas"]} & wanted
    assert wanted


def test_operation_ids_are_unique_and_path_parameters_declared(document):
    ids = [operation["operationId"] for item in document["paths"].values() for operation in item.values()]
    assert len(ids) == len(set(ids))
    for path, item in document["paths"].items():
        for operation in item.values():
            declared = {p["name"] for p in operation["parameters"] if p["in"] == "path"}
            assert declared == set(re.findall(r"{(\w+)}", path)), path
            assert all("schema" in p for p in operation["parameters"])
            assert "422" not in operation["responses"]


def test_every_endpoint_is_documented(town, document):
    paths = set(document["paths"])
    for route in create_app(town).routes:
        if isinstance(route, APIRoute) and route.path not in ("/docs",):
            template = route.path_format.replace("{collectionId}", "lamps")
            assert template in paths, route.path


def test_items_list_every_open_property_as_a_parameter(document):
    parameters = {p["name"]: p for p in document["paths"]["/collections/lamps/items"]["get"]["parameters"]}
    assert {"limit", "offset", "bbox", "datetime", "lang", "format"} < set(parameters)
    assert parameters["light_points"]["schema"] == {"type": "integer"}
    assert parameters["limit"]["schema"] == {
        "type": "integer",
        "minimum": 1,
        "maximum": 10_000,
        "default": 100,
    }
    assert parameters["bbox"]["schema"]["minItems"] == 4
    assert parameters["bbox"]["explode"] is False
    toilets = {p["name"] for p in document["paths"]["/collections/toilets/items"]["get"]["parameters"]}
    assert "kind" in toilets
    assert "keeper_phone" not in toilets


def test_every_documented_address_answers_and_refuses_what_it_does_not_list(client, document):
    for path in document["paths"]:
        address = path.format(**NAMES)
        answer = client.get(address + NEEDED.get(path, ""))
        assert answer.status_code == 200 or ("items/" in path and answer.status_code == 404), address
        refused = client.get(address, params={"surprise": "1"})
        assert refused.status_code == 400, address
        assert refused.json()["code"] == "InvalidParameter"


def test_answers_come_in_the_media_types_listed(client, document):
    for path, item in document["paths"].items():
        listed = set(item["get"]["responses"]["200"]["content"])
        answer = client.get(path.format(**NAMES) + NEEDED.get(path, ""))
        if answer.status_code == 200:
            assert answer.headers["content-type"].replace("; charset=utf-8", "") in listed, path
        assert "text/html" in listed


def test_documentation_page_needs_no_internet(client):
    page = client.get("/docs").text
    assert "http://" not in page
    assert "https://" not in page
    for address in re.findall(r'(?:src|href)="([^"]+)"', page):
        assert client.get(address).status_code == 200
