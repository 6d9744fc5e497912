"""What a migration must be allowed to do: verbs and resources, by what a plan does; one table for check and grant.

A right that only some clusters need is asked for only there. Subresources and groups are written as the API writes
them (``pods/eviction``, ``deployments.apps``). Helm needs to hold every right that it gives to Cilium's accounts; these
are summed up as ``escalate`` and ``bind`` on cluster roles.
"""

from __future__ import annotations

from collections.abc import Iterable, Iterator

from migrate.model.draft import Draft

__all__ = ["EVERY_RIGHT", "Right", "rights_of"]

Right = tuple[str, str]
"""A verb and a resource."""

READ = (
    "nodes", "pods", "namespaces", "serviceaccounts", "services", "configmaps", "persistentvolumes",
    "persistentvolumeclaims", "resourcequotas", "limitranges", "deployments.apps", "daemonsets.apps", "statefulsets.apps",
    "replicasets.apps", "jobs.batch", "poddisruptionbudgets.policy", "endpointslices.discovery.k8s.io",
    "networkpolicies.networking.k8s.io", "validatingwebhookconfigurations.admissionregistration.k8s.io",
    "mutatingwebhookconfigurations.admissionregistration.k8s.io", "apiservices.apiregistration.k8s.io",
    "customresourcedefinitions.apiextensions.k8s.io", "leases.coordination.k8s.io",
    "ippools.crd.projectcalico.org", "felixconfigurations.crd.projectcalico.org", "hostendpoints.crd.projectcalico.org",
    "networkpolicies.crd.projectcalico.org", "globalnetworkpolicies.crd.projectcalico.org", "tiers.crd.projectcalico.org",
    "networksets.crd.projectcalico.org", "globalnetworksets.crd.projectcalico.org",
    "ciliumnodes.cilium.io", "ciliumendpoints.cilium.io",
)  # fmt: skip
OWN = ("namespaces", "leases.coordination.k8s.io", "configmaps", "events")
POLICIES = (
    "ciliumnetworkpolicies.cilium.io", "ciliumclusterwidenetworkpolicies.cilium.io", "ciliumcidrgroups.cilium.io",
    "ciliumnodeconfigs.cilium.io",
)  # fmt: skip
CHART = (
    "daemonsets.apps", "deployments.apps", "serviceaccounts", "services", "configmaps", "secrets",
    "clusterroles.rbac.authorization.k8s.io", "clusterrolebindings.rbac.authorization.k8s.io",
    "roles.rbac.authorization.k8s.io", "rolebindings.rbac.authorization.k8s.io",
)  # fmt: skip


def _each(verbs: Iterable[str], resources: Iterable[str]) -> Iterator[Right]:
    return ((verb, resource) for resource in resources for verb in verbs)


ALWAYS: tuple[Right, ...] = (
    *_each(("get", "list"), READ),
    *_each(("create", "update"), OWN),
    *_each(("create", "patch", "delete"), POLICIES),
    *_each(("get", "create", "update", "patch", "delete"), CHART),
    *_each(("escalate", "bind"), ("clusterroles.rbac.authorization.k8s.io",)),
    ("patch", "nodes"),
    ("create", "pods/eviction"),
    ("create", "pods/exec"),
    ("create", "pods"),
    ("delete", "pods"),
    ("create", "ippools.crd.projectcalico.org"),
    ("delete", "ippools.crd.projectcalico.org"),
)
OF_OPERATOR: tuple[Right, ...] = (("patch", "installations.operator.tigera.io"),)
OF_MANIFEST: tuple[Right, ...] = (("patch", "daemonsets.apps"),)
OF_STEPS: dict[str, tuple[Right, ...]] = {
    "PatchKubeProxy": (("patch", "configmaps"), ("patch", "daemonsets.apps")),
    "AllowHostPorts": (
        ("create", "globalnetworkpolicies.crd.projectcalico.org"),
        ("delete", "globalnetworkpolicies.crd.projectcalico.org"),
    ),
}
EVERY_RIGHT: tuple[Right, ...] = tuple(
    dict.fromkeys([*ALWAYS, *OF_OPERATOR, *OF_MANIFEST, *(r for rights in OF_STEPS.values() for r in rights)])
)


def rights_of(draft: Draft) -> tuple[Right, ...]:
    """Give the rights that a plan needs, each once, in the order of the table."""
    operator = draft.variant.install in {"operator", "helm"}
    wanted = [*ALWAYS, *(OF_OPERATOR if operator else OF_MANIFEST)]
    wanted += [right for step in draft.steps_of_pin for right in OF_STEPS.get(step, ())]
    return tuple(dict.fromkeys(wanted))
