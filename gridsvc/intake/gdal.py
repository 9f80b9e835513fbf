"""GDAL, kept on a short lead: it opens what was recognised before, under a name of ours, in a folder of ours.

So no name of a file can be taken for a connection, no text for a description of other sources, and nothing
(an index, a lock, a journal) is ever written beside somebody's data.
"""

from __future__ import annotations

import re
import shutil
import sqlite3
import warnings
from collections.abc import Iterator
from contextlib import closing, contextmanager
from pathlib import Path

import pyogrio

from gridsvc.errors import InputRefusedError
from gridsvc.intake.archive import work_folder

# a damaged file may also hold text that is no text, or bear a name that is none
GDAL_ERRORS = (
    pyogrio.errors.DataSourceError,
    pyogrio.errors.DataLayerError,
    pyogrio.errors.FeatureError,
    pyogrio.errors.FieldError,
    UnicodeError,
)
ARC_STEP = 1
"""Degrees of an arc that one chord stands for: it lies off the arc by less than 1/26,000 of the radius."""
_CURVES = ("CIRCULARSTRING", "COMPOUNDCURVE", "CURVEPOLYGON", "MULTICURVE", "MULTISURFACE")
_JOURNALS = ("-wal",)
_WITH = re.compile(r"\bwith\b", re.IGNORECASE)
_VIRTUAL = re.compile(r"\s*create\s+virtual\b", re.IGNORECASE)
_MODULE = re.compile(r"\busing\s+(\w+)", re.IGNORECASE)
_INDEXES = {"rtree", "fts3", "fts4", "fts5"}
pyogrio.set_gdal_config_options({"OGR_ARC_STEPSIZE": str(ARC_STEP)})


@contextmanager
def quiet_gdal() -> Iterator[None]:
    """GDAL warns of measured shapes, odd headers and the like; what matters is told by the checks."""
    with warnings.catch_warnings():
        warnings.simplefilter("ignore", UserWarning)
        warnings.simplefilter("ignore", RuntimeWarning)
        yield


def stand_in(source: Path, target: Path) -> None:
    """*target* in place of *source*: a link where the system allows it, else a copy."""
    try:
        target.symlink_to(source.resolve(), target_is_directory=source.is_dir())
    except OSError:
        (shutil.copytree if source.is_dir() else shutil.copyfile)(source, target)


@contextmanager
def lent(path: Path) -> Iterator[Path]:
    """A GeoPackage or geodatabase under a name of ours, for GDAL to open.

    A GeoPackage is copied, with what a program that has it open has not yet written into it: SQLite would
    else write beside it. Raises :class:`InputRefusedError` for a database that is no GeoPackage.
    """
    with work_folder() as folder:
        if path.is_dir():
            place = folder / "source.gdb"
            stand_in(path, place)
        else:
            place = folder / "source.gpkg"
            shutil.copyfile(path, place)
            for journal in _JOURNALS:
                if (beside := path.with_name(path.name + journal)).is_file():
                    shutil.copyfile(beside, place.with_name(place.name + journal))
            _require_geopackage(place, path.name)
        yield place


def _require_geopackage(place: Path, name: str) -> None:
    """Refuse a database that GDAL might open as something else, or whose views could run without end."""
    try:
        with closing(sqlite3.connect(place)) as db:
            made = [
                (str(name).lower(), str(kind), str(sql or ""))
                for name, kind, sql in db.execute("SELECT name, type, sql FROM sqlite_master")
            ]
    except (sqlite3.Error, UnicodeError) as error:
        raise InputRefusedError(
            f"{name} is a damaged GeoPackage ({error}); export the layer again",
            f"{name} 是损坏的 GeoPackage（{error}）；请重新导出该图层",
        ) from error
    if "gpkg_contents" not in {found for found, _, _ in made}:
        raise InputRefusedError(
            f"{name} is an SQLite database, but no GeoPackage; save the layer as GeoPackage",
            f"{name} 是 SQLite 数据库，但不是 GeoPackage；请将图层另存为 GeoPackage",
        )
    if any(_runs(kind, sql) for _, kind, sql in made):
        raise InputRefusedError(
            f"{name} holds tables that are programs; copy its layer into a new GeoPackage",
            f"{name} 含有可执行的虚拟表或递归视图；请将图层复制到新的 GeoPackage",
        )


def _runs(kind: str, sql: str) -> bool:
    """True for a table kept by anything but an index of SQLite's own, and for a view that may call itself."""
    if kind == "view":
        return _WITH.search(sql) is not None
    modules = {module.lower() for module in _MODULE.findall(sql)}
    return _VIRTUAL.match(sql) is not None and not (modules and modules <= _INDEXES)


def layers_of(path: Path) -> list[str]:
    """Layers of a GeoPackage or geodatabase."""
    try:
        with lent(path) as place, quiet_gdal():
            return [str(name) for name, _ in pyogrio.list_layers(place)]
    except GDAL_ERRORS as error:
        raise InputRefusedError(
            f"{path.name} cannot be opened as a data source; export the layer again",
            f"{path.name} 无法作为数据源打开；请重新导出该图层",
        ) from error


def count_curves(place: Path, layer: str) -> int:
    """Number of features of *layer* that are drawn with arcs, in a source that was handed over."""
    name = layer.replace('"', '\\"')
    kinds = ", ".join(f"'{kind}'" for kind in _CURVES)
    # no COUNT: GDAL answers that one without looking at the condition
    sql = f'SELECT OGR_GEOMETRY AS kind FROM "{name}" WHERE OGR_GEOMETRY IN ({kinds})'
    try:
        with quiet_gdal():
            values = pyogrio.raw.read(place, sql=sql, sql_dialect="OGRSQL", read_geometry=False)[3]
    except (*GDAL_ERRORS, ValueError):
        return 0
    return len(values[0]) if len(values) else 0
