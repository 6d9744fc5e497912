"""Programs of the user's, run where c2c runs: as the user wrote them, without a shell, and never longer than we live.

What they write is read as it comes, so that none waits for us, and only its end is kept.
"""

from __future__ import annotations

import os
import signal
import subprocess
import threading
from collections.abc import Mapping, Sequence
from contextlib import suppress
from dataclasses import dataclass, field

from migrate.leash import leashed
from migrate.model.events import FailureClass
from migrate.ports import ApiError, Clock, ProgramState
from migrate.redaction import redacted_text

__all__ = ["ChildPrograms", "not_to_be_run"]

KEPT, LAST_LINES, LONGEST_LINE = 16_384, 10, 400
BLOCK = 4096
SETTLE_S = 1.0
"""So long its last words are waited for once it has ended; a grandchild may hold the pipe open for ever."""


def not_to_be_run(command: Sequence[str]) -> str:
    """Say why a command cannot be run here; empty where it can."""
    from shutil import which  # noqa: PLC0415  # asked once a run

    name = command[0] if command else ""
    if name and which(name) is not None:
        return ""
    return "cannot be executed" if os.path.exists(name) else "is not there"  # noqa: PTH110  # a name, maybe no path


@dataclass(slots=True)
class _Child:
    """A program under way; ``said`` is the end of what it wrote."""

    process: subprocess.Popen[bytes]
    until: float
    said: bytearray = field(default_factory=bytearray)
    late: bool = False
    reader: threading.Thread = field(init=False)

    def __post_init__(self) -> None:
        self.reader = threading.Thread(target=self._read, daemon=True)
        self.reader.start()

    def _read(self) -> None:
        if (stream := self.process.stdout) is None:
            return
        with stream:
            while block := os.read(stream.fileno(), BLOCK):
                self.said += block
                del self.said[:-KEPT]

    def kill(self) -> None:
        """End it with everything that it began in its session."""
        self.late = True
        with suppress(ProcessLookupError):
            os.killpg(self.process.pid, signal.SIGKILL)
        self.process.wait()

    def last(self) -> tuple[str, ...]:
        """Give the last lines, without secrets of known shapes."""
        self.reader.join(SETTLE_S)
        lines = redacted_text(bytes(self.said).decode("utf-8", "replace")).splitlines()
        return tuple(line[:LONGEST_LINE] for line in lines if line.strip())[-LAST_LINES:]


@dataclass(slots=True)
class ChildPrograms:
    """Children of this process, each in a session of its own, so that a signal for us is none for it."""

    clock: Clock
    _children: dict[str, _Child] = field(default_factory=dict)

    def begin(
        self, name: str, command: Sequence[str], environment: Mapping[str, str], limit_s: float
    ) -> None:
        """Begin a program; raises ``ApiError`` where it cannot be run."""
        known = self._children.get(name)
        if known is not None and known.process.poll() is None:
            return
        if wrong := not_to_be_run(command):
            raise ApiError(FailureClass.PERMANENT, f"{command[0]} {wrong}, where c2c runs", status=-1)
        try:
            process = subprocess.Popen(  # noqa: S603  # no shell: the user's own words, as they are written
                leashed(command), stdin=subprocess.DEVNULL, stdout=subprocess.PIPE, stderr=subprocess.STDOUT,
                start_new_session=True, env={**os.environ, **environment},
            )  # fmt: skip
        except (OSError, ValueError) as error:  # no memory, no descriptor; a NUL in a word
            raise ApiError(
                FailureClass.PERMANENT, f"{command[0]} cannot be run: {error}", status=-1
            ) from error
        self._children[name] = _Child(process, self.clock.monotonic() + limit_s)

    def look(self, name: str) -> ProgramState | None:
        """Say how it stands; one whose time is over is killed first."""
        child = self._children.get(name)
        if child is None:
            return None
        if child.process.poll() is None and self.clock.monotonic() < child.until:
            return ProgramState()
        if child.process.poll() is None:
            child.kill()
        return ProgramState(child.process.returncode, child.last(), late=child.late)

    def forget(self, name: str) -> None:
        """Forget one that has ended."""
        child = self._children.get(name)
        if child is not None and child.process.poll() is not None:
            del self._children[name]
