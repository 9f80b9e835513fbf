"""What all suites share: what this machine can run, the sample county, real data where it lies beside."""

import csv
import fcntl
import os
import re
import shutil
import signal
import subprocess
import sys
import tempfile
import time
import zipfile
from pathlib import Path
from xml.etree import ElementTree

import geopandas
import hypothesis
import numpy as np
import pyogrio
import pytest
import shapely
import xlsxwriter

ROOT = Path(__file__).resolve().parent.parent
SHARED = Path(os.environ.get("GRIDSVC_SHARED", ROOT.parent / "shared")) / "data"
NO_SHARED = "no ../shared/data beside the checkout"
BROWSERS = ("chromium", "chromium-browser", "google-chrome")
# where files are made: in the 3-degree zone of 114° E, EPSG:4547
EAST, NORTH = 500_000.0, 3_820_000.0
# with it a test that did not run is a failure, unless only ../shared is absent
STRICT = os.environ.get("GRIDSVC_TEST_STRICT") == "1"

# a busy machine is slow, and that is no fault of what is tested
hypothesis.settings.register_profile("gridsvc", deadline=None, derandomize=STRICT)
hypothesis.settings.load_profile("gridsvc")


def find_browser():
    named = os.environ.get("GRIDSVC_CHROMIUM")
    return named or next((found for name in BROWSERS if (found := shutil.which(name))), None)


def find_postgres():
    """Folder of the newest server's programs that has PostGIS beside it; None when there is none."""
    found = sorted(
        Path("/usr/lib/postgresql").glob("*/bin/initdb"), key=lambda path: float(path.parts[-3]), reverse=True
    )
    for initdb in found:
        extensions = Path("/usr/share/postgresql") / initdb.parts[-3] / "extension"
        if (extensions / "postgis.control").is_file():
            return initdb.parent
    named = shutil.which("initdb")
    return Path(named).parent if named else None


def pytest_collection_modifyitems(items):
    lacking = {
        "browser": None if find_browser() else "no Chromium here (Debian: apt-get install chromium)",
        "gdal": None if shutil.which("ogrinfo") else "no GDAL tools here (Debian: apt-get install gdal-bin)",
        "postgis": None
        if find_postgres()
        else "no PostGIS server here (Debian: apt-get install postgresql-postgis)",
        "shared": None if SHARED.is_dir() else NO_SHARED,
    }
    for item in items:
        for mark, reason in lacking.items():
            if reason and item.get_closest_marker(mark):
                item.add_marker(pytest.mark.skip(reason=reason))


@pytest.hookimpl(wrapper=True)
def pytest_runtest_makereport(item, call):
    report = yield
    if (
        STRICT
        and report.skipped
        and not hasattr(report, "wasxfail")
        and NO_SHARED not in str(report.longrepr)
    ):
        report.outcome = "failed"
        report.longrepr = f"did not run, and in a strict run every suite must: {report.longrepr[2]}"
    return report


def pytest_terminal_summary(terminalreporter):
    skipped = [
        report for report in terminalreporter.stats.get("skipped", ()) if isinstance(report.longrepr, tuple)
    ]
    reasons = [report.longrepr[2].removeprefix("Skipped: ") for report in skipped]
    if reasons:
        terminalreporter.section("suites that did not run")
        for reason in sorted(set(reasons)):
            terminalreporter.write_line(f"{reasons.count(reason)} tests: {reason}")


@pytest.fixture(scope="session")
def root():
    """The checkout."""
    return ROOT


@pytest.fixture(scope="session")
def shared():
    """Folder of real data; for tests marked ``shared``."""
    return SHARED


@pytest.fixture(scope="session")
def chromium():
    """Path of the browser; for tests marked ``browser``."""
    return find_browser()


@pytest.fixture(scope="session")
def gridsvc():
    """Runs the command line in a process of its own: ``gridsvc("loads", "--json", cwd=...)``."""

    def run(*arguments, cwd=None, env=None, timeout=300):
        command = [sys.executable, "-c", "from gridsvc.cli import main; main()", *map(str, arguments)]
        own = {name: value for name, value in os.environ.items() if not name.startswith("GRIDSVC_")}
        return subprocess.run(
            command,
            cwd=cwd,
            env={**own, "PYTHONPATH": str(ROOT), "PYTHONUTF8": "1", **(env or {})},
            capture_output=True,
            encoding="utf-8",
            timeout=timeout,
            check=False,
        )

    return run


@pytest.fixture(scope="session")
def postgres():
    """A PostgreSQL server of these tests' own: the URL of a database, to which ``&schema=NAME`` is added."""
    programs = find_postgres()
    folder = Path(tempfile.mkdtemp(prefix="pg"))
    # the server refuses to be run by root
    user = {"user": "postgres", "group": "postgres", "extra_groups": []} if os.geteuid() == 0 else {}
    if user:
        shutil.chown(folder, "postgres", "postgres")
    # a language whose order of words is not that of their bytes
    language = ("--locale=C.UTF-8", "--locale-provider=icu", "--icu-locale=zh")
    made = subprocess.run(
        [
            programs / "initdb",
            "-D",
            folder / "data",
            "-U",
            "gridsvc",
            "-A",
            "trust",
            "-E",
            "UTF8",
            "-N",
            *language,
        ],
        cwd=folder,
        capture_output=True,
        text=True,
        check=False,
        **user,
    )
    server = None
    try:
        if made.returncode:
            pytest.skip(f"no PostgreSQL server can be made here: {made.stderr.strip()[-300:]}")
        settings = {
            "listen_addresses": "",
            "unix_socket_directories": folder,
            "fsync": "off",
            "full_page_writes": "off",
            "max_connections": 60,
        }
        with (folder / "log").open("w") as log:
            server = subprocess.Popen(
                [programs / "postgres", "-D", folder / "data", *(f"--{k}={v}" for k, v in settings.items())],
                cwd=folder,
                stdout=log,
                stderr=log,
                **user,
            )
        _wait_for(server, folder)
        yield f"postgresql://gridsvc@/postgres?host={folder}"
    finally:
        if server is not None:
            server.send_signal(signal.SIGINT)
            server.wait(60)
        shutil.rmtree(folder, ignore_errors=True)


def _wait_for(server, folder):
    import psycopg

    for _ in range(300):
        if server.poll() is not None:
            break
        try:
            psycopg.connect(f"postgresql://gridsvc@/postgres?host={folder}").close()
            return
        except psycopg.OperationalError:
            time.sleep(0.1)
    pytest.skip(f"no PostgreSQL server starts here: {(folder / 'log').read_text()[-300:]}")


@pytest.fixture(scope="session")
def demo(tmp_path_factory):
    """The demo workspace as ``scripts/run`` makes it, once for all workers. Shared: copy it before writing to it."""
    common = tmp_path_factory.getbasetemp()
    if "PYTEST_XDIST_WORKER" in os.environ:
        common = common.parent
    folder = common / "demo"
    # an environment that belongs to another checkout would be emptied and made anew for this one
    owner = Path(sys.prefix) / "gridsvc-root"
    mine = owner.is_file() and owner.read_text().strip() == str(ROOT)
    own = {"GRIDSVC_VENV": sys.prefix} if mine else {}
    with (common / "demo.lock").open("w") as lock:
        fcntl.flock(lock, fcntl.LOCK_EX)
        made = common / "demo.txt"
        if not made.exists():
            done = subprocess.run(
                ["bash", ROOT / "scripts" / "run", "--no-serve", "--lang", "en", folder],
                cwd=common,
                env={**os.environ, **own},
                capture_output=True,
                encoding="utf-8",
                check=False,
            )
            assert done.returncode == 0, done.stdout + done.stderr
            made.write_text(done.stdout, encoding="utf-8")
    return folder


class Sheet:
    """The first sheet of a workbook as a person sees it: rows by column name, colours, and what is text."""

    def __init__(self, path):
        space = {"x": "http://schemas.openxmlformats.org/spreadsheetml/2006/main"}
        with zipfile.ZipFile(path) as book:
            parts = ("worksheets/sheet1", "sharedStrings", "styles")
            # made by gridsvc itself a moment ago
            read = ElementTree.fromstring
            sheet, texts, styles = (read(book.read(f"xl/{name}.xml")) for name in parts)
        known = ["".join(item.itertext()) for item in texts.iterfind("x:si", space)]
        fills = [fill.find(".//x:fgColor", space) for fill in styles.iterfind("x:fills/x:fill", space)]
        colours = [None if colour is None else colour.get("rgb") for colour in fills]
        looks = [int(look.get("fillId")) for look in styles.iterfind("x:cellXfs/x:xf", space)]
        table = []
        for row in sheet.iterfind(".//x:row", space):
            cells = {}
            for cell in row.iterfind("x:c", space):
                value, kind = cell.find("x:v", space), cell.get("t", "n")
                said = None if value is None else known[int(value.text)] if kind == "s" else float(value.text)
                place = re.match("[A-Z]+", cell.get("r"))[0]
                cells[place] = (said, kind, colours[looks[int(cell.get("s", 0))]])
            table.append(cells)
        self.names = {place: said for place, (said, _, _) in table[0].items()}
        self.cells = [{self.names[place]: cell for place, cell in row.items()} for row in table[1:]]
        self.formulas = len(list(sheet.iterfind(".//x:f", space)))

    def rows(self):
        """Values by column name, row by row."""
        return [{name: said for name, (said, _, _) in row.items()} for row in self.cells]

    def coloured(self, colour):
        """Names of the columns whose cells have this colour, row by row."""
        return [{name for name, (_, _, own) in row.items() if own == colour} for row in self.cells]

    def save(self, path, rows):
        """Write *rows* as another program would save the sheet: the same names, everything plain."""
        with xlsxwriter.Workbook(str(path)) as book:
            sheet = book.add_worksheet()
            for column, name in enumerate(self.names.values()):
                for number, value in enumerate([name, *(row.get(name) for row in rows)]):
                    write = sheet.write_string if isinstance(value, str) else sheet.write
                    write(number, column, value)


@pytest.fixture(scope="session")
def open_sheet():
    """Opens the first sheet of a workbook."""
    return Sheet


# makers of small files, as offices deliver them


@pytest.fixture
def points():
    """Makes n points in metres, EPSG:4547."""

    def make(n):
        return shapely.points(EAST + np.arange(n) * 10.0, np.full(n, NORTH))

    return make


@pytest.fixture
def squares():
    """Makes n adjoining squares of 100 m, EPSG:4547."""

    def make(n):
        x = EAST + np.arange(n) * 100.0
        return shapely.box(x, NORTH, x + 100.0, NORTH + 100.0)

    return make


@pytest.fixture
def shapefile(tmp_path):
    """Writes a shapefile as an office does: GBK unless told otherwise, CRS EPSG:4547."""

    def write(name, columns, shapes, *, crs="EPSG:4547", encoding="GBK", kind=None, cpg=True):
        path = tmp_path / f"{name}.shp"
        data = [
            np.asarray(values, dtype=object if isinstance(values[0], str) else None)
            for values in columns.values()
        ]
        pyogrio.raw.write(
            path,
            shapely.to_wkb(np.asarray(shapes, dtype=object)),
            data,
            list(columns),
            driver="ESRI Shapefile",
            geometry_type=kind or next(s.geom_type for s in shapes if s is not None),
            crs=crs or "EPSG:4547",
            encoding=encoding,
        )
        if crs is None:
            path.with_suffix(".prj").unlink()
        if not cpg:
            path.with_suffix(".cpg").unlink()
        return path

    return write


@pytest.fixture
def geopackage(tmp_path):
    """Writes frames as the layers of a GeoPackage."""

    def write(name, **frames):
        path = tmp_path / f"{name}.gpkg"
        for layer, (columns, shapes) in frames.items():
            frame = geopandas.GeoDataFrame(columns, geometry=list(shapes), crs=4547)
            frame.to_file(path, layer=layer, driver="GPKG")
        return path

    return write


@pytest.fixture
def workbook(tmp_path):
    """Writes sheets of rows; a row of one text is a merged title."""

    def write(name, **sheets):
        path = tmp_path / f"{name}.xlsx"
        with xlsxwriter.Workbook(str(path), {"default_date_format": "yyyy-mm-dd"}) as book:
            for title, rows in sheets.items():
                sheet = book.add_worksheet(title)
                width = max(len(row) for row in rows)
                for number, row in enumerate(rows):
                    if len(row) == 1 and width > 1:
                        sheet.merge_range(number, 0, number, width - 1, row[0])
                    else:
                        sheet.write_row(number, 0, row)
        return path

    return write


@pytest.fixture
def table(tmp_path):
    """Writes rows as a CSV file."""

    def write(name, rows, encoding="utf-8-sig"):
        path = tmp_path / f"{name}.csv"
        with path.open("w", encoding=encoding, newline="") as file:
            csv.writer(file).writerows(rows)
        return path

    return write
