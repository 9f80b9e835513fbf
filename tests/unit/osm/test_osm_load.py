"""Extracts into layers: every row accounted for, stable keys, nothing of others ended unasked."""

import json

import pytest
import shapely

from gridsvc.errors import InputRefusedError, NotFoundError, UsageError
from gridsvc.intake import LoadOptions, load_file
from gridsvc.intake.osm import ATTRIBUTION
from gridsvc.store import open_store

FILLED = ["roads", "bins", "greenery", "lamps", "parking", "toilets", "buildings"]


@pytest.fixture
def extract(village, write):
    return write(village.pbf(), "village.osm.pbf")


def by_layer(report):
    return {load.layer: load for load in report.loads}


def test_a_village_fills_the_layers(load, extract):
    report = load(extract)
    assert [told.layer for told in report.loads] == FILLED
    roads = load.read("roads")
    assert roads.index.tolist() == ["w1", "w2", "w3"]
    assert roads["class"].tolist() == ["arterial", "arterial", "lane"]
    assert roads.loc["w1", "width"] == 20
    assert roads["width"].isna().tolist() == [False, True, True]
    assert roads["carriageway"].tolist() == [None, "divided", None]
    assert roads["road_code"].tolist() == [None, None, "L7"]
    lamps = load.read("lamps")
    assert lamps["light_points"].tolist()[0] == 2
    assert lamps["state"].tolist() == [None, None]
    toilet = load.read("toilets").loc["n103"]
    assert (toilet["kind"], toilet["accessible"]) == ("dry", False)
    park = load.read("greenery").loc["r6"]
    assert (park["name"], park["kind"], len(park.geometry.interiors)) == ("中山公园", "park", 1)
    assert load.read("parking").loc["w30", ["bays", "kind"]].tolist() == [40, "public"]
    assert load.read("buildings").loc["w40", ["use", "floors"]].tolist() == ["residential", 6]
    assert load.read("buildings")["population"].isna().all()


def test_counts_add_up_and_what_is_left_out_is_told(load, extract):
    report = load(extract)
    for told in report.loads:
        assert sum(told.counts.values()) == told.rows_read
    roads = by_layer(report)["roads"]
    assert (roads.rows_read, roads.counts["added"], roads.counts["left_out"]) == (4, 3, 1)
    assert any("highway=footway 1" in text.en for text in roads.warnings)


def test_a_number_that_is_none_is_unknown_and_needs_attention(load, extract):
    report = load(extract)
    lamps = by_layer(report)["lamps"]
    assert lamps.lost_values == 1
    assert any("light:count=many" in text.en for text in lamps.warnings)
    assert report.exit_code == 1


def test_all_forms_give_the_same_store(load, village, write):
    load(write(village.xml()))
    digest = load.digest()
    again = load(write(village.pbf(), "village.osm.pbf"))
    assert load.digest() == digest
    assert all(told.counts["unchanged"] == told.rows_read - told.counts["left_out"] for told in again.loads)


def test_the_extract_is_kept_once_with_the_loads_of_all_layers(load, extract, tmp_path):
    report = load(extract)
    with open_store(load.workspace, load.layers) as store:
        for told in report.loads:
            assert [file.name for file in store.delivered(told.load_id)] == ["village.osm.pbf"]
        assert store.database.rows("SELECT COUNT(*) FROM chunks") == [(1,)]
        (made,) = store.write_delivered(report.loads[-1].load_id, tmp_path / "back")
    assert made.read_bytes() == extract.read_bytes()


def test_a_later_extract_changes_what_changed(load, village, write):
    load(write(village.xml()))
    village.way(1, [1, 2, 3], highway="secondary", name="人民路")
    village.nodes.pop(102)
    changed = by_layer(load(write(village.xml())))
    assert changed["roads"].counts["changed"] == 1
    assert changed["lamps"].ended == 1


def test_attribution_stays_with_the_load_and_is_shown(load, extract):
    report = load(extract)
    assert all(record.options["attribution"] == ATTRIBUTION for record in load.loads())
    assert report.to_dict()["attribution"] == ATTRIBUTION
    assert json.dumps(report.to_dict(), ensure_ascii=False).count(ATTRIBUTION) == len(FILLED) + 1


def test_what_an_extract_cuts_is_taken_in_part_or_kept_in_quarantine(load, village, write):
    village.lose(5, 400)
    report = load(write(village.xml()))
    roads, buildings = by_layer(report)["roads"], report.refused["buildings"]
    assert roads.counts["added"] == 3
    assert any("1 features are only as long" in text.en for text in roads.warnings)
    assert buildings.counts["quarantined"] == 1
    village.square(41, 12, 5, building="yes")
    report = load(write(village.xml()))
    waiting = load.quarantine("buildings")
    assert waiting["reason"].tolist() == ["no_geometry"]
    assert "lacks nodes" in waiting["reason_en"][0]
    assert json.loads(waiting["raw"][0])["building_id"] == "w40"
    assert report.exit_code == 1


def test_areas_are_points_where_a_layer_holds_points(load, village, write):
    village.square(50, 14, 5, amenity="toilets")
    load(write(village.xml()))
    assert load.read("toilets").loc["w50"].geometry.within(shapely.box(114.014, 34.005, 114.015, 34.006))


def test_only_the_layers_asked_for_are_loaded(load, extract):
    assert [told.layer for told in load(extract, layers=["lamps", "roads"]).loads] == ["roads", "lamps"]
    with pytest.raises(UsageError, match="nothing of layer chiefs"):
        load(extract, layers=["chiefs"])
    with pytest.raises(NotFoundError, match="no layer 'lights'"):
        load(extract, layers=["lights"])


def test_fields_can_be_fed_by_other_tags(load, extract):
    load(
        extract,
        layers=["toilets"],
        mapping={"toilets": {"name": "amenity"}},
        constants={"toilets": {"seats": "3"}},
    )
    assert load.read("toilets").loc["n103", ["name", "seats"]].tolist() == ["toilets", 3]


def test_features_from_elsewhere_are_not_replaced_unasked(load, extract, write):
    csv = write("路灯编号,经度,纬度\nL1,114.001,34.001\n".encode(), "lamps.csv")
    with open_store(load.workspace, load.layers, write=True) as store:
        load_file(store, load.layers, load.workspace, "lamps", [csv], LoadOptions(crs="EPSG:4490"))
    digest = load.digest()
    with pytest.raises(UsageError, match=r"lamps \(1\)"):
        load(extract)
    assert load.digest() == digest
    load(extract, mode="upsert")
    assert load.read("lamps").index.tolist() == ["L1", "n101", "n102"]
    load(extract, mode="replace")
    assert load.read("lamps").index.tolist() == ["n101", "n102"]


def test_a_dry_run_tells_the_same_and_stores_nothing(load, extract):
    dry = load(extract, dry_run=True)
    assert load.loads() == []
    assert [told.counts for told in dry.loads] == [told.counts for told in load(extract).loads]


def test_an_extract_with_nothing_for_the_layers_is_refused(load, village, write):
    with pytest.raises(InputRefusedError, match="nothing to load"):
        load(write(village.xml()), layers=["water"])
    assert load.loads() == []


def test_an_extract_of_which_nothing_can_be_drawn_is_refused_row_by_row(load, village, write):
    village.lose(400)
    with pytest.raises(InputRefusedError, match="none of 1 rows could be accepted"):
        load(write(village.xml()), layers=["buildings"])


def test_trees_load_where_a_workspace_has_a_layer_for_them(load, village, write):
    village.node(105, 1, 1, natural="tree", species="Ginkgo biloba")
    assert "1 in the extract" in load(write(village.xml())).skipped["trees"].en
    definition = """
title = { zh = "树木", en = "Trees" }
role = "asset"
geometry = ["Point"]
key = ["tree_id"]
[fields.tree_id]
type = "text"
required = true
title = { zh = "树木编号", en = "Tree id" }
[fields.species]
type = "text"
title = { zh = "树种", en = "Species" }
"""
    (load.workspace.layers_dir / "trees.toml").write_text(definition, encoding="utf-8")
    again = type(load)(load.workspace)
    again(write(village.xml()))
    assert again.read("trees").loc["n105", "species"] == "Ginkgo biloba"


class TestBoundaries:
    """Units need codes, and codes are never made up."""

    @pytest.fixture
    def county(self, village):
        village.square(70, -5, -5, side=30)
        village.square(71, -5, -5, side=10)
        for number, way, level, name in (
            (70, 70, "6", "柘城县"),
            (71, 71, "8", "城关镇"),
            (72, 999, "8", "远镇"),
        ):
            village.relation(
                number,
                [("w", way, "outer")],
                type="boundary",
                boundary="administrative",
                admin_level=level,
                name=name,
            )
        return village

    def test_without_codes_they_are_counted(self, load, county, write):
        report = load(write(county.xml()))
        levels = {level.admin_level: (level.closed, level.open, level.coded) for level in report.boundaries}
        assert levels == {"6": (1, 0, 0), "8": (1, 1, 0)}
        assert "counties" in report.skipped
        assert load.read("counties").empty

    def test_with_codes_of_the_layout_those_that_close_are_loaded(self, load, county, write):
        county.relations[70][1]["ref"] = "411424"
        county.relations[71][1]["town_code"] = "411424100"
        report = load(write(county.xml()), mapping={"districts": {"code": "town_code"}})
        assert load.read("counties").loc["411424", "name"] == "柘城县"
        assert load.read("districts")["name"].to_dict() == {"411424100": "城关镇"}
        districts = by_layer(report)["districts"]
        assert (districts.rows_read, districts.counts["left_out"]) == (2, 1)
        assert load.digest() == (load(write(county.xml()), mode="upsert"), load.digest())[1]

    def test_a_code_of_another_length_is_no_code(self, load, county, write):
        county.relations[70][1]["ref"] = "G310"
        assert load(write(county.xml())).boundaries[0].coded == 0

    def test_a_unit_without_its_parent_is_refused_and_the_rest_loaded(self, load, county, write):
        county.relations[71][1]["ref"] = "411424100"
        report = load(write(county.xml()))
        assert "load counties first" in report.skipped["districts"].en
        assert report.exit_code == 1
        assert "roads" in by_layer(report)


def test_options_that_make_no_sense_are_refused_before_any_layer_is_stored(load, extract):
    for wrong in (
        {"mapping": {"toilets": {"nonsense": "name"}}},
        {"constants": {"lamps": {"nonsense": "1"}}},
        {"mapping": {"parking": {"kind": "parking"}}, "constants": {"parking": {"kind": "public"}}},
    ):
        with pytest.raises(UsageError, match=r"nonsense|not both"):
            load(extract, **wrong)
    assert load.loads() == []
