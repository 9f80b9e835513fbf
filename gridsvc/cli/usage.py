"""What is told of a misspelt command or option, in the language of the person who mistyped it."""

from __future__ import annotations

import re
import sys
from collections.abc import Sequence
from typing import Any, NoReturn

import typer
from typer.core import TyperGroup
from typer.rich_utils import rich_format_error

from gridsvc.text import environment_lang

# the class above a bad parameter: everything that is wrong with what was typed
WRONG: type[Exception] = typer.BadParameter.__mro__[1]


class Told(TyperGroup):
    """A group of commands whose faults of usage are told in Chinese, too."""

    def main(
        self,
        args: Sequence[str] | None = None,
        prog_name: str | None = None,
        complete_var: str | None = None,
        standalone_mode: bool = True,
        windows_expand_args: bool = True,
        **extra: Any,
    ) -> Any:
        """Run the command line as typer does, but for what is told of wrong usage."""
        typed = list(sys.argv[1:] if args is None else args)
        try:
            code = super().main(args, prog_name, complete_var, False, windows_expand_args, **extra)
        except WRONG as error:
            if not standalone_mode:
                raise
            _tell(error, typed)
        except typer.Abort:
            if not standalone_mode:
                raise
            sys.exit(1)
        if not standalone_mode:
            return code
        sys.exit(code if isinstance(code, int) else 0)


def _tell(error: Any, typed: Sequence[str]) -> NoReturn:
    """Print what is wrong and end with the exit code of wrong usage."""
    if _lang(typed) == "zh" and type(error).__name__ != "NoArgsIsHelpError":
        told = _chinese(error)
        context = error.ctx
        lines = []
        if context is not None:
            lines = [context.get_usage().replace("Usage:", "用法：", 1)]
            told += f"；查看说明：{context.command_path} --help"
        print(*lines, f"错误：{told}", sep="\n", file=sys.stderr)
    else:
        rich_format_error(error)
    sys.exit(error.exit_code)


def _lang(typed: Sequence[str]) -> str:
    """The language asked for on the line that could not be read, else the environment's."""
    for place, word in enumerate(typed):
        if word == "--lang" and place + 1 < len(typed):
            return typed[place + 1]
        if word.startswith("--lang="):
            return word.removeprefix("--lang=")
    return environment_lang()


def _chinese(error: Any) -> str:
    """What is wrong, in Chinese; what is not known is told as it is."""
    kind, text = type(error).__name__, str(error.message or "")
    if kind == "NoSuchOption":
        found = "、".join(sorted(error.possibilities or []))
        return f"没有选项 {error.option_name}" + (f"，是否想用 {found}" if found else "")
    if kind == "MissingParameter":
        return f"缺少 {_name(error)}"
    for pattern, sentence in _MESSAGES:
        match = pattern.search(text)
        if match:
            text = sentence.format(*match.groups())
            break
    return f"{_name(error)}：{text}" if kind == "BadParameter" else text


def _name(error: Any) -> str:
    """The option or argument that an error is about, as it is typed."""
    parameter = getattr(error, "param", None)
    if parameter is None:
        return str(getattr(error, "param_hint", None) or "参数")
    hint = parameter.metavar if parameter.param_type_name == "argument" else parameter.opts[0]
    return str(hint or parameter.name)


_MESSAGES = [
    (re.compile(pattern), sentence)
    for pattern, sentence in (
        (r"No such command '(.+?)'\. Did you mean (.+)\?", "没有命令 {0}，是否想用 {1}"),
        (r"No such command '(.+?)'", "没有命令 {0}"),
        (r"unexpected extra arguments?.*\((.*)\)", "多余的参数 {0}"),
        (r"Option '(.+?)' requires an argument", "选项 {0} 需要取值"),
        (r"Option '(.+?)' does not take a value", "选项 {0} 不接受取值"),
        (r"'(.*)' is not one of (.*?)\.?$", "“{0}”不在可选值 {1} 之内"),
        (r"'(.*)' is not a valid int", "“{0}”不是整数"),
        (r"valid integer", "应为整数"),
        (r"greater than or equal to (\S+)", "应不小于 {0}"),
    )
]
