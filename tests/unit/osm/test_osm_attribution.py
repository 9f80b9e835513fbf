"""OpenStreetMap asks to be named: wherever what was made of it is shown, and only there."""

from fastapi.testclient import TestClient

from gridsvc.api import create_app
from gridsvc.intake.osm import ATTRIBUTION
from gridsvc.store import open_store


def shown(workspace):
    """The landing page, its JSON, and the map of chiefs."""
    with TestClient(create_app(workspace)) as client:
        pages = [client.get(path, headers={"Accept": "text/html"}).text for path in ("/", "/maps")]
        return [*pages, client.get("/", headers={"Accept": "application/json"}).json()["attribution"]]


def test_pages_name_the_contributors(load, village, write):
    load(write(village.pbf(), "village.osm.pbf"))
    assert all(ATTRIBUTION in text for text in shown(load.workspace))


def test_pages_of_own_data_name_nobody(load, village, write):
    report = load(write(village.pbf(), "village.osm.pbf"))
    with open_store(load.workspace, load.layers, write=True) as store:
        for told in report.loads:
            store.rollback(told.load_id)
    assert not any("OpenStreetMap" in text for text in shown(load.workspace))
