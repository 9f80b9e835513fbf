"""``gridsvc compare``: two runs side by side, and which features made the difference."""

from __future__ import annotations

from typing import Annotated

import typer

from gridsvc.cli.comparison_rows import SORTS, Compared, explained, in_order
from gridsvc.cli.comparisons import listing
from gridsvc.cli.figures import ChiefOption, IndicatorOption, UnitOption, require_one_subject
from gridsvc.cli.output import FormatOption, OutOption, deliver
from gridsvc.cli.session import Session, command
from gridsvc.coverage.comparison import Choice, Comparison
from gridsvc.coverage.figures import Figures
from gridsvc.coverage.indicators import load_indicators
from gridsvc.errors import UsageError
from gridsvc.text import bilingual

COMPARING = bilingual("Comparing", "对比")


def register(app: typer.Typer) -> None:
    """Add the command to *app*."""

    @command(app, "compare")
    def compare(
        session: Session,
        run_a: Annotated[str, typer.Argument(metavar="RUN_A", help="The earlier run, by number or label.")],
        run_b: Annotated[str, typer.Argument(metavar="RUN_B", help="The later run, by number or label.")],
        level: Annotated[
            str | None,
            typer.Option("--level", help="All units of a level: county, district, community, grid."),
        ] = None,
        unit: UnitOption = None,
        indicator: IndicatorOption = None,
        chief: ChiefOption = None,
        chiefs: Annotated[bool, typer.Option("--chiefs", help="Every road chief.")] = False,
        roads: Annotated[bool, typer.Option("--roads", help="Every road.")] = False,
        features: Annotated[
            bool, typer.Option("--features", help="List the features that made the difference.")
        ] = False,
        definitions: Annotated[
            bool,
            typer.Option("--definitions", help="Measure the earlier run by the later run's definitions."),
        ] = False,
        quick: Annotated[
            bool, typer.Option("--quick", help="Figures only, without what made the difference.")
        ] = False,
        everything: Annotated[bool, typer.Option("--all", help="Figures that are the same, too.")] = False,
        sort: Annotated[
            str | None,
            typer.Option("--sort", metavar="[-]COLUMN", help=f"By {', '.join(SORTS)}; - for falling."),
        ] = None,
        limit: Annotated[
            int, typer.Option("--limit", min=1, help="Features to show at most on a terminal.")
        ] = 50,
        form: FormatOption = None,
        out: OutOption = None,
    ) -> None:
        """Compare two runs: what changed, where, and which features made it change."""
        require_one_subject(level, unit, chief, chiefs=chiefs, roads=roads)
        if features and quick:
            raise UsageError(
                "--features and --quick cannot be given together", "--features 与 --quick 不能同时使用"
            )
        choice = Choice(level, unit, indicator, chief, roads, chiefs)
        indicators = load_indicators(session.workspace, session.layers)
        with session.store() as store, store.snapshot():
            before, after = (
                Figures.open(store, session.workspace, session.layers, indicators, store.named_run(name).id)
                for name in (run_a, run_b)
            )
            comparison = Comparison(before, after, definitions=definitions)
            with session.progress() as progress:
                progress.step("compare", COMPARING)
                rows = in_order(comparison.table(choice), sort)
                if not everything:
                    rows = rows[rows["verdict"] != "same"].reset_index(drop=True)
                found = {} if quick else explained(comparison, rows, progress.reach)
            compared = Compared(comparison, rows, found, features=features, quick=quick)
            deliver(session, listing(compared, limit, session.lang), form, out)
