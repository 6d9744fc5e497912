"""What happens by itself at a moment of the run: somebody uncordons a node, a node joins, the API goes away.

Each happens once. A moment is told by the module in which it comes (``cordoned``: the API, ``installed``: the chart).
"""

from __future__ import annotations

import copy
from collections.abc import Callable, Mapping
from dataclasses import replace
from typing import Any

from migrate.model.fields import at, labels
from migrate.model.nodes import Node
from migrate.model.pods import Pod
from migrate.simulator import cni, kubelet
from migrate.simulator.faults import place_of, wrong
from migrate.simulator.world import Host, Key, World

__all__ = ["after_patch", "effects", "moment"]

SYSTEM = "kube-system"
MIGRATION = "io.cilium.migration/cilium-default"
MOMENTS: Mapping[str, Mapping[str, float]] = {
    "installed": {
        "api-down": 40.0, "apiservice-dead": 10.0, "autodetection-moves": 5.0, "calico-not-ready": 5.0,
        "dns-restarts": 5.0, "foreign-conf": 5.0, "node-added": 100.0, "node-removed": 100.0,
    },
    "cordoned": {"api-gone": 1.0, "node-reboots": 1.0, "uncordoned": 1.0},
    "labelled": {"label-taken-off": 20.0},
    "soaking": {
        "addresses-move-late": 60.0, "calico-falls": 60.0, "clock-jump": 60.0, "config-edited": 60.0,
        "namespace-relabelled": 60.0, "node-silent": 60.0, "policies-deleted": 60.0, "rights-lost": 60.0,
    },
    "migrated": {
        "agent-restarts": 20.0, "calico-pod-comes": 20.0, "conf-comes-back": 1.0, "cordon-left": 1.0, "endpoint-lost": 20.0,
        "felix-restarts": 20.0, "node-replaced": 20.0,
    },
    "upgraded": {"misscheduled": 5.0, "node-replaced-late": 5.0},
}  # fmt: skip
"""Moment → fault → seconds until it happens."""


def moment(world: World, name: str, node: str = "") -> None:
    """Let happen what is to happen at a moment; ``node``: where the moment came."""
    for fault, seconds in MOMENTS[name].items() if world.faults else ():
        value = wrong(world, fault, node) if node else wrong(world, fault, place_of(world, fault))
        if value is not None and fault not in world.happened:
            world.happened.append(fault)
            world.after(seconds, "happen", fault, node or place_of(world, fault), value)


def after_patch(world: World, node: str, changes: Mapping[str, Any]) -> None:
    """See which moment a change of a node is."""
    if at(changes, "spec", "unschedulable"):
        moment(world, "cordoned", node)
    if labels(changes, "metadata", "labels").get(MIGRATION):
        moment(world, "labelled", node)
    if "c2c/migrated-at" in labels(changes, "metadata", "annotations"):
        moment(world, "migrated", node)


def happen(world: World, fault: str, node: str, value: Any) -> None:  # noqa: ANN401  # as it was given
    """Let a fault happen."""
    _HAPPENS[fault](world, node, value)


def _uncordoned(world: World, node: str, value: Any) -> None:  # noqa: ANN401
    del value
    world.of("nodes")["", node]["spec"].pop("unschedulable", None)


def _label_off(world: World, node: str, value: Any) -> None:  # noqa: ANN401
    del value
    world.of("nodes")["", node]["metadata"]["labels"].pop(MIGRATION, None)


def _reboots(world: World, node: str, value: Any) -> None:  # noqa: ANN401
    del value
    live = world.of("nodes")["", node]
    live["status"]["nodeInfo"]["bootID"] = f"boot-{node}-{world.number()}"
    kubelet.new_sandboxes(world, node)


def _api_down(world: World, node: str, value: Any) -> None:  # noqa: ANN401
    del node
    world.down_until = world.now + (float("inf") if value is True else float(value))


def _api_service(world: World, node: str, value: Any) -> None:  # noqa: ANN401
    del node, value
    conditions = [{"type": "Available", "status": "False", "reason": "FailedDiscoveryCheck"}]
    world.put("apiservices.apiregistration.k8s.io", {
        "kind": "APIService", "metadata": {"name": "v1beta1.metrics.k8s.io"}, "status": {"conditions": conditions},
    })  # fmt: skip


def _address_moves(world: World, node: str, value: Any) -> None:  # noqa: ANN401
    del value
    marks = world.of("nodes")["", node]["metadata"]["annotations"]
    marks["projectcalico.org/IPv4Address"] = "10.245.0.99/32"


def _calico_down(world: World, node: str, value: Any) -> None:  # noqa: ANN401
    del node, value
    for (_, name), item in world.of("daemonsets.apps").items():
        if name == "calico-node":
            item["status"]["numberReady"] = max(0, int(item["status"]["numberReady"]) - 1)


def _dns_restarts(world: World, node: str, value: Any) -> None:  # noqa: ANN401
    del node, value
    for key, pod in world.typed.items():
        if pod.labels.get("k8s-app") == cni.DNS:
            world.of("pods")[key]["status"]["containerStatuses"][0]["restartCount"] += 3


def _foreign_conf(world: World, node: str, value: Any) -> None:  # noqa: ANN401
    del value
    world.hosts[node].files.append("00-multus.conf")


def _conf_back(world: World, node: str, value: Any) -> None:  # noqa: ANN401
    del value
    world.hosts[node].files = ["10-calico.conflist"]


def _misscheduled(world: World, node: str, value: Any) -> None:  # noqa: ANN401
    del node, value
    for item in world.of("daemonsets.apps").values():
        item["status"]["numberMisscheduled"] = 1


def _pod_of(world: World, node: str, app: str) -> Key:
    """Give the pod of an agent on a node."""
    return next(k for k in world.pods_at[node] if world.typed[k].labels.get("k8s-app") == app)


def _agent_restarts(world: World, node: str, value: Any) -> None:  # noqa: ANN401
    del value
    kubelet.delete(world, _pod_of(world, node, "cilium"))


def _felix_restarts(world: World, node: str, value: Any) -> None:  # noqa: ANN401
    """Felix clears programs of Cilium at its start (``procedure.md`` §7): pods there cannot be reached any more."""
    del value
    kubelet.delete(world, _pod_of(world, node, "calico-node"))
    world.faults[f"pods-unreachable@{node}"] = True


def _calico_falls(world: World, node: str, value: Any) -> None:  # noqa: ANN401
    del value
    kubelet.set_ready(world, _pod_of(world, node, "calico-node"), False)


def _calico_pod(world: World, node: str, value: Any) -> None:  # noqa: ANN401
    """Give one pod of a node on Cilium an address of Calico, as a race of both CNIs would."""
    del value
    host = world.hosts[node]
    kubelet.readdress(world, _some_pod(world, node), str(cni.address(world, host.calico.pop())))


def _some_pod(world: World, node: str) -> Key:
    found = (k for k in world.pods_at[node] if world.typed[k].movable and not world.typed[k].host_network)
    return min(k for k in found if world.typed[k].addresses)


def _endpoint_lost(world: World, node: str, value: Any) -> None:  # noqa: ANN401
    del value
    world.of("ciliumendpoints.cilium.io").pop(_some_pod(world, node), None)


def _silent(world: World, node: str, value: Any) -> None:  # noqa: ANN401
    del value
    for item in world.of("nodes")["", node]["status"]["conditions"]:
        item["status"] = "Unknown" if item["type"] == "Ready" else item["status"]


def _cordon_left(world: World, node: str, value: Any) -> None:  # noqa: ANN401
    """Cordon a finished node in the run's own name, as a process that was thought dead would."""
    del value
    live = world.of("nodes")["", node]
    marks = live["metadata"]["annotations"]
    marks |= {"c2c/cordoned-by": marks["c2c/run"], "c2c/was-unschedulable": "false"}
    live["spec"]["unschedulable"] = True


def _config_edited(world: World, node: str, value: Any) -> None:  # noqa: ANN401
    del node, value
    world.of("configmaps")[SYSTEM, "cilium-config"]["data"]["enable-policy"] = "default"


def _relabelled(world: World, node: str, value: Any) -> None:  # noqa: ANN401
    del node, value
    name = max(world.of("namespaces"))
    world.of("namespaces")[name]["metadata"].setdefault("labels", {})["team"] = "another"


def _policies_deleted(world: World, node: str, value: Any) -> None:  # noqa: ANN401
    del node, value
    for resource in ("ciliumnetworkpolicies.cilium.io", "ciliumclusterwidenetworkpolicies.cilium.io"):
        world.of(resource).clear()


def _rights_lost(world: World, node: str, value: Any) -> None:  # noqa: ANN401
    del node, value
    world.withdrawn.append("the right to patch nodes is gone")


BOOT_S, MACHINE_S = 8.0, 90.0


def _replaced(world: World, node: str, value: Any) -> None:  # noqa: ANN401
    """Put another machine in the place of a node, under its name: nothing of ours is on it."""
    del value
    world.after(BOOT_S, "join", node, *_taken_away(world, node), False)


def _taken_away(world: World, node: str) -> tuple[dict[str, Any], Node, list[Pod]]:
    """Take a machine away; give what the next one is made like: the Node without our marks, typed too, and its agents."""
    live, typed = copy.deepcopy(world.of("nodes")["", node]), world.scheduler.nodes[node]
    agents = [p for p in world.typed.values() if p.node == node and p.of_daemon_set]
    kubelet.lose_node(world, node)
    world.drop("ciliumnodes.cilium.io", ("", node))
    marks = {k: v for k, v in live["metadata"]["annotations"].items() if not k.startswith("c2c/")}
    live["metadata"]["annotations"] = marks
    return live, typed, agents


def machine_goes(world: World, node: str, uid: str) -> None:
    """Delete a machine, as the user's program has it done; its group makes a new one, labelled from its birth."""
    found = world.get("nodes", node)
    if found is None or found["metadata"]["uid"] != uid:
        return
    like = _taken_away(world, node)
    labelled = not wrong(world, "machine-unlabelled", node)
    name = node if wrong(world, "machine-keeps-name", node) else f"{node}-{world.number()}"
    if not wrong(world, "machine-not-followed", node):
        world.after(MACHINE_S, "join", name, *like, labelled)


def join(
    world: World, name: str, like: dict[str, Any], typed: Node, agents: list[Pod], labelled: bool
) -> None:
    """Let a machine join, with Calico first, and everything on it that DaemonSets put on every node."""
    like["metadata"] |= {"name": name, "uid": f"uid-{name}-{world.number()}"}
    like["metadata"]["labels"] = {k: v for k, v in like["metadata"]["labels"].items() if k != MIGRATION}
    if labelled:
        like["metadata"]["labels"][MIGRATION] = "true"
    like["spec"].pop("unschedulable", None)
    like["status"]["nodeInfo"] = {**like["status"]["nodeInfo"], "bootID": f"boot-{name}-{world.number()}"}
    address = f"10.0.1.{world.number() % 250 + 1}"
    like["status"]["addresses"] = [{"type": "InternalIP", "address": address}]
    like["metadata"]["annotations"] |= {"projectcalico.org/IPv4Address": f"{address}/24"}
    world.put("nodes", like)
    world.hosts[name] = Host(name)
    joined = replace(typed, name=name, uid=like["metadata"]["uid"], unschedulable=False)
    world.scheduler = world.scheduler.joined(joined, world.typed.values())
    for pod in agents:
        owner = pod.owner.name if pod.owner else pod.name
        kubelet.create(world, pod, f"{owner}-{world.number():x}", name)
        kubelet.widen(world, pod)


def _joins(world: World, node: str, value: Any) -> None:  # noqa: ANN401
    """Let a node like another join, as an autoscaler makes it."""
    del value
    like = copy.deepcopy(world.of("nodes")["", node])
    like["metadata"]["annotations"] = {}
    agents = [p for p in world.typed.values() if p.node == node and p.of_daemon_set]
    join(world, f"{node}-new", like, world.scheduler.nodes[node], agents, False)


def _leaves(world: World, node: str, value: Any) -> None:  # noqa: ANN401
    del value
    kubelet.lose_node(world, node)


def _clock(world: World, node: str, value: Any) -> None:  # noqa: ANN401
    del node
    world.skew += float(value)


_HAPPENS: Mapping[str, Callable[[World, str, Any], None]] = {
    "addresses-move-late": _address_moves, "agent-restarts": _agent_restarts, "api-down": _api_down, "api-gone": _api_down,
    "apiservice-dead": _api_service, "autodetection-moves": _address_moves, "calico-falls": _calico_falls,
    "calico-not-ready": _calico_down, "calico-pod-comes": _calico_pod, "clock-jump": _clock, "conf-comes-back": _conf_back,
    "config-edited": _config_edited, "cordon-left": _cordon_left, "dns-restarts": _dns_restarts,
    "endpoint-lost": _endpoint_lost, "felix-restarts": _felix_restarts, "foreign-conf": _foreign_conf,
    "label-taken-off": _label_off, "misscheduled": _misscheduled,
    "namespace-relabelled": _relabelled, "node-added": _joins, "node-reboots": _reboots,
    "node-removed": _leaves, "node-replaced": _replaced, "node-replaced-late": _replaced, "node-silent": _silent,
    "policies-deleted": _policies_deleted, "rights-lost": _rights_lost, "uncordoned": _uncordoned,
}  # fmt: skip

effects: Mapping[str, Callable[..., None]] = {"happen": happen, "join": join, "machine_goes": machine_goes}
"""What of this module may stand in the queue."""
