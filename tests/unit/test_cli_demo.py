"""What ``gridsvc demo`` may replace and what it leaves alone, and what it says at the end."""

import pytest
from typer.testing import CliRunner

from gridsvc.cli import app
from gridsvc.cli.demo import NAME, Made, is_demo, replace, require_free, summary
from gridsvc.errors import UsageError
from gridsvc.settings import County, init_workspace, open_workspace
from gridsvc.text import bilingual

RUN = CliRunner()


def demo_workspace(folder):
    return init_workspace(folder, County(name=NAME, synthetic=True)).root


def test_an_absent_an_empty_and_a_demo_folder_are_free(tmp_path):
    require_free(tmp_path / "new")
    (tmp_path / "empty").mkdir()
    require_free(tmp_path / "empty")
    require_free(demo_workspace(tmp_path / "old"))


@pytest.mark.parametrize(
    "county",
    [
        County(name=bilingual("Real county", "真县")),
        County(name=NAME),
        County(name=bilingual("Own trial", "试验"), synthetic=True),
    ],
)
def test_another_workspace_is_left_alone(tmp_path, county):
    root = init_workspace(tmp_path / "own", county).root
    assert not is_demo(root)
    with pytest.raises(UsageError, match="is not empty"):
        require_free(root)


def test_the_command_refuses_a_folder_with_other_files(tmp_path):
    (tmp_path / "report.txt").write_text("mine")
    done = RUN.invoke(app, ["demo", str(tmp_path), "--lang", "en"])
    assert done.exit_code == 2
    assert "name another folder" in done.stderr
    assert [path.name for path in tmp_path.iterdir()] == ["report.txt"]
    assert RUN.invoke(app, ["demo", str(tmp_path / "report.txt")]).exit_code == 2


def test_a_new_demo_takes_the_place_of_the_old_one(tmp_path):
    old = demo_workspace(tmp_path / "demo")
    (old / "delivery").mkdir()
    (old / "delivery" / "old.shp").write_text("")
    new = demo_workspace(tmp_path / "aside" / "demo")
    (new / "new.txt").write_text("")
    replace(old, new)
    assert sorted(path.name for path in old.iterdir()) == ["county.toml", "layers", "maps", "new.txt"]
    assert is_demo(old)
    assert open_workspace(old).county.synthetic


def test_it_says_in_five_lines_what_was_made(tmp_path):
    counts = {"districts": 20, "communities": 120, "grids": 1025, "roads": 9, "lamps": 9, "chiefs": 60}
    made = Made(counts, figures=[{"title": {"en": "Lit", "zh": "装灯率"}, "shown": "90 %"}] * 5)
    told = summary(tmp_path / "demo", made, 31.2)
    for lang in ("en", "zh"):
        assert told(lang).count("\n") == 4
        assert "gridsvc serve -w" in told(lang)
        assert "index.html" in told(lang)
