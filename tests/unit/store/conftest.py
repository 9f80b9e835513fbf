"""A workspace with two small layers of its own, so that these tests do not lean on shipped definitions."""

from itertools import count

import geopandas
import numpy as np
import pandas as pd
import pytest
import shapely

from gridsvc.layers import load_layers
from gridsvc.settings import County, init_workspace
from gridsvc.store import Source, open_store
from gridsvc.text import bilingual

POLES = """
title = { zh = "灯杆", en = "Poles" }
role = "asset"
geometry = ["Point"]
key = ["pole"]
[fields.pole]
type = "text"
title = { zh = "杆号", en = "Pole" }
[fields.points]
type = "integer"
unit = "盏"
title = { zh = "灯头数", en = "Light points" }
[fields.height]
type = "number"
title = { zh = "杆高", en = "Height" }
[fields.works]
type = "boolean"
title = { zh = "完好", en = "Works" }
[fields.seen]
type = "date"
title = { zh = "日期", en = "Seen on" }
"""

PEOPLE = """
title = { zh = "人员", en = "People" }
role = "table"
key = ["person"]
[fields.person]
type = "text"
title = { zh = "编号", en = "Person" }
[fields.name]
type = "text"
title = { zh = "姓名", en = "Name" }
"""


@pytest.fixture(scope="session")
def source():
    return Source("poles.shp", "ab" * 32, {"encoding": "gb18030", "mapping": {"pole": "杆号"}})


@pytest.fixture(scope="session")
def poles():
    """Makes a frame of poles: light points by key."""

    def frame(points):
        n = len(points)
        return geopandas.GeoDataFrame(
            {
                "key": list(points),
                "source_row": np.arange(n),
                "pole": list(points),
                "points": pd.array(list(points.values()), dtype="Int64"),
                "height": np.full(n, 8.5),
                "works": pd.array([True] * n, dtype="boolean"),
                "seen": pd.to_datetime(["2026-10-01"] * n),
            },
            geometry=shapely.points([115 + int(key[1:]) / 1000 for key in points], [34.0] * n),
            crs=4490,
        )

    return frame


@pytest.fixture(scope="session")
def people():
    """Makes a frame of people: name by key."""

    def frame(names):
        return pd.DataFrame({"key": list(names), "person": list(names), "name": list(names.values())})

    return frame


@pytest.fixture
def held(store):
    """Tells which light points the store holds, by key."""

    def points(load=None):
        frame = store.read("poles", load=load)
        return dict(zip(frame["key"], frame["points"], strict=True))

    return points


@pytest.fixture(scope="session")
def new_workspace():
    """Makes a workspace in a folder, with its store at a URL."""

    def make(folder, store="sqlite:///layers/county.sqlite"):
        made = init_workspace(folder / "county", County(name=bilingual("Sample", "样例县"), store=store))
        (made.layers_dir / "poles.toml").write_text(POLES, encoding="utf-8")
        (made.layers_dir / "people.toml").write_text(PEOPLE, encoding="utf-8")
        return made

    return make


@pytest.fixture(params=["sqlite", pytest.param("postgresql", marks=pytest.mark.postgis)])
def engine(request):
    """Every test that uses a store runs on both engines."""
    return request.param


NUMBERS = count(1)


@pytest.fixture
def new_url(request):
    """Makes URLs of stores that do not exist yet, by engine."""

    def make(engine):
        number = next(NUMBERS)
        if engine == "sqlite":
            return f"sqlite:///layers/county{number}.sqlite"
        return f"{request.getfixturevalue('postgres')}&schema=s{number}"

    return make


@pytest.fixture
def workspace(tmp_path, new_workspace, engine, new_url):
    return new_workspace(tmp_path, new_url(engine))


@pytest.fixture
def layers(workspace):
    return load_layers(workspace)


@pytest.fixture
def store(workspace, layers):
    with open_store(workspace, layers, write=True) as opened:
        yield opened


@pytest.fixture
def load(store, poles, source):
    """Loads light points by key into the poles."""

    def apply(points, mode="replace", **more):
        return store.apply("poles", poles(points), source, mode, **more)

    return apply
