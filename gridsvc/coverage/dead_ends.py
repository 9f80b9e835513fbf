"""Dead ends (断头路): streets that lead to no other street at one end."""

from __future__ import annotations

from dataclasses import dataclass

import numpy as np
import shapely
from scipy.sparse import coo_array
from scipy.sparse.csgraph import connected_components

from gridsvc.coverage.network import Network
from gridsvc.partition.faces import Ints
from gridsvc.partition.intervals import Intervals
from gridsvc.partition.segments import NANO, Floats


@dataclass(frozen=True)
class DeadEnds:
    """Ends that lead nowhere, and the stretches from them to the first junction."""

    xy: Floats
    """Where they end (n, 2), metre CRS."""
    place: Ints
    """The same as places on the roads' axis, nanometres."""
    stretches: Intervals
    """A street that is dead at both ends has one stretch and two ends."""
    length: Floats
    """Metres from each end to the first junction."""


def dead_ends(
    network: Network, longer_than: float, county: shapely.Geometry, passable: shapely.Geometry, near: float
) -> DeadEnds:
    """Dead ends of *network* whose way to the first junction is longer than *longer_than* metres.

    An end outside of *county*, or within *near* metres of its border or of *passable* (compounds, squares), goes on
    there and is none (all in the metre CRS). A junction is where three or more streets meet; where two meet the way
    goes on.
    """
    degree, edges = network.degree, np.flatnonzero(network.real)
    chain = _chains(network, degree)
    length = np.bincount(chain, (network.end - network.start) / NANO)
    nodes = np.concatenate([network.tail[edges], network.head[edges]])
    place = np.concatenate([network.start[edges], network.end[edges]])
    edge = np.concatenate([edges, edges])
    ends = np.flatnonzero((degree[nodes] == 1) & (length[chain[edge]] > longer_than))
    points = shapely.points(network.nodes[nodes[ends]])
    border = shapely.boundary(county)
    shapely.prepare([county, border, passable])
    goes_on = shapely.dwithin(passable, points, near) | shapely.dwithin(border, points, near)
    ends = ends[shapely.contains_properly(county, points) & ~goes_on]
    dead = np.isin(chain, chain[edge[ends]])
    return DeadEnds(
        network.nodes[nodes[ends]],
        place[ends],
        Intervals.of(network.start[dead], network.end[dead]),
        length[chain[edge[ends]]],
    )


def _chains(network: Network, degree: Ints) -> Ints:
    """Number of the chain of each edge: edges that follow one another with nothing joining between them."""
    count = len(network.start)
    nodes = np.concatenate([network.tail, network.head])
    edge = np.concatenate([np.arange(count), np.arange(count)])
    through = degree[nodes] == 2
    order = np.argsort(nodes[through], kind="stable")
    node, edge = nodes[through][order], edge[through][order]
    pairs = np.flatnonzero(node[1:] == node[:-1])
    links = coo_array((np.ones(len(pairs)), (edge[pairs], edge[pairs + 1])), shape=(count, count))
    chain: Ints = connected_components(links, directed=False)[1].astype(np.int64)
    return chain
