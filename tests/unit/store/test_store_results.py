"""Results of runs: versioned like layers, read by run and by filter."""

import geopandas
import numpy as np
import pandas as pd
import pytest
import shapely

from gridsvc.errors import InputRefusedError, NotFoundError, UsageError
from gridsvc.store import RESULTS, NewRun

RUN = NewRun("2026-11-01", {"poles": 1}, "cd" * 32, {"GEOS": "3.14"})


def tallies(numerators, indicator="lit"):
    return pd.DataFrame(
        {
            "indicator": indicator,
            "subject_kind": "cell",
            "subject": list(numerators),
            "numerator": list(numerators.values()),
            "denominator": 10,
            "unknown": 0,
            "exempt": 0,
        }
    )


def numerators(store, run=None, **where):
    frame = store.result("tallies", run, where)
    return dict(zip(frame["subject"], frame["numerator"], strict=True))


def test_a_run_writes_only_what_differs_from_the_one_before(store):
    first = store.write_run(RUN, {"tallies": tallies({"a": 1, "b": 2})})
    second = store.write_run(RUN, {"tallies": tallies({"a": 1, "b": 3, "c": 4})})
    assert (first.id, second.id, second.status) == (1, 2, "draft")
    assert len(store.database.rows("SELECT 1 FROM result_tallies")) == 4
    assert numerators(store) == {"a": 1, "b": 3, "c": 4}
    assert numerators(store, 1) == {"a": 1, "b": 2}
    assert store.runs() == [first, second]
    assert store.run() == second
    assert store.run(1).libraries == {"GEOS": "3.14"}


def test_a_result_that_a_run_does_not_give_is_empty_in_it(store):
    store.write_run(RUN, {"tallies": tallies({"a": 1})})
    store.write_run(RUN, {})
    assert numerators(store) == {}
    assert numerators(store, 1) == {"a": 1}


def test_filters_work_on_results(store):
    both = pd.concat([tallies({"a": 1}), tallies({"a": 7, "b": 8}, "green")])
    store.write_run(RUN, {"tallies": both})
    assert numerators(store, indicator="green") == {"a": 7, "b": 8}
    assert numerators(store, 1, indicator="green", subject=["b", "z"]) == {"b": 8}
    with pytest.raises(UsageError):
        store.result("tallies", where={"key": 1, "colour": "red"})


def test_unknown_results_and_runs_are_refused(store):
    with pytest.raises(NotFoundError):
        store.result("scores")
    with pytest.raises(NotFoundError):
        store.write_run(RUN, {"scores": pd.DataFrame()})
    with pytest.raises(NotFoundError, match="no run 3"):
        store.result("tallies", 3)


def test_a_repeated_key_stores_no_run(store):
    with pytest.raises(InputRefusedError, match="'lit / cell / a' stands more than once"):
        store.write_run(RUN, {"tallies": pd.concat([tallies({"a": 1}), tallies({"a": 2})])})
    assert store.runs() == []


def test_every_result_round_trips_with_types_and_geometry(store):
    samples = {"text": "x", "integer": 2**55 + 1, "number": 1.5, "boolean": True, "date": "2026-11-01"}
    dtypes = {
        "text": "object",
        "integer": "Int64",
        "number": "float64",
        "boolean": "boolean",
        "date": "datetime64[s]",
    }
    frames = {
        name: pd.DataFrame({column: [samples[kind]] for column, kind in spec.columns.items()})
        for name, spec in RESULTS.items()
    }
    for name, spec in RESULTS.items():
        if spec.geometry:
            frames[name] = geopandas.GeoDataFrame(frames[name], geometry=[shapely.Point(115, 34)], crs=4490)
    store.write_run(RUN, frames)
    for name, spec in RESULTS.items():
        back = store.result(name)
        assert list(back.columns)[1:] == [*spec.columns, *(["geometry"] if spec.geometry else [])]
        for column, kind in spec.columns.items():
            assert str(back[column].dtype) == dtypes[kind]
            expected = np.datetime64("2026-11-01") if kind == "date" else samples[kind]
            assert back[column][0] == expected
        assert isinstance(back, geopandas.GeoDataFrame) == bool(spec.geometry)


def test_results_stay_when_layers_are_loaded(store, load):
    store.write_run(RUN, {"tallies": tallies({"a": 1})})
    digest = store.digest()
    load({"P1": 1})
    assert numerators(store) == {"a": 1}
    assert store.digest() != digest
