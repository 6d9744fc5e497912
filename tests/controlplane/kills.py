"""Killing a run at a record of its journal: the second way beside the proxy's kill points.

The journal is a file of JSON lines that are appended whole; what the records say is not read.
"""

from __future__ import annotations

import os
import signal
import threading
from collections.abc import Callable
from dataclasses import dataclass, field
from pathlib import Path
from typing import Self

LOOK_S = 0.002


@dataclass(slots=True)
class KillAfterRecord:
    """Kills a process as soon as its journal holds so many records; a context manager.

    ``journal`` is the file, or finds it where the process itself makes its folder.
    """

    journal: Path | Callable[[], Path | None]
    number: int
    pid: int
    killed: threading.Event = field(default_factory=threading.Event)
    _stopped: threading.Event = field(default_factory=threading.Event)
    _thread: threading.Thread | None = None

    def __enter__(self) -> Self:
        self._thread = threading.Thread(target=self._follow, name="journal", daemon=True)
        self._thread.start()
        return self

    def __exit__(self, *_: object) -> None:
        self._stopped.set()
        if self._thread:
            self._thread.join()

    def _follow(self) -> None:
        while not self._stopped.wait(LOOK_S):
            path = self.journal if isinstance(self.journal, Path) else self.journal()
            if path and path.exists() and path.read_bytes().count(b"\n") >= self.number:
                os.kill(self.pid, signal.SIGKILL)
                self.killed.set()
                return
