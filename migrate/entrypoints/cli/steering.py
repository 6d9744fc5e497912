"""What ``resume``, ``abort`` and ``rollback`` share: they wish where a driver lives, and become the driver where none does."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from typing import Any

from migrate.adapters.mirror_configmap import ConfigMapMirror
from migrate.bootstrap import us
from migrate.driver.books import Playback
from migrate.driver.loop import Driver
from migrate.driver.session import Locked, resume_run
from migrate.entrypoints.cli.audience import staged
from migrate.entrypoints.cli.connecting import Connected, confirm, connected, expect, unreachable
from migrate.entrypoints.cli.course import STRAIGHT_ON, Course, in_window
from migrate.entrypoints.cli.driving import drive
from migrate.entrypoints.cli.face import say
from migrate.entrypoints.cli.programs import check_planned
from migrate.entrypoints.cli.runs import Known, known_run
from migrate.model.events import Event
from migrate.model.run import RunStatus
from migrate.ports import ApiError, Desired, Ports

__all__ = ["Wish", "opened", "steer", "wish", "without_connection"]

OURS = frozenset({"state_dir", "run_id", "rebuild"})


@dataclass(frozen=True, slots=True)
class Wish:
    """What is wanted of a run: as events for a driver that begins here, as changes of ``desired`` for one that lives.

    ``start``: a run that never began begins.
    """

    events: tuple[Event, ...]
    changes: Mapping[str, Any]
    told: str
    asked_for_rollback: bool = False
    start: bool = False


def without_connection(said: Mapping[str, Any]) -> dict[str, Any]:
    """Leave the options that say which run is meant to others."""
    return {k: v for k, v in said.items() if k not in OURS}


def opened(said: Mapping[str, Any], expected: str | None) -> tuple[Connected, Known]:
    """Open the cluster and find the run that the options mean; raises ``Failure``."""
    cluster = connected(**without_connection(said))
    try:
        known = known_run(cluster.live, said["state_dir"], said["run_id"], rebuild=bool(said.get("rebuild")))
    except ApiError as error:
        raise unreachable(error, cluster.live.api.server) from error
    expect(cluster, expected, known.plan.draft.planned_uid)
    return cluster, known


def wish(cluster: Connected, known: Known, changes: Mapping[str, Any]) -> Desired:
    """Write what is wanted of a run into the cluster; raises ``Failure`` (exit 7)."""
    mirror = ConfigMapMirror(cluster.live.api, cluster.live.clock, known.plan.draft.settings.namespace)
    try:
        return mirror.want(changes, us(known.run_id).identity.rpartition(":")[0])
    except ApiError as error:
        raise unreachable(error, cluster.live.api.server) from error


def steer(
    cluster: Connected,
    known: Known,
    wanted: Wish,
    outputs: Sequence[str],
    *,
    yes: bool,
    steal: bool = False,
    course: Course = STRAIGHT_ON,
) -> int:
    """Take the lock and drive the run as wanted; where another drives it, tell that one and return."""
    course.check(known.plan)
    if wanted.start:
        check_planned(known.plan.draft)
    if wanted.start and known.stands.run.status is RunStatus.PLANNED:
        in_window(known.plan, cluster.live.clock, wait=course.wait)
    confirm(cluster, yes=yes, named=True)
    with staged(cluster, known.plan, known.place, outputs, course) as (narrator, ports):
        try:
            driver = _begun(known, ports, steal=steal, start=wanted.start)
            driver.knows(wish(cluster, known, wanted.changes))
            for event in wanted.events:
                driver.tell(event)
            asked = wanted.asked_for_rollback
            return drive(
                lambda: driver, ports, cluster, narrator, outputs, asked_for_rollback=asked, course=course
            )
        except Locked:
            narrator.close()
            wish(cluster, known, wanted.changes)
            say(f"  {wanted.told}", always=True)
            return 0
        except ApiError as error:
            raise unreachable(error, cluster.live.api.server) from error


def _begun(known: Known, ports: Ports, *, steal: bool, start: bool) -> Driver:
    holder = us(known.run_id).identity
    return resume_run(Playback(known.plan, known.run_id), ports, holder=holder, steal=steal, start=start)
