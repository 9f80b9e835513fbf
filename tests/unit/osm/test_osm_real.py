"""Real extracts: counts that others found, too, and every row accounted for."""

from pathlib import Path

import pytest

SHARED = Path(__file__).resolve().parents[4] / "shared" / "data" / "osm"

# layer: (rows, stored); the rest is left out by tag or waits in quarantine
EXPECTED = {
    "Helsinki.osm.pbf": {"lamps": (586, 586), "toilets": (18, 18), "roads": (2650, 940)},
    "porto.osm.pbf": {
        "toilets": (21, 21),
        "parking": (362, 362),
        "greenery": (1340, 1339),
        "roads": (4656, 1548),
        "buildings": (11432, 11432),
    },
    "taipei.osm.bz2": {"roads": (49, 34), "buildings": (61, 61), "bins": (1, 1)},
    "neukolln.osm.bz2": {"lamps": (52, 52), "roads": (211, 39), "buildings": (127, 126)},
    "West-Oakland.osm.bz2": {"roads": (516, 252), "buildings": (326, 149), "parking": (27, 24)},
}


@pytest.mark.shared
@pytest.mark.parametrize("name", EXPECTED)
def test_a_real_extract_loads(load, name):
    report = load(SHARED / name)
    told = {}
    for one in report.loads:
        assert sum(one.counts.values()) == one.rows_read
        told[one.layer] = (one.rows_read, one.counts["added"])
    assert {layer: told[layer] for layer in EXPECTED[name]} == EXPECTED[name]
    again = load(SHARED / name)
    assert all(one.counts["added"] == one.counts["changed"] == one.ended == 0 for one in again.loads)


@pytest.mark.shared
def test_helsinki_has_its_trees(load):
    assert load(SHARED / "Helsinki.osm.pbf").skipped["trees"].en.startswith("649 in the extract")
