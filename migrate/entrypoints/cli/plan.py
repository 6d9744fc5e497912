"""``c2c plan``: the exact steps of a migration, with the undo of each; a file that ``apply`` accepts."""

from __future__ import annotations

import json
from collections.abc import Callable, Mapping, Sequence
from functools import partial
from pathlib import Path
from typing import Any

import click

from migrate.adapters.snapshot_files import Wishes, write_snapshot
from migrate.engine.plan_file import plan_document
from migrate.entrypoints.cli.configuration import configuration
from migrate.entrypoints.cli.connecting import connected, connection_options
from migrate.entrypoints.cli.face import next_step, say
from migrate.entrypoints.cli.output import emit, outputs_option
from migrate.entrypoints.cli.planning import LIVE, Planned, dumped, planned, sum_of
from migrate.entrypoints.cli.preflight import acceptances
from migrate.entrypoints.cli.programs import check_configured
from migrate.entrypoints.cli.progress import progress
from migrate.exitcodes import ExitCode
from migrate.preflight.judge import stops
from migrate.render import plan as render
from migrate.render.terminal import Sign, sign

__all__ = ["command"]


@click.command("plan")
@click.option(
    "--cluster", metavar="SNAPSHOT|live", default=LIVE, help="Folder or .tgz; live: through the API."
)
@click.option("--accept", multiple=True, metavar="ID[:OBJECT][=REASON]", help="Accept one finding.")
@click.option("--config", metavar="FILE", help="The configuration; else ./c2c.yaml, if there is one.")
@click.option("--detailed-exitcode", is_flag=True, help="Exit 10 where there is something to do.")
@outputs_option
@connection_options
def command(
    cluster: str,
    accept: Sequence[str],
    config: str | None,
    detailed_exitcode: bool,
    outputs: Sequence[str],
    **said: Any,  # noqa: ANN401  # options
) -> int:
    """Say exactly what would be done, in which order, and how each step is undone. Changes nothing.

    From a live cluster the snapshot that the plan was made from is written beside it.

    \b
    c2c plan --cluster prod.tgz -o plan.json
    c2c plan -o plan.json -o plan.svg
    c2c plan --cluster prod.tgz --accept CP2031:shop/db="recycled by hand"
    """
    conf = configuration(config)
    check_configured(conf)
    accepted = acceptances(conf, accept)
    if cluster != LIVE:
        with progress("reading, translating, judging, planning"):
            made = planned(
                cluster, conf, accepted, inputs={"snapshot": {"file": cluster, "sha256": sum_of(cluster)}}
            )
        return _leave(made, outputs, detailed=detailed_exitcode)
    there = connected(**said)
    with dumped(there, ["apply"]) as folder:
        beside = _beside(outputs, folder)
        with progress("translating, judging, planning"):
            made = planned(folder, conf, accepted, cluster=there, inputs=beside)
        return _leave(made, outputs, detailed=detailed_exitcode)


def _beside(outputs: Sequence[str], folder: str) -> Mapping[str, Any]:
    """Keep the snapshot of a live cluster beside the plan's file, and give its name and sum."""
    files = [item.partition("=")[2] or item for item in outputs if item.endswith(".json")]
    if not files:
        return {}
    path = str(Path(files[0]).with_suffix(".snapshot.tgz"))
    write_snapshot(folder, path, Wishes())
    say(f"  Wrote {path}: what the plan was made from")
    return {"snapshot": {"file": Path(path).name, "sha256": sum_of(path)}}


def _leave(made: Planned, outputs: Sequence[str], *, detailed: bool) -> int:
    for problem in made.problems[:10]:
        say(sign(Sign.UNSURE), f" {problem}", always=True)
    document = plan_document(made.plan)
    rendered: dict[str, Callable[[], str]] = {
        "json": lambda: json.dumps(document, indent=1, ensure_ascii=False) + "\n",
        "markdown": partial(render.markdown, made.plan),
        "svg": partial(render.gantt, made.plan),
    }
    emit(outputs, partial(render.table, made.plan), rendered)
    files = [item.partition("=")[2] or item for item in outputs if item.endswith(".json")]
    name = files[0] if files else "plan.json"
    if made.plan.blocked:
        first = next((f.code for f in made.judgement.findings if stops(f)), "")
        next_step(f"c2c explain {first}")
        return ExitCode.BLOCKED
    next_step(f"c2c rehearse {name}" if files else "c2c plan -o plan.json")
    return ExitCode.DIFFERENCES if detailed and made.plan.steps else ExitCode.DONE
