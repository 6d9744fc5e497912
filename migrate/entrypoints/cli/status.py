"""``c2c status``: one picture of a run, from its journal here or from the cluster."""

from __future__ import annotations

from collections.abc import Sequence
from typing import Any

import click

from migrate.entrypoints.cli.connecting import connection_options
from migrate.entrypoints.cli.output import outputs_option
from migrate.entrypoints.cli.pictures import picture_of, show
from migrate.entrypoints.cli.runs import run_options

__all__ = ["command"]


@click.command("status")
@click.option("--exit-status", is_flag=True, help="Exit as the run itself would.")
@outputs_option
@run_options
@connection_options
def command(exit_status: bool, outputs: Sequence[str], **said: Any) -> int:  # noqa: ANN401  # options
    """Show where a run stands: its state, its nodes, what it waits for.

    \b
    c2c status
    c2c status --run 7f3a -o json
    c2c status --exit-status
    """
    return show(picture_of(said), outputs, exit_status=exit_status)
