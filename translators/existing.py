"""Cilium policies that the cluster holds already: which of them are somebody else's, and which say less than they do.

The engine reads some constructs more widely than they look (``cilium.md`` §2–§5). Such an object is modelled as it is
enforced; its author should know (CAL-V814).
"""

from __future__ import annotations

from collections.abc import Iterable, Iterator, Mapping
from dataclasses import replace
from typing import Any

from translators.diagnostics import Diagnostic, diagnostic
from translators.semantics.cilium.selectors import Selector
from translators.semantics.cilium.structure import malformed
from translators.settings import Options
from translators.source import Document
from translators.span import NOWHERE
from translators.world import World

__all__ = ["cluster_policies", "enforced_twice", "has_negative_namespaces", "is_foreign", "over_selecting"]

MANAGED = "app.kubernetes.io/managed-by"
POLICIES = frozenset({"CiliumNetworkPolicy", "CiliumClusterwideNetworkPolicy"})
_SECTIONS = ("ingress", "ingressDeny", "egress", "egressDeny")
_OPEN_LISTS = ("toFQDNs", "toGroups", "fromGroups")
_GROUPS = "cidrGroupSelector"


def is_foreign(document: Document) -> bool:
    """Say whether an object of Cilium's takes part in policy and was not written by this program."""
    kinds = POLICIES | {"CiliumCIDRGroup"}
    labels = document.metadata.get("labels")
    ours = isinstance(labels, Mapping) and labels.get(MANAGED) == "c2c"
    return document.group == "cilium.io" and document.kind in kinds and not ours


def over_selecting(documents: Iterable[Document], world: World, options: Options) -> Iterator[Diagnostic]:
    """Name each object whose constructs select more than they say, once per construct."""
    version = ".".join(map(str, options.cilium_version))
    for document in documents:
        if document.kind not in POLICIES or malformed(document.data):
            continue
        place = f"{document.namespace}/" if document.namespace else ""
        name = f"{document.kind} {place}{document.name}"
        found = dict.fromkeys(_constructs(document, world, local=options.cilium.default_local_cluster))
        for construct, selected in found:
            yield diagnostic("CAL-V814", document.span, about=name, object=name, construct=construct,
                             set=selected, version=version)  # fmt: skip


def cluster_policies(documents: Iterable[Document], options: Options) -> Iterator[Diagnostic]:
    """Name ClusterNetworkPolicies of the cluster that this target enforces by itself, beside what is translated.

    None is part of Cilium's model here: such a target is refused rather than proved (``cilium.md`` §8).
    """
    if not options.cilium.cluster_network_policy:
        return
    for document in documents:
        if document.kind == "ClusterNetworkPolicy":
            yield replace(enforced_twice(document), span=NOWHERE)
            if has_negative_namespaces(document):
                yield diagnostic(
                    "CAL-K709", None, about=f"{document.kind} {document.name}", name=document.name
                )


def enforced_twice(document: Document) -> Diagnostic:
    """Say that the target would enforce a ClusterNetworkPolicy too, in tiers of its own around all others (CAL-V803)."""
    about = f"{document.kind} {document.name}"
    found = diagnostic("CAL-V803", document.span, about=about, feature="ClusterNetworkPolicy left to Calico",
                       rules=about, setting="k8sClusterNetworkPolicy.enabled=false")  # fmt: skip
    return replace(
        found, message=f"The target would enforce {about} itself too, before or behind all other policies."
    )


def has_negative_namespaces(document: Document) -> bool:
    """Say whether a ``namespaces`` peer of a cluster-wide Kubernetes policy has a negative term."""
    spec = document.data.get("spec") or {}
    peers = [
        peer.get("namespaces") or {}
        for section, side in (("ingress", "from"), ("egress", "to"))
        for rule in spec.get(section) or []
        for peer in rule.get(side) or []
    ]
    terms = (term for peer in peers for term in peer.get("matchExpressions") or [])
    return any(term.get("operator") in {"NotIn", "DoesNotExist"} for term in terms)


def _constructs(document: Document, world: World, *, local: bool) -> Iterator[tuple[str, str]]:
    home = (document.namespace or "default") if document.kind == "CiliumNetworkPolicy" else None
    for rule in (document.data.get("spec"), *(document.data.get("specs") or [])):
        for section in _SECTIONS:
            for element in (rule or {}).get(section) or []:
                yield from _peers(element, home, local=local)
                yield from _lists(element, section, world)
                yield from _traffic(element)


def _peers(element: Mapping[str, Any], home: str | None, *, local: bool) -> Iterator[tuple[str, str]]:
    for key in ("fromEndpoints", "toEndpoints"):
        for term in element.get(key) or []:
            read = Selector.read(term)
            if any(r.reserved and not r.positive for r in read.requirements):
                yield "a negative `reserved:` key", "every peer that lacks it, the world among them"
            elif read.peer_of(home, local_cluster=local).over_selects:
                yield "a peer of negative namespace terms alone", "the world, nodes and what it excludes"
    for key in ("fromCIDRSet", "toCIDRSet"):
        for entry in element.get(key) or []:
            requirements = Selector.read(entry.get(_GROUPS)).requirements if _GROUPS in entry else ()
            if requirements and not any(r.positive for r in requirements):
                yield f"`{_GROUPS}` of negative terms alone", "addresses of no group at all"
            elif len(requirements) > 1:
                yield f"`{_GROUPS}` of several terms", "addresses that only several groups together describe"


def _lists(element: Mapping[str, Any], section: str, world: World) -> Iterator[tuple[str, str]]:
    limited = bool(element.get("toPorts") or element.get("icmps"))
    for key in _OPEN_LISTS:
        if limited and key in element and not element[key]:
            yield f"an empty `{key}` beside ports", "every peer"
    if not element.get("toServices") or not limited:
        return
    wanted = [entry.get("k8sService") or {} for entry in element["toServices"]]
    keys = [(w.get("namespace") or "default", w.get("serviceName") or "") for w in wanted]
    resolved = any(key in world.services and world.services[key].selector for key in keys)
    if section.endswith("Deny") or not resolved:
        yield "`toServices` with ports", "every destination on these ports"


def _traffic(element: Mapping[str, Any]) -> Iterator[tuple[str, str]]:
    for port in (p for rule in element.get("toPorts") or [] for p in rule.get("ports") or []):
        text, last = str(port.get("port", "0")), int(port.get("endPort") or 0)
        if text.isdigit() and int(text) == 0 and last > 0:
            yield f"a range of ports from 0 to {last}", "every port"
        elif not text.isdigit() and last:
            yield f"`endPort` beside the port name {text}", f"the named port and all up to {last}"
    for field in (f for rule in element.get("icmps") or [] for f in rule.get("fields") or []):
        if str(field.get("type", "0")) in {"0", "EchoReply"}:
            yield "ICMP type 0", "every type of its family"
