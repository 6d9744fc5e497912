"""``c2c preflight``: everything that could stop a migration, with what removes it."""

from __future__ import annotations

from collections.abc import Iterator, Mapping, Sequence
from contextlib import contextmanager
from functools import partial
from typing import Any

import click

from migrate.adapters.snapshots import LoadedSnapshot
from migrate.entrypoints.cli.configuration import Configuration, configuration
from migrate.entrypoints.cli.connecting import Connected, connected, connection_options
from migrate.entrypoints.cli.face import next_step, say
from migrate.entrypoints.cli.output import emit, outputs_option
from migrate.entrypoints.cli.planning import LIVE, dumped, judged
from migrate.entrypoints.cli.programs import check_configured
from migrate.entrypoints.cli.progress import progress
from migrate.errors import Failure
from migrate.exitcodes import ExitCode
from migrate.model.findings import Finding, Severity
from migrate.preflight.judge import Verdict, keys, stops
from migrate.preflight.registry import every_rule, migration_rules
from migrate.preflight.report import PreflightReport
from migrate.preflight.rule import Group, Rule
from migrate.render import preflight as render
from migrate.render.terminal import Sign, sign

__all__ = ["acceptances", "command"]

EXITS = {Verdict.GO: ExitCode.DONE, Verdict.NO_GO: ExitCode.BLOCKED, Verdict.UNKNOWN: ExitCode.INCONCLUSIVE}
UNREASONED = "accepted on the command line"
MAX_PROBLEMS = 10
ASKING = "reading the cluster, translating its policies, asking every rule"


@click.command("preflight")
@click.option(
    "--cluster", metavar="SNAPSHOT|live", default=LIVE, help="Folder or .tgz; live: through the API."
)
@click.option(
    "--select", multiple=True, metavar="GROUP,…", help="Only these groups, or codes: capacity,CP2071."
)
@click.option("--node", metavar="NODE", help="Only what stops this node.")
@click.option("--accept", multiple=True, metavar="ID[:OBJECT][=REASON]", help="Accept one finding.")
@click.option("--config", metavar="FILE", help="The configuration; else ./c2c.yaml, if there is one.")
@outputs_option
@click.option("--exit-zero", is_flag=True, help="Report, but exit 0.")
@connection_options
def command(
    cluster: str,
    select: Sequence[str],
    node: str | None,
    accept: Sequence[str],
    config: str | None,
    outputs: Sequence[str],
    **said: Any,  # noqa: ANN401  # options
) -> int:
    """Say what could stop the migration, with the command that removes it: go, no-go, or not known.

    Groups: identity, capacity, eviction, placement, network, access, values, policy, flows, observability, time,
    permissions, no-return.

    \b
    c2c preflight
    c2c preflight --cluster prod.tgz --select capacity,eviction --node wrk-3
    c2c preflight --cluster prod.tgz --accept CP2031:shop/db="recycled by hand" -o preflight.html
    """
    conf = configuration(config)
    check_configured(conf)
    rules = _chosen(select)
    exit_zero = said.pop("exit_zero")
    with _readable(cluster, said) as (place, live), progress(ASKING):
        made = judged(place, conf, acceptances(conf, accept), rules, live)
    _warn(made.loaded)
    snapshot = made.loaded.snapshot
    if node and node not in {n.name for n in snapshot.nodes}:
        raise Failure(f"there is no node {node}", fix="c2c preflight -o json lists them")
    _check_acceptances(accept, made.judgement.findings)
    report = PreflightReport(snapshot, made.draft, made.judgement, {r.id: r for r in rules}, node or "")
    emit(outputs, partial(render.table, report), render.renderers(report, cluster))
    return _leave(report, exit_zero=exit_zero)


@contextmanager
def _readable(cluster: str, said: Mapping[str, Any]) -> Iterator[tuple[str, Connected | None]]:
    """Give a snapshot's place; a live cluster is dumped first."""
    if cluster != LIVE:
        yield cluster, None
        return
    there = connected(**said)
    with dumped(there, ["apply"]) as folder:
        yield folder, there


def _chosen(select: Sequence[str]) -> tuple[Rule, ...]:
    """Give the rules of the groups and codes that are named; those of a migration without a name."""
    words = [word.strip() for item in select for word in item.split(",") if word.strip()]
    if not words:
        return migration_rules()
    found = []
    for word in words:
        named = [r for r in every_rule() if word.lower() == str(r.group) or word.upper() in {r.code, r.id}]
        if not named:
            raise Failure(f"--select {word}: no such group or code", fix=f"groups are {', '.join(Group)}")
        found += named
    return tuple(sorted(dict.fromkeys(found), key=lambda r: r.number))


def acceptances(conf: Configuration, typed: Sequence[str]) -> Mapping[str, str]:
    """Give code, or code and object, to reason; what was typed counts over what stands in the configuration."""
    return {key: reason for text in (*conf.accepted, *typed) for key, reason in [_split(text)]}


def _split(text: str) -> tuple[str, str]:
    """Read ``ID[:OBJECT][=REASON]``; an id may be a rule's (``PRE-031``)."""
    key, _, reason = text.partition("=")
    code, colon, name = key.partition(":")
    code = code.upper().replace("PRE-", "CP2")
    return f"{code}{colon}{name}", reason or UNREASONED


def _check_acceptances(typed: Sequence[str], findings: Sequence[Finding]) -> None:
    """Raise ``Failure`` for a typed acceptance that finds nothing, or that nothing may accept."""
    for text in typed:
        key, _ = _split(text)
        hits = [f for f in findings if key in keys(f)]
        if not hits:
            raise Failure(f"--accept {text}: there is no such finding", fix="the ids stand in -o json")
        if any(f.severity is Severity.MANDATORY for f in hits):
            raise Failure(
                f"--accept {text}: {hits[0].code} cannot be accepted", fix=f"c2c explain {hits[0].code}"
            )
        if not any(f.severity is Severity.BLOCK for f in hits):
            raise Failure(f"--accept {text}: {hits[0].code} stops nothing here", fix="leave it out")


def _warn(loaded: LoadedSnapshot) -> None:
    for problem in loaded.problems[:MAX_PROBLEMS]:
        say(sign(Sign.UNSURE), f" {problem}", always=True)
    if len(loaded.problems) > MAX_PROBLEMS:
        say(f"  and {len(loaded.problems) - MAX_PROBLEMS} more that could not be read", always=True)


def _leave(report: PreflightReport, *, exit_zero: bool) -> int:
    verdict = report.verdict
    if verdict is Verdict.GO:
        return ExitCode.DONE
    first = next((f.code for f in report.findings if stops(f)), None)
    next_step(f"c2c explain {first or report.rules[report.blind[0].rule].code}")
    return ExitCode.DONE if exit_zero else EXITS[verdict]
