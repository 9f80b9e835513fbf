import json
import os
import tempfile
import zipfile
from datetime import date
from pathlib import Path

import numpy as np
import pandas as pd
import pytest
import shapely
import shapely.affinity

from gridsvc.errors import InputRefusedError, NotFoundError, UsageError
from gridsvc.intake import NothingAcceptedError

LAMPS = {
    "路灯编号": ["L1", "L2", "L3", "L4"],
    "所在道路": ["解放路", "解放路", "人民路", ""],
    "灯头数": np.array([1, 2, 1, 1]),
    "状态": ["亮", "灭", "", "亮"],
}


def outcomes(report):
    assert sum(report.counts.values()) == report.rows_read
    return {name: count for name, count in report.counts.items() if count}


@pytest.fixture
def lamps(shapefile, points):
    """Writes four lamps, with columns changed as asked."""

    def write(name="路灯", shapes=None, **columns):
        return shapefile(name, {**LAMPS, **columns}, points(4) if shapes is None else shapes, kind="Point")

    return write


def test_a_shapefile_goes_in_as_it_is(load, lamps):
    report = load("lamps", lamps())
    assert outcomes(report) == {"added": 4}
    assert report.exit_code == 0
    stored = load.read("lamps")
    assert stored["lamp_id"].tolist() == ["L1", "L2", "L3", "L4"]
    assert stored["state"].tolist() == ["lit", "dark", None, "lit"]
    assert stored["road_name"].tolist() == ["解放路", "解放路", "人民路", None]
    assert stored.crs.to_epsg() == 4490
    assert stored.geometry.x.between(113.99, 114.01).all()


def test_the_report_tells_what_was_understood(load, lamps):
    report = load("lamps", lamps())
    file = report.files[0]
    assert (file.encoding, file.crs[:9], file.ignored) == ("GB18030", "EPSG:4547", [])
    assert [(match.column, match.field) for match in file.columns][:2] == [
        ("路灯编号", "lamp_id"),
        ("所在道路", "road_name"),
    ]
    assert file.columns[0].samples == ["L1", "L2", "L3"]
    record = load.loads()[0]
    assert (record.id, record.rows_read, record.sha256) == (report.load_id, 4, report.sha256)
    assert record.options["files"][0]["mapping"]["lamp_id"] == "路灯编号"


def test_loading_again_changes_only_what_changed(load, lamps):
    load("lamps", lamps())
    assert outcomes(load("lamps", lamps())) == {"unchanged": 4}
    report = load("lamps", lamps(状态=["亮", "亮", "", "亮"]))
    assert outcomes(report) == {"changed": 1, "unchanged": 3}


def test_the_same_features_in_another_format_are_unchanged(load, lamps, geopackage, points):
    load("lamps", lamps())
    multi = shapely.multipoints(points(4)[:, None])
    path = geopackage("a", lamps=({**LAMPS, "状态": ["亮", "灭", None, "亮"]}, multi))
    assert outcomes(load("lamps", path)) == {"unchanged": 4}


def test_replace_ends_what_vanished_and_says_so(load, lamps, shapefile, points):
    load("lamps", lamps())
    report = load("lamps", shapefile("new", {"路灯编号": ["L1"]}, points(1)))
    assert report.ended == 3
    assert any("3 of 4 features" in text.en for text in report.warnings)
    assert load.read("lamps")["lamp_id"].tolist() == ["L1"]


def test_upsert_leaves_the_others_alone(load, lamps, shapefile, points):
    load("lamps", lamps())
    report = load("lamps", shapefile("new", {"路灯编号": ["L4", "L5"]}, points(2)), mode="upsert")
    assert (outcomes(report), report.ended) == ({"added": 1, "changed": 1}, 0)
    assert len(load.read("lamps")) == 5


def test_upsert_keeps_what_the_file_has_no_column_for(load, table):
    place = ["经度 (CGCS2000)", "纬度 (CGCS2000)"]
    whole = [["路灯编号", "灯头数", "状态", *place], ["L1", "2", "亮", "114.35", "34.05"]]
    load("lamps", table("all", [*whole, ["L2", "", "亮", "114.36", "34.05"]]))
    seen = [["路灯编号", "状态", *place], ["L1", "灭", "114.35", "34.05"], ["L3", "灭", "114.37", "34.05"]]
    checked = table("checked", seen)
    load("lamps", checked, mode="upsert")
    lamps = load.read("lamps").set_index("key")
    assert lamps["light_points"].astype(object).where(lamps["light_points"].notna(), None).to_dict() == {
        "L1": 2, "L2": None, "L3": None,
    }  # fmt: skip
    assert lamps["state"].to_dict() == {"L1": "dark", "L2": "lit", "L3": "dark"}


def test_append_takes_new_keys_only(load, lamps, shapefile, points):
    load("lamps", lamps())
    report = load("lamps", shapefile("new", {"路灯编号": ["L4", "L5"]}, points(2)), mode="append")
    assert outcomes(report) == {"added": 1, "quarantined": 1}
    assert report.quarantined[0].reasons == ["exists"]


def test_bad_rows_wait_in_quarantine_with_their_reason(load, lamps, points):
    shapes = points(4)
    shapes[3] = None
    report = load(
        "lamps", lamps(shapes=shapes, 灯头数=np.array([1, 99, 1, 1]), 路灯编号=["L1", "L2", "", "L4"])
    )
    assert outcomes(report) == {"added": 1, "quarantined": 3}
    assert report.exit_code == 1
    assert [(row.row, row.reasons) for row in report.quarantined] == [
        (2, ["range"]),
        (3, ["missing"]),
        (4, ["no_geometry"]),
    ]
    kept = load.quarantine("lamps")
    assert kept["source_row"].tolist() == [2, 3, 4]
    assert "99 is outside 1…60" in kept["reason_en"][0]
    assert json.loads(kept["raw"][0])["灯头数"] == "99"
    assert shapely.from_wkb(kept["geometry"][0]).geom_type == "Point"


def test_all_reasons_of_a_row_are_told(load, lamps):
    report = load("lamps", lamps(灯头数=np.array([1, 99, 1, 1]), 状态=["亮", "坏", "", ""]))
    assert report.quarantined[0].reasons == ["range", "value"]
    assert ";" in report.quarantined[0].text.en


def test_an_unknown_spelling_is_quarantined_where_figures_rest_on_it(load, lamps):
    report = load("lamps", lamps(状态=["亮", "半亮", "", ""]))
    assert "'半亮' is not one of 亮/lit, 灭/dark" in report.quarantined[0].text.en


def test_an_unknown_spelling_elsewhere_is_unknown_with_a_warning(load, lamps):
    report = load("lamps", lamps(灯杆高=["8", "约8米", "高", "9"]))
    assert (outcomes(report), report.lost_values, report.exit_code) == ({"added": 4}, 2, 1)
    assert "'约8米', '高'; rows 2, 3" in report.warnings[0].en
    assert load.read("lamps")["height"].tolist()[::3] == [8.0, 9.0]


def test_repeats_are_superseded_or_quarantined(load, shapefile, points):
    shapes = points(4)[[0, 0, 1, 2]]
    path = shapefile("a", {"路灯编号": ["L1", "L1", "L1", "L2"]}, shapes)
    report = load("lamps", path)
    assert outcomes(report) == {"added": 2, "quarantined": 1, "superseded": 1}
    assert "stands in row 1 already" in report.quarantined[0].text.en


def test_several_files_are_one_load(load, lamps, shapefile, points):
    other = shapefile("东区", {"编号": ["L5", "L1"]}, points(2))
    report = load("lamps", lamps(), other)
    assert outcomes(report) == {"added": 5, "quarantined": 1}
    assert (report.quarantined[0].file, report.quarantined[0].row) == ("东区.shp", 2)
    assert "路灯.shp row 1" in report.quarantined[0].text.en
    assert report.quarantined[0].raw["#file"] == "东区.shp"


def test_constants_and_row_numbers_fill_what_the_file_lacks(load, geopackage, points):
    path = geopackage("a", a=({"what": ["x", "y"]}, points(2)))
    report = load("toilets", path, mapping={"toilet_id": "#row"}, constants={"kind": "水冲"})
    assert outcomes(report) == {"added": 2}
    stored = load.read("toilets")
    assert (stored["toilet_id"].tolist(), stored["kind"].tolist()) == (["1", "2"], ["flush", "flush"])


def test_codes_from_a_float_column_are_whole(load, geopackage, squares):
    columns = {"编码": [419900.0, 419901.0], "名称": ["甲县", "乙县"]}
    load("counties", geopackage("a", a=(columns, squares(2))))
    assert load.read("counties")["code"].tolist() == ["419900", "419901"]


def test_units_need_their_parents(load, shapefile, squares):
    districts = shapefile("街道", {"编码": ["419900001", "999999001"], "名称": ["a", "b"]}, squares(2))
    with pytest.raises(InputRefusedError, match="load counties first"):
        load("districts", districts)
    load("counties", shapefile("县", {"编码": ["419900"], "名称": ["甲县"]}, squares(1)))
    report = load("districts", districts)
    assert outcomes(report) == {"added": 1, "quarantined": 1}
    assert report.quarantined[0].reasons == ["parent"]


def test_data_outside_of_the_county_is_refused(load, shapefile, squares, points):
    load("counties", shapefile("县", {"编码": ["419900"], "名称": ["甲县"]}, squares(1)))
    path = shapefile("灯", {"路灯编号": ["L1"]}, points(1))
    with pytest.raises(InputRefusedError, match=r"nothing of it lies in the county.*--crs"):
        load("lamps", path, crs="EPSG:4549")
    assert outcomes(load("lamps", path)) == {"added": 1}


def test_polygons_that_cross_themselves_are_repaired_and_told(load, shapefile):
    bow = shapely.Polygon([(0, 0), (100, 100), (100, 0), (0, 100)])
    path = shapefile(
        "绿地", {"编号": ["G1"], "类型": ["公园"]}, [shapely.affinity.translate(bow, 5e5, 3.8e6)]
    )
    report = load("greenery", path)
    assert outcomes(report) == {"added": 1}
    assert [row.outcome for row in report.problems] == ["repaired"]
    assert "1 polygons crossed themselves" in report.warnings[0].en
    assert load.read("greenery").geometry.is_valid.all()


CHIEFS = [
    ["样例县路长名录"],
    ["序号", "编号", "姓名", "职务", "级别", "电话"],
    [1, "001", "张三", "局长", "一级", 13800000001],
    [2, "002", "", "局长", "二级", "０００-1"],
    ["合计 2 岗"],
]


def test_a_table_with_titles_and_totals_goes_in(load, workbook):
    report = load("chiefs", workbook("路长制", 路长=CHIEFS, 说明=[["其他"]]))
    assert outcomes(report) == {"added": 2, "left_out": 1}
    stored = load.read("chiefs")
    assert stored["chief_id"].tolist() == ["001", "002"]
    assert stored["phone"].tolist() == ["13800000001", "000-1"]
    assert stored["name"].tolist() == ["张三", None]
    assert report.files[0].ignored == ["序号"]


def test_rows_of_a_sheet_are_numbered_as_the_clerk_sees_them(load, workbook):
    rows = [*CHIEFS[:3], [2, "002", "李四", "", "九级", ""], [3, "", "王五", "", "", ""]]
    report = load("chiefs", workbook("路长制", 路长=rows))
    assert [(row.row, row.reasons) for row in report.quarantined] == [(5, ["missing"])]
    assert "'九级'" in report.warnings[0].en
    assert "rows 4" in report.warnings[0].en


def test_a_key_whose_digits_are_lost_is_quarantined(load, workbook):
    rows = [["编号", "姓名"], [110101199003077001, "张三"], ["110101199003077002", "李四"]]
    report = load("chiefs", workbook("a", 路长=rows))
    assert report.quarantined[0].reasons == ["digits"]
    assert load.read("chiefs")["chief_id"].tolist() == ["110101199003077002"]


def test_a_table_with_positions_makes_points(load, table):
    rows = [["路灯编号", "经度", "纬度"], ["L1", "114.001", "34.5"], ["L2", "", ""], ["L3", "x", "34"]]
    report = load("lamps", table("灯", rows), crs="EPSG:4490")
    assert outcomes(report) == {"added": 1, "quarantined": 2}
    assert [row.reasons[0] for row in report.quarantined] == ["no_geometry", "unreadable_geometry"]
    assert load.read("lamps").geometry.iloc[0].wkt == "POINT (114.001 34.5)"
    with pytest.raises(InputRefusedError, match="--crs"):
        load("lamps", table("灯", rows))


def test_dates_of_every_spelling_are_stored_alike(load, table):
    rows = [["编号", "姓名", "备注"], ["1", "a", "x"]]
    load("chiefs", table("c", rows))
    duties = [
        ["路长编号", "道路名称", "起点", "终点", "开始日期"],
        ["1", "解放路", "K0+000", "K1+200", "2026/3/1"],
        ["1", "人民路", "", "", "2026年3月1日"],
    ]
    load("duties", table("d", duties))
    stored = load.read("duties")
    assert stored["date_from"].dt.date.tolist() == [date(2026, 3, 1)] * 2
    assert sorted(stored["to_m"].dropna()) == [1200.0]


def test_a_zip_with_chinese_names_goes_in_and_leaves_nothing_behind(load, lamps, tmp_path, monkeypatch):
    work = tmp_path / "work"
    work.mkdir()
    monkeypatch.setattr(tempfile, "tempdir", str(work))
    path = lamps()
    with zipfile.ZipFile(tmp_path / "路灯.zip", "w") as file:
        for part in path.parent.glob("路灯.???"):
            if part.suffix != ".zip":
                file.write(part, f"数据/{part.name}")
    report = load("lamps", tmp_path / "路灯.zip")
    assert outcomes(report) == {"added": 4}
    assert report.source == "路灯.zip"
    assert list(work.iterdir()) == []


def test_a_dry_run_tells_the_same_and_stores_nothing(load, lamps):
    load("lamps", lamps())
    digest, before = load.digest(), len(load.loads())
    changed = lamps(状态=["亮", "亮", "", "亮"], 灯头数=np.array([99, 1, 1, 1]))
    foretold = load("lamps", changed, dry_run=True)
    assert (load.digest(), len(load.loads()), foretold.load_id) == (digest, before, None)
    done = load("lamps", changed)
    assert (foretold.counts, foretold.ended) == (done.counts, done.ended)
    assert [row.text for row in foretold.problems] == [row.text for row in done.problems]


@pytest.fixture
def refused(load, lamps):
    """Loads into a filled store, expecting a refusal that leaves the store as it was."""
    load("lamps", lamps())

    def expect(error, match, layer, *paths, **options):
        before = load.digest()
        with pytest.raises(error, match=match) as raised:
            load(layer, *paths, **options)
        assert raised.value.text.zh != raised.value.text.en
        assert load.digest() == before
        assert len(load.loads()) == 1

    return expect


def test_refusals_leave_the_store_as_it_was(refused, shapefile, points, squares, tmp_path, table):
    path = shapefile("a", {"路灯编号": ["L1"]}, points(1))
    refused(NotFoundError, "no file", "lamps", tmp_path / "nothing.shp")
    refused(NotFoundError, "no layer 'lampen'", "lampen", path)
    refused(
        InputRefusedError,
        "polygon geometries, but layer lamps takes points",
        "lamps",
        shapefile("b", {"路灯编号": ["L1"]}, squares(1)),
    )
    refused(InputRefusedError, "no column for toilet_id", "toilets", path)
    refused(InputRefusedError, "has no geometry", "lamps", table("t", [["路灯编号"], ["L1"]]))
    refused(InputRefusedError, "holds no rows", "chiefs", table("e", [["编号", "姓名"]]))
    refused(
        InputRefusedError,
        "coordinate system",
        "lamps",
        shapefile("c", {"路灯编号": ["L1"]}, points(1), crs=None),
    )
    refused(UsageError, "--mode", "lamps", path, mode="merge")
    refused(UsageError, "--set state=金", "lamps", path, constants={"state": "金"})
    refused(UsageError, "at least one file", "lamps")


def test_a_load_that_would_accept_nothing_is_refused_with_its_report(load, lamps):
    load("lamps", lamps())
    digest = load.digest()
    with pytest.raises(
        NothingAcceptedError, match=r"none of 4 rows could be accepted; value not understood: 4"
    ) as error:
        load("lamps", lamps(状态=["甲", "乙", "丙", "丁"]))
    assert len(error.value.report.quarantined) == 4
    assert load.digest() == digest


def test_the_live_database_is_no_source(load, lamps, workspace):
    load("lamps", lamps())
    with pytest.raises(UsageError, match="is the store itself"):
        load("lamps", *workspace.store_url.files)


def test_a_feature_whose_new_row_is_refused_stays_in_the_store_as_it_was(load, lamps):
    load("lamps", lamps())
    before = load.read("lamps")
    report = load("lamps", lamps(灯头数=np.array([99, 2, 1, 1])))
    assert any("1 features that the store holds" in text.en for text in report.warnings)
    assert report.ended == 0
    assert load.read("lamps").equals(before)
    dry = load("lamps", lamps(灯头数=np.array([99, 2, 1, 1])), dry_run=True)
    assert dry.ended == 0


def test_steps_are_told(workspace, layers, lamps):
    from gridsvc.intake import load_file
    from gridsvc.store import open_store

    steps = []
    with open_store(workspace, layers, write=True) as store:
        load_file(
            store, layers, workspace, "lamps", [lamps()], progress=lambda name, title: steps.append(name)
        )
    assert steps == ["read", "check", "store"]


def test_a_read_only_source_folder_is_enough(load, lamps):
    path = lamps()
    before = sorted(file.name for file in Path(path.parent).iterdir())
    path.with_suffix(".shx").unlink()
    load("lamps", path)
    assert sorted(file.name for file in Path(path.parent).iterdir()) == [n for n in before if n != "路灯.shx"]


def test_frames_have_the_dtypes_of_the_fields(load, lamps):
    load("lamps", lamps())
    stored = load.read("lamps")
    assert isinstance(stored["light_points"].dtype, pd.Int64Dtype)
    assert stored["checked_on"].dtype == "datetime64[s]"


def test_text_that_nothing_can_store_does_not_stop_a_load(load, tmp_path):
    here = {"type": "Point", "coordinates": [114.0, 34.5]}
    features = [
        {"type": "Feature", "properties": {"lamp_id": f"L{number}", "x\ud800": "\ud800"}, "geometry": shape}
        for number, shape in enumerate([here, None])
    ]
    path = tmp_path / "a.geojson"
    path.write_text(json.dumps({"type": "FeatureCollection", "features": features}))
    report = load("lamps", path)
    assert outcomes(report) == {"added": 1, "quarantined": 1}
    assert json.loads(load.quarantine("lamps")["raw"][0]) == {"lamp_id": "L1", "x?": "?"}
    assert report.to_json().encode()


@pytest.mark.skipif(os.name != "posix", reason="names are bytes on POSIX only")
def test_a_file_name_in_gbk_is_shown_as_it_was_meant(load, table):
    path = table("a", [["路长编号", "姓名", "级别"], ["1", "张三", "1"]])
    report = load("chiefs", path.rename(path.with_name(os.fsdecode("路长.csv".encode("gbk")))))
    assert report.source == load.loads()[0].source == "路长.csv"


def test_a_key_of_which_one_row_was_accepted_is_not_said_to_stand(load, lamps):
    load("lamps", lamps())
    report = load("lamps", lamps(路灯编号=["L1", "L1", "L3", "L4"]))
    assert outcomes(report) == {"unchanged": 3, "quarantined": 1}
    assert report.ended == 1
    assert not any("store keeps them" in text.en for text in report.warnings)
