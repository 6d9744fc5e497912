"""Whether the user's own programs can be run here: asked before a plan is made and before it is carried out.

They run where c2c runs. A run that relies on one that is not there would stop half-way.
"""

from __future__ import annotations

from collections.abc import Iterator, Sequence

from migrate.adapters.programs import not_to_be_run
from migrate.entrypoints.cli.configuration import Configuration, read_bytes
from migrate.errors import Failure
from migrate.exitcodes import ExitCode
from migrate.model.draft import Draft
from migrate.model.fields import items, maps
from migrate.model.settings import Settings
from migrate.redaction import redacted_text
from translators.source import read

__all__ = ["check_configured", "check_planned", "of_settings"]

HERE = "install it here and make it executable; in a Job (--in-cluster) the image has to hold it at the same path"
Place = tuple[str | int, ...]


def of_settings(settings: Settings) -> Iterator[tuple[str, Sequence[str]]]:
    """Give every program that a run would start, each with its key in the configuration."""
    for number, hook in enumerate(settings.nodes.hooks):
        yield f"nodes.hooks[{number}].command", hook.command
    if settings.nodes.replace:
        yield "nodes.replace.command", settings.nodes.replace


def check_planned(draft: Draft) -> None:
    """Raise ``Failure`` (exit 3) where a program of the plan cannot be run here, or one that it needs is not named."""
    replaced = sorted(name for name, how in draft.nodes.items() if how.mode == "replace")
    if replaced and not draft.settings.nodes.replace:
        raise Failure(
            f"{replaced[0]} is to be replaced, and no program is named that does it",
            fix="nodes: {replace: {command: [PROGRAM]}} in the configuration; then c2c plan again",
            code=ExitCode.BLOCKED,
        )
    for key, command in of_settings(draft.settings):
        if wrong := not_to_be_run(command):
            raise Failure(f"{key}: {command[0]} {wrong}", fix=HERE, code=ExitCode.BLOCKED)


def check_configured(conf: Configuration) -> None:
    """Raise ``Failure`` with its line where a program cannot be run here, or a word of its command looks like a secret."""
    for place, command in _written(conf):
        wrong, fix = not_to_be_run(command), HERE
        if not wrong and any(redacted_text(word) != word for word in command):
            wrong, fix = "is given a secret, which would stand in the plan", "let it read its secrets itself"
        if wrong:
            (document,) = read(conf.file, read_bytes(conf.file)).documents
            key = "".join(f"[{p}]" if isinstance(p, int) else f".{p}" for p in place).lstrip(".")
            raise Failure(f"{document.at(*place)}: {key}: {command[0]} {wrong}", fix=fix)


def _written(conf: Configuration) -> Iterator[tuple[Place, list[str]]]:
    for number, hook in enumerate(maps(conf.section("nodes"), "hooks")):
        yield ("nodes", "hooks", number, "command"), [str(word) for word in items(hook, "command")]
    if command := items(conf.section("nodes"), "replace", "command"):
        yield ("nodes", "replace", "command"), [str(word) for word in command]
