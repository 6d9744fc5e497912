"""What must hold of a cluster before, during and after a run; read raw from the API, with nothing of the product.

An assertion that fails says which objects do not hold. ``watcher.py`` looks while the run is under way.
"""

from __future__ import annotations

import json
import re
from collections import Counter
from collections.abc import Iterable, Mapping
from dataclasses import dataclass
from ipaddress import ip_address, ip_network

from tests.controlplane import audit
from tests.controlplane.client import Api, Object

SKIPPED = frozenset({"events", "leases", "componentstatuses", "bindings", "endpoints", "endpointslices"})
CALICO_GROUPS = ("crd.projectcalico.org", "projectcalico.org", "operator.tigera.io")
CALICO_ALLOCATIONS = frozenset({"ipamblocks", "ipamhandles", "blockaffinities"})
CALICO_PARTS = re.compile(r"calico|tigera|typha|canal|goldmane|whisker")
GUARD, OWNED = "c2c/guard-", "c2c/owned"
RECORDS = ("configmaps", "c2c-system")
FINISHED = frozenset({"Succeeded", "Failed"})
KEPT = (
    "namespaces",
    "ippools.crd.projectcalico.org",
    "ciliumnetworkpolicies.cilium.io",
    "ciliumclusterwidenetworkpolicies.cilium.io",
)
"""Kinds of what a run owns and leaves on purpose once it is done."""

type Key = tuple[str, str, str]


@dataclass(frozen=True, slots=True)
class Snapshot:
    """Every object of a cluster at one moment, by resource (``plural.group``), namespace and name."""

    objects: Mapping[Key, Object]

    @classmethod
    def take(cls, api: Api) -> Snapshot:
        """List everything that can be listed, each kind in the version that its group prefers."""
        found: dict[Key, Object] = {}
        for root, group in _roots(api):
            answer = api.call("GET", root)
            for resource in answer.json["resources"] if answer.ok else []:
                name = str(resource["name"])
                if "/" in name or "list" not in resource["verbs"] or name in SKIPPED:
                    continue
                for obj in api.items(f"{root}/{name}"):
                    metadata = obj["metadata"]
                    found[f"{name}{group}", str(metadata.get("namespace", "")), str(metadata["name"])] = obj
        return cls(found)

    def of(self, resource: str) -> dict[Key, Object]:
        return {key: obj for key, obj in self.objects.items() if key[0] == resource}

    def pods(self) -> list[Object]:
        """Give the pods that have an address of their own and have not ended."""
        pods = self.of("pods").values()
        return [
            p for p in pods if not p["spec"].get("hostNetwork") and p["status"].get("phase") not in FINISHED
        ]


def _roots(api: Api) -> Iterable[tuple[str, str]]:
    yield "/api/v1", ""
    for group in api.get("/apis")["groups"]:
        yield f"/apis/{group['preferredVersion']['groupVersion']}", f".{group['name']}"


def pods_are_on_cilium(now: Snapshot) -> None:
    """Every pod has an address of its own node's range, and no address is given twice."""
    ranges = {
        key[2]: [ip_network(text) for text in obj["spec"]["ipam"].get("podCIDRs") or []]
        for key, obj in now.of("ciliumnodes.cilium.io").items()
    }
    pods = now.pods()
    wrong = [
        f"{_name(pod)} on {pod['spec'].get('nodeName')}: {pod['status'].get('podIP')}"
        for pod in pods
        if not _lies_in(str(pod["status"].get("podIP", "")), ranges.get(str(pod["spec"].get("nodeName")), []))
    ]
    assert not wrong, "\n".join(["these pods have no address of their node's range:", *wrong])
    addresses_are_unique(now)


def pods_are_in(now: Snapshot, pools: Iterable[str]) -> None:
    """Every pod has an address of these ranges, and no address is given twice."""
    networks = [ip_network(pool) for pool in pools]
    wrong = [_name(p) for p in now.pods() if not _lies_in(str(p["status"].get("podIP", "")), networks)]
    assert not wrong, f"these pods have addresses of other ranges: {wrong}"
    addresses_are_unique(now)


def addresses_are_unique(now: Snapshot) -> None:
    counted = Counter(str(pod["status"].get("podIP")) for pod in now.pods())
    twice = [address for address, count in counted.items() if count > 1]
    assert not twice, f"given twice: {twice}"


def _lies_in(address: str, networks: Iterable[object]) -> bool:
    return bool(address) and any(ip_address(address) in network for network in networks)  # type: ignore[operator]


def cordons_are_kept(before: Snapshot, now: Snapshot) -> None:
    """No node is cordoned that was not, and a person's cordon still stands."""
    was, is_now = _cordoned(before), _cordoned(now)
    assert is_now == was & {key[2] for key in now.of("nodes")}, f"cordoned before: {was}, now: {is_now}"


def _cordoned(snapshot: Snapshot) -> set[str]:
    return {key[2] for key, node in snapshot.of("nodes").items() if node["spec"].get("unschedulable")}


def nodes_are_marked_alike(before: Snapshot, now: Snapshot) -> None:
    """Every node has the labels, taints and marks of a run that it had, and is as schedulable as it was.

    Taints that controllers put on by a node's condition come and go.
    """
    was, is_now = _marks(before), _marks(now)
    changed = [n for n in was | is_now if was.get(n) != is_now.get(n)]
    assert not changed, "\n".join(f"{n}: {was.get(n)} → {is_now.get(n)}" for n in changed)


def _marks(snapshot: Snapshot) -> dict[str, object]:
    return {key[2]: _marked(node) for key, node in snapshot.of("nodes").items()}


def _marked(node: Object) -> list[object]:
    metadata, spec = node["metadata"], node["spec"]
    taints = [t for t in spec.get("taints") or [] if not t["key"].startswith("node.kubernetes.io/")]
    return [
        metadata.get("labels") or {},
        sorted(f"{t['key']}={t.get('value', '')}:{t['effect']}" for t in taints),
        {k: v for k, v in (metadata.get("annotations") or {}).items() if k.startswith("c2c/")},
        bool(spec.get("unschedulable")),
    ]


def nothing_of_the_run_is_left(now: Snapshot, kept: Iterable[str] = ()) -> None:
    """No guard taint, no probe, no allowance: nothing that the run owns, but kinds in ``kept`` and its own records."""
    tainted = [
        key[2]
        for key, node in now.of("nodes").items()
        if any(str(t["key"]).startswith(GUARD) for t in node["spec"].get("taints") or [])
    ]
    owned = [
        k
        for k, o in now.objects.items()
        if (o["metadata"].get("labels") or {}).get(OWNED) and k[0] not in set(kept) and k[:2] != RECORDS
    ]
    assert not tainted, f"guard taints are left on {tainted}"
    assert not owned, f"objects of the run are left: {owned}"


def calico_is_whole(before: Snapshot, now: Snapshot) -> None:
    """Nothing of Calico is gone: kinds, settings, policies, workloads, accounts, rights; allocations come and go."""
    lost = [key for key, obj in before.objects.items() if is_of_calico(key, obj) and key not in now.objects]
    assert not lost, f"gone of Calico: {lost}"


def is_of_calico(key: Key, obj: Object) -> bool:
    """Say whether an object is a part of Calico that outlives pods and addresses."""
    plural, _, group = key[0].partition(".")
    if plural in CALICO_ALLOCATIONS or plural in {"pods", "replicasets", "controllerrevisions"}:
        return False
    if group in CALICO_GROUPS:
        return True
    labels = obj["metadata"].get("labels") or {}
    return bool(CALICO_PARTS.search(key[2]) or CALICO_PARTS.search(str(labels.get("k8s-app", ""))))


def calico_is_gone(now: Snapshot, kept: Iterable[Key] = ()) -> None:
    """Nothing of Calico is left in the cluster, its annotations on nodes included."""
    allowed = set(kept)
    left = [
        key
        for key, obj in now.objects.items()
        if key not in allowed and (is_of_calico(key, obj) or key[0].partition(".")[0] in CALICO_ALLOCATIONS)
    ]
    notes = [
        f"{key[2]}: {note}"
        for key, node in now.of("nodes").items()
        for note in node["metadata"].get("annotations") or {}
        if "projectcalico.org/" in note
    ]
    assert not left, f"left of Calico: {left}"
    assert not notes, f"annotations of Calico are left: {notes}"


def policies_equal(now: Snapshot, proved: Iterable[Object]) -> None:
    """The cluster holds exactly the proved policies of Cilium, each with the proved spec."""
    resources = {
        "CiliumNetworkPolicy": "ciliumnetworkpolicies",
        "CiliumClusterwideNetworkPolicy": "ciliumclusterwidenetworkpolicies",
        "CiliumCIDRGroup": "ciliumcidrgroups",
    }
    wanted = {
        (
            f"{resources[obj['kind']]}.cilium.io",
            str(obj["metadata"].get("namespace", "")),
            str(obj["metadata"]["name"]),
        ): obj
        for obj in proved
    }
    live = {key: obj for plural in resources.values() for key, obj in now.of(f"{plural}.cilium.io").items()}
    assert wanted.keys() == live.keys(), (
        f"only proved: {wanted.keys() - live.keys()}, only live: {live.keys() - wanted.keys()}"
    )
    differing = [key for key in wanted if _rules(wanted[key]) != _rules(live[key])]
    assert not differing, f"these differ from what was proved: {differing}"


def _rules(obj: Object) -> Object:
    return {key: obj[key] for key in ("spec", "specs") if key in obj}


def writes_are_of(found: Iterable[audit.Entry], allowed: Iterable[str]) -> None:
    """A user changed objects of these resources only."""
    strange = {entry.resource for entry in audit.writes(found)} - set(allowed)
    assert not strange, f"wrote resources that the plan does not name: {strange}"


_MASKED = {
    "uid", "resourceVersion", "generation", "managedFields", "creationTimestamp", "time", "lastTransitionTime",
    "lastHeartbeatTime", "startTime", "startedAt", "finishedAt", "containerID", "bootID", "renewTime", "acquireTime",
    "lastUpdateTime", "observedGeneration", "lastProbeTime", "deletionTimestamp",
    "deprecated.daemonset.template.generation", "deployment.kubernetes.io/revision", "kubectl.kubernetes.io/restartedAt", "c2c/config",
    "c2c/run", "clusterIP", "clusterIPs",
}  # fmt: skip
_UID = re.compile(r"[0-9a-f]{8}-[0-9a-f]{4}-[0-9a-f]{4}-[0-9a-f]{4}-[0-9a-f]{12}|[0-9a-f]{32,}")
_ADDRESS = re.compile(r"\b(\d+\.\d+\.\d+)\.\d+\b(?!/)")
_GENERATED = re.compile(r"-(?:[bcdf-hj-np-tv-xz2456789]{8,10}-)?[bcdf-hj-np-tv-xz2456789]{5}$")


def masked(snapshot: Snapshot) -> Counter[str]:
    """Give the cluster with what no two runs share masked: uids, versions, times, generated names, addresses in a block.

    Two runs that end alike give equal counters; ``a - b`` names what differs.
    """
    return Counter(json.dumps(_mask(obj), sort_keys=True) for obj in snapshot.objects.values())


def _mask(value: object) -> object:
    match value:
        case dict():
            kept = {key: _mask(inner) for key, inner in value.items() if key not in _MASKED}
            return {key: inner for key, inner in kept.items() if inner != {}}
        case list():
            return [_mask(inner) for inner in value]
        case str():
            return _GENERATED.sub("-*", _ADDRESS.sub(r"\1.*", _UID.sub("*", value)))
    return value


def _name(pod: Object) -> str:
    return f"{pod['metadata']['namespace']}/{pod['metadata']['name']}"
