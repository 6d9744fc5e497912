"""``c2c diff``: list what differs between two policy sets, and judge nothing."""

from __future__ import annotations

from functools import partial
from typing import Any

import click

from migrate.entrypoints.cli.comparison import Request, both_sides, outcome
from migrate.entrypoints.cli.output import emit
from migrate.exitcodes import ExitCode
from migrate.render.verification import renderers, table


@click.command("diff")
@click.option("--detailed-exitcode", is_flag=True, help="Exit 10 if a verdict differs.")
@click.option("--exit-zero", is_flag=True, help="Exit 0 whatever is found.")
@both_sides
def command(outputs: tuple[str, ...], detailed_exitcode: bool, exit_zero: bool, **given: Any) -> int:  # noqa: ANN401
    """List the flows whose verdict differs between two policy sets.

    \b
    c2c diff --before policies/ --after cilium/
    c2c diff --before policies/ --after edited-policies/
    c2c diff --before policies/ --after cilium/ --detailed-exitcode -o json
    """
    if not given["after"] or not (given["before"] or given["cluster"]):
        raise click.UsageError("name --before and --after")
    found = outcome(Request.of(outputs, given))
    emit(outputs, partial(table, found), renderers(found, "c2c diff"))
    if exit_zero:
        return ExitCode.DONE
    if found.fails and detailed_exitcode:
        return ExitCode.DIFFERENCES
    return ExitCode.INCONCLUSIVE if found.inconclusive and not found.fails else ExitCode.DONE
