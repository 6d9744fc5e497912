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

__all__ = ["PolicySet", "Refused", "is_policy", "read_policies"]

_GROUPS = calico.GROUPS | {kubernetes.GROUP, clusternetworkpolicy.GROUP}


@dataclass(frozen=True, slots=True)
class Refused:
    """A policy document that was refused, with the findings that did it."""

    document: Document
    diagnostics: tuple[Diagnostic, ...]


@dataclass(slots=True)
class PolicySet:
    """What an input holds: policies (staged ones among them), tiers by name, refused documents, findings.

    ``tier_objects`` are the documents of the tiers that could be read; ``stops`` the findings, by identity of the
    policy, that wait for somebody's decision.
    """

    policies: list[Policy] = field(default_factory=list)
    tiers: dict[str, Tier] = field(default_factory=lambda: dict(FIXED_TIERS))
    tier_objects: list[Document] = field(default_factory=list)
    refused: list[Refused] = field(default_factory=list)
    stops: dict[int, tuple[Diagnostic, ...]] = field(default_factory=dict)
    diagnostics: list[Diagnostic] = field(default_factory=list)


def is_policy(document: Document) -> bool:
    """Say whether a document is, or claims to be, a policy of one of the groups that are read."""
    return document.group in _GROUPS and document.kind.endswith("Policy")


def read_policies(documents: Iterable[Document]) -> PolicySet:
    """Read every policy and tier; other documents are left alone, unknown policy kinds are refused."""
    result = PolicySet()
    seen: dict[tuple[str, str, str, str], Document] = {}
    for document in documents:
        if document.group in calico.GROUPS and document.kind == "Tier":
            found, fields = calico.tier(document)
            result.diagnostics.extend(fields.found)
            if found is not None:
                result.tiers[found.name] = found
                result.tier_objects.append(document)
        elif is_policy(document) and not _is_twin(document, seen, result):
            _read_one(document, result)
    return result


def _read_one(document: Document, result: PolicySet) -> None:
    reader = _reader(document)
    if reader is None:
        fields = Fields(document)
        fields.add("CAL-P102", (), kind=document.kind, apiVersion=document.api_version)
        policy = None
    else:
        policy, fields = reader(document)
    result.diagnostics.extend(fields.found)
    if policy is not None:
        result.policies.append(policy)
        result.stops[id(policy)] = tuple(item for item in fields.found if item.refuses)
    else:
        result.refused.append(Refused(document, tuple(fields.found)))


def _reader(document: Document) -> Callable[[Document], tuple[Policy | None, Fields]] | None:
    if document.group in calico.GROUPS and document.kind in calico.KINDS:
        return calico.policy
    if document.group == kubernetes.GROUP and document.kind == "NetworkPolicy":
        return kubernetes.policy
    if document.group == clusternetworkpolicy.GROUP and document.kind in clusternetworkpolicy.KINDS:
        return clusternetworkpolicy.policy
    return None


def _is_twin(document: Document, seen: dict[tuple[str, str, str, str], Document], result: PolicySet) -> bool:
    """Read equal content once; different content under one name is refused, for no cluster holds both."""
    group = "calico" if document.group in calico.GROUPS else document.group
    key = (group, document.kind, document.namespace, document.name)
    first = seen.setdefault(key, document)
    if first is document:
        return False
    if _spec(first) != _spec(document):
        name = f"{document.kind} {document.namespace}/{document.name}".replace(" /", " ")
        found = diagnostic("CAL-P121", document.span, about=name, object=name, a=first.span, b=document.span)
        result.diagnostics.append(found)
        result.refused.append(Refused(document, (found,)))
    return True


def _spec(document: Document) -> str:
    return json.dumps(document.data.get("spec"), sort_keys=True, default=str)
