"""``c2c bundle``: one archive for support: a run's journal, plan, evidence and report, versions, redacted objects."""

from __future__ import annotations

import io
import json
import sys
import tarfile
from collections.abc import Iterator
from contextlib import contextmanager
from dataclasses import asdict
from pathlib import Path
from typing import Any

import click

from migrate.adapters.helm import helm_binary, helm_version
from migrate.adapters.journal_file import good_records
from migrate.adapters.live_answers import own_machine
from migrate.adapters.run_folder import find_run, state_dir
from migrate.entrypoints.cli.connecting import connected, connection_options
from migrate.entrypoints.cli.face import say
from migrate.entrypoints.cli.planning import dumped
from migrate.entrypoints.cli.progress import progress
from migrate.entrypoints.cli.runs import load_plan, run_options
from migrate.entrypoints.cli.steering import without_connection
from migrate.errors import Failure
from migrate.exitcodes import ExitCode
from migrate.redaction import redacted_text
from migrate.render.story import Damage, story
from migrate.render.terminal import Sign, sign

__all__ = ["command"]

MOST = 64 * 2**20
"""Bytes of one file; a larger one is named and left out."""
LEFT_OUT = frozenset({"backup"})
"""Folders of a run that are not sent: the backup holds objects whole."""


@click.command("bundle")
@click.option(
    "-o", "target", metavar="FILE.tgz|-", required=True, help="Where to write; - streams the archive."
)
@click.option("--offline", is_flag=True, help="Do not ask the cluster for its objects.")
@click.option("--yes", is_flag=True, help="Do not ask before it is written.")
@run_options
@connection_options
def command(target: str, offline: bool, yes: bool, **said: Any) -> int:  # noqa: ANN401  # options
    """Gather what support needs into one archive; every text is redacted, the backup of the run is left out.

    \b
    c2c bundle -o support.tgz
    c2c bundle --run 7f3a -o support.tgz --offline
    c2c bundle -o - --yes | ssh support upload
    """
    if target == "-" and sys.stdout.isatty():
        raise Failure("an archive is nothing for a terminal", fix="c2c bundle -o support.tgz")
    folder = find_run(state_dir(said["state_dir"]), said["run_id"])
    files = dict(_of_run(folder))
    with _objects(said, offline=offline) as place, progress("gathering, redacting"):
        if place:
            files.update((f"snapshot/{name}", data) for name, data in _texts(Path(place)))
        files["versions.json"] = _json(_versions())
        _agree(files, yes=yes)
        _write(files, target)
    if target != "-":
        say(f"  Wrote {target}: {len(files)} files", always=True)
    return ExitCode.DONE


def _of_run(folder: Path) -> Iterator[tuple[str, bytes]]:
    """Give the files of a run, redacted, and its report as far as its journal is good."""
    yield from ((f"run/{name}", data) for name, data in _texts(folder))
    try:
        plan = load_plan(str(folder / "plan.json"))
        records, damage = good_records(folder / "journal.jsonl")
        yield "report.json", _json(asdict(story(plan, records, Damage(damage))))
    except (Failure, ValueError, OSError) as error:
        yield "report-missing.txt", f"{error}\n".encode()


def _texts(folder: Path) -> Iterator[tuple[str, bytes]]:
    """Give the files below a folder as redacted text; what is too large is named instead."""
    for path in sorted(folder.rglob("*")):
        name = path.relative_to(folder)
        if not path.is_file() or name.parts[0] in LEFT_OUT:
            continue
        if path.stat().st_size > MOST:
            yield f"{name}.left-out.txt", f"{path.stat().st_size} bytes\n".encode()
            continue
        yield str(name), redacted_text(path.read_bytes().decode("utf-8", "replace")).encode()


@contextmanager
def _objects(said: dict[str, Any], *, offline: bool) -> Iterator[str]:
    """Give the folder of the cluster's objects; empty where it is not to be asked, or does not answer."""
    if offline:
        yield ""
        return
    try:
        there = connected(**without_connection(said))
    except Failure as failure:
        say(sign(Sign.UNSURE), f" without the cluster's objects: {failure.what}", always=True)
        yield ""
        return
    with dumped(there, ["preflight"]) as place:
        yield place


def _versions() -> dict[str, Any]:
    try:
        helm = helm_version(helm_binary())
    except Failure as failure:
        helm = failure.what
    return own_machine(helm, None)


def _json(data: object) -> bytes:
    return redacted_text(json.dumps(data, indent=1, ensure_ascii=False)).encode() + b"\n"


def _agree(files: dict[str, bytes], *, yes: bool) -> None:
    """List the files, and on a terminal ask; raises ``Failure`` (exit 3) for a no."""
    for name, data in sorted(files.items()):
        say(f"  {len(data):>10,}  {name}")
    say(
        "  Redacted: data of Secrets, tokens, keys, headers, values of environments. Left out: the run's backup."
    )
    if yes or not sys.stdin.isatty():
        return
    say("Write it? [y/N]", always=True)
    if sys.stdin.readline().strip().lower() not in {"y", "yes"}:
        raise Failure("nothing was written", fix="run it again", code=ExitCode.BLOCKED)


def _write(files: dict[str, bytes], target: str) -> None:
    stream = io.BytesIO()
    with tarfile.open(fileobj=stream, mode="w:gz") as archive:
        for name, data in sorted(files.items()):
            info = tarfile.TarInfo(f"c2c-support/{name}")
            info.size, info.mode = len(data), 0o600
            archive.addfile(info, io.BytesIO(data))
    if target == "-":
        sys.stdout.buffer.write(stream.getvalue())
        return
    path = Path(target)
    try:
        path.touch(mode=0o600)
        path.write_bytes(stream.getvalue())
    except OSError as error:
        raise Failure(
            f"{target} cannot be written: {error.strerror}", fix="name another place with -o"
        ) from error
