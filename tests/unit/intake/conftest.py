"""A workspace with two loaded counties' worth of nothing, small makers of files, and a loader."""

import csv

import geopandas
import numpy as np
import pyogrio
import pytest
import shapely
import xlsxwriter

from gridsvc.intake import LoadOptions, load_file
from gridsvc.layers import load_layers
from gridsvc.settings import County, init_workspace
from gridsvc.store import open_store
from gridsvc.text import bilingual

# somewhere in the 3-degree zone of 114° E, and the same place in degrees
EAST, NORTH = 500_000.0, 3_820_000.0
LON, LAT = 114.0, 34.5


@pytest.fixture
def workspace(tmp_path):
    return init_workspace(tmp_path / "county", County(name=bilingual("Test", "测试县")))


@pytest.fixture
def layers(workspace):
    return load_layers(workspace)


class Loader:
    """Loads files into one workspace, and reads what is stored."""

    def __init__(self, workspace, layers):
        self.workspace = workspace
        self.layers = layers

    def __call__(self, layer, *paths, **options):
        with open_store(self.workspace, self.layers, write=True) as store:
            return load_file(store, self.layers, self.workspace, layer, list(paths), LoadOptions(**options))

    def read(self, layer):
        with open_store(self.workspace, self.layers) as store:
            return store.read(layer)

    def quarantine(self, layer):
        with open_store(self.workspace, self.layers) as store:
            return store.quarantine(layer=layer)

    def loads(self):
        with open_store(self.workspace, self.layers) as store:
            return store.loads()

    def digest(self):
        with open_store(self.workspace, self.layers) as store:
            return store.digest()


@pytest.fixture
def load(workspace, layers):
    return Loader(workspace, layers)


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
