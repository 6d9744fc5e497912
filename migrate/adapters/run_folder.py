"""A run's folder: journal, plan, backup and evidence, private to its owner; found again by any prefix of its id."""

from __future__ import annotations

import hashlib
import os
import secrets
from pathlib import Path

from migrate.errors import Failure

__all__ = ["FileStore", "find_run", "new_run_id", "runs", "state_dir"]

MIN_PREFIX = 4


def state_dir(given: str | None) -> Path:
    """Give where runs live: the option, else ``C2C_STATE_DIR``, else ``$XDG_STATE_HOME/c2c``."""
    chosen = given or os.environ.get("C2C_STATE_DIR")
    if chosen:
        return Path(chosen)
    home = os.environ.get("XDG_STATE_HOME") or str(Path.home() / ".local" / "state")
    return Path(home) / "c2c"


def new_run_id() -> str:
    """Give a new id: eight hexadecimal digits."""
    return secrets.token_hex(4)


def runs(place: Path) -> list[str]:
    """Give the ids of the runs there, the newest first."""
    if not place.is_dir():
        return []
    found = [p for p in place.iterdir() if (p / "journal.jsonl").is_file()]
    return [
        p.name
        for p in sorted(found, key=lambda p: ((p / "journal.jsonl").stat().st_mtime, p.name), reverse=True)
    ]


def find_run(place: Path, prefix: str | None) -> Path:
    """Give the folder of the run that a prefix names, or of the only one; raises ``Failure`` where that is not one."""
    known = runs(place)
    if not known:
        raise Failure(f"there is no run in {place}", fix="name another folder with --state-dir")
    if prefix is None:
        return place / known[0]
    if len(prefix) < MIN_PREFIX:
        raise Failure(
            f"{prefix!r} is too short for a run",
            fix=f"give {MIN_PREFIX} digits or more: {', '.join(known[:3])}",
        )
    found = [r for r in known if r.startswith(prefix)]
    if len(found) != 1:
        what = "no run begins so" if not found else f"{len(found)} runs begin so"
        raise Failure(f"{prefix!r}: {what}", fix=f"runs in {place}: {', '.join(known[:5])}")
    return place / found[0]


class FileStore:
    """Files of one run, written beside their place and renamed, so that none is ever half there."""

    def __init__(self, folder: Path) -> None:
        self._folder = folder

    def write(self, name: str, content: bytes) -> str:
        """Write a file and give its SHA-256; raises ``OSError`` where it cannot."""
        target = self._folder / name
        target.parent.mkdir(parents=True, exist_ok=True, mode=0o700)
        beside = target.with_name(f".{target.name}.new")
        handle = os.open(beside, os.O_WRONLY | os.O_CREAT | os.O_TRUNC, 0o600)
        try:
            with os.fdopen(handle, "wb") as file:
                file.write(content)
                file.flush()
                os.fsync(handle)
        except OSError:
            beside.unlink(missing_ok=True)
            raise
        beside.replace(target)
        return hashlib.sha256(content).hexdigest()

    def read(self, name: str) -> bytes | None:
        """Give a file; None where it is not there."""
        target = self._folder / name
        return target.read_bytes() if target.is_file() else None
