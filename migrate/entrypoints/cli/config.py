"""``c2c config``: begin, check and look at the configuration file."""

from __future__ import annotations

import json
from collections.abc import Mapping
from typing import Any

import click
import yaml

from migrate.config import checked, defaults, example, schema
from migrate.entrypoints.cli.configuration import found_file, read_bytes
from migrate.exitcodes import ExitCode


@click.group("config")
def command() -> None:
    """Begin, check and look at the configuration file.

    \b
    c2c config init > c2c.yaml
    c2c config validate
    c2c config show --origin
    """


@command.command("init")
def init() -> int:
    """Print a commented file to begin with."""
    click.echo(example(), nl=False)
    return ExitCode.DONE


@command.command("validate")
@click.argument("path", required=False)
def validate(path: str | None) -> int:
    """Check a file: every mistake with its place and its remedy."""
    name = found_file(path)
    if name is None:
        click.echo("✖ there is no configuration file\n  fix: c2c config init > c2c.yaml", err=True)
        return ExitCode.USAGE
    _, problems = checked(name, read_bytes(name))
    for problem in problems:
        click.echo(f"✖ {problem.span}: {problem.what}; {problem.fix}")
    if problems:
        return ExitCode.BLOCKED
    click.echo(f"  {name}: nothing wrong", err=True)
    return ExitCode.DONE


@command.command("show")
@click.argument("path", required=False)
@click.option("--origin", is_flag=True, help="Say where each value comes from.")
def show(path: str | None, origin: bool) -> int:
    """Print the values in force: the file's, else the defaults."""
    name = found_file(path)
    values, problems = checked(name, read_bytes(name)) if name else ({}, [])
    if problems:
        click.echo(f"✖ {problems[0].span}: {problems[0].what}; {problems[0].fix}", err=True)
        return ExitCode.BLOCKED
    merged = _merged(defaults(), values)
    if not origin:
        click.echo(yaml.safe_dump(merged, sort_keys=False, allow_unicode=True), nl=False)
        return ExitCode.DONE
    for key, value in _leaves(merged):
        source = name if _has(values, key) else "default"
        click.echo(f"{'.'.join(key)} = {json.dumps(value, ensure_ascii=False, default=str)}  # {source}")
    return ExitCode.DONE


@command.command("schema")
def print_schema() -> int:
    """Print the JSON Schema of the file."""
    click.echo(json.dumps(schema(), indent=2))
    return ExitCode.DONE


def _merged(base: Mapping[str, Any], over: Mapping[str, Any]) -> dict[str, Any]:
    found = dict(base)
    for key, value in over.items():
        known = found.get(key)
        if isinstance(known, Mapping) and isinstance(value, Mapping):
            found[key] = _merged(known, value)
        else:
            found[key] = value
    return found


def _leaves(values: Mapping[str, Any], path: tuple[str, ...] = ()) -> list[tuple[tuple[str, ...], Any]]:
    found: list[tuple[tuple[str, ...], Any]] = []
    for key, value in values.items():
        below = _leaves(value, (*path, str(key))) if isinstance(value, Mapping) and value else None
        found += [((*path, str(key)), value)] if below is None else below
    return found


def _has(values: object, path: tuple[str, ...]) -> bool:
    for key in path:
        if not isinstance(values, Mapping) or key not in values:
            return False
        values = values[key]
    return True
