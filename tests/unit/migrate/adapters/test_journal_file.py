"""The journal on disk: what is written is there, what is damaged is named, a torn end costs nothing."""

from __future__ import annotations

import itertools
import json
import os
import tracemalloc
from pathlib import Path

import pytest

from migrate.adapters.journal_file import BrokenJournal, FileJournal, read_records


def filled(path: Path, count: int = 4) -> FileJournal:
    journal = FileJournal(path)
    for number in range(count):
        journal.append("event", number=number, text="läuft")
    return journal


def test_records_form_a_chain_and_are_read_again(tmp_path: Path) -> None:
    path = tmp_path / "7f3a" / "journal.jsonl"
    filled(path).close()
    records = read_records(path)
    assert [r["seq"] for r in records] == [1, 2, 3, 4]
    assert all(b["prev"] == a["hash"] for a, b in itertools.pairwise(records))
    again = FileJournal(path)
    assert again.append("event", number=9)["seq"] == 5
    assert path.stat().st_mode & 0o077 == 0


def test_a_long_run_does_not_carry_its_records_along(tmp_path: Path) -> None:
    journal = FileJournal(tmp_path / "journal.jsonl")
    tracemalloc.start()
    for number in range(1000):
        journal.append("event", number=number, text=f"{number} ".ljust(1000, "."))
    grown, _ = tracemalloc.get_traced_memory()
    tracemalloc.stop()
    assert grown < 200_000, "a thousand records of a thousand bytes"
    assert [r["number"] for r in journal.records()] == list(range(1000))


@pytest.mark.parametrize("cut", [1, 20, 60])
def test_a_torn_last_line_is_dropped_and_the_next_record_follows_cleanly(tmp_path: Path, cut: int) -> None:
    path = tmp_path / "journal.jsonl"
    filled(path).close()
    content = path.read_bytes()
    path.write_bytes(content[:-cut])
    journal = FileJournal(path)
    assert len(journal.records()) == 3
    journal.append("event", number=9)
    assert [r["seq"] for r in read_records(path)] == [1, 2, 3, 4]


def test_a_changed_record_is_named_with_its_line(tmp_path: Path) -> None:
    path = tmp_path / "journal.jsonl"
    filled(path).close()
    lines = path.read_text(encoding="utf-8").splitlines(keepends=True)
    lines[1] = lines[1].replace('"number":1', '"number":7')
    path.write_text("".join(lines), encoding="utf-8")
    with pytest.raises(BrokenJournal, match=r"journal.jsonl:2: .*hash") as broken:
        FileJournal(path)
    assert len(broken.value.good) == 1


def test_a_missing_record_breaks_the_chain(tmp_path: Path) -> None:
    path = tmp_path / "journal.jsonl"
    filled(path).close()
    lines = path.read_text(encoding="utf-8").splitlines(keepends=True)
    path.write_text("".join([lines[0], *lines[2:]]), encoding="utf-8")
    with pytest.raises(BrokenJournal, match="chain"):
        read_records(path)


def test_a_newer_major_version_is_refused_and_a_newer_minor_is_read(tmp_path: Path) -> None:
    path = tmp_path / "journal.jsonl"
    path.write_text(
        json.dumps({"schemaVersion": "2.0", "seq": 1, "prev": "0", "hash": "x", "kind": "header"}) + "\n"
    )
    with pytest.raises(BrokenJournal, match=r"version 2\.0"):
        read_records(path)


def test_garbage_in_the_middle_is_damage_and_not_a_torn_end(tmp_path: Path) -> None:
    path = tmp_path / "journal.jsonl"
    filled(path).close()
    path.write_bytes(path.read_bytes() + b"\xff\xfe garbage\n")
    with pytest.raises(BrokenJournal, match=":5: this line is no record"):
        read_records(path)


def test_a_full_disk_leaves_no_half_record_and_the_reserve_makes_room_for_the_last_one(
    tmp_path: Path,
) -> None:
    place = tmp_path / "small"
    place.mkdir()
    if os.geteuid() != 0 or os.system(f"mount -t tmpfs -o size=128k tmpfs {place} 2>/dev/null"):
        pytest.skip("NOT TESTED HERE: a small disk (needs root and mount)")
    try:
        journal = FileJournal(place / "journal.jsonl")
        with pytest.raises(OSError, match="No space"):
            for _ in range(10_000):
                journal.append("event", text="x" * 500)
        assert read_records(journal.path) == list(journal.records())
        journal.free_reserve()
        journal.append("event", text="the last word")
        assert read_records(journal.path)[-1]["text"] == "the last word"
        journal.close()
    finally:
        os.system(f"umount {place}")


def test_half_a_character_in_a_record_is_damage(tmp_path: Path) -> None:
    path = tmp_path / "journal.jsonl"
    journal = FileJournal(path)
    journal.append("event", text="x")
    journal.close()
    path.write_bytes(path.read_bytes().replace(b'"text":"x"', b'"text":"\\ud800"'))
    with pytest.raises(BrokenJournal, match="hash does not fit"):
        read_records(path)
