"""``--detach``: the same command again, in a session of its own that outlives this terminal."""

from __future__ import annotations

import os
import subprocess
import sys
from pathlib import Path

from migrate.adapters.run_folder import state_dir
from migrate.entrypoints.cli.face import next_step, say
from migrate.errors import Failure
from migrate.exitcodes import ExitCode

__all__ = ["detached"]


def detached(place: str | None) -> int:
    """Start the same command in a session of its own; what it tells goes into a file in the state folder."""
    folder = state_dir(place)
    folder.mkdir(parents=True, exist_ok=True, mode=0o700)
    log = folder / "detached.log"
    words = [w for w in sys.argv[1:] if w != "--detach"]
    if "--yes" not in words:
        raise Failure("--detach needs --yes: nobody can be asked", fix="give --yes and --expect-cluster NAME", code=ExitCode.BLOCKED)  # fmt: skip
    handle = os.open(log, os.O_WRONLY | os.O_CREAT | os.O_APPEND, 0o600)
    with os.fdopen(handle, "ab") as out:
        child = subprocess.Popen(  # noqa: S603  # our own command line
            [sys.executable, "-m", "migrate", *words],
            stdin=subprocess.DEVNULL, stdout=out, stderr=out, start_new_session=True, cwd=Path.cwd(),
        )  # fmt: skip
    say(f"  a driver runs as process {child.pid}; it tells in {log}", always=True)
    next_step("c2c watch")
    return ExitCode.DONE
