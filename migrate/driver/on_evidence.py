"""Deeds that only record: backup, baseline, probes, windows of flows, report; each leaves a file with its sum."""

from __future__ import annotations

from collections.abc import Iterator, Mapping
from dataclasses import asdict
from datetime import UTC, datetime
from typing import Any

from migrate.driver import connections
from migrate.driver.artefacts import artefact, read_json
from migrate.driver.deeds import Absent, Deed, Done, Look, Waiting, Workshop, nothing
from migrate.driver.on_nodes import BOOT_BEFORE
from migrate.driver.rows import rows_of
from migrate.driver.sight import pods_of
from migrate.model.commands import Command, Name
from migrate.model.fields import at, text
from migrate.ports import Object, ProbeResult

__all__ = ["BACKUP", "DEEDS", "artefact", "read_json"]

BACKUP: tuple[str, ...] = (
    *(f"{plural}.crd.projectcalico.org" for plural in (
        "ippools", "ipamblocks", "ipamhandles", "blockaffinities", "ipamconfigs", "felixconfigurations", "bgpconfigurations",
        "bgppeers", "bgpfilters", "clusterinformations", "kubecontrollersconfigurations", "globalnetworkpolicies",
        "networkpolicies", "globalnetworksets", "networksets", "hostendpoints", "tiers", "ipreservations",
    )),
    *(f"{plural}.projectcalico.org" for plural in (
        "globalnetworkpolicies", "networkpolicies", "globalnetworksets", "networksets", "hostendpoints", "tiers", "ippools",
        "profiles",
    )),
    *(f"{plural}.operator.tigera.io" for plural in ("installations", "apiservers", "goldmanes", "whiskers", "imagesets")),
    "networkpolicies.networking.k8s.io", "clusternetworkpolicies.policy.networking.k8s.io",
    "ciliumnetworkpolicies.cilium.io", "ciliumclusterwidenetworkpolicies.cilium.io", "ciliumcidrgroups.cilium.io",
    "ciliumnodeconfigs.cilium.io", "apiservices.apiregistration.k8s.io",
    "validatingwebhookconfigurations.admissionregistration.k8s.io",
    "mutatingwebhookconfigurations.admissionregistration.k8s.io", "csidrivers.storage.k8s.io",
    "helmcharts.helm.cattle.io", "helmchartconfigs.helm.cattle.io",
)  # fmt: skip
"""What is backed up of the cluster beside nodes, Calico's and kube-proxy's workloads and the CRDs (``procedure.md`` §13)."""
NAMESPACED = ("daemonsets.apps", "deployments.apps", "configmaps")
OF_CALICO = ("kube-system", "calico-system", "calico-apiserver", "tigera-operator")


JUMP_S = 5.0
OF_ONE_NODE = frozenset({"node", "back", "address"})
OF_ALL = frozenset({"baseline", "all"})


# Backup and baseline.


def _back_up(work: Workshop, command: Command) -> None:
    """Write every object that the run could change or that a way back needs, then the list of sums."""
    del command
    sums = {}
    for resource, objects in _backed_up(work):
        name = f"backup/{resource}.json"
        sums[name] = artefact(work, name, [_kept(o) for o in objects])
    artefact(work, "backup/manifest.json", {"schemaVersion": "1.0", "kind": "Backup", "files": sums})


def _backed_up(work: Workshop) -> Iterator[tuple[str, list[Object]]]:
    cluster = work.ports.cluster
    for resource in ("nodes", "customresourcedefinitions.apiextensions.k8s.io", *BACKUP):
        yield resource, cluster.list(resource)
    for resource in NAMESPACED:
        yield resource, [o for namespace in OF_CALICO for o in cluster.list(resource, namespace)]


def _kept(item: Object) -> dict[str, Any]:
    """Leave out what changes by itself."""
    metadata = {k: v for k, v in at(item, "metadata").items() if k != "managedFields"}
    return {**item, "metadata": metadata}


def _backed(work: Workshop, command: Command) -> Look:
    del command
    manifest = read_json(work, "backup/manifest.json")
    if manifest is None:
        return Absent()
    crds = read_json(work, "backup/customresourcedefinitions.apiextensions.k8s.io.json") or []
    had = any(at(c, "spec", "group") == "cilium.io" for c in crds)
    return Done({"files": len(manifest["files"]), "undo": {"kept_crds": True} if had else {}})


def _back_up_node(work: Workshop, command: Command) -> None:
    node = work.ports.cluster.get("nodes", command.node) or {}
    pods = work.ports.cluster.list("pods", node=command.node)
    artefact(
        work, f"backup/nodes/{command.node}.json", {"node": _kept(node), "pods": [_kept(p) for p in pods]}
    )


def _node_backed(work: Workshop, command: Command) -> Look:
    return Absent() if work.ports.store.read(f"backup/nodes/{command.node}.json") is None else Done()


def _baseline(work: Workshop, command: Command) -> None:
    """Record what the gates compare with: boot id, workloads as they are ready now, Calico's address."""
    node = work.ports.cluster.get("nodes", command.node) or {}
    boot = text(node, "status", "nodeInfo", "bootID")
    work.ports.cluster.patch("nodes", command.node, "", {"metadata": {"annotations": {BOOT_BEFORE: boot}}})
    pods = [
        {"pod": p.label, "addresses": list(p.addresses)} for p in pods_of(work.ports.cluster, command.node)
    ]
    connections.note(work, command.node)
    artefact(work, f"evidence/{command.node}/baseline.json", {"boot_id": boot, "pods": pods})


def _recorded(work: Workshop, command: Command) -> Look:
    found = read_json(work, f"evidence/{command.node}/baseline.json")
    return Absent() if found is None else Done({"boot_id": found["boot_id"], "go": True})


def _baseline_flows(work: Workshop, command: Command) -> None:
    """Record what all later gates compare with: workloads, Calico's addresses, CoreDNS restarts."""
    del command
    nodes = {
        text(n, "metadata", "name"): dict(at(n, "metadata", "annotations") or {})
        for n in work.ports.cluster.list("nodes")
    }
    addresses = {n: [a.get(f"projectcalico.org/IPv{f}Address", "") for f in (4, 6)] for n, a in nodes.items()}
    artefact(work, "evidence/baseline.json", {
        "workloads": {name: ready for name, (ready, _) in work.ports.cluster.replicas().items()}, "addresses": addresses, "dns_restarts": dns_restarts(work),
    })  # fmt: skip


def dns_restarts(work: Workshop) -> int:
    """Give how often the containers of CoreDNS restarted, summed up."""
    pods = work.ports.cluster.list("pods", "kube-system", labels={"k8s-app": "kube-dns"})
    return sum(
        int(s.get("restartCount", 0)) for p in pods for s in at(p, "status", "containerStatuses") or ()
    )


def _flows_recorded(work: Workshop, command: Command) -> Look:
    del command
    return Absent() if work.ports.store.read("evidence/baseline.json") is None else Done()


# Probes and windows.


def _evidence_of_probes(command: Command) -> str:
    place = f"{command.node}/" if command.node else ""
    again = "-again" if command.args.get("again") else ""
    return f"evidence/{place}probes-{command.args['rows']}{again}.json"


def _make_probes(work: Workshop, command: Command) -> None:
    """Let the probe pods of a node be made anew where it is their address that is asked for."""
    if command.args["rows"] in OF_ONE_NODE:
        connections.note(work, command.node, leaves=True)
        work.ports.prober.remove(command.node)
    _waits_for_probes(work, command)


def _waits_for_probes(work: Workshop, command: Command) -> str:
    """See to all probe pods of the rows; those of the node in hand were made for this very command.

    So are all of them where the time before is measured again: whether Calico still gives addresses, a new pod alone shows.
    """
    probed = _probed_nodes(work, command)
    own = (
        [command.node] if command.args["rows"] in OF_ONE_NODE else probed if command.args.get("again") else []
    )
    others = [n for n in probed if n not in own]
    waits = [work.ports.prober.prepare(own, command.key), work.ports.prober.prepare(others)]
    return "; ".join(w for w in waits if w)


def _probed_nodes(work: Workshop, command: Command) -> list[str]:
    ends = {e.removeprefix("host:") for row in rows_of(work, command) for e in (row.source, row.target)}
    return sorted(e for e in ends if e in work.run.nodes)


def _probe(work: Workshop, command: Command) -> Look:
    """Measure as soon as the pods are there; the same rows may be measured as often as one likes."""
    if waits := _waits_for_probes(work, command):
        return Waiting(waits)
    data = [_plain(r) for r in work.ports.prober.run(rows_of(work, command))]
    if command.args["rows"] in OF_ONE_NODE:
        addresses = work.ports.prober.addresses([command.node])
        artefact(work, f"evidence/{command.node}/addresses.json", {n: list(a) for n, a in addresses.items()})
    artefact(work, _evidence_of_probes(command), data)
    if command.node or (command.args["rows"] in OF_ALL and not command.args.get("again")):
        connections.hold(work, command.node)
    return Done()


def _plain(result: ProbeResult) -> dict[str, Any]:
    row = asdict(result.row)
    expected = {"reach": "ok", "refuse": "refused"}[result.row.expect]
    return {**row, "outcome": "ok" if result.outcome == expected else result.outcome, "reason": result.reason,
            "seen_source": result.seen_source, "client": result.client}  # fmt: skip


def window_name(command: Command) -> str:
    """Give the name of a window of flows: where it belongs, and what it is called."""
    return "-".join(part for part in (command.node, str(command.args.get("name", "soak"))) if part)


def _soak(work: Workshop, command: Command) -> None:
    """Begin a window; its end is a time of day, so that it survives a restart."""
    wall, monotonic = work.ports.clock.now().timestamp(), work.ports.clock.monotonic()
    end = wall + float(command.args["seconds"])
    if command.args.get("flows"):
        nodes = [command.node] if command.node else sorted(work.run.nodes)
        work.ports.flows.begin(window_name(command), nodes)
    window = {"end": end, "wall": wall, "monotonic": monotonic}
    artefact(work, f"evidence/window-{window_name(command)}.json", window)


def _jumped(work: Workshop, window: Mapping[str, Any]) -> bool:
    """Say whether the time of day ran away from the time that passed: a window counts only where they agree (§5.3)."""
    passed: float = work.ports.clock.monotonic() - window["monotonic"]
    by_day: float = work.ports.clock.now().timestamp() - window["wall"]
    return abs(by_day - passed) > JUMP_S


def _clock(timestamp: float) -> str:
    return datetime.fromtimestamp(timestamp, UTC).strftime("%Y-%m-%dT%H:%M:%SZ")


def _soaked(work: Workshop, command: Command) -> Look:
    window = read_json(work, f"evidence/window-{window_name(command)}.json")
    if window is None or _jumped(work, window):
        return Absent()
    left = window["end"] - work.ports.clock.now().timestamp()
    if left > 0:
        return Waiting(f"soaking until {_clock(window['end'])}", left)
    if command.args.get("flows"):
        _close(work, command, window["end"])
    return Done()


def _close(work: Workshop, command: Command, end: float) -> None:
    """Close a window of flows once: a process that died after it must not close it again, for nothing is left then."""
    name = f"evidence/flows-{window_name(command)}.json"
    if (read_json(work, name) or {}).get("window") != end:
        closed = work.ports.flows.end(window_name(command))
        artefact(work, name, {**asdict(closed), "window": end})


def _ask(work: Workshop, command: Command) -> None:
    work.ports.reporter.event({"kind": "ask", "id": command.args["id"]})


def _said(work: Workshop, command: Command) -> Look:
    del work, command
    return Done()


def _report(work: Workshop, command: Command) -> None:
    """Close the record of the run: everything else of the report is made from journal, plan and evidence."""
    del command
    artefact(
        work, "evidence/end.json", {"run": work.run.id, "plan": work.plan.hash, "status": work.run.where}
    )


def _reported(work: Workshop, command: Command) -> Look:
    del command
    return Absent() if work.ports.store.read("evidence/end.json") is None else Done()


def _release(work: Workshop, command: Command) -> None:
    del work, command  # the loop gives the lock back once the last state is written


DEEDS: Mapping[Name, Deed] = {
    Name.BACKUP_CLUSTER: Deed(_back_up, _backed),
    Name.BACKUP_NODE: Deed(_back_up_node, _node_backed, once=True),
    Name.BASELINE: Deed(_baseline, _recorded, once=True),
    Name.COLLECT_BASELINE_FLOWS: Deed(_baseline_flows, _flows_recorded),
    Name.PROBE: Deed(_make_probes, _probe, once=True),
    Name.SOAK: Deed(_soak, _soaked, once=True),
    Name.ASK: Deed(_ask, _said),
    Name.NOTIFY: Deed(nothing, _said),
    Name.WRITE_REPORT: Deed(_report, _reported, once=True),
    Name.RELEASE_LEASE: Deed(_release, _said),
}
