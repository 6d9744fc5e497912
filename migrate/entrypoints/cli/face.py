"""How a verb looks and how much it says: the options that every verb knows, and what the two streams can show.

stdout carries data and stderr narration; each is judged by itself, so a redirected table holds no colour while
the narration beside it still may.
"""

from __future__ import annotations

import os
import shlex
import shutil
import sys
from collections.abc import Collection, Mapping, Sequence
from dataclasses import dataclass, replace
from typing import Any, TextIO

import click
from click.core import ParameterSource

from migrate.render.terminal import Canvas, Line, Piece, Role, Sign, paint, sign

__all__ = ["Face", "canvas_of", "command_line", "face", "give_common_options", "next_step", "say"]

_KEY = "migrate.face"
UNKNOWN_WIDTH = 80


@dataclass(frozen=True, slots=True)
class Face:
    """What was typed: ``color`` and ``progress`` as the flags have them; ``loudness`` below 0 is ``-q``."""

    color: str = "auto"
    ascii: bool = False
    progress: str = "auto"
    loudness: int = 0
    headers: bool = True


def face() -> Face:
    """Give the settings of the command that runs; the defaults outside of one."""
    context = click.get_current_context(silent=True)
    found = context.find_root().meta.get(_KEY) if context else None
    return found if isinstance(found, Face) else Face()


def _keep(ctx: click.Context, param: click.Parameter, value: Any) -> None:  # noqa: ANN401  # of any type
    """Remember one option; what was not typed keeps its default."""
    if value is None or value is False or param.name is None:
        return
    kept = ctx.find_root().meta
    now = kept.get(_KEY, Face())
    match param.name:
        case "quiet":
            kept[_KEY] = replace(now, loudness=-1)
        case "verbose":
            kept[_KEY] = replace(now, loudness=1)
        case "no_headers":
            kept[_KEY] = replace(now, headers=False)
        case name:
            kept[_KEY] = replace(now, **{name: value})


def _common() -> list[click.Option]:
    shared: Mapping[str, Any] = {"expose_value": False, "callback": _keep}
    return [
        click.Option(["--color"], type=click.Choice(["auto", "always", "never"]), help="Colour; NO_COLOR counts too.",
                     **shared),
        click.Option(["--ascii"], is_flag=True, help="Signs and lines in plain ASCII.", **shared),
        click.Option(["--progress"], type=click.Choice(["auto", "live", "plain", "none"]),
                     help="How long work is told, on stderr.", **shared),
        click.Option(["--no-headers"], is_flag=True, help="Only the rows of a table.", **shared),
        click.Option(["-q", "quiet"], is_flag=True, help="Say less on stderr.", **shared),
        click.Option(["-v", "verbose"], is_flag=True, help="Say more on stderr.", **shared),
    ]  # fmt: skip


def give_common_options(command: click.Command) -> click.Command:
    """Add the options that every verb knows; an option of the verb's own with the same name stays."""
    if isinstance(command, click.Group):
        for inner in command.commands.values():
            give_common_options(inner)
        return command
    taken = {name for param in command.params for name in param.opts}
    command.params += [option for option in _common() if not taken & set(option.opts)]
    return command


def canvas_of(stream: TextIO, *, wide: bool = False) -> Canvas:
    """Say what a stream can show: its width, whether it takes colour, whether it is held to ASCII."""
    settings = face()
    return Canvas(
        width=None if wide else _width(),
        colour=_has_colour(stream, settings.color),
        ascii=settings.ascii or not _speaks_utf8(stream),
        rows_only=not settings.headers,
    )


def _width() -> int:
    return max(shutil.get_terminal_size((UNKNOWN_WIDTH, 24)).columns, 20)


def _has_colour(stream: TextIO, wanted: str) -> bool:
    """``--color`` beats the environment; there, what forbids colour beats what forces it."""
    if wanted != "auto":
        return wanted == "always"
    if os.environ.get("NO_COLOR"):
        return False
    if os.environ.get("FORCE_COLOR") or os.environ.get("CLICOLOR_FORCE"):
        return True
    return is_terminal(stream) and os.environ.get("TERM") != "dumb"


def is_terminal(stream: TextIO) -> bool:
    """Say whether a person looks at the stream."""
    return stream.isatty()


def _speaks_utf8(stream: TextIO) -> bool:
    """Believe the stream's own encoding, and a locale that somebody set; none set says nothing."""
    if not (getattr(stream, "encoding", None) or "utf-8").lower().replace("-", "").startswith("utf8"):
        return False
    said = os.environ.get("LC_ALL") or os.environ.get("LC_CTYPE") or os.environ.get("LANG") or "UTF-8"
    return "utf8" in said.lower().replace("-", "")


def say(*pieces: Piece | str, lines: Sequence[Line] = (), always: bool = False, detail: bool = False) -> None:
    """Narrate on stderr; ``always`` for what nobody may miss, ``detail`` for what only ``-v`` tells."""
    loudness = face().loudness
    if not always and (loudness < 0 or (detail and loudness < 1)):
        return
    told = [*([pieces] if pieces else []), *lines]
    sys.stderr.write(paint(told, replace(canvas_of(sys.stderr), width=None)))
    sys.stderr.flush()


def command_line(without: Collection[str] = ()) -> str:
    """Give the command that runs as one would type it, with the verb's own options alone.

    ``without``: names of options that do not count; the options that every verb knows never do.
    """
    context = click.get_current_context()
    words = context.command_path.split()
    for param in context.command.params:
        name = param.name or ""
        typed = context.get_parameter_source(name) is ParameterSource.COMMANDLINE
        if typed and param.expose_value and name not in without:
            words += _typed(param, context.params[name])
    return shlex.join(words)


def _typed(param: click.Parameter, value: Any) -> list[str]:  # noqa: ANN401  # what the parameter takes
    values = list(value) if param.multiple or param.nargs != 1 else [value]
    if isinstance(param, click.Argument):
        return [str(item) for item in values]
    flag = param.opts[0]
    return [flag] if value is True else [word for item in values for word in (flag, str(item))]


def next_step(command: str) -> None:
    """Say what to type next: the last line, a command that works as printed."""
    say("Next: ", Piece(command, Role.ACCENT))


def failed(what: str, why: str = "", fix: str = "") -> None:
    """Say what went wrong, why, and what to do about it."""
    more = [f"  {name}: {text}" for name, text in (("why", why), ("fix", fix)) if text]
    say(lines=[[sign(Sign.FAIL), " ", what], *([line] for line in more)], always=True)
