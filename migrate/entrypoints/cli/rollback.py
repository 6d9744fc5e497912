"""``c2c rollback``: bring nodes, or everything, back to Calico."""

from __future__ import annotations

from collections.abc import Sequence
from typing import Any

import click

from migrate.entrypoints.cli.connecting import connection_options
from migrate.entrypoints.cli.in_any_case import junit_in_any_case
from migrate.entrypoints.cli.output import outputs_option
from migrate.entrypoints.cli.runs import Known, run_options
from migrate.entrypoints.cli.steering import Wish, opened, steer
from migrate.errors import Failure
from migrate.exitcodes import ExitCode
from migrate.model.events import Event, Kind
from migrate.model.run import Phase

__all__ = ["command"]


@click.command("rollback")
@click.argument("nodes", nargs=-1, metavar="[NODE]…")
@click.option("--all", "whole", is_flag=True, help="Undo the whole migration, in reverse order.")
@click.option("--yes", is_flag=True, help="Do not ask for the cluster's name.")
@click.option("--expect-cluster", metavar="NAME|UID", envvar="C2C_EXPECT_CLUSTER", help="Refuse any other.")
@outputs_option
@run_options
@connection_options
@junit_in_any_case
def command(
    nodes: Sequence[str],
    whole: bool,
    yes: bool,
    expect_cluster: str | None,
    outputs: Sequence[str],
    **said: Any,  # noqa: ANN401  # options
) -> int:
    """Bring nodes back to Calico: its CNI file, their pods, proved by probes. --all works until clean-up.

    \b
    c2c rollback wrk-03
    c2c rollback --all
    c2c rollback --all --run 7f3a --yes --expect-cluster prod-eu-1
    """
    if bool(nodes) == whole:
        raise click.UsageError("name nodes, or give --all")
    cluster, known = opened(said, expect_cluster)
    _check(known, nodes, whole=whole)
    events = tuple(Event(Kind.ROLLBACK_REQUESTED, n) for n in nodes) or (Event(Kind.ROLLBACK_REQUESTED),)
    changes = {"rollback_nodes": "all" if whole else list(nodes)}
    what = "everything" if whole else ", ".join(nodes)
    told = f"run {known.run_id[:4]} will bring {what} back to Calico"
    return steer(cluster, known, Wish(events, changes, told, asked_for_rollback=True), outputs, yes=yes)


def _check(known: Known, nodes: Sequence[str], *, whole: bool) -> None:
    """Raise ``Failure`` (exit 3) where there is no way back, or none of this sort."""
    run = known.stands.run
    if run.plan.clean_up and run.phase.number >= Phase.POINT_OF_NO_RETURN.number:
        raise Failure("Calico was removed: there is no way back", why="PastPointOfNoReturn", fix=f"rebuild from the backup in {known.folder}/backup", code=ExitCode.BLOCKED)  # fmt: skip
    unknown = [n for n in nodes if n not in run.nodes]
    if unknown:
        raise Failure(f"{', '.join(unknown)}: no such node in run {run.id[:4]}", why="RollbackRefused", fix=f"c2c status --run {run.id[:4]} lists them", code=ExitCode.BLOCKED)  # fmt: skip
    late = run.phase.number > Phase.NODE_LOOP.number and run.phase is not Phase.REPORT
    if nodes and not whole and (late or run.phase is Phase.REPORT):
        raise Failure(f"all nodes have moved ({run.where}): single nodes do not go back any more", why="RollbackRefused", fix="c2c rollback --all", code=ExitCode.BLOCKED)  # fmt: skip
