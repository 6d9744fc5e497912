"""Find the binaries that tests run against, or build and keep them: ``make tools`` prints where each one is.

The order (``testing.md`` §3.3): ``C2C_TOOLS=DIR``, ``KUBEBUILDER_ASSETS``, the cache, ``PATH``, a build. What is
prebuilt must say the right version, else this is said and it is passed over.
"""

from __future__ import annotations

import fcntl
import os
import re
import shutil
import subprocess
import sys
import tempfile
import time
from collections.abc import Iterator
from contextlib import contextmanager
from dataclasses import dataclass
from pathlib import Path

from tests.tools.catalogue import TOOLS, Tool, tool
from tests.tools.errors import NotHereError
from tests.tools.gobuild import cache_home

CACHE = "cache"
BUILDING = "building.lock"
ANSWER_SECONDS = 20


@dataclass(frozen=True)
class Found:
    """Where a binary is, and how it came there."""

    path: Path
    origin: str
    passed_over: tuple[str, ...] = ()


def find(name: str) -> Found:
    """Give a binary that is here already; raises ``NotHereError`` otherwise, without building anything."""
    row, passed_over = tool(name), []
    for origin, path in _prebuilt(row):
        if origin != CACHE and (said := refusal(row, path)):
            passed_over.append(f"{path} ({origin}) is passed over: {said}")
            continue
        return Found(path, origin, tuple(passed_over))
    raise NotHereError("; ".join([f"{name} {row.version} is not built: make tools", *passed_over]))


def build(name: str) -> Found:
    """Give a binary, built if it is not here; raises ``NotHereError`` where it cannot be made."""
    try:
        return find(name)
    except NotHereError as error:
        print(error, file=sys.stderr, flush=True)
    row = tool(name)
    with _locked(cache_home() / row.name / f"{row.recipe.digest()}.lock"):
        if kept := _cached(row):
            return Found(kept, "built by another run")
        return Found(_made(row), "built")


def refusal(row: Tool, path: Path) -> str:
    """Say why a binary cannot serve; empty where it can."""
    wanted = [row.version, *([row.recipe.digest()] if row.stamped else [])]
    try:
        command = [str(path), *row.asks]
        done = subprocess.run(command, stdin=subprocess.DEVNULL, capture_output=True, text=True, check=False,
                              timeout=ANSWER_SECONDS)  # fmt: skip
    except (OSError, subprocess.TimeoutExpired) as error:
        return f"it does not say its version: {error}"
    said = (done.stdout + done.stderr).strip()
    missing = [w for w in wanted if not re.search(rf"\bv?{re.escape(w)}(?![\w.]*\d)", said)]
    return f"wanted {' '.join(wanted)}, it says {said[:120]!r}" if missing else ""


def _prebuilt(row: Tool) -> Iterator[tuple[str, Path]]:
    """Give the places where the binary is already, best first."""
    folders = [("C2C_TOOLS", os.environ.get("C2C_TOOLS"))]
    if row.in_assets:
        folders.append(("KUBEBUILDER_ASSETS", os.environ.get("KUBEBUILDER_ASSETS")))
    for origin, folder in folders:
        if folder and os.access(path := Path(folder) / row.name, os.X_OK):
            yield origin, path
    if kept := _cached(row):
        yield CACHE, kept
    if row.on_path and (found := shutil.which(row.name)):
        yield "PATH", Path(found)


def _cached(row: Tool) -> Path | None:
    home, exact = cache_home() / row.name, row.recipe.entry()
    listed = [home / exact] if exact else sorted(home.glob(f"{row.recipe.digest()}-*"))
    return next((f / row.name for f in reversed(listed) if os.access(f / row.name, os.X_OK)), None)


def _made(row: Tool) -> Path:
    """Build into a folder beside and rename it: an entry is whole or absent. One build at a time, links are large."""
    home = cache_home() / row.name
    with _locked(cache_home() / BUILDING), tempfile.TemporaryDirectory(dir=home) as scratch:
        made = Path(scratch) / row.name
        row.recipe.make(made)
        if said := refusal(row, made):
            raise NotHereError(f"what was built is not {row.name} {row.version}: {said}")
        target = home / (row.recipe.entry() or row.recipe.digest())
        target.mkdir(exist_ok=True)
        made.rename(target / row.name)
    return target / row.name


@contextmanager
def _locked(path: Path) -> Iterator[None]:
    """Let two runs share a build instead of making it twice."""
    path.parent.mkdir(parents=True, exist_ok=True)
    with path.open("w") as handle:
        try:
            fcntl.flock(handle, fcntl.LOCK_EX | fcntl.LOCK_NB)
        except BlockingIOError:
            print(f"waiting for another build ({path.name})", file=sys.stderr, flush=True)
            fcntl.flock(handle, fcntl.LOCK_EX)
        yield


def main(names: list[str]) -> int:
    """Print the table of the binaries, all or those named, building what is missing; 1 if one could not be had."""
    missing = 0
    print(f"{'name':<24} {'version':<10} {'from':<20} {'time':>7}  path")
    for row in TOOLS:
        if names and row.name not in names:
            continue
        started = time.monotonic()
        try:
            found = build(row.name)
        except NotHereError as error:
            missing += 1
            print(f"{row.name:<24} {row.version:<10} NOT HERE: {error}", flush=True)
        else:
            seconds = f"{time.monotonic() - started:.1f} s"
            print(
                f"{row.name:<24} {row.version:<10} {found.origin:<20} {seconds:>7}  {found.path}", flush=True
            )
            for line in found.passed_over:
                print(f"{'':<24} {line}", flush=True)
    return 1 if missing else 0


if __name__ == "__main__":
    raise SystemExit(main(sys.argv[1:]))
