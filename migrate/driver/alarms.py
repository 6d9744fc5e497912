"""Looks between two steps at what has to hold all the time, and tells what does not (``gates.md`` §3, *cont*).

What a step of ours explains is left out: a node that we reboot is silent, an agent that we restart is another one. What
may be over in a moment is looked at again before it is told, and told anew while it lasts. What each event leads to is
the engine's affair: a halt, a way back, gates that are asked again.
"""

from __future__ import annotations

from collections.abc import Iterable, Iterator, Mapping
from typing import Any

from migrate.driver import around, on_calico, on_cilium
from migrate.driver.deeds import Absent, Deed, Workshop
from migrate.driver.lasting import Lasting
from migrate.driver.measure import measure
from migrate.driver.on_evidence import read_json
from migrate.driver.pace import Pace
from migrate.driver.sight import calico_ranges, is_labelled, pods_with_addresses_in
from migrate.engine.gates import judge_gate, listed
from migrate.engine.script import MIGRATION_CNC, is_replaced
from migrate.model.commands import Command, Name
from migrate.model.draft import Stage
from migrate.model.events import Event, Kind
from migrate.model.fields import text
from migrate.model.run import OUT, PATH, NodeRun, NodeStatus, Phase, Run, RunStatus
from migrate.ports import Daemon, Networked, Object, Ports

__all__ = ["Alarms"]

FALLEN_S, SILENT_S, LAGGING_S, ENDPOINT_S, DRIFTED_S = 30.0, 60.0, 120.0, 120.0, 60.0
"""How long what is seen has to last: an address or a cordon, a silent node, Calico, an endpoint, an effect that is gone."""
BESIDE = range(Phase.CANARY.number, Phase.SOAK.number + 1)
"""Phases in which both CNIs run and nodes move or have moved: P4 to P9."""
WATCHED = frozenset(
    {RunStatus.RUNNING, RunStatus.STOPPING, RunStatus.PAUSED, RunStatus.ABORTING, RunStatus.ROLLING_BACK}
)
RESTARTING: Mapping[Name, tuple[str, ...]] = {
    Name.RESTART_AGENT: ("cilium",),
    Name.SET_ENFORCEMENT: ("cilium",),
    Name.REBOOT: ("cilium", "calico"),
}
"""Commands → whose restart on their node they explain."""
ROLLING = frozenset({Name.PIN_AUTODETECT, Name.UNPIN_AUTODETECT, Name.HELM_INSTALL, Name.HELM_UNINSTALL})
PROVED = frozenset(PATH[PATH.index(NodeStatus.REBOOTED) :])
"""States in which a restart voids what was measured."""
CHECKED = frozenset({NodeStatus.REBOOTED, NodeStatus.RECYCLED, NodeStatus.CILIUM_READY, NodeStatus.PROBED})
"""States in which DaemonSets still keep Calico's addresses: their pods are restarted behind them."""
GIVEN_BACK = frozenset({NodeStatus.UNCORDONED, NodeStatus.SOAKED, NodeStatus.DONE})
LOOKS: Mapping[Name, Deed] = {**on_calico.DEEDS, **on_cilium.DEEDS}


class Alarms:
    """The watch over one run. It remembers what ran when it looked last, and since when something does not hold."""

    def __init__(self, ports: Ports, pace: Pace) -> None:
        self._ports = ports
        self._pace = pace
        self._near, self._far = Lasting(), Lasting()
        self._far_looked = float("-inf")
        self._starts: dict[tuple[str, str], str] = {}
        self._machines: dict[str, str] = {}
        self._ours: set[tuple[str, str]] = set()
        self._all_ours = False
        self._before: dict[str, str] | None = None

    def ordered(self, command: Command) -> None:
        """Take note of a command that restarts agents or calico-node: what it brings is no news."""
        self._ours |= _restarted_by(command)
        self._all_ours |= command.name in ROLLING

    def next_at(self) -> float:
        """Give when something that did not hold has to be looked at again."""
        return min(self._near.again, self._far.again)

    def changes(self, run: Run, now: float, there: Mapping[str, Object]) -> Iterator[Event]:
        """Look around; ``there`` are the nodes as they were just listed."""
        if run.status not in WATCHED:
            return
        work = Workshop(self._ports, run.plan, run)
        daemons = self._ports.watcher.daemons()
        self._near.begin(now)
        yield from self._restarts(run, daemons)
        yield from self._fallen(work, run, there, daemons)
        self._near.end()
        if now - self._far_looked >= self._pace.pods_s or now >= self._far.again:
            self._far_looked = now
            self._far.begin(now)
            yield from self._far_ones(work, run)
            self._far.end()

    # Each look: nodes, agents, calico-node.

    def replaced(self, run: Run, there: Mapping[str, Object]) -> Iterator[Event]:
        """A node of the same name that is another machine: on the way it is moved anew, behind it nobody adopts it."""
        for name, live in there.items():
            uid = text(live, "metadata", "uid")
            known = self._machines.get(name, uid)
            self._machines[name] = uid
            node = run.nodes.get(name)
            if node is not None and (is_replaced(run, name) or node.prior.get("uid") == uid):
                if known != uid:  # the one that came in the place of a machine that we let be replaced
                    self._starts = {k: start for k, start in self._starts.items() if k[0] != name}
                continue
            gone = node is not None and node.status is NodeStatus.GONE
            if node is None or not (gone or known != uid) or run.status is not RunStatus.RUNNING:
                continue
            self._ours |= {(name, app) for app in APPS}  # whatever runs there is another start
            if run.phase in {Phase.CANARY, Phase.NODE_LOOP}:
                yield _replaced(node, live)
            elif run.phase is Phase.FINAL_HELM and not run.acceptance("G-26"):
                words = f"G-26: {name} is another machine than the one that was migrated, and is not adopted"
                yield Event(Kind.WATCH_ALARM, gate="G-26", text=words)

    def _restarts(self, run: Run, daemons: Mapping[str, Mapping[str, Daemon]]) -> Iterator[Event]:
        """Agents and calico-node that are another start than before, though nothing of ours restarted them."""
        restarting = {one for o in run.open.values() for one in _restarted_by(o.command)}
        rolling = self._all_ours or any(o.command.name in ROLLING for o in run.open.values())
        for name, running in daemons.items():
            for app, daemon in running.items():
                before = self._starts.get((name, app), daemon.start)
                self._starts[name, app] = daemon.start
                node = run.nodes.get(name)
                ours = rolling or (name, app) in self._ours | restarting
                proved = node is not None and node.status in PROVED and run.status is RunStatus.RUNNING
                if daemon.start != before and not ours and proved and run.phase.number in BESIDE:
                    words = f"{APPS[app]} of {name} was restarted by somebody"
                    yield Event(Kind.AGENT_RESTARTED, name, detail={"app": app}, text=words)
        self._ours = restarting
        self._all_ours = any(o.command.name in ROLLING for o in run.open.values())

    def _fallen(
        self,
        work: Workshop,
        run: Run,
        there: Mapping[str, Object],
        daemons: Mapping[str, Mapping[str, Daemon]],
    ) -> Iterator[Event]:
        alive = [
            n for n, node in sorted(run.nodes.items()) if node.status is not NodeStatus.GONE and n in there
        ]
        loud = [n for n in alive if not _rebooting(run, run.nodes[n])]
        yield from self._judged(work, "G-14", around.heartbeats(loud, there), SILENT_S)
        yield from self._judged(work, "G-23", around.cordons(run, there), FALLEN_S)
        if run.status not in {RunStatus.RUNNING, RunStatus.PAUSED} or run.phase.number not in BESIDE:
            return
        known = self._known(work)
        yield from self._judged(work, "G-12", around.addresses(alive, there, known), FALLEN_S)
        if run.phase.number <= Phase.FINAL_HELM.number:
            yield from self._judged(work, "G-26", around.node_set(run, there), FALLEN_S)
        calm = [n for n in loud if run.nodes[n].status not in _MOVING]
        lags = (n for n in calm if (n, "calico") in self._starts and not _calico_runs(daemons.get(n, {})))
        down = {f"calico-node of {n}": "is not Ready" for n in lags}
        yield from self._judged(work, "G-13", {"workloads": down, "degraded": ()}, LAGGING_S)

    def _judged(
        self,
        work: Workshop,
        gate: str,
        seen: Mapping[str, Any],
        limit_s: float,
        lasting: Lasting | None = None,
    ) -> Iterator[Event]:
        """Judge what was seen; each thing has to last by itself, for one may be over where the next begins."""
        failing = judge_gate(gate, seen, work.plan.draft.settings.gates).failing
        lasting = lasting or self._near
        if work.run.acceptance(gate):
            return
        lasts = [text for text in failing if lasting.lasts(f"{gate} {_subject(text)}", limit_s)]
        if lasts:
            yield Event(Kind.WATCH_ALARM, gate=gate, text=f"{gate}: {listed(lasts)}")

    def _known(self, work: Workshop) -> dict[str, str] | None:
        """Give Calico's addresses of the backup; read once, for it is not written again."""
        if self._before is None:
            backup = read_json(work, "backup/nodes.json")
            self._before = None if backup is None else around.before(backup)
        return self._before

    # Each look at pods: addresses, endpoints, Calico's workloads, effects that should still be there.

    def _far_ones(self, work: Workshop, run: Run) -> Iterator[Event]:
        if run.status is not RunStatus.RUNNING or run.phase.number not in BESIDE:
            return
        yield from self._pods(run)
        in_hand = run.phase in _WALKING or any(node.status in _MOVING for node in run.nodes.values())
        if not in_hand:  # else its pods may be on their way, and the gates of the step in hand judge them
            command = Command(Name.EVALUATE_GATE, args={"gate": "G-13"})
            yield from self._judged(work, "G-13", measure(work, command), LAGGING_S, self._far)
        yield from self._effects(work, run)

    def _pods(self, run: Run) -> Iterator[Event]:
        """Pods on migrated nodes (G-11): an address of Calico is an event of its own, a missing endpoint an alarm."""
        watched = [n for n, node in run.nodes.items() if node.status in CHECKED | GIVEN_BACK]
        if not watched:
            return
        ranges = calico_ranges(self._ports.cluster)
        for name, pods in sorted(self._ports.watcher.networked(watched).items()):
            node = run.nodes[name]
            alive = [p for p in pods if not p.pod.deleted_at and not p.pod.finished]
            if run.acceptance("G-11", name) or _busy(run, name):
                continue
            strays = _strays(node, alive, ranges)
            if strays:
                named = ", ".join(p["namespace"] + "/" + p["name"] for p in strays[:3])
                words = f"{name}: {named} came with an address of Calico"
                yield Event(Kind.CALICO_POD_APPEARED, name, detail={"pods": strays}, text=words)
            elif node.status in GIVEN_BACK:
                yield from self._without_endpoint(node, alive)

    def _without_endpoint(self, node: NodeRun, pods: Iterable[Networked]) -> Iterator[Event]:
        for seen in pods:
            waits = seen.pod.addresses and seen.pod.ready and seen.endpoint != "ready"
            if waits and self._far.lasts(f"G-11 {seen.pod.uid}", ENDPOINT_S):
                words = f"G-11: {node.name}: {seen.pod.label}: endpoint {seen.endpoint or 'missing'}"
                yield Event(Kind.WATCH_ALARM, node.name, gate="G-11", text=words)
                return

    def _effects(self, work: Workshop, run: Run) -> Iterator[Event]:
        """What was done for the whole cluster and is no longer so: nothing explains that (R38)."""
        for command in _standing(run):
            if isinstance(LOOKS[command.name].look(work, command), Absent):
                yield from self._drifted(f"{command.words} was done, and is no longer so")
        for which in _sets(run):
            for path in on_cilium.lost_policies(work, which):
                yield from self._drifted(f"{path} was applied, and is gone or another one")
        stage = _stage(run)
        config = on_cilium.live_differences(work, run.plan.draft.meant[stage]) if stage is not None else {}
        for key, (live, meant) in sorted(config.items()):
            yield from self._drifted(f"cilium-config has {key}={live!r}, meant {meant!r}")

    def _drifted(self, words: str) -> Iterator[Event]:
        if self._far.lasts(words, DRIFTED_S):
            yield Event(Kind.DRIFT_FOUND, text=words)


def _subject(sentence: str) -> str:
    """Give what a sentence is about; what it says of it, as a count, may change while it lasts."""
    return sentence.partition(": ")[0]


def _restarted_by(command: Command) -> set[tuple[str, str]]:
    """Give (node, app) of whatever a command of ours restarts."""
    return {(command.node, app) for app in RESTARTING.get(command.name, ())}


APPS = {"cilium": "the agent", "calico": "calico-node"}
_MOVING = OUT | {NodeStatus.ROLLING_BACK, NodeStatus.HALTED}
"""Nodes in hand: what of Calico lags there is what we do there."""
_WALKING = frozenset({Phase.FINAL_HELM, Phase.ENFORCE})
"""Phases that change nodes by a cursor of their own."""


def _replaced(node: NodeRun, live: Object) -> Event:
    """Another machine under a node's name; while the node is in hand nothing explains what was done to it."""
    words = f"{node.name} is another machine than before"
    if node.status in OUT | {NodeStatus.ROLLING_BACK, NodeStatus.PREFLIGHTED}:
        return Event(Kind.DRIFT_FOUND, node.name, text=words)
    detail = {"explained": True, "status": str(NodeStatus.PENDING), "labelled": is_labelled(live)}
    return Event(Kind.DRIFT_FOUND, node.name, detail=detail, text=f"{words}: it is migrated like a new one")


def _rebooting(run: Run, node: NodeRun) -> bool:
    """Say whether a node is silent because we reboot it, or halted because it did not come back."""
    ours = any(o.command.name is Name.REBOOT and o.command.node == node.name for o in run.open.values())
    return ours or (node.status is NodeStatus.HALTED and node.reason == "reboot")


def _calico_runs(running: Mapping[str, Daemon]) -> bool:
    return "calico" in running and running["calico"].ready


def _busy(run: Run, name: str) -> bool:
    """Say whether pods of the node are being moved by a command of ours."""
    moving = {Name.RECYCLE_PODS, Name.RESTART_DAEMON_PODS, Name.EVICT}
    return any(o.command.node == name and o.command.name in moving for o in run.open.values())


def _strays(node: NodeRun, pods: Iterable[Networked], ranges: Iterable[str]) -> list[dict[str, str]]:
    """Give pods on addresses of Calico; before the node is given back only those that were not there all the time."""
    found = pods_with_addresses_in((p.pod for p in pods), ranges)
    if node.status in CHECKED:
        found = [p for p in found if p.movable]
    return [{"uid": p.uid, "namespace": p.namespace, "name": p.name} for p in found if not p.mirror]


def _standing(run: Run) -> Iterator[Command]:
    """Give the commands for the whole cluster whose effect has to stand in this phase."""
    draft = run.plan.draft
    yield from (command for command, _ in draft.pins if not command.node and command.name in LOOKS)
    if run.phase.number <= Phase.NODE_LOOP.number:
        yield Command(Name.APPLY_NODE_CONFIG, args={"name": MIGRATION_CNC})


def _sets(run: Run) -> tuple[str, ...]:
    """Give the sets of policies that have to stand in this phase."""
    window = run.phase.number <= Phase.NODE_LOOP.number
    bridged = run.plan.draft.settings.policy_in_window == "bridged"
    return ("staged", "allowance") if window and bridged else ("staged",)


def _stage(run: Run) -> Stage | None:
    """Give the stage whose configuration has to be live in this phase; None while it is being changed."""
    bridged = run.plan.draft.settings.policy_in_window == "bridged"
    match run.phase:
        case Phase.CANARY | Phase.NODE_LOOP:
            return Stage.MIGRATION
        case Phase.AUDIT:
            return Stage.FINAL if bridged else Stage.AUDIT
        case Phase.SOAK:
            return Stage.FINAL
    return None
