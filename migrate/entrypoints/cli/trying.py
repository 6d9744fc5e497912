"""Dry runs of a plan: against the simulator made of the live cluster, or against the API server with ``dryRun=All``.

Neither changes anything and neither takes the lock.
"""

from __future__ import annotations

import json
from collections.abc import Callable, Iterator, Mapping, Sequence
from dataclasses import dataclass
from functools import partial
from typing import Any

import click

from migrate.adapters.eviction import KubeEvictor
from migrate.adapters.live_answers import admission
from migrate.adapters.live_dump import evictions
from migrate.adapters.snapshots import read_snapshot
from migrate.bootstrap import charts_of, own_objects
from migrate.entrypoints.cli.connecting import Connected, unreachable
from migrate.entrypoints.cli.face import next_step
from migrate.entrypoints.cli.narrator import Narrator
from migrate.entrypoints.cli.output import emit
from migrate.entrypoints.cli.planning import dumped
from migrate.errors import Failure
from migrate.exitcodes import ExitCode
from migrate.model.draft import Stage
from migrate.model.plan import Plan
from migrate.model.run import RunStatus
from migrate.ports import ApiError
from migrate.rehearsal import rehearse
from migrate.render.run_status import Picture, junit, status_document, status_table
from migrate.render.terminal import Canvas, Line, Sign, paint, sign

__all__ = ["CLIENT", "NONE", "SERVER", "dry_run_option", "tried"]

CLIENT, SERVER, NONE = "client", "server", "none"
WAYS = (CLIENT, SERVER, NONE)
dry_run_option = click.option(
    "--dry-run",
    "way",
    type=click.Choice(WAYS),
    default=NONE,
    help="client: in a simulated cluster; server: ask the API server, changing nothing.",
)
REFUSED, CONFLICT = 400, 409
Answers = Mapping[str, tuple[int, str]]


def tried(way: str, plan: Plan, cluster: Connected, outputs: Sequence[str]) -> int:
    """Try a plan; gives 0 where it would go through, 3 where not. Raises ``Failure`` (exit 7) without a server."""
    try:
        return _simulated(plan, cluster, outputs) if way == CLIENT else _asked(plan, cluster, outputs)
    except ApiError as error:
        raise unreachable(error, cluster.live.api.server) from error


def _simulated(plan: Plan, cluster: Connected, outputs: Sequence[str]) -> int:
    """Rehearse the plan in a cluster made of this one as it is now."""
    narrator = Narrator("dry-run", f"{cluster.name}, dry run")
    with dumped(cluster, ["apply"]) as folder:
        snapshot = read_snapshot(folder).snapshot
    try:
        ended = rehearse(plan, snapshot, reporter=narrator)
    finally:
        narrator.close()
    picture = Picture(ended.run, f"{cluster.name}, dry run", cluster.identity.uid, at=ended.seconds)
    document = {**status_document(picture), "rehearsal": True, "dryRun": CLIENT}
    rendered: dict[str, Callable[[], str]] = {
        "json": lambda: json.dumps(document, indent=2, ensure_ascii=False) + "\n",
        "junit": partial(junit, picture),
        "jsonl": lambda: "",
    }
    emit(outputs, partial(status_table, picture), rendered)
    next_step(_after(ended.run.status))
    return ExitCode.DONE if ended.run.status is RunStatus.DONE else ExitCode.BLOCKED


def _after(status: RunStatus) -> str:
    """Give what to type next; a run that did not even begin has a plan that is stale."""
    if status is RunStatus.PLANNED:
        return "c2c plan"
    return "c2c rehearse PLAN --kill-at every-step" if status is RunStatus.DONE else "c2c preflight"


@dataclass(frozen=True, slots=True)
class _Told:
    """What the server said: created, evicted, and how many objects are of kinds that it does not know yet."""

    created: Answers
    evicted: Answers
    unknown: int

    @property
    def refused(self) -> list[tuple[str, str]]:
        """Give what it refused; an object that is there already is none, nor is a pod that a PDB keeps for now."""
        found = [(p, m) for p, (s, m) in self.created.items() if s >= REFUSED and s != CONFLICT]
        return sorted(
            found + [(f"Pod/{p}", m) for p, (s, m) in self.evicted.items() if s >= REFUSED and s != WAIT]
        )

    @property
    def waiting(self) -> list[str]:
        """Give the pods that a budget keeps for now."""
        return sorted(p for p, (s, _) in self.evicted.items() if s == WAIT)


WAIT = 429


def _asked(plan: Plan, cluster: Connected, outputs: Sequence[str]) -> int:
    """Send everything that the plan would create, and every eviction, with ``dryRun=All``."""
    live, draft = cluster.live, plan.draft
    objects = [*own_objects(live, draft.settings), *_of_chart(plan, cluster)]
    policies = [*draft.policies.objects, *draft.policies.allowance]
    created = admission(live.cluster.tried, [*objects, *policies])
    nodes = set(draft.nodes)
    pods = [p for p in live.cluster.list("pods") if _moves(p) and p["spec"].get("nodeName") in nodes]
    asked = {a["pod"]: (int(a["status"]), str(a["message"])) for a in evictions(KubeEvictor(live.api), pods)}
    told = _Told(created, asked, len(objects) + len(policies) - len(created))
    document = {
        "schemaVersion": "1.0", "kind": "DryRun", "dryRun": SERVER, "plan": plan.hash,
        "created": len(created), "notServedYet": told.unknown, "evictions": len(asked), "waiting": told.waiting,
        "refused": [{"object": path, "message": message} for path, message in told.refused],
    }  # fmt: skip
    rendered: dict[str, Callable[[], str]] = {
        "json": lambda: json.dumps(document, indent=2) + "\n",
        "jsonl": lambda: "",
    }
    emit(outputs, partial(_table, told), rendered)
    return ExitCode.BLOCKED if told.refused else ExitCode.DONE


def _of_chart(plan: Plan, cluster: Connected) -> Sequence[Mapping[str, Any]]:
    try:
        return charts_of(cluster.live, plan.draft.settings).render(plan.draft.values[Stage.MIGRATION]).objects
    except Failure:
        return ()


def _moves(pod: Mapping[str, Any]) -> bool:
    """Say whether a drain would evict a pod."""
    owners = (pod.get("metadata") or {}).get("ownerReferences") or ()
    stays = any(o.get("controller") and o.get("kind") in {"DaemonSet", "Node"} for o in owners)
    return not stays and (pod.get("status") or {}).get("phase") not in {"Succeeded", "Failed"}


def _table(told: _Told, canvas: Canvas) -> str:
    return paint(list(_lines(told)), canvas)


def _lines(told: _Told) -> Iterator[Line]:
    mark = Sign.FAIL if told.refused else Sign.PASS
    yield ["  ", sign(mark), f" {len(told.created)} objects and {len(told.evicted)} evictions were tried, {len(told.refused)} refused"]  # fmt: skip
    if told.unknown:
        yield [
            f"    {told.unknown} objects could not be tried: Secrets, kinds that come with the install, or no right"
        ]
    if told.waiting:
        yield [
            "  ",
            sign(Sign.WARN),
            f" {len(told.waiting)} pods would wait for a budget: {', '.join(told.waiting[:5])}",
        ]
    for path, message in told.refused[:20]:
        yield ["  ", sign(Sign.FAIL), f" {path}"]
        yield [f"      {message}"]
