"""Where outputs go: ``-o FORMAT``, ``-o FORMAT=FILE`` or ``-o FILE`` whose suffix names the format.

A document is rendered once, whatever asks for it, so that stdout and files hold the same bytes.
"""

from __future__ import annotations

import difflib
import os
import sys
from collections.abc import Callable, Mapping, Sequence
from pathlib import Path

import click

from migrate.adapters.files import write_text
from migrate.entrypoints.cli.face import canvas_of, say
from migrate.errors import Failure
from migrate.render.terminal import Canvas

__all__ = ["emit", "files_of", "formats", "outputs_option", "put"]

SUFFIXES = {
    ".json": "json",
    ".yaml": "yaml",
    ".yml": "yaml",
    ".jsonl": "jsonl",
    ".md": "markdown",
    ".html": "html",
    ".svg": "svg",
    ".sarif": "sarif",
    ".xml": "junit",
}
TABLES = frozenset({"table", "wide"})

outputs_option = click.option(
    "-o",
    "outputs",
    multiple=True,
    metavar="FORMAT[=FILE]",
    envvar="C2C_OUTPUT",
    shell_complete=lambda _ctx, _param, typed: [
        n for n in sorted({*SUFFIXES.values(), *TABLES}) if n.startswith(typed)
    ],
    help="Repeatable: a format, or a file whose suffix names it: report.html.",
)


def formats(wanted: Sequence[str]) -> set[str]:
    """Give the formats that are wanted, whether to stdout or to a file."""
    return {_split(item)[0] for item in wanted}


def files_of(wanted: Sequence[str], name: str) -> list[str]:
    """Give the files that one format is to be written to."""
    return [path for found, path in map(_split, wanted) if found == name and path]


def _split(item: str) -> tuple[str, str]:
    """Give format and path of one ``-o``; an empty path is stdout."""
    name, _, path = item.partition("=")
    suffix = "." + item.rpartition(".")[2]
    if not path and suffix in SUFFIXES and item != SUFFIXES[suffix]:
        return SUFFIXES[suffix], item
    return name, path


def emit(
    wanted: Sequence[str], table: Callable[[Canvas], str], renderers: Mapping[str, Callable[[], str]]
) -> None:
    """Render every wanted output; exactly one goes to stdout, the table if none was asked for there.

    ``table`` paints ``table`` and ``wide``. Annotations for GitHub take the comment along, into the summary of the
    step that the runner names. Raises ``Failure`` for an unknown format, or for two that want stdout, before
    anything is rendered, and for a stream or file that takes nothing.
    """
    split = [_split(item) for item in wanted]
    for (name, _), item in zip(split, wanted, strict=True):
        if name not in renderers and name not in TABLES:
            raise Failure(f"-o {item}: no such format here", fix=_formats(name, renderers))
    to_stdout = [name for name, path in split if not path]
    if len(to_stdout) > 1:
        raise Failure("two outputs want stdout", fix="write one to a file: -o json=report.json")
    done: dict[str, str] = {}
    for name, path in split:
        if path:
            if name not in done:
                done[name] = renderers[name]() if name in renderers else table(_of_file(name))
            write_text(path, done[name])
            say(f"  Wrote {path}")
    shown = to_stdout[0] if to_stdout else "table"
    if shown in TABLES:
        put(table(canvas_of(sys.stdout, wide=shown == "wide")))
    else:
        put(done[shown] if shown in done else renderers[shown]())
    summary = os.environ.get("GITHUB_STEP_SUMMARY")
    if summary and "github" in formats(wanted):
        with Path(summary).open("a", encoding="utf-8") as stream:
            stream.write(renderers["markdown"]())


def _of_file(name: str) -> Canvas:
    return Canvas(width=None) if name == "wide" else Canvas()


def _formats(name: str, renderers: Mapping[str, object]) -> str:
    known = sorted({*renderers, *TABLES})
    near = difflib.get_close_matches(name, known, 1)
    return f"did you mean {near[0]}?" if near else f"formats are {', '.join(known)}"


def put(text: str) -> None:
    """Write to stdout; a reader that has gone is no failure, a full disk is."""
    try:
        sys.stdout.write(text)
        sys.stdout.flush()
    except BrokenPipeError:
        raise
    except OSError as error:
        raise Failure(
            f"stdout takes nothing: {error.strerror}", fix="write to a file: -o json=FILE"
        ) from error
