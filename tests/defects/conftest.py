"""A small county, and a hand-over desk: whatever is delivered there must end as documented.

``deliver(LAYER, FILE, "--crs", "EPSG:4547")`` runs the real command and checks what holds for every delivery,
good or bad; the :class:`Ending` it gives is then held against what is expected of this one.
"""

import json
import re
import shutil
import tempfile
import time
from dataclasses import dataclass, field

import pytest
import shapely
from typer.testing import CliRunner

from gridsvc.cli import app
from gridsvc.layers import load_layers
from gridsvc.settings import County, init_workspace, open_workspace
from gridsvc.store import open_store
from gridsvc.text import bilingual

# the county reaches 0.1° from here to the east and to the north; metres are EPSG:4547
LON, LAT = 114.0, 34.5
UNITS = {
    "counties": ("411424", "柘城县"),
    "districts": ("411424001", "城关镇"),
    "communities": ("411424001001", "东关社区"),
    "grids": ("411424001001001", "第一网格"),
}
LAMPS = ("L1", "L2", "L3")
# what a person sees when a fault of the program was caught
FAULT = re.compile(r"Traceback|failed in a way|\bError\(|NoneType|object at 0x")
MOST_SECONDS = 10


def write_geojson(path, shapes, rows):
    """Write shapes with their properties."""
    features = [
        {"type": "Feature", "properties": row, "geometry": json.loads(shapely.to_geojson(shape))}
        for shape, row in zip(shapes, rows, strict=True)
    ]
    path.write_text(
        json.dumps({"type": "FeatureCollection", "features": features}, ensure_ascii=False), encoding="utf-8"
    )
    return path


def call(*words):
    """Run the command with JSON for an answer."""
    return CliRunner().invoke(app, [*map(str, words), "--json"], env={"GRIDSVC_LANG": "en"})


@pytest.fixture(scope="session")
def _county(tmp_path_factory):
    """A workspace with one unit of every level and three lamps: made once, copied for every test."""
    folder = tmp_path_factory.mktemp("small") / "county"
    init_workspace(folder, County(name=bilingual("Zhecheng", "柘城县")))
    square = shapely.box(LON, LAT, LON + 0.1, LAT + 0.1)
    sources = {layer: ([square], [{"code": code, "name": name}]) for layer, (code, name) in UNITS.items()}
    sources["lamps"] = (
        [shapely.Point(LON + 0.05, LAT + 0.01 * number) for number in range(1, 4)],
        [{"lamp_id": name, "road_name": "解放路", "state": "亮"} for name in LAMPS],
    )
    for layer, (shapes, rows) in sources.items():
        path = write_geojson(folder.parent / f"{layer}.geojson", shapes, rows)
        done = call("load", layer, path, "--workspace", folder)
        assert done.exit_code == 0, done.stdout
    return folder


@dataclass(frozen=True)
class Held:
    """What a store holds: equal before and after a refusal."""

    digest: str
    loads: int
    waiting: int


@dataclass(frozen=True)
class Ending:
    """How a delivery ended."""

    exit_code: int
    answer: dict
    report: dict = field(default_factory=dict)

    @property
    def outcomes(self):
        """Source rows by outcome, those that there were."""
        return {name: count for name, count in self.report.get("counts", {}).items() if count}

    @property
    def sentence(self):
        """The refusal, in English."""
        return self.answer.get("error", {}).get("en", "")

    @property
    def warnings(self):
        """Everything that the report remarks, in English."""
        return [text["en"] for text in self.report.get("warnings", [])]

    @property
    def reasons(self):
        """Why rows are in quarantine: row number to sentence."""
        rows = self.report.get("rows", [])
        return {row["row"]: row["text"]["en"] for row in rows if row["outcome"] in {"quarantined", "split"}}

    def stored(self, **counts):
        """Assert that it went in, with these outcomes and no others; to be chained."""
        assert not self.sentence, self.sentence
        assert self.outcomes == counts, self.answer
        return self

    def refused(self, sentence, exit_code=3):
        """Assert that nothing went in, with a sentence in which the pattern *sentence* is found."""
        assert self.sentence, self.outcomes
        assert re.search(sentence, self.sentence), self.sentence
        assert self.exit_code == exit_code, self.sentence
        return self

    def told(self, *patterns):
        """Assert that the report remarks each of these, in warnings, reasons or how files were understood."""
        text = json.dumps(self.report or self.answer, ensure_ascii=False)
        for pattern in patterns:
            assert re.search(pattern, text), (pattern, self.warnings, self.reasons)
        return self


class Desk:
    """Takes deliveries for one county, and checks what holds for all of them."""

    def __init__(self, folder, around):
        self.folder = folder
        self.around = around
        self.workspace = open_workspace(folder)
        self.layers = load_layers(self.workspace)

    def store(self):
        """The store, to be looked at."""
        return open_store(self.workspace, self.layers)

    def read(self, layer):
        """Current features of a layer."""
        with self.store() as store:
            return store.read(layer)

    def held(self):
        with self.store() as store:
            return Held(store.digest(), len(store.loads()), len(store.quarantine()))

    def files(self):
        """Every file around the workspace: what was delivered, and where something might be left."""
        return {
            path: (path.lstat().st_size, path.lstat().st_mtime_ns)
            for path in self.around.rglob("*")
            if not path.is_relative_to(self.folder) and not path.is_dir()
        }

    def __call__(self, layer, *words):
        """Load into *layer*; *words* are paths and options."""
        held, files, began = self.held(), self.files(), time.process_time()
        done = call("load", layer, *words, "--workspace", self.folder)
        spent = time.process_time() - began
        assert done.exception is None or isinstance(done.exception, SystemExit), done.exception
        assert not FAULT.search(done.output), done.output
        assert done.exit_code in {0, 1, 2, 3}, done.output
        assert self.files() == files, "a file was left, changed or taken away outside of the workspace"
        assert spent < MOST_SECONDS
        answer = json.loads(done.stdout)
        if "error" in answer:
            self._check_refusal(done, answer["error"])
            assert self.held() == held
            return Ending(done.exit_code, answer, answer.get("report", {}))
        assert sum(answer["counts"].values()) == answer["rows_read"]
        self._check_record(answer, held)
        return Ending(done.exit_code, answer, answer)

    def _check_refusal(self, done, error):
        """One sentence in each language, no longer than can be read."""
        for text in (error["en"], error["zh"]):
            assert text.strip() and "\n" not in text
            assert len(text) < 700, text
        assert re.search("[一-鿿]", error["zh"])
        assert done.exit_code in {2, 3}
        assert done.stderr.strip() == f"error: {error['en']}"

    def _check_record(self, answer, held):
        """What the report tells is what the store keeps."""
        if answer["dry_run"]:
            assert self.held() == held
            return
        with self.store() as store:
            record = store.load(answer["load"])
            waiting = store.quarantine(answer["load"])
        parts = {**{name: getattr(record, name, None) for name in answer["counts"]}, **record.other}
        assert {name: parts[name] or 0 for name in answer["counts"]} == answer["counts"]
        assert record.rows_read == answer["rows_read"]
        counts = answer["counts"]
        assert len(waiting) == counts["quarantined"] + counts.get("split", 0)


@pytest.fixture
def desk(tmp_path, monkeypatch):
    """Opens the hand-over desk (:class:`Desk`) of a workspace; whatever a load leaves behind is found."""
    for name in ("here", "temp"):
        (tmp_path / name).mkdir()
    monkeypatch.chdir(tmp_path / "here")
    monkeypatch.setattr(tempfile, "tempdir", str(tmp_path / "temp"))
    yield lambda folder: Desk(folder, tmp_path)
    left = [*(tmp_path / "temp").iterdir(), *(tmp_path / "here").iterdir()]
    assert not left


@pytest.fixture
def deliver(_county, desk, tmp_path):
    """The hand-over desk of a small county."""
    return desk(shutil.copytree(_county, tmp_path / "county"))


@pytest.fixture
def geojson(tmp_path):
    """Writes shapes with properties as GeoJSON in degrees: ``geojson("lamps", shapes, rows)``."""
    return lambda name, shapes, rows: write_geojson(tmp_path / f"{name}.geojson", shapes, rows)
