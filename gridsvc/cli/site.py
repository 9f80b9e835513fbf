"""``gridsvc site``: where new facilities would bring most of what is not near enough yet within the distance."""

from __future__ import annotations

import datetime as dt
from typing import Annotated

import geopandas as gpd
import typer

from gridsvc.cli.figures import AsOfOption, parse_day
from gridsvc.cli.output import FormatOption, Listing, OutOption, deliver
from gridsvc.cli.session import Session, command
from gridsvc.cli.site_rows import HEADINGS, Told
from gridsvc.coverage.indicators import load_indicators
from gridsvc.coverage.proposals import JUNCTIONS, propose, siting_indicator
from gridsvc.coverage.scene import Scene
from gridsvc.crs import transform
from gridsvc.partition.workers import Workers
from gridsvc.text import bilingual

SITING = bilingual("Looking for places", "选址计算")


def register(app: typer.Typer) -> None:
    """Add the command to *app*."""

    @command(app, "site")
    def site(
        session: Session,
        layer: Annotated[
            str, typer.Argument(metavar="LAYER", help="What is to be built: a layer, e.g. toilets.")
        ],
        add: Annotated[int, typer.Option("--add", metavar="N", min=1, max=1000, help="How many to build.")],
        indicator: Annotated[
            str | None,
            typer.Option("--indicator", metavar="ID", help="The figure to raise; one of residents first."),
        ] = None,
        distance: Annotated[
            float | None,
            typer.Option("--distance", metavar="M", min=1, max=100_000, help="Metres, not the figure's own."),
        ] = None,
        candidates: Annotated[
            str,
            typer.Option("--candidates", metavar="junctions|LAYER", help="Where something could be built."),
        ] = JUNCTIONS,
        unit: Annotated[
            str | None, typer.Option("--unit", metavar="CODE", help="Build inside this unit only.")
        ] = None,
        as_of: AsOfOption = None,
        form: FormatOption = None,
        out: OutOption = None,
    ) -> None:
        """Find where new facilities would serve most of those not served yet, existing ones counted."""
        day = parse_day(as_of) or dt.date.today()
        session.layers[layer], candidates == JUNCTIONS or session.layers[candidates]
        indicators = load_indicators(session.workspace, session.layers)
        one = siting_indicator(indicators, layer, indicator, distance)
        threads = session.workspace.county.threads
        with session.store() as store, session.progress() as progress, Workers(threads) as workers:
            progress.step("site", SITING)
            with store.snapshot():
                scene = Scene(store, session.workspace, session.layers, day, workers)
                found = propose(scene, one, add, candidates, unit or "", progress.reach)
                lonlat = store.crs
                shapes = transform(found.places.geometry.to_numpy(), scene.crs, lonlat)
        told = Told(found, session.layers, candidates, add, unit or "", session.lang, shapes, day, distance)
        listing = Listing(
            "site",
            lambda: told.data,
            lambda: told.rows.rename(columns={name: title(session.lang) for name, title in HEADINGS.items()}),
            lambda: gpd.GeoDataFrame(told.rows, geometry=shapes, crs=lonlat),
            told.show,
        )
        deliver(session, listing, form, out)
