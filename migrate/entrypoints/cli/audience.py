"""Whoever looks on at a run: the terminal, Events on nodes, the log, metrics, web hooks; one reporter for the driver."""

from __future__ import annotations

import sys
from collections.abc import Iterator, Mapping, Sequence
from contextlib import contextmanager
from dataclasses import dataclass, replace
from functools import partial
from typing import Any

from migrate.adapters.metrics_server import MetricsServer
from migrate.adapters.node_events import NodeEvents
from migrate.adapters.notifier import Notifier, hooks_of
from migrate.bootstrap import RunPlace, open_cluster, ports_of
from migrate.entrypoints.cli.connecting import Connected
from migrate.entrypoints.cli.course import Course
from migrate.entrypoints.cli.face import say
from migrate.entrypoints.cli.narrator import Narrator
from migrate.entrypoints.cli.output import formats
from migrate.entrypoints.cli.runs import keep_plan
from migrate.log import LogReporter, configure
from migrate.model.fields import maps, text
from migrate.model.plan import Plan
from migrate.model.run import Run
from migrate.ports import ApiError, Ports, Reporter
from migrate.render.metrics import Metrics

__all__ = ["Audience", "staged"]

EVENT_LIMIT_S = 3.0


@dataclass(slots=True)
class Audience:
    """Tells all of them, in order."""

    members: Sequence[Reporter]
    metrics: MetricsServer | None = None

    def event(self, record: Mapping[str, Any]) -> None:
        """Take one record."""
        for member in self.members:
            member.event(record)

    def beat(self, run: Run, waits: Sequence[tuple[str, float]]) -> None:
        """Take the state as it is now."""
        for member in self.members:
            member.beat(run, waits)

    def close(self) -> None:
        """Let go of what listens."""
        if self.metrics is not None:
            self.metrics.close()


@contextmanager
def staged(
    cluster: Connected, plan: Plan, where: RunPlace, outputs: Sequence[str], course: Course
) -> Iterator[tuple[Narrator, Ports]]:
    """Keep the plan in the run's folder and give the terminal's narrator and every port; what listens is let go of.

    Raises ``Failure`` where somebody who is to look on cannot be had.
    """
    keep_plan(plan, where.folder)
    narrator = Narrator(where.run, cluster.name, sys.stdout if "jsonl" in formats(outputs) else None)
    everyone = _audience(narrator, cluster, plan, course)
    try:
        yield (
            narrator,
            ports_of(cluster.live, plan.draft.settings, where, everyone, partial(say, always=True)),
        )
    finally:
        everyone.close()


def _audience(narrator: Narrator, cluster: Connected, plan: Plan, course: Course) -> Audience:
    """Gather whoever the options and the configuration name; raises ``Failure`` where one cannot be had."""
    live = cluster.live
    brief = open_cluster(replace(live.connection, timeout_s=EVENT_LIMIT_S))
    brief.api.asks_again = False
    members: list[Reporter] = [narrator, NodeEvents(brief.api, live.clock)]
    config = plan.inputs.get("config") or {}
    hooks = hooks_of(maps(config, "notify"), partial(_secret, cluster))
    if hooks:
        members.append(Notifier(hooks, cluster.name, partial(say, always=True)))
    if course.log:
        members.append(LogReporter(configure(course.log)))
    if not course.metrics:
        return Audience(members)
    metrics = Metrics()
    return Audience([*members, metrics], MetricsServer(course.metrics, metrics.text))


def _secret(cluster: Connected, namespace: str, name: str, key: str) -> str:
    from base64 import b64decode  # noqa: PLC0415  # only for hooks that name a Secret

    try:
        found = cluster.live.cluster.get("secrets", name, namespace)
    except ApiError as error:
        raise KeyError(str(error)) from error
    return b64decode(text(found, "data", key), validate=True).decode().strip() if found else ""
