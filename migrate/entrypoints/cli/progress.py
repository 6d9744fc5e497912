"""Say that long work goes on: on stderr, after one second, on a terminal only; the line is wiped at the end."""

from __future__ import annotations

import sys
import threading
from collections.abc import Iterator
from contextlib import contextmanager
from typing import TextIO

__all__ = ["progress"]

FIRST_S = 1.0
WIPE = "\r\x1b[K"


@contextmanager
def progress(what: str, stream: TextIO | None = None, *, period_s: float = FIRST_S) -> Iterator[None]:
    """Show ``what`` and the seconds while the block runs; nothing where the stream is no terminal."""
    out = stream or sys.stderr
    if not out.isatty():
        yield
        return
    done = threading.Event()
    ticker = threading.Thread(target=_tick, args=(what, out, done, period_s), daemon=True)
    ticker.start()
    try:
        yield
    finally:
        done.set()
        ticker.join()


def _tick(what: str, out: TextIO, done: threading.Event, period_s: float) -> None:
    periods = 0
    while not done.wait(period_s):
        periods += 1
        out.write(f"{WIPE}  {what} … {round(periods * period_s)} s")
        out.flush()
    if periods:
        out.write(WIPE)
        out.flush()
