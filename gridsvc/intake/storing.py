"""The end of every load: what the checks let through is stored, recorded and reported, or nothing is."""

from __future__ import annotations

from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass, field, replace
from typing import Any

import numpy as np
import pandas as pd

from gridsvc.intake.batch import Batch
from gridsvc.intake.context import LEFT_OUT, nothing_near
from gridsvc.intake.current import current_count, current_keys, preview
from gridsvc.intake.problems import OUTCOMES
from gridsvc.intake.report import LoadReport, NothingAcceptedError
from gridsvc.intake.suspicion import suspicion
from gridsvc.intake.systems import Located
from gridsvc.layers import Layers
from gridsvc.store import DeliveredFile, Source, Store
from gridsvc.store.schema import CONTEXT_KEY
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


def silent(name: str, title: Text) -> None:
    """Progress for nobody."""


def finish(
    store: Store,
    layers: Layers,
    batch: Batch,
    origin: Origin,
    options: LoadOptions,
    step: Progress,
    started: str,
    numbers: Sequence[int] = (),
) -> LoadReport:
    """Store a checked *batch*, unless none of it can be accepted (:class:`NothingAcceptedError`), and report.

    *numbers*: where the batch corrects rows in quarantine, the number of each of its rows.
    """
    if not options.context:
        # neighbours' features lie off the county's by nature
        _suspect(batch, store, layers)
    report = _report(batch, origin, options, numbers)
    if not batch.accepted.any():
        if not batch.problems.found:
            raise nothing_near(origin.name, report.counts["beyond"], report.counts["within"])
        raise NothingAcceptedError(report)
    step("store", STEPS["store"])
    batch.let_go()
    _store(store, batch, report, options, started, numbers, _kept(origin, store, report))
    return report


def _kept(origin: Origin, store: Store, report: LoadReport) -> Sequence[DeliveredFile]:
    """The files to keep with the load: all, or none where they are too large, which the report then says."""
    size = sum(file.size for file in origin.files)
    most = store.workspace.county.keep_delivered_mb
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


def _suspect(batch: Batch, store: Store, layers: Layers) -> None:
    """Warn of files that lie off the store's data as a shifted system would; who named one needs no warning."""
    for start, end, part in zip(batch.starts[:-1], batch.starts[1:], batch.parts, strict=True):
        chosen = batch.accepted[start:end]
        located = part.placed.located if part.placed else None
        if located is None or located.shift is not None or not chosen.any():
            continue
        shapes = part.frame["geometry"].to_numpy(dtype=object)[chosen]
        found = suspicion(store, layers, batch.layer, batch.keys[start:end][chosen], shapes)
        part.warnings += [found] if found else []


def _report(batch: Batch, origin: Origin, options: LoadOptions, numbers: Sequence[int]) -> LoadReport:
    """Everything there is to tell before the store has its say."""
    rows, parts = batch.quarantined(), batch.split_rows()
    if numbers:
        waiting = np.flatnonzero(batch.problems.mask).tolist()
        rows = [replace(row, number=numbers[at]) for row, at in zip(rows, waiting, strict=True)]
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
            "split": len(parts),
            "left_out": batch.left_out,
            "superseded": int(batch.superseded.sum()),
            **({name: int(getattr(batch, name).sum()) for name in LEFT_OUT} if options.context else {}),
        },
        context=options.context,
        problems=[*rows, *parts, *batch.others()],
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
    numbers: Sequence[int],
    delivered: Sequence[DeliveredFile],
) -> None:
    """Store the accepted rows (or only foretell what storing them would do) and complete the report."""
    frame, quarantine = batch.stored_frame(), batch.quarantine_frame(report.quarantined)
    if options.mode == "upsert" and not numbers:
        _keep_absent(store, batch, frame, context=options.context)
    part = {"context": options.context}
    held = current_count(store, batch.layer, **part) if options.mode == "replace" else 0
    split = batch.keys[list(batch.splits)].tolist()
    # all of them, whether stored or not: what the store has is judged again inside the transaction
    kept = set(batch.keys[batch.problems.mask].tolist()) - set(batch.keys[batch.accepted].tolist())
    waiting = kept & current_keys(store, batch.layer, **part) if held and kept else set()
    if options.dry_run:
        changes: Any = preview(store, batch.layer, frame, options.mode, kept, split, **part)
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
            split=split,
            started=started,
            admits=set(numbers),
            context=options.context,
            delivered=delivered,
        )
        report.load_id = changes.id
    for name in ("added", "changed", "unchanged"):
        report.counts[name] = getattr(changes, name)
    report.ended = changes.ended
    report.warnings += _ending(held, len(waiting), report)


def _keep_absent(store: Store, batch: Batch, frame: pd.DataFrame, *, context: bool) -> None:
    """Where a file has no column for a field, features that the store holds keep the value that they have.

    *frame* are the accepted rows of *batch*; it is changed.
    """
    chosen = np.flatnonzero(batch.accepted)
    absent = [
        [name for name in batch.layer.fields if name not in part.mapping and name not in part.constants]
        for part in batch.parts
    ]
    if not any(absent):
        return
    held = store.read(batch.layer.name, context=context)
    keys = held["key"].str.removeprefix(CONTEXT_KEY) if context else held["key"]
    place = pd.Index(keys, dtype=object).get_indexer(pd.Index(frame["key"], dtype=object))
    for start, end, names in zip(batch.starts[:-1], batch.starts[1:], absent, strict=True):
        known = np.flatnonzero((chosen >= start) & (chosen < end) & (place >= 0))
        for name in names:
            values = frame[name].astype(object).to_numpy(copy=True)
            values[known] = held[name].astype(object).to_numpy()[place[known]]
            frame[name] = pd.Series(values, index=frame.index, dtype=object).astype(held[name].dtype)


def _ending(held: int, kept: int, report: LoadReport) -> list[Text]:
    """Warnings where a replacing load ends much or holds back *kept* of the features *held* before."""
    warnings = []
    if kept:
        warnings.append(
            bilingual(
                f"{kept} features that the store holds are in quarantine in this file: the store keeps them as "
                "they were until corrected rows are loaded",
                f"{kept} 个库中已有要素本次进入待处理：更正并重新入库前，库中保留其原有内容",
            )
        )
    if report.ended > held / 2:
        warnings.append(
            bilingual(
                f"{report.ended} of {held} features that the store held are not in this file and ended",
                f"库中原有 {held} 个要素，其中 {report.ended} 个不在本文件中，已移除",
            )
        )
    return warnings


def code_of(located: Located | None) -> str:
    """What ``--crs`` would have to say for a file to be read as it was; empty where that is not known."""
    if located is None or located.pipeline is not None:
        return ""
    if located.shift is not None:
        return located.shift.name
    code = located.crs.to_authority()
    return ":".join(code) if code else located.crs.to_wkt()


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
                "crs_code": code_of(part.placed.located if part.placed else None),
                "mapping": part.mapping,
                "constants": dict(part.constants),
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
