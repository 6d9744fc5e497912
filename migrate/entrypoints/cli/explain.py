"""``c2c explain``: a code in words, or a stream of flows judged by one engine."""

from __future__ import annotations

import difflib
import json
import sys
from collections.abc import Iterator
from pathlib import Path
from typing import Any

import click

from migrate.adapters.files import Loaded, load
from migrate.entrypoints.cli.options import chosen, plan_from, shared
from migrate.errors import Failure
from migrate.exitcodes import ExitCode
from translators.diagnostics import CODES
from translators.explanation import Explainer
from translators.frontends import is_policy
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
@click.argument("code", required=False)
@click.option("--engine", type=click.Choice(["calico", "cilium"]))
@click.option("--policies", metavar="PATH", help="Only these policies count.")
@click.option("--flows", metavar="FILE", help="Flows, one JSON object a line; - for stdin.")
@click.option("-o", "output", metavar="FORMAT")
@shared
def command(
    code: str | None,
    engine: str | None,
    policies: str | None,
    flows: str | None,
    output: str | None,
    cluster: str | None,
    address_plan: str | None,
    **versions: str | None,
) -> int:
    """Explain a code, or judge flows.

    \b
    c2c explain CAL-L502
    c2c explain --engine calico --cluster prod/ --flows flows.jsonl -o jsonl
    """
    del output
    if code:
        click.echo(_page(code), nl=False)
        return ExitCode.DONE
    if not (engine and cluster and flows):
        raise click.UsageError("name a code, or --engine, --cluster and --flows")
    options = chosen(versions["cilium_version"] or "", versions["calico_version"], versions["cilium_config"])
    around = load([cluster])
    plan = plan_from(address_plan)
    world, _ = build_world(around.documents, plan=plan, is_cluster=True)
    explainer = Explainer(world, _counted(around, policies), engine, options)
    return _judge(explainer, flows)


def _counted(around: Loaded, policies: str | None) -> list[Any]:
    if policies is None:
        return around.documents
    others = [d for d in around.documents if not is_policy(d) and d.kind != "Tier"]
    return [*others, *load([policies]).documents]


def _judge(explainer: Explainer, flows: str) -> int:
    broken = False
    for line in _lines(flows):
        answer = _answer(explainer, line)
        broken = broken or "error" in answer
        sys.stdout.write(json.dumps(answer, ensure_ascii=False) + "\n")
    return ExitCode.USAGE if broken else ExitCode.DONE


def _answer(explainer: Explainer, line: str) -> dict[str, Any]:
    try:
        data = json.loads(line)
    except ValueError as error:
        return {"id": None, "error": {"message": str(error)}}
    if not isinstance(data, dict):
        return {"id": None, "error": {"message": "a flow is a JSON object"}}
    return explainer.answer(data)


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
