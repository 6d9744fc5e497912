"""PRE-014: a Cilium that is there already would be half adopted and half refused by Helm, and its devices in the way.

While a run of ours goes on its own Cilium is none of this. Objects that carry ``c2c/owned`` are ours in any case. Node
facts show devices that outlived an earlier Cilium; nodes without facts leave the rule unknown.
"""

from __future__ import annotations

from collections.abc import Iterator, Sequence

from migrate.model.fields import text
from migrate.model.findings import Severity
from migrate.model.snapshot import Snapshot
from migrate.preflight.rule import Case, Group, Hit, Rule

__all__ = ["RULE"]

WORKLOADS = frozenset(
    {
        "cilium",
        "cilium-envoy",
        "cilium-node-init",
        "cilium-operator",
        "hubble-relay",
        "hubble-ui",
        "clustermesh-apiserver",
    }
)
ACCOUNTS = WORKLOADS | {"hubble-generate-certs", "cilium-preflight", "cilium-pre-flight"}
RESOURCES = (
    "serviceaccounts",
    "clusterroles.rbac.authorization.k8s.io",
    "clusterrolebindings.rbac.authorization.k8s.io",
)


def check(case: Case) -> Iterator[Hit]:
    """Name what an earlier Cilium left: workloads, accounts and roles, configuration, CRDs, devices."""
    if case.draft.run:
        return
    yield from _objects(case.snapshot)
    for facts in case.facts("links"):
        devices = [d for link in facts.at("links") or () if (d := text(link, "ifname")).startswith("cilium_")]
        if devices:
            fills = {"objects": f"{', '.join(devices)} on {facts.node}"}
            yield Hit(f"node/{facts.node}", fills, {"devices": devices}, facts.node)


def _objects(snapshot: Snapshot) -> Iterator[Hit]:
    for workload in snapshot.workloads:
        kept = workload.name in WORKLOADS and workload.kind in {"DaemonSet", "Deployment"}
        if kept and not _ours(workload.labels):
            yield _hit(f"{workload.kind}/{workload.label}")
    for resource in RESOURCES:
        for item in snapshot.of(resource):
            if item.name in ACCOUNTS and not _ours(item.labels):
                yield _hit(item.path)
    for item in snapshot.of("configmaps"):
        if item.name == "cilium-config" and not _ours(item.labels):
            yield _hit(item.path)
    crds = [
        c.path
        for c in snapshot.of("customresourcedefinitions.apiextensions.k8s.io")
        if c.name.endswith(".cilium.io")
    ]
    if crds:
        yield _hit(crds[0], crds)


def _ours(labels: object) -> bool:
    return text(labels, "c2c/owned") == "true"


def _hit(path: str, every: Sequence[str] = ()) -> Hit:
    told = path if len(every) < 2 else f"{path} and {len(every) - 1} more CRDs"
    return Hit(path, {"objects": told}, {"objects": list(every or (path,))})


RULE = Rule(
    number=14,
    group=Group.IDENTITY,
    severity=Severity.BLOCK,
    title="An earlier Cilium is there",
    message="Earlier Cilium found: {objects}",
    remedy="helm uninstall cilium and remove what stays; or accept to adopt it (see CP2192)",
    check=check,
    failures=(3, 26, 47),
    reads=(
        "daemonsets.apps",
        "deployments.apps",
        "configmaps",
        "serviceaccounts",
        "customresourcedefinitions.apiextensions.k8s.io",
    ),
    facts=("links",),
)
