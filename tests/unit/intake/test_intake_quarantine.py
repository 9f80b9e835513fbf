"""Rows in quarantine: out to be corrected, and in again."""

import csv
import json

import geopandas
import numpy as np
import pandas as pd
import pyogrio
import pytest
import shapely

from gridsvc.errors import InputRefusedError, NotFoundError, UsageError
from gridsvc.intake import LoadOptions, NothingAcceptedError, admit
from gridsvc.intake.quarantine import write_waiting
from gridsvc.store import open_store

# inside of the lamps' county
LON, LAT = 114.0, 34.5


class Office:
    """A clerk with one workspace: exports what waits, changes the file, takes it in."""

    def __init__(self, load, folder, open_sheet):
        self.load, self.folder, self.open_sheet = load, folder, open_sheet

    def edit(self, path, change):
        """Change the rows of a workbook, each a dictionary."""
        sheet = self.open_sheet(path)
        rows = sheet.rows()
        for row in rows:
            change(row)
        sheet.save(path, rows)
        return path

    def export(self, layer, name, lang="zh"):
        path = self.folder / name
        with open_store(self.load.workspace, self.load.layers) as store:
            rows = store.quarantine(layer=layer)
            write_waiting(rows[rows["open"]], self.load.layers[layer], path, lang, store.crs)
        return path

    def admit(self, layer, path, **options):
        with open_store(self.load.workspace, self.load.layers, write=True) as store:
            return admit(store, self.load.layers, self.load.workspace, layer, path, LoadOptions(**options))

    def waiting(self, layer):
        rows = self.load.quarantine(layer)
        return rows[rows["open"]]

    def rollback(self, number):
        with open_store(self.load.workspace, self.load.layers, write=True) as store:
            store.rollback(number)


@pytest.fixture
def office(load, tmp_path, open_sheet):
    return Office(load, tmp_path, open_sheet)


def edit_csv(path, change, encoding="utf-8-sig"):
    with path.open(encoding="utf-8-sig", newline="") as file:
        rows = list(csv.DictReader(file))
    rows = change(rows) or rows
    with path.open("w", encoding=encoding, newline="") as file:
        writer = csv.DictWriter(file, list(rows[0]))
        writer.writeheader()
        writer.writerows(rows)
    return path


def edit_vector(path, change):
    frame = pyogrio.read_dataframe(path)
    frame = change(frame)
    path.unlink()
    pyogrio.write_dataframe(frame, path)
    return path


@pytest.fixture
def lamps(load, shapefile, points):
    """Four lamps in columns of odd names, two of them with too many light points; a constant for the road."""
    columns = {
        "杆": ["L1", "L2", "0012", "L4"],
        "盏": np.array([1, 99, 98, 2]),
        "备注": ["甲", "=1+1", "-", "丁"],
    }
    return load(
        "lamps",
        shapefile("路灯", columns, points(4)),
        mapping={"lamp_id": "杆", "light_points": "盏"},
        constants={"road_name": "解放路"},
    )


def stored(load):
    return load.read("lamps").set_index("key")


def fix(path, ending):
    """Give both rows three light points."""
    if ending == "csv":
        return edit_csv(path, lambda rows: [{**row, "盏": "3"} for row in rows], encoding="gbk")
    return edit_vector(path, lambda frame: frame.assign(盏="3"))


@pytest.mark.parametrize("ending", ["xlsx", "csv", "geojson", "gpkg"])
def test_a_corrected_row_is_read_as_its_file_was(office, lamps, points, ending):
    assert lamps.counts["quarantined"] == 2
    path = office.export("lamps", f"out.{ending}")
    report = office.admit(
        "lamps", office.edit(path, lambda row: row.update(盏=3)) if ending == "xlsx" else fix(path, ending)
    )
    assert report.counts["added"] == report.rows_read == 2
    rows = stored(office.load)
    assert rows.loc[["0012", "L2"], "light_points"].tolist() == [3, 3]
    assert rows.loc["0012", "road_name"] == "解放路"
    # the place is that of the file, to a hundredth of a micrometre
    there = geopandas.GeoSeries(points(4)[[2, 1]], crs=4547).to_crs(4490)
    assert shapely.distance(rows.loc[["0012", "L2"]].geometry.to_numpy(), there.to_numpy()).max() < 1e-13
    assert office.waiting("lamps").empty


@pytest.mark.parametrize("ending", ["xlsx", "csv"])
def test_what_is_exported_runs_in_no_spreadsheet_and_comes_back_as_it_was(office, lamps, ending):
    path = office.export("lamps", f"out.{ending}")
    if ending == "csv":
        assert "'=1+1" in path.read_text(encoding="utf-8-sig")
        edit_csv(path, lambda rows: [{**row, "盏": "3" if row["杆"] == "0012" else "97"} for row in rows])
    else:
        sheet = office.open_sheet(path)
        assert (sheet.cells[0]["备注"][:2], sheet.formulas) == (("=1+1", "s"), 0)
        office.edit(path, lambda row: row.update(盏=3 if row["杆"] == "0012" else 97))
    assert office.admit("lamps", path).counts["quarantined"] == 1
    (row,) = office.waiting("lamps").itertuples()
    assert json.loads(row.raw) == {"杆": "L2", "盏": "97", "备注": "=1+1"}


def test_the_workbook_shows_the_faulty_cell_and_keeps_codes_as_text(office, lamps):
    sheet = office.open_sheet(office.export("lamps", "out.xlsx", lang="en"))
    assert list(sheet.names.values()) == [
        *("#reason", "#quarantine", "#file", "#row", "lon", "lat"),
        *("杆", "盏", "备注"),
    ]
    assert sheet.coloured("FFFFE45C") == [{"盏"}, {"盏"}]
    assert sheet.cells[1]["杆"][:2] == ("0012", "s")
    assert "98 is outside 1…60" in sheet.rows()[1]["#reason"]


def test_rows_still_wrong_wait_under_their_number_with_the_new_reason(office, lamps):
    path = office.export("lamps", "out.csv")
    edit_csv(path, lambda rows: [{**row, "盏": "3" if row["杆"] == "L2" else "viele"} for row in rows])
    report = office.admit("lamps", path)
    assert (report.counts["added"], report.counts["quarantined"], report.rows_read) == (1, 1, 2)
    (row,) = office.waiting("lamps").itertuples()
    assert (row.origin, row.source_row, row.load_id) == (2, 3, report.load_id)
    assert "viele" in row.reason_en
    # and once more, from the file that the clerk has kept
    edit_csv(path, lambda rows: [{**row, "盏": "4"} for row in rows if row["杆"] != "L2"])
    assert office.admit("lamps", path).counts["added"] == 1
    assert office.waiting("lamps").empty


def test_when_nothing_can_be_accepted_nothing_changes(office, lamps):
    path = office.export("lamps", "out.csv")
    with pytest.raises(NothingAcceptedError, match="99 is outside"):
        office.admit("lamps", path)
    assert office.waiting("lamps")["id"].tolist() == [1, 2]
    assert len(office.load.loads()) == 1


def test_undoing_an_admission_opens_the_rows_again(office, lamps):
    report = office.admit("lamps", fix(office.export("lamps", "out.csv"), "csv"))
    office.rollback(report.load_id)
    assert office.waiting("lamps")["id"].tolist() == [1, 2]
    assert sorted(stored(office.load).index) == ["L1", "L4"]


def test_a_dry_run_of_an_admission_stores_nothing(office, lamps):
    report = office.admit("lamps", fix(office.export("lamps", "out.csv"), "csv"), dry_run=True)
    assert report.counts["added"] == 2
    assert len(office.waiting("lamps")) == 2


def test_a_row_that_is_deleted_goes_on_waiting_and_one_that_is_added_is_told(office, lamps):
    path = office.export("lamps", "out.csv")
    new = {"#待处理编号": "", "杆": "L9", "盏": "1"}
    gone = {"#待处理编号": "77", "杆": "L8", "盏": "1"}
    edit_csv(path, lambda rows: [{**rows[0], "盏": "3"}, {**rows[0], **new}, {**rows[0], **gone}])
    report = office.admit("lamps", path)
    assert (report.counts["added"], report.counts["left_out"], report.rows_read) == (1, 2, 3)
    told = [row.text.en for row in report.problems if row.outcome == "left_out"]
    assert "no quarantine number" in told[0]
    assert "nothing waits under quarantine number 77" in told[1]
    assert office.waiting("lamps")["id"].tolist() == [2]
    assert "L9" not in stored(office.load).index


def test_a_row_may_be_split_in_two_by_copying_it(office, lamps):
    path = office.export("lamps", "out.csv")
    edit_csv(path, lambda rows: [{**rows[0], "盏": "3"}, {**rows[0], "盏": "5", "杆": "L2b"}])
    assert office.admit("lamps", path).counts["added"] == 2
    assert stored(office.load).loc[["L2", "L2b"], "light_points"].tolist() == [3, 5]


def test_halves_of_a_split_row_that_are_both_still_wrong_both_wait(office, lamps):
    path = office.export("lamps", "out.csv")
    edit_csv(path, lambda rows: [{**rows[0]}, {**rows[0], "杆": "L2b"}, {**rows[1], "盏": "3"}])
    office.admit("lamps", path)
    rows = office.waiting("lamps")
    assert sorted(rows["key"]) == ["L2", "L2b"]
    assert rows["origin"].is_unique


@pytest.mark.parametrize("typed", ["L1", "L4"])
def test_a_corrected_row_changes_no_other_feature(office, lamps, typed):
    path = office.export("lamps", "out.csv")
    edit_csv(path, lambda rows: [{**rows[0], "盏": "7", "杆": typed}, {**rows[1], "盏": "3"}])
    report = office.admit("lamps", path)
    assert (report.counts["added"], report.counts["quarantined"]) == (1, 1)
    assert "belongs to a feature in the store" in report.quarantined[0].text.en
    assert stored(office.load).loc[typed, "light_points"] in (1, 2)


def test_the_second_row_of_a_key_does_not_replace_the_first(office, load, shapefile, points):
    load("lamps", shapefile("灯", {"路灯编号": ["L1", "L1"], "灯头数": np.array([1, 2])}, points(2)))
    path = office.export("lamps", "out.csv")
    with pytest.raises(NothingAcceptedError, match="belongs to a feature in the store"):
        office.admit("lamps", path)
    edit_csv(path, lambda rows: [{**rows[0], "路灯编号": "L2"}])
    office.admit("lamps", path)
    assert stored(load)["light_points"].to_dict() == {"L1": 1, "L2": 2}


def test_a_feature_kept_in_its_earlier_form_is_changed_by_its_corrected_row(office, load, shapefile, points):
    load("lamps", shapefile("一", {"路灯编号": ["L1", "L2"], "灯头数": np.array([1, 1])}, points(2)))
    load("lamps", shapefile("二", {"路灯编号": ["L1", "L2"], "灯头数": np.array([1, 99])}, points(2)))
    path = edit_csv(office.export("lamps", "out.csv"), lambda rows: [{**rows[0], "灯头数": "9"}])
    assert office.admit("lamps", path).counts["changed"] == 1
    assert stored(load)["light_points"].to_dict() == {"L1": 1, "L2": 9}


# shapes


@pytest.fixture
def unplaced(load, shapefile, points):
    """Three lamps, two of them without a place."""
    shapes = points(3)
    shapes[0] = None
    shapes[2] = shapely.Point(0, 0)
    return load("lamps", shapefile("路灯", {"路灯编号": ["L1", "L2", "L3"]}, shapes))


def test_a_place_can_be_typed_into_a_spreadsheet(office, unplaced):
    path = office.export("lamps", "out.xlsx")

    def change(row):
        if row["路灯编号"] == "L3":
            row["经度"], row["纬度"] = LON, str(LAT)

    report = office.admit("lamps", office.edit(path, change))
    assert (report.counts["added"], report.counts["quarantined"]) == (1, 1)
    point = stored(office.load).loc["L3"].geometry
    assert (point.x, point.y) == (LON, LAT)
    assert "still has no position" in office.waiting("lamps")["reason_en"].iloc[0]


def test_a_place_drawn_on_a_desktop_goes_before_the_one_in_quarantine(office, lamps):
    def change(frame):
        shapes = frame.geometry.to_numpy().copy()
        shapes[0] = shapely.Point(LON, LAT)
        return frame.set_geometry(geopandas.GeoSeries(shapes, crs=frame.crs)).assign(盏="3").to_crs(4547)

    office.admit("lamps", edit_vector(office.export("lamps", "out.gpkg"), change))
    point = stored(office.load).loc["L2"].geometry
    assert (point.x, point.y) == pytest.approx((LON, LAT), abs=1e-9)


def test_coordinates_in_columns_are_read_in_the_system_of_their_table(office, load, table):
    rows = [["路灯编号", "经度", "纬度"], *([f"L{n}", "114.01", "34.5"] for n in range(10, 30))]
    rows.append(["L2", "14.01", "34.5"])
    load("lamps", table("灯", rows), crs="BD09")
    path = edit_csv(office.export("lamps", "out.csv"), lambda rows: [{**rows[0], "经度": "114.01"}])
    office.admit("lamps", path)
    placed = stored(load).geometry
    assert placed["L2"].equals(placed["L10"])
    assert placed["L2"].x != 114.01


def test_decimals_that_a_spreadsheet_drops_move_nothing(office, load, table):
    rows = [["路灯编号", "经度", "纬度", "灯头数"], ["L1", "114.0", "34.5", "1"]]
    rows.append(["L2", "114.01234567890123", "34.512345678901234", "99"])
    load("lamps", table("灯", rows), crs="EPSG:4490")

    def shorten(rows):
        return [{**rows[0], "经度": "114.0123457", "纬度": "34.51234568", "灯头数": "2"}]

    office.admit("lamps", edit_csv(office.export("lamps", "out.csv"), shorten))
    assert stored(load).loc["L2"].geometry.x == 114.01234567890123


def test_a_row_numbered_by_its_place_in_the_file_keeps_that_number(office, load, shapefile, points):
    columns = {"灯头数": np.array([1, 99, 1])}
    load("lamps", shapefile("灯", columns, points(3)), mapping={"lamp_id": "#row"})
    office.admit(
        "lamps", edit_csv(office.export("lamps", "out.csv"), lambda rows: [{**rows[0], "灯头数": "2"}])
    )
    assert sorted(stored(load).index) == ["1", "2", "3"]


def test_names_that_a_database_keeps_for_itself_survive_the_way(office, load, geopackage, points, table):
    rows = [["路灯编号", "geom", "fid", "Note", "note", "经度", "纬度", "灯头数"]]
    rows += [["L1", "a", "b", "c", "d", "114", "34.5", "1"], ["L2", "e", "f", "g", "h", "114", "34.5", "99"]]
    load("lamps", table("灯", rows), crs="EPSG:4490")
    path = edit_vector(office.export("lamps", "out.gpkg"), lambda frame: frame.assign(灯头数="98"))
    with pytest.raises(NothingAcceptedError) as refused:
        office.admit("lamps", path)
    raw = refused.value.report.quarantined[0].raw
    assert [raw[name] for name in ("geom", "fid", "Note", "note")] == ["e", "f", "g", "h"]


def test_tables_without_shapes_are_corrected_as_well(office, load, table):
    load("chiefs", table("路长", [["路长编号", "姓名"], ["C1", "张三"], ["", "李四"]]))
    path = edit_csv(office.export("chiefs", "out.csv"), lambda rows: [{**rows[0], "路长编号": "C2"}])
    office.admit("chiefs", path)
    assert load.read("chiefs")["name"].tolist() == ["张三", "李四"]


# what is open


def test_a_later_load_of_the_key_closes_a_row(load, lamps, shapefile, points, office):
    good = {"路灯编号": ["L2"], "灯头数": np.array([2])}
    made = load("lamps", shapefile("补", good, points(1)), mode="upsert")
    assert office.waiting("lamps")["key"].tolist() == ["0012"]
    office.rollback(made.load_id)
    assert len(office.waiting("lamps")) == 2


def test_a_later_replacing_load_closes_every_row_until_it_is_undone(load, lamps, shapefile, points, office):
    made = load("lamps", shapefile("新", {"路灯编号": ["L7"]}, points(1)))
    assert office.waiting("lamps").empty
    office.rollback(made.load_id)
    assert len(office.waiting("lamps")) == 2


def test_a_dismissed_row_waits_no_more_until_that_is_taken_back(load, lamps, office):
    with open_store(load.workspace, load.layers, write=True) as store:
        store.dismiss([1], "张三：已拆除")
        assert store.quarantine(layer="lamps")["note"].tolist() == ["张三：已拆除", None]
        assert office.waiting("lamps")["id"].tolist() == [2]
        with pytest.raises(NotFoundError, match="no row waits under quarantine number 1"):
            store.dismiss([1], "again")
        store.reopen([1])
    assert office.waiting("lamps")["id"].tolist() == [1, 2]


def test_files_that_do_not_come_from_the_export_are_refused(load, lamps, office, table):
    with pytest.raises(UsageError, match="no column #quarantine"):
        office.admit("lamps", table("x", [["杆", "盏"], ["L2", "3"]]))
    with pytest.raises(InputRefusedError, match="none of its rows waits"):
        office.admit("lamps", table("x", [["#quarantine", "杆", "盏"], ["99", "L2", "3"]]))
    with pytest.raises(NotFoundError, match="nothing of toilets is in quarantine"):
        office.admit("toilets", table("x", [["#quarantine"], ["1"]]))
    with pytest.raises(UsageError, match=r"written as \.xlsx, \.csv"):
        office.export("lamps", "out.shp")


def test_rows_of_two_loads_are_each_read_as_their_own(office, load, lamps, table):
    rows = [["no", "n", "lon", "lat"], ["L8", "1", "114", "34.5"], ["L9", "99", "114", "34.5"]]
    mapping = {"lamp_id": "no", "light_points": "n"}
    more = load("lamps", table("more", rows), mode="append", mapping=mapping, crs="EPSG:4490")
    assert more.counts["quarantined"] == 1

    def change(rows):
        return [{**row, ("n" if row["no"] else "盏"): "5"} for row in rows]

    report = office.admit("lamps", edit_csv(office.export("lamps", "out.csv"), change))
    assert report.counts["added"] == 3
    found = stored(load)
    assert found["light_points"].to_dict() == {"0012": 5, "L1": 1, "L2": 5, "L4": 2, "L8": 1, "L9": 5}
    assert pd.isna(found.loc["L9", "road_name"])
    assert found.loc["L2", "road_name"] == "解放路"
