"""The journal on disk: JSON lines, one ``fsync`` a record, each with the hash of the one before (``state.md`` §5.1).

A torn last line is what a crash leaves and is dropped; anything else that does not fit is damage, named with its line and
never guessed around. A small reserve beside the journal is freed when the disk is full, so that the halt can be written.
"""

from __future__ import annotations

import errno
import hashlib
import json
import os
from collections.abc import Mapping, Sequence
from contextlib import suppress
from pathlib import Path
from typing import Any

from migrate.model.plan import canonical

__all__ = ["SCHEMA_VERSION", "BrokenJournal", "FileJournal", "good_records", "read_records", "set_aside"]

SCHEMA_VERSION = "1.0"
RESERVE_BYTES = 64 * 1024
GENESIS = "0" * 64
PRIVATE = 0o600


class BrokenJournal(Exception):  # what the file is
    """The journal is damaged; ``good`` records stand before the ``line`` where it begins."""

    def __init__(self, path: Path, line: int, why: str, good: Sequence[Mapping[str, Any]]) -> None:
        super().__init__(f"{path}:{line}: {why}")
        self.path = path
        self.line = line
        self.why = why
        self.good = tuple(good)


def read_records(path: Path) -> list[dict[str, Any]]:
    """Give the records of a journal; an empty list where there is no file.

    Raises ``BrokenJournal`` for a line that is no record, a broken chain, or a newer major version.
    """
    if not path.exists():
        return []
    records: list[dict[str, Any]] = []
    with path.open("rb") as file:
        for number, line in enumerate(file, start=1):
            if not line.endswith(b"\n"):
                break  # a record that was not finished
            why, record = _checked(line, records[-1]["hash"] if records else GENESIS, number)
            if record is None:
                raise BrokenJournal(path, number, why, records)
            records.append(record)
    return records


def good_records(path: Path) -> tuple[Sequence[Mapping[str, Any]], str]:
    """Give the records that are good, and what is wrong behind them; empty where nothing is."""
    try:
        return read_records(path), ""
    except BrokenJournal as error:
        return error.good, str(error)


def _checked(line: bytes, prev: str, number: int) -> tuple[str, dict[str, Any] | None]:
    try:
        record = json.loads(line)
    except ValueError:
        return "this line is no record", None
    if not isinstance(record, dict) or not {"seq", "prev", "hash", "kind"} <= set(record):
        return "this line is no record", None
    major = str(record.get("schemaVersion", "")).partition(".")[0]
    if major != SCHEMA_VERSION.partition(".")[0]:
        return f"the record has version {record.get('schemaVersion')}, this tool reads {SCHEMA_VERSION}", None
    given = record["hash"]
    body = {k: v for k, v in record.items() if k != "hash"}
    try:
        whole = hashlib.sha256(canonical(body)).hexdigest() == given
    except UnicodeEncodeError:  # half a character, which nobody can have written
        whole = False
    if not whole:
        return "the record was changed: its hash does not fit", None
    if number > 1 and record["prev"] != prev:
        return "the chain is broken: a record before it is missing or was changed", None
    return "", record


def _full(path: Path) -> OSError:
    return OSError(errno.ENOSPC, os.strerror(errno.ENOSPC), str(path))


class FileJournal:
    """Appends to a journal; one process at a time, which the lock of the run sees to."""

    def __init__(self, path: Path, *, continues: tuple[int, str] = (0, GENESIS)) -> None:
        """Open a journal, new or with what is there; ``continues``: seq and hash of a mirror that a new file follows.

        Raises ``BrokenJournal`` for damage, ``OSError`` where the folder cannot be written.
        """
        self.path = path
        path.parent.mkdir(parents=True, exist_ok=True, mode=0o700)
        self._seq, self._hash = continues
        if known := read_records(path):
            self._seq, self._hash = int(known[-1]["seq"]), str(known[-1]["hash"])
        self._cut_torn()
        self._file = os.open(path, os.O_WRONLY | os.O_CREAT | os.O_APPEND, PRIVATE)
        self._reserve = path.with_suffix(".reserve")
        self._keep_reserve()

    def _cut_torn(self) -> None:
        """Cut what a crash left of an unfinished record: nothing follows from it, and the next one begins a line."""
        if not self.path.exists():
            return
        whole = self.path.read_bytes()
        end = whole.rfind(b"\n") + 1
        if end < len(whole):
            os.truncate(self.path, end)

    def _keep_reserve(self) -> None:
        with suppress(OSError):
            if not self._reserve.exists():
                self._reserve.write_bytes(b"\0" * RESERVE_BYTES)

    def append(self, kind: str, **fields: Any) -> Mapping[str, Any]:  # noqa: ANN401  # JSON values
        """Write one record and see it on disk; raises ``OSError`` where that cannot be done."""
        record = {
            "schemaVersion": SCHEMA_VERSION,
            "seq": self._seq + 1,
            "prev": self._hash,
            "kind": kind,
            **fields,
        }
        record["hash"] = hashlib.sha256(canonical(record)).hexdigest()
        self._write(canonical(record) + b"\n")
        self._seq, self._hash = record["seq"], record["hash"]
        return record

    def _write(self, line: bytes) -> None:
        """Write a whole line or none: half a line is taken back."""
        before = os.fstat(self._file).st_size
        try:
            written = os.write(self._file, line)
            if written < len(line):
                raise _full(self.path)
            os.fsync(self._file)
        except OSError:
            with suppress(OSError):
                os.ftruncate(self._file, before)
            raise

    def free_reserve(self) -> None:
        """Give the reserve back to the disk, so that one more record fits."""
        self._reserve.unlink(missing_ok=True)

    def records(self) -> Sequence[Mapping[str, Any]]:
        """Give all records, in order, as they are on disk: a long run would fill its memory with them."""
        return read_records(self.path)

    def close(self) -> None:
        """Close the file."""
        os.close(self._file)


def set_aside(broken: BrokenJournal) -> Path:
    """Keep a damaged journal under another name, and begin a new one with its good records; gives the other name."""
    beside = next(
        p for n in range(1, 1000) if not (p := broken.path.with_suffix(f".damaged-{n}.jsonl")).exists()
    )
    broken.path.rename(beside)
    handle = os.open(broken.path, os.O_WRONLY | os.O_CREAT | os.O_EXCL, PRIVATE)
    try:
        for record in broken.good:
            os.write(handle, canonical(record) + b"\n")
        os.fsync(handle)
    finally:
        os.close(handle)
    return beside
