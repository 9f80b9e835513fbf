"""The definitions that a run was computed with: kept with it, so that its figures are graded as they were."""

from __future__ import annotations

from pydantic import ValidationError

from gridsvc.coverage.indicators import Indicator, Indicators
from gridsvc.errors import DefinitionError
from gridsvc.store import RunRecord, Store

# what decides how a figure is graded and shown, but not what is counted
GRADING = frozenset(
    {
        "title", "definition", "group", "headline", "unit", "factor", "digits", "goals", "bands",
        "minimum_denominator", "minimum_known", "allowed", "weight", "veto", "deductions", "system", "source", "year",
    }
)  # fmt: skip


def definitions_text(indicators: Indicators) -> str:
    """All definitions as they are kept: one a line, as JSON."""
    return "\n".join(one.model_dump_json() for one in indicators.values())


def definitions_of(store: Store, run: RunRecord, now: Indicators) -> Indicators:
    """The definitions that *run* was computed with; those of *now* where they are the same, or were not kept."""
    if run.definitions == now.digest:
        return now
    content = store.definitions(run.definitions)
    return _read(content, run) if content else now


def _read(content: str, run: RunRecord) -> Indicators:
    """Definitions as they were kept."""
    try:
        found = [Indicator.model_validate_json(line) for line in content.split("\n")]
    except ValidationError as error:
        raise DefinitionError(
            f"the definitions kept with run {run.id} are of another version of gridsvc: {error.errors()[0]['msg']}",
            f"计算批次 {run.id} 所存的指标定义属于其他版本的 gridsvc：{error.errors()[0]['msg']}",
        ) from error
    return Indicators({one.id: one for one in found}, run.definitions)


def same_measure(one: Indicator, other: Indicator) -> bool:
    """Whether two definitions count the same; goals, bands, titles and sources may differ."""
    return one.model_dump(exclude=set(GRADING)) == other.model_dump(exclude=set(GRADING))
