"""PRE-183: finalizers need the controller that takes them off, and what is Terminating already cannot be made again.

The operator must run while an object of its group carries a finalizer. A CRD of Calico's groups, or one of its namespaces,
that is being deleted is named with the condition that the API server gives for it.
"""

from __future__ import annotations

from collections.abc import Iterator

from migrate.model.fields import items, maps, text
from migrate.model.findings import Severity
from migrate.model.resources import CALICO_GROUPS, Resource
from migrate.preflight.rule import Case, Group, Hit, Repeat, Rule

__all__ = ["RULE"]

OPERATOR_GROUP = "operator.tigera.io"
GROUPS = frozenset({*CALICO_GROUPS, OPERATOR_GROUP})
NAMESPACES = frozenset({"calico-system", "calico-apiserver", "tigera-operator"})
CRDS = "customresourcedefinitions.apiextensions.k8s.io"
TERMINATING = "{object} is Terminating: {condition}"
REMOVE = "remove the holder that the condition names; a finalizer only with evidence (--remove-finalizer)"


def check(case: Case) -> Iterator[Hit]:
    """Ask for the operator, then for what is being deleted."""
    held = [item.path for item in _held(case)]
    operators = [w for w in case.snapshot.workloads if w.kind == "Deployment" and w.name == "tigera-operator"]
    if held and not any(w.ready for w in operators):
        yield Hit("Deployment/tigera-operator/tigera-operator", {"list": ", ".join(held)}, {"objects": held})
    for crd in case.snapshot.of(CRDS):
        if text(crd.data, "spec", "group") in GROUPS:
            yield from _terminating(crd)
    for namespace in case.snapshot.of("namespaces"):
        if namespace.name in NAMESPACES:
            yield from _terminating(namespace)


def _held(case: Case) -> Iterator[Resource]:
    for resource, found in case.snapshot.others.items():
        if resource.partition(".")[2] == OPERATOR_GROUP:
            yield from (item for item in found if items(item.data, "metadata", "finalizers"))


def _terminating(item: Resource) -> Iterator[Hit]:
    if text(item.data, "metadata", "deletionTimestamp"):
        said = [c for c in maps(item.data, "status", "conditions") if text(c, "status") == "True"]
        words = [f"{text(c, 'type')} ({text(c, 'message') or text(c, 'reason')})" for c in said]
        held = ", ".join(str(f) for f in items(item.data, "metadata", "finalizers"))
        condition = "; ".join(words) or (f"finalizers {held}" if held else "no condition says why")
        fills = {"object": item.path, "condition": condition}
        yield Hit(item.path, fills, {"conditions": words}, message=TERMINATING, remedy=REMOVE)


RULE = Rule(
    number=183,
    group=Group.NO_RETURN,
    severity=Severity.BLOCK,
    title="Finalizers without their controller",
    message="Finalizers need the operator: {list}",
    remedy="start tigera-operator before its objects are deleted",
    check=check,
    failures=(14, 15),
    reads=("namespaces", CRDS, "deployments.apps"),
    repeat=frozenset({Repeat.NO_RETURN}),
)
