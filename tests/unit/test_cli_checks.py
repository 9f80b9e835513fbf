"""``gridsvc check`` at the command line: files to hand back, a page, and slivers that are closed."""

import json
import re

import pytest
import python_calamine
from typer.testing import CliRunner

from gridsvc.checks import KINDS, SEVERITIES
from gridsvc.cli import app

RUN = CliRunner()
C = "900001"
D, A = C + "001", C + "001001"
# one metre, about, in degrees of longitude at 50° north
METRE = 1 / 71_690


def call(*arguments):
    return RUN.invoke(app, [str(argument) for argument in arguments], env={"GRIDSVC_LANG": "en"})


def answer(*arguments):
    return json.loads(call(*arguments, "--json").stdout)


def features(path, kind, *rows):
    made = [
        {"type": "Feature", "properties": properties, "geometry": {"type": kind, "coordinates": coordinates}}
        for coordinates, properties in rows
    ]
    path.write_text(json.dumps({"type": "FeatureCollection", "features": made}), encoding="utf-8")
    return path


def area(west, east):
    return [[[west, 50], [east, 50], [east, 50.01], [west, 50.01], [west, 50]]]


@pytest.fixture
def town(tmp_path):
    """Two grids that overlap by 0.2 m, and a third lamp that stands where the first does."""
    workspace = tmp_path / "w"
    call("init", workspace, "--name", "村")
    whole = area(10, 10.02)
    for layer, code in (("counties", C), ("districts", D), ("communities", A)):
        done = call(
            "load",
            layer,
            features(tmp_path / f"{layer}.geojson", "Polygon", (whole, {"code": code, "name": code})),
            "-w",
            workspace,
        )
        assert done.exit_code == 0, done.output
    grids = [
        (area(10, 10.01 + 0.2 * METRE), {"code": A + "001", "name": "东"}),
        (area(10.01, 10.02), {"code": A + "002", "name": "西"}),
    ]
    assert (
        call(
            "load", "grids", features(tmp_path / "grids.geojson", "Polygon", *grids), "-w", workspace
        ).exit_code
        == 0
    )
    lamps = [([10.005 + n * 0.001, 50.005], {"lamp_id": f"L{n}"}) for n in range(2)]
    lamps.append(([10.005 + 0.1 * METRE, 50.005], {"lamp_id": "<b>L9</b>"}))
    done = call("load", "lamps", features(tmp_path / "lamps.geojson", "Point", *lamps), "-w", workspace)
    assert "worth a look in lamps: Drawn twice 1" in done.stdout
    return workspace


def test_a_finding_names_the_file_and_the_row_it_came_from(town, tmp_path):
    call("check", "-w", town, "--xlsx", tmp_path / "f.xlsx")
    head, *rows = (
        python_calamine.CalamineWorkbook.from_path(tmp_path / "f.xlsx").get_sheet_by_index(0).to_python()
    )
    found = [dict(zip(head, row, strict=True)) for row in rows]
    (twice,) = [row for row in found if row["Kind"] == "Drawn twice"]
    # by key, the one in angle brackets comes first
    assert [twice[name] for name in ("Feature", "File", "Row")] == ["L0", "lamps.geojson", 1]
    assert [twice[name] for name in ("Other feature", "Row of the other")] == ["<b>L9</b>", 3]
    (overlap,) = [row for row in found if row["Kind"] == "Overlap"]
    assert (overlap["Row"], overlap["Row of the other"], overlap["Lies in"]) == (1, 2, A + "001")


def test_the_page_holds_every_finding_and_runs_nothing_that_it_was_given(town, tmp_path):
    done = call("check", "-w", town, "--html", tmp_path / "f.html", "--lang", "zh")
    assert f"已写入：{tmp_path / 'f.html'}" in done.stdout
    page = (tmp_path / "f.html").read_text(encoding="utf-8")
    data = json.loads(re.search(r'id="page">(.*?)</script>', page, re.DOTALL)[1])
    assert len(data["rows"]) == len(answer("check", "-w", town)["findings"])
    assert "位置重复" in page
    assert "<b>L9</b>" not in page
    assert 'lang="zh-CN"' in page


def test_fixing_closes_the_sliver_in_one_load_that_can_be_undone(town):
    before = answer("check", "-w", town)
    tried = answer("check", "-w", town, "--fix", "--dry-run")
    # the grids' corners on the straight border of the community, seen in metres, are slivers too
    given = {unit["code"]: unit["given_m2"] for unit in tried["fix"]["units"]}
    assert given[A + "002"] == pytest.approx(0.2 * 1112, rel=0.15)
    assert tried["fix"]["loads"] == []
    assert tried["findings"] == before["findings"]
    done = answer("check", "-w", town, "--fix")
    assert not [row for row in done["findings"] if row["kind"] == "overlap"]
    (load,) = done["fix"]["loads"]
    (record,) = [row for row in answer("loads", "-w", town)["loads"] if row["id"] == load]
    assert (record["source"], record["layer"], record["changed"]) == ("check --fix", "grids", 2)
    assert answer("check", "-w", town, "--fix")["fix"]["slivers"] == 0
    assert call("rollback", load, "-w", town).exit_code == 0
    assert answer("check", "-w", town)["findings"] == before["findings"]


def test_what_moved_is_told(town):
    said = call("check", "-w", town, "--fix").stdout
    assert "slivers below 0.5 m" in said
    assert "gridsvc rollback" in said
    assert "没有宽度小于 0.5 m 的细缝" in call("check", "-w", town, "--fix", "--lang", "zh").stdout


@pytest.mark.parametrize(
    "wrong",
    [
        ["--width", "1"],
        ["--dry-run"],
        ["--fix", "--width", "0"],
        ["--html", "f.txt"],
        ["--fix", "--width", "999"],
    ],
)
def test_options_that_make_no_sense_are_refused(town, wrong):
    done = call("check", "-w", town, *wrong)
    assert done.exit_code == 2
    assert "Traceback" not in done.output


def test_the_documents_list_every_kind(root):
    text = (root / "docs" / "commands.md").read_text(encoding="utf-8")
    for name, kind in KINDS.items():
        row = f"| `{name}` | {kind.title.en} | {kind.title.zh} | {SEVERITIES[kind.severity].en} |"
        assert row in text, row
