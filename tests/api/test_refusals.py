"""What is refused, and how."""

import pytest
from fastapi.testclient import TestClient

from gridsvc.api import create_app
from gridsvc.errors import DefinitionError

BAD = [
    ("/collections/lamps/items", {"limit": "0"}),
    ("/collections/lamps/items", {"limit": "many"}),
    ("/collections/lamps/items", {"offset": "-1"}),
    ("/collections/lamps/items", {"bbox": "1,2,3"}),
    ("/collections/lamps/items", {"bbox": "1,2,3,x"}),
    ("/collections/lamps/items", {"bbox": "1,2,3,nan"}),
    ("/collections/lamps/items", {"bbox": "1,2,3,1"}),
    ("/collections/lamps/items", {"datetime": "yesterday"}),
    ("/collections/lamps/items", {"datetime": "2026-02-30"}),
    ("/collections/lamps/items", {"datetime": "2026-02-02/2026-01-01"}),
    ("/collections/lamps/items", {"datetime": ".."}),
    ("/collections/lamps/items", {"datetime": "2026-W01-1"}),
    ("/collections/lamps/items", {"light_points": "two"}),
    ("/collections/toilets/items", {"accessible": "perhaps"}),
    ("/collections/lamps/items", {"checked_on": "2026"}),
    ("/collections/lamps/items", {"lang": "fr"}),
    ("/collections/lamps/items", {"format": "shp"}),
    ("/collections/lamps", {"limit": "10"}),
    ("/", {"f": "json"}),
    ("/coverage", {"level": "street"}),
    ("/coverage", {"indicator": "happiness"}),
    ("/coverage", {"unit": "123456"}),
    ("/coverage", {"chief": "nobody"}),
    ("/coverage", {"chief": "C1", "level": "grid"}),
    ("/coverage", {"run": "99"}),
    ("/coverage", {"sort": "colour"}),
    ("/coverage", {"format": "geojson"}),
    ("/chiefs/C1/gaps", {"indicator": "happiness"}),
]
ABSENT = [
    "/nothing",
    "/collections/dragons",
    "/collections/dragons/items",
    "/collections/dragons/items/1",
    "/collections/dragons/queryables",
    "/collections/lamps/items/999999",
    "/collections/lamps/items/one",
    "/collections/lamps/items/99999999999999999999999",
    "/indicators/happiness",
    "/units/123456",
    "/units/123456/gaps",
    "/chiefs/nobody",
    "/chiefs/nobody/gaps",
    "/loads/999",
]


@pytest.mark.parametrize(("path", "query"), BAD)
def test_bad_parameters_are_400_with_a_sentence_in_both_languages(client, path, query):
    sentences = set()
    for lang in ("zh-CN", "en"):
        answer = client.get(path, params=query, headers={"Accept-Language": lang})
        assert answer.status_code == 400, answer.text
        assert set(answer.json()) == {"code", "description"}
        assert answer.headers["content-type"] == "application/json"
        sentences.add(answer.json()["description"])
    assert len(sentences) == 2


@pytest.mark.parametrize("path", ABSENT)
def test_what_is_not_there_is_404(client, path):
    answer = client.get(path)
    assert answer.status_code == 404
    assert answer.json()["code"] == "NotFound"


def test_parameters_given_twice_are_refused(client):
    answer = client.get("/collections/lamps/items?limit=1&limit=2")
    assert answer.status_code == 400
    assert "more than once" in answer.json()["description"]


def test_an_unknown_parameter_is_told_what_there_is(client):
    words = client.get("/collections/lamps/items", params={"colour": "red"}).json()["description"]
    assert "colour" in words
    assert "light_points" in words


def test_people_see_a_page(client):
    answer = client.get("/nothing?lang=zh", headers={"Accept": "text/html"})
    assert answer.status_code == 404
    assert answer.headers["content-type"].startswith("text/html")
    assert "此地址没有内容" in answer.text


def test_writing_is_not_possible(client):
    for method in ("post", "put", "delete", "patch"):
        answer = getattr(client, method)("/loads")
        assert answer.status_code == 405
        assert answer.json()["code"] == "MethodNotAllowed"


def test_a_fault_inside_is_500_without_a_traceback(town):
    app = create_app(town)

    @app.get("/broken")
    def broken():
        raise RuntimeError("secret detail")

    with TestClient(app, raise_server_exceptions=False) as client:
        answer = client.get("/broken")
    assert answer.status_code == 500
    assert answer.json()["code"] == "InternalError"
    assert "secret" not in answer.text


def test_a_broken_definition_is_refused_before_anything_is_served(tmp_path):
    from .conftest import make_town

    workspace = make_town(tmp_path / "county", run=False)
    (workspace.layers_dir / "lamps.toml").write_text("title = 3", encoding="utf-8")
    with pytest.raises(DefinitionError, match=r"lamps\.toml"):
        create_app(workspace)
