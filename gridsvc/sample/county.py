"""The whole sample county, put together in one fixed order from one seed."""

from __future__ import annotations

from collections.abc import Iterator
from dataclasses import dataclass
from typing import Any

import numpy as np
import shapely

from gridsvc.sample import names, network, settlements
from gridsvc.sample.along import Streets
from gridsvc.sample.assets import Points, make_bins, make_toilets, roadside_lots
from gridsvc.sample.blocks import Blocks, make_blocks
from gridsvc.sample.civic import Civic, make_civic
from gridsvc.sample.fabric import Fabric, care, make_fabric
from gridsvc.sample.frame import Floats, Geometries, round_box, smooth
from gridsvc.sample.green import belts, verges
from gridsvc.sample.lamps import Lamps, make_lamps
from gridsvc.sample.land import make_land
from gridsvc.sample.plan import EAST, NORTH, RING, Plan, make_plan
from gridsvc.sample.streets import Layout, node
from gridsvc.sample.units import Units, make_units
from gridsvc.sample.water import Water, blob, make_water


@dataclass(frozen=True)
class County:
    """Everything in the sample county; geometry in metres of `frame.CRS`."""

    plan: Plan
    units: Units
    zones: Geometries
    streets: Streets
    fabric: Fabric
    lamps: Lamps
    toilets: Points
    bins: Points
    water: Water
    civic: Civic


def _suburbs() -> Floats:
    """Plan positions of the villages between the ring road and the border of the town districts."""
    out = 3080.0
    us, vs = (np.array(EAST[:-1]) + np.array(EAST[1:])) / 2, (np.array(NORTH[:-1]) + np.array(NORTH[1:])) / 2
    sides = [[u, s * out] for u in us for s in (1, -1)] + [[s * out, v] for v in vs for s in (1, -1)]
    return np.array(sides)


def _zone(plan: Plan, margin: float, rng: np.random.Generator, arms: Any) -> Any:
    """Draw a zone about the ring road, `margin` metres wider, with an uneven edge and an arm along the avenue."""
    shape = round_box(RING[0] - margin, RING[1] - margin, RING[2] + margin, RING[3] + margin, 1100 + margin)
    edge = shapely.get_exterior_ring(shape)
    spots = shapely.get_coordinates(
        shapely.line_interpolate_point(edge, np.arange(0, edge.length - 200, 520))
    )
    spots = spots * (1 + rng.uniform(-0.35, 0.35, (len(spots), 1)) * margin / 3000)
    curve = smooth(np.vstack([spots, spots[:1]]), 90)
    zone = shapely.union(shapely.buffer(plan.frame.lay(shapely.polygons(curve)), 0), arms)
    return shapely.transform(shapely.simplify(zone, 1.0), lambda c: np.round(c, 2))


def _blocks(
    plan: Plan, towns: list[settlements.Settlement], stem: Iterator[str], rng: np.random.Generator
) -> list[tuple[Layout, Blocks]]:
    """Cut the core's and the towns' blocks into plots; a town's lanes are named after its sides."""
    parts: list[tuple[Layout, Blocks]] = [(plan, make_blocks(plan, rng, stem))]
    for town in towns:
        name = town.name if town.kind == "town" else f"{town.name}集"
        sides = (name + side for side in "东西南北中前后左右上下新老内外")
        parts.append((town.layout, make_blocks(town.layout, rng, sides)))
    return parts


def build(seed: int) -> County:
    """Build the county; every part draws from its own generator, so parts do not disturb one another."""
    rng = [np.random.default_rng((seed, part)) for part in range(13)]
    stem, hamlet_name = names.stems(rng[0]), names.hamlets(rng[1])
    water = make_water(rng[2])
    plan = make_plan(water.river, rng[3], stem)
    domain, wet = plan.frame.lay(plan.domain), water.area
    land = make_land(domain, rng[4])
    sites, seats = settlements.town_sites(land, wet)
    titles = [str(t) for t in rng[1].permutation(np.array([*names.TOWNS, *names.TOWNSHIPS]))]
    towns = settlements.make_towns(land, sites, seats, titles, rng[5])
    suburbs = plan.frame.xy(_suburbs())
    hamlets = settlements.make_hamlets(land, towns, suburbs, wet, domain, rng[5], hamlet_name)
    villages = settlements.village_titles(land, towns, hamlets, hamlet_name)
    units = make_units(plan, land, titles, villages, {t.village for t in towns}, rng[6])
    county = units.county.shapes[0]

    parts = _blocks(plan, [*towns, *(p for p in hamlets if p.kind == "market")], stem, rng[7])
    avenue = network.avenue(plan)
    roads = network.county_roads(plan, towns, county, rng[8])
    reached = [street for layout in (plan, *(t.layout for t in towns)) for street in layout.streets()]
    links = network.village_links(hamlets, [*reached, *avenue, *roads], wet, rng[8])
    laid = [street for layout, _ in parts for street in layout.streets()]
    lanes = [street for place in hamlets if place.kind == "hamlet" for street in place.layout.streets()]
    everything = [*laid, *avenue, *roads, *links, *lanes]
    node(everything)
    streets = Streets(everything)

    kept = care(rng[9])
    _ponds(water, hamlets, streets, rng[2])
    fabric = make_fabric(parts, [*towns, *hamlets], streets, water, kept, rng[10])
    fabric.greens = fabric.greens.joined(verges(streets, plan.frame, kept, rng[10]))
    fabric.greens = fabric.greens.joined(belts(streets, water, county, rng[10]))
    fabric.lots = fabric.lots.joined(roadside_lots(streets, rng[10]))
    arm = shapely.union_all(shapely.buffer(np.array([s.line for s in avenue]), 330))
    zones = np.array([_zone(plan, 120, rng[6], shapely.Polygon()), _zone(plan, 460, rng[6], arm)])
    lamps = make_lamps(streets, plan.frame, kept, rng[11])
    toilets = make_toilets(streets, plan.frame, fabric, kept, rng[11])
    bins = make_bins(streets, rng[11])
    civic = make_civic(parts, fabric.greens, streets, rng[12])
    _clip(water, county)
    return County(plan, units, zones, streets, fabric, lamps, toilets, bins, water, civic)


def _ponds(
    water: Water, hamlets: list[settlements.Settlement], streets: Streets, rng: np.random.Generator
) -> None:
    """Dig a pond beside some hamlets, clear of streets."""
    for place in hamlets:
        if place.kind == "hamlet" and rng.random() < 0.5:
            angle = float(rng.uniform(0, 2 * np.pi))
            spot = place.centre + np.array([np.cos(angle), np.sin(angle)]) * float(rng.uniform(190, 260))
            pond = blob(spot, float(rng.uniform(16, 42)), rng)
            if shapely.distance(pond, streets.lines).min() > 9:
                water.add(pond, f"{place.name}塘", "坑塘")


def _clip(water: Water, county: Any) -> None:
    """Cut rivers and canals off a little outside the county."""
    reach = shapely.buffer(county, 350)
    for k, shape in enumerate(water.shapes):
        parts = shapely.get_parts(shapely.intersection(shape, reach))
        parts = parts[shapely.get_type_id(parts) == 3]
        water.shapes[k] = parts[int(shapely.area(parts).argmax())]
