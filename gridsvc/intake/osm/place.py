"""A place by its name, through osmnx and the network; everything else works offline."""

from __future__ import annotations

import hashlib
import json
from importlib import import_module
from typing import Any

import numpy as np
import shapely

from gridsvc.errors import GridsvcError, InputRefusedError, UsageError
from gridsvc.intake.archive import work_folder
from gridsvc.intake.delivery import Objects
from gridsvc.intake.osm.elements import Tagged
from gridsvc.intake.osm.shapes import Built
from gridsvc.intake.osm.tags import ANY, Table
from gridsvc.intake.problems import Positions
from gridsvc.store.loads import now

_KINDS = {"node": "n", "way": "w", "relation": "r"}


class PlaceShapes:
    """Elements as osmnx gives them: with their shapes."""

    def __init__(self, tagged: Tagged, shapes: Objects) -> None:
        """Take the elements and a shape for each (lon/lat, WGS 84)."""
        self.tagged = tagged
        self.dated = now()
        self._shapes = shapes

    @property
    def sha256(self) -> str:
        """SHA-256 of the content: elements, tags and shapes, in order of kind and id."""
        total = hashlib.sha256()
        keys = list(zip(self.tagged.kinds, self.tagged.ids, strict=True))
        for position in sorted(range(len(keys)), key=keys.__getitem__):
            tags = json.dumps(self.tagged.tags[position], ensure_ascii=False, sort_keys=True)
            total.update(f"{keys[position]}{tags}".encode())
            total.update(shapely.to_wkb(self._shapes[position], byte_order=1))
        return total.hexdigest()

    def lines(self, chosen: Positions) -> Built:
        """Ways as lines."""
        return Built(self._shapes[chosen], np.zeros(len(chosen), dtype=bool))

    def areas(self, chosen: Positions) -> Built:
        """Closed ways and relations as polygons; nodes as points."""
        return Built(self._shapes[chosen], np.zeros(len(chosen), dtype=bool))

    def members(self) -> set[int]:
        """Ways that are part of a boundary: unknown here, and none of them is an area."""
        return set()


def fetch_place(name: str, table: Table) -> PlaceShapes:
    """Everything in the place called *name* that *table* has rules for.

    Raises :class:`UsageError` without osmnx, :class:`InputRefusedError` without a network or such a place.
    """
    try:
        osmnx = import_module("osmnx")
    except ImportError as error:
        raise UsageError(
            f"there is no file {name!r}, and a place by its name needs osmnx, which is not installed "
            "(pip install 'gridsvc[osm]'); without it, or without a network, load an extract (.osm.pbf)",
            f"没有名为 {name!r} 的文件；按地名获取需要 osmnx，目前未安装（pip install 'gridsvc[osm]'）；"
            "没有 osmnx 或网络时，请使用数据文件（.osm.pbf）",
        ) from error
    with work_folder() as folder:
        osmnx.settings.cache_folder = folder
        osmnx.settings.use_cache = False
        try:
            frame = osmnx.features_from_place(name, _asked(table))
        except Exception as error:
            # osmnx, requests and the services behind them fail in many ways; all mean: no data
            raise _failed(name, error) from error
    return from_frame(frame)


def _asked(table: Table) -> dict[str, bool | list[str]]:
    """Tags to ask for."""
    values: dict[str, set[str]] = {"boundary": {"administrative"}}
    for rules in table.layers.values():
        for key, wanted in rules.select.items():
            values.setdefault(key, set()).update(wanted)
    return {key: True if ANY in wanted else sorted(wanted) for key, wanted in values.items()}


def _failed(name: str, error: Exception) -> GridsvcError:
    kinds = {kind.__name__ for kind in type(error).__mro__}
    if kinds & {"ConnectionError", "Timeout", "OSError"}:
        return InputRefusedError(
            f"{name!r}: the map services cannot be reached (no network?); load an extract (.osm.pbf) instead",
            f"{name!r}：无法连接地图服务（没有网络？）；请改用数据文件（.osm.pbf）",
        )
    fault = " ".join(str(error).split())[:200] or type(error).__name__
    return InputRefusedError(
        f"{name!r}: no data for this place ({fault}); write it as on openstreetmap.org, or load an extract",
        f"{name!r}：没有取得该地点的数据（{fault}）；请按 openstreetmap.org 上的名称书写，或改用数据文件",
    )


def from_frame(frame: Any) -> PlaceShapes:
    """Elements out of osmnx's table: index (element, id), a column per tag, geometry."""
    tagged = Tagged()
    names = [column for column in frame.columns if column != frame.geometry.name]
    records = frame[names].to_dict(orient="records")
    for (element, number), record in zip(frame.index.tolist(), records, strict=True):
        tags = {str(key): value for key, value in record.items() if isinstance(value, str)}
        tagged.add(_KINDS[element], int(number), tags)
    return PlaceShapes(tagged, np.asarray(frame.geometry.to_numpy(), dtype=object))
