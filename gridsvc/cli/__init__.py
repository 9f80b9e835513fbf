"""The command line."""

from gridsvc.cli.app import app, main

__all__ = ["app", "main"]
