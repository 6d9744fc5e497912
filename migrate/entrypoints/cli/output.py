"""Where outputs go: ``-o FORMAT``, ``-o FORMAT=FILE`` or ``-o FILE`` whose suffix names the format."""

from __future__ import annotations

from collections.abc import Callable, Mapping, Sequence

import click

from migrate.adapters.files import write_text
from migrate.errors import Failure

__all__ = ["emit"]

SUFFIXES = {
    ".json": "json",
    ".yaml": "yaml",
    ".yml": "yaml",
    ".jsonl": "jsonl",
    ".md": "markdown",
    ".html": "html",
}


def emit(wanted: Sequence[str], renderers: Mapping[str, Callable[[], str]], default: str = "table") -> None:
    """Render every wanted output; exactly one goes to stdout, the default if none was asked for there."""
    to_stdout: list[str] = []
    for item in wanted:
        name, _, path = item.partition("=")
        if not path and name not in renderers:
            path, name = item, SUFFIXES.get("." + item.rpartition(".")[2], "")
        if name not in renderers:
            known = ", ".join(sorted(renderers))
            raise Failure(f"-o {item}: no such format", fix=f"formats are {known}")
        if path:
            write_text(path, renderers[name]())
            click.echo(f"  Wrote {path}", err=True)
        else:
            to_stdout.append(name)
    if len(to_stdout) > 1:
        raise Failure("two outputs want stdout", fix="write one to a file: -o json=report.json")
    click.echo(renderers[to_stdout[0] if to_stdout else default](), nl=False)
