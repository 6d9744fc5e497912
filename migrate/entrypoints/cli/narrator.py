"""Tells a run while it goes: lines and a heartbeat for pipelines, a live region under growing lines on a terminal.

A reader that goes away stops nothing: what cannot be told any more is told to the log alone.
"""

from __future__ import annotations

import json
import sys
import time
from collections.abc import Mapping, Sequence
from contextlib import suppress
from dataclasses import dataclass, field
from typing import Any, TextIO

from rich.console import Console
from rich.live import Live
from rich.text import Text

from migrate import __version__
from migrate.entrypoints.cli.face import canvas_of, face
from migrate.model.fields import text
from migrate.model.run import SETTLED, Run
from migrate.render.run_events import beat, event_of, plain_line, sentence
from migrate.render.run_status import Picture, status_table
from migrate.render.terminal import paint

__all__ = ["Narrator"]

BEAT_S, REDRAW_S = 30.0, 0.25


@dataclass(slots=True)
class Narrator:
    """A reporter for one process; ``jsonl`` also writes every event to stdout, ``cluster`` names it in the live region.

    ``denied`` says whether the command that failed last was refused for want of rights.
    """

    run: str
    cluster: str = ""
    jsonl: TextIO | None = None
    denied: bool = False
    began: float = field(default_factory=time.monotonic)
    _beaten: float = field(default_factory=time.monotonic)
    _drawn: float = 0.0
    _live: Live | None = None

    def __post_init__(self) -> None:
        if self.jsonl is not None:
            self._write(
                self.jsonl, {"type": "hello", "schemaVersion": "1.0", "tool": __version__, "run": self.run}
            )
        if self._mode() == "live":
            console = Console(
                stderr=True, markup=False, highlight=False, no_color=not canvas_of(sys.stderr).colour
            )
            self._live = Live(Text(""), console=console, auto_refresh=False)
            self._live.start()

    @staticmethod
    def _mode() -> str:
        wanted = face().progress
        if face().loudness < 0 or wanted == "none":
            return "none"
        return ("live" if sys.stderr.isatty() else "plain") if wanted == "auto" else wanted

    # What the driver tells.

    def event(self, record: Mapping[str, Any]) -> None:
        """Tell one record."""
        event = record.get("event") or {}
        if text(event, "kind") == "CommandFailed":
            self.denied = text(event, "failure") == "denied"
        if self.jsonl is not None:
            self._write(self.jsonl, event_of(record))
        if self._mode() == "plain":
            self._line(plain_line(record))
        elif self._live is not None:
            line = sentence(record)
            if line is not None:
                painted = paint([line], canvas_of(sys.stderr)).rstrip("\n")
                with suppress(OSError, ValueError):
                    self._live.console.print(Text.from_ansi(painted))

    def beat(self, run: Run, waits: Sequence[tuple[str, float]]) -> None:
        """Tell that the run lives, every thirty seconds; redraw the live region at most four times a second."""
        now = time.monotonic()
        if self._live is not None:
            if now - self._drawn >= REDRAW_S:
                self._drawn = now
                self._draw(run, waits)
        elif self._mode() == "plain" and now - self._beaten >= BEAT_S:
            self._beaten = now
            done = sum(n.status in SETTLED for n in run.nodes.values())
            stamp = time.strftime("%Y-%m-%dT%H:%M:%SZ", time.gmtime())
            self._line(beat(run.where, tuple(waits), done, len(run.nodes), run.id[:4], stamp))

    def close(self) -> None:
        """Leave the last state on the screen."""
        if self._live is not None:
            with suppress(OSError, ValueError):
                self._live.stop()

    # Where it goes.

    def _draw(self, run: Run, waits: Sequence[tuple[str, float]]) -> None:
        picture = Picture(run, self.cluster, waits=waits, live=True, at=time.monotonic() - self.began)
        table = status_table(picture, canvas_of(sys.stderr))
        with suppress(OSError, ValueError):
            if self._live is not None:
                self._live.update(Text.from_ansi(table.rstrip("\n")), refresh=True)

    def _line(self, line: str) -> None:
        if line:
            with suppress(OSError, ValueError):
                sys.stderr.write(line + "\n")
                sys.stderr.flush()

    def _write(self, stream: TextIO, event: Mapping[str, Any]) -> None:
        """Write one event; a reader that has gone is not written to again."""
        try:
            stream.write(json.dumps(event, ensure_ascii=False) + "\n")
            stream.flush()
        except (OSError, ValueError):
            self.jsonl = None
