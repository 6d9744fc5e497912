"""``c2c explain``: a code in words, one flow under both engines, or a stream of flows judged by one."""

from __future__ import annotations

import difflib
import json
import re
import sys
from collections.abc import Iterator, Sequence
from functools import partial
from importlib import resources
from pathlib import Path
from typing import Any

import click
import yaml

from migrate.adapters.files import Loaded, load
from migrate.adapters.runbook_pages import page_names, page_text
from migrate.engine.reasons import GATES, every_halt, gate_slug
from migrate.entrypoints.cli.face import next_step, say
from migrate.entrypoints.cli.options import chosen, cluster_from, plan_from, shared
from migrate.entrypoints.cli.output import emit, formats, outputs_option
from migrate.errors import Failure
from migrate.exitcodes import ExitCode
from migrate.render import code as code_page
from migrate.render import trace
from migrate.render.terminal import Sign, sign
from translators import explain
from translators.batch import Batch
from translators.diagnostics import CODES
from translators.ends import parse_end, parse_target
from translators.errors import InputError
from translators.frontends import is_policy
from translators.policyset import in_force
from translators.settings import Options
from translators.world import AddressPlan
from translators.worldbuilder import build_world


def _codes(_ctx: click.Context, _param: click.Parameter, typed: str) -> list[str]:
    """Complete a code or a halt."""
    return [name for name in (*CODES, *every_halt()) if name.startswith((typed.upper(), typed.lower()))]


@click.command("explain")
@click.argument("words", nargs=-1, metavar="CODE | HALT | FROM TO:PORT[/PROTO]", shell_complete=_codes)
@click.option("--engine", type=click.Choice(["calico", "cilium"]), help="For a batch: whose verdicts.")
@click.option("--policies", type=click.Path(), metavar="PATH", help="Only these policies count.")
@click.option("--before", type=click.Path(), metavar="PATH", help="The Calico policies, for one flow.")
@click.option(
    "--after",
    type=click.Path(),
    metavar="PATH",
    help="The Cilium policies; without, they are translated first.",
)
@click.option(
    "--flows", type=click.Path(), metavar="FILE", help="A batch: flows, one JSON object a line; - for stdin."
)
@outputs_option
@shared
def command(words: tuple[str, ...], outputs: tuple[str, ...], **given: Any) -> int:  # noqa: ANN401  # by name
    """Explain a code, a halt, one flow under both engines, or judge many flows under one.

    HALT is the reason of a halted run, a gate, or a procedure of the runbooks: its page is printed.

    FROM and TO are ns/pod, ns/app=web, an IP ([fd00::1] before a port), host:NODE or world; a port is 5432,
    53/UDP, icmp/8 or proto/47.

    \b
    c2c explain CAL-L502
    c2c explain CP2071
    c2c explain drain
    c2c explain shop/app=web shop/app=db:5432 --before policies/ --after cilium/
    c2c explain --engine calico --cluster prod/ --flows flows.jsonl -o jsonl
    """
    if len(words) == 1:
        return _code(words[0], outputs)
    options = chosen(given["cilium_version"] or "", given["calico_version"], given["cilium_config"])
    plan = plan_from(given["address_plan"])
    if len(words) == 2:
        return _trace(words, outputs, given, options, plan)
    if words or not (given["engine"] and given["cluster"] and given["flows"]):
        raise click.UsageError("name a code, a flow (FROM TO:PORT), or --engine, --cluster and --flows")
    if formats(outputs) - {"jsonl"}:
        raise Failure("a batch is answered line by line", fix="leave -o out, or write -o jsonl")
    return _batch(given, options, plan)


def _trace(
    words: Sequence[str],
    outputs: Sequence[str],
    given: dict[str, Any],
    options: Options,
    plan: AddressPlan | None,
) -> int:
    before, cluster = given["before"] or given["policies"], given["cluster"]
    if before is None and cluster is None:
        raise click.UsageError("name the Calico policies with --before, or a --cluster that holds them")
    around = cluster_from(cluster)
    listed = around.documents if around is not None else []
    _warn(around)
    policies = load([before]).documents if before else [d for d in listed if is_policy(d)]
    behind = [d for d in listed if before is None or not is_policy(d)] if around is not None else None
    after = load([given["after"]]).documents if given["after"] else None
    try:
        source, (target, packet) = parse_end(words[0]), parse_target(words[1])
        flow = {"src": source, "dst": target, **packet.fields()}
        found = explain(flow, policies, after, cluster=behind, options=options, plan=plan)
    except InputError as error:
        raise Failure(error.what, why=error.why, fix=error.fix) from error
    emit(outputs, partial(trace.table, found, str(packet)), trace.renderers(found, str(packet)))
    if found.agrees:
        return ExitCode.DONE
    say("The engines differ.")
    return ExitCode.BLOCKED


def _warn(around: Loaded | None) -> None:
    if around is not None and around.unread:
        kinds = ", ".join(sorted(around.unread))
        say(sign(Sign.WARN), f" the snapshot could not read {kinds}: a verdict may hang on it", always=True)


def _batch(given: dict[str, Any], options: Options, plan: AddressPlan | None) -> int:
    around = load([given["cluster"]])
    _warn(around)
    world, _ = build_world(around.documents, plan=plan, is_cluster=True)
    counted = _counted(around, given["policies"])
    kept = in_force(counted, given["engine"])
    read = {id(document) for document in kept}
    for item in (d for d in counted if id(d) not in read):
        name = f"{item.kind} {item.namespace}/{item.name}".replace(" /", " ")
        say(sign(Sign.FAIL), f" {item.span}: {name} cannot be read, and counts as absent", always=True)
    batch = Batch(world, kept, given["engine"], options)
    broken = len(kept) < len(counted)
    for line in _lines(given["flows"]):
        text, answered = _answer(batch, line)
        broken = broken or not answered
        sys.stdout.write(text + "\n")
    sys.stdout.flush()
    return ExitCode.USAGE if broken else ExitCode.DONE


def _counted(around: Loaded, policies: str | None) -> list[Any]:
    if policies is None:
        return around.documents
    others = [d for d in around.documents if not is_policy(d) and d.kind != "Tier"]
    return [*others, *load([policies]).documents]


def _answer(batch: Batch, line: bytes) -> tuple[str, bool]:
    """Give the answer to one line as JSON, and whether the line was a flow."""
    try:
        data = json.loads(line.decode("utf-8"))
    except UnicodeDecodeError:
        return _refused("the line is not UTF-8"), False
    except (ValueError, RecursionError) as error:
        return _refused(str(error)), False
    if not isinstance(data, dict):
        return _refused("a flow is a JSON object"), False
    return batch.answer(data)


def _refused(message: str) -> str:
    return json.dumps({"id": None, "error": {"message": message}}, ensure_ascii=False)


def _lines(path: str) -> Iterator[bytes]:
    if path == "-":
        yield from sys.stdin.buffer
        return
    try:
        with Path(path).open("rb") as stream:
            yield from stream
    except OSError as error:
        raise Failure(f"{path} cannot be read: {error.strerror}", fix="check the path") from error


def _code(text: str, outputs: Sequence[str]) -> int:
    if page := _page(text):
        return _runbook(page, outputs)
    if text.upper().startswith(("CP2", "PRE")):
        return _check(text, outputs)
    key = _key(text)
    info, example = CODES[key], _example(key)
    emit(outputs, partial(code_page.table, info, example), code_page.renderers(info, example))
    return ExitCode.DONE


def _page(text: str) -> str | None:
    """Find a runbook by a halt reason, a gate (``G-06``, ``gate-06``) or a procedure; ``runbooks`` lists them all."""
    wanted = text.lower()
    if re.fullmatch(r"g(ate)?-\d\d", wanted) and (gate := f"G-{wanted[-2:]}") in GATES:
        wanted = gate_slug(gate)
    elif wanted == "runbooks":
        wanted = "readme"
    return next((n for n in page_names() if n.rpartition("/")[2].lower() == wanted), None)


def _runbook(page: str, outputs: Sequence[str]) -> int:
    from migrate.render import runbook  # noqa: PLC0415  # only for a halt

    text, halt = page_text(page), every_halt().get(page)
    emit(outputs, partial(runbook.table, text), runbook.renderers(page, text, halt))
    return ExitCode.DONE


def _check(text: str, outputs: Sequence[str]) -> int:
    """Explain a rule of preflight."""
    from migrate.preflight.registry import every_rule, rule_named  # noqa: PLC0415  # only for such a code
    from migrate.render import rule as rule_page  # noqa: PLC0415  # see above

    rule = rule_named(text)
    if rule is None:
        near = difflib.get_close_matches(text.upper(), [r.code for r in every_rule()], 1)
        raise Failure(
            f"there is no code {text}", fix=f"did you mean {near[0]}?" if near else "c2c preflight names them"
        )
    emit(outputs, partial(rule_page.table, rule), rule_page.renderers(rule))
    return ExitCode.DONE


def _key(text: str) -> str:
    """Find a code; the number alone is unique, so CAL401 may be typed for CAL-N401."""
    key = text.upper()
    if key in CODES:
        return key
    digits = "".join(c for c in key if c.isdigit())
    if found := next((k for k in CODES if len(digits) == 3 and k.endswith(digits)), None):
        return found
    near = difflib.get_close_matches(key, CODES, 1)
    if not near:
        next_step("c2c explain CAL-L502")
    raise Failure(
        f"there is no code {text}", fix=f"did you mean {near[0]}?" if near else "codes look like CAL-L502"
    )


def _example(key: str) -> dict[str, str]:
    """Give the smallest input that raises a code, and what is said of it then; nothing for a code without one."""
    text = resources.files("migrate.data").joinpath("examples.yaml").read_text(encoding="utf-8")
    found = yaml.load(text, Loader=getattr(yaml, "CSafeLoader", yaml.SafeLoader))  # noqa: S506  # a safe one
    return dict(found.get(key) or {})
