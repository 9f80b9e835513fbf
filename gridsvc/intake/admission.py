"""Corrected rows of the quarantine taken in: each read as the load that left it there read its file."""

from __future__ import annotations

import time
from collections.abc import Collection, Mapping, Sequence
from dataclasses import dataclass, replace
from functools import partial
from pathlib import Path
from typing import Any

import numpy as np
import pandas as pd
import pyproj

from gridsvc.errors import InputRefusedError, NotFoundError, UsageError
from gridsvc.intake.batch import Batch
from gridsvc.intake.context import Surroundings
from gridsvc.intake.corrected import Corrected, left_open, read_corrected, typed_cell
from gridsvc.intake.current import current_keys
from gridsvc.intake.delivery import Column, Delivery, Objects
from gridsvc.intake.fields import check_options
from gridsvc.intake.formats import readable
from gridsvc.intake.load import county_of
from gridsvc.intake.positions import coordinate_columns
from gridsvc.intake.prepare import Prepared, Request, prepare
from gridsvc.intake.quarantine import columns_of, file_of, position_of
from gridsvc.intake.report import LoadReport, RowReport
from gridsvc.intake.sources import digest, handed_over
from gridsvc.intake.storing import STEPS, LoadOptions, Origin, Progress, finish, silent
from gridsvc.intake.systems import Bounds
from gridsvc.layers import Layer, Layers
from gridsvc.settings import Workspace
from gridsvc.store import Store
from gridsvc.store.loads import now
from gridsvc.store.quarantine import CONFLICT
from gridsvc.text import bilingual

TABLES = ("csv", "xlsx", "dbf")
DEGREES = "EPSG:4490"
_NO_POSITION = bilingual(
    "it still has no position: type it into the columns lon and lat (degrees), or draw it in an export to .gpkg",
    "仍没有位置：请在“经度”“纬度”两列填写度数，或导出为 .gpkg 后绘制",
)
_NO_SHAPE = bilingual(
    "it still has no shape: draw it in an export to .gpkg", "仍没有图形：请导出为 .gpkg 后绘制"
)
_KEPT = bilingual("as in quarantine", "与待处理记录一致")


def admit(
    store: Store,
    layers: Layers,
    workspace: Workspace,
    layer: str,
    path: Path,
    options: LoadOptions | None = None,
    progress: Progress | None = None,
) -> LoadReport:
    """Take the corrected rows in *path* (a file of :func:`write_waiting`, changed by a person) into *layer*.

    Rows are joined by their quarantine number and read with the mapping, the constants and the coordinate
    system of the load that left them there; *options* may add to the mapping and name an encoding. What passes
    the checks is stored by upsert, as one load; what does not goes on waiting with its new reason. Raises
    :class:`UsageError` for a file without numbers, and what :func:`gridsvc.intake.load_file` raises.
    """
    began, started, step = time.perf_counter(), now(), progress or silent
    options, spec = options or LoadOptions(), layers[layer]
    check_options(spec, options.mapping, {})
    step("read", STEPS["read"])
    waiting = store.quarantine(layer=layer)
    waiting = waiting[waiting["open"]]
    if waiting.empty:
        raise NotFoundError(f"nothing of {layer} is in quarantine", f"图层 {layer} 没有待处理的记录")
    files = handed_over([path], workspace.own_files)
    corrected = read_corrected(path, spec, waiting, options.encoding)
    step("check", STEPS["check"])
    options = replace(options, context=_context(corrected, store))
    around = Surroundings.of(store, layers) if options.context else None
    county = around.box if around else county_of(store, layers)
    parts, aside = _prepare(corrected, store, county, spec, options)
    numbers = [int(number) for part in parts for number in part.numbers]
    batch = Batch([part.prepared for part in parts], spec, [*corrected.aside, *aside])
    if around is not None:
        batch.keep_beside(around)
    batch.check(store, layers, workspace, "upsert", context=options.context)
    before = {name: [row for part in parts for row in part.rows[name].tolist()] for name in ("key", "reason")}
    _require_own(batch, before["key"], before["reason"], current_keys(store, spec, context=options.context))
    origin = Origin(readable(path.name), digest(files), files=files)
    load = replace(options, mode="upsert", crs=None, constants={}, source_layer=None)
    report = finish(store, layers, batch, origin, load, step, started, numbers)
    report.seconds = time.perf_counter() - began
    return report


def _context(corrected: Corrected, store: Store) -> bool:
    """Whether the rows are neighbouring counties' features; both kinds in one file are a :class:`UsageError`."""
    parts = {store.load(load).context for load in set(corrected.rows["load_id"].tolist())}
    if len(parts) > 1:
        raise UsageError(
            "the file holds rows of the county and of its neighbours (--context); export and admit each by --load",
            "文件中同时含本县要素与邻县要素（--context）；请用 --load 分别导出、分别入库",
        )
    return True in parts


@dataclass(frozen=True)
class _Part:
    """Rows of one file of one load, made ready."""

    prepared: Prepared
    rows: pd.DataFrame

    @property
    def numbers(self) -> list[int]:
        return [int(number) for number in self.rows["origin"].tolist()]


def _prepare(
    corrected: Corrected, store: Store, county: Bounds | None, spec: Layer, options: LoadOptions
) -> tuple[list[_Part], list[RowReport]]:
    """The rows by load, by file and by where their shapes come from, prepared; and rows that go on waiting."""
    shapes = corrected.shapes(store.crs)
    loads = corrected.rows["load_id"].tolist()
    files = [file_of(row) for row in corrected.rows.itertuples()]
    reads = {pair: _as_read(store, *pair) for pair in dict.fromkeys(zip(loads, files, strict=True))}
    groups: dict[tuple[int, str, bool], list[int]] = {}
    for row, (load, file) in enumerate(zip(loads, files, strict=True)):
        typed = bool(spec.geometry) and _is_typed(corrected, row, shapes[row], reads[load, file])
        groups.setdefault((load, file, typed), []).append(row)
    parts: list[_Part] = []
    aside: list[RowReport] = []
    refusals = []
    for (load, file, typed), rows in groups.items():
        read = reads[load, file]
        delivery = _delivery(corrected, rows, file, None if typed else shapes[rows], store.crs, spec)
        # a position typed beside a shape is in degrees, whatever the shapes came in
        crs = (read.get("crs_code") if read.get("format") in TABLES else DEGREES) if typed else None
        mapping = {
            name: column
            for name, column in read.get("mapping", {}).items()
            if column in delivery.columns or column.startswith("#")
        }
        request = Request(
            spec,
            {**mapping, **options.mapping},
            _constants(read, options),
            crs or None,
            county,
            options.context,
        )
        told = corrected.rows.iloc[rows]
        try:
            prepared = prepare(delivery, request)
            _tell_how(prepared, options)
            parts.append(_Part(prepared, told))
        except InputRefusedError as error:
            refusals.append(error)
            aside += [
                left_open(file, int(row), error.text, int(number))
                for row, number in zip(told["source_row"].tolist(), told["origin"].tolist(), strict=True)
            ]
    if not parts:
        raise refusals[0]
    return parts, aside


def _is_typed(corrected: Corrected, row: int, shape: Any, read: Mapping[str, Any]) -> bool:
    """True where a point's position stands in cells: typed by the person, or as its table delivered it.

    A shape that the person drew or moved goes before it.
    """
    cells, raw = corrected.cells[row], corrected.raws[row]
    used = coordinate_columns(list(cells))
    if used is None or corrected.is_drawn(row, shape):
        return False
    if not set(used) & set(raw):
        # columns that the export or the person added
        old = position_of(corrected.old_shapes[row])
        typed = [typed_cell(cells[name], at) for name, at in zip(used, old or (None, None), strict=True)]
        return any(typed) and (old is None or tuple(typed) != old)
    changed = any(cells[name] != raw.get(name) for name in used)
    return changed or (shape is None and read.get("format") in TABLES)


def _tell_how(prepared: Prepared, options: LoadOptions) -> None:
    """Have the report say which columns were matched by the load that is corrected, not by the person."""
    prepared.report.columns[:] = [
        replace(column, how="before")
        if column.how == "map" and column.field not in options.mapping
        else column
        for column in prepared.report.columns
    ]


def _constants(read: Mapping[str, Any], options: LoadOptions) -> dict[str, str]:
    """Values of every row of the load, but for fields that the person now reads from a column."""
    return {name: text for name, text in read.get("constants", {}).items() if name not in options.mapping}


def _as_read(store: Store, load: int, file: str) -> dict[str, Any]:
    """How the load read a file: ``format``, ``crs_code``, ``mapping``, ``constants``, as far as it is recorded."""
    options = store.load(load).options
    files = options.get("files", [])
    read = next((one for one in files if one.get("name") == file), files[0] if len(files) == 1 else {})
    given = options.get("given", {})
    return {"constants": options.get("constants", {}), "crs_code": given.get("crs"), **_known(read)}


def _known(read: Mapping[str, Any]) -> dict[str, Any]:
    return {name: value for name, value in read.items() if value}


def _delivery(
    corrected: Corrected,
    rows: Sequence[int],
    file: str,
    shapes: Objects | None,
    crs: pyproj.CRS,
    layer: Layer,
) -> Delivery:
    """Some of the corrected rows as their file would have delivered them."""
    cells = [corrected.cells[row] for row in rows]
    raws = [corrected.raws[row] for row in rows]
    own = columns_of(raws)
    positions = set(coordinate_columns(columns_of(cells)) or ()) if shapes is not None else set()
    added = [
        name
        for name in columns_of(cells)
        if name not in own and name not in positions and any(cell.get(name) for cell in cells)
    ]
    columns = {name: Column.of_cells(partial(_column, cells, name)) for name in (*own, *added)}
    numbers = corrected.rows["source_row"].iloc[list(rows)].fillna(0).to_numpy(np.int64)
    source = corrected.delivery
    return Delivery(
        file or source.name,
        source.format,
        numbers,
        columns,
        geometry=shapes,
        crs=crs if shapes is not None else None,
        crs_note=_KEPT if shapes is not None else None,
        encoding=source.encoding,
        encoding_note=source.encoding_note,
        samples=source.samples,
        no_shape=_NO_POSITION if 0 in layer.dimensions else _NO_SHAPE,
    )


def _column(cells: Sequence[dict[str, str | None]], name: str) -> list[str | None]:
    return [cell.get(name) for cell in cells]


def _require_own(
    batch: Batch, keys: Sequence[str | None], reasons: Sequence[str], known: Collection[str]
) -> None:
    """Let corrected rows change no feature but their own: with the key of another *known* one they go on waiting."""
    left = np.flatnonzero(batch.accepted).tolist()
    foreign = [
        row
        for row in left
        if batch.keys[row] in known
        and (batch.keys[row] != keys[row] or reasons[row] in (CONFLICT, "exists", "split"))
    ]
    texts = [
        bilingual(
            f"key {batch.keys[row]!r} belongs to a feature in the store: give the row a key of its own, or change "
            "that feature with gridsvc load --mode upsert",
            f"编号“{batch.keys[row]}”已属于库中另一要素：请为该行另编编号，"
            "或用 gridsvc load --mode upsert 更新该要素",
        )
        for row in foreign
    ]
    batch.problems.add("exists", np.array(foreign, dtype=np.intp), texts)
