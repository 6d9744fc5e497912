"""Sees what others do to the cluster while a run is under way, and tells it as events; what has to hold is in ``alarms``.

Only differences from what the run itself knows are told, each once.
"""

from __future__ import annotations

from collections.abc import Iterator, Mapping

from migrate.driver.alarms import Alarms
from migrate.driver.on_nodes import CORDONED_BY
from migrate.driver.pace import Pace
from migrate.driver.sight import CNC_LABELS, is_labelled
from migrate.driver.stale import stale
from migrate.engine.bound import Scope
from migrate.engine.script import MIGRATION_CNC, is_replaced
from migrate.model.calendar import is_open, next_opening
from migrate.model.census import out_of
from migrate.model.commands import Command
from migrate.model.events import Event, Kind
from migrate.model.fields import at, labels, text
from migrate.model.run import OUT, PATH, NodeRun, NodeStatus, Phase, Run, RunStatus
from migrate.ports import Desired, Object, Ports

__all__ = ["Watch"]

WALKED = (Phase.CANARY, Phase.NODE_LOOP)
TIMED = frozenset({RunStatus.RUNNING, RunStatus.STOPPING, RunStatus.PAUSED})
"""States that the window for changes concerns: a way back and an abort are finished at any time."""
LABELS: Mapping[NodeStatus, bool] = {
    **dict.fromkeys(PATH[PATH.index(NodeStatus.LABELLED) :], True),
    NodeStatus.CORDONED: False,
    NodeStatus.DRAINED: False,
}
"""States of a node that say whether it carries the migration's label; a new one may join with it or without."""


class Watch:
    """Looks at nodes and wishes at its own pace."""

    def __init__(self, ports: Ports, pace: Pace, wish: Desired) -> None:
        self._ports = ports
        self._pace = pace
        self._looked = float("-inf")
        self._wished = float("-inf")
        self._compared: tuple[Phase | None, float] = (None, 0.0)
        self._told: set[tuple[str, str]] = set()
        self._boots: dict[str, str] = {}
        self._alarms = Alarms(ports, pace)
        self.wish = wish

    def hurry(self) -> None:
        """Look at the nodes at the next turn, whenever that would have been due: something is not as it was left."""
        self._looked = float("-inf")

    def next_at(self, now: float) -> float:
        """Give when there is something to look at again."""
        looks = min(self._looked + self._pace.watch_s, self._alarms.next_at())
        return max(now, min(looks, self._wished + self._pace.desired_s))

    def ordered(self, command: Command) -> None:
        """Take note of what the run itself is about to do."""
        self._alarms.ordered(command)

    def changes(self, run: Run, now: float) -> Iterator[Event]:
        """Give what changed since the last look."""
        if now - self._wished >= self._pace.desired_s:
            self._wished = now
            yield from self.wishes()
        if now - self._looked >= self._pace.watch_s or now >= self._alarms.next_at():
            self._looked = now
            yield from self._nodes(run, now)
        phase, when = self._compared
        if phase is not run.phase or now - when >= self._pace.policies_s:
            self._compared = (phase, now)
            yield from self.proved(run, Scope.POLICIES if phase is run.phase else Scope.SUBJECTS)
            self._compared = (run.phase, now)

    # What was proved.

    def proved(self, run: Run, scope: Scope) -> Iterator[Event]:
        """Say what is not any more as it was translated, until it is enforced: what was proved holds for that alone.

        Each phase begins with all of it, so that nothing is enforced that is not what the policies say of these subjects.
        """
        if run.phase.number > Phase.ENFORCE.number or run.status is not RunStatus.RUNNING:
            return
        for text_ in stale(run.plan, self._ports, scope):
            if self._once("", text_):
                yield Event(Kind.DRIFT_FOUND, text=text_)

    # Wishes.

    def wishes(self) -> Iterator[Event]:
        """Compare what is wanted with what was; lists only grow, so what is new in them is asked for."""
        wanted, before = self._ports.mirror.desired(), self.wish
        if wanted.generation == before.generation:
            return
        self.wish = wanted
        by = wanted.by
        if wanted.state == "paused" and before.state != "paused":
            yield Event(Kind.PAUSE_REQUESTED, detail={"now": wanted.now}, by=by)
        if wanted.state == "aborted" and before.state != "aborted":
            yield Event(Kind.ABORT_REQUESTED, detail={"rollback": wanted.rollback}, by=by)
        if wanted.state == "running" and before.state == "paused":
            yield Event(Kind.RESUME, by=by)
        yield from self._listed(wanted, before, by)

    @staticmethod
    def _listed(wanted: Desired, before: Desired, by: str) -> Iterator[Event]:
        # Which of two wishes came first is not known: the refusal is heard first, and then a person has to resume.
        for kind, now, then in (
            (Kind.DENY, wanted.deny, before.deny),
            (Kind.APPROVE, wanted.approve, before.approve),
        ):
            yield from (Event(kind, detail={"id": i}, by=by) for i in now if i not in then)
        for kind, now, then in (
            (Kind.SKIP_REQUESTED, wanted.skip, before.skip),
            (Kind.RETRY_REQUESTED, wanted.retry, before.retry),
        ):
            yield from (Event(kind, n, by=by) for n in now if n not in then)
        yield from (
            Event(Kind.ACCEPT_FINDING, detail=dict(a), by=by) for a in wanted.accept if a not in before.accept
        )
        if wanted.rollback_nodes == "all" and before.rollback_nodes != "all":
            yield Event(Kind.ROLLBACK_REQUESTED, by=by)
        elif not isinstance(wanted.rollback_nodes, str):
            yield from (
                Event(Kind.ROLLBACK_REQUESTED, n, by=by)
                for n in wanted.rollback_nodes
                if n not in before.rollback_nodes
            )

    # Time.

    def window(self, run: Run) -> Iterator[Event]:
        """Say that the window for changes closed or opened; where its zone is not known it counts as closed."""
        if run.status not in TIMED:
            return
        window, now = run.plan.draft.settings.waves.window, self._ports.clock.now()
        is_open_now = is_open(window, now) is True
        waits = run.status is RunStatus.PAUSED and run.reason == "window"
        if is_open_now and (waits or not run.window_open):
            yield Event(Kind.WINDOW_OPENED, text="the window for changes is open")
        elif not is_open_now and run.window_open:
            opens = next_opening(window, now)
            until = f" until {opens:%a %H:%M %Z}" if opens is not None else ""
            yield Event(Kind.WINDOW_CLOSED, text=f"the window for changes is closed{until}")

    def late(self, run: Run, now: float) -> Iterator[Event]:
        """Say which nodes are out for longer than ``deadlines.node``, each once."""
        for name in out_of(run.nodes):
            node = run.nodes[name]
            if 0 < node.node_until <= now and self._once(name, f"late-{node.node_until}"):
                limit = run.plan.draft.settings.deadlines.node_s / 60
                yield Event(Kind.TIMER_FIRED, name, text=f"{name} is out for longer than {limit:.0f} min")

    # Nodes.

    def census(self, run: Run) -> Iterator[Event]:
        """Give who joined and who left while nobody looked: a run that rests has to know it before it goes on."""
        yield from self._joined_and_left(run, self._there())

    def _nodes(self, run: Run, now: float) -> Iterator[Event]:
        there = self._there()
        yield from self._joined_and_left(run, there)
        replaced = list(self._alarms.replaced(run, there))
        yield from replaced
        others = {e.node for e in replaced}
        for name, node in run.nodes.items():
            if node.status is not NodeStatus.GONE and name in there and name not in others:
                yield from self._one_node(run, node, there[name])
        yield from self._alarms.changes(run, now, there)

    def _there(self) -> dict[str, Object]:
        return {text(n, "metadata", "name"): n for n in self._ports.cluster.list("nodes")}

    def _joined_and_left(self, run: Run, there: Mapping[str, Object]) -> Iterator[Event]:
        for name in there:
            if name not in run.nodes and self._once(name, "added"):
                detail = {"labelled": True} if is_labelled(there[name]) else {}
                yield Event(Kind.NODE_ADDED, name, detail=detail, text=f"{name} joined the cluster")
        for name, node in run.nodes.items():
            gone = node.status is not NodeStatus.GONE and name not in there and not is_replaced(run, name)
            if gone and self._once(name, "removed"):
                yield Event(Kind.NODE_REMOVED, name, text=f"{name} was deleted")

    def _one_node(self, run: Run, node: NodeRun, live: Object) -> Iterator[Event]:
        if run.phase in WALKED and not _busy(run, node.name):
            if node.status in OUT:
                yield from self._cordon(run, node, live)
            if node.status in LABELS:
                yield from self._labels(node, live)
        yield from self._boot(run, node, live)

    def _cordon(self, run: Run, node: NodeRun, live: Object) -> Iterator[Event]:
        marks = labels(live, "metadata", "annotations")
        ours = marks.get(CORDONED_BY) == run.id
        if ours and not at(live, "spec", "unschedulable") and self._once(node.name, "uncordoned"):
            yield Event(Kind.SCHEDULING_CHANGED, node.name, text=f"{node.name} was uncordoned by somebody")

    def _labels(self, node: NodeRun, live: Object) -> Iterator[Event]:
        has = CNC_LABELS[MIGRATION_CNC] in labels(live, "metadata", "labels")
        if has != LABELS[node.status] and self._once(node.name, f"label-{node.status}"):
            what = "put on" if has else "taken off"
            yield Event(
                Kind.LABEL_CHANGED, node.name, text=f"the label of {node.name} was {what} by somebody"
            )

    def _boot(self, run: Run, node: NodeRun, live: Object) -> Iterator[Event]:
        now = text(live, "status", "nodeInfo", "bootID")
        machine = text(live, "metadata", "uid") or node.name  # another one of the same name did not reboot
        before = self._boots.get(machine, now)
        self._boots[machine] = now
        ours = any(o.command.name == "Reboot" and o.owner == node.name for o in run.open.values())
        if now != before and not ours:
            yield Event(Kind.NODE_REBOOTED, node.name, text=f"{node.name} rebooted by itself")

    def _once(self, name: str, what: str) -> bool:
        known = (name, what) in self._told
        self._told.add((name, what))
        return not known


def _busy(run: Run, name: str) -> bool:
    """Say whether a command of ours is under way that changes what would be compared."""
    changing = {"Cordon", "Uncordon", "LabelNode", "UnlabelNode", "RestartAgent"}
    return is_replaced(run, name) or any(
        o.owner == name and o.command.name in changing for o in run.open.values()
    )
