"""``c2c diff``: list what differs between Calico's set and Cilium's, and judge nothing."""

from __future__ import annotations

from functools import partial

import click

from migrate.entrypoints.cli.comparison import RENDERERS, both_sides, compared, table
from migrate.entrypoints.cli.output import emit
from migrate.exitcodes import ExitCode


@click.command("diff")
@click.option("--detailed-exitcode", is_flag=True, help="Exit 10 if a verdict differs.")
@both_sides
def command(
    before: str,
    after: str,
    outputs: tuple[str, ...],
    cluster: str | None,
    address_plan: str | None,
    detailed_exitcode: bool,
    **versions: str | None,
) -> int:
    """List the flows whose verdict differs between two policy sets.

    \b
    c2c diff --before policies/ --after cilium/
    c2c diff --before policies/ --after cilium/ --detailed-exitcode
    c2c diff --before policies/ --after cilium/ -o json
    """
    found = compared(before, after, cluster, address_plan, versions)
    emit(outputs, partial(table, found), {name: partial(write, found) for name, write in RENDERERS.items()})
    differs = bool(found.counterexamples or found.refused)
    if differs and detailed_exitcode:
        return ExitCode.DIFFERENCES
    return ExitCode.INCONCLUSIVE if found.unconfirmed and not differs else ExitCode.DONE
