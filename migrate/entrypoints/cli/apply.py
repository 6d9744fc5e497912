"""``c2c apply``: carry out a plan."""

from __future__ import annotations

import sys
from collections.abc import Sequence
from functools import partial
from typing import Any

import click

from migrate.adapters.run_folder import new_run_id, state_dir
from migrate.bootstrap import RunPlace, us
from migrate.driver.books import Playback
from migrate.driver.session import begin_run, resume_run
from migrate.engine.access import API
from migrate.entrypoints.cli.audience import staged
from migrate.entrypoints.cli.connecting import Connected, confirm, connected, connection_options, expect
from migrate.entrypoints.cli.course import Course, course_of, course_options, in_window
from migrate.entrypoints.cli.detached import detached
from migrate.entrypoints.cli.driving import drive
from migrate.entrypoints.cli.face import say
from migrate.entrypoints.cli.in_any_case import junit_in_any_case
from migrate.entrypoints.cli.job import hand_over
from migrate.entrypoints.cli.output import outputs_option
from migrate.entrypoints.cli.programs import check_planned
from migrate.entrypoints.cli.runs import Known, known_run, load_plan, run_options
from migrate.entrypoints.cli.steering import without_connection
from migrate.entrypoints.cli.trying import NONE, dry_run_option, tried
from migrate.errors import Failure
from migrate.exitcodes import ExitCode
from migrate.model.plan import Plan
from migrate.model.run import RunStatus
from migrate.render.plan_summary import summary

__all__ = ["carry_out", "command", "goes_on", "left_run", "unfinished_run"]

GOES_ON = frozenset({RunStatus.RUNNING, RunStatus.STOPPING, RunStatus.PAUSED, RunStatus.PLANNED})


@click.command("apply")
@click.argument("plan_file", metavar="PLAN")
@click.option("--yes", is_flag=True, help="Do not ask; without a terminal the plan names the cluster.")
@click.option("--expect-cluster", metavar="NAME|UID", envvar="C2C_EXPECT_CLUSTER", help="Refuse any other.")
@click.option("--detach", is_flag=True, help="Leave a driver of its own behind and print where it tells.")
@click.option("--in-cluster", is_flag=True, help="Run in a Job of the cluster; needs --image.")
@click.option("--image", metavar="IMAGE", default="", help="The image of that Job: it holds c2c and helm.")
@dry_run_option
@course_options
@outputs_option
@run_options
@connection_options
@junit_in_any_case
def command(
    plan_file: str,
    yes: bool,
    expect_cluster: str | None,
    outputs: Sequence[str],
    way: str,
    **said: Any,  # noqa: ANN401  # options
) -> int:
    """Carry out a plan: install Cilium beside Calico, move node by node, prove every step.

    A plan whose run was interrupted goes on where it was; one that halted needs c2c resume.

    \b
    c2c apply plan.json
    c2c apply plan.json --yes --expect-cluster prod-eu-1
    c2c apply plan.json --yes -o jsonl
    """
    if said.pop("detach"):
        return detached(said["state_dir"])
    course = course_of(said)
    in_cluster, image = said.pop("in_cluster"), said.pop("image")
    plan = load_plan(plan_file)
    course.check(plan)
    cluster = connected(**without_connection(said))
    expect(cluster, expect_cluster, plan.draft.planned_uid)
    if plan.blocked:
        raise Failure("the plan is blocked by preflight", why="PreflightBlocked", fix="c2c preflight says by what; then c2c plan again", code=ExitCode.BLOCKED)  # fmt: skip
    if way != NONE:
        return tried(way, plan, cluster, outputs)
    unfinished = unfinished_run(cluster, plan, said["state_dir"])
    say(lines=summary(plan), always=True)
    confirm(cluster, yes=yes, named=True)
    if in_cluster:
        return hand_over(plan, cluster, course, image)
    return carry_out(plan, cluster, outputs, said["state_dir"], unfinished, course)


def left_run(cluster: Connected, place: str | None, namespace: str) -> Known | None:
    """Give the run that was left in this cluster before its end; None where there is none."""
    try:
        known = known_run(cluster.live, place, None, namespace)
    except Failure as failure:
        if failure.code in {ExitCode.USAGE, ExitCode.BLOCKED} and failure.why != "JournalBroken":
            return None
        raise
    return None if known.stands.run.status.terminal else known


def goes_on(known: Known) -> Known:
    """Give a run that may be gone on with unasked; raises ``Failure`` (exit 4) where it halted: that takes a person."""
    run = known.stands.run
    if run.status not in GOES_ON:
        raise Failure(
            f"run {run.id[:4]} of this plan is {run.where}",
            fix=f"c2c status --run {run.id[:4]}; then c2c resume --run {run.id[:4]}",
            code=ExitCode.HALTED,
        )
    return known


def unfinished_run(cluster: Connected, plan: Plan, place: str | None) -> Known | None:
    """Give the run of this very plan that was left; raises ``Failure`` where it halted, or another run is unfinished."""
    known = left_run(cluster, place, plan.draft.settings.namespace)
    if known is None:
        return None
    run = known.stands.run
    if known.plan.hash != plan.hash:
        raise Failure(
            f"run {run.id[:4]} of another plan is {run.where}",
            fix=f"c2c resume --run {run.id[:4]}, or c2c abort --run {run.id[:4]}",
            code=ExitCode.BLOCKED,
        )
    return goes_on(known)


def _reachable(plan: Plan) -> None:
    """Raise ``Failure`` (exit 3) for a plan that needs more of a host than the API gives: it would halt half-way."""
    others = sorted({how.access for how in plan.draft.nodes.values()} - {API})
    if others:
        raise Failure(
            f"the plan reaches nodes by {' and '.join(others)}; this version works through the API alone",
            fix="nodes: {access: api} in the configuration; then c2c plan again",
            code=ExitCode.BLOCKED,
        )


def carry_out(
    plan: Plan,
    cluster: Connected,
    outputs: Sequence[str],
    place: str | None,
    unfinished: Known | None,
    course: Course,
) -> int:
    """Begin the plan's run, or go on with it; raises ``Failure`` (exit 9) where a new one would begin outside its window."""
    check_planned(plan.draft)
    if unfinished is None:
        _reachable(plan)
        in_window(plan, cluster.live.clock, wait=course.wait)
    run_id = unfinished.run_id if unfinished else new_run_id()
    where = unfinished.place if unfinished else RunPlace(run_id, state_dir(place) / run_id)
    holder = us(run_id).identity
    with staged(cluster, plan, where, outputs, course) as (narrator, ports):
        if unfinished:
            begin = partial(resume_run, Playback(plan, run_id), ports, holder=holder, start=True)
        else:
            begin = partial(begin_run, plan, ports, run_id, holder=holder, attended=sys.stdin.isatty())
        return drive(begin, ports, cluster, narrator, outputs, course=course)
