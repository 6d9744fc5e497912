"""``c2c pause``: let a run come to rest."""

from __future__ import annotations

from typing import Any

import click

from migrate.entrypoints.cli.connecting import confirm, connection_options
from migrate.entrypoints.cli.face import next_step, say
from migrate.entrypoints.cli.runs import run_options
from migrate.entrypoints.cli.steering import opened, wish
from migrate.exitcodes import ExitCode

__all__ = ["command"]


@click.command("pause")
@click.option("--now", is_flag=True, help="At the next checkpoint, with nodes in hand left where they are.")
@click.option("--yes", is_flag=True, help="Do not ask.")
@click.option("--expect-cluster", metavar="NAME|UID", envvar="C2C_EXPECT_CLUSTER", help="Refuse any other.")
@run_options
@connection_options
def command(now: bool, yes: bool, expect_cluster: str | None, **said: Any) -> int:  # noqa: ANN401  # options
    """Pause after the nodes in hand; works from any machine, and twice is the same as once.

    \b
    c2c pause
    c2c pause --now
    c2c pause --run 7f3a --yes
    """
    cluster, known = opened(said, expect_cluster)
    confirm(cluster, yes=yes, named=True, word="y")
    wish(cluster, known, {"state": "paused", "now": now})
    when = "at its next checkpoint" if now else "after the nodes in hand"
    say(f"  run {known.run_id[:4]} will pause {when}", always=True)
    next_step(f"c2c resume --run {known.run_id[:4]}")
    return ExitCode.DONE
