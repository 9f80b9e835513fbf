"""Why a figure has no value, or no grade (DESIGN, rule 4): said in both languages beside it."""

from __future__ import annotations

from collections import defaultdict
from collections.abc import Mapping
from dataclasses import dataclass
from functools import cached_property
from typing import Any

import pandas as pd

from gridsvc.codes import CodeLayout
from gridsvc.coverage.grades import too_little_known
from gridsvc.coverage.indicators import REPORTED, Indicator
from gridsvc.layers import Layers
from gridsvc.text import Text, bilingual

LEFT = bilingual("not computed (not loaded): {titles}", "不计算（未入库）：{titles}")
"""Said once of all indicators of which a layer is not loaded."""
NO_LAYER = bilingual("not loaded: {layers}", "图层未入库：{layers}")
NO_ZONE = bilingual("no part of it lies in the zone “{zone}”", "不在“{zone}”范围内")
NOTHING_IN_ZONE = bilingual("nothing to count in the zone “{zone}”", "“{zone}”范围内没有可计入的对象")
TOO_LITTLE = bilingual("less than {percent} of it is known: no grade", "已知部分不足 {percent}，不评级")
NOTHING = bilingual("nothing to count here", "没有可计入的对象")
UNOBSERVED = bilingual("its state is not known yet", "状态未知，尚无数据或巡查记录")
EXEMPT = bilingual("everything here is exempt", "全部免考")
NOT_HIS = bilingual(
    "not a figure of persons: it rests on areas, residents or reports", "不按路长统计：以面积、居民或上报值计"
)
NOT_REPORTED = bilingual("nothing is reported for it up to this day", "截至当日尚无上报值")
NOT_IN_RUN = bilingual("defined since this run: compute anew", "该指标在本批次之后定义，请重新计算")
LEFT_OUT = bilingual("left out, as a number or field is missing: {count}", "因缺数值或字段未计入：{count} 个")


@dataclass(frozen=True)
class Reasons:
    """What decides why figures of one run have no value."""

    layers: Layers
    versions: Mapping[str, Any]
    """Newest load of every layer that the run rests on."""
    cells: pd.DataFrame
    """The run's cells: ``unit``, ``remainder``, ``zones``."""
    layout: CodeLayout

    def why(
        self, indicator: Indicator, kind: str, subject: str, denominator: int, unknown: int, exempt: int
    ) -> Text | None:
        """Why *subject* has no value or no grade, of which *unknown* and *exempt* amounts were left out."""
        if denominator:
            if not indicator.rated:
                return LEFT_OUT.fill(count=f"{unknown:,}") if unknown else None
            little = too_little_known(indicator, denominator, unknown)
            return TOO_LITTLE.fill(percent=f"{indicator.minimum_known:.0%}") if little else None
        unloaded = self._unloaded(indicator)
        if unloaded is not None:
            return unloaded
        if unknown:
            return UNOBSERVED
        if exempt:
            return EXEMPT
        if kind == "chief" and not indicator.for_chiefs:
            return NOT_HIS
        if indicator.kind == REPORTED:
            return NOT_REPORTED
        outside = kind != "unit" or subject not in self._in_zone[indicator.zone]
        if indicator.zone and outside:
            return self._not_in_zone(indicator.zone, NO_ZONE if kind == "unit" else NOTHING_IN_ZONE)
        return NOTHING

    def _unloaded(self, indicator: Indicator) -> Text | None:
        """Which layers of an indicator were never loaded; None for none."""
        if indicator.id not in self._said:
            titles = [self.layers[name].title for name in indicator.layers if not self.versions.get(name)]
            en, zh = ", ".join(title.en for title in titles), "、".join(title.zh for title in titles)
            self._said[indicator.id] = _filled(NO_LAYER, "layers", en, zh) if titles else None
        return self._said[indicator.id]

    def _not_in_zone(self, zone: str, text: Text) -> Text | None:
        key = f"{zone} {text.en}"
        if key not in self._said:
            title = self._zone_title(zone)
            self._said[key] = _filled(text, "zone", title.en, title.zh)
        return self._said[key]

    @cached_property
    def _said(self) -> dict[str, Text | None]:
        """What is said of many figures, made once."""
        return {}

    @cached_property
    def _in_zone(self) -> dict[str, set[str]]:
        """By zone: codes of the units that have cells in it, and with ``*`` those whose remainder has."""
        lengths = self.layout.lengths.values()
        found: dict[str, set[str]] = defaultdict(set)
        columns = (self.cells[name] for name in ("unit", "remainder", "zones"))
        for unit, remainder, zones in zip(*columns, strict=True):
            for zone in (zones or "").split():
                found[zone] |= {unit[:digits] for digits in lengths}
                if remainder:
                    found[zone].add(f"{unit}*")
        return found

    def _zone_title(self, zone: str) -> Text:
        values = self.layers.zones.fields["kind"].values
        return next((value.title for value in values if value.value == zone), bilingual(zone, zone))


def _filled(text: Text, name: str, en: str, zh: str) -> Text:
    return bilingual(text.en.format(**{name: en}), text.zh.format(**{name: zh}))
