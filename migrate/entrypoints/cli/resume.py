"""``c2c resume``: go on with a run that was paused, halted or interrupted."""

from __future__ import annotations

from collections.abc import Sequence
from typing import Any

import click

from migrate.entrypoints.cli.connecting import connection_options
from migrate.entrypoints.cli.course import course_of, course_options
from migrate.entrypoints.cli.in_any_case import junit_in_any_case
from migrate.entrypoints.cli.output import outputs_option
from migrate.entrypoints.cli.runs import run_options
from migrate.entrypoints.cli.steering import Wish, opened, steer
from migrate.errors import Failure
from migrate.exitcodes import ExitCode
from migrate.model.events import Event, Kind
from migrate.model.run import RunStatus

__all__ = ["command"]


@click.command("resume")
@click.option(
    "--accept", multiple=True, metavar="ID[:OBJECT][=REASON]", help="Accept what the run halted on."
)
@click.option("--retry", multiple=True, metavar="NODE", help="Take a node that went back in again.")
@click.option("--skip", multiple=True, metavar="NODE", help="Leave a node out.")
@click.option("--rebuild", is_flag=True, help="Set a damaged journal aside and go on from what is known.")
@click.option("--unless-halted", is_flag=True, help="Leave a run that halted as it is: exit 4.")
@click.option("--steal-lock", metavar="RUN", help="Take the lock of a process that does not let go.")
@click.option("--yes", is_flag=True, help="Do not ask for the cluster's name.")
@click.option("--expect-cluster", metavar="NAME|UID", envvar="C2C_EXPECT_CLUSTER", help="Refuse any other.")
@course_options
@outputs_option
@run_options
@connection_options
@junit_in_any_case
def command(
    accept: Sequence[str],
    retry: Sequence[str],
    skip: Sequence[str],
    steal_lock: str | None,
    yes: bool,
    expect_cluster: str | None,
    outputs: Sequence[str],
    **said: Any,  # noqa: ANN401  # options
) -> int:
    """Go on: look at the cluster again, run the last gate again, then continue.

    Where a process drives the run already, it is told; else this one takes over.

    \b
    c2c resume
    c2c resume --retry wrk-03
    c2c resume --accept G-17="four flows, all from the old exporter" --run 7f3a
    """
    course, leaves_halted = course_of(said), said.pop("unless_halted")
    cluster, known = opened(said, expect_cluster)
    if leaves_halted and known.stands.run.status is RunStatus.HALTED:
        run = known.stands.run
        raise Failure(f"run {run.id[:4]} is {run.where}", fix=f"c2c status --run {run.id[:4]}; then c2c resume", code=ExitCode.HALTED)  # fmt: skip
    findings = [_accepted(text) for text in accept]
    events = [Event(Kind.ACCEPT_FINDING, detail=f) for f in findings]
    events += [Event(Kind.SKIP_REQUESTED, node) for node in skip]
    events += [Event(Kind.RETRY_REQUESTED, node) for node in retry]
    changes = {"state": "running", "accept": findings, "skip": list(skip), "retry": list(retry)}
    wanted = Wish((*events, Event(Kind.RESUME)), changes, f"run {known.run_id[:4]} will go on", start=True)
    steal = bool(steal_lock) and known.run_id.startswith(steal_lock or "-")
    return steer(cluster, known, wanted, outputs, yes=yes, steal=steal, course=course)


def _accepted(text: str) -> dict[str, str]:
    key, _, reason = text.partition("=")
    name, _, place = key.partition(":")
    return {"id": name, "object": place, "reason": reason or "accepted on the command line"}
