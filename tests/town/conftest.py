"""A tiny town whose every answer was worked out by hand, and a way to build other small places.

All coordinates are metres from a local origin at E 500000, N 3800000 of EPSG:4548 (CGCS2000, central meridian 117°);
the store holds them as longitude and latitude. The town, north up, grids of 200 m::

    y=400 +---------+---------+---------+---------+
          |   A1    |   A2    |   B1    |         |      A*  remainder of community A
          |         |         |         |   D*    |      D*  remainder of the district
    y=200 +---------+---------+---------+         |
          |   A3    |   A*    |   B2    |         |      built-up zone: x 0…550, y 100…400
          |         |         |         |         |
    y=0   +---------+---------+---------+---------+
         x=0       200       400       600       800
"""

import datetime as dt
from dataclasses import dataclass
from types import SimpleNamespace

import geopandas
import numpy as np
import pandas as pd
import pyproj
import pytest
import shapely

from gridsvc.coverage.amounts import quantities
from gridsvc.coverage.engine import compute
from gridsvc.coverage.figures import Figures
from gridsvc.coverage.indicators import load_indicators
from gridsvc.coverage.scene import Scene
from gridsvc.layers import load_layers
from gridsvc.settings import County, init_workspace
from gridsvc.store import Source, open_store
from gridsvc.text import bilingual

ORIGIN = np.array([500_000.0, 3_800_000.0])
LONLAT = pyproj.Transformer.from_crs(4548, 4490, always_xy=True)
AS_OF = dt.date(2026, 11, 1)

C = "990001"
D = C + "001"
A, B = D + "001", D + "002"
A1, A2, A3, B1, B2 = A + "001", A + "002", A + "003", B + "001", B + "002"


def box(west, south, east, north):
    return shapely.box(west, south, east, north)


def line(*points):
    return shapely.LineString(points)


def point(x, y):
    return shapely.Point(x, y)


def unit(code, shape):
    return {"code": code, "name": f"单位{code}", "at": shape}


def road(road_id, shape, **fields):
    return {"road_id": road_id, "at": shape, **fields}


def lamp(lamp_id, x, y, state=None, light_points=1, **fields):
    return {"lamp_id": lamp_id, "at": point(x, y), "state": state, "light_points": light_points, **fields}


TOWN = {
    "counties": [unit(C, box(0, 0, 800, 400))],
    "districts": [unit(D, box(0, 0, 800, 400))],
    "communities": [unit(A, box(0, 0, 400, 400)), unit(B, box(400, 0, 600, 400))],
    "grids": [
        unit(A1, box(0, 200, 200, 400)),
        unit(A2, box(200, 200, 400, 400)),
        unit(A3, box(0, 0, 200, 200)),
        unit(B1, box(400, 200, 600, 400)),
        unit(B2, box(400, 0, 600, 200)),
    ],
    # cuts A3, A*, B1 and B2
    "zones": [{"code": "Z1", "kind": "built_up", "at": box(0, 100, 550, 400)}],
    "roads": [
        # R1 runs exactly along the border x = 200. Its width is not known: 30 m by class, so its sides are
        # looked up 16 m off.
        road("R1", line((200, 0), (200, 400)), **{"class": "arterial"},
             road_code="B001", road_name="边界路", machine_swept=True),
        # R2 runs along the county's edge: its left side lies outside
        road("R2", line((0, 400), (800, 400)), **{"class": "lane"}, width=6, road_code="N002", road_name="北边路"),
        # R3 follows the border y = 200 with 1 m noise, in two features, the second drawn against the first.
        # Each slanted piece is √(100² + 2²) = 100.019998 m long.
        road("R3a", line((0, 201), (100, 201), (200, 199), (300, 201)), **{"class": "branch"}, width=12,
             road_code="M003", road_name="中心路"),
        road("R3b", line((600, 201), (500, 201), (400, 199), (300, 201)), **{"class": "branch"}, width=12,
             road_code="M003", road_name="中心路"),
        # R4 is a divided road: two lines, drawn in the directions of travel, 400 m each, counted half
        road("R4a", line((596, 0), (596, 400)), **{"class": "arterial"}, width=7, carriageway="divided",
             road_code="X004", road_name="分隔路", machine_swept=True),
        road("R4b", line((612, 400), (612, 0)), **{"class": "arterial"}, width=7, carriageway="divided",
             road_code="X004", road_name="分隔路"),
        # R5 ends on R3 (a T-junction), 1 m beyond the border; it has no code and no name
        road("R5", line((100, 0), (100, 201)), **{"class": "lane"}, width=6),
        # R6 leaves the county after 100 m
        road("R6", line((300, 100), (300, -100)), **{"class": "branch"}, width=12, road_name="南口路"),
        # R8's class is not known
        road("R8", line((450, 150), (550, 150)), width=10, road_name="新路"),
    ],
    "lamps": [
        # reach: arterial 30, branch 25, lane 20 m. A lamp 18 m off an arterial lights 2 × √(30² - 18²) = 48 m of
        # it; 7 m off a branch 2 × √(25² - 7²) = 48 m; 12 m off a lane 2 × √(20² - 12²) = 32 m.
        lamp("L1", 100, 388, "lit", 2, road_name="北边路"),
        lamp("L2", 300, 388, "dark"),
        lamp("L3", 500, 388),
        lamp("L4", 150, 412, "lit"),  # north of the county: near, but nobody's
        # delivered dark, seen burning later
        lamp("L5", 530, 208, "dark", checked_on="2026-10-01"),
        # delivered burning; the observation of it dark is older
        lamp("L6", 182, 50, "lit", 2, checked_on="2026-09-01"),
        # the delivered state is of a later day
        lamp("L7", 218, 250, "lit", 2, checked_on="2026-12-01", road_code="B001"),
        lamp("L8", 112, 150, "lit"),
        lamp("L9", 50, 388, "dark"),  # exempt: announced outage
        lamp("L10", 100, 388, "lit", None),  # beside L1, its light points not known
        lamp("TIE", 578, 221, "lit"),  # 18 m from R4a, 20 m from R3b
        lamp("ODD", 350, 388, "dark", road_name="边界路"),  # stands 12 m from R2, names R1
        lamp("FAR", 700, 300, "dark", 2),  # 88 m from R4b
    ],
    "toilets": [
        {"toilet_id": "T1", "kind": "flush", "at": point(300, 300)},
        {"toilet_id": "T2", "kind": "dry", "at": point(450, 50)},
        {"toilet_id": "T3", "at": point(50, 50)},
    ],
    "greenery": [
        # G1 and G2 overlap by 20 × 40 m: together 60 × 40 = 2,400 m²
        {"green_id": "G1", "kind": "park", "at": box(20, 320, 60, 360)},
        {"green_id": "G2", "kind": "park", "at": box(40, 320, 80, 360)},
        # half inside the zone
        {"green_id": "G3", "kind": "roadside", "at": box(540, 300, 560, 310)},
        # across the county's border
        {"green_id": "G4", "kind": "park", "at": box(300, 420, 340, 440)},
    ],
    "parking": [
        {"parking_id": "P1", "bays": 20, "at": box(250, 350, 270, 360)},
        {"parking_id": "P2", "at": point(750, 50)},
        {"parking_id": "P3", "bays": 5, "at": point(520, 120)},
    ],
    "buildings": [
        {"building_id": "H1", "population": 40, "at": box(100, 330, 110, 340)},  # 20 m from G2
        {"building_id": "H2", "population": 60, "at": point(300, 250)},  # 231 m from G1, G2; 170 m from G4
        {"building_id": "H3", "at": point(50, 150)},  # residents not known
        {"building_id": "H4", "population": 30, "at": point(575, 305)},  # outside the zone
        {"building_id": "H5", "population": 12.5, "at": point(500, 300)},  # 40 m from G3
        {"building_id": "H6", "population": 0, "at": point(10, 110)},
    ],
    "chiefs": [
        {"chief_id": "C1", "name": "张一", "level": "1", "phone": "13800000001"},
        {"chief_id": "C2", "name": "李二", "level": "2"},
        {"chief_id": "C3", "name": None, "level": "2"},  # 空岗
        {"chief_id": "C4", "name": "王四", "level": "3"},
        {"chief_id": "C5", "name": "赵五", "level": "3"},
    ],
    "officers": [{"officer_id": "O1", "name": "陈甲"}, {"officer_id": "O2"}, {"officer_id": "O3", "name": "周丙"}],
    "duties": [
        {"holder": "C1", "road_code": "B001", "role": "路长", "date_from": "2026-01-01"},
        # 250–450 m along the whole road, so the last 50 m of R3a and the last 149.96 m of R3b
        {"holder": "C2", "road_name": "中心路", "from_m": 250, "to_m": 450, "role": "路长"},
        {"holder": "C3", "road_code": "N002", "role": "路长"},
        {"holder": "C4", "road_code": "X004", "role": "路长", "date_to": "2026-06-30"},
        {"holder": "C5", "road_name": "新路", "role": "路长"},
        {"holder": "C5", "road_code": "B001", "from_m": 0, "to_m": 100, "role": "巡查"},
        {"holder": "O1", "unit_code": A1, "role": "网格员"},
        {"holder": "O2", "unit_code": A2, "role": "网格员"},
        {"holder": "O3", "unit_code": B, "role": "网格员"},  # a community's officer is no grid's officer
    ],
    "observations": [
        {"layer": "lamps", "asset_key": "L5", "field": "state", "value": "亮", "observed_on": "2026-10-20"},
        {"layer": "路灯", "asset_key": "L6", "field": "state", "value": "dark", "observed_on": "2026-08-01"},
    ],
    "exemptions": [
        {"layer": "roads", "feature_key": "R1", "from_m": 100, "to_m": 150, "reason": "construction",
         "document": "1号", "date_from": "2026-10-01", "date_to": "2026-12-31"},
        {"layer": "lamps", "feature_key": "L9", "indicator": "lamps_burning", "reason": "outage", "document": "2号"},
    ],
    # of R1 between A1 and A2, 300–400 m, A1 has 70 %
    "road_shares": [
        {"road_id": "R1", "from_m": 300, "to_m": 400, "unit_code": A1, "share": 70},
        {"road_id": "R1", "from_m": 300, "to_m": 400, "unit_code": A2, "share": 30},
    ],
}  # fmt: skip

# a circle small enough to lie in one cell, so that its area can be worked out
DEFINITIONS = """
[toilet_50]
title = { zh = "公厕五十米", en = "Within 50 m of a toilet" }
definition = { zh = "试验", en = "trial" }
kind = "area_near"
group = "sanitation"
near = { layer = "toilets", where = { kind = ["flush", "dry"] }, distance = 50 }
source = "trial"
year = 2026
"""


@dataclass(frozen=True)
class Place:
    """A small workspace with an open store."""

    workspace: object
    layers: object
    indicators: object
    store: object

    def apply(self, layer, rows, mode="replace", **more):
        """Load *rows* (dicts of fields, the shape in local metres under ``at``) through the store."""
        definition = self.layers[layer]
        frame = pd.DataFrame(rows, columns=[*definition.fields, *(["at"] if definition.geometry else [])])
        parts = frame[list(definition.key)].astype(object).where(frame[list(definition.key)].notna(), "")
        frame["key"] = ["|".join(str(part) for part in row) for row in parts.to_numpy()]
        frame["source_row"] = range(len(frame))
        if definition.geometry:
            shapes = shapely.transform(frame.pop("at").to_numpy(object), _lonlat)
            frame = geopandas.GeoDataFrame(frame, geometry=shapes, crs=4490)
        return self.store.apply(layer, frame, Source("town", "0" * 64), mode, **more)

    def scene(self, as_of=AS_OF):
        return Scene(self.store, self.workspace, self.layers, as_of)

    def compute(self, as_of=AS_OF, threads=None):
        return compute(self.store, self.workspace, self.layers, self.indicators, as_of, threads=threads)

    def figures(self, run=None):
        return Figures.open(self.store, self.workspace, self.layers, self.indicators, run)

    def tallies(self, indicator, kind):
        """Stored sums in base units: subject → (numerator, denominator, unknown, exempt), rounded to a micrometre."""
        rows = self.store.result("tallies", where={"indicator": indicator, "subject_kind": kind})
        above, below = quantities(self.indicators[indicator])
        scale = np.array([above, below, below, below])
        sides = rows[["numerator", "denominator", "unknown", "exempt"]].to_numpy(float) * scale
        return {
            subject: tuple(values)
            for subject, values in zip(rows["subject"], sides.round(6).tolist(), strict=True)
        }


def _lonlat(xy):
    return np.column_stack(LONLAT.transform(*(xy + ORIGIN).T))


@pytest.fixture(scope="session")
def build(tmp_path_factory):
    """Builds a place: ``build({layer: rows}, definitions="…toml…", files={name: toml}, **county)``."""
    opened = []

    def make(content, definitions="", files=None, **county):
        folder = tmp_path_factory.mktemp("place") / "county"
        workspace = init_workspace(folder, County(name=bilingual("Tiny Town", "小镇"), **county))
        texts = {**(files or {}), **({"indicators": definitions} if definitions else {})}
        for name, text in texts.items():
            (workspace.layers_dir / f"{name}.toml").write_text(text, encoding="utf-8")
        layers = load_layers(workspace)
        store = open_store(workspace, layers, write=True)
        opened.append(store)
        place = Place(workspace, layers, load_indicators(workspace, layers), store)
        for layer, rows in content.items():
            place.apply(layer, rows)
        return place

    yield make
    for store in opened:
        store.close()


@pytest.fixture(scope="session")
def code():
    """Codes of the town's units by name; in tests ``code.A1``."""
    return SimpleNamespace(C=C, D=D, A=A, B=B, A1=A1, A2=A2, A3=A3, B1=B1, B2=B2)


@pytest.fixture(scope="session")
def content():
    """What the town is made of; copy it to build a variant."""
    return TOWN


@pytest.fixture(scope="session")
def town(build):
    """The tiny town, computed as of 1 November 2026. Shared: do not change it."""
    place = build(TOWN, DEFINITIONS)
    place.compute()
    return place


@pytest.fixture(scope="session")
def figures(town):
    """The figures of the town."""
    return town.figures()
