"""``c2c explain``: a code in words, or a stream of flows judged by one engine."""

from __future__ import annotations

import difflib
import json
import sys
from collections.abc import Iterator, Sequence
from pathlib import Path
from typing import Any

import click

from migrate.adapters.files import Loaded, load
from migrate.entrypoints.cli.options import chosen, plan_from, shared
from migrate.entrypoints.cli.trace import Asked, traced
from migrate.errors import Failure
from migrate.exitcodes import ExitCode
from translators.batch import Batch
from translators.diagnostics import CODES
from translators.frontends import is_policy
from translators.settings import Options
from translators.world import AddressPlan
from translators.worldbuilder import build_world

CLASSES = {
    "refuse": "The object is not translated.",
    "stop": "Needs your decision: until then its subjects get no output.",
    "warn": "Exact, but you should know.",
    "info": "Exact.",
    "X": "Cannot be said in Cilium: that part is left out.",
    "A": "Approximate: the flows that differ are listed in the report.",
    "S1": "Exact while the listed objects stay as they are.",
    "S2": "Exact for today's addresses only.",
}


@click.command("explain")
@click.argument("words", nargs=-1, metavar="CODE | FROM TO:PORT[/PROTO]")
@click.option("--engine", type=click.Choice(["calico", "cilium"]))
@click.option("--policies", metavar="PATH", help="Only these policies count.")
@click.option("--before", metavar="PATH", help="The Calico policies, for one flow.")
@click.option("--after", metavar="PATH", help="The Cilium policies; without, they are translated first.")
@click.option("--flows", metavar="FILE", help="Flows, one JSON object a line; - for stdin.")
@click.option("-o", "output", metavar="FORMAT")
@shared
def command(  # noqa: PLR0913, PLR0917  # click hands over every option by name
    words: tuple[str, ...],
    engine: str | None,
    policies: str | None,
    before: str | None,
    after: str | None,
    flows: str | None,
    output: str | None,
    cluster: str | None,
    address_plan: str | None,
    **versions: str | None,
) -> int:
    """Explain a code, one flow under both engines, or judge many flows under one.

    \b
    c2c explain CAL-L502
    c2c explain shop/app=web shop/app=db:5432 --before policies/ --after cilium/
    c2c explain --engine calico --cluster prod/ --flows flows.jsonl -o jsonl
    """
    del output
    if len(words) == 1:
        click.echo(_page(words[0]), nl=False)
        return ExitCode.DONE
    options = chosen(versions["cilium_version"] or "", versions["calico_version"], versions["cilium_config"])
    plan = plan_from(address_plan)
    if len(words) == 2:
        return _trace(words, (before or policies, after, cluster), options, plan)
    if words or not (engine and cluster and flows):
        raise click.UsageError("name a code, a flow (FROM TO:PORT), or --engine, --cluster and --flows")
    around = load([cluster])
    world, _ = build_world(around.documents, plan=plan, is_cluster=True)
    return _judge(Batch(world, _counted(around, policies), engine, options), flows)


def _trace(
    words: Sequence[str],
    paths: tuple[str | None, str | None, str | None],
    options: Options,
    plan: AddressPlan | None,
) -> int:
    before, after, cluster = paths
    if before is None and cluster is None:
        raise click.UsageError("name the Calico policies with --before, or a --cluster that holds them")
    around = load([cluster]).documents if cluster else None
    policies = load([before]).documents if before else [d for d in around or () if is_policy(d)]
    others = [d for d in around if before is None or not is_policy(d)] if around is not None else None
    found = traced(
        words[0],
        words[1],
        Asked(policies, load([after]).documents if after else None, others, options, plan),
    )
    click.echo(found.text(), nl=False)
    return ExitCode.DONE if found.agrees else ExitCode.BLOCKED


def _counted(around: Loaded, policies: str | None) -> list[Any]:
    if policies is None:
        return around.documents
    others = [d for d in around.documents if not is_policy(d) and d.kind != "Tier"]
    return [*others, *load([policies]).documents]


def _judge(batch: Batch, flows: str) -> int:
    broken = False
    for line in _lines(flows):
        text, answered = _answer(batch, line)
        broken = broken or not answered
        sys.stdout.write(text + "\n")
    return ExitCode.USAGE if broken else ExitCode.DONE


def _answer(batch: Batch, line: str) -> tuple[str, bool]:
    """Give the answer to one line as JSON, and whether the line was a flow."""
    try:
        data = json.loads(line)
    except ValueError as error:
        return _refused(str(error)), False
    if not isinstance(data, dict):
        return _refused("a flow is a JSON object"), False
    return batch.answer(data)


def _refused(message: str) -> str:
    return json.dumps({"id": None, "error": {"message": message}}, ensure_ascii=False)


def _lines(path: str) -> Iterator[str]:
    if path == "-":
        yield from sys.stdin
        return
    try:
        with Path(path).open(encoding="utf-8") as stream:
            yield from stream
    except (OSError, UnicodeDecodeError) as error:
        raise Failure(f"{path} cannot be read: {error}", fix="check the file") from error


def _page(code: str) -> str:
    key = code.upper()
    if key not in CODES:
        # The number alone is unique: CAL401 may be typed for CAL-N401.
        digits = "".join(c for c in key if c.isdigit())
        key = next((k for k in CODES if digits and k.endswith(digits)), key)
    if key not in CODES:
        near = difflib.get_close_matches(key, CODES, 1)
        raise Failure(f"there is no code {code}", fix=f"did you mean {near[0]}?" if near else "see docs/")
    info = CODES[key]
    first = info.cls.replace(";", " ").split(maxsplit=1)[0]
    return (
        f"{info.code}  {info.title}\n\n  {_spelled(info.text)}\n\n"
        f"  Class    {info.cls}. {CLASSES.get(first, '')}\n  Remedy   {_spelled(info.remedy)}\n"
    )


def _spelled(text: str) -> str:
    return text.replace("{", "<").replace("}", ">")
