"""Everything gridsvc refuses to do, and how commands and the HTTP service say so."""

from __future__ import annotations

from gridsvc.text import Text, bilingual


class GridsvcError(Exception):
    """Base of all errors a person may see: one sentence in both languages."""

    def __init__(self, en: str, zh: str) -> None:
        """Take the sentence in English and in Chinese: what is wrong, where, what to do."""
        super().__init__(en)
        self.text: Text = bilingual(en, zh)


class UsageError(GridsvcError):
    """A command or request that makes no sense as given."""


class NotFoundError(UsageError):
    """Something asked for by name does not exist."""


class DefinitionError(GridsvcError):
    """A definition file (layer, indicator, county.toml) is broken; names file and key."""


class InputRefusedError(GridsvcError):
    """An input file was refused as a whole; nothing was stored."""


class StoreError(GridsvcError):
    """The store cannot be opened or written."""


class StoreBusyError(StoreError):
    """Another process is writing to the store."""


# error class -> (exit code of commands, HTTP status); the nearest class in the tree decides
OUTCOMES: dict[type[GridsvcError], tuple[int, int]] = {
    GridsvcError: (4, 500),
    UsageError: (2, 400),
    NotFoundError: (2, 404),
    DefinitionError: (2, 500),
    InputRefusedError: (3, 422),
    StoreError: (4, 503),
    StoreBusyError: (4, 503),
}


def outcome(error: GridsvcError) -> tuple[int, int]:
    """Return (exit code, HTTP status) of *error*."""
    return next(OUTCOMES[cls] for cls in type(error).__mro__ if cls in OUTCOMES)
