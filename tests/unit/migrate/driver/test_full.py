"""A disk that is full stops a run where it stands, whichever of its files does not fit: journal, evidence or backup."""

from __future__ import annotations

import errno
import os
from dataclasses import dataclass, replace
from typing import Any

import pytest

from migrate.engine.drafting import draft
from migrate.engine.planner import make_plan
from migrate.model.events import Event, Kind
from migrate.model.settings import Settings
from migrate.rehearsal import Rehearsal
from migrate.simulator.build import world_of
from migrate.simulator.memory import MemoryJournal
from tests import clusters
from tests.films import healthy_snapshot


@dataclass
class Full:
    """A store without room for one file, as long as its name is ``barred``."""

    store: Any
    disk: Disk

    def write(self, name: str, content: bytes) -> str:
        if name == self.disk.barred:
            raise OSError(self.disk.errno, os.strerror(self.disk.errno), name)
        found: str = self.store.write(name, content)
        return found

    def __getattr__(self, name: str) -> Any:
        return getattr(self.store, name)


@dataclass
class Disk:
    """What does not fit on it, and what it says then."""

    barred: str
    errno: int = errno.ENOSPC


class Kept(Rehearsal):
    """A rehearsal whose files lie on such a disk."""

    disk = Disk("")

    def _ports(self, journal: Any) -> Any:
        ports = super()._ports(journal)
        return replace(ports, store=Full(ports.store, self.disk))


def rehearsal(disk: Disk) -> Kept:
    snapshot = healthy_snapshot()
    plan = make_plan(snapshot, draft(snapshot, Settings.from_mapping(clusters.settings())))
    made = Kept(plan, world_of(snapshot, plan.draft.settings))
    made.disk = disk
    return made


@pytest.mark.parametrize(
    "name", ["backup/nodes/wrk-3.json", "evidence/wrk-3/G-10.json", "evidence/wrk-3/probes-node.json"]
)
def test_a_run_halts_and_goes_on_once_there_is_room(name: str) -> None:
    disk = Disk(name)
    played, journal = rehearsal(disk), MemoryJournal()
    assert played.begin(journal).where == "HALTED(journal)"
    disk.barred = ""
    assert played.resume(Event(Kind.RESUME), journal=journal).where == "DONE"


def test_what_is_no_matter_of_the_disk_is_not_taken_for_it() -> None:
    with pytest.raises(OSError, match="Permission denied"):
        rehearsal(Disk("backup/nodes/wrk-3.json", errno.EACCES)).begin(MemoryJournal())
