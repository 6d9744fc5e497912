"""The rights that the orchestrator needs, verb by verb: what ``c2c rbac`` prints, what preflight asks for and judges.

Nothing is granted that no step uses. Helm installs roles for Cilium that are wider than ours, which takes ``escalate`` and
``bind``; both are asked for by name here, so that nobody grants them unseen.
"""

from __future__ import annotations

from collections.abc import Iterable, Iterator
from dataclasses import dataclass

__all__ = ["ACTING", "OURS", "READING", "Asked", "Right", "held_by_a_run", "rights_for"]

Asked = tuple[str, str, str]
"""A verb, a resource as the API names it (``pods/eviction``, ``deployments.apps``), a namespace; empty: everywhere.

A right on one object has its name behind the resource: ``namespaces cilium-secrets``.
"""

READ = ("get", "list", "watch")
WRITE = ("create", "update", "patch", "delete")


@dataclass(frozen=True, slots=True)
class Right:
    """Verbs on resources of a group; ``namespace`` empty: everywhere. ``why`` is the step that needs it.

    ``names``: on these objects alone, which need not be there yet, as a namespace of a role would have to be.
    ``where_served``: only a cluster that serves the group needs it.
    """

    group: str
    resources: tuple[str, ...]
    verbs: tuple[str, ...]
    why: str
    namespace: str = ""
    paths: tuple[str, ...] = ()
    names: tuple[str, ...] = ()
    where_served: bool = False

    @property
    def asked(self) -> Iterator[Asked]:
        """Give each verb on each resource, or on each of the objects that are named, by itself."""
        for resource in self.resources:
            name = f"{resource}.{self.group}" if self.group else resource
            whole = [f"{name} {which}" for which in self.names] or [name]
            yield from ((verb, what, self.namespace) for what in whole for verb in self.verbs)


OURS = "c2c-system"
SYSTEM = "kube-system"

READING = (
    Right("", (
        "nodes", "pods", "namespaces", "serviceaccounts", "services", "configmaps", "persistentvolumeclaims",
        "persistentvolumes", "resourcequotas", "limitranges", "replicationcontrollers", "endpoints",
    ), READ, "snapshot, preflight"),
    Right("apps", ("deployments", "replicasets", "statefulsets", "daemonsets"), READ, "snapshot, preflight"),
    Right("batch", ("jobs", "cronjobs"), READ, "snapshot, preflight"),
    Right("policy", ("poddisruptionbudgets",), READ, "snapshot, preflight"),
    Right("networking.k8s.io", ("*",), READ, "snapshot, preflight"),
    Right("policy.networking.k8s.io", ("*",), READ, "snapshot, preflight", where_served=True),
    Right("discovery.k8s.io", ("endpointslices",), READ, "snapshot, preflight"),
    Right("storage.k8s.io", ("storageclasses", "csidrivers", "csinodes", "volumeattachments"), READ, "snapshot, preflight"),
    Right("scheduling.k8s.io", ("priorityclasses",), READ, "snapshot, preflight"),
    Right("autoscaling", ("horizontalpodautoscalers",), READ, "snapshot, preflight"),
    Right("coordination.k8s.io", ("leases",), READ, "snapshot, preflight"),
    Right("admissionregistration.k8s.io", ("*",), READ, "snapshot, preflight"),
    Right("apiregistration.k8s.io", ("apiservices",), READ, "snapshot, preflight"),
    Right("apiextensions.k8s.io", ("customresourcedefinitions",), READ, "snapshot, preflight"),
    Right("rbac.authorization.k8s.io", ("clusterroles", "clusterrolebindings", "roles", "rolebindings"), READ, "snapshot, preflight"),
    Right("crd.projectcalico.org", ("*",), READ, "snapshot, preflight", where_served=True),
    Right("projectcalico.org", ("*",), READ, "snapshot, preflight", where_served=True),
    Right("operator.tigera.io", ("*",), READ, "snapshot, preflight", where_served=True),
    Right("cilium.io", ("*",), READ, "snapshot, preflight"),
    Right("helm.cattle.io", ("*",), READ, "snapshot, preflight", where_served=True),
    Right("monitoring.coreos.com", ("*",), READ, "snapshot, preflight", where_served=True),
    Right("authorization.k8s.io", ("selfsubjectaccessreviews", "selfsubjectrulesreviews"), ("create",), "preflight: which rights there are"),
    Right("", (), ("get",), "which version the API server has", paths=("/version", "/readyz", "/apis", "/apis/*", "/api", "/api/*")),
)  # fmt: skip
"""What reading verbs need."""

ACTING = (
    Right("", ("namespaces",), ("create",), "the namespace of our own objects"),
    Right("coordination.k8s.io", ("leases",), ("create", "update"), "the lock", OURS),
    Right("", ("configmaps", "services", "pods"), WRITE, "the run's state, probes", OURS),
    Right("", ("pods/exec",), ("get", "create"), "commands in probe pods", OURS),
    Right("", ("events",), ("create", "patch"), "events on nodes"),
    Right("", ("nodes",), ("patch",), "cordon, label, annotate, guard taint"),
    Right("", ("pods/eviction",), ("create",), "drain"),
    Right("", ("pods",), ("delete",), "restart agents, operator and DaemonSet pods, one at a time"),
    Right("", ("pods/exec",), ("get", "create"), "the running configuration and CNI files of agents", SYSTEM),
    Right("", ("pods/log",), ("get",), "the running configuration of the operator", SYSTEM),
    Right("", ("secrets", "configmaps", "serviceaccounts", "services"), (*READ, *WRITE), "Helm: the release and its objects", SYSTEM),
    Right("apps", ("daemonsets", "deployments"), WRITE, "Helm: Cilium; pins of Calico and kube-proxy", SYSTEM),
    Right("rbac.authorization.k8s.io", ("clusterroles", "clusterrolebindings", "roles", "rolebindings"), (*WRITE, "escalate", "bind"),
          "Helm: Cilium's roles, which are wider than ours"),
    Right("", ("namespaces",), ("patch", "update", "delete"), "Helm: the namespace of Cilium's secrets", names=("cilium-secrets",)),
    Right("cilium.io", ("ciliumnodeconfigs", "ciliumnetworkpolicies", "ciliumclusterwidenetworkpolicies", "ciliumcidrgroups"),
          WRITE, "node configurations and translated policies"),
    Right("apiextensions.k8s.io", ("customresourcedefinitions",), ("delete",), "the way back removes Cilium's kinds"),
    Right("operator.tigera.io", ("installations",), ("patch",), "pins of Calico", where_served=True),
    Right("crd.projectcalico.org", ("ippools", "felixconfigurations", "globalnetworkpolicies"), WRITE, "cover pool, pins of Calico",
          where_served=True),
    Right("projectcalico.org", ("ippools", "felixconfigurations", "globalnetworkpolicies"), WRITE, "cover pool, pins of Calico",
          where_served=True),
)  # fmt: skip
"""What a run needs beside."""


def rights_for(verbs: Iterable[str]) -> tuple[Right, ...]:
    """Give the rights of verbs of the command line: reading ones, or those that act too."""
    acting = set(verbs) & {"apply", "run", "resume", "abort", "rollback"}
    wishing = set(verbs) & {"pause", "approve"}
    if acting:
        return (*READING, *ACTING)
    return (*READING, Right("", ("configmaps",), ("patch",), "wishes of a run", OURS)) if wishing else READING


OF_NODES = ("cordon", "drain", "restart agents", "the running configuration and CNI files")
"""How the reasons of those rights begin that each node takes."""


def held_by_a_run(namespace: str, *, of_nodes: bool) -> tuple[Right, ...]:
    """Give the rights without which no changing command goes out (G-22): of a node's steps, or all.

    Left out is what only some clusters serve, and namespaces that a chart makes on its way: a role there comes with them.
    """
    places = {"", SYSTEM, *({OURS} if namespace == OURS else ())}
    everywhere = (r for r in ACTING if r.namespace in places and not r.where_served)
    return tuple(r for r in everywhere if not of_nodes or r.why.startswith(OF_NODES))
