"""A load from OpenStreetMap: one extract or place into several layers, each its own load in the store."""

from __future__ import annotations

import re
import time
from collections.abc import Mapping, Sequence
from dataclasses import dataclass, field
from pathlib import Path

from gridsvc.errors import InputRefusedError, NotFoundError, UsageError
from gridsvc.intake.current import current_keys
from gridsvc.intake.delivery import Delivery
from gridsvc.intake.fields import check_options
from gridsvc.intake.load import load_deliveries
from gridsvc.intake.osm.boundaries import Found, count_levels, deliver_boundaries, find_boundaries
from gridsvc.intake.osm.extract import read_extract
from gridsvc.intake.osm.features import TAG, deliver, select
from gridsvc.intake.osm.place import fetch_place
from gridsvc.intake.osm.report import ATTRIBUTION, NothingLoadedError, OsmReport
from gridsvc.intake.osm.shapes import ExtractShapes, Shapes
from gridsvc.intake.osm.tags import Table, load_table
from gridsvc.intake.sources import digest, handed_over
from gridsvc.intake.storing import STEPS, LoadOptions, Origin, Progress, silent
from gridsvc.layers import Layer, Layers
from gridsvc.settings import Workspace
from gridsvc.store import Store
from gridsvc.store.loads import now
from gridsvc.store.store import Mode
from gridsvc.text import Text, bilingual

NONE = bilingual("the extract holds none", "数据中没有该类要素")
NO_BOUNDARY = bilingual("no boundary of its level closes and bears a code", "没有闭合且带编码的同级边界")
OSM_KEY = re.compile(r"[nwr]-?\d+")
_FILE_NAME = re.compile(r".*\.(osm|pbf|bz2|gz|xml|o5m|zip)|.*[/\\].*", re.IGNORECASE)


@dataclass(frozen=True)
class OsmOptions:
    """What a person may say about an OpenStreetMap load."""

    layers: Sequence[str] = ()
    """Layers to load; none: all that the tags tell of."""
    mode: Mode | None = None
    """None: replace, but refuse where that would end features that did not come from OpenStreetMap."""
    mapping: Mapping[str, Mapping[str, str]] = field(default_factory=dict)
    """Layer → field → tag."""
    constants: Mapping[str, Mapping[str, str]] = field(default_factory=dict)
    """Layer → field → value of every row."""
    dry_run: bool = False


@dataclass(frozen=True)
class _Job:
    """One layer to load."""

    layer: Layer
    delivery: Delivery
    options: LoadOptions


def load_osm(
    store: Store,
    layers: Layers,
    workspace: Workspace,
    source: str,
    options: OsmOptions | None = None,
    progress: Progress | None = None,
) -> OsmReport:
    """Load *source*, an extract's path or the name of a place, into the layers.

    Each layer is one load, so each can be undone by itself. Raises :class:`UsageError` for options that make
    no sense and for modes left open where it matters, :class:`InputRefusedError` when nothing could be loaded:
    then nothing is stored.
    """
    began, started = time.perf_counter(), now()
    options, step, table = options or OsmOptions(), progress or silent, load_table(workspace)
    names = _chosen(layers, table, options)
    step("read", STEPS["read"])
    shapes, origin = _open(source, table)
    report = OsmReport(origin.name, origin.sha256, shapes.dated, options.dry_run)
    jobs = _jobs(shapes, origin.name, layers, workspace, table, names, options, report)
    if options.mode is None:
        _require_own(store, [job.layer for job in jobs])
    refusals = []
    for job in jobs:
        title = job.layer.title
        told = None if progress is None else _Named(progress, job.layer.name, title)
        try:
            report.loads.append(
                load_deliveries(
                    store,
                    layers,
                    workspace,
                    job.layer.name,
                    [job.delivery],
                    origin,
                    job.options,
                    told,
                    started,
                )
            )
        except InputRefusedError as error:
            refusals.append(error)
            report.refused[job.layer.name] = getattr(error, "report", None)
            report.skipped[job.layer.name] = error.text
    if not report.loads:
        why = refusals[0].text if refusals else _nothing(report)
        raise NothingLoadedError(why, report) from (refusals[0] if refusals else None)
    report.seconds = time.perf_counter() - began
    return report


class _Named:
    """Progress that says which layer a step is about."""

    def __init__(self, progress: Progress, layer: str, title: Text) -> None:
        self.progress, self.layer, self.title = progress, layer, title

    def __call__(self, name: str, title: Text) -> None:
        text = bilingual(f"{title.en}: {self.title.en}", f"{title.zh}：{self.title.zh}")
        self.progress(f"{name} {self.layer}", text)


def _nothing(report: OsmReport) -> Text:
    why = next(iter(report.skipped.values()), bilingual("no layer was asked for", "未指定图层"))
    return bilingual(
        f"{report.source}: nothing to load; {next(iter(report.skipped), '')}: {why.en}",
        f"{report.source}：没有可入库的内容；{next(iter(report.skipped), '')}：{why.zh}",
    )


def _chosen(layers: Layers, table: Table, options: OsmOptions) -> list[str]:
    """Layers to load, in the order in which layers are loaded best; unknown and untold ones are refused."""
    units = {layers.units[level].name for level in table.boundaries.levels.values()}
    known = [name for name in layers if name in table.layers or name in units]
    for name in [*options.layers, *options.mapping, *options.constants]:
        _ = layers[name]
        if name not in known:
            raise UsageError(
                f"OpenStreetMap tells nothing of layer {name}; it fills: {', '.join(known)}",
                f"OpenStreetMap 不含图层 {name} 的内容；可入库：{'、'.join(known)}",
            )
        # all of them before the first layer is stored
        check_options(layers[name], options.mapping.get(name, {}), options.constants.get(name, {}))
    return [name for name in known if not options.layers or name in options.layers]


def _open(source: str, table: Table) -> tuple[Shapes, Origin]:
    """The elements of a file, or of a place where no such file is."""
    path = Path(source)
    if path.is_dir():
        raise UsageError(
            f"{source} is a folder; name the extract in it", f"{source} 是文件夹；请指定其中的数据文件"
        )
    if path.exists():
        shapes, files = ExtractShapes(read_extract(path, table.keys)), handed_over([path])
        return shapes, Origin(path.name, digest(files), ATTRIBUTION, files)
    if _FILE_NAME.fullmatch(source):
        raise NotFoundError(f"there is no file {source}", f"文件不存在：{source}")
    place = fetch_place(source, table)
    return place, Origin(source, place.sha256, ATTRIBUTION)


def _jobs(
    shapes: Shapes,
    source: str,
    layers: Layers,
    workspace: Workspace,
    table: Table,
    names: list[str],
    options: OsmOptions,
    report: OsmReport,
) -> list[_Job]:
    """What there is to load, layer by layer; where there is nothing, the report says so."""
    jobs = []
    found = _boundaries(shapes, layers, workspace, table, names, options, report)
    for name in names:
        layer, mapping = layers[name], options.mapping.get(name, {})
        if layer.role == "unit":
            delivery = deliver_boundaries(
                source, layer, found, table.boundaries, workspace.county.layout, mapping
            )
            mapping = {field: tag for field, tag in mapping.items() if field != "code"}
        else:
            rules = table.layers[name]
            rows = select(shapes.tagged, rules)
            delivery = deliver(source, layer, rules, rows, shapes, mapping) if len(rows.chosen) else None
        if delivery is None:
            report.skipped[name] = NO_BOUNDARY if layer.role == "unit" else NONE
            continue
        fields = {field: TAG + tag for field, tag in mapping.items()}
        constants = dict(options.constants.get(name, {}))
        mode = options.mode or "replace"
        jobs.append(
            _Job(
                layer,
                delivery,
                LoadOptions(mapping=fields, constants=constants, mode=mode, dry_run=options.dry_run),
            )
        )
    if not options.layers:
        _count_others(shapes, layers, table, report)
    return jobs


def _boundaries(
    shapes: Shapes,
    layers: Layers,
    workspace: Workspace,
    table: Table,
    names: list[str],
    options: OsmOptions,
    report: OsmReport,
) -> Found:
    """Boundaries in the extract, counted in the report."""
    found = find_boundaries(shapes, shapes.members())
    if any(layers[name].role == "unit" for name in names):
        tags_of = {name: fields["code"] for name, fields in options.mapping.items() if "code" in fields}
        layout = workspace.county.layout
        report.boundaries = count_levels(found, table.boundaries, layout, layers.units, tags_of)
    return found


def _count_others(shapes: Shapes, layers: Layers, table: Table, report: OsmReport) -> None:
    """Say how many rows there are for layers that the workspace does not have."""
    for name, rules in table.layers.items():
        count = len(select(shapes.tagged, rules).chosen) if name not in layers else 0
        if count:
            report.skipped[name] = bilingual(
                f"{count:,} in the extract, but there is no layer of this name (define layers/{name}.toml to load "
                "them)",
                f"数据中有 {count:,} 个，但没有同名图层（定义 layers/{name}.toml 后可入库）",
            )


def _require_own(store: Store, layers: Sequence[Layer]) -> None:
    """Refuse to replace, unasked, what did not come from OpenStreetMap."""
    foreign = {}
    for layer in layers:
        others = sum(OSM_KEY.fullmatch(key) is None for key in current_keys(store, layer))
        if others:
            foreign[layer.name] = others
    if foreign:
        listed = ", ".join(f"{name} ({count:,})" for name, count in foreign.items())
        raise UsageError(
            f"the store holds features that did not come from OpenStreetMap: {listed}; say what becomes of them: "
            "--mode upsert keeps them beside, --mode replace ends them, --layers leaves the layer alone",
            f"库中已有非 OpenStreetMap 来源的要素：{listed}；请说明如何处理："
            "--mode upsert 保留并追加，--mode replace 以本次数据替换，或用 --layers 排除该图层",
        )
