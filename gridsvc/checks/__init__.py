"""Findings over a whole workspace: what people should look at, with where it is and how large."""

from gridsvc.checks.findings import COLUMNS, Findings, find
from gridsvc.checks.kinds import KINDS, SEVERITIES
from gridsvc.checks.loaded import loaded

__all__ = ["COLUMNS", "KINDS", "SEVERITIES", "Findings", "find", "loaded"]
