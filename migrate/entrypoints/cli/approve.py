"""``c2c approve``: give, or refuse, the approval that a run waits for."""

from __future__ import annotations

from typing import Any

import click

from migrate.entrypoints.cli.connecting import confirm, connection_options
from migrate.entrypoints.cli.face import next_step, say
from migrate.entrypoints.cli.runs import run_options
from migrate.entrypoints.cli.steering import opened, wish
from migrate.errors import Failure
from migrate.exitcodes import ExitCode

__all__ = ["command"]


@click.command("approve")
@click.argument("what", required=False, metavar="[NODE|WAVE]")
@click.option("--deny", is_flag=True, help="Refuse it: the run halts.")
@click.option("--yes", is_flag=True, help="Do not ask.")
@click.option("--expect-cluster", metavar="NAME|UID", envvar="C2C_EXPECT_CLUSTER", help="Refuse any other.")
@run_options
@connection_options
def command(
    what: str | None,
    deny: bool,
    yes: bool,
    expect_cluster: str | None,
    **said: Any,  # noqa: ANN401  # options
) -> int:
    """Approve what the run waits for, or what is named.

    \b
    c2c approve
    c2c approve wave-2
    c2c approve canary --deny
    """
    cluster, known = opened(said, expect_cluster)
    asked = what or known.stands.run.asked
    if not asked:
        raise Failure(
            f"run {known.run_id[:4]} is {known.stands.run.where} and waits for no approval",
            fix="name what to approve beforehand: c2c approve canary",
            code=ExitCode.BLOCKED,
        )
    confirm(cluster, yes=yes, named=True, word="y")
    wish(cluster, known, {"deny" if deny else "approve": [asked]})
    say(f"  {asked} is {'refused' if deny else 'approved'} for run {known.run_id[:4]}", always=True)
    next_step(f"c2c resume --run {known.run_id[:4]}")
    return ExitCode.DONE
