"""The cycle collector of the interpreter, which a command of a few seconds does better without."""

from __future__ import annotations

import gc
from collections.abc import Iterator
from contextlib import contextmanager

__all__ = ["needed", "paused"]


@contextmanager
def paused() -> Iterator[None]:
    """Leave the collector off: objects live as long as the command, and it would go over them again and again.

    Half of the time in which a large snapshot is read went there, and memory is the same without it. What runs for
    hours turns it on again (``needed``).
    """
    on = gc.isenabled()
    gc.disable()
    try:
        yield
    finally:
        if on:
            gc.enable()


def needed() -> None:
    """Turn the collector on for the rest of the command: each call of the API leaves cycles, and a run makes thousands."""
    gc.enable()
