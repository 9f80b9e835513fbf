"""From the paths a person names to the one data set to read: folders, archives, files with several layers."""

from __future__ import annotations

import hashlib
from collections.abc import Callable, Iterator, Sequence
from contextlib import contextmanager
from pathlib import Path

from gridsvc.errors import InputRefusedError, NotFoundError, UsageError
from gridsvc.intake.archive import check_workbook, unpack, work_folder
from gridsvc.intake.delivery import DataSet, Format
from gridsvc.intake.formats import (
    ARCHIVES,
    FORMATS,
    SIDECARS,
    advice,
    is_geodatabase,
    is_zip,
    readable,
    sidecar,
    sniff,
)
from gridsvc.intake.gdal import layers_of
from gridsvc.intake.kml import folders_of
from gridsvc.intake.topojson import objects_of
from gridsvc.intake.workbook import hidden_sheets, open_book
from gridsvc.layers import Layer, fold
from gridsvc.store import DeliveredFile

_DEPTH = 4
_MOST = 10_000


@contextmanager
def open_sources(paths: Sequence[Path], layer: Layer, source_layer: str | None) -> Iterator[list[DataSet]]:
    """The data sets that *paths* mean, one per path; archives are unpacked for as long as the context lasts.

    Raises :class:`NotFoundError` for a missing file, :class:`UsageError` where a source holds several layers
    and none was chosen, :class:`InputRefusedError` where it holds none.
    """
    if not paths:
        raise UsageError("name at least one file to load", "请至少指定一个要入库的文件")
    with work_folder() as folder:
        yield [
            _choose(path, folder / str(number), layer, source_layer)
            for number, path in enumerate(_without_sidecars(paths))
        ]


def _without_sidecars(paths: Sequence[Path]) -> list[Path]:
    """Paths without the companions of a shapefile that is named, too (as ``roads.*`` gives them)."""
    named = list(dict.fromkeys(paths))
    for path in named:
        if not path.exists():
            raise NotFoundError(f"there is no file {path}", f"文件不存在：{path}")
    shapefiles = {path.with_suffix("") for path in named if path.suffix.lower() == ".shp"}
    return [
        path
        for path in named
        if not (
            path.suffix.lower() in SIDECARS
            and (path.with_suffix("") in shapefiles or path.with_suffix("").with_suffix("") in shapefiles)
        )
    ]


def _choose(path: Path, folder: Path, layer: Layer, source_layer: str | None) -> DataSet:
    """The one data set of *path* to load into *layer*."""
    found = list(_data_sets(path, folder))
    if not found:
        raise InputRefusedError(
            f"{path.name} holds nothing to load: it is empty, or of a kind that is not read; shapefile, GeoPackage, "
            "geodatabase, GeoJSON, TopoJSON, KML, CSV, XLSX and zips of them are read",
            f"{path.name} 中没有可入库的数据：内容为空，或格式不支持；"
            "支持 Shapefile、GeoPackage、文件地理数据库（.gdb）、GeoJSON、TopoJSON、KML、CSV、XLSX 及其 zip 压缩包",
        )
    names = [data.layer for data in found]
    # a name that stands twice is told with its file, by which it can be chosen, too
    listed = ", ".join(
        data.layer
        if names.count(data.layer) == 1
        else data.shown
        if data.layer == data.path.stem
        else data.title
        for data in found
    )
    if source_layer is not None:
        chosen = [data for data in found if source_layer == data.layer]
        chosen = chosen or [
            data for data in found if source_layer in {data.path.stem, data.path.name, data.shown, data.title}
        ]
        chosen = chosen or [data for data in found if fold(source_layer) == fold(data.layer)]
        if len(chosen) != 1:
            how = "no layer" if not chosen else f"{len(chosen)} layers"
            zh = "没有图层" if not chosen else f"有 {len(chosen)} 个图层叫"
            raise UsageError(
                f"{path.name} has {how} called {source_layer!r}; it holds: {listed}",
                f"{path.name} 中{zh} {source_layer!r}；现有：{listed}",
            )
        return chosen[0]
    if len(found) > 1:
        titles = {fold(text) for text in (layer.name, layer.title.zh, layer.title.en)}
        named = [data for data in found if fold(data.layer) in titles]
        if len(named) != 1:
            raise UsageError(
                f"{path.name} holds several layers ({listed}); choose one with --source-layer",
                f"{path.name} 含多个图层（{listed}）；请用 --source-layer 选择",
            )
        found = named
    return found[0]


def _data_sets(path: Path, folder: Path) -> Iterator[DataSet]:
    """Every table in a file, folder or archive."""
    if is_geodatabase(path):
        yield from _in_file(path, path.name)
    elif path.is_dir():
        for file in _files(path):
            yield from _in_file(file, str(Path(path.name) / file.relative_to(path)))
        for number, file in enumerate(_archives(path)):
            yield from _in_zip(file, folder / str(number), f"{path.name}/{file.relative_to(path).as_posix()}")
    elif is_zip(path):
        yield from _in_zip(path, folder, path.name)
    elif path.suffix.lower() in SIDECARS and (beside := sidecar(path, ".shp")) is not None:
        yield from _in_file(beside, beside.name)
    elif sniff(path) is None and (refusal := advice(path)) is not None:
        raise refusal
    else:
        yield from _in_file(path, path.name)


def _in_zip(path: Path, folder: Path, shown: str) -> Iterator[DataSet]:
    """Every table of a zip, unpacked into *folder*."""
    unpack(path, folder)
    for file in _files(folder):
        yield from _in_file(file, f"{shown}/{file.relative_to(folder).as_posix()}")


def _files(folder: Path) -> list[Path]:
    """Data files and geodatabases below *folder*, without companions of shapefiles.

    What bears no name of ours is looked into only where nothing else is there.
    """
    known: list[Path] = []
    odd: list[Path] = []
    for number, file in enumerate(folder.rglob("*")):
        if number > _MOST:
            raise InputRefusedError(
                f"{folder.name} holds more than {_MOST} files; name the one to load",
                f"{folder.name} 中文件超过 {_MOST} 个；请直接指定要入库的文件",
            )
        inside = file.relative_to(folder).parts
        hidden = file.name.startswith((".", "~$")) or "__MACOSX" in inside
        if len(inside) > _DEPTH or hidden or any(part.lower().endswith(".gdb") for part in inside[:-1]):
            continue
        if (file.suffix.lower() in FORMATS and file.is_file()) or is_geodatabase(file):
            known.append(file)
        elif file.is_file() and file.suffix.lower() not in SIDECARS:
            odd.append(file)
    # a text file beside data is a read-me; alone it may be a table
    if all(file.suffix.lower() == ".txt" for file in known):
        return sorted(file for file in odd if sniff(file) is not None) or sorted(known)
    shapes = {file.with_suffix("") for file in known if file.suffix.lower() == ".shp"}
    return sorted(
        file
        for file in known
        if file.suffix.lower() != ".txt"
        and not (file.suffix.lower() == ".dbf" and file.with_suffix("") in shapes)
    )


def _archives(folder: Path) -> list[Path]:
    """Zips below *folder*; archives of other kinds are refused, lest what they hold is taken for missing."""
    found = []
    for file in sorted(folder.rglob("*")):
        if len(file.relative_to(folder).parts) > _DEPTH or file.name.startswith(".") or not file.is_file():
            continue
        if file.suffix.lower() in ARCHIVES and not is_zip(file) and (refusal := advice(file)) is not None:
            raise refusal
        if file.suffix.lower() in ARCHIVES:
            found.append(file)
    return found


def _in_file(path: Path, shown: str) -> Iterator[DataSet]:
    """Every table of one file or geodatabase."""
    kind: Format | None = "filegdb" if path.is_dir() else sniff(path)
    shown = readable(shown)
    if kind is None:
        return
    several = _LAYERS.get(kind)
    for name in several(path) if several else [readable(path.stem)]:
        yield DataSet(path, kind, name, shown)


def sheet_names(path: Path) -> list[str]:
    """Sheets of a workbook that hold anything and can be seen."""
    check_workbook(path)
    with open_book(path, path.name) as book:
        hidden = hidden_sheets(book)
        return [
            name
            for name in book.sheet_names
            if name not in hidden and book.get_sheet_by_name(name).start is not None
        ]


# formats whose files hold several tables: who tells their names
_LAYERS: dict[Format, Callable[[Path], list[str]]] = {
    "geopackage": layers_of,
    "filegdb": layers_of,
    "topojson": objects_of,
    "kml": folders_of,
    "xlsx": sheet_names,
}


def digest(files: Sequence[DeliveredFile]) -> str:
    """SHA-256 over the SHA-256 of the files as they were handed over."""
    return hashlib.sha256(b"".join(bytes.fromhex(file.sha256) for file in files)).hexdigest()


def handed_over(paths: Sequence[Path], own: Sequence[Path] = ()) -> list[DeliveredFile]:
    """The files that *paths* mean: a shapefile with its companions, a folder with all that is in it.

    In a folder, files and folders of *own*, the workspace's, are left out: to open the live database beside its
    connection would take away the connection's locks.
    """
    found: list[DeliveredFile] = []
    names: set[str] = set()
    for number, path in enumerate(_without_sidecars(paths), start=1):
        listed = [(_name(file, path), file) for file in _files_of(path, own)]
        # files of one name from two folders
        twice = any(name in names for name, _ in listed)
        for name, file in listed:
            name = f"{number}/{name}" if twice else name
            names.add(name)
            with file.open("rb") as stream:
                sha256 = hashlib.file_digest(stream, "sha256").hexdigest()
            found.append(DeliveredFile(name, file, sha256, file.stat().st_size))
    return found


def _name(file: Path, path: Path) -> str:
    """A file's name as it is kept: with its folders where *path* is one."""
    if path.is_dir():
        return readable((Path(path.resolve().name) / file.relative_to(path)).as_posix())
    return readable(file.name)


def _files_of(path: Path, own: Sequence[Path]) -> list[Path]:
    if path.is_dir():
        left_out = [one for one in (one.resolve() for one in own) if path.resolve() in one.parents]
        return sorted(
            file
            for file in path.rglob("*")
            if file.is_file() and not any(file.resolve().is_relative_to(one) for one in left_out)
        )
    # a companion stands for the shapefile beside it
    shape = sidecar(path, ".shp") if path.suffix.lower() in SIDECARS else path
    if shape is None or shape.suffix.lower() != ".shp":
        return [path]
    companions = (sidecar(shape, suffix) for suffix in (".shx", ".dbf", ".prj", ".cpg"))
    return [shape, *(file for file in companions if file is not None)]
