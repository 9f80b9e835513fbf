"""Figures that others have published, computed again: walking distances, dead ends, the best sites."""

import json
import subprocess
import sys
import zipfile
from xml.etree import ElementTree

import numpy as np
import pandas as pd
import pyogrio
import pytest
from scipy.sparse import csc_array
from scipy.spatial import cKDTree

from gridsvc.coverage.network import distances, street_network
from gridsvc.coverage.siting import fewest_sites, most_reached
from gridsvc.partition.segments import straight_pieces

GRAPHML = "{http://graphml.graphdrawing.org/xmlns}"
# what the study calls its destinations, and its share of people who have one within 500 m
KINDS = {
    "Supermarket": "supermarkets",
    "Convenience": "convenience",
    "Public transport stop (any)": "pt_any",
    "aos_nodes_30m_line": "public_open_space",
}


@pytest.fixture(scope="session")
def wheel(tmp_path_factory):
    """Opens the published wheel of a package as an archive, without installing it."""

    def fetch(requirement):
        folder = tmp_path_factory.mktemp("wheel")
        command = [
            sys.executable,
            "-m",
            "pip",
            "download",
            "--quiet",
            "--no-deps",
            "--dest",
            folder,
            requirement,
        ]
        done = subprocess.run(command, capture_output=True, text=True, check=False)
        found = list(folder.glob("*.whl"))
        if done.returncode or not found:
            pytest.skip(f"{requirement} cannot be fetched: {done.stderr.strip()[-200:]}")
        return zipfile.ZipFile(found[0])

    return fetch


@pytest.fixture(scope="module")
def odense(shared):
    """Nodes of Odense's streets by id, and their distance to each kind of destination, no farther than 500 m."""
    folder = shared / "checks/odense"
    document = ElementTree.parse(folder / "gp.graphml").getroot()  # noqa: S314
    names = {key.get("id"): key.get("attr.name") for key in document.iter(GRAPHML + "key")}

    def data(element):
        return {names[item.get("key")]: item.text for item in element.iter(GRAPHML + "data")}

    nodes = {node.get("id"): data(node) for node in document.iter(GRAPHML + "node")}
    row = {name: number for number, name in enumerate(nodes)}
    edges = [
        (row[edge.get("source")], row[edge.get("target")], float(data(edge)["length"]))
        for edge in document.iter(GRAPHML + "edge")
    ]
    tail, head, metres = (np.array(column) for column in zip(*edges, strict=True))
    at = cKDTree([(float(node["x"]), float(node["y"])) for node in nodes.values()])
    places = pyogrio.read_dataframe(folder / "odense.gpkg", layer="destinations")
    goals = {kind: places[places["dest_name_full"] == kind] for kind in list(KINDS)[:3]}
    goals["aos_nodes_30m_line"] = pyogrio.read_dataframe(folder / "odense.gpkg", layer="aos_nodes_30m_line")
    found = {}
    for kind, goal in goals.items():
        # the study moves every destination to its nearest node
        node = at.query(np.column_stack([goal.geometry.x, goal.geometry.y]))[1]
        found[kind] = distances(len(nodes), tail, head, metres, node, np.zeros(len(node)), 500)
    return pd.DataFrame(found, index=[int(name) for name in nodes])


@pytest.mark.shared
@pytest.mark.parametrize("kind", KINDS)
def test_every_node_of_odense_is_as_far_from_its_destinations_as_published(shared, odense, kind):
    told = pyogrio.read_dataframe(shared / "checks/odense/odense.gpkg", layer="gdf_nodes_poi_dist")
    told = told.set_index(told["osmid"].astype("int64"))[f"sp_nearest_node_{kind}_dist"].reindex(odense.index)
    assert len(told) == 295
    # −999 is the study's word for beyond 500 m
    assert (odense[kind].isin([np.inf]) == (told == -999)).all()
    reached = told != -999
    assert (odense[kind] - told)[reached].abs().max() < 0.005


@pytest.mark.shared
@pytest.mark.parametrize(("kind", "name"), KINDS.items())
def test_the_share_of_odenses_people_within_500_m_is_the_published_one(shared, odense, kind, name):
    folder = shared / "checks/odense"
    points = pyogrio.read_dataframe(folder / "odense.gpkg", layer="samplePointsData_withoutNan")
    people = pyogrio.read_dataframe(folder / "odense.gpkg", layer="pop_ghs_2015").set_index("index")[
        "pop_est"
    ]
    near = odense[kind].reindex(points["closest_node_id"].astype("int64")).to_numpy() <= 500
    share = pd.Series(near).groupby(points["hex_id"].to_numpy()).mean() * 100
    weight = people.reindex(share.index)
    published = json.loads((folder / "expected.json").read_text())["city_odense_sample"]
    assert (share * weight).sum() / weight.sum() == pytest.approx(
        published[f"pop_pct_access_500m_{name}"], rel=1e-9
    )


def test_eleven_of_bubenecs_29_street_nodes_are_dead_ends(wheel, tmp_path):
    archive = wheel("momepy==0.11.0")
    streets = pyogrio.read_dataframe(
        archive.extract("momepy/datasets/bubenec.gpkg", tmp_path), layer="streets"
    )
    network = street_network(straight_pieces(streets.geometry.to_numpy()), np.ones(len(streets), dtype=bool))
    assert (int((network.degree == 1).sum()), len(network.nodes)) == (11, 29)


@pytest.fixture(scope="module")
def stores(wheel):
    """San Francisco's 205 census tracts by 16 stores: which are no farther than 5,000 m, and residents."""
    name = "spopt/tests/test_locate/data/SF_network_distance_candidateStore_16_censusTract_205_new.csv"
    with wheel("spopt==0.7.0").open(name) as file:
        table = pd.read_csv(file)
    metres = table.pivot(index="DestinationName", columns="name", values="distance")
    demand = table.groupby("DestinationName")["demand"].first().reindex(metres.index)
    return csc_array((metres <= 5000).to_numpy().astype(np.int64)), demand.to_numpy()


def test_san_francisco_needs_eight_stores_to_serve_every_tract(stores):
    table, _ = stores
    assert table.shape == (205, 16)
    assert len(fewest_sites(table)) == 8


def test_four_stores_serve_at_most_875247_san_franciscans(stores):
    table, demand = stores
    four = most_reached(table, demand, 4)
    assert four.reached == 875_247
    assert four.exact
