"""``c2c verify``: hold any policy set against another, against expectations, and against its own conditions."""

from __future__ import annotations

from functools import partial
from typing import Any

import click

from migrate.entrypoints.cli.comparison import Request, both_sides, outcome
from migrate.entrypoints.cli.face import next_step
from migrate.entrypoints.cli.output import emit
from migrate.exitcodes import ExitCode
from migrate.render.outcome import Outcome
from migrate.render.verification import renderers, table


@click.command("verify")
@click.option(
    "--expect",
    type=click.Path(),
    metavar="FILE",
    help="Expectations; with one side alone they replace the comparison.",
)
@click.option("--exit-zero", is_flag=True, help="Report, but exit 0.")
@both_sides
def command(outputs: tuple[str, ...], exit_zero: bool, **given: Any) -> int:  # noqa: ANN401  # options by name
    """Prove that two policy sets give the same verdicts, or print counterexamples.

    \b
    c2c verify --before policies/ --after cilium/
    c2c verify --before policies/ --after cilium/ --cluster prod.tgz -o json
    c2c verify --after cilium/ --expect expectations.yaml
    """
    sides = [given["before"], given["after"]]
    if not any(sides) or (not all(sides) and not (given["expect"] or given["cluster"])):
        raise click.UsageError("name --before and --after, or one of them and --expect")
    found = outcome(Request.of(outputs, given))
    emit(outputs, partial(table, found), renderers(found, "c2c verify"))
    if found.fails or found.inconclusive:
        _advise(found, given)
    if exit_zero:
        return ExitCode.DONE
    return ExitCode.BLOCKED if found.fails else ExitCode.INCONCLUSIVE if found.inconclusive else ExitCode.DONE


def _advise(found: Outcome, given: dict[str, Any]) -> None:
    """Say what to type next: translate anew where a condition is broken, else look at all that differs."""
    if any(item.known for item in found.broken) and given["before"]:
        cluster = f" --cluster {given['cluster']}" if given["cluster"] else ""
        next_step(f"c2c translate {given['before']}{cluster} --out {given['after']}")
    elif found.differs and all((given["before"], given["after"])):
        next_step(f"c2c diff --before {given['before']} --after {given['after']} -o wide")
