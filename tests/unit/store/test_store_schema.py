"""The database's schema as definitions change, and databases that cannot be used."""

import os
import shutil
import tempfile
from contextlib import contextmanager
from pathlib import Path

import pandas as pd
import pytest

from gridsvc.errors import DefinitionError, StoreBusyError, StoreError
from gridsvc.layers import load_layers
from gridsvc.settings import open_workspace
from gridsvc.store import open_store


def redefine(workspace, old, new):
    path = workspace.layers_dir / "poles.toml"
    path.write_text(path.read_text(encoding="utf-8").replace(old, new), encoding="utf-8")
    return load_layers(workspace)


COLOUR = '[fields.colour]\ntype = "text"\ntitle = { zh = "颜色", en = "Colour" }\n[fields.works]'


def test_a_new_field_is_added_and_rows_without_it_stay(workspace, load, store, poles, source):
    load({"P1": 1, "P2": 2})
    store.close()
    layers = redefine(workspace, "[fields.works]", COLOUR)
    with open_store(workspace, layers) as reader:
        assert reader.read("poles")["colour"].tolist() == [None, None]
        assert reader.read("poles", where={"colour": None})["key"].tolist() == ["P1", "P2"]
    with open_store(workspace, layers, write=True) as newer:
        frame = poles({"P1": 1, "P2": 2})
        assert newer.apply("poles", frame, source).unchanged == 2
        frame["colour"] = [None, "grey"]
        assert newer.apply("poles", frame, source).changed == 1
        assert newer.read("poles", load=1)["colour"].tolist() == [None, None]
        newer.rollback(3)
        assert newer.read("poles")["colour"].tolist() == [None, None]


def test_a_field_may_leave_and_its_values_stay_in_history(workspace, load, store, layers):
    load({"P1": 1})
    store.close()
    path = workspace.layers_dir / "poles.toml"
    whole = path.read_text(encoding="utf-8")
    path.write_text(whole[: whole.index("[fields.seen]")], encoding="utf-8")
    with open_store(workspace, load_layers(workspace), write=True) as shorter:
        assert "seen" not in shorter.read("poles")
    with open_store(workspace, layers) as again:
        assert again.read("poles")["seen"].notna().all()


@pytest.mark.parametrize("write", [True, False])
def test_a_field_does_not_change_its_type(workspace, store, write):
    store.close()
    layers = redefine(workspace, 'type = "integer"', 'type = "text"')
    with pytest.raises(DefinitionError, match=r"layers/poles.toml: fields.points.type: 'text'"):
        open_store(workspace, layers, write=write)


def test_a_record_of_an_older_version_gains_the_columns_it_lacks(workspace, layers, store, load):
    """A store whose quarantine knew neither keys nor numbers is read as it is, and completed when written to."""
    refused = pd.DataFrame(
        {
            "source_row": [7],
            "reason": ["missing"],
            "reason_en": ["no key"],
            "reason_zh": ["缺少编号"],
            "raw": ["{}"],
        }
    )
    load({"P1": 1}, quarantine=refused)
    for name in ("file", "key", "columns", "origin", "admitted_by", "dismissed", "note"):
        store.database.run(f'ALTER TABLE quarantine DROP COLUMN "{name}"')
    store.close()
    with open_store(workspace, layers) as reader:
        (row,) = reader.quarantine().itertuples()
        assert (row.origin, row.open) == (1, True)
    with open_store(workspace, layers, write=True) as writer:
        writer.dismiss([1], "nothing there")
        assert writer.quarantine()["note"].tolist() == ["nothing there"]
        assert not writer.quarantine()["open"].any()


def test_a_newer_schema_is_refused(workspace, layers, store):
    store.database.run("UPDATE meta SET value = '99' WHERE name = 'schema_version'")
    store.close()
    for write in (True, False):
        with pytest.raises(StoreError, match="newer gridsvc"):
            open_store(workspace, layers, write=write)


@pytest.mark.parametrize("engine", ["sqlite"])
@pytest.mark.parametrize("write", [True, False])
def test_a_file_that_is_no_database_is_refused_and_kept(workspace, layers, write):
    (file,) = workspace.store_url.files
    file.write_text("not a database, but twenty or more letters" * 50)
    with pytest.raises(StoreError, match="cannot be used"):
        open_store(workspace, layers, write=write)
    assert file.read_text().startswith("not a database")


def test_a_reader_cannot_write(workspace, layers, store, poles, source):
    with open_store(workspace, layers) as reader, pytest.raises(StoreError, match="reading only"):
        reader.apply("poles", poles({"P1": 1}), source)


def test_a_second_writer_gives_up_with_a_clear_sentence(workspace, layers, store, poles, source):
    with open_store(workspace, layers, write=True, busy_timeout=0.1) as other, store.database.writing():
        with pytest.raises(StoreBusyError, match=r"waited 0.1 s: try again"):
            other.apply("poles", poles({"P1": 1}), source)
        assert other.read("poles").empty
    with open_store(workspace, layers, write=True) as other:
        assert other.apply("poles", poles({"P1": 1}), source).added == 1


@contextmanager
def somebody_else():
    """Leave root's rights aside, under which every folder can be written."""
    user = os.geteuid()
    if user == 0:
        os.seteuid(65534)
    try:
        yield
    finally:
        os.seteuid(user)


@pytest.mark.parametrize("engine", ["sqlite"])
@pytest.mark.skipif(os.name != "posix", reason="needs POSIX permissions")
def test_a_folder_that_cannot_be_written_can_be_read(workspace, layers, load, store):
    load({"P1": 1, "P2": 2})
    digest = store.digest()
    store.close()
    with tempfile.TemporaryDirectory() as folder:
        root = Path(folder) / "county"
        shutil.copytree(workspace.root, root)
        frozen = [Path(folder), root, root / "layers"]
        for path in (root / "county.toml", *(root / "layers").iterdir()):
            path.chmod(0o444)
        for path in frozen:
            path.chmod(0o555)
        copy = open_workspace(root)
        with somebody_else():
            with open_store(copy, layers) as reader:
                assert (reader.counts()["poles"], reader.digest()) == (2, digest)
            with pytest.raises(StoreError, match="check your rights") as raised:
                open_store(copy, layers, write=True)
            assert "权限" in raised.value.text.zh
        for path in frozen:
            path.chmod(0o755)
