"""A published run stays what it was, whatever is loaded, defined, computed or pruned after it."""

import datetime as dt
import hashlib
import json
import os
import signal
import subprocess
import sys
import zipfile
from pathlib import Path

import pytest
from python_calamine import CalamineWorkbook
from typer.testing import CliRunner

import gridsvc
from gridsvc.cli import app
from gridsvc.cli.publications import Asked, freeze
from gridsvc.coverage.indicators import load_indicators
from gridsvc.coverage.statement import digest_of, statement
from gridsvc.errors import UsageError
from gridsvc.maps import Atlas, FileLinks, render_chief, render_index
from gridsvc.store.publications import Publication, find_publication

RUN = CliRunner()
LINKS = FileLinks("zh")
# two figures of the town by another rule and with other bands
STRICTER = """
[lamps_burning]
title = { zh = "亮灯率", en = "Lamps burning" }
definition = { zh = "改", en = "changed" }
kind = "count_share"
group = "roads"
of = { layer = "lamps" }
match = { state = ["lit"] }
bands = { A = 100, B = 99.9 }
source = "trial"
year = 2027
"""


def call(place, *arguments, code=0):
    done = RUN.invoke(
        app, [*map(str, arguments), "-w", str(place.workspace.root)], env={"GRIDSVC_LANG": "en"}
    )
    assert done.exit_code == code, done.output
    return done


def answer(place, *arguments, code=0):
    return json.loads(call(place, *arguments, "--json", code=code).stdout)


def bytes_of(folder):
    return {
        path.relative_to(folder).as_posix(): path.read_bytes() for path in folder.rglob("*") if path.is_file()
    }


@pytest.fixture
def place(build, content):
    """The town, computed, to be changed; in one language, to be quick."""
    made = build(content, languages=("zh",))
    made.compute()
    return made


@pytest.fixture
def freeze_run():
    """Publishes a run without its files."""

    def make(place, run, label, **more):
        asked = {
            "until": None,
            "days": None,
            "filled_by": "",
            "reviewed_by": "",
            "revises": None,
            "reason": "",
        }
        return freeze(place.store, place.indicators, str(run), Asked(label, **(asked | more)))

    return make


@pytest.fixture
def change(place, content):
    """Loads darker lamps, other names and chiefs, defines figures otherwise, computes again and prunes."""

    def make():
        place.apply(
            "lamps", [{**one, "state": "dark", "checked_on": "2026-10-30"} for one in content["lamps"]]
        )
        place.apply("roads", [{**one, "road_name": "改名路"} for one in content["roads"]])
        place.apply("chiefs", [{"chief_id": "C1", "name": "新人", "level": "1"}])
        place.apply("grids", [{**one, "name": "新名"} for one in content["grids"]])
        place.apply("observations", [])
        (place.workspace.layers_dir / "indicators.toml").write_text(STRICTER, encoding="utf-8")
        place.__dict__["indicators"] = load_indicators(place.workspace, place.layers)
        place.compute(dt.date(2026, 11, 8))
        place.apply("lamps", content["lamps"][1:])
        place.compute(dt.date(2026, 11, 9))
        assert place.store.prune(keep=1).runs == [2]

    return make


def drawn(place, run):
    """Pages of a run as they would be drawn now."""
    atlas = Atlas.open(place.store, place.workspace, place.layers, place.indicators, run)
    return render_index(atlas, "zh", LINKS) + render_chief(atlas, "C1", "zh", LINKS)


def test_a_published_run_stays_what_it_was(place, change):
    made = answer(place, "publish", "1", "第32周", "--filled-by", "张三")
    folder = Path(made["folder"])
    assert folder == place.workspace.pages_dir / "published" / "2026-1-第32周"
    files, figures, pages = bytes_of(folder), statement(place.figures(1)), drawn(place, 1)
    coverage = answer(place, "coverage", "--run", "第32周")
    change()
    assert bytes_of(folder) == files
    assert statement(place.figures(1)) == figures
    assert answer(place, "coverage", "--run", "第32周") == coverage
    assert drawn(place, 1) == pages
    answer(place, "publish", "--again", "第32周")
    assert bytes_of(folder) == files
    # the changes are no small ones: the newest run is another
    assert statement(place.figures()) != figures
    assert drawn(place, None) != pages


def test_pages_of_a_draft_are_of_its_own_day_and_loads(place, change, content):
    before = drawn(place, 1)
    place.apply("lamps", [{**one, "state": "dark", "checked_on": "2026-10-30"} for one in content["lamps"]])
    place.apply("chiefs", [{"chief_id": "C1", "name": "新人", "level": "1"}])
    assert drawn(place, 1) == before


def test_the_digest_is_the_one_of_the_file_that_lies_beside(place):
    made = answer(place, "publish", "1", "第32周")
    file = Path(made["folder"]) / "figures.csv"
    assert (
        hashlib.sha256(file.read_bytes()).hexdigest()
        == made["publication"]["digest"]
        == digest_of(place.figures(1))
    )
    rows = file.read_text(encoding="utf-8-sig").splitlines()
    assert rows[0].startswith("indicator,subject_kind,subject,numerator_int,denominator_int")
    lamps = [row.split(",") for row in rows if row.startswith("lamps_burning,unit,990001,")]
    stored = place.figures(1).table(unit="990001", indicator="lamps_burning").iloc[0]
    assert [int(text) for text in lamps[0][3:7]] == [
        stored[f"{side}_int"] for side in ("numerator", "denominator", "unknown", "exempt")
    ]


def test_a_changed_tally_is_found(place, freeze_run):
    freeze_run(place, 1, "第32周")
    assert "1 published runs are what they were" in call(place, "runs", "--verify").stderr
    with place.store.database.writing():
        place.store.database.run("UPDATE result_tallies SET numerator = numerator + 1 WHERE numerator > 0")
    told = call(place, "runs", "--verify", code=1)
    assert "run 1 (2026-1 第32周) are not those that were published" in told.stderr
    assert not answer(place, "runs", "--verify", code=1)["runs"][0]["unchanged"]
    refused = call(place, "publish", "--again", "第32周", code=4)
    assert "not those that were published" in refused.stderr


def test_a_revision_tells_what_it_corrects(place, content, freeze_run):
    freeze_run(place, 1, "第32周")
    # the lamp that was dark in grid A2 burns
    place.apply(
        "lamps", [{**one, "state": "lit"} if one["lamp_id"] == "L2" else one for one in content["lamps"]]
    )
    place.compute()
    assert "in use: 2026-1" in call(place, "publish", "2", "第32周", code=2).stderr
    made = answer(place, "publish", "2", "第32周", "--revises", "第32周", "--reason", "L2 误记")
    assert made["publication"]["number"] == "2026-1"
    assert made["publication"]["revision"] == 2
    changed = {(one["indicator"], one["subject"]): one["numerator_change"] for one in made["changed"]}
    assert changed["lamps_burning", "990001001001002"] == 1
    assert ("lamps_burning", "990001001001003") not in changed
    assert {"lamps_burning", "lit_length"} <= {name for name, _ in changed}
    assert all("lamps" in place.indicators[name].layers for name, _ in changed)
    states = [run["state"] for run in answer(place, "runs")["runs"]]
    assert states == ["corrected", "published"]
    sheets = CalamineWorkbook.from_path(f"{made['folder']}/figures.xlsx")
    assert "修订内容" in sheets.sheet_names
    assert "L2 误记" in str(sheets.get_sheet_by_name("通报").to_python()[3][0])


def test_the_objection_period_comes_from_the_county_or_the_command(build, content, freeze_run):
    place = build({name: content[name] for name in ("counties", "districts")}, objection_days=3,
                  objections_to="电话 0370-12345")  # fmt: skip
    today = dt.date.today()
    for _ in range(4):
        place.compute()
    first, _ = freeze_run(place, 1, "一")
    assert first.objections_from == today.isoformat()
    assert first.objections_until == (today + dt.timedelta(days=3)).isoformat()
    assert first.objections_to == "电话 0370-12345"
    none, _ = freeze_run(place, 2, "二", days=0)
    assert (none.objections_from, none.objections_until) == ("", "")
    last = (today + dt.timedelta(days=40)).isoformat()
    assert freeze_run(place, 3, "三", until=last)[0].objections_until == last
    with pytest.raises(UsageError, match="the period begins today"):
        freeze_run(place, 4, "四", until="2020-01-01")
    assert place.store.run(4).status == "draft"


def test_a_run_whose_definitions_nobody_knows_any_more_cannot_be_published(place, freeze_run):
    with place.store.database.writing():
        place.store.database.run("DELETE FROM definitions")
    (place.workspace.layers_dir / "indicators.toml").write_text(STRICTER, encoding="utf-8")
    place.__dict__["indicators"] = load_indicators(place.workspace, place.layers)
    with pytest.raises(UsageError, match="older than the keeping of definitions"):
        freeze_run(place, 1, "第32周")
    assert place.store.run(1).status == "draft"


def test_figures_are_graded_by_the_definitions_of_their_run(place):
    before = answer(place, "coverage", "--indicator", "lamps_burning")
    (place.workspace.layers_dir / "indicators.toml").write_text(STRICTER, encoding="utf-8")
    assert answer(place, "coverage", "--indicator", "lamps_burning") == before
    assert "definitions of indicators have changed since" in call(place, "coverage").stderr
    assert "changed since" not in call(place, "coverage", "--run", "1").stderr


@pytest.mark.parametrize(
    ("arguments", "told"),
    [
        (("publish", "7", "一"), "there is no run 7"),
        (("publish", "1"), "gridsvc publish RUN LABEL"),
        (("publish", "1", "12"), "is no label"),
        (("publish", "--again", "1"), "run 1 is a draft"),
        (("publish", "--again", "第9周"), "no run is published as '第9周'"),
        (("publish", "1", "一", "--again", "1"), "--again goes without"),
        (("publish", "1", "一", "--revises", "1", "--reason", "x"), "run 1 is a draft"),
        (("publish", "1", "一", "--objection-days", "3", "--objections-until", "2099-01-01"), "together"),
        (("coverage", "--run", "第9周"), "no run is published as"),
        (("map", "--all", "--run", "第9周"), "no run is published as"),
        (("gaps", "lit_road", "--run", "第9周"), "no run is published as"),
        (("explain", "lit_road", "990001", "--run", "第9周"), "no run is published as"),
    ],
)
def test_what_cannot_be_published_is_refused_in_one_sentence(town, arguments, told):
    done = call(town, *arguments, code=2)
    assert told in done.stderr
    assert town.store.run(1).status == "draft"


def test_the_workbook_is_one_to_sign(place):
    made = answer(place, "publish", "1", "第32周", "--filled-by", "=张三", "--reviewed-by", "李四")
    path = Path(made["folder"]) / "figures.xlsx"
    book = CalamineWorkbook.from_path(str(path))
    assert book.sheet_names == [
        "通报",
        "街道 乡镇",
        "社区 村",
        "网格",
        "路长",
        "短板",
        "全部指标值",
        "编制说明",
    ]
    cover = book.get_sheet_by_name("通报").to_python()
    assert cover[0][0] == "小镇网格化管理指标通报 第32周 (2026-1)"
    assert f"异议期：{dt.date.today()} 至" in cover[2][0]
    assert [text for text in cover[-1] if text] == ["填报人：=张三", "审核人：李四", "签字盖章：", "日期："]
    by_title = {row[0]: row for row in cover}
    stored = place.figures(1).table(indicator="lamps_burning").iloc[0]
    row = by_title["亮灯率"]
    assert (row[1], row[3]) == (float(stored["display"]), stored["grade"])
    assert (row[6], row[7]) == (stored["numerator"], stored["denominator"])
    notes = [str(cell) for line in book.get_sheet_by_name("编制说明").to_python() for cell in line]
    assert f"SHA-256 {made['publication']['digest']}" in notes
    with zipfile.ZipFile(path) as parts:
        texts = [parts.read(name).decode() for name in parts.namelist() if "worksheets/sheet" in name]
    assert not any("<f>" in text for text in texts)
    assert all("printTitles" not in text and "<pageSetup" in text for text in texts)


def test_a_publication_that_is_killed_leaves_a_draft_or_can_be_finished(place):
    environment = {**os.environ, "PYTHONPATH": str(Path(gridsvc.__file__).parents[1]), "GRIDSVC_LANG": "en"}
    command = [sys.executable, "-c", "from gridsvc.cli import main; main()", "publish", "1", "第32周"]
    folder = place.workspace.pages_dir / "published"
    process = subprocess.Popen(
        [*command, "-w", str(place.workspace.root)], env=environment, stdout=subprocess.DEVNULL
    )
    while process.poll() is None and not list(folder.glob(".2026-1*/*")):
        pass
    process.send_signal(signal.SIGKILL)
    process.wait()
    assert not [path for path in folder.iterdir() if not path.name.startswith(".")]
    assert place.store.run(1).status == "published"
    done = Path(answer(place, "publish", "--again", "第32周")["folder"])
    assert [path.name for path in folder.iterdir()] == [done.name] == ["2026-1-第32周"]
    assert (done / "index.html").is_file()


def publication(run, number, revision=1):
    return Publication(run, number, "第32周", revision, None, "", f"2026-0{run}-01", "", "", "", "", "", "")


def test_a_label_of_several_years_means_the_last_year_whatever_was_corrected_since():
    known = {1: publication(1, "2025-32"), 2: publication(2, "2026-32"), 3: publication(3, "2025-32", 2)}
    assert find_publication(known, "第32周").id == 2
    assert find_publication(known, "2025-32").id == 3
    assert find_publication(known, "2025-32-r1").id == 1
