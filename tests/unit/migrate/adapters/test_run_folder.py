"""Files of a run: whole or not at all."""

from __future__ import annotations

import errno
import resource
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path

import pytest

from migrate.adapters.run_folder import FileStore


@contextmanager
def room_for(size: int) -> Iterator[None]:
    """Let no file of this process grow beyond so many bytes: what is written across the edge is cut there."""
    before = resource.getrlimit(resource.RLIMIT_FSIZE)
    resource.setrlimit(resource.RLIMIT_FSIZE, (size, before[1]))
    try:
        yield
    finally:
        resource.setrlimit(resource.RLIMIT_FSIZE, before)


def test_a_file_that_does_not_fit_leaves_the_one_before_and_nothing_beside_it(tmp_path: Path) -> None:
    store = FileStore(tmp_path)
    store.write("evidence/G-10.json", b"before")
    with room_for(1000), pytest.raises(OSError, match="large") as told:
        store.write("evidence/G-10.json", b"x" * 5000)
    assert told.value.errno == errno.EFBIG
    assert store.read("evidence/G-10.json") == b"before"
    assert [p.name for p in (tmp_path / "evidence").iterdir()] == ["G-10.json"]
