"""PRE-108: a webhook that must answer stops every pod, or every eviction, once its last backend is evicted (F-21).

Judged are webhooks with ``failurePolicy: Fail`` (the default) whose rules match the creation of pods or of evictions in
some namespace that exists. Their backends are the Ready pods of the Service; *one replica*, *none*, *all on one node*
and *all in one wave* are named. Object selectors and match conditions narrow a webhook in ways that only single
requests show, so they are taken as matching. A webhook by URL, and a Service without a selector, have backends that the
cluster does not show.
"""

from __future__ import annotations

from collections.abc import Iterator, Mapping
from typing import Any

from migrate.model.fields import items, labels, mapping, maps, text
from migrate.model.findings import Severity
from migrate.model.pods import Pod
from migrate.model.resources import Resource
from migrate.model.workloads import selects
from migrate.preflight.rule import Case, Group, Hit, Repeat, Rule, Unread

__all__ = ["RULE"]

VALIDATING = "validatingwebhookconfigurations.admissionregistration.k8s.io"
MUTATING = "mutatingwebhookconfigurations.admissionregistration.k8s.io"
PODS = frozenset({"pods", "*", "*/*", "pods/*"})
EVICTIONS = frozenset({"pods/eviction", "*/*", "pods/*"})


def check(case: Case) -> Iterator[Hit | Unread]:
    """Name each such webhook whose backends one drain could take away."""
    for resource in (VALIDATING, MUTATING):
        for item in case.snapshot.of(resource):
            for webhook in maps(item.data, "webhooks"):
                matched = _matched(webhook)
                if (
                    text(webhook, "failurePolicy", default="Fail") == "Fail"
                    and matched
                    and _meets(case, webhook)
                ):
                    yield from _judged(case, item, webhook, matched)


def _matched(webhook: Mapping[str, Any]) -> list[str]:
    """Give which of pods and evictions a webhook's rules match at creation."""
    found = set()
    for rule in maps(webhook, "rules"):
        resources = {str(r) for r in items(rule, "resources")}
        core = bool({"", "*"} & set(items(rule, "apiGroups")))
        policy = bool({"policy", "*"} & set(items(rule, "apiGroups")))
        if {"CREATE", "*"} & set(items(rule, "operations")):
            if core and resources & PODS:
                found.add("pods")
            if (core or policy) and resources & EVICTIONS:
                found.add("evictions")
    return sorted(found)


def _meets(case: Case, webhook: Mapping[str, Any]) -> bool:
    """Say whether its namespace selector selects a namespace that exists; every namespace where it has none."""
    selector = mapping(webhook, "namespaceSelector")
    return not selector or any(selects(selector, n.labels) for n in case.snapshot.of("namespaces"))


def _judged(
    case: Case, item: Resource, webhook: Mapping[str, Any], matched: list[str]
) -> Iterator[Hit | Unread]:
    name = text(webhook, "name")
    service = mapping(webhook, "clientConfig", "service")
    if not service:
        yield Unread(f"the backend of webhook {name} ({item.path}), which is outside of the cluster")
        return
    where = (text(service, "namespace"), text(service, "name"))
    found = next((s for s in case.snapshot.of("services") if (s.namespace, s.name) == where), None)
    selector = labels(found.data, "spec", "selector") if found is not None else {}
    if found is not None and not selector:
        yield Unread(
            f"the backends of Service {found.namespace}/{found.name} of webhook {name}: it has no selector"
        )
        return
    backends = _backends(case, where[0], selector) if found is not None else []
    weak = _weakness(case, backends)
    if weak is not None:
        why, node = weak
        evidence = {
            "service": "/".join(where),
            "backends": {p.label: p.node for p in backends},
            "matches": matched,
            "configuration": item.path,
        }
        yield Hit(item.path, {"w": name, "what": " and ".join(matched), "why": why}, evidence, node)


def _backends(case: Case, namespace: str, selector: Mapping[str, str]) -> list[Pod]:
    wanted = selector.items()
    return [
        p
        for p in case.snapshot.pods
        if p.namespace == namespace and p.ready and not p.finished and wanted <= p.labels.items()
    ]


def _weakness(case: Case, backends: list[Pod]) -> tuple[str, str] | None:
    """Say why a drain could leave no backend, and the node whose drain does; None where it cannot."""
    nodes = sorted({p.node for p in backends})
    if not backends:
        return "no backend is Ready", ""
    if len(backends) == 1:
        return f"its one backend runs on {nodes[0]}", nodes[0]
    if len(nodes) == 1:
        return f"all {len(backends)} backends run on {nodes[0]}", nodes[0]
    for number, wave in enumerate(case.draft.waves, start=1):
        if set(nodes) <= set(wave):
            return f"all backends run on nodes of wave {number}", ""
    return None


RULE = Rule(
    number=108,
    group=Group.NETWORK,
    severity=Severity.BLOCK,
    title="Webhook that one drain takes away",
    message="Webhook {w} would stop the creation of {what}: {why}",
    remedy="scale its backend to two nodes (spread, PDB), or exempt namespaces from it for the time of the migration",
    check=check,
    failures=(21,),
    reads=(VALIDATING, MUTATING, "services", "pods", "namespaces"),
    repeat=frozenset({Repeat.CONTINUOUS}),
)
