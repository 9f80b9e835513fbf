"""Blocks between streets: their land use, the lanes that cut them, and the plots that remain."""

from __future__ import annotations

from collections.abc import Iterator
from dataclasses import dataclass, field
from typing import Any

import numpy as np
import shapely
from shapely.ops import substring

from gridsvc.sample import names
from gridsvc.sample.frame import Floats, Geometries, polygons_of
from gridsvc.sample.plan import EAST, NORTH, Plan
from gridsvc.sample.streets import Layout

MARGIN = {"快速路": 15.0, "主干路": 10.0, "次干路": 7.0, "支路": 5.0, "街巷": 2.5}
"""Metres from the carriageway's edge to the plots: walks and verges."""

# Land uses: O old town, R housing estate, N new high-rise estate, V village swallowed by the town, C commerce,
# G offices, S school, H hospital, I depots, P park, Q square, F fields, W river bank, T small-town housing.
ZONING = ("VRNNNNI", "VRRNGNI", "RRRCNNI", "ROOCRRI", "FOORRRR", "VRRRRVR", "FFRRVRF")
"""Prevailing use of each superblock of the core, row by row from the north."""
MIX = {
    "R": (("R", 0.76), ("C", 0.13), ("O", 0.06), ("F", 0.05)),
    "N": (("N", 0.62), ("R", 0.18), ("C", 0.1), ("F", 0.1)),
    "O": (("O", 0.74), ("C", 0.14), ("R", 0.12)),
    "C": (("C", 0.55), ("R", 0.35), ("N", 0.1)),
    "G": (("G", 0.3), ("N", 0.35), ("C", 0.15), ("R", 0.2)),
    "I": (("I", 0.68), ("R", 0.14), ("F", 0.18)),
    "V": (("V", 0.5), ("R", 0.3), ("F", 0.2)),
    "F": (("F", 0.6), ("V", 0.18), ("R", 0.22)),
    "town": (("T", 0.42), ("O", 0.2), ("C", 0.2), ("F", 0.1), ("R", 0.08)),
}
PARKS = (
    ("人民公园", 60, 20), ("北湖公园", 640, 1700), ("文化公园", -1100, 900), ("东苑公园", 1750, 850),
    ("植物园", 1450, 2450), ("体育公园", 1650, -800), ("古城公园", -900, -780), ("西苑公园", -1850, 1750),
    ("南湖公园", 900, -1750), ("青年公园", -200, 1150), ("双拥公园", 2450, -250), ("科技公园", -2000, 60),
    ("湿地公园", 1000, -2450), ("创业公园", 2000, 1750), ("银杏公园", -300, -1500), ("儿童公园", 900, 250),
    ("桃园公园", -1050, 2000),
)  # fmt: skip
"""Name and plan position (u, v) of the parks; each takes the whole block it lies in."""
LAKES = {"人民公园": "翠湖", "北湖公园": "北湖", "南湖公园": "南湖", "植物园": "荷塘"}
"""Parks with a lake, and its name."""


@dataclass
class Blocks:
    """Plots of one layout in plan metres: `plots` with use, and the blocks that are green as a whole."""

    plots: list[Any] = field(default_factory=list)
    uses: list[str] = field(default_factory=list)
    parks: list[tuple[str, str, Any]] = field(default_factory=list)


def _draw(rng: np.random.Generator, mix: tuple[tuple[str, float], ...]) -> str:
    return str(rng.choice([use for use, _ in mix], p=[share for _, share in mix]))


def _core_uses(plan: Plan, faces: Geometries, rng: np.random.Generator) -> tuple[list[str], dict[int, str]]:
    """Land use of each block of the core, and the names of the blocks that are parks."""
    spots = shapely.get_coordinates(shapely.point_on_surface(faces))
    column = np.searchsorted(EAST, spots[:, 0])
    row = np.searchsorted(-np.array(NORTH), -spots[:, 1])
    uses = [_draw(rng, MIX[ZONING[r][c]]) for r, c in zip(row, column, strict=True)]
    area = shapely.area(faces)
    homes = [k for k, use in enumerate(uses) if use in "RNOV" and 15_000 < area[k] < 110_000]
    for k, use in zip(rng.choice(homes, 26, replace=False), "S" * 17 + "H" * 5 + "Q" * 4, strict=True):
        uses[int(k)] = use
    titles: dict[int, str] = {}
    for name, u, v in PARKS:
        k = int(shapely.distance(faces, shapely.points(u, v)).argmin())
        uses[k], titles[k] = "P", name
    for k in np.flatnonzero(shapely.contains_xy(plan.corridor, spots[:, 0], spots[:, 1])):
        uses[int(k)] = "W"
    return uses, titles


def _town_uses(faces: Geometries, rng: np.random.Generator) -> list[str]:
    uses = [_draw(rng, MIX["town"]) for _ in faces]
    order = rng.permutation(len(faces))
    order = order[np.argsort(shapely.area(faces[order]) > 42_000, kind="stable")]
    for k, use in zip(order, "SGQH", strict=False):
        uses[int(k)] = use
    return uses


def _lanes(face: Any, use: str, rng: np.random.Generator) -> list[Any]:
    """Lanes (街巷) that cut one block: across its longer side, sometimes along it, now and then a dead end."""
    if use in "PQWFSGHI":
        return []
    x0, y0, x1, y1 = face.bounds
    wide, tall = x1 - x0, y1 - y0
    pitch = 125.0 if use in "OVT" else 190.0
    lines = []
    for k in range(1, max(1, round(wide / pitch))):
        if rng.random() < 0.8:
            at = x0 + wide * k / max(1, round(wide / pitch)) + float(rng.uniform(-8, 8))
            lines.append([[at, y0 - 1], [at, y1 + 1]])
    for k in range(1, max(1, round(tall / pitch))):
        if rng.random() < 0.45:
            at = y0 + tall * k / max(1, round(tall / pitch)) + float(rng.uniform(-8, 8))
            lines.append([[x0 - 1, at], [x1 + 1, at]])
    whole = [shapely.linestrings(line) for line in lines]
    found = []
    for k, line in enumerate(whole):
        short = substring(line, 0, float(rng.uniform(0.45, 0.7)), normalized=True)
        tip = shapely.get_point(short, -1)
        apart = all(shapely.distance(tip, other) > 18 for n, other in enumerate(whole) if n != k)
        parts = shapely.get_parts(
            shapely.intersection(short if apart and rng.random() < 0.14 else line, face)
        )
        parts = parts[shapely.get_type_id(parts) == 1]
        if len(parts) and (best := parts[int(shapely.length(parts).argmax())]).length > 60:
            found.append(best)
    return found


def _plots(piece: Any, use: str) -> list[Any]:
    """Split a piece of ground into plots with a wall's width between; rows of housing run on northwards."""
    x0, y0, x1, y1 = piece.bounds
    most = 240.0 if use in "SGHIQF" else 150.0
    across, up = max(1, round((x1 - x0) / most)), max(1, round((y1 - y0) / most))
    if use in "RNTOV":
        up = max(1, round((y1 - y0) / 330.0))
    if across * up == 1:
        return [piece]
    xs, ys = np.linspace(x0, x1, across + 1), np.linspace(y0, y1, up + 1)
    cells = [
        shapely.box(xs[i] + 1.5, ys[j] + 1.5, xs[i + 1] - 1.5, ys[j + 1] - 1.5)
        for i in range(across)
        for j in range(up)
    ]
    return list(polygons_of(shapely.intersection(np.array(cells), piece), 700.0)[0])


def _interiors(layout: Layout, faces: Geometries) -> Geometries:
    """Return each block less the street spaces around it."""
    reach = np.array(layout.widths) / 2 + np.array([MARGIN[k] for k in layout.kinds])
    spaces = shapely.buffer(
        np.array(layout.lines, dtype=object), reach, cap_style="square", join_style="mitre"
    )
    face, space = shapely.STRtree(spaces).query(faces, "intersects")
    out = faces.copy()
    for k in range(len(faces)):
        out[k] = shapely.difference(faces[k], shapely.union_all(spaces[space[face == k]]))
    return out


def make_blocks(layout: Layout, rng: np.random.Generator, stem: Iterator[str]) -> Blocks:
    """Give every block a use, add its lanes to the layout, and return the plots (plan metres)."""
    faces = layout.faces(2_000.0)
    titles: dict[int, str] = {}
    if isinstance(layout, Plan):
        uses, titles = _core_uses(layout, faces, rng)
    else:
        uses = _town_uses(faces, rng)
    interiors = _interiors(layout, faces)
    blocks = Blocks()
    for k, (face, inner, use) in enumerate(zip(faces, interiors, uses, strict=True)):
        if use in "PW":
            blocks.parks.extend((titles.get(k, "滨河公园"), use, p) for p in polygons_of(inner, 1500.0)[0])
            continue
        lanes = _lanes(face, use, rng)
        title = next(stem) if lanes else ""
        for number, lane in enumerate(lanes, 1):
            layout.add(lane, "街巷", f"{title}{names.numeral(number)}巷", float(rng.choice([5.0, 6.0, 7.0])))
        cut = shapely.union_all(shapely.buffer(np.array(lanes, dtype=object), 5.5, cap_style="square"))
        for piece in polygons_of(shapely.difference(inner, cut) if lanes else inner, 900.0)[0]:
            plots = _plots(piece, use)
            blocks.plots.extend(plots)
            blocks.uses.extend(use for _ in plots)
    return blocks


def boxes_of(plots: list[Any]) -> Floats:
    """Return the bounds (u0, v0, u1, v1) of plots."""
    return np.asarray(shapely.bounds(np.array(plots, dtype=object)))
