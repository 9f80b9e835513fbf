"""A load from files to the store: read whole, checked whole, then stored as one change or not at all."""

from __future__ import annotations

import time
from collections.abc import Sequence
from pathlib import Path

from gridsvc.codes import LEVELS
from gridsvc.errors import UsageError
from gridsvc.intake.batch import Batch
from gridsvc.intake.context import Surroundings, require_context
from gridsvc.intake.current import current_keys
from gridsvc.intake.delivery import DataSet, Delivery
from gridsvc.intake.fields import check_options, spellings
from gridsvc.intake.formats import readable
from gridsvc.intake.geojson import read_geojson
from gridsvc.intake.kml import read_kml
from gridsvc.intake.prepare import Request, prepare
from gridsvc.intake.reading import read_layer_file
from gridsvc.intake.report import LoadReport
from gridsvc.intake.shapefile import read_dbf_table, read_shapefile
from gridsvc.intake.sources import digest, handed_over, open_sources
from gridsvc.intake.storing import STEPS, LoadOptions, Origin, Progress, finish, silent
from gridsvc.intake.systems import Bounds
from gridsvc.intake.tables import read_csv, read_sheet
from gridsvc.intake.topojson import read_topojson
from gridsvc.layers import Layer, Layers
from gridsvc.settings import Workspace
from gridsvc.store import Store
from gridsvc.store.loads import now


def load_file(
    store: Store,
    layers: Layers,
    workspace: Workspace,
    layer: str,
    paths: Sequence[Path],
    options: LoadOptions | None = None,
    progress: Progress | None = None,
) -> LoadReport:
    """Load *paths* (files, folders, archives) into *layer*.

    Everything is read and checked before the store is touched. Raises :class:`UsageError` for options that
    make no sense and sources with several layers, :class:`NotFoundError` for a missing file or layer,
    :class:`InputRefusedError` for input that cannot be taken as a whole: then nothing is stored.
    """
    began, started = time.perf_counter(), now()
    options = options or LoadOptions()
    step = progress or silent
    spec = layers[layer]
    _require_sense(spec, options)
    _require_foreign(paths, workspace)
    step("read", STEPS["read"])
    with open_sources(paths, spec, options.source_layer) as data_sets:
        # before they are read: what is kept is compared with it again
        files = handed_over(paths, workspace.own_files)
        known = spellings(spec, options.mapping)
        deliveries = [read_delivery(data, options.encoding, known) for data in data_sets]
        name = ", ".join(dict.fromkeys(readable(path.name) for path in paths))
        origin = Origin(name, digest(files), files=files)
    report = load_deliveries(store, layers, workspace, layer, deliveries, origin, options, step, started)
    report.seconds = time.perf_counter() - began
    return report


def load_deliveries(
    store: Store,
    layers: Layers,
    workspace: Workspace,
    layer: str,
    deliveries: Sequence[Delivery],
    origin: Origin,
    options: LoadOptions,
    progress: Progress | None = None,
    started: str | None = None,
) -> LoadReport:
    """Load what was read already, from *origin*, into *layer*: everything but reading of :func:`load_file`.

    The *deliveries* are used up: before anything is stored they give up their columns and shapes.
    *started* is when reading began (UTC, ISO 8601). Raises as :func:`load_file` does.
    """
    began, step, started = time.perf_counter(), progress or silent, started or now()
    spec = layers[layer]
    _require_sense(spec, options)
    step("check", STEPS["check"])
    around = Surroundings.of(store, layers) if options.context else None
    county = around.box if around else county_of(store, layers)
    request = Request(spec, options.mapping, options.constants, options.crs, county, options.context)
    batch = Batch([prepare(delivery, request) for delivery in deliveries], spec)
    if around is not None:
        batch.keep_beside(around)
    batch.check(store, layers, workspace, options.mode, context=options.context)
    report = finish(store, layers, batch, origin, options, step, started)
    report.seconds = time.perf_counter() - began
    return report


def _require_sense(spec: Layer, options: LoadOptions) -> None:
    """Refuse options that make no sense for the layer."""
    check_options(spec, options.mapping, options.constants)
    if options.context:
        require_context(spec)
    if options.mode not in ("replace", "append", "upsert"):
        raise UsageError(
            f"--mode {options.mode}: it is replace, append or upsert",
            f"--mode {options.mode}：只能是 replace、append 或 upsert",
        )


def _require_foreign(paths: Sequence[Path], workspace: Workspace) -> None:
    """Refuse the live database as a source: no other library may open it."""
    live = {path.resolve(): path for path in workspace.store_url.files}
    found = next((live[path.resolve()] for path in paths if path.exists() and path.resolve() in live), None)
    if found is not None:
        raise UsageError(
            f"{found} is the store itself; load from {workspace.geopackage_path.name} or a copy",
            f"{found} 是数据库本身；请从 {workspace.geopackage_path.name} 或副本入库",
        )


def county_of(store: Store, layers: Layers) -> Bounds | None:
    """Bounds of the county, when the store has it."""
    return store.bounds() if current_keys(store, layers.units[LEVELS[0]]) else None


def read_delivery(data: DataSet, encoding: str | None, known: frozenset[str]) -> Delivery:
    """Read one data set by its format; *known* are the folded names by which a header row is recognised."""
    if data.format == "shapefile":
        return read_shapefile(data, encoding)
    if data.format == "dbf":
        return read_dbf_table(data, encoding)
    if data.format == "geojson":
        return read_geojson(data, encoding)
    if data.format == "topojson":
        return read_topojson(data, encoding)
    if data.format == "kml":
        return read_kml(data, encoding)
    if data.format == "csv":
        return read_csv(data, encoding, known)
    if data.format == "xlsx":
        return read_sheet(data, known)
    return read_layer_file(data, encoding)
