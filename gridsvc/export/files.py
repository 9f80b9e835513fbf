"""One file out: its format by its ending, written aside and put in place when it is whole."""

from __future__ import annotations

import tempfile
from collections.abc import Callable, Mapping
from pathlib import Path

import pandas as pd

from gridsvc.errors import StoreError, UsageError
from gridsvc.export.tables import write_csv, write_xlsx
from gridsvc.export.vectors import write_geojson, write_vector

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


def write_file(tables: Tables, path: Path) -> list[Path]:
    """Write *tables* by name to *path* and return the files made (a shapefile is several).

    Frames with a ``geometry`` column are written with their CRS; the other columns keep their types. A table
    without rows is written too. Raises :class:`UsageError` where the format holds one table and there are
    several, :class:`StoreError` where the file cannot be written; an older file then stays as it was.
    """
    ending = file_format(path)
    write, many = FORMATS[ending]
    if len(tables) > 1 and not many:
        raise UsageError(
            f"{path}: a .{ending} file holds one table, not {len(tables)}; use .gpkg or .xlsx",
            f"{path}：.{ending} 文件只能保存一张表，现有 {len(tables)} 张；请改用 .gpkg 或 .xlsx",
        )
    try:
        path.parent.mkdir(parents=True, exist_ok=True)
        with tempfile.TemporaryDirectory(dir=path.parent, prefix=".gridsvc-") as folder:
            aside = Path(folder) / path.with_suffix(f".{ending}").name
            write(tables, aside)
            made = [path.with_suffix(part.suffix) for part in sorted(Path(folder).iterdir())]
            for target in made:
                (Path(folder) / target.name).replace(target)
            return made
    except OSError as error:
        raise StoreError(
            f"{path} cannot be written: {error.strerror or error}",
            f"无法写入 {path}：{error.strerror or error}",
        ) from error
