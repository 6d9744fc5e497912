"""``c2c abort``: end a run with every node in hand in its nearest stable state."""

from __future__ import annotations

from collections.abc import Sequence
from typing import Any

import click

from migrate.entrypoints.cli.connecting import connection_options
from migrate.entrypoints.cli.in_any_case import junit_in_any_case
from migrate.entrypoints.cli.output import outputs_option
from migrate.entrypoints.cli.runs import run_options
from migrate.entrypoints.cli.steering import Wish, opened, steer
from migrate.model.events import Event, Kind

__all__ = ["command"]


@click.command("abort")
@click.option("--rollback", is_flag=True, help="Bring the nodes in hand back to Calico instead.")
@click.option("--yes", is_flag=True, help="Do not ask for the cluster's name.")
@click.option("--expect-cluster", metavar="NAME|UID", envvar="C2C_EXPECT_CLUSTER", help="Refuse any other.")
@outputs_option
@run_options
@connection_options
@junit_in_any_case
def command(
    rollback: bool,
    yes: bool,
    expect_cluster: str | None,
    outputs: Sequence[str],
    **said: Any,  # noqa: ANN401  # options
) -> int:
    """End a run: what is half-way is brought to rest, migrated nodes keep Cilium.

    \b
    c2c abort
    c2c abort --rollback
    c2c abort --run 7f3a --yes --expect-cluster prod-eu-1
    """
    cluster, known = opened(said, expect_cluster)
    event = Event(Kind.ABORT_REQUESTED, detail={"rollback": rollback})
    changes = {"state": "aborted", "rollback": rollback}
    wanted = Wish((event,), changes, f"run {known.run_id[:4]} will end at its next checkpoint")
    return steer(cluster, known, wanted, outputs, yes=yes)
