"""Takes the measurements that gates judge; what cannot be read is None, and the gate says so.

Nothing is decided here: shapes are those that ``migrate.engine.gates`` names at each gate.
"""

from __future__ import annotations

import json
from collections.abc import Callable, Iterable, Mapping, Sequence
from functools import lru_cache
from typing import Any

from migrate.driver import around, connections
from migrate.driver.deeds import Workshop
from migrate.driver.judgement import judged_keys
from migrate.driver.on_cilium import live_differences
from migrate.driver.on_evidence import dns_restarts, read_json, window_name
from migrate.driver.on_nodes import wanted_config
from migrate.driver.sight import (
    CNC_LABELS,
    agent_pod,
    calico_ranges,
    cilium_ranges,
    movable,
    pods_of,
    pods_with_addresses_in,
    ready,
    taints,
)
from migrate.engine.placement import budgets_of
from migrate.engine.script import CALICO, CILIUM, MIGRATION_CNC, node_plan
from migrate.model.commands import Command, Name
from migrate.model.draft import Stage
from migrate.model.events import FailureClass
from migrate.model.fields import at, items, labels, maps, text
from migrate.model.pods import Pod, waiting_reason
from migrate.model.resources import condition
from migrate.model.run import Phase, RunStatus
from migrate.model.workloads import Budget, Workload
from migrate.ports import ApiError, Object

__all__ = ["measure"]

SYSTEM = "kube-system"
NETWORK_TAINTS = ("node.cilium.io/agent-not-ready", "node.kubernetes.io/network-unavailable")
WHOLE = Command(Name.EVALUATE_GATE)
"""A question about the whole cluster."""
STUCK = ("CrashLoopBackOff", "CreateContainerError", "RunContainerError")


def measure(work: Workshop, command: Command) -> Mapping[str, Any]:
    """Take the measurement of one gate; raises ``ApiError`` where the API does not answer at all."""
    return _MEASURES[str(command.args["gate"])](work, command)


def _names(work: Workshop, command: Command) -> list[str]:
    if command.node:
        return [command.node]
    return [n for n, node in sorted(work.run.nodes.items()) if node.is_there]


def _expect(work: Workshop, command: Command) -> dict[str, str]:
    """Give by node which CNI should serve it now."""
    said = command.args.get("expect")
    late = work.run.phase.number >= 6 and not said  # from P6 on every node is on Cilium
    return {
        n: str(said) if said else CILIUM if late or _switched(work, n) else CALICO
        for n in _names(work, command)
    }


def _switched(work: Workshop, name: str) -> bool:
    node = work.run.nodes.get(name)
    return node is not None and node.on_cilium


def _ready(work: Workshop, command: Command) -> Mapping[str, Any]:
    found: dict[str, Any] = {}
    for name in _names(work, command):
        node = work.ports.cluster.get("nodes", name)
        found[name] = None if node is None else {
            "ready": condition(node, "Ready")[0] == "True",
            "network_unavailable": condition(node, "NetworkUnavailable")[0] == "True",
            "taints": [str(t["key"]) for t in taints(node) if t.get("key") in NETWORK_TAINTS],
        }  # fmt: skip
    return {"nodes": found}


def _agents(work: Workshop, command: Command) -> Mapping[str, Any]:
    envoys = {
        text(p, "spec", "nodeName"): p
        for p in work.ports.cluster.list(
            "pods", SYSTEM, labels={"k8s-app": "cilium-envoy"}, node=command.node
        )
    }
    there = bool(envoys) or work.ports.cluster.get("daemonsets.apps", "cilium-envoy", SYSTEM) is not None
    return {
        "nodes": {
            n: _one_agent(work, n, envoys.get(n) if there else None, there) for n in _names(work, command)
        }
    }


def _one_agent(
    work: Workshop, name: str, envoy: Object | None, there: bool
) -> Mapping[str, Any] | None:  # one question
    pod = agent_pod(work.ports.cluster, name)
    status = work.ports.nodes.agent_status(name) if ready(pod) else {}
    if status is None:
        return None
    node = work.ports.cluster.get("ciliumnodes.cilium.io", name)
    return {
        "agent": ready(pod),
        "envoy": ready(envoy) if there else None,
        "failures": list(status.get("failures", ())),
        "pod_cidrs": list(items(node, "spec", "ipam", "podCIDRs")),
        "endpoints": {text(e, "pod"): text(e, "state") for e in maps(status, "endpoints")},
    }


def _files(work: Workshop, command: Command) -> Mapping[str, Any]:
    found: dict[str, Any] = {}
    for name in _names(work, command):
        try:
            found[name] = list(work.ports.nodes.conf_files(name))
        except ApiError:
            found[name] = None
    return {"nodes": found, "expect": _expect(work, command)}


def _addresses(work: Workshop, command: Command) -> Mapping[str, Any]:
    """Addresses of probe pods: those that the step's probes recorded, or fresh ones."""
    if command.node and (kept := read_json(work, f"evidence/{command.node}/addresses.json")):
        found = kept
    else:
        found = {n: list(a) for n, a in work.ports.prober.addresses(_names(work, command)).items()}
    ranges = {"cilium": list(cilium_ranges(work)), "calico": list(calico_ranges(work.ports.cluster))}
    return {"nodes": found, **ranges, "expect": _expect(work, command)}


def _probes(work: Workshop, command: Command) -> Mapping[str, Any]:
    """Results of the probes of the step, and of the same rows before anything was changed.

    What an earlier move of the node, or its way back, has left says nothing of this one.
    """
    place = f"{command.node}/" if command.node else ""
    found = read_json(work, f"evidence/{place}probes-{_rows_of_step(work, command)}.json")
    results: list[dict[str, Any]] = found or []
    known = _outcomes(work.ports.store.read("evidence/probes-baseline.json") or b"[]")
    return {"results": results, "baseline": {_row(r): known.get(_row(r), "ok") for r in results}}


def _rows_of_step(work: Workshop, command: Command) -> str:
    if command.node:
        return "back" if command.args.get("expect") == CALICO else "node"
    back = work.run.status in {RunStatus.ROLLING_BACK, RunStatus.ABORTING}
    if back or work.run.phase.number <= Phase.INSTALL_CILIUM.number:
        return "baseline-again"
    return "mixed" if work.run.phase.number < Phase.SOAK.number else "all"


@lru_cache(maxsize=2)
def _outcomes(probes: bytes) -> Mapping[str, str]:
    """Give by row what probes found: the same ones are asked for by every gate of every node."""
    return {_row(r): r["outcome"] for r in json.loads(probes)}


def _row(row: Mapping[str, Any]) -> str:
    family = " v6" if row.get("family") == 6 else ""
    return f"{row['kind']} {row['source']} → {row['target']}{family}"


def _apis(work: Workshop, command: Command) -> Mapping[str, Any]:
    del command
    cluster = work.ports.cluster
    services = {
        text(a, "metadata", "name"): ""
        if condition(a, "Available")[0] == "True"
        else condition(a, "Available")[1] or "not Available"
        for a in cluster.list("apiservices.apiregistration.k8s.io")
    }
    stuck = [
        text(n, "metadata", "name")
        for n in cluster.list("namespaces")
        if condition(n, "NamespaceDeletionDiscoveryFailure")[0] == "True"
    ]
    return {"api_services": services, "webhooks": _webhooks(work), "namespaces": stuck}


def _webhooks(work: Workshop) -> dict[str, int]:
    """Give by webhook that can stop pods the number of its ready backends; one outside the cluster counts as one."""
    found = {}
    for kind in ("validatingwebhookconfigurations", "mutatingwebhookconfigurations"):
        for config in work.ports.cluster.list(f"{kind}.admissionregistration.k8s.io"):
            for hook in maps(config, "webhooks"):
                if hook.get("failurePolicy") == "Ignore" or not _concerns_pods(hook):
                    continue
                service = at(hook, "clientConfig", "service")
                found[text(hook, "name")] = (
                    1
                    if service is None
                    else _backends(work, text(service, "namespace"), text(service, "name"))
                )
    return found


def _concerns_pods(hook: Mapping[str, Any]) -> bool:
    resources = {r for rule in maps(hook, "rules") for r in items(rule, "resources")}
    return bool(resources & {"*", "*/*", "pods", "pods/*", "pods/eviction"})


def _backends(work: Workshop, namespace: str, service: str) -> int:
    slices = work.ports.cluster.list(
        "endpointslices.discovery.k8s.io", namespace, labels={"kubernetes.io/service-name": service}
    )
    return sum(
        len(items(e, "addresses"))
        for s in slices
        for e in maps(s, "endpoints")
        if at(e, "conditions", "ready") is not False
    )


def _workloads(work: Workshop, command: Command) -> Mapping[str, Any]:
    """Compare with the record of the time before; P3 makes it, and later nothing can be compared without it.

    A workload that was scaled down, or lost a node's pod with its node, wants no more than it has. Of a node its own pods
    are looked at: those that went elsewhere are missed by their workload, and are the other node's.
    """
    before = read_json(work, "evidence/baseline.json")
    if before is None and work.run.phase.number > Phase.INSTALL_CILIUM.number:
        return {"workloads": None}
    before = before or {}
    now = work.ports.cluster.replicas()
    known = before.get("workloads", {})
    bad = {
        f"{text(item, 'metadata', 'namespace')}/{text(item, 'metadata', 'name')}": reason
        for item in _waiting(work, command)
        if (reason := waiting_reason(item)) in STUCK
    }
    return {
        "workloads": {n: (now[n][0], min(known[n], now[n][1])) for n in sorted(known) if n in now},
        "pods": bad,
        "dns_restarts": (dns_restarts(work), before.get("dns_restarts", 0)),
    }


def _waiting(work: Workshop, command: Command) -> Iterable[Object]:
    cluster = work.ports.cluster
    return cluster.list("pods", node=command.node) if command.node else cluster.waiting_pods()


def _on_cilium(work: Workshop, command: Command) -> Mapping[str, Any]:
    """Every pod of the network on these nodes: its address and its endpoint."""
    cluster, ranges, found = work.ports.cluster, cilium_ranges(work), {}
    for name in _names(work, command):
        for pod in pods_of(work.ports.cluster, name):
            if pod.host_network or pod.deleted_at or not pod.addresses:
                continue
            if not pods_with_addresses_in([pod], ranges):
                found[pod.label] = f"has {pod.addresses[0]}"
            else:
                state = text(
                    cluster.get("ciliumendpoints.cilium.io", pod.name, pod.namespace) or {}, "status", "state"
                )
                found[pod.label] = "" if state == "ready" else f"endpoint {state or 'missing'}"
    return {"pods": found}


def _live_nodes(work: Workshop, command: Command) -> dict[str, Object]:
    """Give the nodes that are asked about: one by one read, all by one list."""
    if command.node:
        node = work.ports.cluster.get("nodes", command.node)
        return {} if node is None else {command.node: node}
    return {text(n, "metadata", "name"): n for n in work.ports.cluster.list("nodes")}


def _calico_addresses(work: Workshop, command: Command) -> Mapping[str, Any]:
    """What calico-node announces now, against the backup: it was made before Calico was touched (P1)."""
    backup = read_json(work, "backup/nodes.json")
    known = None if backup is None else around.before(backup)
    return around.addresses(_names(work, command), _live_nodes(work, command), known)


def _calico_rollouts(work: Workshop, command: Command) -> Mapping[str, Any]:
    del command
    cluster = work.ports.cluster
    found = {}
    for resource, names in (
        ("daemonsets.apps", ("calico-node", "canal")),
        ("deployments.apps", ("calico-typha", "calico-kube-controllers")),
    ):
        for namespace in ("calico-system", SYSTEM):
            for item in (cluster.get(resource, name, namespace) for name in names):
                if item is not None:
                    workload = Workload.from_dict(item)
                    found[workload.label] = (
                        "" if workload.rolled_out else f"{workload.ready} of {workload.replicas} ready"
                    )
    degraded = [
        text(s, "metadata", "name")
        for s in cluster.list("tigerastatuses.operator.tigera.io")
        if condition(s, "Degraded")[0] == "True"
    ]
    return {"workloads": found, "degraded": degraded}


def _heartbeats(work: Workshop, command: Command) -> Mapping[str, Any]:
    seen = around.heartbeats(_names(work, command), _live_nodes(work, command))
    return {**seen, "at": work.ports.clock.now().isoformat()}


def _not_configured(work: Workshop, command: Command) -> Mapping[str, Any]:
    """Alerts and service objectives are asked of the user's own system; without an address there is nothing to ask."""
    del command
    return {"configured": bool(work.plan.draft.settings.gates.prometheus), "new": None}


def _flows(work: Workshop, command: Command) -> Mapping[str, Any]:
    window = _window(work, command)
    if window is None or window.get("reason"):
        return {"keys": None, "reason": (window or {}).get("reason", "no window was taken")}
    return {"keys": judged_keys(work, window), "seen": window.get("seen", {})}


def _completeness(work: Workshop, command: Command) -> Mapping[str, Any]:
    window = _window(work, command)
    if window is None or window.get("reason"):
        return {"lost": None, "reason": (window or {}).get("reason", "no window was taken")}
    return {k: window.get(k, []) for k in ("lost", "blind", "restarted")}


def _window(work: Workshop, command: Command) -> Mapping[str, Any] | None:
    name = window_name(Command(command.name, command.node, {"name": command.args.get("window", "soak")}))
    found: Mapping[str, Any] | None = read_json(work, f"evidence/flows-{name}.json")
    return found


def _calico_left(work: Workshop, command: Command) -> Mapping[str, Any]:
    del command
    alive = [p for p in work.ports.cluster.pods() if not p.finished]
    return {"pods": [p.label for p in pods_with_addresses_in(alive, calico_ranges(work.ports.cluster))]}


def _cordons(work: Workshop, command: Command) -> Mapping[str, Any]:
    del command
    return around.cordons(work.run, _live_nodes(work, WHOLE))


def _may_drain(work: Workshop, command: Command) -> Mapping[str, Any]:
    """Ask for each eviction without doing it."""
    pods = movable(pods_of(work.ports.cluster, command.node))
    spaces = {pod.namespace for pod in pods}
    listed = work.ports.cluster.list("poddisruptionbudgets.policy")
    budgets = [Budget.from_dict(b) for b in listed if text(b, "metadata", "namespace") in spaces]
    covered = budgets_of(budgets, pods)
    asked = [p for p in pods if p.label in covered]
    answers = work.ports.evictor.evict_all([(p.namespace, p.name, p.uid) for p in asked], dry_run=True)
    refused, hooked = {}, []
    for pod, error in zip(asked, answers, strict=True):
        if error is not None and error.failure is FailureClass.UNKNOWN:
            raise error
        if error is not None and error.failure is FailureClass.WAIT and _has_hook(work, pod):
            hooked.append(pod.label)
        elif error is not None:
            refused[pod.label] = _refusal(pod, covered[pod.label], error)
    return {"refused": refused, "single": [], **({"hooked": hooked} if hooked else {})}


def _has_hook(work: Workshop, pod: Pod) -> bool:
    return any(hook.names(pod) for hook in work.plan.draft.settings.nodes.hooks)


def _refusal(pod: Pod, budgets: Sequence[Budget], error: ApiError) -> str:
    """Say for what a pod waits: a budget is named with the owner whose replicas it counts."""
    if error.failure is not FailureClass.WAIT:
        return str(error)
    owner = f" (owner {pod.owner.kind} {pod.owner.name})" if pod.owner is not None else ""
    return f"PDB {', '.join(b.label for b in budgets)} lets none go now{owner}"


def _network(work: Workshop, command: Command) -> Mapping[str, Any]:
    found = {}
    for name in _names(work, command):
        node = work.ports.cluster.get("nodes", name)
        found[name] = None if node is None else condition(node, "NetworkUnavailable")[0]
    pending = [p.label for p in work.ports.cluster.pods() if p.phase == "Pending" and not p.node]
    return {"nodes": found, "pending": pending}


def _node_set(work: Workshop, command: Command) -> Mapping[str, Any]:
    del command
    return around.node_set(work.run, _live_nodes(work, WHOLE))


def _connections(work: Workshop, command: Command) -> Mapping[str, Any]:
    del command
    return connections.measured(work)


def _daemon_sets(work: Workshop, command: Command) -> Mapping[str, Any]:
    del command
    found = {}
    for item in work.ports.cluster.list("daemonsets.apps"):
        workload = Workload.from_dict(item)
        found[workload.label] = (
            workload.replicas,
            workload.ready,
            int(at(item, "status", "numberMisscheduled") or 0),
        )
    return {"daemon_sets": found}


def _running(work: Workshop, command: Command) -> Mapping[str, Any]:
    """What runs against what is meant: of the operator, and of agents with the overrides of their node."""
    found: dict[str, Any] = {}
    stage = command.args.get("stage")
    if not command.node:
        operator = work.ports.nodes.operator_config()
        key = "unmanaged-pod-watcher-interval"
        meant = work.plan.draft.meant[Stage(stage)] if stage else {}
        found["operator"] = (
            None if operator is None else {key: (operator.get(key), meant.get(key))} if stage else {}
        )
    if command.args.get("part") != "operator":
        for name in _names(work, command):
            running = work.ports.nodes.agent_config(name)
            wanted = wanted_config(
                work, str(stage) if stage and not _overridden(work, name) else _role(work, name)
            )
            found[name] = None if running is None else {k: (running.get(k), v) for k, v in wanted.items()}
    config = live_differences(work, work.plan.draft.meant[Stage(stage)]) if stage else {}
    return {"nodes": {**found, **({"cilium-config": config} if config else {})}, "stale": []}


def _overridden(work: Workshop, name: str) -> bool:
    """Say whether a CiliumNodeConfig of ours changes what this node's agent runs with."""
    node = work.ports.cluster.get("nodes", name) or {}
    return CNC_LABELS[MIGRATION_CNC] in labels(node, "metadata", "labels") and work.run.phase.number < 6


def _role(work: Workshop, name: str) -> str:
    if work.run.phase.number >= 8:
        return str(Stage.FINAL)
    if work.run.phase.number >= 6:
        bridged = work.plan.draft.settings.policy_in_window == "bridged"
        return str(Stage.FINAL if bridged else Stage.AUDIT)
    return CILIUM if _switched(work, name) else CALICO


def _network_manager(work: Workshop, command: Command) -> Mapping[str, Any]:
    """Restart the host's network manager and see what it took away; what the host does not tell is no pass."""
    return {"nodes": {n: list(work.ports.nodes.after_network_restart(n)) for n in _names(work, command)}}


def _held(work: Workshop, command: Command) -> Mapping[str, Any]:
    """Ask whether we still may: the rights, and on a node that we reach whether no other module works there.

    The lock was asked for right before: without it nothing is measured (R32).
    """
    try:
        denied = list(work.ports.rights.withdrawn(of_nodes=bool(command.node)))
    except ApiError as error:
        if error.status == 0:
            raise
        denied = None
    reached = command.node and node_plan(work.run, command.node).access != "api"
    locks = [command.node] if reached and not work.ports.nodes.lock_free(command.node) else []
    return {"lease": True, "denied": denied, "locks": locks}


_MEASURES: Mapping[str, Callable[[Workshop, Command], Mapping[str, Any]]] = {
    "G-01": _ready,
    "G-02": _agents,
    "G-03": _files,
    "G-04": _addresses,
    "G-05": _probes,
    "G-06": _probes,
    "G-07": _probes,
    "G-08": _probes,
    "G-09": _apis,
    "G-10": _workloads,
    "G-11": _on_cilium,
    "G-12": _calico_addresses,
    "G-13": _calico_rollouts,
    "G-14": _heartbeats,
    "G-15": _not_configured,
    "G-16": _not_configured,
    "G-17": _flows,
    "G-18": _completeness,
    "G-19": _calico_left,
    "G-20": _network_manager,
    "G-22": _held,
    "G-23": _cordons,
    "G-24": _may_drain,
    "G-25": _network,
    "G-26": _node_set,
    "G-27": _flows,
    "G-28": _connections,
    "G-29": _daemon_sets,
    "G-30": _running,
}
