"""Two CNIs on one node: addresses, and what an agent of either does when it starts (``testing.md`` §4.4).

An agent reads its configuration once, at its start: the ConfigMap, overridden by the CiliumNodeConfigs that match the
node's labels at that moment. A label alone changes nothing.
"""

from __future__ import annotations

from collections.abc import Callable, Mapping
from dataclasses import replace
from ipaddress import IPv4Address, IPv6Address, ip_address, ip_network
from typing import Any

from migrate.engine.script import CONF_PATH
from migrate.model.fields import at, labels
from migrate.model.pods import Pod
from migrate.simulator.faults import wrong
from migrate.simulator.world import Host, Key, World

__all__ = [
    "address",
    "addresses_for",
    "after_end",
    "after_start",
    "block_of",
    "enforces",
    "give_block",
    "watches",
]

AGENT, OPERATOR = "cilium", "cilium-operator"
BLOCK, MOST_ADDRESSES = 64, 4096
MIGRATION = "io.cilium.migration/cilium-default"
DNS, WATCH_S = "kube-dns", 15.0
NODE_ALLOCATION_S, CRDS_S, PROBES_FAIL_S = 1.0, 12.0, 30.0
CILIUM_CRDS = (
    "ciliumnodeconfigs", "ciliumnodes", "ciliumendpoints", "ciliumidentities", "ciliumnetworkpolicies",
    "ciliumclusterwidenetworkpolicies", "ciliumcidrgroups",
)  # fmt: skip
KINDS = {
    "ciliumnodeconfigs": "CiliumNodeConfig", "ciliumnodes": "CiliumNode", "ciliumendpoints": "CiliumEndpoint",
    "ciliumidentities": "CiliumIdentity", "ciliumnetworkpolicies": "CiliumNetworkPolicy",
    "ciliumclusterwidenetworkpolicies": "CiliumClusterwideNetworkPolicy", "ciliumcidrgroups": "CiliumCIDRGroup",
}  # fmt: skip


# Addresses.


def addresses_for(world: World, pod: Pod) -> tuple[str, ...]:
    """Give a new pod its addresses; nothing where the node has no CNI that can give one."""
    host = world.hosts[pod.node]
    if pod.host_network:
        node = world.get("nodes", pod.node) or {}
        return tuple(
            a["address"] for a in at(node, "status", "addresses") or [] if a["type"] == "InternalIP"
        )[:1]
    side = "calico" if host.cni == "cilium" and wrong(world, "wrong-pool", host.name) else host.cni
    match side:
        case "cilium" if wrong(world, "no-address", host.name):
            return ()
        case "cilium" if host.config is not None and host.cilium:
            return (str(address(world, host.cilium.pop())),)
        case "calico":
            if not host.calico:
                give_block(world, host)
            return (str(address(world, host.calico.pop())),) if host.calico else ()
    return ()


def give_block(world: World, host: Host) -> None:
    """Give a node another /26 of Calico's pools, as long as there is one."""
    if world.blocks and not wrong(world, "calico-pool-exhausted"):
        first = world.blocks.pop(0)
        host.calico = [*range(first + BLOCK - 2, first, -1), *host.calico]


def address(world: World, number: int) -> IPv4Address | IPv6Address:
    """Give the address of a number, of the family in which this world counts."""
    return IPv4Address(number) if world.family == 4 else IPv6Address(number)  # the family


def numbers(world: World, pod: Pod) -> list[int]:
    """Give a pod's addresses of that family as numbers."""
    found = [ip_address(a) for a in pod.addresses]
    return [int(a) for a in found if a.version == world.family]


def after_end(world: World, pod: Pod) -> None:
    """Give an address back by the CNI that is first *now*: the wrong one leaves a veth and a handle behind."""
    world.of("ciliumendpoints.cilium.io").pop((pod.namespace, pod.name), None)
    if pod.host_network or pod.node not in world.hosts:
        return
    host = world.hosts[pod.node]
    for number in numbers(world, pod):
        by_cilium = _of_cilium(world, number)
        if (host.cni == "cilium") != by_cilium or wrong(world, "veth-leaks", host.name):
            host.leaked += 1
        elif by_cilium:
            host.cilium.insert(0, number)
        else:
            host.calico.insert(0, number)


def _of_cilium(world: World, number: int) -> bool:
    found, nets = address(world, number), map(ip_network, world.settings.cilium.pod_cidrs)
    return any(found in net for net in nets if net.version == world.family)


# Agents.


def after_start(world: World, key: Key) -> None:
    """What follows when a pod has started: an agent works, any other pod gets its endpoint."""
    pod = world.typed[key]
    host = world.hosts[pod.node]
    app = pod.labels.get("k8s-app", "")
    if app == AGENT:
        _agent_starts(world, host, pod)
    elif pod.labels.get("io.cilium/app") == "operator":
        _operator_starts(world)
    elif app in {"calico-node", "canal"}:
        _calico_starts(world, host)
    elif not pod.host_network and host.cni == "cilium":
        _endpoint(world, pod)
    elif app == DNS and watches(world):
        world.after(WATCH_S, "watch_unmanaged", key)


def _agent_starts(world: World, host: Host, pod: Pod) -> None:
    if _fails(world, host, pod):
        return
    config = dict(at(world.get("configmaps", "cilium-config", "kube-system"), "data") or {})
    node = world.get("nodes", host.name) or {}
    own = labels(node, "metadata", "labels")
    for item in world.of("ciliumnodeconfigs.cilium.io").values():
        wanted = at(item, "spec", "nodeSelector", "matchLabels") or {}
        if all(own.get(k) == v for k, v in wanted.items()):
            config |= at(item, "spec", "defaults") or {}
    host.config = config
    if host.cni == AGENT and wrong(world, "connections-cut", host.name):
        world.cut(host.name)
    if wrong(world, "kubelet-cut", host.name):
        world.after(PROBES_FAIL_S, "probes", host.name)
    if late := wrong(world, "late-switch", host.name):
        world.after(float(late), "write_conf", host.name)
    else:
        write_conf(world, host.name)
    if world.get("ciliumnodes.cilium.io", host.name) is None:
        world.put(
            "ciliumnodes.cilium.io",
            {"kind": "CiliumNode", "metadata": {"name": host.name}, "spec": {"ipam": {}}},
        )
        world.after(NODE_ALLOCATION_S, "allocate", host.name)


def _fails(world: World, host: Host, pod: Pod) -> bool:
    """Say whether an agent comes to nothing, and leave its pod as it is then."""
    switches = MIGRATION in labels(world.get("nodes", host.name) or {}, "metadata", "labels")
    if switches and wrong(world, "node-unreachable", host.name):
        for item in world.of("nodes")["", host.name]["status"]["conditions"]:
            item["status"] = "Unknown" if item["type"] == "Ready" else item["status"]
    crashes = wrong(world, "agent-crash-loop", host.name)
    if not crashes and not (switches and wrong(world, "agent-never-ready", host.name)):
        return False
    host.config = None
    item = world.of("pods")[pod.namespace, pod.name]
    item["status"]["conditions"] = [{"type": "Ready", "status": "False"}]
    world.typed[pod.namespace, pod.name] = replace(pod, ready=False)
    if crashes:
        waiting = {"waiting": {"reason": "CrashLoopBackOff"}}
        item["status"]["containerStatuses"] = [{"restartCount": 3, "state": waiting}]
        world.waiting[pod.namespace, pod.name] = None
    return True


def probes(world: World, node: str) -> None:
    """The kubelet's probes of the pods on a node: they fail where the node is cut from its own pods."""
    host = world.hosts.get(node)
    cut = host is not None and host.config is not None and enforces(host.config)
    for key in world.pods_at.get(node, {}):
        if not world.typed[key].host_network:
            world.after(0.0, "set_ready", key, not cut)


def enforces(config: Mapping[str, str]) -> bool:
    """Say whether an agent with this configuration drops what its policies do not allow."""
    return config.get("enable-policy") != "never" and config.get("policy-audit-mode") != "true"


def write_conf(world: World, node: str) -> None:
    """The agent writes its file, if it is told to, and lays the others aside."""
    host = world.hosts.get(node)
    config = (host.config if host is not None else None) or {}
    told = config.get("write-cni-conf-when-ready") == CONF_PATH and config.get("custom-cni-conf") != "true"
    if host is None or not told or wrong(world, "conf-not-written", node):
        return
    if config.get("cni-exclusive", "true") == "true":
        host.files = [
            f if f == "05-cilium.conflist" or f.endswith(".cilium_bak") else f"{f}.cilium_bak"
            for f in host.files
        ]
    if "05-cilium.conflist" not in host.files:
        host.files.append("05-cilium.conflist")


def _calico_starts(world: World, host: Host) -> None:
    """calico-node writes its file at every start; Cilium's sorts before it."""
    del world
    if "10-calico.conflist" not in host.files:
        host.files.append("10-calico.conflist")


def _operator_starts(world: World) -> None:
    config = dict(at(world.get("configmaps", "cilium-config", "kube-system"), "data") or {})
    if wrong(world, "watcher-runs"):
        config["unmanaged-pod-watcher-interval"] = "15s"
    world.operator_config = config
    world.after(CRDS_S, "make_crds")
    world.after(WATCH_S, "watch_unmanaged")


def make_crds(world: World) -> None:
    """The operator makes the CRDs some time after its start; the chart holds none."""
    for plural in CILIUM_CRDS if not wrong(world, "operator-pending") else ():
        name = f"{plural}.cilium.io"
        if world.get("customresourcedefinitions.apiextensions.k8s.io", name) is None:
            versions = [{"name": "v2", "served": True, "storage": True}]
            world.put("customresourcedefinitions.apiextensions.k8s.io", {
                "kind": "CustomResourceDefinition", "metadata": {"name": name},
                "spec": {"group": "cilium.io", "names": {"kind": KINDS[plural], "plural": plural}, "versions": versions},
                "status": {"conditions": [{"type": "Established", "status": "True"}]},
            })  # fmt: skip


def allocate(world: World, node: str) -> None:
    """The operator gives a node its block of the new range."""
    item, host = world.get("ciliumnodes.cilium.io", node), world.hosts.get(node)
    if item is None or host is None or at(item, "spec", "ipam", "podCIDRs") or world.operator_config is None:
        if item is not None and world.operator_config is None:
            world.after(NODE_ALLOCATION_S, "allocate", node)
        return
    if not world.cilium_blocks or wrong(world, "no-pod-cidr", node):
        return
    first = world.cilium_blocks.pop(0)
    bits, size = block_of(world)
    item["spec"]["ipam"]["podCIDRs"] = [f"{address(world, first)}/{bits}"]
    host.cilium = list(range(first + min(size, MOST_ADDRESSES) - 2, first + 2, -1))


def block_of(world: World) -> tuple[int, int]:
    """Give how long the prefix of a node's block is, and how many addresses it has."""
    said = world.settings.cilium
    bits, width = (said.mask_v4, 32) if world.family == 4 else (said.mask_v6, 128)  # the family
    return bits, 2 ** (width - bits)


def watches(world: World) -> bool:
    """Say whether a running operator looks for pods of kube-dns without an endpoint."""
    return (world.operator_config or {}).get("unmanaged-pod-watcher-interval", "0") not in {"0", "0s"}


def watch_unmanaged(world: World, *keys: Key) -> None:
    """The operator deletes kube-dns pods that have no endpoint (F-02): those named, or all there are."""
    if not watches(world):
        return
    pods = world.of("pods")
    for key in keys or [k for k, p in world.typed.items() if p.labels.get("k8s-app") == DNS]:
        item = pods.get(key)
        if (
            item is not None
            and key not in world.of("ciliumendpoints.cilium.io")
            and not at(item, "spec", "hostNetwork")
        ):
            world.after(0.0, "delete_pod", key)


def _endpoint(world: World, pod: Pod) -> None:
    item: dict[str, Any] = {
        "kind": "CiliumEndpoint",
        "metadata": {"name": pod.name, "namespace": pod.namespace},
        "status": {
            "state": "ready",
            "networking": {"node": pod.node, "addressing": [{f"ipv{world.family}": pod.addresses[0]}]},
        },
    }
    world.put("ciliumendpoints.cilium.io", item)


def agent_ends(world: World, node: str) -> None:
    """The agent's pod is gone; what it wrote stays."""
    if node in world.hosts:
        world.hosts[node].config = None


effects: Mapping[str, Callable[..., None]] = {
    "allocate": allocate,
    "probes": probes,
    "make_crds": make_crds,
    "write_conf": write_conf,
    "watch_unmanaged": watch_unmanaged,
}
"""What of this module may stand in the queue."""
