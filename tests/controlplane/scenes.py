"""The simulator's scenarios on a real control plane: which are played, in which order, and how each is brought about.

Each has to end as ``fixtures/scenarios.yaml`` says of the simulator: in the same state, by the same gate.
"""

from __future__ import annotations

from collections.abc import Callable, Mapping, Sequence
from functools import partial
from typing import Any

from tests.controlplane import machine
from tests.controlplane.faults import Fault
from tests.controlplane.run_faults import Ends, RunFault
from tests.controlplane.runs import Record, at_phase, at_state, intends, tells
from tests.controlplane.scene_deeds import Deeds
from tests.controlplane.stage import Act, Stage
from tests.scenarios import Scenario, scenarios

BEFORE = (
    "watcher-value-lost", "operator-pending", "agent-crash-loop", "agent-unhealthy", "no-pod-cidr", "watcher-runs",
    "foreign-conf", "calico-pool-exhausted", "calico-not-ready", "dns-restarts", "autodetection-moves",
)  # fmt: skip
"""While Cilium is installed beside Calico (P3)."""
CANARY = (
    "apiservice-dead", "webhook-down", "rights-lost", "hook-fails", "no-address", "wrong-pool", "cluster-ip-dead",
    "marks-collide", "node-port-dead", "pods-unreachable", "outside-refuses", "packets-dropped", "calico-blocks-new-range",
    "address-masqueraded", "large-packets-lost", "probe-lost",
)  # fmt: skip
"""While the first node moves (P4)."""
WATCHED = (
    "agent-restarts", "calico-pod-comes", "addresses-move-late", "cordon-left", "node-silent", "calico-falls",
    "config-edited", "policies-deleted", "endpoint-lost", "felix-restarts", "conf-comes-back",
)  # fmt: skip
"""While a node that moved is watched, before others follow."""
LATER = (
    "late-switch", "routes-blackholed", "label-taken-off", "node-replaced", "namespace-relabelled", "helm-conflict",
    "helm-values-reset", "misscheduled", "kubelet-cut", "connections-cut",
)  # fmt: skip
"""From the second node to the end (P5 to P9)."""
REPLACED = ("node-replaced-late",)
BRIDGED = ("allowance-without-effect",)
"""Where policies are enforced while nodes move."""
CODES = {"inconclusive": 9, "api": 7, "node-rolled-back": 5}


def rows(names: Sequence[str]) -> list[RunFault]:
    """Give the scenarios as rows, in this order."""
    known = {s.name.partition("@")[0]: s for s in scenarios()}
    return [_row(name, known[name]) for name in names]


def _row(name: str, scenario: Scenario) -> RunFault:
    state, _, reason = scenario.ends.removesuffix(")").partition("(")
    ends = {"DONE": Ends.GOES_ON, "PAUSED": Ends.WAITS, "HALTED": Ends.HALTS}[state]
    if reason == "node-rolled-back":
        ends = Ends.GOES_BACK
    code = 0 if ends is Ends.GOES_ON else CODES.get(reason, 4)
    says = (
        _begins(scenario.said) if ends is not Ends.WAITS else ""
    )  # what is not measured stops whichever gate is asked first
    return RunFault(name, scenario.fault.what, "", ends, reason, code, says=says)


def _begins(said: str) -> str:
    """Give the gate or the command that a sentence begins with: what follows names things of the simulated cluster."""
    first = said.partition(" ")[0]
    return first.partition("(")[0].removesuffix(":") if "(" in first or first.startswith("G-") else ""


def before(stage: Stage, deeds: Deeds) -> Mapping[str, Act]:
    """What happens while Cilium is installed; the operator is kept from starting from the beginning on."""
    watches = partial(deeds.run_operator_with, **{"unmanaged-pod-watcher-interval": "15s"})
    return {
        "watcher-value-lost": Act(None, deeds.lose_value, deeds.find_value),
        "operator-pending": Act(None, lambda: None, deeds.let_operator),
        "agent-crash-loop": Act(None, lambda: deeds.crash_agent(1), lambda: stage.remove(Fault.AGENT_CRASH_LOOP, 1)),
        "agent-unhealthy": _stands(stage, Fault.AGENT_UNHEALTHY, 1),
        "no-pod-cidr": Act(None, lambda: deeds.take_range(1), deeds.let_operator),
        "watcher-runs": Act(None, watches, deeds.run_operator_with),
        "foreign-conf": Act(None, lambda: stage.plant(Fault.FOREIGN_CONF, 1), lambda: deeds.remove_foreign_conf(1)),
        "calico-pool-exhausted": _stands(stage, Fault.NO_ADDRESS, 1),
        "calico-not-ready": _stands(stage, Fault.CALICO_NOT_READY, 1),
        "dns-restarts": Act(None, deeds.restart_dns, lambda: None, again=("--accept", "G-10=seen")),
        "autodetection-moves": Act(None, lambda: deeds.announce(1), lambda: deeds.announce_rightly(1)),
    }  # fmt: skip


def canary(stage: Stage, deeds: Deeds) -> Mapping[str, Act]:
    """What happens while the first node moves."""
    refuses, first = stage.product.folder / "refuses", stage.order[0]
    moved = ("cluster-ip-dead", "marks-collide", "node-port-dead", "pods-unreachable", "outside-refuses")
    mixed = ("calico-blocks-new-range", "address-masqueraded", "large-packets-lost")
    return {
        "apiservice-dead": Act(None, deeds.kill_backend, deeds.drop_backend),
        "webhook-down": Act(None, deeds.hook, deeds.unhook),
        "rights-lost": Act(None, deeds.take_right, deeds.give_rights),
        "hook-fails": Act(None, refuses.touch, refuses.unlink, again=("--retry", first)),
        "no-address": _until_it_goes_back(stage, Fault.NO_ADDRESS, 0),
        "wrong-pool": _until_it_goes_back(stage, Fault.WRONG_POOL, 0),
        **{name: _packets(deeds, name, None, "--retry", first) for name in moved},
        "packets-dropped": _packets(deeds, "packets-dropped", at_state(first, "UNCORDONED")),
        **{name: _packets(deeds, name, None) for name in mixed},
        "probe-lost": Act(None, lambda: deeds.lose_probe(0), lambda: deeds.lose_probe(0, ready=True)),
    }


def watched(stage: Stage, deeds: Deeds) -> Mapping[str, Act]:
    """What happens while the first node is watched for long."""
    first = stage.order[0]
    soaks, again = intends("Soak", first), ("--retry", first)
    return {
        "agent-restarts": Act(soaks, lambda: deeds.restart_agent(0), lambda: None, tells("AgentRestarted")),
        "calico-pod-comes": Act(_soon, lambda: deeds.let_calico_pod_come(0), lambda: deeds.await_cilium(0), intends("Evict", first)),
        "addresses-move-late": Act(_soon, lambda: deeds.announce(3), lambda: deeds.announce_rightly(3)),
        "cordon-left": Act(soaks, lambda: deeds.cordon(0), lambda: deeds.uncordon(0)),
        "node-silent": Act(soaks, lambda: deeds.silence(3), lambda: deeds.speak(3)),
        "calico-falls": _stands(stage, Fault.CALICO_NOT_READY, 3, soaks),
        "config-edited": Act(soaks, lambda: deeds.edit_config("default"), lambda: deeds.edit_config("never")),
        "policies-deleted": Act(soaks, deeds.delete_policies, deeds.bring_policies),
        "endpoint-lost": Act(soaks, lambda: deeds.lose_endpoint(0), lambda: None, again=again),
        "felix-restarts": Act(soaks, lambda: deeds.restart_felix(0), deeds.unspoil, again=again),
        "conf-comes-back": Act(
            soaks, lambda: deeds.hand_back(0), lambda: stage.remove(Fault.CONF_COMES_BACK, 0),
            again=again, relief=at_state(first, "ROLLING_BACK"),
        ),
    }  # fmt: skip


def later(stage: Stage, deeds: Deeds) -> Mapping[str, Act]:
    """What happens from the second node to the end."""
    world, order = stage.world, stage.order
    third = order[2]
    return {
        "late-switch": Act(at_state(order[1], "CORDONED"), lambda: stage.plant(Fault.LATE_SWITCH, 1, 8), lambda: stage.remove(Fault.LATE_SWITCH, 1), at_state(order[1], "PROBED")),
        "routes-blackholed": _packets(deeds, "routes-blackholed", at_state(third, "CORDONED"), "--retry", third),
        "label-taken-off": Act(at_state(third, "CILIUM_READY"), lambda: world.label(third, None), lambda: world.label(third)),
        "node-replaced": Act(at_state(order[3], "CORDONED"), lambda: deeds.replace(0), lambda: None, at_state(order[0], "DONE")),
        "namespace-relabelled": Act(at_state(order[5], "CORDONED"), lambda: deeds.relabel("another"), lambda: deeds.relabel(None)),
        "helm-conflict": Act(at_phase(6), lambda: deeds.own_field({"policy-audit-mode": "false"}), lambda: deeds.own_field({})),
        "helm-values-reset": Act(None, lambda: deeds.wrap_helm("tunnelPort=8472"), deeds.unwrap_helm, intends("RestartOperator")),
        "misscheduled": Act(intends("RestartAgent", order[1]), lambda: deeds.misschedule(4), deeds.schedule),
        "kubelet-cut": Act(at_phase(8), lambda: stage.plant(Fault.PODS_CUT_OFF, 2), lambda: stage.remove(Fault.PODS_CUT_OFF, 2), again=("--retry", third)),
        "connections-cut": Act(at_phase(9), lambda: deeds.cut_connections(1), lambda: None, again=("--accept", "G-28=seen")),
    }  # fmt: skip


def replaced(stage: Stage, deeds: Deeds) -> Mapping[str, Act]:
    """What nobody adopts any more."""
    del stage
    return {"node-replaced-late": Act(at_phase(6), lambda: deeds.replace(1), lambda: None)}


def bridged(stage: Stage, deeds: Deeds) -> Mapping[str, Act]:
    """What happens where policies are enforced while nodes move."""
    return {"allowance-without-effect": _packets(deeds, "allowance-without-effect", None, "--retry", stage.order[0])}  # fmt: skip


def machines(stage: Stage, deeds: Deeds) -> Mapping[str, Act]:
    """What happens where machines are replaced by the user's own program."""
    order = stage.order
    return {
        "machine-stays": Act(None, lambda: deeds.let_cloud(machine.STAYS), deeds.let_cloud, again=("--retry", order[0])),
        "machine-not-followed": Act(None, lambda: deeds.let_cloud(machine.NOT_FOLLOWED), lambda: deeds.send_machine(0)),
        "machine-keeps-name": Act(
            at_state(order[2], "CORDONED"), lambda: deeds.let_cloud(machine.KEEPS_NAME), deeds.let_cloud,
            intends("AwaitMachine", order[2]),
        ),
    }  # fmt: skip


type Acts = Callable[[Stage, Deeds], Mapping[str, Act]]
ALL: Mapping[str, tuple[Sequence[str], Acts]] = {
    "before": (BEFORE, before), "canary": (CANARY, canary), "watched": (WATCHED, watched),
    "later": (LATER, later), "replaced": (REPLACED, replaced), "bridged": (BRIDGED, bridged),
}  # fmt: skip
"""The chains by name: scenarios in their order, and how each is brought about."""
MACHINES = ("machine-stays", "machine-not-followed", "machine-keeps-name")
"""Where machines are replaced; these take a cluster of their own."""
PLAYED = frozenset({name for names, _ in ALL.values() for name in names} | {*MACHINES})


def _soon(record: Record) -> bool:
    """The run goes on: whatever it notes next."""
    del record
    return True


def _packets(deeds: Deeds, name: str, when: Any, *again: str) -> Act:
    return Act(when, lambda: deeds.spoil(name), deeds.unspoil, again=again)


def _stands(stage: Stage, fault: Fault, place: int, when: Any = None) -> Act:
    return Act(when, lambda: stage.plant(fault, place), lambda: stage.remove(fault, place))


def _until_it_goes_back(stage: Stage, fault: Fault, place: int) -> Act:
    """A fault of a node that goes back, which it could not while the fault stands."""
    node = stage.order[place]
    return Act(
        at_state(node, "LABELLED"), lambda: stage.plant(fault, place), lambda: stage.remove(fault, place),
        again=("--retry", node), relief=at_state(node, "ROLLING_BACK"),
    )  # fmt: skip
