"""One file out: its format by its ending, written aside and put in place when it is whole."""

from __future__ import annotations

import tempfile
from collections.abc import Callable, Mapping
from functools import partial
from pathlib import Path

import pandas as pd

from gridsvc.errors import StoreError, UsageError
from gridsvc.export.tables import write_csv, write_xlsx
from gridsvc.export.vectors import write_geojson, write_vector
from gridsvc.layers import Layer

Tables = Mapping[str, pd.DataFrame]
Writer = Callable[[Tables, Path], None]

# ending -> who writes it, and whether one file holds several tables
FORMATS: dict[str, tuple[Writer, bool]] = {
    "csv": (write_csv, False),
    "xlsx": (write_xlsx, True),
    "geojson": (write_geojson, False),
    "gpkg": (write_vector, True),
    "fgb": (write_vector, False),
    "shp": (write_vector, False),
}


def file_format(path: Path) -> str:
    """The format that the ending of *path* names; an unknown one is refused with the endings there are."""
    ending = path.suffix.lower().removeprefix(".")
    if ending not in FORMATS:
        known = ", ".join(f".{name}" for name in FORMATS)
        raise UsageError(
            f"{path}: the ending {path.suffix!r} names no format that gridsvc writes; use one of {known}",
            f"{path}：不支持扩展名 {path.suffix!r}；可用：{known}",
        )
    return ending


def write_file(tables: Tables, path: Path, layers: Mapping[str, Layer] | None = None) -> list[Path]:
    """Write *tables* by name to *path* and return the files made (a shapefile is several).

    Frames with a ``geometry`` column are written with their CRS; the other columns keep their types. A table
    without rows is written too. *layers* are the definitions of tables that are layers: a shapefile is given
    a list of its fields by them. Raises :class:`UsageError` where the format holds one table and there are
    several, :class:`StoreError` where the file cannot be written; an older file then stays as it was.
    """
    ending = file_format(path)
    write, many = FORMATS[ending]
    if len(tables) > 1 and not many:
        raise UsageError(
            f"{path}: a .{ending} file holds one table, not {len(tables)}; use .gpkg or .xlsx",
            f"{path}：.{ending} 文件只能保存一张表，现有 {len(tables)} 张；请改用 .gpkg 或 .xlsx",
        )
    writer = partial(write_vector, layers=layers or {}) if write is write_vector else write
    return put_in_place(path, partial(writer, tables))


def put_in_place(path: Path, write: Callable[[Path], None]) -> list[Path]:
    """Let *write* make *path* aside, and put it and what was made beside it in place when all is whole.

    Raises :class:`StoreError` where that cannot be; an older file then stays as it was.
    """
    try:
        path.parent.mkdir(parents=True, exist_ok=True)
        with tempfile.TemporaryDirectory(dir=path.parent, prefix=".gridsvc-") as folder:
            write(Path(folder) / path.with_suffix(path.suffix.lower()).name)
            made = [path.parent / part.name for part in sorted(Path(folder).iterdir())]
            for target in made:
                (Path(folder) / target.name).replace(target)
            return made
    except OSError as error:
        raise StoreError(
            f"{path} cannot be written: {error.strerror or error}",
            f"无法写入 {path}：{error.strerror or error}",
        ) from error
