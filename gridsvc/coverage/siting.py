"""Where new facilities would reach most of what is not yet reached: choosing places among candidates.

Both questions are set covering on a table of who would be reached from where. Small ones are solved exactly as
integer programs; large ones greedily, with an upper bound of what any choice could reach.
"""

from __future__ import annotations

from dataclasses import dataclass

import numpy as np
from scipy.optimize import Bounds, LinearConstraint, milp
from scipy.sparse import csc_array, eye_array, hstack

from gridsvc.errors import InputRefusedError
from gridsvc.partition.faces import Ints

EXACT = 100_000
"""Most entries (somebody reached from somewhere) that are solved exactly: some ten seconds."""
_HEAVIEST = 1e6
# the weights that the solver is given: it compares to a millionth, whatever they are in


@dataclass(frozen=True)
class Sites:
    """Chosen candidates, the best first, and what they reach together."""

    chosen: Ints
    """Columns of the table."""
    gains: Ints
    """What each adds to those before it."""
    best: int
    """No choice of as many candidates reaches more than this."""

    @property
    def reached(self) -> int:
        """Weight of all that is reached from the chosen candidates."""
        return int(self.gains.sum())

    @property
    def exact(self) -> bool:
        """True where no other choice reaches more."""
        return self.reached == self.best


def most_reached(table: csc_array, weight: Ints, count: int, exact: int = EXACT) -> Sites:
    """Choose up to *count* candidates that reach the largest weight (maximal covering, Church and ReVelle 1974).

    *table* (n, m) tells which of n demands is reached from which of m candidates; *weight* (n,) is whole and not
    negative. Up to *exact* entries the choice is the best there is, by HiGHS; beyond that each next candidate is
    the one that adds most, and ``best`` is an upper bound: what the first k reach and the *count* largest
    additions then left, the least over k.
    """
    table, weight = _grouped(table, weight)
    count = min(count, table.shape[1])
    if count and table.nnz and table.nnz <= exact:
        chosen = _exactly(table, weight, count)
        ranked = _greedily(table[:, chosen], weight, len(chosen))
        return Sites(chosen[ranked.chosen], ranked.gains, ranked.reached)
    return _greedily(table, weight, count)


def fewest_sites(table: csc_array) -> Ints:
    """The fewest candidates from which every demand is reached (set covering, Toregas and others 1971), by HiGHS.

    Raises :class:`InputRefusedError` where a demand is reached from no candidate.
    """
    alone = int((np.diff(table.tocsr().indptr) == 0).sum())
    if alone:
        raise InputRefusedError(
            f"{alone} of {table.shape[0]} places are reached from no candidate: give more candidates or a larger "
            "distance",
            f"{table.shape[0]} 处中有 {alone} 处从任何候选点都无法到达：请增加候选点或加大距离",
        )
    table, _ = _grouped(table, np.zeros(table.shape[0], dtype=np.int64))
    width = table.shape[1]
    found = milp(
        np.ones(width),
        constraints=LinearConstraint(table.astype(float), lb=1),
        integrality=np.ones(width),
        bounds=Bounds(0, 1),
    )
    return np.flatnonzero(np.rint(found.x)).astype(np.int64)


def _grouped(table: csc_array, weight: Ints) -> tuple[csc_array, Ints]:
    """Demands that are reached from the same candidates as one; those reached from none are left out."""
    rows = table.tocsr()
    rows.sort_indices()
    kinds: dict[bytes, int] = {}
    group = np.array(
        [
            kinds.setdefault(rows.indices[a:b].tobytes(), len(kinds)) if b > a else -1
            for a, b in zip(rows.indptr[:-1].tolist(), rows.indptr[1:].tolist(), strict=True)
        ],
        dtype=np.int64,
    )
    real = group >= 0
    first = np.unique(group[real], return_index=True)[1]
    total = np.zeros(len(kinds), dtype=np.int64)
    np.add.at(total, group[real], weight[real])
    return csc_array(rows[np.flatnonzero(real)[first]]), total


def _exactly(table: csc_array, weight: Ints, count: int) -> Ints:
    """The best *count* candidates: x chooses candidates, y ≤ Σ x tells what is reached."""
    demands, width = table.shape
    reach = hstack([table.astype(float), -eye_array(demands)], format="csr")
    limit = np.concatenate([np.ones(width), np.zeros(demands)])[None, :]
    worth = weight * (_HEAVIEST / max(int(weight.max()), 1))
    found = milp(
        np.concatenate([np.zeros(width), -worth]),
        constraints=[LinearConstraint(reach, lb=0), LinearConstraint(limit, ub=count)],
        # what is reached is whole by itself once the candidates are
        integrality=np.concatenate([np.ones(width), np.zeros(demands)]),
        bounds=Bounds(0, 1),
        options={"mip_rel_gap": 0},
    )
    return np.flatnonzero(np.rint(found.x[:width])).astype(np.int64)


def _greedily(table: csc_array, weight: Ints, count: int) -> Sites:
    """Candidates in the order of what each adds; of equal ones the first."""
    left = weight.copy()
    chosen: list[int] = []
    gains: list[int] = []
    best = int(weight.sum())
    for _ in range(count):
        adds = np.asarray(table.T @ left, dtype=np.int64)
        # whatever is chosen adds to what is reached by now at most the largest additions that are left
        best = min(best, sum(gains) + int(np.sort(adds)[::-1][:count].sum()))
        top = int(adds.argmax())
        if not adds[top]:
            break
        chosen.append(top)
        gains.append(int(adds[top]))
        left[table.indices[table.indptr[top] : table.indptr[top + 1]]] = 0
    return Sites(np.array(chosen, dtype=np.int64), np.array(gains, dtype=np.int64), best)
