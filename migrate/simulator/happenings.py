"""What happens by itself at a moment of the run: somebody uncordons a node, a node joins, the API goes away.

Each happens once. A moment is told by the module in which it comes (``cordoned``: the API, ``installed``: the chart).
"""

from __future__ import annotations

import copy
from collections.abc import Callable, Mapping
from dataclasses import replace
from typing import Any

from migrate.model.fields import at, labels
from migrate.simulator import cni, kubelet
from migrate.simulator.faults import place_of, wrong
from migrate.simulator.world import Host, World

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
    "soaking": {"clock-jump": 60.0},
    "migrated": {"conf-comes-back": 1.0},
    "upgraded": {"misscheduled": 5.0},
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


def _joins(world: World, node: str, value: Any) -> None:  # noqa: ANN401
    """Let a node like another join, with Calico first, as an autoscaler makes it."""
    del value
    name = f"{node}-new"
    like = copy.deepcopy(world.of("nodes")["", node])
    like["metadata"] |= {
        "name": name,
        "uid": f"uid-{name}",
        "annotations": {"projectcalico.org/IPv4Address": "10.0.0.98/24"},
    }
    like["metadata"]["labels"] = {k: v for k, v in like["metadata"]["labels"].items() if k != MIGRATION}
    like["spec"].pop("unschedulable", None)
    like["status"]["nodeInfo"] = {**like["status"]["nodeInfo"], "bootID": f"boot-{name}"}
    world.put("nodes", like)
    world.hosts[name] = Host(name)
    joined = replace(world.scheduler.nodes[node], name=name, uid=f"uid-{name}", unschedulable=False)
    world.scheduler = world.scheduler.joined(joined, world.typed.values())
    for key, pod in list(world.typed.items()):
        if pod.node == node and pod.of_daemon_set:
            owner = pod.owner.name if pod.owner else key[1]
            kubelet.create(world, pod, f"{owner}-{world.number():x}", name)
            kubelet.widen(world, pod)


def _leaves(world: World, node: str, value: Any) -> None:  # noqa: ANN401
    del value
    kubelet.lose_node(world, node)


def _clock(world: World, node: str, value: Any) -> None:  # noqa: ANN401
    del node
    world.skew += float(value)


_HAPPENS: Mapping[str, Callable[[World, str, Any], None]] = {
    "api-down": _api_down, "api-gone": _api_down, "apiservice-dead": _api_service, "autodetection-moves": _address_moves,
    "calico-not-ready": _calico_down, "clock-jump": _clock, "conf-comes-back": _conf_back, "dns-restarts": _dns_restarts,
    "foreign-conf": _foreign_conf, "label-taken-off": _label_off, "misscheduled": _misscheduled, "node-added": _joins,
    "node-reboots": _reboots, "node-removed": _leaves, "uncordoned": _uncordoned,
}  # fmt: skip

effects: Mapping[str, Callable[..., None]] = {"happen": happen}
"""What of this module may stand in the queue."""
