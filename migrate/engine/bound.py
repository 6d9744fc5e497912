"""What a plan is bound to: the objects that it was made from, each with a hash of what matters in it.

A change of one makes the plan stale (``state.md`` §5.2). All of it is looked at before a run begins; while it is under
way only what was translated and proved: policies, and the labels by which they select. The rest is what the run itself
changes, or what its gates ask for.
"""

from __future__ import annotations

from collections.abc import Iterable, Iterator, Mapping, Sequence
from dataclasses import dataclass
from enum import IntEnum
from typing import Any

from migrate.model.fields import Labels, mapping
from migrate.model.nodes import Node
from migrate.model.plan import digest
from migrate.model.reduction import reduced
from migrate.model.resources import CALICO_GROUPS, Resource
from migrate.model.serial import encode
from migrate.model.snapshot import Answers, Snapshot, SnapshotBuilder

__all__ = ["KUBE_PROXY", "RELEASE", "Scope", "bound", "changed", "reads"]

Object = Mapping[str, Any]


class Scope(IntEnum):
    """How much is looked at: what policies say, also whom they select, or everything; each holds the one before."""

    POLICIES = 1
    SUBJECTS = 2
    PLAN = 3


@dataclass(frozen=True, slots=True)
class _Bond:
    """How a plan hangs on a kind. ``resources``: where it is read, of each entry under the first that has objects.

    ``what`` of an object counts, where it is not all that it says; ``members``: objects that come and go count too.
    """

    resources: tuple[tuple[str, ...], ...]
    scope: Scope = Scope.PLAN
    what: str = ""
    members: bool = True


def _calico(plural: str) -> tuple[str, ...]:
    return tuple(f"{plural}.{group}" for group in CALICO_GROUPS)


def _policy(*resources: tuple[str, ...]) -> _Bond:
    return _Bond(resources, Scope.POLICIES)


_NEWER = "policy.networking.k8s.io"
_SYSTEM = "kube-system"
RELEASE = "Release/cilium"
"""What stands for Helm's release; a plan holds it where Helm was asked."""
KUBE_PROXY = ("kube-proxy", "kube-proxy-config")
"""ConfigMaps of kube-system that configure kube-proxy; a cluster has one of them, or none."""
_BONDS: Mapping[str, _Bond] = {
    "GlobalNetworkPolicy": _policy(_calico("globalnetworkpolicies")),
    "NetworkPolicy": _policy(_calico("networkpolicies"), ("networkpolicies.networking.k8s.io",)),
    "Tier": _policy(_calico("tiers")),
    "NetworkSet": _policy(_calico("networksets")),
    "GlobalNetworkSet": _policy(_calico("globalnetworksets")),
    "ClusterNetworkPolicy": _policy((f"clusternetworkpolicies.{_NEWER}",)),
    "AdminNetworkPolicy": _policy((f"adminnetworkpolicies.{_NEWER}",)),
    "BaselineAdminNetworkPolicy": _policy((f"baselineadminnetworkpolicies.{_NEWER}",)),
    # Namespaces come and go with those who work there, as pods do: what is proved holds for new ones as well.
    "Namespace": _Bond((("namespaces",),), Scope.SUBJECTS, "labels", members=False),
    "ServiceAccount": _Bond((("serviceaccounts",),), Scope.SUBJECTS, "labels", members=False),
    "HostEndpoint": _Bond((_calico("hostendpoints"),)),
    "IPPool": _Bond((_calico("ippools"),)),
    "FelixConfiguration": _Bond((_calico("felixconfigurations"),)),
    "Installation": _Bond((("installations.operator.tigera.io",),)),
    "Node": _Bond((("nodes",),), what="labels, taints or podCIDRs"),
    "PodDisruptionBudget": _Bond((("poddisruptionbudgets.policy",),)),
    "ConfigMap": _Bond(()),  # kube-proxy's alone, which are read by their names
    "Release": _Bond(()),  # which Helm is asked for
}
_OURS = ("c2c/", "io.cilium.migration/")
"""How labels and taints begin that a run puts on nodes; Calico copies labels of nodes to the host endpoints that it makes."""
_PASSING = ("node.kubernetes.io/", "node.cilium.io/", "node.cloudprovider.kubernetes.io/")
"""How taints begin that say in what state a node is."""


def reads(scope: Scope) -> tuple[tuple[str, ...], ...]:
    """Give what has to be listed for a look: of each entry the first resource that has objects."""
    return tuple(found for bond in _BONDS.values() if bond.scope <= scope for found in bond.resources)


def bound(snapshot: Snapshot) -> dict[str, tuple[str, str]]:
    """Give (hash of what matters, resourceVersion) of every object whose change makes a plan stale.

    Pods, status and heartbeats never do: the rules run again at the start. Two objects of one kind and name, as policies
    of Calico and of Kubernetes may be, count as one.
    """
    found: dict[str, tuple[str, str]] = {}
    for path, what, version in _all(snapshot):
        known = found.get(path)
        hashed = digest(what)
        found[path] = (digest([known[0], hashed]) if known else hashed, version)
    return dict(sorted(found.items()))


def _all(snapshot: Snapshot) -> Iterator[tuple[str, object, str]]:
    """Give path, what matters, and resourceVersion of every object."""
    for bond in _BONDS.values():
        for names in bond.resources:
            objects = next((found for name in names if (found := snapshot.of(name))), ())
            for item in objects:
                if item.labels.get("c2c/owned") != "true":
                    yield item.path, _what(item), item.resource_version
    for node in snapshot.nodes:
        yield f"Node/{node.name}", _of_node(node), ""
    for budget in snapshot.budgets:
        spec = [encode(budget.selector), budget.min_available, budget.max_unavailable]
        yield f"PodDisruptionBudget/{budget.label}", spec, ""
    for name in KUBE_PROXY:
        data = snapshot.config_map(_SYSTEM, name)
        if data is not None:
            yield f"ConfigMap/{_SYSTEM}/{name}", dict(data), ""
    if snapshot.answers.release is not None:
        yield RELEASE, [snapshot.answers.release.get(key) for key in ("status", "revision")], ""


def _what(item: Resource) -> object:
    """Give what matters of an object; sets and host endpoints are selected by their labels, so these belong to it."""
    if item.kind in {"Namespace", "ServiceAccount"}:
        return dict(item.labels)
    spec = encode(mapping(item.data, "spec"))
    selected = item.kind in {"NetworkSet", "GlobalNetworkSet", "HostEndpoint"}
    own = _not_ours(item.labels) if selected else {}
    return [spec, own] if own else spec


def _of_node(node: Node) -> list[object]:
    taints = [encode(t) for t in node.taints if not t.key.startswith((*_OURS, *_PASSING))]
    return [_not_ours(node.labels), taints, list(node.pod_cidrs)]


def _not_ours(labels: Labels) -> dict[str, str]:
    return {k: v for k, v in labels.items() if not k.startswith(_OURS)}


# What changed since.


def changed(
    known: Mapping[str, Sequence[str]],
    objects: Sequence[Object],
    scope: Scope,
    release: Mapping[str, Any] | None = None,
) -> list[str]:
    """Say what differs between what a plan is bound to and what a cluster holds now, each object by its path.

    ``objects`` are those of ``reads``, and of kube-proxy's ConfigMaps for the whole plan; ``release`` as in ``Answers``. The
    snapshot of a plan may hide what looks like a secret: then that is hidden here too before two are called different.
    """
    found = list(_differences(known, _now(objects, release), scope))
    hidden = set(_differences(known, _now(map(reduced, objects), release), scope)) if found else set()
    return [words for words in found if words in hidden]


def _now(objects: Iterable[Object], release: Mapping[str, Any] | None) -> dict[str, tuple[str, str]]:
    builder = SnapshotBuilder()
    for item in objects:
        builder.add(item)
    return bound(builder.snapshot(answers=Answers(release=release)))


def _differences(
    known: Mapping[str, Sequence[str]], now: Mapping[str, Sequence[str]], scope: Scope
) -> Iterator[str]:
    for path in sorted(known.keys() | now.keys()):
        bond = _BONDS.get(path.partition("/")[0])
        if bond is None or bond.scope > scope:
            continue
        if path in known and path in now:
            if known[path][0] != now[path][0]:
                yield f"{_subject(path, bond)} changed since the plan was made"
        elif bond.members and path != RELEASE:
            yield f"{path} was {'made' if path in now else 'deleted'} since the plan was made"


def _subject(path: str, bond: _Bond) -> str:
    return f"{bond.what} of {path} were" if bond.what else f"{path} was"
