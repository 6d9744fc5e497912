"""Command lines of ours in pages: found, and parsed as the shell and the program would, without running them."""

from __future__ import annotations

import re
import shlex
from collections.abc import Iterator

import click

from migrate.entrypoints.cli.main import root

__all__ = ["in_blocks", "in_prose", "typed"]

_BLOCK = re.compile(r"^```sh\n(.*?)^```", re.MULTILINE | re.DOTALL)


def in_blocks(text: str) -> Iterator[str]:
    """Give the lines of shell blocks that begin with ``c2c``, each up to a pipe or a redirection."""
    for block in _BLOCK.findall(text):
        yield from _ours(block.splitlines())


def in_prose(text: str) -> Iterator[str]:
    """Give what stands between backquotes outside of blocks and begins with ``c2c`` and a verb."""
    yield from _ours(re.findall(r"`([^`]+)`", _BLOCK.sub("", text)))


def _ours(lines: list[str]) -> Iterator[str]:
    for line in lines:
        if line.startswith("c2c ") and "…" not in line:
            yield re.split(r" \| | > ", line)[0]


def typed(line: str) -> click.Context:
    """Parse a command; raises ``UsageError`` for what cannot be typed."""
    program, verb, *words = shlex.split(line)
    assert program == "c2c"
    command = root.get_command(click.Context(root), verb)
    assert command is not None, f"{verb} is no verb"
    return command.make_context(verb, words)
