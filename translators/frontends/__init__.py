"""One reader per source API; together they give the policies of an input, each read or refused by itself."""

from __future__ import annotations

import json
from collections.abc import Callable, Iterable
from dataclasses import dataclass, field

from translators.diagnostics import Diagnostic, diagnostic
from translators.frontends import calico, clusternetworkpolicy, kubernetes
from translators.frontends.fields import Fields
from translators.ir.policy import FIXED_TIERS, Policy, Tier
from translators.source import Document
from translators.span import Span

__all__ = ["PolicySet", "Refused", "is_policy", "read_policies"]

_GROUPS = calico.GROUPS | {kubernetes.GROUP, clusternetworkpolicy.GROUP}
_VERSIONS = frozenset({"projectcalico.org/v3", "crd.projectcalico.org/v1", "networking.k8s.io/v1",
                       "policy.networking.k8s.io/v1alpha1", "policy.networking.k8s.io/v1alpha2"})  # fmt: skip
FORMER_GROUP = "extensions"
_NAMED = frozenset({"Tier", "NetworkSet", "GlobalNetworkSet", "HostEndpoint", "Profile"})


@dataclass(frozen=True, slots=True)
class Refused:
    """A policy document that was refused, with the findings that did it."""

    document: Document
    diagnostics: tuple[Diagnostic, ...]


@dataclass(slots=True)
class PolicySet:
    """What an input holds: policies (staged ones among them), tiers by name, refused documents, findings.

    ``tier_objects`` are the documents of the tiers that could be read, ``unsure_tiers`` the names of those that
    could not; ``unsure`` are the findings about sets and host endpoints of which there are two. ``stops``: the
    findings, by identity of the policy, that wait for somebody's decision. ``others``: where the documents stand
    that are no policies to report on.
    """

    policies: list[Policy] = field(default_factory=list)
    tiers: dict[str, Tier] = field(default_factory=lambda: dict(FIXED_TIERS))
    tier_objects: list[Document] = field(default_factory=list)
    unsure_tiers: set[str] = field(default_factory=set)
    unsure: list[Diagnostic] = field(default_factory=list)
    refused: list[Refused] = field(default_factory=list)
    stops: dict[int, tuple[Diagnostic, ...]] = field(default_factory=dict)
    diagnostics: list[Diagnostic] = field(default_factory=list)
    others: list[Span] = field(default_factory=list)


def is_policy(document: Document) -> bool:
    """Say whether a document is, or claims to be, a policy of one of the groups that are read."""
    if not document.kind.endswith("Policy"):
        return False
    former = document.kind == "NetworkPolicy" and document.group == FORMER_GROUP
    return former or document.group in _GROUPS or not document.api_version


def read_policies(documents: Iterable[Document], *, tiers: Iterable[Document] = ()) -> PolicySet:
    """Read every policy and tier; other documents are left alone, unknown policy kinds are refused.

    ``tiers`` are those of the cluster; one of the same name among the documents takes its place.
    """
    result = PolicySet()
    for document in tiers:
        _read_tier(document, result)
    once = _once(documents, result)
    for document in once:
        if _is_of_calico(document) and document.kind == "Tier":
            _read_tier(document, result)
        elif is_policy(document):
            _read_one(document, result)
            continue
        result.others.append(document.span)
    return result


def _is_of_calico(document: Document) -> bool:
    return document.group in calico.GROUPS


def _read_tier(document: Document, result: PolicySet) -> None:
    found, fields = calico.tier(document)
    result.diagnostics.extend(fields.found)
    result.tier_objects = [d for d in result.tier_objects if d.name != document.name]
    result.tiers.pop(document.name, None)
    result.unsure_tiers.discard(document.name)
    if found is None:
        result.unsure_tiers.add(document.name)
        return
    result.tiers[found.name] = found
    result.tier_objects.append(document)


def _read_one(document: Document, result: PolicySet) -> None:
    policy, fields = _read_by(document)
    result.diagnostics.extend(fields.found)
    if policy is not None:
        result.policies.append(policy)
        result.stops[id(policy)] = tuple(item for item in fields.found if item.refuses)
    else:
        result.refused.append(Refused(document, tuple(fields.found)))


def _read_by(document: Document) -> tuple[Policy | None, Fields]:
    """Give the policy, None where it is refused, and what was found in it; a kind that nobody reads is refused."""
    if (reader := _reader(document)) is not None:
        return reader(document)
    fields = Fields(document)
    fields.add("CAL-P102", (), kind=document.kind, apiVersion=document.api_version or "no apiVersion")
    return None, fields


def _reader(document: Document) -> Callable[[Document], tuple[Policy | None, Fields]] | None:
    if document.api_version not in _VERSIONS:
        return None
    if _is_of_calico(document) and document.kind in calico.KINDS:
        return calico.policy
    if document.group == kubernetes.GROUP and document.kind == "NetworkPolicy":
        return kubernetes.policy
    if document.group == clusternetworkpolicy.GROUP and document.kind in clusternetworkpolicy.KINDS:
        return clusternetworkpolicy.policy
    return None


def _once(documents: Iterable[Document], result: PolicySet) -> list[Document]:
    """Give each object once; of those that stand twice with different content none can be taken for the true one."""
    kept: list[Document] = []
    first: dict[tuple[str, str, str, str], Document] = {}
    doubted: dict[int, Document] = {}
    for document in documents:
        named = document.name and (
            is_policy(document) or (_is_of_calico(document) and document.kind in _NAMED)
        )
        key = (
            "calico" if _is_of_calico(document) else document.group,
            document.kind,
            document.namespace,
            document.name,
        )
        earlier = first.setdefault(key, document) if named else document
        if earlier is document:
            kept.append(document)
        elif _content(earlier) == _content(document):
            result.others.append(document.span)
        else:
            kept += [document] if is_policy(document) else []
            doubted |= {id(earlier): document, id(document): earlier}
    for document in kept:
        if id(document) in doubted:
            _doubt(document, doubted[id(document)], result)
    return [d for d in kept if id(d) not in doubted]


def _doubt(document: Document, other: Document, result: PolicySet) -> None:
    name = f"{document.kind} {document.namespace}/{document.name}".replace(" /", " ")
    places = sorted((document.span, other.span))
    found = diagnostic("CAL-P121", document.span, about=name, object=name, a=places[0], b=places[1])
    result.diagnostics.append(found)
    if is_policy(document):
        own = _read_by(document)[1].found
        result.diagnostics.extend(own)
        result.refused.append(Refused(document, (found, *own)))
        return
    result.others.append(document.span)
    if document.kind == "Tier":
        result.unsure_tiers.add(document.name)
    else:
        result.unsure.append(found)


def _content(document: Document) -> str:
    said = [document.data.get("spec"), document.metadata.get("labels")]
    return json.dumps(said, sort_keys=True, default=str)
