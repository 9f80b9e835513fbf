"""One call of a command: its workspace, its language, where its words and its data go, how it ends."""

from __future__ import annotations

import contextlib
import inspect
import json
import os
import re
import sys
import traceback
from collections.abc import Callable, Iterable, Iterator
from functools import cached_property, wraps
from pathlib import Path
from typing import IO, TYPE_CHECKING, Annotated, Any, Concatenate, ParamSpec

import typer
from rich.console import Console, ConsoleOptions, RenderableType
from rich.segment import Segment

from gridsvc.cli.progress import Progress
from gridsvc.errors import GridsvcError, StoreError, outcome
from gridsvc.layers import Layers, load_layers
from gridsvc.settings import Workspace, find_workspace
from gridsvc.text import Lang, Text, bilingual, environment_lang

if TYPE_CHECKING:
    from gridsvc.store import Store

P = ParamSpec("P")
DONE, ATTENTION, INTERNAL, INTERRUPTED = 0, 1, 4, 130

# what a terminal acts on: control characters but for line ends and tabs, and marks that turn the reading direction
CONTROL = re.compile("[\x00-\x08\x0b-\x1f\x7f-\x9f\u202a-\u202e\u2066-\u2069]")
# a table in a file or a pipe is as wide as it needs to be
UNBOUNDED = 10_000

WorkspaceOption = Annotated[
    Path | None,
    typer.Option(
        "--workspace", "-w", metavar="DIR", help="The workspace; found like git finds its repository."
    ),
]
JsonOption = Annotated[bool, typer.Option("--json", help="Print JSON for machines, and nothing else.")]
LangOption = Annotated[Lang | None, typer.Option("--lang", help="Language of messages and output.")]
DebugOption = Annotated[bool, typer.Option("--debug", help="Show the traceback of an error.")]
COMMON: dict[str, tuple[Any, Any]] = {
    "workspace": (WorkspaceOption, None),
    "as_json": (JsonOption, False),
    "lang": (LangOption, None),
    "debug": (DebugOption, False),
}


class Session:
    """What every command is given. Data goes to standard output, everything else to standard error."""

    def __init__(
        self,
        workspace: Path | None = None,
        *,
        as_json: bool = False,
        lang: Lang | None = None,
        debug: bool = False,
    ) -> None:
        """Take the options that every command has."""
        self._named = workspace
        self._lang = lang
        self.as_json = as_json
        self.debug = debug
        self.out = _console(sys.stdout)
        self.err = _console(sys.stderr)

    @cached_property
    def workspace(self) -> Workspace:
        """The workspace: named, else by ``GRIDSVC_WORKSPACE``, else found upwards from here."""
        return find_workspace(self._named)

    @cached_property
    def layers(self) -> Layers:
        """The layer definitions that hold in the workspace."""
        return load_layers(self.workspace)

    @property
    def lang(self) -> Lang:
        """Language of this call: ``--lang``, else the environment's, else the workspace's first."""
        if self._lang:
            return self._lang
        known = self.__dict__.get("workspace")
        languages = known.county.languages if isinstance(known, Workspace) else ()
        return environment_lang(languages[0] if languages else "zh")

    @property
    def asked_lang(self) -> Lang | None:
        """The language that ``--lang`` names, if it was given."""
        return self._lang

    def store(self, *, write: bool = False) -> Store:
        """Open the workspace's store; a context manager."""
        # here, so that a command which needs no store starts at once
        from gridsvc.store import open_store

        return open_store(self.workspace, self.layers, write=write)

    def answer(self, data: Any, show: Text | Callable[[Console], None]) -> None:
        """Give the command's result: *data* as JSON when machines ask, else a text or what *show* prints."""
        if self.as_json:
            print_json(data)
        elif isinstance(show, Text):
            self.out.print(show(self.lang), highlight=False, markup=False, soft_wrap=True)
        else:
            show(self.out)

    def note(self, text: Text) -> None:
        """Tell a person something beside the result, on standard error."""
        self.err.print(text(self.lang), highlight=False, markup=False, soft_wrap=True)

    @contextlib.contextmanager
    def progress(self) -> Iterator[Progress]:
        """A progress display on standard error while the block runs; nothing is drawn off a terminal."""
        with Progress(self.err, self.lang) as progress:
            yield progress


class SafeConsole(Console):
    """A console on which nothing that a file holds can move the cursor, change colours or reverse a line."""

    def render(self, renderable: RenderableType, options: ConsoleOptions | None = None) -> Iterable[Segment]:
        """Segments of *renderable*, control characters out of their texts."""
        for segment in super().render(renderable, options):
            yield segment if segment.control else segment._replace(text=CONTROL.sub("", segment.text))


def _console(stream: Any) -> Console:
    """Console on *stream*; characters that the stream cannot hold are replaced, never a crash."""
    if hasattr(stream, "reconfigure"):
        stream.reconfigure(errors="replace")
    on_terminal = stream.isatty()
    return SafeConsole(
        file=stream, width=None if on_terminal else UNBOUNDED, force_terminal=on_terminal or None
    )


def print_json(data: Any, stream: IO[str] | None = None) -> None:
    """Print *data* as one JSON document, alone on standard output (or to *stream*)."""
    stream = stream or sys.stdout
    encoding = (getattr(stream, "encoding", None) or "ascii").lower().replace("-", "")
    text = json.dumps(
        data, ensure_ascii=not encoding.startswith("utf"), indent=2, allow_nan=False, default=str
    )
    stream.write(text + "\n")


def command(
    app: typer.Typer, name: str
) -> Callable[[Callable[Concatenate[Session, P], int | None]], Callable[..., None]]:
    """Register a function as the command *name*, with the options that every command has.

    The function takes a :class:`Session` first and returns its exit code (None: 0). An error it raises is
    told in one sentence and becomes the exit code that its class stands for.
    """

    def register(function: Callable[Concatenate[Session, P], int | None]) -> Callable[..., None]:
        own = inspect.signature(function, eval_str=True)

        @wraps(function)
        def run(*args: Any, **values: Any) -> None:
            options = {option: values.pop(option) for option in COMMON}
            session = Session(**options)
            raise typer.Exit(finish(session, lambda: function(session, *args, **values)))

        common = [
            inspect.Parameter(option, inspect.Parameter.KEYWORD_ONLY, default=default, annotation=annotation)
            for option, (annotation, default) in COMMON.items()
        ]
        parameters = [*list(own.parameters.values())[1:], *common]
        named = [parameter.replace(kind=inspect.Parameter.KEYWORD_ONLY) for parameter in parameters]
        run.__signature__ = inspect.Signature(named)  # type: ignore[attr-defined]
        run.__annotations__ = {parameter.name: parameter.annotation for parameter in named}
        del run.__wrapped__
        return app.command(name)(run)

    return register


def finish(session: Session, work: Callable[[], int | None]) -> int:
    """Do the work of a command and return its exit code; errors are told, not thrown."""
    try:
        return work() or DONE
    except GridsvcError as error:
        return _tell(session, error)
    except KeyboardInterrupt:
        session.note(bilingual("interrupted", "已中断"))
        return INTERRUPTED
    except BrokenPipeError:
        # the reader has seen enough; nothing may be written to the closed pipe at exit either
        with contextlib.suppress(OSError):
            os.dup2(os.open(os.devnull, os.O_WRONLY), sys.stdout.fileno())
        return DONE
    except OSError as error:
        return _tell(session, _system_error(error), error)
    except typer.Exit:
        raise
    except Exception as error:
        return _tell(session, _unexpected(error), error)


def _system_error(error: OSError) -> GridsvcError:
    """What the operating system refused, with the file it is about."""
    place = f": {error.filename}" if error.filename else ""
    return StoreError(
        f"the system refused: {error.strerror or error}{place}",
        f"系统拒绝操作：{error.strerror or error}{place}",
    )


def _unexpected(error: Exception) -> GridsvcError:
    """A fault of gridsvc itself."""
    fault = " ".join(f"{type(error).__name__}: {error}".split())[:300]
    return GridsvcError(
        f"gridsvc failed in a way it should not ({fault}); run it again with --debug and report what it prints",
        f"gridsvc 内部错误（{fault}）；请加 --debug 重新执行，并反馈其输出",
    )


def _tell(session: Session, error: GridsvcError, cause: Exception | None = None) -> int:
    """Print one sentence (JSON too, when machines ask) and return the exit code."""
    code = outcome(error)[0]
    if session.debug:
        session.err.print(
            "".join(traceback.format_exception(cause or error)), highlight=False, markup=False, soft_wrap=True
        )
    session.note(bilingual(f"error: {error.text.en}", f"错误：{error.text.zh}"))
    if session.as_json:
        named = type(cause or error).__name__
        told = getattr(error, "report", None)
        report = {"report": told.to_dict()} if told is not None else {}
        print_json({"error": {"exit_code": code, "kind": named, **error.text.model_dump()}, **report})
    return code
