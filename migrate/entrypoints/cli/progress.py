"""Say that long work goes on: on stderr and after one second; on a terminal as one line that is wiped at the end."""

from __future__ import annotations

import sys
import threading
from collections.abc import Iterator
from contextlib import contextmanager
from typing import TextIO

from migrate.entrypoints.cli.face import face

__all__ = ["progress"]

FIRST_S = 1.0
PLAIN_S = 30.0
WIPE = "\r\x1b[K"


@contextmanager
def progress(what: str, stream: TextIO | None = None, *, period_s: float = FIRST_S) -> Iterator[None]:
    """Show ``what`` and the seconds while the block runs; nothing where nobody looks, or ``-q`` asks for quiet."""
    out = stream or sys.stderr
    how = _how(out)
    if how == "none":
        yield
        return
    done = threading.Event()
    tick = _tick if how == "live" else _beat
    ticker = threading.Thread(target=tick, args=(what, out, done, period_s), daemon=True)
    ticker.start()
    try:
        yield
    finally:
        done.set()
        ticker.join()


def _how(out: TextIO) -> str:
    """Without a terminal short work is not worth a line, so ``auto`` is silent there."""
    settings = face()
    if settings.loudness < 0 or settings.progress == "none":
        return "none"
    if settings.progress == "auto":
        return "live" if out.isatty() else "none"
    return settings.progress


def _tick(what: str, out: TextIO, done: threading.Event, period_s: float) -> None:
    periods = 0
    while not done.wait(period_s):
        periods += 1
        out.write(f"{WIPE}  {what} … {round(periods * period_s)} s")
        out.flush()
    if periods:
        out.write(WIPE)
        out.flush()


def _beat(what: str, out: TextIO, done: threading.Event, period_s: float) -> None:
    """One line after the first period, then one every half minute."""
    waited, pause = 0.0, period_s
    while not done.wait(pause):
        waited += pause
        out.write(f"  {what}, for {round(waited)} s\n")
        out.flush()
        pause = PLAIN_S
