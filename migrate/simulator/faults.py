"""What may go wrong in a simulated cluster: every fault by its name, where it works and which failure mode it shows.

A fault holds everywhere, or at one place where ``@PLACE`` follows its name: a node, or ``namespace/name`` of a budget.
Its effect stands in the module that it names; this one only knows the names, so that a wrong one is an error.
"""

from __future__ import annotations

import difflib
from collections.abc import Iterable, Mapping
from dataclasses import dataclass
from typing import Any

from migrate.simulator.world import World

__all__ = ["FAULTS", "Fault", "OrchestratorDied", "UnknownFault", "chosen", "place_of", "wrong"]


class UnknownFault(ValueError):
    """No fault has this name; ``near`` is the name that was meant, if one is like it."""

    def __init__(self, name: str) -> None:
        """Keep the name and the one nearest to it."""
        self.name = name
        self.near = next(iter(difflib.get_close_matches(name.partition("@")[0], FAULTS, n=1)), "")
        super().__init__(f"no fault is called {name!r}")


class OrchestratorDied(Exception):  # a fault, no error of ours
    """The process that drives the run is gone: nothing of it goes on, and nothing is cleaned up."""


@dataclass(frozen=True, slots=True)
class Fault:
    """One fault. ``module`` holds its effect, ``shows`` are failure modes or rows of ``state.md``.

    ``default`` is its value where only the name is given: seconds or a count where the fault has an end, else True.
    ``place``: what may follow ``@``, a ``node`` or a ``budget``; empty where it holds for the cluster.
    """

    what: str
    module: str
    shows: tuple[str, ...]
    default: Any = True
    place: str = "node"


FAULTS: Mapping[str, Fault] = {
    "address-masqueraded": Fault("packets between the CNIs arrive with the node's address", "probes", ("F-05",)),
    "addresses-move-late": Fault("calico-node takes another address for the node's while nodes are migrated", "happenings", ("F-01", "R14")),
    "agent-crash-loop": Fault("Cilium's agent crashes after every start, from the install on", "cni", ("F-03",)),
    "agent-never-ready": Fault("Cilium's agent does not become Ready on a node that was switched", "cni", ("N11",)),
    "agent-restarts": Fault("somebody restarts the agent of a finished node", "happenings", ("N42",)),
    "agent-unhealthy": Fault("the agent is Ready and reports a failing controller", "others", ("F-03",)),
    "allowance-without-effect": Fault("an enforcing node drops what comes from pods on Calico, in the window", "probes", ("F-24",)),
    "answers-lost": Fault("writes take effect and their answers are lost, so many times", "api", ("F-22",), 25, place=""),
    "api-500": Fault("the API answers 500 to the next calls", "api", ("R53",), 20, place=""),
    "api-down": Fault("the API does not answer for so many seconds, after the install", "happenings", ("R33",), 120, place=""),
    "api-gone": Fault("the API does not answer any more, from the first cordon on", "happenings", ("R34",)),
    "apiservice-dead": Fault("an aggregated API loses its backend after the install", "happenings", ("F-15", "F-29"), place=""),
    "autodetection-moves": Fault("calico-node takes cilium_host's address for the node's", "happenings", ("F-01",)),
    "calico-blocks-new-range": Fault("nodes on Calico drop what comes from the new range", "probes", ("F-41",)),
    "calico-falls": Fault("calico-node is not Ready any more on a node that waits for its turn", "happenings", ("F-01", "R14")),
    "calico-not-ready": Fault("calico-node is not Ready any more after the install", "happenings", ("F-01",), place=""),
    "calico-pod-comes": Fault("a pod with an address of Calico appears on a finished node", "happenings", ("F-25", "N43")),
    "calico-pool-exhausted": Fault("Calico's pools have no free block left", "cni", ("F-42",), place=""),
    "clock-jump": Fault("the wall clock jumps ahead by so many seconds during the first soak", "happenings", ("N22",), 7200, place=""),
    "cluster-ip-dead": Fault("Services do not answer from nodes on Cilium", "probes", ("F-06",)),
    "conf-comes-back": Fault("the distribution puts Calico's CNI file back on a finished node", "happenings", ("F-33",)),
    "conf-not-written": Fault("the agent does not write its CNI file", "cni", ("F-26", "F-36")),
    "config-edited": Fault("somebody edits cilium-config while nodes are migrated", "happenings", ("F-45", "R38"), place=""),
    "connections-cut": Fault("restarts of an agent cut the connections of pods that live on", "cni", ("F-30",)),
    "cordon-left": Fault("a finished node is cordoned in our name and no step of ours needs it", "happenings", ("F-37", "R14")),
    "dns-restarts": Fault("CoreDNS restarts after the install", "happenings", ("F-02",), place=""),
    "endpoint-lost": Fault("a pod of a finished node loses its endpoint", "happenings", ("N24",)),
    "felix-restarts": Fault("calico-node restarts on a finished node and clears Cilium's programs", "happenings", ("N42", "N24")),
    "flows-lost": Fault("Hubble's ring loses events in every window", "flows", ("F-31",)),
    "flows-quiet": Fault("hardly any traffic is seen in a window", "flows", ("F-31",)),
    "foreign-conf": Fault("a CNI file of somebody else sorts before all others", "happenings", ("F-26", "F-38")),
    "helm-conflict": Fault("Helm's upgrade meets a field of another manager", "charts", ("F-47",), place=""),
    "helm-pending": Fault("Helm is killed in its first call: the release stays pending", "charts", ("F-47",), place=""),
    "helm-values-reset": Fault("the first upgrade loses the tunnel port", "charts", ("F-46",), place=""),
    "hook-fails": Fault("a hook before a drain (nodes.hooks) fails", "programs", ("F-19",)),
    "journal-full": Fault("the disk is full after so many records", "memory", ("R59",), 120, place=""),
    "kubelet-cut": Fault("an enforcing node is cut from its own pods", "probes", ("F-53",)),
    "label-taken-off": Fault("somebody takes the migration label off a node", "happenings", ("N37",)),
    "large-packets-lost": Fault("large packets between the CNIs are lost", "probes", ("F-10",)),
    "late-switch": Fault("the agent writes its CNI file so many seconds late", "cni", ("N10",), 90),
    "lease-lost": Fault("another process takes the lock, after so many looks at it", "memory", ("R32", "F-44"), 44, place=""),
    "locked": Fault("another process holds the lock from the start", "memory", ("F-44",), place=""),
    "machine-keeps-name": Fault("a machine that is replaced comes back under its name (nodes.move: replace)", "happenings", ("N47",)),
    "machine-not-followed": Fault("no machine comes in the place of one that was deleted", "happenings", ("N47",)),
    "machine-stays": Fault("the program that deletes a machine fails (nodes.replace)", "programs", ("N47",)),
    "machine-unlabelled": Fault("a machine that comes in the place of another lacks the migration's label", "happenings", ("N47", "R35")),
    "marks-collide": Fault("packet marks of both CNIs collide: Services answer oddly on nodes on Cilium", "probes", ("F-07",)),
    "misscheduled": Fault("a DaemonSet stays misscheduled in its controller's view", "happenings", ("F-32",), place=""),
    "module-busy": Fault("a module of an earlier process still works on a node, for so many seconds", "others", ("F-49",), 60),
    "namespace-relabelled": Fault("somebody changes the labels of a namespace while nodes are migrated", "happenings", ("R38",), place=""),
    "network-manager-clears": Fault("the host's network manager removes Cilium's rules and devices when it restarts", "others", ("F-12",)),
    "no-address": Fault("Cilium has no address for new pods", "cni", ("F-17", "F-27")),
    "no-pod-cidr": Fault("the operator gives a node no podCIDR", "cni", ("F-27",)),
    "node-added": Fault("a node joins the cluster after the install", "happenings", ("R35",)),
    "node-not-ready": Fault("a node does not come back from its reboot", "others", ("N13",)),
    "node-port-dead": Fault("NodePorts and hostPorts do not answer on nodes on Cilium", "probes", ("F-08", "F-09")),
    "node-reboots": Fault("a cordoned node reboots by itself", "happenings", ("N35",)),
    "node-removed": Fault("a node is deleted after the install", "happenings", ("R36",)),
    "node-replaced": Fault("a finished node is another machine of the same name", "happenings", ("R37",)),
    "node-replaced-late": Fault("a node is another machine of the same name, in P6", "happenings", ("F-25", "R14")),
    "node-silent": Fault("a node that waits for its turn is not heard of any more", "happenings", ("F-30", "F-40", "R14")),
    "node-unreachable": Fault("a node is lost when its agent restarts", "cni", ("F-30",)),
    "operator-pending": Fault("the operator never makes its CRDs", "cni", ("F-48",), place=""),
    "orchestrator-dies": Fault("the process that drives the run dies in the middle of a node's drain, and another one goes on", "api", ("F-20",)),
    "other-driver": Fault("another driver writes the run's state, after so many of our writes", "memory", ("R32",), 5, place=""),
    "outside-refuses": Fault("a system outside of the cluster refuses addresses of the new range", "probes", ("F-28",)),
    "packets-dropped": Fault("tunnel packets between the CNIs are dropped", "probes", ("F-04",)),
    "pdb-never-frees": Fault("a budget allows no eviction", "api", ("F-19",), place="budget"),
    "pods-unreachable": Fault("pods on nodes on Cilium cannot be reached", "probes", ("F-11",)),
    "policies-deleted": Fault("somebody deletes the staged policies", "happenings", ("F-23", "R38"), place=""),
    "probe-lost": Fault("probe pods do not start", "probes", ("G-05",)),
    "rights-lost": Fault("somebody takes rights of the run away while nodes are migrated", "happenings", ("F-44", "R10"), place=""),
    "routes-blackholed": Fault("packets between nodes on Cilium run into a route of somebody else", "probes", ("F-43",)),
    "slow-pull": Fault("images take 90 seconds", "kubelet", ("N11",)),
    "sudo-denied": Fault("sudo on a node wants a password", "others", ("F-52",)),
    "uncordoned": Fault("somebody uncordons a node that we cordoned", "happenings", ("N36",)),
    "veth-leaks": Fault("veths of pods that left stay behind", "cni", ("F-18",)),
    "volume-stays": Fault("pods of StatefulSets cannot leave the node of their volumes", "kubelet", ("F-35",)),
    "watcher-runs": Fault("the operator runs with its watcher of unmanaged pods on", "cni", ("F-02", "F-45"), place=""),
    "watcher-value-lost": Fault("the chart drops the value that keeps the operator's watcher off", "charts", ("F-02", "F-46"), place=""),
    "webhook-down": Fault("a webhook over evictions has no backend", "api", ("F-21",), place=""),
    "wrong-pool": Fault("new pods on a node on Cilium get an address of Calico", "cni", ("F-25", "F-34")),
}  # fmt: skip


def chosen(names: Iterable[str]) -> dict[str, Any]:
    """Give the faults as a world takes them: ``NAME[@PLACE]`` → value; raises ``UnknownFault``."""
    found: dict[str, Any] = {}
    for said in names:
        fault = FAULTS.get(said.partition("@")[0])
        if fault is None:
            raise UnknownFault(said)
        found[said] = fault.default
    return found


def wrong(world: World, name: str, *places: str) -> Any:  # noqa: ANN401  # as it was given
    """Give the value of a fault that holds here, None where it does not: everywhere, or at one of the places."""
    if not world.faults:
        return None
    return next(
        (world.faults[k] for k in (name, *(f"{name}@{p}" for p in places)) if k in world.faults), None
    )


def place_of(world: World, name: str) -> str:
    """Give where a fault is to happen: the place that was named, else the last worker."""
    named = next((k.partition("@")[2] for k in world.faults if k.startswith(f"{name}@")), "")
    return named or max(world.hosts, default="")
