"""A small town, really loaded and computed, and the service that shows it."""

import datetime as dt

import geopandas
import pandas as pd
import pytest
import shapely
from fastapi.testclient import TestClient

from gridsvc.api import create_app
from gridsvc.coverage.engine import compute
from gridsvc.coverage.indicators import load_indicators
from gridsvc.layers import load_layers
from gridsvc.settings import County, init_workspace, shipped_dir
from gridsvc.store import Source, open_store
from gridsvc.text import bilingual

AS_OF = dt.date(2026, 11, 20)
PHONE = "13800001234"
WEST, SOUTH = 115.3, 34.0
COUNTY, DISTRICT, COMMUNITY = "999999", "999999001", "999999001001"
GRIDS = ("999999001001001", "999999001001002")
LAMPS = 2400

# this county's own toilets have a field that concerns a person
KEEPER = """
[fields.keeper_phone]
type = "text"
personal = true
title = { zh = "保洁员电话", en = "Keeper's phone" }
"""


def box(west, south, east, north):
    """A rectangle in thousandths of a degree from the town's south-west corner."""
    edges = (WEST + west / 1000, SOUTH + south / 1000, WEST + east / 1000, SOUTH + north / 1000)
    return shapely.box(*edges)


def line(*points):
    return shapely.LineString([(WEST + x / 1000, SOUTH + y / 1000) for x, y in points])


def point(x, y):
    return shapely.Point(WEST + x / 1000, SOUTH + y / 1000)


def units(*rows):
    return [{"code": code, "name": name} for code, name in rows]


# a county of 20 x 10, its one community the west half, two grids side by side in it
TOWN = {
    "counties": (units((COUNTY, "测试县")), [box(0, 0, 20, 10)]),
    "districts": (units((DISTRICT, "东街道")), [box(0, 0, 10, 10)]),
    "communities": (
        [{"code": COMMUNITY, "name": "一社区", "valid_from": "2020-01-01", "valid_to": "2027-12-31"}],
        [box(0, 0, 10, 10)],
    ),
    "grids": (units((GRIDS[0], "一网格"), (GRIDS[1], "二网格")), [box(0, 0, 5, 10), box(5, 0, 10, 10)]),
    "zones": ([{"code": "Z1", "name": "建成区", "kind": "built_up"}], [box(0, 0, 10, 10)]),
    "roads": (
        [
            {"road_id": "R1", "road_code": "A", "road_name": "中山路", "class": "arterial", "width": 20.0},
            {"road_id": "R2", "road_code": "B", "road_name": "建设路", "class": "lane", "width": None},
        ],
        [line((1, 5), (9, 5)), line((2, 1), (2, 9))],
    ),
    # burning in the west, dark in the east, one in three not observed
    "lamps": (
        [
            {
                "lamp_id": f"L{number:04d}",
                "road_name": "中山路",
                "light_points": 1 + number % 2,
                "state": None if number % 3 == 0 else ("lit" if number < LAMPS // 2 else "dark"),
                "checked_on": None if number % 3 == 0 else f"2026-11-{1 + number % 3:02d}",
            }
            for number in range(LAMPS)
        ],
        [point(1 + 5 * number / LAMPS, 5) for number in range(LAMPS)],
    ),
    "toilets": (
        [{"toilet_id": "T1", "kind": "dry", "accessible": True, "keeper_phone": PHONE}],
        [point(3, 5)],
    ),
    "greenery": ([{"green_id": "G1", "name": "=公园", "kind": "park"}], [box(2, 2, 3, 3)]),
    "buildings": ([{"building_id": "B1", "use": "residential", "population": 120.5}], [box(2.2, 3.2, 2.4, 3.4)]),
    "chiefs": (
        [
            {"chief_id": "C1", "name": "张三", "title": "局长", "level": "1", "phone": PHONE},
            {"chief_id": "组/2", "name": None, "title": None, "level": "2", "phone": None},
        ],
        None,
    ),
    "officers": ([{"officer_id": "O1", "name": "李四", "phone": PHONE, "department": "城管局"}], None),
    "duties": (
        [
            {"holder": "C1", "road_code": "A", "role": "road", "level": "1", "date_from": "2026-01-01"},
            {"holder": "组/2", "road_code": "B", "role": "road", "level": "2", "date_from": "2026-01-01"},
            {"holder": "O1", "unit_code": GRIDS[0], "role": "grid", "date_from": "2026-01-01"},
        ],
        None,
    ),
}  # fmt: skip
REFUSED = pd.DataFrame(
    {
        "source_row": [LAMPS + 1],
        "reason": ["geometry_missing"],
        "reason_en": ["it has no geometry"],
        "reason_zh": ["没有几何"],
        "raw": ['{"电话": "13800001234"}'],
        "geometry": [None],
    }
)


def put(store, layers, name, rows, shapes, quarantine=None):
    """Load rows of one layer."""
    frame = pd.DataFrame(rows)
    frame["source_row"] = range(1, len(frame) + 1)
    keys = [frame.get(part, pd.Series([""] * len(frame))).fillna("") for part in layers[name].key]
    frame["key"] = ["|".join(parts) for parts in zip(*keys, strict=True)]
    if shapes is not None:
        frame = geopandas.GeoDataFrame(frame, geometry=shapes, crs=4490)
    return store.apply(name, frame, Source(f"{name}.shp", "0" * 64), "replace", quarantine)


def make_town(folder, *, run=True):
    """A workspace with the town in it, computed unless *run* is False."""
    county = County(name=bilingual("Test county", "测试县"), synthetic=True, marking="内部使用")
    workspace = init_workspace(folder, county)
    shipped = (shipped_dir("layers") / "toilets.toml").read_text(encoding="utf-8")
    (workspace.layers_dir / "toilets.toml").write_text(shipped + KEEPER, encoding="utf-8")
    layers = load_layers(workspace)
    with open_store(workspace, layers, write=True) as store:
        for name, (rows, shapes) in TOWN.items():
            put(store, layers, name, rows, shapes, REFUSED if name == "lamps" else None)
        if run:
            compute(store, workspace, layers, load_indicators(workspace, layers), AS_OF)
    return workspace


@pytest.fixture(scope="session")
def town(tmp_path_factory):
    """The workspace of the town; nobody writes to it."""
    return make_town(tmp_path_factory.mktemp("town") / "county")


@pytest.fixture(scope="session")
def client(town):
    """A client of the service; its answers are English unless asked otherwise."""
    with TestClient(create_app(town), headers={"Accept-Language": "en"}) as client:
        yield client


@pytest.fixture(scope="session")
def get(client):
    """Gets an address and returns the JSON of its answer, which must be good."""

    def fetch(path, **query):
        answer = client.get(path, params=query or None)
        assert answer.status_code == 200, answer.text
        return answer.json()

    return fetch
