"""What a machine may lack, by name: a test asks, and is skipped aloud, or fails where ``CI=true``.

A test says what it needs with ``@pytest.mark.needs("root", "nspawn")``, or a fixture calls one of the functions here.
Each answer to "missing" names the command that brings it.
"""

from __future__ import annotations

import os
import random
import shutil
import subprocess
from collections.abc import Callable, Mapping
from dataclasses import dataclass
from pathlib import Path
from typing import NoReturn

import pytest

from tests.tools import binaries, catalogue, gobuild
from tests.tools.errors import NotHereError

ROOT = Path(__file__).resolve().parents[1]
NOT_TESTED = "NOT TESTED HERE"


@dataclass(frozen=True)
class Capability:
    """A question to the machine, and what to say and do where the answer is no."""

    is_here: Callable[[], bool]
    remedy: str


def _program(name: str) -> Callable[[], bool]:
    return lambda: shutil.which(name) is not None


def _is_built(name: str) -> bool:
    try:
        binaries.find(name)
    except NotHereError:
        return False
    return True


CONTROL_PLANE = ("etcd", "kube-apiserver", "kube-controller-manager", "kube-scheduler", "kwok")


def _is_root() -> bool:
    return os.geteuid() == 0


CAPABILITIES: Mapping[str, Capability] = {
    "go": Capability(lambda: gobuild.installed_go() is not None, f"needs {gobuild.GO_WANTED}"),
    "root": Capability(_is_root, "not root: run as root"),
    "nspawn": Capability(
        lambda: _is_root() and shutil.which("systemd-nspawn") is not None,
        "no root or no systemd-nspawn: run as root; apt-get install systemd-container debootstrap",
    ),
    "tmux": Capability(_program("tmux"), "no tmux: apt-get install tmux"),
    "controlplane": Capability(
        lambda: all(_is_built(name) for name in CONTROL_PLANE),
        f"{', '.join(CONTROL_PLANE)} are not all built: make tools",
    ),
    "operator": Capability(lambda: _is_built("cilium-operator"), "no cilium-operator: make tools"),
    "openssl": Capability(_program("openssl"), "no openssl: apt-get install openssl"),
    "chromium": Capability(_program("chromium"), "no chromium: apt-get install chromium"),
}
"""Everything that is no binary of ``make tools``; those are capabilities by their own names."""


def need(name: str) -> None:
    """Go on where the machine has a capability or a binary of ``make tools``; else the test cannot run here."""
    if name in {row.name for row in catalogue.TOOLS}:
        binary(name)
    elif not CAPABILITIES[name].is_here():
        missing(CAPABILITIES[name].remedy)


def binary(name: str) -> Path:
    """Give a binary that ``make tools`` builds; without it the test cannot run here."""
    try:
        return binaries.find(name).path
    except NotHereError as error:
        return missing(f"{error}")


def _shared_home() -> Path:
    """Give the folder of material by others: C2C_SHARED, beside the checkout, or beside what it was cloned from."""
    beside = ROOT.parent / "shared"
    if stated := os.environ.get("C2C_SHARED"):
        return Path(stated)
    if beside.is_dir():
        return beside
    asked = ["git", "config", "--get", "remote.origin.url"]
    origin = subprocess.run(asked, cwd=ROOT, capture_output=True, text=True, check=False).stdout.strip()
    path = Path(origin.removeprefix("file://"))
    return path.parent / "shared" if origin and path.is_dir() else beside


SHARED = _shared_home()


def shared(*parts: str) -> Path:
    """Give a path of the shared material; without it the test cannot run here."""
    path = SHARED.joinpath(*parts)
    if not path.exists():
        missing("the shared material is not beside the checkout (../shared): C2C_SHARED=DIR names it")
    return path


def missing(what: str) -> NoReturn:
    """Leave a test out aloud, or fail it where nothing may be left out."""
    message = f"{NOT_TESTED}: {what}"
    if is_ci():
        pytest.fail(message)
    pytest.skip(message)


def is_ci() -> bool:
    """Say whether nothing may be left out."""
    return os.environ.get("CI") == "true"


def seed() -> int:
    """Give the seed of a random layer: ``C2C_SEED``, else one and the same in ``make test``, a new one in ``test-long``."""
    return int(os.environ.get("C2C_SEED") or (random.randrange(1 << 30) if is_long() else 20_261_126))


def is_long() -> bool:
    """Say whether the larger counts are wanted (``make test-long``)."""
    return os.environ.get("C2C_LONG") == "1"
