"""``c2c doctor``: is this installation able to work: one line a requirement, with its remedy."""

from __future__ import annotations

import importlib.util
import json
import os
import shutil
import sys
from collections.abc import Callable, Iterator, Sequence
from dataclasses import asdict, dataclass
from functools import partial
from typing import Any

import click

from migrate.adapters.run_folder import state_dir
from migrate.entrypoints.cli.connecting import connection_options
from migrate.entrypoints.cli.output import emit, outputs_option
from migrate.errors import Failure
from migrate.exitcodes import ExitCode
from migrate.render.terminal import Canvas, Line, Piece, Role, Sign, paint, sign

__all__ = ["command"]

LEAST = (3, 12)
FREE_BYTES = 200 * 2**20


@dataclass(frozen=True, slots=True)
class Need:
    """One requirement: what for, whether it is met, what was seen, what to do. ``must``: nothing works without it."""

    name: str
    met: bool
    seen: str
    remedy: str = ""
    must: bool = True


@click.command("doctor")
@click.option("--offline", is_flag=True, help="Do not reach for a cluster.")
@click.option("--state-dir", metavar="DIR", envvar="C2C_STATE_DIR", help="Where runs live on this machine.")
@outputs_option
@connection_options
def command(offline: bool, state_dir: str | None, outputs: Sequence[str], **said: Any) -> int:  # noqa: ANN401  # options
    """Say whether this installation can work, requirement by requirement.

    \b
    c2c doctor
    c2c doctor --offline
    c2c doctor --context prod-eu-1 -o json
    """
    needs = [*_here(state_dir), *([] if offline else _cluster(said))]
    document = {"schemaVersion": "1.0", "kind": "Doctor", "needs": [asdict(n) for n in needs]}
    rendered: dict[str, Callable[[], str]] = {"json": lambda: json.dumps(document, indent=2) + "\n"}
    emit(outputs, partial(_table, needs), rendered)
    return ExitCode.BLOCKED if any(n.must and not n.met for n in needs) else ExitCode.DONE


def _here(place: str | None) -> Iterator[Need]:
    now = ".".join(map(str, sys.version_info[:3]))
    yield Need(
        "Python", sys.version_info >= LEAST, now, f"run c2c with Python {LEAST[0]}.{LEAST[1]} or newer"
    )
    yield _helm()
    for module, what in (("kubernetes", "live clusters"), ("structlog", "logs"), ("rich", "the live region")):
        found = importlib.util.find_spec(module) is not None
        yield Need(module, found, f"for {what}", "install calico-to-cilium again: a dependency is missing")
    yield _folder(place)
    tty = sys.stderr.isatty() and os.environ.get("TERM", "dumb") != "dumb"
    yield Need(
        "terminal", tty, os.environ.get("TERM", "none"), "runs tell in plain lines instead", must=False
    )


def _helm() -> Need:
    from migrate.adapters.helm import helm_binary, helm_version  # noqa: PLC0415  # only here

    try:
        return Need("helm", True, helm_version(helm_binary()), must=False)
    except Failure as failure:
        return Need("helm", False, failure.what, f"{failure.fix}; only apply and run need it", must=False)


def _folder(place: str | None) -> Need:
    """Say whether runs can be kept: the folder can be made and written, and has room."""
    folder = state_dir(place)
    try:
        folder.mkdir(parents=True, exist_ok=True, mode=0o700)
        probe = folder / ".c2c-doctor"
        probe.write_bytes(b"1")
        probe.unlink()
        free = shutil.disk_usage(folder).free
    except OSError as error:
        return Need("state folder", False, f"{folder}: {error.strerror}", "name another with --state-dir")
    return Need("state folder", free > FREE_BYTES, f"{folder}: {free // 2**20} MiB free", "make room, or name another with --state-dir")  # fmt: skip


def _cluster(said: dict[str, Any]) -> Iterator[Need]:
    from migrate.entrypoints.cli.connecting import connected  # noqa: PLC0415  # the client is slow to import

    try:
        there = connected(**said)
    except Failure as failure:
        yield Need("cluster", False, failure.what, failure.fix, must=False)
        return
    yield Need("cluster", True, f"{there.name}, {there.identity.version}", must=False)
    yield from _rights(there)


def _rights(there: Any) -> Iterator[Need]:  # noqa: ANN401  # Connected
    from migrate.adapters.live_dump import access  # noqa: PLC0415  # only here
    from migrate.model.rights import rights_for  # noqa: PLC0415  # only here

    missing = [
        f"{a['verb']} {a['resource']}"
        for a in access(there.live.api, rights_for(["apply"]))
        if not a["allowed"]
    ]
    seen = f"{len(missing)} missing: {', '.join(missing[:4])}" if missing else "all that apply needs"
    yield Need("rights", not missing, seen, "c2c rbac -o yaml prints them", must=False)


def _table(needs: Sequence[Need], canvas: Canvas) -> str:
    lines: list[Line] = []
    for need in needs:
        mark = Sign.PASS if need.met else Sign.FAIL if need.must else Sign.WARN
        lines.append(["  ", sign(mark), f" {need.name:<14} {need.seen}"])
        if not need.met and need.remedy:
            lines.append([Piece(f"                   {need.remedy}", Role.DIM)])
    return paint(lines, canvas)
