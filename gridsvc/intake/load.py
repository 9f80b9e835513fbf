"""A load from files to the store: read whole, checked whole, then stored as one change or not at all."""

from __future__ import annotations

import time
from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass, field
from pathlib import Path
from typing import Any

from gridsvc.codes import LEVELS
from gridsvc.errors import UsageError
from gridsvc.intake.batch import Batch
from gridsvc.intake.context import LEFT_OUT, Surroundings, nothing_near, require_context
from gridsvc.intake.current import current_keys, preview
from gridsvc.intake.delivery import Delivery
from gridsvc.intake.fields import check_options, spellings
from gridsvc.intake.geojson import read_geojson
from gridsvc.intake.prepare import Request, prepare
from gridsvc.intake.problems import OUTCOMES
from gridsvc.intake.reading import read_dbf_table, read_layer_file, read_shapefile
from gridsvc.intake.report import LoadReport, NothingAcceptedError
from gridsvc.intake.sources import DataSet, digest, handed_over, open_sources, readable
from gridsvc.intake.suspicion import suspicion
from gridsvc.intake.systems import Bounds
from gridsvc.intake.tables import read_csv, read_sheet
from gridsvc.layers import Layer, Layers
from gridsvc.settings import Workspace
from gridsvc.store import DeliveredFile, Source, Store
from gridsvc.store.loads import now
from gridsvc.store.store import Mode
from gridsvc.text import Text, bilingual


@dataclass(frozen=True)
class Origin:
    """Where deliveries come from, for report and record."""

    name: str
    sha256: str
    """Of the content as it was handed over."""
    attribution: str = ""
    """Whom the data's licence wants named."""
    files: Sequence[DeliveredFile] = ()
    """What was handed over, to be kept with the load; none where it came from no file."""


Progress = Callable[[str, Text], object]
"""Called at the start of every step with its name and title."""

STEPS: dict[str, Text] = {
    "read": bilingual("Reading", "读取"),
    "check": bilingual("Checking", "检查"),
    "store": bilingual("Storing", "入库"),
}


@dataclass(frozen=True)
class LoadOptions:
    """What a person may say about a load."""

    encoding: str | None = None
    crs: str | None = None
    mapping: Mapping[str, str] = field(default_factory=dict)
    """Field → column."""
    constants: Mapping[str, str] = field(default_factory=dict)
    """Field → value of every row."""
    source_layer: str | None = None
    mode: Mode = "replace"
    dry_run: bool = False
    context: bool = False
    """The features are those of neighbouring counties."""


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
    step = progress or _silent
    spec = layers[layer]
    _require_sense(spec, options)
    _require_foreign(paths, workspace)
    step("read", STEPS["read"])
    with open_sources(paths, spec, options.source_layer) as data_sets:
        # before they are read: what is kept is compared with it again
        files = handed_over(paths, workspace.own_files)
        known = spellings(spec, options.mapping)
        deliveries = [_read(data, options.encoding, known) for data in data_sets]
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

    *started* is when reading began (UTC, ISO 8601). Raises as :func:`load_file` does.
    """
    began, step, started = time.perf_counter(), progress or _silent, started or now()
    spec = layers[layer]
    _require_sense(spec, options)
    step("check", STEPS["check"])
    around = Surroundings.of(store, layers) if options.context else None
    county = around.box if around else _county(store, layers)
    request = Request(spec, options.mapping, options.constants, options.crs, county, options.context)
    batch = Batch([prepare(delivery, request) for delivery in deliveries], spec)
    if around is not None:
        batch.keep_beside(around)
    batch.check(store, layers, workspace, options.mode, context=options.context)
    if around is None:
        # neighbours' features lie off the county's by nature
        _suspect(batch, store, layers)
    report = _report(batch, origin, options)
    if not batch.accepted.any():
        if not batch.problems.found:
            raise nothing_near(origin.name, report.counts["beyond"], report.counts["within"])
        raise NothingAcceptedError(report)
    step("store", STEPS["store"])
    _store(store, batch, report, options, started, _kept(origin, workspace, report))
    report.seconds = time.perf_counter() - began
    return report


def _kept(origin: Origin, workspace: Workspace, report: LoadReport) -> Sequence[DeliveredFile]:
    """The files to keep with the load: all, or none where they are too large, which the report then says."""
    size = sum(file.size for file in origin.files)
    most = workspace.county.keep_delivered_mb
    report.delivered = {"files": len(origin.files), "bytes": size, "kept": size <= most * 1_000_000}
    if report.delivered["kept"]:
        return origin.files
    report.warnings.append(
        bilingual(
            f"the files ({size / 1e6:,.0f} MB) are not kept with the load: they are larger than keep_delivered_mb = "
            f"{most} in county.toml; keep them yourself",
            f"原始文件（{size / 1e6:,.0f} MB）未随入库保存：超过 county.toml 中的 keep_delivered_mb = {most}；"
            "请自行保存",
        )
    )
    return ()


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


def _silent(name: str, title: Text) -> None:
    """Progress for nobody."""


def _require_foreign(paths: Sequence[Path], workspace: Workspace) -> None:
    """Refuse the live database as a source: no other library may open it."""
    live = {path.resolve(): path for path in workspace.store_url.files}
    found = next((live[path.resolve()] for path in paths if path.exists() and path.resolve() in live), None)
    if found is not None:
        raise UsageError(
            f"{found} is the store itself; load from {workspace.geopackage_path.name} or a copy",
            f"{found} 是数据库本身；请从 {workspace.geopackage_path.name} 或副本入库",
        )


def _county(store: Store, layers: Layers) -> Bounds | None:
    """Bounds of the county, when the store has it."""
    return store.bounds() if current_keys(store, layers.units[LEVELS[0]]) else None


def _suspect(batch: Batch, store: Store, layers: Layers) -> None:
    """Warn of files that lie off the store's data as a shifted system would; who named one needs no warning."""
    for start, end, part in zip(batch.starts[:-1], batch.starts[1:], batch.parts, strict=True):
        chosen = batch.accepted[start:end]
        if part.located is None or part.located.shift is not None or not chosen.any():
            continue
        shapes = part.frame["geometry"].to_numpy(dtype=object)[chosen]
        found = suspicion(store, layers, batch.layer, batch.keys[start:end][chosen], shapes)
        part.warnings += [found] if found else []


def _read(data: DataSet, encoding: str | None, known: frozenset[str]) -> Delivery:
    if data.format == "shapefile":
        return read_shapefile(data, encoding)
    if data.format == "dbf":
        return read_dbf_table(data, encoding)
    if data.format == "geojson":
        return read_geojson(data, encoding)
    if data.format == "csv":
        return read_csv(data, encoding, known)
    if data.format == "xlsx":
        return read_sheet(data, known)
    return read_layer_file(data, encoding)


def _report(batch: Batch, origin: Origin, options: LoadOptions) -> LoadReport:
    """Everything there is to tell before the store has its say."""
    rows = batch.quarantined()
    return LoadReport(
        batch.layer.name,
        batch.layer.title,
        origin.name,
        origin.sha256,
        options.mode,
        options.dry_run,
        [part.report for part in batch.parts],
        len(batch.frame) + batch.left_out,
        {
            **dict.fromkeys(OUTCOMES, 0),
            "quarantined": len(rows),
            "left_out": batch.left_out,
            "superseded": int(batch.superseded.sum()),
            **({name: int(getattr(batch, name).sum()) for name in LEFT_OUT} if options.context else {}),
        },
        context=options.context,
        problems=[*rows, *batch.others()],
        warnings=batch.warnings(),
        lost_values=sum(part.lost_values for part in batch.parts),
        attribution=origin.attribution,
    )


def _store(
    store: Store,
    batch: Batch,
    report: LoadReport,
    options: LoadOptions,
    started: str,
    delivered: Sequence[DeliveredFile],
) -> None:
    """Store the accepted rows (or only foretell what storing them would do) and complete the report."""
    frame, quarantine = batch.stored_frame(), batch.quarantine_frame(report.quarantined)
    part = {"context": options.context}
    held = current_keys(store, batch.layer, **part) if options.mode == "replace" else set()
    # all of them, whether stored or not: what the store has is judged again inside the transaction
    kept = set(batch.keys[batch.problems.mask].tolist()) - set(batch.keys[batch.accepted].tolist())
    if options.dry_run:
        changes: Any = preview(store, batch.layer, frame, options.mode, kept, **part)
    else:
        told = ("left_out", "superseded", *(LEFT_OUT if options.context else ()))
        counts = {"rows_read": report.rows_read, **{name: report.counts[name] for name in told}}
        source = Source(report.source, report.sha256, _recorded(batch, report, options))
        changes = store.apply(
            batch.layer.name,
            frame,
            source,
            options.mode,
            quarantine,
            counts,
            kept=kept,
            started=started,
            context=options.context,
            delivered=delivered,
        )
        report.load_id = changes.id
    for name in ("added", "changed", "unchanged"):
        report.counts[name] = getattr(changes, name)
    report.ended = changes.ended
    report.warnings += _ending(held, held & kept, report)


def _ending(held: set[str], kept: set[str], report: LoadReport) -> list[Text]:
    """Warnings where a replacing load ends much, or what waits in quarantine."""
    warnings = []
    if kept:
        warnings.append(
            bilingual(
                f"{len(kept)} features that the store holds are in quarantine in this file: the store keeps them as "
                "they were until corrected rows are loaded",
                f"{len(kept)} 个库中已有要素本次进入待处理：更正并重新入库前，库中保留其原有内容",
            )
        )
    if report.ended > len(held) / 2:
        warnings.append(
            bilingual(
                f"{report.ended} of {len(held)} features that the store held are not in this file and ended",
                f"库中原有 {len(held)} 个要素，其中 {report.ended} 个不在本文件中，已移除",
            )
        )
    return warnings


def _recorded(batch: Batch, report: LoadReport, options: LoadOptions) -> dict[str, Any]:
    """How the files were read, for the record of the load."""
    return {
        "files": [
            {
                "name": part.report.name,
                "format": part.report.format,
                "encoding": part.report.encoding,
                "crs": part.report.crs,
                "crs_how": part.report.crs_how.en if part.report.crs_how else "",
                "mapping": {match.field: match.column for match in part.report.columns if match.how != "set"},
            }
            for part in batch.parts
        ],
        **({"attribution": report.attribution} if report.attribution else {}),
        "delivered": report.delivered,
        "constants": dict(options.constants),
        "given": {
            name: value
            for name, value in (
                ("encoding", options.encoding),
                ("crs", options.crs),
                ("source_layer", options.source_layer),
            )
            if value is not None
        },
    }
