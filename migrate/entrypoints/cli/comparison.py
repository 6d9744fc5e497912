"""Policy sets held against each other, or against expectations: what ``verify`` judges and ``diff`` merely shows."""

from __future__ import annotations

from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass
from typing import Any

import click

from migrate.adapters.expectations import read_expectations
from migrate.adapters.files import Loaded, kept_policies, load, report_in
from migrate.entrypoints.cli.face import say
from migrate.entrypoints.cli.options import chosen, cluster_from, plan_from, shared, tier_options
from migrate.entrypoints.cli.output import formats, outputs_option
from migrate.entrypoints.cli.progress import progress
from migrate.errors import Failure
from migrate.exitcodes import ExitCode
from migrate.render.outcome import Outcome, accepted_in
from migrate.render.terminal import Sign, sign
from translators.conditions import Broken, Facts, recheck
from translators.diagnostics import Severity
from translators.errors import InputError
from translators.expectations import Answer, hold
from translators.frontends import is_policy, read_policies
from translators.policyset import CALICO, CILIUM, Around, engine_of, read_set
from translators.reachability import reachability
from translators.report import Matrix
from translators.settings import Options
from translators.source import Document
from translators.verification import verify
from translators.world import AddressPlan

__all__ = ["Request", "both_sides", "outcome"]

UNREADABLE = frozenset({"CAL-P101", "CAL-P118"})


def both_sides[F: Callable[..., object]](command: F) -> F:
    """Add the options that verify and diff have in common."""
    for option in (
        click.option("--tier", "tiers", multiple=True, metavar="NAME=ORDER[:Pass]", help="A tier that is only named."),
        click.option("--after", type=click.Path(), metavar="PATH", help="The set after: Cilium's, Kubernetes', or Calico's edited."),
        click.option("--before", type=click.Path(), metavar="PATH", help="The set before: Calico's, Kubernetes', or Cilium's."),
        outputs_option,
        shared,
    ):  # fmt: skip
        command = option(command)
    return command


@dataclass(frozen=True, slots=True)
class Request:
    """What is to be compared, as typed; ``expect`` names a file of expectations."""

    before: str | None
    after: str | None
    cluster: str | None
    expect: str | None
    options: Options
    plan: AddressPlan | None
    pictured: bool

    @classmethod
    def of(cls, outputs: Sequence[str], given: Mapping[str, Any]) -> Request:
        """Read the options of one call."""
        options = chosen(
            given["cilium_version"] or "",
            given["calico_version"],
            given["cilium_config"],
            tiers=tier_options(given["tiers"]),
        )
        return cls(
            given["before"],
            given["after"],
            given["cluster"],
            given.get("expect"),
            options,
            plan_from(given["address_plan"]),
            pictured="svg" in formats(outputs),
        )


def outcome(request: Request) -> Outcome:
    """Compare, ask the expectations, and re-check the conditions of what ``translate`` wrote.

    Where ``after`` is such a folder, the policies that its report keeps stay in force beside it. Raises ``Failure``
    for sides that cannot be compared, and where a snapshot is incomplete.
    """
    around = _cluster(request.cluster)
    behind = [d for d in around.documents if not is_policy(d)] if around is not None else None
    old, new = (_side(path) for path in (request.before, request.after))
    if old is None and around is not None and request.after and any(is_policy(d) for d in around.documents):
        old = [d for d in around.documents if is_policy(d) and not d.group.startswith("cilium.io")]
    if new is not None and old is not None and request.after:
        kept = kept_policies(request.after)
        new = [*new, *(d for d in old if (d.kind, d.namespace, d.name) in kept)]
    setting = Around(behind, request.plan, request.options)
    try:
        return _found(request, (old, new), setting)
    except InputError as error:
        raise Failure(error.what, why=error.why, fix=error.fix) from error


def _found(
    request: Request, sides: tuple[list[Document] | None, list[Document] | None], around: Around
) -> Outcome:
    old, new = sides
    answers = _answers(request, sides, around)
    if old is None or new is None:
        return Outcome(answers=answers)
    with progress("comparing"):
        found = verify(old, new, cluster=around.cluster, options=around.options, plan=around.plan)
    report = (report_in(request.after) if request.after else None) or {}
    broken, count = _conditions(report, old, around)
    matrix = _matrix(old, new, around) if request.pictured else None
    return Outcome(found, answers, tuple(broken), count, matrix, accepted_in(report))


def _cluster(path: str | None) -> Loaded | None:
    around = cluster_from(path)
    for item in around.diagnostics if around is not None else ():
        if item.code in UNREADABLE:
            raise Failure(f"{item.code} {item.span}: {item.message}", fix=item.remedy)
    if around is not None and around.unread:
        raise Failure(
            f"the snapshot could not read {', '.join(sorted(around.unread))}",
            why="what is missing might decide",
            fix="take the snapshot again with the rights that it needs",
            code=ExitCode.INCONCLUSIVE,
        )
    return around


def _side(path: str | None) -> list[Document] | None:
    """Read one side; raises ``Failure`` for a file of which nothing can be told."""
    if path is None:
        return None
    loaded = load([path])
    for item in loaded.diagnostics:
        if item.code in UNREADABLE or (item.code == "CAL-P117" and item.severity is Severity.ERROR):
            raise Failure(f"{item.code} {item.span}: {item.message}", fix=item.remedy)
        if item.code == "CAL-P117":
            say(sign(Sign.WARN), f" {item.code} {item.span}: {item.message}", always=True)
    if not any(is_policy(d) or d.kind.startswith("Cilium") for d in loaded.documents):
        raise Failure(f"{path} holds no policy", fix="name a file or folder of policies")
    return loaded.documents


def _answers(
    request: Request, sides: tuple[list[Document] | None, list[Document] | None], around: Around
) -> tuple[Answer, ...]:
    if request.expect is None:
        return ()
    wanted = read_expectations(request.expect)
    found: list[Answer] = []
    with progress("asking the expectations"):
        for documents, otherwise in zip(sides, (CALICO, CILIUM), strict=True):
            if documents is not None:
                found += hold(wanted, read_set(documents, engine_of(documents, otherwise), around))
    return tuple(found)


def _conditions(
    report: Mapping[str, Any], old: Sequence[Document], around: Around
) -> tuple[list[Broken], int]:
    """Hold the conditions of the report in ``--after`` against the cluster, or against the files without one."""
    conditions = report.get("conditions")
    if not isinstance(conditions, list):
        return [], 0
    of_cluster = [d for d in around.cluster or () if d.kind == "Tier"]
    tiers = read_policies((d for d in old if d.kind == "Tier"), tiers=of_cluster).tiers
    facts = Facts(read_set(old, CALICO, around).world, tiers, around.options.cilium_version)
    listed = [item for item in conditions if isinstance(item, dict)]
    return recheck(listed, facts), len(listed)


def _matrix(old: Sequence[Document], new: Sequence[Document], around: Around) -> Matrix:
    with progress("drawing who can talk to whom"):
        return reachability(old, new, cluster=around.cluster, options=around.options, plan=around.plan)
