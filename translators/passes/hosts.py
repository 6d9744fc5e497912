"""Turn the policies that select host endpoints into policies of nodes, with what Felix adds by itself written out.

Cilium knows nodes by their labels, and no interfaces and no failsafe ports. So failsafes become a tier before all
others, and a host endpoint without a profile is denied behind all others (``translation.md`` C5; ``calico.md`` §11).

Source: projectcalico/calico ``felix/rules/endpoints.go`` (host endpoint chains), ``felix/config/config_params.go``
(failsafe ports), ``kube-controllers/pkg/controllers/node/hostendpoints.go`` (labels of automatic ones).
"""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import dataclass, replace

from translators.ir.policy import Action, Entity, Policy, PolicyKind, PortRange, Rule, Tier
from translators.passes.scope import scope_policy
from translators.selectors.ast import All, And, Compare, Has, In, Node, Not, Or
from translators.selectors.evaluate import matches
from translators.source import from_object
from translators.span import NOWHERE
from translators.world import EVERY_INTERFACE, FAILSAFES, HostEndpoint, World

__all__ = ["HOSTNAME", "HostPolicies", "host_policies"]

HOSTNAME = "kubernetes.io/hostname"
CREATED_BY = "projectcalico.org/created-by"
CONTROLLER = "calico-kube-controllers"
ALLOWS = "projectcalico-default-allow"
_FIRST = Tier("failsafes", float("-inf"), Action.PASS)
_LAST = Tier("no-profile", None)


@dataclass(frozen=True, slots=True)
class HostPolicies:
    """Policies whose subjects are nodes, the tiers they run in, and the host endpoints that they select.

    ``sources`` are the policies of the input among them.
    """

    policies: tuple[Policy, ...]
    tiers: Mapping[str, Tier]
    hosts: tuple[HostEndpoint, ...]
    sources: tuple[Policy, ...]


def host_policies(policies: Sequence[Policy], tiers: Mapping[str, Tier], world: World) -> HostPolicies | None:
    """Give the policies of nodes, None where no policy selects a host endpoint of all interfaces."""
    known = _in_force(world)
    chosen = [(p, _selected(p, known)) for p in policies]
    chosen = [(p, hosts) for p, hosts in chosen if hosts]
    if not chosen:
        return None
    automatic = all(h.labels.get(CREATED_BY) == CONTROLLER for h in known)
    rewritten = [_of_nodes(p, hosts, automatic=automatic) for p, hosts in chosen]
    selected = {h.name: h for _, hosts in chosen for h in hosts}
    added = [_failsafes(rewritten)]
    bare = sorted({h.node for h in selected.values() if ALLOWS not in h.profiles})
    if bare:
        added.append(_shut(bare, rewritten))
    return HostPolicies(
        (*added, *rewritten),
        {**tiers, _FIRST.name: _FIRST, _LAST.name: _LAST},
        tuple(selected.values()),
        tuple(p for p, _ in chosen),
    )


def _in_force(world: World) -> list[HostEndpoint]:
    """Give one host endpoint for each node: that of all interfaces, with the lowest name."""
    found: dict[str, HostEndpoint] = {}
    for _, host in sorted(world.host_endpoints.items()):
        if host.interface == EVERY_INTERFACE and host.node:
            found.setdefault(host.node, host)
    return list(found.values())


def _selected(policy: Policy, hosts: Sequence[HostEndpoint]) -> list[HostEndpoint]:
    special = policy.staged or policy.pre_dnat or policy.do_not_track
    scoped = scope_policy(policy)
    if special or not scoped.selects_hosts:
        return []
    return [h for h in hosts if matches(scoped.subject, h.labels)]


def _of_nodes(policy: Policy, hosts: Sequence[HostEndpoint], *, automatic: bool) -> Policy:
    """Automatic host endpoints carry their node's labels; others are named by their nodes."""
    subject: Node = In(HOSTNAME, frozenset(h.node for h in hosts))
    if automatic:
        subject = _without_pods(scope_policy(policy).subject)
    return replace(policy, selector=subject, namespace_selector=None, account_selector=None)


def _without_pods(node: Node) -> Node:
    """Settle what is known of every automatic host endpoint; the rest speaks of the node's labels."""
    match node:
        case And(operands):
            return And(tuple(_without_pods(part) for part in operands))
        case Or(operands):
            return Or(tuple(_without_pods(part) for part in operands))
        case Not(operand):
            return Not(_without_pods(operand))
        case Has(key) | Compare(key, _, _) | In(key, _, _) if _settled(key):
            return All() if matches(node, {CREATED_BY: CONTROLLER}) else Not(All())
    return node


def _settled(key: str) -> bool:
    return key.startswith(("pcns.", "pcsa.", "projectcalico.org/"))


def _failsafes(policies: Sequence[Policy]) -> Policy:
    ingress = _allows(FAILSAFES.inbound) if any(p.applies_ingress for p in policies) else ()
    egress = _allows(FAILSAFES.outbound) if any(p.applies_egress for p in policies) else ()
    return replace(
        _made(_FIRST, "failsafes", Or(tuple(p.selector for p in policies))),
        ingress=ingress,
        egress=egress,
        applies_ingress=bool(ingress),
        applies_egress=bool(egress),
    )


def _allows(ports: Sequence[tuple[int, int]]) -> tuple[Rule, ...]:
    protocols = sorted({protocol for protocol, _ in ports})
    return tuple(
        Rule(
            Action.ALLOW,
            index,
            NOWHERE,
            protocol=protocol,
            destination=Entity(ports=tuple(PortRange(n, n) for p, n in ports if p == protocol)),
        )
        for index, protocol in enumerate(protocols)
    )


def _shut(nodes: Sequence[str], policies: Sequence[Policy]) -> Policy:
    subject = And((In(HOSTNAME, frozenset(nodes)), Or(tuple(p.selector for p in policies))))
    return replace(
        _made(_LAST, "no-profile", subject),
        applies_ingress=any(p.applies_ingress for p in policies),
        applies_egress=any(p.applies_egress for p in policies),
    )


def _made(tier: Tier, name: str, subject: Node) -> Policy:
    document = from_object({"kind": "FelixConfiguration", "metadata": {"name": "default"}}, "<felix>")
    return Policy(PolicyKind.FELIX, None, name, tier.name, None, NOWHERE, document, subject)
