"""The real driver on the simulated cluster, among everything that people, the cluster and crashes can do to it.

After every step the invariants of ``state.md`` §11 hold, and from everywhere the run can be brought to an end in which
nothing of ours is left: no cordon, no guard, no node without a CNI, and a person's cordon as the person left it.
"""

from __future__ import annotations

from collections.abc import Iterator
from functools import cache
from typing import Any

from hypothesis import settings
from hypothesis import strategies as st
from hypothesis.stateful import RuleBasedStateMachine, initialize, invariant, precondition, rule

from migrate.driver.books import Playback
from migrate.driver.loop import Driver
from migrate.driver.pace import Pace
from migrate.driver.session import Locked, begin_run, resume_run
from migrate.engine.advance import advance
from migrate.engine.drafting import draft
from migrate.engine.invariants import broken
from migrate.engine.machine import begin
from migrate.engine.planner import make_plan
from migrate.engine.turn import Turn
from migrate.model.events import Event, Kind
from migrate.model.plan import Plan
from migrate.model.run import NodeStatus, Run, RunStatus
from migrate.model.settings import Settings
from migrate.model.snapshot import Snapshot
from migrate.ports import ApiError
from migrate.simulator.build import Simulation, world_of
from migrate.simulator.cni import watches
from migrate.simulator.faults import FAULTS
from migrate.simulator.happenings import MIGRATION
from tests import capabilities, clusters
from tests.films import healthy_snapshot

RUN, HOLDER, PACE = "7f3a0000", "alice@laptop:1:7f3a", Pace(first_s=2, desired_s=10_000)
NODES = tuple(clusters.NODES)
A_PERSONS = "wrk-2"
"""The node that a person had cordoned before we came."""
QUICK: dict[str, Any] = {
    "audit": "10m", "finalSoak": "10m", "waves": {"soak": "1m", "canary": {"soak": "1m"}}, "deadlines": {"drain": "10m"},
}  # fmt: skip
SORTS: dict[str, dict[str, Any]] = {
    "drain": {},
    "hold": {"nodes": {"move": "recycle"}},
    "after": {"nodes": {"move": "recycle", "recycleOrder": "after"}},
    "reboot": {"nodes": {"reboot": "always"}},
    "halt": {"onFailure": "halt"},
    "replace": {"nodes": {"move": "replace", "replace": {"command": ["./replace-machine"]}}},
    "two": {"waves": {**QUICK["waves"], "parallel": 2}},
}
PLACED = ("no-address", "conf-not-written", "agent-never-ready", "late-switch", "pods-unreachable", "probe-lost",
          "flows-lost", "packets-dropped", "agent-unhealthy", "slow-pull")  # fmt: skip
EVERYWHERE = ("pdb-never-frees", "webhook-down", "api-500")
LONGEST = 400
EXAMPLES = 1000 if capabilities.is_long() else 25


@cache
def planned(sort: str) -> tuple[Plan, Snapshot]:
    snapshot = healthy_snapshot()
    made = draft(snapshot, Settings.from_mapping({**clusters.settings(), **QUICK, **SORTS[sort]}))
    return make_plan(snapshot, made), snapshot


class Operation(RuleBasedStateMachine):
    """One run, from its beginning to an end."""

    def __init__(self) -> None:
        super().__init__()
        self.sim: Simulation
        self.driver: Driver
        self.plan: Plan
        self.removed: set[str] = set()

    @property
    def run(self) -> Run:
        return self.driver.run

    @initialize(sort=st.sampled_from(sorted(SORTS)))
    def begin(self, sort: str) -> None:
        self.plan, snapshot = planned(sort)
        self.sim = world_of(snapshot, self.plan.draft.settings)
        self.sim.world.of("nodes")["", A_PERSONS]["spec"]["unschedulable"] = True
        self.driver = begin_run(self.plan, self.sim.ports(), RUN, holder=HOLDER, pace=PACE)

    # What goes on by itself.

    @rule(turns=st.integers(1, 60))
    def goes_on(self, turns: int) -> None:
        self._drive(turns)

    def _drive(self, turns: int) -> None:
        left = iter(range(turns))
        self.driver.drive(lambda run: next(left, None) is None or bool(list(broken(run))))

    @rule()
    def dies(self) -> None:
        """Another process takes over; what the old one had in hand is not told."""
        self._take_over()

    def _take_over(self) -> None:
        try:
            self.driver = resume_run(
                Playback(self.plan, RUN), self.sim.ports(), holder=HOLDER, pace=PACE, start=True
            )
        except Locked:
            self.sim.lock.other = ""
        except ApiError:  # exit 7: somebody begins it again once the API answers
            self.sim.world.down_until = 0.0
            self._take_over()

    # What people ask.

    @rule(
        kind=st.sampled_from([Kind.RESUME, Kind.RESUME, Kind.PAUSE_REQUESTED, Kind.HANG_UP, Kind.DENY]),
        now=st.booleans(),
        turns=st.integers(1, 40),
    )
    def a_person_says(self, kind: Kind, now: bool, turns: int) -> None:
        self._tell(Event(kind, detail={"now": now}, by="alice"), turns)

    @rule(turns=st.integers(1, 40))
    def the_canary_is_approved(self, turns: int) -> None:
        self._tell(Event(Kind.APPROVE, detail={"id": "canary"}, by="alice"), turns)

    @rule(
        kind=st.sampled_from([Kind.SKIP_REQUESTED, Kind.RETRY_REQUESTED, Kind.ROLLBACK_REQUESTED]),
        node=st.sampled_from(NODES),
        turns=st.integers(1, 40),
    )
    def a_person_asks_for_a_node(self, kind: Kind, node: str, turns: int) -> None:
        self._tell(Event(kind, node, by="alice"), turns)

    @rule(rollback=st.booleans(), turns=st.integers(1, 40))
    @precondition(lambda self: not self.run.status.terminal)
    def a_person_aborts(self, rollback: bool, turns: int) -> None:
        self._tell(Event(Kind.ABORT_REQUESTED, detail={"rollback": rollback}, by="alice"), turns)

    @rule(turns=st.integers(1, 40))
    def a_person_wants_everything_back(self, turns: int) -> None:
        self._tell(Event(Kind.ROLLBACK_REQUESTED, by="alice"), turns)

    @rule(gate=st.sampled_from(["G-05", "G-17", "G-18", "G-10"]), turns=st.integers(1, 40))
    def a_person_accepts_a_gate(self, gate: str, turns: int) -> None:
        self._tell(Event(Kind.ACCEPT_FINDING, detail={"id": gate, "reason": "seen"}, by="alice"), turns)

    @rule(turns=st.integers(1, 20))
    def the_process_is_asked_to_leave(self, turns: int) -> None:
        self._tell(Event(Kind.STOP_REQUESTED, by="SIGTERM"), turns)
        self._take_over()

    def _tell(self, event: Event, turns: int) -> None:
        self.driver.tell(event)
        self._drive(turns)

    # What the cluster does.

    @rule(name=st.sampled_from(PLACED), node=st.sampled_from(NODES))
    def something_goes_wrong_on_a_node(self, name: str, node: str) -> None:
        self.sim.world.faults[f"{name}@{node}"] = FAULTS[name].default

    @rule(name=st.sampled_from(EVERYWHERE))
    def something_goes_wrong(self, name: str) -> None:
        self.sim.world.faults[name] = FAULTS[name].default

    @rule()
    def all_is_well_again(self) -> None:
        self.sim.world.faults.clear()
        self.sim.world.down_until = 0.0

    @rule(seconds=st.sampled_from([20.0, 400.0]))
    def the_api_goes_away(self, seconds: float) -> None:
        self.sim.world.down_until = self.sim.world.now + seconds

    @rule()
    def another_process_takes_the_lock(self) -> None:
        self.sim.lock.ours, self.sim.lock.other = False, "bob@desk:2:7f3a"

    @rule(node=st.sampled_from(NODES))
    def somebody_uncordons(self, node: str) -> None:
        live = self.sim.world.get("nodes", node)
        if live is not None and node != A_PERSONS:
            live["spec"].pop("unschedulable", None)

    @rule(node=st.sampled_from(NODES))
    def somebody_takes_the_label_off(self, node: str) -> None:
        live = self.sim.world.get("nodes", node)
        if live is not None:
            live["metadata"]["labels"].pop(MIGRATION, None)

    # What holds after every step.

    @invariant()
    def the_state_breaks_nothing(self) -> None:
        if hasattr(self, "driver"):
            control_plane = frozenset({"cp-1"})
            assert list(broken(self.run, control_plane)) == []

    @invariant()
    def everything_that_is_due_has_gone_out(self) -> None:
        """A turn looks at the nodes that it touched; looking at every node must find nothing more to send out."""
        if hasattr(self, "driver") and self.run.status is RunStatus.RUNNING:
            turn = Turn(self.run, self.driver.at)
            turn.began = begin(RUN, self.plan, NODES)  # another state: every node counts
            advance(turn)
            assert turn.ordered == []
            assert turn.run == self.run

    @invariant()
    def a_persons_cordon_stays(self) -> None:
        live = self.sim.world.get("nodes", A_PERSONS) if hasattr(self, "driver") else None
        if live is not None:  # its machine may have been replaced
            assert live["spec"].get("unschedulable")

    @invariant()
    def every_node_has_a_cni_but_on_its_way_back(self) -> None:
        if hasattr(self, "driver"):
            for name, host in self.sim.world.hosts.items():
                status = self.run.nodes[name].status if name in self.run.nodes else "not adopted yet"
                on_its_way = status in {NodeStatus.ROLLING_BACK, NodeStatus.HALTED}
                assert host.first_file or on_its_way, f"{name} {status}: {host.files}"

    @invariant()
    def no_watcher_runs_while_a_pod_can_get_a_calico_address(self) -> None:
        if hasattr(self, "driver") and watches(self.sim.world):
            assert {host.cni for host in self.sim.world.hosts.values()} == {"cilium"}

    @invariant()
    def nothing_is_done_without_the_lock(self) -> None:
        if hasattr(self, "driver") and self.run.where == "HALTED(lease)":
            assert "intent" not in self._without_lock()

    def _without_lock(self) -> list[str]:
        """Give the kinds of the records from the last loss of the lock until it was taken again."""
        records = self.sim.journal.kept
        told = [(r.get("event") or {}).get("kind") for r in records]
        lost = max(n for n, kind in enumerate(told) if kind == "LeaseLost")
        again = told.index("LeaseAcquired", lost) if "LeaseAcquired" in told[lost:] else len(told)
        return [r["kind"] for r in records[lost:again]]

    # The end.

    def teardown(self) -> None:
        if not hasattr(self, "driver"):
            return
        self.all_is_well_again()
        for _ in range(12):
            self.sim.lock.other = ""
            self._take_over()
            self._drive(LONGEST * 20)
            if self.run.status.terminal:
                break
            self._tell(Event(Kind.ROLLBACK_REQUESTED, by="alice"), LONGEST * 20)
        assert self.run.status.terminal, f"{self.run.where} {dict(self._left())}"
        self.the_state_breaks_nothing()
        self.a_persons_cordon_stays()
        for (_, name), node in self.sim.world.of("nodes").items():
            assert name == A_PERSONS or not node["spec"].get("unschedulable"), f"{name} stays cordoned"
            assert not [t for t in node["spec"].get("taints") or [] if t["key"].startswith("c2c/")]
            assert self.sim.world.hosts[name].first_file

    def _left(self) -> Iterator[tuple[str, str]]:
        for name, node in self.run.nodes.items():
            yield name, f"{node.status}({node.reason})"


Operation.TestCase.settings = settings(
    max_examples=EXAMPLES, stateful_step_count=25, deadline=None, derandomize=not capabilities.is_long()
)
"""``make test`` plays the same courses each time; ``make test-long`` looks for new ones."""
test_a_run_among_everything = Operation.TestCase


def test_every_state_is_reached() -> None:
    """No state of the run is but a word: courses of every sort come through each of them."""
    from tests.robustness.test_kills import COURSES, whole  # noqa: PLC0415  # another layer's material

    seen = {RunStatus.PLANNED}
    for course in COURSES:
        for record in whole(course).records:
            if record["kind"] == "transition" and not record["node"]:
                seen |= {
                    RunStatus(record[side].partition("(")[0]) for side in ("before", "after") if record[side]
                }
    assert seen == set(RunStatus)
