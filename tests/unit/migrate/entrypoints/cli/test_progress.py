from __future__ import annotations

import io
import threading

import pytest

from migrate.entrypoints.cli.progress import WIPE, progress


class _Terminal(io.StringIO):
    def __init__(self) -> None:
        super().__init__()
        self.written = threading.Event()

    def isatty(self) -> bool:
        return True

    def write(self, text: str) -> int:
        self.written.set()
        return super().write(text)


def test_nothing_is_said_where_nobody_looks():
    stream = io.StringIO()
    with progress("translating", stream, period_s=0.001):
        pass
    assert stream.getvalue() == ""


def test_short_work_is_silent():
    stream = _Terminal()
    with progress("translating", stream):
        pass
    assert stream.getvalue() == ""


def test_long_work_is_told_and_the_line_is_wiped():
    stream = _Terminal()
    with progress("translating", stream, period_s=0.001):
        assert stream.written.wait(10)
    assert "translating" in stream.getvalue()
    assert stream.getvalue().endswith(WIPE)


def test_an_error_goes_through():
    stream = _Terminal()
    with pytest.raises(ZeroDivisionError), progress("translating", stream):
        raise ZeroDivisionError
