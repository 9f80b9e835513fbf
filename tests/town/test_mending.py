"""Closing slivers in the store: only units of the day, and nothing else is lost."""

import datetime as dt

import pytest
import shapely

from gridsvc.checks import find, loaded
from gridsvc.checks.mending import apply, mend

BEFORE, AFTER = dt.date(2026, 6, 30), dt.date(2026, 7, 1)
box = shapely.box


@pytest.fixture
def place(build, content, code):
    """The town, its grid A1 split on 1 July into two that overlap by 0.3 m; A2 and A1 overlapped by 0.2 m before."""
    others = [row for row in content["grids"] if row["code"] != code.A1]
    former = {"code": code.A1, "name": "旧", "at": box(0, 200, 200.2, 400), "valid_to": "2026-06-30"}
    west, east = box(0, 200, 100.3, 400), box(100, 200, 200, 400)
    fresh = [
        {"code": code.A + last, "name": last, "at": at, "valid_from": "2026-07-01"}
        for last, at in (("004", west), ("005", east))
    ]
    return build({**content, "grids": [*others, former, *fresh]})


def rows(store):
    frame = store.read("grids")
    return {row.code: (row.name, row.valid_from, row.valid_to) for row in frame.itertuples(index=False)}


def shapes(store):
    frame = store.read("grids")
    return dict(zip(frame["code"], frame.geometry.to_wkb(), strict=True))


@pytest.mark.parametrize(("day", "mended"), [(BEFORE, {"A2"}), (AFTER, {"A5"})])
def test_only_units_of_the_day_are_mended_and_no_other_is_lost(place, code, day, mended):
    was, drawn = rows(place.store), shapes(place.store)
    (record,) = apply(place.store, mend(place.scene(day), 0.5))
    assert (record.layer, record.changed, record.added, record.ended) == ("grids", len(mended), 0, 0)
    assert rows(place.store) == was
    now = shapes(place.store)
    names = {"A2": code.A2, "A5": code.A + "005"}
    assert {one for one in now if now[one] != drawn[one]} == {names[name] for name in mended}
    frame = find(place.scene(day)).frame
    assert "overlap" not in set(frame["kind"])


def test_a_load_of_units_that_are_not_valid_yet_is_told_nothing(build, content, code):
    rows = [{**row, "valid_from": "2999-01-01"} for row in content["grids"]]
    place = build({**content, "grids": rows})
    assert loaded(place.store, place.workspace, place.layers, "grids") == []
