"""``c2c watch``: follow a run from anywhere."""

from __future__ import annotations

import json
import sys
import time
from collections.abc import Mapping, Sequence
from datetime import UTC, datetime, timedelta
from typing import Any

import click

from migrate.adapters.journal_file import read_records
from migrate.adapters.run_folder import find_run, runs, state_dir
from migrate.entrypoints.cli import collector
from migrate.entrypoints.cli.connecting import connection_options
from migrate.entrypoints.cli.endings import ending_of
from migrate.entrypoints.cli.face import canvas_of
from migrate.entrypoints.cli.output import formats, outputs_option
from migrate.entrypoints.cli.pictures import picture_of
from migrate.entrypoints.cli.runs import run_options
from migrate.exitcodes import ExitCode
from migrate.model.run import Run, RunStatus
from migrate.model.settings import seconds
from migrate.render.run_events import event_of, plain_line
from migrate.render.run_status import Picture, status_table

__all__ = ["command"]

LOOK_S = 2.0
RESTING = frozenset({RunStatus.PAUSED, RunStatus.HALTED})


@click.command("watch")
@click.option("--since", metavar="10m", help="Begin with what happened since then.")
@click.option("--once", is_flag=True, help="Tell what there is, and leave.")
@click.option("--exit-status", is_flag=True, help="Exit as the run itself would.")
@outputs_option
@run_options
@connection_options
def command(
    since: str | None,
    once: bool,
    exit_status: bool,
    outputs: Sequence[str],
    **said: Any,  # noqa: ANN401  # options
) -> int:
    """Follow a run: its events from the journal where it is here, its picture from the cluster elsewhere.

    \b
    c2c watch
    c2c watch --since 10m
    c2c watch --run 7f3a -o jsonl
    """
    as_json = "jsonl" in formats(outputs)
    place = state_dir(said["state_dir"])
    here = [r for r in runs(place) if said["run_id"] is None or r.startswith(said["run_id"])]
    told, after = 0, _begin(since)
    shape = ""
    collector.needed()
    while True:
        picture = picture_of(said)
        if here:
            told = _tell_new(find_run(place, here[0]) / "journal.jsonl", told, after, as_json=as_json)
        else:
            shape = _tell_picture(picture, shape, as_json=as_json)
        if once or _is_over(picture.run):
            return ending_of(picture.run).code if exit_status else ExitCode.DONE
        time.sleep(LOOK_S)


def _begin(since: str | None) -> str:
    if since is None:
        return ""
    return (datetime.now(UTC) - timedelta(seconds=seconds(since))).strftime("%Y-%m-%dT%H:%M:%SZ")


def _tell_new(journal: Any, told: int, after: str, *, as_json: bool) -> int:  # noqa: ANN401  # a path
    records = read_records(journal)
    for record in records[told:]:
        if str(record.get("time", "")) >= after:
            _tell(record, as_json=as_json)
    sys.stdout.flush()
    return len(records)


def _tell(record: Mapping[str, Any], *, as_json: bool) -> None:
    line = json.dumps(event_of(record), ensure_ascii=False) if as_json else plain_line(record)
    if line:
        sys.stdout.write(line + "\n")


def _tell_picture(picture: Picture, shape: str, *, as_json: bool) -> str:
    """Tell the picture where it changed in what can be seen of it."""
    run = picture.run
    now = "|".join([run.where, *(f"{n}={s.status}" for n, s in sorted(run.nodes.items()))])
    if now != shape:
        if as_json:
            nodes = {n: str(s.status) for n, s in sorted(run.nodes.items())}
            event = {"type": "state", "run": run.id, "after": run.where, "nodes": nodes}
            sys.stdout.write(json.dumps(event) + "\n")
        else:
            sys.stdout.write(status_table(picture, canvas_of(sys.stdout)))
        sys.stdout.flush()
    return now


def _is_over(run: Run) -> bool:
    return run.status.terminal or run.status in RESTING
