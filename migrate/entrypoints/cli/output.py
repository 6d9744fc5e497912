"""Where outputs go: ``-o FORMAT``, ``-o FORMAT=FILE`` or ``-o FILE`` whose suffix names the format."""

from __future__ import annotations

import os
import sys
from collections.abc import Callable, Mapping, Sequence
from pathlib import Path

import click

from migrate.adapters.files import write_text
from migrate.errors import Failure

__all__ = ["emit", "formats"]

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


def formats(wanted: Sequence[str]) -> set[str]:
    """Give the formats that are wanted, whether to stdout or to a file."""
    return {_split(item)[0] for item in wanted}


def _split(item: str) -> tuple[str, str]:
    """Give format and path of one ``-o``; an empty path is stdout."""
    name, _, path = item.partition("=")
    suffix = "." + item.rpartition(".")[2]
    if not path and suffix in SUFFIXES and item != SUFFIXES[suffix]:
        return SUFFIXES[suffix], item
    return name, path


def emit(wanted: Sequence[str], renderers: Mapping[str, Callable[[], str]], default: str = "table") -> None:
    """Render every wanted output; exactly one goes to stdout, the default if none was asked for there.

    Annotations for GitHub take the comment along, into the summary of the step that the runner names.
    Raises ``Failure`` for an unknown format, or for two that want stdout, before anything is rendered.
    """
    known = ", ".join(sorted(renderers))
    split = [_split(item) for item in wanted]
    for (name, _), item in zip(split, wanted, strict=True):
        if name not in renderers:
            raise Failure(f"-o {item}: no such format here", fix=f"formats are {known}")
    to_stdout = [name for name, path in split if not path]
    if len(to_stdout) > 1:
        raise Failure("two outputs want stdout", fix="write one to a file: -o json=report.json")
    for name, path in split:
        if path:
            write_text(path, renderers[name]())
            click.echo(f"  Wrote {path}", err=True)
    sys.stdout.write(renderers[to_stdout[0] if to_stdout else default]())
    sys.stdout.flush()
    summary = os.environ.get("GITHUB_STEP_SUMMARY")
    if summary and "github" in formats(wanted):
        with Path(summary).open("a", encoding="utf-8") as stream:
            stream.write(renderers["markdown"]())
