"""``c2c config``: begin, check and look at the configuration file."""

from __future__ import annotations

import json
import sys
from collections.abc import Mapping
from typing import Any

import click
import yaml

from migrate.config import checked, defaults, example, schema
from migrate.entrypoints.cli.configuration import found_file, read_bytes
from migrate.entrypoints.cli.face import canvas_of, say
from migrate.entrypoints.cli.options import cluster_from
from migrate.entrypoints.cli.output import emit, outputs_option, put
from migrate.errors import Failure
from migrate.exitcodes import ExitCode
from migrate.render.terminal import Line, Sign, paint, sign
from translators.worldbuilder import build_world


@click.group("config")
def command() -> None:
    """Begin, check and look at the configuration file.

    \b
    c2c config init > c2c.yaml
    c2c config validate
    c2c config show --origin
    """


@command.command("init")
@click.option("--cluster", type=click.Path(), metavar="SNAPSHOT", help="Take the ranges from a cluster.")
def init(cluster: str | None) -> int:
    """Print a commented file to begin with."""
    around = cluster_from(cluster)
    plan = build_world(around.documents, is_cluster=True)[0].plan if around is not None else None
    put(example(plan))
    return ExitCode.DONE


@command.command("validate")
@click.argument("path", required=False, type=click.Path())
def validate(path: str | None) -> int:
    """Check a file: every mistake with its place and its remedy."""
    name = found_file(path)
    if name is None:
        raise Failure("there is no configuration file", fix="c2c config init > c2c.yaml")
    _, problems = checked(name, read_bytes(name))
    lines: list[Line] = [[sign(Sign.FAIL), f" {p.span}: {p.what}; {p.fix}"] for p in problems]
    put(paint(lines, canvas_of(sys.stdout, wide=True)))
    if problems:
        return ExitCode.BLOCKED
    say(f"  {name}: nothing wrong")
    return ExitCode.DONE


@command.command("show")
@click.argument("path", required=False, type=click.Path())
@click.option("--origin", is_flag=True, help="Say where each value comes from.")
@outputs_option
def show(path: str | None, origin: bool, outputs: tuple[str, ...]) -> int:
    """Print the values in force: the file's, else the defaults."""
    name = found_file(path)
    values, problems = checked(name, read_bytes(name)) if name else ({}, [])
    if problems:
        raise Failure(f"{problems[0].span}: {problems[0].what}", fix=problems[0].fix, code=ExitCode.BLOCKED)
    merged = _merged(defaults(), values)
    text = yaml.safe_dump(merged, sort_keys=False, allow_unicode=True)
    if origin:
        rows = [(key, value, name if _has(values, key) else "default") for key, value in _leaves(merged)]
        told = [f"{'.'.join(key)} = {_json(value)}  # {source}\n" for key, value, source in rows]
        text = "".join(told)
    formats = {"yaml": lambda: text, "json": lambda: json.dumps(merged, indent=2, ensure_ascii=False) + "\n"}
    emit(outputs, lambda _: text, formats)
    return ExitCode.DONE


@command.command("schema")
def print_schema() -> int:
    """Print the JSON Schema of the file."""
    put(json.dumps(schema(), indent=2) + "\n")
    return ExitCode.DONE


def _json(value: object) -> str:
    return json.dumps(value, ensure_ascii=False, default=str)


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
