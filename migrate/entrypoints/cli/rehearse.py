"""``c2c rehearse``: the real driver against a simulated cluster, with faults, killed wherever one wishes."""

from __future__ import annotations

import json
import time
from collections import Counter
from collections.abc import Callable, Iterator, Mapping, Sequence
from dataclasses import dataclass
from functools import partial
from pathlib import Path
from typing import Any

import click

from migrate.adapters.run_folder import new_run_id, state_dir
from migrate.adapters.snapshots import read_snapshot
from migrate.driver.books import Standing
from migrate.engine.reasons import reason_word
from migrate.entrypoints.cli.configuration import configuration
from migrate.entrypoints.cli.endings import ending_of
from migrate.entrypoints.cli.face import next_step, say
from migrate.entrypoints.cli.narrator import Narrator
from migrate.entrypoints.cli.output import emit, outputs_option
from migrate.entrypoints.cli.planning import planned, sum_of
from migrate.entrypoints.cli.preflight import acceptances
from migrate.entrypoints.cli.progress import progress
from migrate.entrypoints.cli.runs import keep_plan, load_plan
from migrate.errors import Failure
from migrate.exitcodes import ExitCode
from migrate.kills import Kill, Point, at_every_step, killed
from migrate.model.findings import Severity
from migrate.model.plan import Plan, canonical
from migrate.model.run import RunStatus
from migrate.model.snapshot import Snapshot
from migrate.rehearsal import Ended, rehearse, waiting
from migrate.render.plan_summary import duration
from migrate.render.run_status import Picture, junit, status_document, status_table
from migrate.render.terminal import Canvas, Column, Line, Sign, columns, paint, sign
from migrate.simulator.faults import FAULTS, UnknownFault, chosen

__all__ = ["command"]

EVERY, LIST = "every-step", "list"
SHAPE = (Column(least=12), Column(least=30, tail=True), Column())
ACTIVE = frozenset({RunStatus.RUNNING, RunStatus.STOPPING, RunStatus.ABORTING, RunStatus.ROLLING_BACK})


@dataclass(frozen=True, slots=True)
class Told:
    """What is told of a rehearsal: how it ended, the kills, and the seconds that all of it took here."""

    ended: Ended
    kills: Sequence[Kill] | None
    seconds: float

    @property
    def other(self) -> list[Kill]:
        """Give the kills after which the run did not end as the one that was left alone."""
        return [kill for kill in self.kills or () if not kill.same]

    @property
    def good(self) -> bool:
        """Say whether the plan came to its end, every time."""
        return self.ended.converged and not self.other


@click.command("rehearse")
@click.argument("what", metavar="PLAN|SNAPSHOT", required=False)
@click.option(
    "--cluster", metavar="SNAPSHOT", help="The cluster of a plan, where it lies elsewhere than the plan says."
)
@click.option(
    "--fault",
    "faults",
    multiple=True,
    metavar="NAME[@PLACE]",
    help="Something that goes wrong, everywhere or there; repeatable. list: say what there is.",
)
@click.option("--kill-at", metavar="every-step|N", help="Kill the process there, resume, compare the ends.")
@click.option(
    "--random", "chances", type=click.IntRange(1), metavar="N", help="Kill at N places chosen by chance."
)
@click.option("--seed", type=int, default=0, metavar="N", help="Begin of all chance.")
@click.option(
    "--accept",
    multiple=True,
    metavar="ID[:OBJECT][=REASON]",
    help="Accept one finding of preflight, where a snapshot is rehearsed.",
)
@click.option("--config", metavar="FILE", help="The configuration, where a snapshot is rehearsed.")
@click.option(
    "--state-dir", metavar="DIR", envvar="C2C_STATE_DIR", help="Where the rehearsal's journal goes."
)
@outputs_option
def command(what: str | None, outputs: Sequence[str], **said: Any) -> int:  # noqa: ANN401  # options
    """Rehearse a migration: every step as it would be taken, in a cluster made of the snapshot. Touches nothing.

    Exit 0: it came to its end, every time. Exit 3: it did not, or the plan is blocked; what it waited for is named.

    \b
    c2c rehearse plan.json
    c2c rehearse prod.tgz --kill-at every-step
    c2c rehearse plan.json --fault agent-crash-loop@wrk-03 --fault pdb-never-frees
    c2c rehearse --fault list
    """
    if LIST in said["faults"]:
        emit(outputs, _faults, {})
        return ExitCode.DONE
    if what is None:
        raise Failure("nothing to rehearse is named", fix="c2c rehearse PLAN|SNAPSHOT")
    began = time.monotonic()
    plan, snapshot = _read(what, said)
    wrong, seed = _chosen(said["faults"], snapshot), said["seed"]
    _refuse_blocked(plan, what)
    run_id = new_run_id()
    narrator = Narrator(run_id, "rehearsal")
    try:
        ended = rehearse(plan, snapshot, faults=wrong, seed=seed, reporter=narrator, run_id=run_id)
    finally:
        narrator.close()
    _keep(plan, ended, run_id, said["state_dir"])
    kills: list[Kill] | None = None
    if said["kill_at"] is not None or said["chances"] is not None:
        wanted = _points(said["kill_at"], said["chances"], seed, len(ended.records))
        with progress("killing and resuming"):
            kills = killed(plan, snapshot, ended, wanted)
    return _leave(Told(ended, kills, time.monotonic() - began), outputs, run_id)


def _faults(canvas: Canvas) -> str:
    """List every fault: its name, what goes wrong, the failure modes and rows that it shows."""
    rows: list[Line] = [[name, fault.what, ", ".join(fault.shows)] for name, fault in FAULTS.items()]
    return paint(columns([["fault", "what goes wrong", "shows"], *rows], SHAPE, canvas), canvas)


def _chosen(said: Sequence[str], snapshot: Snapshot) -> Mapping[str, Any]:
    """Give the faults by name; raises ``Failure`` for a name or a place that there is not."""
    try:
        found = chosen(said)
    except UnknownFault as unknown:
        near = f"did you mean {unknown.near}? " if unknown.near else ""
        raise Failure(f"--fault {unknown.name}: {unknown}", fix=f"{near}c2c rehearse --fault list says what there is") from unknown  # fmt: skip
    nodes = {n.name for n in snapshot.nodes}
    places = {"node": nodes, "budget": {b.label for b in snapshot.budgets}, "": set()}
    for name in found:
        fault, _, place = name.partition("@")
        known = places[FAULTS[fault].place]
        if place and place not in known:
            one = f"one of {', '.join(sorted(known)[:5])}" if known else "none: it holds everywhere"
            raise Failure(f"--fault {name}: there is no such place", fix=f"its place is {one}")
    return found


def _refuse_blocked(plan: Plan, what: str) -> None:
    """Raise ``Failure`` for a plan that preflight blocks, after naming what does."""
    if not plan.blocked:
        return
    stopping = [f for f in plan.findings if _stops(f)]
    for found in stopping[:5]:
        say(sign(Sign.FAIL), f" {found['code']}  {found['object']}: {found['message']}", always=True)
    if len(stopping) > 5:
        say(f"  … and {len(stopping) - 5} more", always=True)
    raise Failure(
        f"the plan of {what} is blocked by preflight: it would be refused",
        why="PreflightBlocked",
        fix="c2c explain CODE says how each goes away; a block is accepted with --accept",
        code=ExitCode.BLOCKED,
    )


def _stops(finding: Mapping[str, Any]) -> bool:
    return finding["severity"] == Severity.MANDATORY or (
        finding["severity"] == Severity.BLOCK and finding.get("accepted") is None
    )


def _read(what: str, said: Mapping[str, Any]) -> tuple[Plan, Snapshot]:
    """Give plan and snapshot, from a plan that names its snapshot or from a snapshot alone; raises ``Failure``."""
    if not what.endswith(".json") or Path(what).is_dir():
        conf = configuration(said["config"])
        with progress("reading, translating, judging, planning"):
            made = planned(what, conf, acceptances(conf, said["accept"]))
        return made.plan, made.snapshot
    if said["accept"]:
        raise Failure("--accept: a plan holds what was accepted for it", fix="c2c plan --accept")
    plan, cluster = load_plan(what), said["cluster"]
    source = plan.inputs.get("snapshot") or {}
    place = cluster or source.get("file")
    if not place:
        raise Failure("the plan does not say which snapshot it was made from", fix="name it with --cluster")
    beside = Path(what).parent / str(place)
    path = str(beside if cluster is None and beside.exists() else place)
    if source.get("sha256") and sum_of(path) != source["sha256"]:
        raise Failure(
            f"{path} is not what the plan was made from: its sum differs",
            fix="name the right one with --cluster, or make the plan again",
            code=ExitCode.BLOCKED,
        )
    return plan, read_snapshot(path).snapshot


def _keep(plan: Plan, ended: Ended, run_id: str, place: str | None) -> None:
    """Write journal and plan where ``status``, ``watch`` and ``report`` find them."""
    folder = state_dir(place) / run_id
    keep_plan(plan, folder)
    path = folder / "journal.jsonl"
    path.touch(mode=0o600)
    path.write_bytes(b"".join(canonical(r) + b"\n" for r in ended.records))


def _points(kill_at: str | None, chances: int | None, seed: int, records: int) -> Callable[[Point], bool]:
    """Give which points are wanted; raises ``Failure`` for a record that there is not."""
    if kill_at == EVERY:
        return at_every_step
    if kill_at is not None:
        if not kill_at.isdigit() or not 2 <= int(kill_at) <= records:
            raise Failure(f"--kill-at {kill_at}: no such record", fix=f"{EVERY}, or 2 to {records}")
        numbers = {int(kill_at)}
    else:
        from random import Random  # noqa: PLC0415  # only here

        numbers = set(Random(seed).sample(range(2, records + 1), min(chances or 0, records - 1)))  # noqa: S311  # no secret
    return lambda point: point.record in numbers and not point.after


def _leave(told: Told, outputs: Sequence[str], run_id: str) -> int:
    run = told.ended.run
    picture = Picture(run, "rehearsal", waits=told.ended.waits, at=Standing(run, told.ended.seconds).at)
    document = _document(picture, told)
    rendered: dict[str, Callable[[], str]] = {
        "json": lambda: json.dumps(document, indent=2, ensure_ascii=False) + "\n",
        "junit": partial(junit, picture),
    }
    emit(outputs, partial(_table, picture, told), rendered)
    next_step(f"c2c status --run {run_id[:4]}")
    ending = ending_of(run)
    if run.status is not RunStatus.DONE and ending.runbook:
        say(sign(Sign.FAIL), f" it would halt: {run.reason}; runbooks/{ending.runbook}.md", always=True)
    return ExitCode.DONE if told.good else ExitCode.BLOCKED


def _document(picture: Picture, told: Told) -> dict[str, Any]:
    ended = told.ended
    kills = None if told.kills is None else {"tried": len(told.kills), "other": [k.told for k in told.other]}
    gates = Counter(r["event"].get("outcome") for r in ended.records if r["kind"] == "gate")
    reason = "" if told.good else reason_word(ended.run.reason) or "NotConverged"
    return {**status_document(picture), "kind": "Rehearsal", "reason": reason,
            "simulatedSeconds": round(ended.seconds, 1), "records": len(ended.records), "gates": dict(sorted(gates.items())),
            "mostOut": ended.most_out, "longestWait": {"text": ended.longest[0], "seconds": round(ended.longest[1], 1)},
            "broken": list(ended.broken), "kills": kills}  # fmt: skip


def _table(picture: Picture, told: Told, canvas: Canvas) -> str:
    ended, run = told.ended, picture.run
    pods = sum(ended.state["pods"].values())
    head: list[Line] = [
        [f"  REHEARSAL · {len(run.nodes)} nodes · {pods} pods · simulated {duration(ended.seconds)} in {told.seconds:.1f} s"],
        [""],
    ]  # fmt: skip
    gates = Counter(str(r["event"].get("outcome")) for r in ended.records if r["kind"] == "gate")
    counted = ", ".join(f"{n} {outcome}" for outcome, n in sorted(gates.items()))
    lines: list[Line] = [
        [""],
        ["  ", sign(Sign.PASS if ended.converged else Sign.FAIL), f" {_came_to(ended)}"],
        *_of_kills(told),
        [f"    out at once    at most {ended.most_out} of {len(run.nodes)} nodes"],
        [f"    longest wait   {duration(ended.longest[1])}: {ended.longest[0] or 'none'}"],
        [f"    journal        {len(ended.records)} records; gates: {counted or 'none'}"],
    ]
    lines += [["  ", sign(Sign.FAIL), f" broken: {text}"] for text in ended.broken]
    return paint(head, canvas) + status_table(picture, canvas) + paint(lines, canvas)


def _came_to(ended: Ended) -> str:
    if ended.waits or ended.run.status in ACTIVE:
        return f"{ended.run.where} and no end to come: it waits for {waiting(ended.waits)}"
    return f"{ended.run.where} after {duration(ended.seconds)} of the cluster's time"


def _of_kills(told: Told) -> Iterator[Line]:
    if told.kills is None:
        return
    good = sign(Sign.FAIL if told.other else Sign.PASS)
    same = len(told.kills) - len(told.other)
    yield ["  ", good, f" killed at {len(told.kills)} points and resumed: {same} came to the same end"]
    yield from ([f"      {kill.told}"] for kill in told.other[:10])
