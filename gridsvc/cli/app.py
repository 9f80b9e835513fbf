"""The ``gridsvc`` command: its commands by name, each read from its module when it is called."""

from __future__ import annotations

import sys
from importlib import import_module
from typing import Annotated, Any

import typer

from gridsvc import __version__
from gridsvc.cli.usage import Told

# command -> module of this package that registers it, in the order in which help lists them
COMMANDS = {
    "init": "workspaces",
    "layers": "workspaces",
    "template": "templates",
    "load": "load",
    "osm": "osm",
    "loads": "loads",
    "rollback": "loads",
    "quarantine": "quarantine",
    "diff": "diff",
    "delivered": "history",
    "prune": "history",
    "copy-store": "stores",
    "lineage": "lineage",
    "check": "checks",
    "confirm-data": "confirmation",
    "compute": "figures",
    "runs": "publications",
    "publish": "publications",
    "compare": "compare",
    "trend": "trend",
    "coverage": "figures",
    "gaps": "gaps",
    "explain": "explain",
    "site": "site",
    "map": "pages",
    "export": "exports",
    "serve": "service",
    "demo": "demo",
}


class Commands(Told):
    """The commands; a module and what it needs are imported only when one of its commands is wanted."""

    def list_commands(self, ctx: Any) -> list[str]:
        """Names in order."""
        return list(COMMANDS)

    def get_command(self, ctx: Any, cmd_name: str) -> Any:
        """The command of this name, or None."""
        if cmd_name not in COMMANDS:
            return None
        if cmd_name not in self.commands:
            part = typer.Typer(context_settings=HELP)
            import_module(f"gridsvc.cli.{COMMANDS[cmd_name]}").register(part)
            # a callback makes a group also of a single command
            part.callback()(_nothing)
            self.commands.update(typer.main.get_group(part).commands)
        return self.commands[cmd_name]

    def resolve_command(self, ctx: Any, args: list[str]) -> Any:
        """The command that the arguments name; for a wrong name, those like it are told."""
        if args[0] not in COMMANDS:
            for name in COMMANDS:
                self.get_command(ctx, name)
        return super().resolve_command(ctx, args)


HELP = {"help_option_names": ["-h", "--help"]}
app = typer.Typer(
    name="gridsvc",
    cls=Commands,
    help="Grid management for a county: boundaries, street assets, coverage figures, road chiefs' maps.",
    no_args_is_help=True,
    add_completion=False,
    pretty_exceptions_enable=False,
    context_settings=HELP,
)


def _nothing() -> None:
    pass


def _print_version(wanted: bool) -> None:
    if wanted:
        print(f"gridsvc {__version__}")
        raise typer.Exit


@app.callback()
def _root(
    _version: Annotated[
        bool, typer.Option("--version", help="Print the version.", callback=_print_version, is_eager=True)
    ] = False,
) -> None:
    pass


def main() -> None:
    """Run the command line."""
    app(args=sys.argv[1:], prog_name="gridsvc")
