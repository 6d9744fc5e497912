"""PRE-154: a selector that only excludes namespaces reaches the whole internet where selectors are not limited to the cluster.

``policy-default-local-cluster`` adds that limit. It is off by default up to 1.18 and does not exist up to 1.17; then
such a peer also means the world, nodes, and the excluded namespace itself (engine). Looked at are native policies that
stay and policies of Cilium that the cluster holds; what the translator writes carries an ``Exists`` of its own.
A peer counts that has only negative terms and at least one of them on the namespace; for a native policy the pod
selector is part of the peer.
"""

from __future__ import annotations

from collections.abc import Iterator, Mapping, Sequence
from typing import Any

from migrate.engine.sides import PREFIXES, sides_of
from migrate.model.draft import Stage
from migrate.model.fields import at, items, labels, mapping, maps, text
from migrate.model.findings import Severity
from migrate.preflight.rule import Case, Group, Hit, Rule, Unread
from migrate.preflight.views_policy import NATIVE_POLICIES, cilium_policies
from migrate.preflight.views_values import departures, is_on
from translators.semantics.cilium.selectors import Selector

__all__ = ["RULE"]

KEY = "policy-default-local-cluster"
NEGATIVE = frozenset({"NotIn", "DoesNotExist"})


def check(case: Case) -> Iterator[Hit | Unread]:
    """Name every peer that would select too much, where the limit is off in a stage that enforces."""
    stages = [
        s for s in Stage if s is not Stage.MIGRATION or case.draft.settings.policy_in_window == "bridged"
    ]
    where = [s for _, found in departures(case, KEY, is_on, stages) for s in found]
    if not where:
        return
    if not case.snapshot.knows(NATIVE_POLICIES):
        yield Unread(NATIVE_POLICIES)
    for item in case.snapshot.of(NATIVE_POLICIES):
        for excluded in _native(item.data):
            yield _hit(item.path, excluded, where)
    for side in sides_of([item.data for item in cilium_policies(case.snapshot)]):
        for term in items(side.element, f"{side.peers}Endpoints"):
            if Selector.read(term).over_selects:
                yield _hit(side.object, _excluded(term), where)


def _hit(path: str, excluded: str, stages: Sequence[str]) -> Hit:
    return Hit(path, {"p": path, "ns": excluded}, {"stages": list(stages)})


def _native(policy: Mapping[str, Any]) -> Iterator[str]:
    for direction, prefix in PREFIXES.items():
        for rule in maps(policy, "spec", direction):
            for peer in maps(rule, prefix):
                if "namespaceSelector" in peer and _only_negative(peer):
                    yield _excluded(mapping(peer, "namespaceSelector"))


def _only_negative(peer: Mapping[str, Any]) -> bool:
    selectors = [mapping(peer, "namespaceSelector"), mapping(peer, "podSelector")]
    terms = [term for selector in selectors for term in maps(selector, "matchExpressions")]
    named = any(labels(selector, "matchLabels") for selector in selectors)
    by_namespace = bool(items(selectors[0], "matchExpressions"))
    return by_namespace and not named and all(text(t, "operator") in NEGATIVE for t in terms)


def _excluded(selector: object) -> str:
    values = [str(v) for term in maps(selector, "matchExpressions") for v in items(term, "values")]
    keys = [text(term, "key") for term in maps(selector, "matchExpressions") if not at(term, "values")]
    return ", ".join(values or keys) or "what it excludes"


RULE = Rule(
    number=154,
    group=Group.POLICY,
    severity=Severity.BLOCK,
    title="Negative namespaces reach the internet",
    message="{p}: everything but {ns} would include the internet and {ns}",
    remedy="clustermesh.policyDefaultLocalCluster=true (from 1.18 on); or absorb the policy with namespace Exists",
    check=check,
    failures=(24,),
)
