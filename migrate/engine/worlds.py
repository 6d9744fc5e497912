"""The cluster of a snapshot as the evaluators see it: the same facts, in the translator's terms.

Policies of a snapshot are no part of it; whoever judges a flow brings them along.
"""

from __future__ import annotations

from collections.abc import Iterator, Mapping
from typing import Any

from migrate.model.nodes import Node
from migrate.model.pods import Pod
from migrate.model.resources import CALICO_GROUPS
from migrate.model.snapshot import Snapshot
from translators.source import Document, from_object
from translators.world import AddressPlan, World
from translators.worldbuilder import build_world

__all__ = ["documents_of", "world_of"]

KINDS = ("namespaces", "serviceaccounts", "services", "endpointslices.discovery.k8s.io")
CALICO_KINDS = ("hostendpoints", "networksets", "globalnetworksets", "profiles", "ippools")


def world_of(snapshot: Snapshot, plan: AddressPlan | None = None) -> World:
    """Give the world of a snapshot; the address plan is read from it where none is given."""
    world, _ = build_world(documents_of(snapshot), plan=plan, is_cluster=True)
    return world


def documents_of(snapshot: Snapshot) -> Iterator[Document]:
    """Give everything of a snapshot that a policy can speak of, as plain objects; no policies."""
    for resource in KINDS:
        yield from (from_object(item.data) for item in snapshot.of(resource))
    for plural in CALICO_KINDS:
        for group in CALICO_GROUPS:
            if found := snapshot.of(f"{plural}.{group}"):
                yield from (from_object(item.data) for item in found)
                break
    yield from (from_object(_pod(pod)) for pod in snapshot.pods)
    yield from (from_object(_node(node)) for node in snapshot.nodes)


def _pod(pod: Pod) -> Mapping[str, Any]:
    ports = [{"name": n, "protocol": p, "containerPort": number} for n, p, number in pod.named_ports]
    return {
        "apiVersion": "v1",
        "kind": "Pod",
        "metadata": {"name": pod.name, "namespace": pod.namespace, "labels": dict(pod.labels)},
        "spec": {
            "nodeName": pod.node,
            "serviceAccountName": pod.service_account,
            "hostNetwork": pod.host_network,
            "containers": [{"ports": ports}],
        },
        "status": {"phase": pod.phase, "podIPs": [{"ip": address} for address in pod.addresses]},
    }


def _node(node: Node) -> Mapping[str, Any]:
    addresses = [{"type": kind, "address": a} for kind, listed in node.addresses.items() for a in listed]
    metadata = {"name": node.name, "labels": dict(node.labels), "annotations": dict(node.annotations)}
    return {
        "apiVersion": "v1",
        "kind": "Node",
        "metadata": metadata,
        "spec": {"podCIDRs": list(node.pod_cidrs)},
        "status": {"addresses": addresses},
    }
