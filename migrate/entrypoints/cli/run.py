"""``c2c run``: preflight, translate, plan and apply in one go; the first stage that fails gives the exit code."""

from __future__ import annotations

from collections.abc import Sequence
from typing import Any

import click

from migrate.adapters.run_folder import state_dir
from migrate.adapters.snapshot_files import Wishes, write_snapshot
from migrate.entrypoints.cli.apply import carry_out, goes_on, left_run
from migrate.entrypoints.cli.configuration import Configuration, configuration
from migrate.entrypoints.cli.connecting import (
    Connected,
    confirm,
    connected,
    connection_options,
    expect,
    unreachable,
)
from migrate.entrypoints.cli.course import course_of, course_options
from migrate.entrypoints.cli.detached import detached
from migrate.entrypoints.cli.face import next_step, say
from migrate.entrypoints.cli.in_any_case import junit_in_any_case
from migrate.entrypoints.cli.output import outputs_option
from migrate.entrypoints.cli.planning import Planned, dumped, planned, sum_of
from migrate.entrypoints.cli.preflight import acceptances
from migrate.entrypoints.cli.programs import check_configured
from migrate.entrypoints.cli.progress import progress
from migrate.entrypoints.cli.runs import DEFAULT_NAMESPACE, Known, keep_plan, run_options
from migrate.entrypoints.cli.steering import without_connection
from migrate.entrypoints.cli.trying import NONE, dry_run_option, tried
from migrate.errors import Failure
from migrate.exitcodes import ExitCode
from migrate.ports import ApiError
from migrate.preflight.judge import Verdict, stops
from migrate.render.plan_summary import summary
from migrate.render.terminal import Sign, sign

__all__ = ["command"]


@click.command("run")
@click.option("--yes", is_flag=True, help="Do not ask; needs --expect-cluster without a terminal.")
@click.option("--expect-cluster", metavar="NAME|UID", envvar="C2C_EXPECT_CLUSTER", help="Refuse any other.")
@click.option("--accept", multiple=True, metavar="ID[:OBJECT][=REASON]", help="Accept one finding.")
@click.option("--config", metavar="FILE", help="The configuration; else ./c2c.yaml, if there is one.")
@click.option("--detach", is_flag=True, help="Leave a driver of its own behind and print where it tells.")
@dry_run_option
@course_options
@outputs_option
@run_options
@connection_options
@junit_in_any_case
def command(
    yes: bool,
    expect_cluster: str | None,
    accept: Sequence[str],
    config: str | None,
    outputs: Sequence[str],
    way: str,
    **said: Any,  # noqa: ANN401  # options
) -> int:
    """Migrate: preflight, translate, plan, apply. Goes on with a run that was interrupted.

    \b
    c2c run --yes --expect-cluster prod-eu-1
    c2c run --yes --expect-cluster prod-eu-1 -o junit=migration.xml
    c2c run --detach --yes --expect-cluster prod-eu-1
    """
    if said.pop("detach"):
        return detached(said["state_dir"])
    course = course_of(said)
    conf = configuration(config)
    check_configured(conf)
    cluster = connected(**without_connection(said))
    expect(cluster, expect_cluster or str(conf.section("cluster").get("uid") or ""))
    if (left := _left(cluster, conf, said["state_dir"])) is not None:
        course.check(left.plan)
        if way != NONE:
            return tried(way, left.plan, cluster, outputs)
        confirm(cluster, yes=yes, named=bool(expect_cluster))
        return carry_out(left.plan, cluster, outputs, said["state_dir"], left, course)
    with dumped(cluster, ["run"]) as folder:
        with progress("translating, judging, planning"):
            made = planned(folder, conf, acceptances(conf, accept), cluster=cluster)
        _check(made)
        keep_plan(made.plan, state_dir(said["state_dir"]) / f"plan-{made.plan.hash[:8]}")
        beside = state_dir(said["state_dir"]) / f"plan-{made.plan.hash[:8]}" / "snapshot.tgz"
        write_snapshot(folder, str(beside), Wishes())
        say(f"  plan and snapshot: {beside.parent} ({sum_of(str(beside))[:12]})", detail=True)
    course.check(made.plan)
    if way != NONE:
        return tried(way, made.plan, cluster, outputs)
    say(lines=summary(made.plan), always=True)
    confirm(cluster, yes=yes, named=bool(expect_cluster))
    return carry_out(made.plan, cluster, outputs, said["state_dir"], None, course)


def _left(cluster: Connected, conf: Configuration, place: str | None) -> Known | None:
    """Give the run to go on with: by its own plan, for the cluster is no longer the one that was planned for."""
    namespace = str(conf.section("cluster").get("namespace") or DEFAULT_NAMESPACE)
    try:
        left = left_run(cluster, place, namespace)
    except ApiError as error:
        raise unreachable(error, cluster.live.api.server) from error
    if left is None:
        return None
    run = goes_on(left).stands.run
    say(f"  run {run.id[:4]} of plan {left.plan.hash[:6]} is {run.where}: going on with it", always=True)
    return left


def _check(made: Planned) -> None:
    """Raise ``Failure`` (exit 3) where preflight stops the plan, (exit 8) where it could not look."""
    stopped = [f for f in made.judgement.findings if stops(f)]
    for finding in stopped[:10]:
        say(sign(Sign.FAIL), f" {finding.code} {finding.message}", always=True)
    if made.plan.blocked:
        next_step(f"c2c explain {stopped[0].code}" if stopped else "c2c preflight")
        raise Failure(f"preflight says no: {len(stopped)} findings stop it", why="PreflightBlocked", fix="c2c preflight shows all of them with their remedies", code=ExitCode.BLOCKED)  # fmt: skip
    if made.judgement.verdict is Verdict.UNKNOWN:
        raise Failure("preflight could not look at everything", why="CheckUnknown", fix="c2c preflight says what is missing; accept what cannot be looked at", code=ExitCode.INCONCLUSIVE)  # fmt: skip
