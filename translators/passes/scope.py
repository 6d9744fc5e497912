"""Rewrite selectors as Calico's syncer does: which namespace a selector speaks of, and what ``all()`` becomes.

Input: the unscoped syntax trees of a policy. Output: one tree for the subject, one positive or one negated
tree for a peer, over the labels that Calico sees (``calico.md`` §5, §6).

Source: projectcalico/calico ``libcalico-go/lib/backend/syncersv1/updateprocessors/rules.go``
(``getEndpointSelector``), ``globalnetworkpolicyprocessor.go``, ``selectors.go``.
"""

from __future__ import annotations

from collections.abc import Callable

from translators.ir.items import ScopedPeer, ScopedPolicy
from translators.ir.policy import Entity, Policy
from translators.selectors.ast import All, And, Compare, Global, Has, In, Node, Not, Or

__all__ = ["NAMESPACE", "scope_peer", "scope_policy"]

NAMESPACE = "projectcalico.org/namespace"
ACCOUNT = "projectcalico.org/serviceaccount"
NAMESPACE_PREFIX = "pcns."
ACCOUNT_PREFIX = "pcsa."


def scope_policy(policy: Policy) -> ScopedPolicy:
    """Give the subject of a policy as one selector.

    A NetworkPolicy is limited to its namespace. In a GlobalNetworkPolicy with a namespaceSelector, then with a
    serviceAccountSelector, every ``all()`` in the combined text is replaced: it then selects pods only.
    """
    if not policy.kind.is_calico:
        return ScopedPolicy(policy, policy.selector, selects_hosts=False)
    subject: Node = policy.selector
    if policy.namespace is not None:
        subject = _and(subject, Compare(NAMESPACE, "==", policy.namespace))
    elif policy.namespace_selector is not None:
        scope = _prefixed(policy.namespace_selector, NAMESPACE_PREFIX)
        typed = All() if policy.selector_text else None
        subject = _and(subject, scope) if typed or subject != All() else scope
        subject = _replace_all(subject, Has(NAMESPACE))
    if policy.account_selector is not None:
        subject = _and(subject, _prefixed(policy.account_selector, ACCOUNT_PREFIX))
        if policy.namespace is None:
            subject = _replace_all(subject, Has(ACCOUNT))
    return ScopedPolicy(policy, subject, selects_hosts=policy.namespace is None)


def scope_peer(policy: Policy, entity: Entity) -> ScopedPeer:
    """Give the peer of one entity: the algorithm of ``calico.md`` §6.1.

    ``notSelector`` is never limited to a namespace; beside a positive part it is folded into it.
    """
    positive = _conjunction(
        [
            In(ACCOUNT, frozenset(entity.account_names)) if entity.account_names else None,
            entity.account_selector and _prefixed(entity.account_selector, ACCOUNT_PREFIX),
            entity.selector,
        ]
    )
    scope = _scope_of(policy, entity)
    if scope and (positive or entity.not_selector or entity.namespace_selector):
        positive = _and(scope, positive) if positive else scope
    if positive is None:
        return ScopedPeer(None, entity.not_selector)
    if entity.not_selector is not None:
        positive = _and(positive, Not(entity.not_selector))
    return ScopedPeer(positive, None)


def _scope_of(policy: Policy, entity: Entity) -> Node | None:
    if not policy.kind.is_calico:
        return None
    if entity.namespace_selector is not None:
        scope = _prefixed(entity.namespace_selector, NAMESPACE_PREFIX)
        return _replace_global(_replace_all(scope, Has(NAMESPACE)))
    if policy.namespace is not None:
        return Compare(NAMESPACE, "==", policy.namespace)
    return None


def _conjunction(parts: list[Node | None]) -> Node | None:
    present = [part for part in parts if part is not None]
    if not present:
        return None
    return present[0] if len(present) == 1 else And(tuple(present))


def _and(left: Node, right: Node) -> Node:
    return And((left, right))


def _prefixed(node: Node, prefix: str) -> Node:
    def rename(leaf: Node) -> Node:
        match leaf:
            case Has(key):
                return Has(prefix + key)
            case Compare(key, op, value):
                return Compare(prefix + key, op, value)
            case In(key, values, negated):
                return In(prefix + key, values, negated)
        return leaf

    return _map_leaves(node, rename)


def _replace_all(node: Node, replacement: Node) -> Node:
    return _map_leaves(node, lambda leaf: replacement if isinstance(leaf, All) else leaf)


def _replace_global(node: Node) -> Node:
    return _map_leaves(node, lambda leaf: Not(Has(NAMESPACE)) if isinstance(leaf, Global) else leaf)


def _map_leaves(node: Node, change: Callable[[Node], Node]) -> Node:
    match node:
        case And(operands):
            return And(tuple(_map_leaves(part, change) for part in operands))
        case Or(operands):
            return Or(tuple(_map_leaves(part, change) for part in operands))
        case Not(operand):
            return Not(_map_leaves(operand, change))
    return change(node)
