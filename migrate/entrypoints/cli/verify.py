"""``c2c verify``: hold any Cilium policy set against a Calico one."""

from __future__ import annotations

from functools import partial

import click

from migrate.entrypoints.cli.comparison import RENDERERS, both_sides, compared, table
from migrate.entrypoints.cli.face import next_step
from migrate.entrypoints.cli.output import emit
from migrate.exitcodes import ExitCode


@click.command("verify")
@click.option("--exit-zero", is_flag=True, help="Report, but exit 0.")
@both_sides
def command(
    before: str,
    after: str,
    outputs: tuple[str, ...],
    cluster: str | None,
    address_plan: str | None,
    exit_zero: bool,
    **versions: str | None,
) -> int:
    """Prove that two policy sets give the same verdicts, or print counterexamples.

    \b
    c2c verify --before policies/ --after cilium/
    c2c verify --before policies/ --after cilium/ --cluster prod.tgz
    c2c verify --before policies/ --after cilium/ -o json
    """
    found = compared(before, after, cluster, address_plan, versions)
    emit(outputs, partial(table, found), {name: partial(write, found) for name, write in RENDERERS.items()})
    if found.proved or exit_zero:
        return ExitCode.DONE
    if found.counterexamples or found.refused:
        next_step(f"c2c diff --before {before} --after {after} -o wide")
        return ExitCode.BLOCKED
    return ExitCode.INCONCLUSIVE
