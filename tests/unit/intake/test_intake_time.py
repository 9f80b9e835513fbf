"""Units through time: no code is used again for another place, and dates agree with each other."""

import pytest
import shapely

from gridsvc.store import open_store

EAST, NORTH = 500_000.0, 3_820_000.0
CODES = [f"990001001001{number:03d}" for number in range(1, 4)]


@pytest.fixture
def at():
    """A square of 100 m, *n* squares east of the first."""

    def make(n, width=100.0):
        west = EAST + n * 100.0
        return shapely.box(west, NORTH, west + width, NORTH + 100.0)

    return make


@pytest.fixture
def grids(load, shapefile, at):
    """Loads grids: code → shape, with their last days by code; parents are loaded first."""
    whole = [at(0, 1000.0)]
    for layer, code in (("counties", "990001"), ("districts", "990001001"), ("communities", "990001001001")):
        load(layer, shapefile(layer, {"code": [code], "name": [layer]}, whole))

    def apply(shapes, ends=None, begins=None, **options):
        columns = {"code": list(shapes), "name": list(shapes)}
        for name, days in (("valid_to", ends), ("valid_from", begins)):
            if days:
                columns[name] = [days.get(code, "") for code in shapes]
        return load("grids", shapefile("grids", columns, list(shapes.values())), **options)

    return apply


@pytest.fixture
def reasons(load):
    """Reasons of the rows in quarantine."""
    return lambda: load.quarantine("grids")["reason"].tolist()


def test_a_code_that_ended_does_not_come_back_elsewhere(grids, at, load, reasons):
    grids({CODES[0]: at(0), CODES[1]: at(1)})
    grids({CODES[1]: at(1)})
    report = grids({CODES[0]: at(5), CODES[1]: at(1)})
    assert (report.counts["quarantined"], report.counts["unchanged"]) == (1, 1)
    assert reasons() == ["reused"]
    told = report.quarantined[0].text
    assert told.en.startswith(f"code {CODES[0]} has ended and stood for another place")
    assert "不得重复使用" in told.zh
    assert load.read("grids")["key"].tolist() == [CODES[1]]


def test_a_unit_that_a_file_lacked_by_mistake_comes_back(grids, at, reasons):
    grids({CODES[0]: at(0), CODES[1]: at(1)})
    grids({CODES[1]: at(1)})
    # redrawn by 20 m
    assert grids({CODES[0]: shapely.affinity.translate(at(0), 20), CODES[1]: at(1)}).counts["added"] == 1
    assert reasons() == []


def test_a_unit_that_has_never_ended_may_be_drawn_elsewhere(grids, at, reasons):
    """As when the first load was taken for another coordinate system."""
    grids({CODES[0]: at(0)})
    assert grids({CODES[0]: at(5)}).counts["changed"] == 1
    assert reasons() == []


def test_what_only_came_by_a_load_that_is_undone_was_never_used(grids, at, load, workspace, layers, reasons):
    grids({CODES[1]: at(1)})
    wrong = grids({CODES[0]: at(0), CODES[1]: at(1)})
    with open_store(workspace, layers, write=True) as store:
        store.rollback(wrong.load_id)
    assert grids({CODES[0]: at(5), CODES[1]: at(1)}).counts["added"] == 1
    assert reasons() == []


def test_a_rollback_brings_a_code_back_without_being_reuse(grids, at, workspace, layers, reasons):
    grids({CODES[0]: at(0), CODES[1]: at(1)})
    gone = grids({CODES[1]: at(1)})
    with open_store(workspace, layers, write=True) as store:
        store.rollback(gone.load_id)
        assert set(store.read("grids")["key"]) == set(CODES[:2])
    assert grids({CODES[0]: at(5), CODES[1]: at(1)}).counts["changed"] == 1
    assert reasons() == []


def test_a_code_whose_last_day_has_passed_is_not_used_again(grids, at, reasons):
    grids({CODES[0]: at(0)}, ends={CODES[0]: "2025-12-31"})
    report = grids({CODES[0]: at(5), CODES[1]: at(1)}, begins={CODES[0]: "2026-01-01"})
    assert report.counts["quarantined"] == 1
    assert reasons() == ["reused"]


def test_a_unit_that_has_ended_may_be_drawn_better(grids, at, reasons):
    ends = {CODES[0]: "2025-12-31"}
    grids({CODES[0]: at(0)}, ends=ends)
    assert grids({CODES[0]: at(5)}, ends=ends).counts["changed"] == 1
    assert reasons() == []


@pytest.mark.parametrize(("kept", "outcome"), [(False, "quarantined"), (True, "changed")])
def test_an_old_code_of_the_lineage_is_not_used_again(grids, at, load, table, kept, outcome):
    """Unless a part has kept it on the day of the split."""
    grids({CODES[0]: at(0), CODES[1]: at(1)})
    rows = [["类型", "原编码", "新编码", "变更日期"], ["拆分", CODES[0], CODES[2], "2026-07-01"]]
    rows += [["拆分", CODES[0], CODES[0], "2026-07-01"]] if kept else []
    assert load("lineage", table("沿革", rows)).counts["added"] == len(rows) - 1
    report = grids({CODES[0]: at(5), CODES[1]: at(1)})
    assert report.counts[outcome] == 1


def test_a_split_into_three_is_three_rows_with_chinese_headings(load, table):
    head = ["变更类型", "原网格编码", "新网格编码", "生效日期", "批准文号"]
    rows = [["拆分", "990001001001001", code, "2026年7月1日", "城管〔2026〕7号"] for code in CODES]
    report = load("lineage", table("沿革", [head, *rows], encoding="gb18030"))
    assert report.counts["added"] == 3
    stored = load.read("lineage")
    assert set(stored["kind"]) == {"split"}
    assert stored["new_code"].tolist() == CODES
    assert {str(day.date()) for day in stored["changed_on"]} == {"2026-07-01"}


def test_a_kind_of_change_that_is_not_known_waits(load, table):
    rows = [
        ["变更类型", "原编码", "新编码", "日期"],
        ["消失", "1", "2", "2026-07-01"],
        ["改码", "1", "2", "2026-07-01"],
    ]
    report = load("lineage", table("沿革", rows))
    assert (report.counts["added"], report.counts["quarantined"]) == (1, 1)


def test_a_last_day_before_the_first_is_told(grids, at, reasons):
    days = {CODES[0]: "2026-01-01", CODES[1]: "2026-01-01"}
    report = grids(
        {CODES[0]: at(0), CODES[1]: at(1)}, begins=days, ends={CODES[0]: "2025-12-31", CODES[1]: "2026-01-01"}
    )
    assert (report.counts["added"], reasons()) == (1, ["range"])
    assert report.quarantined[0].text.en == "valid_to lies before valid_from"
