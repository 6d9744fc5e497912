"""``c2c rehearse``: the real driver against a simulated cluster, with faults, killed wherever one wishes."""

from __future__ import annotations

import json
from collections import Counter
from collections.abc import Callable, Iterator, Sequence
from dataclasses import dataclass
from functools import partial
from pathlib import Path
from typing import Any

import click

from migrate.adapters.run_folder import new_run_id, state_dir
from migrate.adapters.snapshots import read_snapshot
from migrate.driver.books import Standing
from migrate.entrypoints.cli.configuration import configuration
from migrate.entrypoints.cli.endings import ending_of
from migrate.entrypoints.cli.face import next_step, say
from migrate.entrypoints.cli.narrator import Narrator
from migrate.entrypoints.cli.output import emit, outputs_option
from migrate.entrypoints.cli.planning import planned, sum_of
from migrate.entrypoints.cli.progress import progress
from migrate.entrypoints.cli.runs import keep_plan, load_plan
from migrate.errors import Failure
from migrate.exitcodes import ExitCode
from migrate.model.plan import Plan, canonical
from migrate.model.run import RunStatus
from migrate.model.snapshot import Snapshot
from migrate.rehearsal import Ended, killed_everywhere, rehearse
from migrate.render.plan_summary import duration
from migrate.render.run_status import Picture, junit, status_document, status_table
from migrate.render.terminal import Canvas, Line, Sign, paint, sign

__all__ = ["command"]

EVERY = "every-step"


@dataclass(frozen=True, slots=True)
class Points:
    """What became of the kills: how many were tried, and those whose run did not end as the uninterrupted one."""

    tried: int
    other: tuple[str, ...] = ()


@click.command("rehearse")
@click.argument("what", metavar="PLAN|SNAPSHOT")
@click.option(
    "--cluster", metavar="SNAPSHOT", help="The cluster of a plan, where it lies elsewhere than the plan says."
)
@click.option(
    "--fault", "faults", multiple=True, metavar="NAME[@NODE]", help="Something that goes wrong; repeatable."
)
@click.option("--kill-at", metavar="every-step|N", help="Kill the process there, resume, compare the ends.")
@click.option(
    "--random", "chances", type=click.IntRange(1), metavar="N", help="Kill at N places chosen by chance."
)
@click.option("--seed", type=int, default=0, metavar="N", help="Begin of all chance.")
@click.option("--config", metavar="FILE", help="The configuration, where a snapshot is rehearsed.")
@click.option(
    "--state-dir", metavar="DIR", envvar="C2C_STATE_DIR", help="Where the rehearsal's journal goes."
)
@outputs_option
def command(what: str, outputs: Sequence[str], **said: Any) -> int:  # noqa: ANN401  # options
    """Rehearse a migration: every step as it would be taken, in a cluster made of the snapshot. Touches nothing.

    \b
    c2c rehearse plan.json
    c2c rehearse prod.tgz --kill-at every-step
    c2c rehearse plan.json --fault agent-crash-loop@wrk-03 --fault pdb-never-frees
    """
    plan, snapshot = _read(what, said["cluster"], said["config"])
    wrong, seed = dict.fromkeys(said["faults"], True), said["seed"]
    run_id = new_run_id()
    narrator = Narrator(run_id, "rehearsal")
    try:
        ended = rehearse(plan, snapshot, faults=wrong, seed=seed, reporter=narrator)
    finally:
        narrator.close()
    _keep(plan, ended, run_id, said["state_dir"])
    points = None
    if said["kill_at"] is not None or said["chances"] is not None:
        wanted = _wanted(said["kill_at"], said["chances"], seed, len(ended.records))
        points = _killed(plan, snapshot, wanted, seed, ended)
    return _leave(ended, points, outputs, run_id)


def _read(what: str, cluster: str | None, config: str | None) -> tuple[Plan, Snapshot]:
    """Give plan and snapshot, from a plan that names its snapshot or from a snapshot alone; raises ``Failure``."""
    if not what.endswith(".json") or Path(what).is_dir():
        conf = configuration(config)
        with progress("reading, translating, judging, planning"):
            made = planned(what, conf, {})
        return made.plan, made.snapshot
    plan = load_plan(what)
    said = plan.inputs.get("snapshot") or {}
    place = cluster or said.get("file")
    if not place:
        raise Failure("the plan does not say which snapshot it was made from", fix="name it with --cluster")
    beside = Path(what).parent / str(place)
    path = str(beside if cluster is None and beside.exists() else place)
    if said.get("sha256") and sum_of(path) != said["sha256"]:
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


def _killed(plan: Plan, snapshot: Snapshot, wanted: frozenset[int], seed: int, ended: Ended) -> Points:
    """Kill before each of these records, resume, and compare the end with that of the run that was left alone."""
    tried, other = 0, []
    with progress(f"killing and resuming at {len(wanted)} records"):
        for number, kind, end in killed_everywhere(plan, snapshot, only=wanted, seed=seed):
            tried += 1
            if end is None or end.run.where != ended.run.where or end.state != ended.state:
                other.append(f"record {number} ({kind}): {end.run.where if end else 'it did not end'}")
    return Points(tried, tuple(other))


def _wanted(kill_at: str | None, chances: int | None, seed: int, records: int) -> frozenset[int]:
    if kill_at == EVERY:
        return frozenset(range(2, records + 1))
    if kill_at is not None:
        if not kill_at.isdigit() or not 2 <= int(kill_at) <= records:
            raise Failure(f"--kill-at {kill_at}: no such record", fix=f"every-step, or 2 to {records}")
        return frozenset({int(kill_at)})
    from random import Random  # noqa: PLC0415  # only here

    return frozenset(Random(seed).sample(range(2, records + 1), min(chances or 0, records - 1)))  # noqa: S311  # no secret


def _leave(ended: Ended, points: Points | None, outputs: Sequence[str], run_id: str) -> int:
    picture = Picture(ended.run, "rehearsal", at=Standing(ended.run, ended.seconds).at)
    document = _document(picture, ended, points)
    rendered: dict[str, Callable[[], str]] = {
        "json": lambda: json.dumps(document, indent=2, ensure_ascii=False) + "\n",
        "junit": partial(junit, picture),
    }
    emit(outputs, partial(_table, picture, ended, points), rendered)
    next_step(f"c2c status --run {run_id[:4]}")
    good = not ended.broken and not (points and points.other)
    ending = ending_of(ended.run)
    if ended.run.status is not RunStatus.DONE and ending.runbook:
        say(sign(Sign.FAIL), f" it would halt: {ended.run.reason}; runbooks/{ending.runbook}.md", always=True)
    return ExitCode.DONE if good and ended.run.status is RunStatus.DONE else ExitCode.BLOCKED


def _document(picture: Picture, ended: Ended, points: Points | None) -> dict[str, Any]:
    kills = {"tried": points.tried, "other": list(points.other)} if points else None
    gates = Counter(r["event"].get("outcome") for r in ended.records if r["kind"] == "gate")
    return {**status_document(picture), "kind": "Rehearsal", "simulatedSeconds": round(ended.seconds, 1),
            "records": len(ended.records), "gates": dict(sorted(gates.items())), "broken": list(ended.broken), "kills": kills}  # fmt: skip


def _table(picture: Picture, ended: Ended, points: Points | None, canvas: Canvas) -> str:
    gates = Counter(str(r["event"].get("outcome")) for r in ended.records if r["kind"] == "gate")
    told = ", ".join(f"{n} {outcome}" for outcome, n in sorted(gates.items()))
    lines: list[Line] = [
        ["  ", sign(Sign.PASS if picture.run.status is RunStatus.DONE else Sign.FAIL),
         f" {picture.run.where} after {duration(ended.seconds)} of the cluster's time"],
        [f"    {len(ended.records)} records, gates: {told or 'none'}"],
        *_of_kills(points),
    ]  # fmt: skip
    lines += [["  ", sign(Sign.FAIL), f" broken: {text}"] for text in ended.broken]
    return status_table(picture, canvas) + paint(lines, canvas)


def _of_kills(points: Points | None) -> Iterator[Line]:
    if points is None:
        return
    same = points.tried - len(points.other)
    good = sign(Sign.PASS if not points.other else Sign.FAIL)
    yield ["  ", good, f" killed and resumed at {points.tried} records: {same} came to the same end"]
    yield from ([f"      {text}"] for text in points.other[:10])
