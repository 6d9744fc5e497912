"""The policies that let Cilium's nodes talk to each other past Calico's host endpoints (``procedure.md`` §5.3).

A policy that newly applies to an endpoint isolates it: the end of its tier would drop all else. So an allowance stands
in the first tier that already decides about an endpoint in that direction, selects by the very selectors that apply
there, and comes before them; pods are left out by the label that Calico gives to each of them. What this cannot reach
(an endpoint that only its profiles close) is named, not forced.
"""

from __future__ import annotations

from collections.abc import Iterable, Iterator, Mapping
from dataclasses import dataclass
from typing import Any

from migrate.engine.host_policies import Drop, calico_policies, host_traffic
from migrate.model.addresses import network
from migrate.model.cilium_ports import ICMP, Port, node_ports
from migrate.model.fields import text
from migrate.model.settings import Settings
from migrate.model.snapshot import Snapshot
from migrate.model.variant import Variant, calico_api
from translators.errors import TranslatorError
from translators.flows import Direction
from translators.semantics.calico.labels import host_labels, selects
from translators.semantics.calico.model import CalicoPolicies
from translators.semantics.calico.shapes import ScopedPolicy, TierWalk

__all__ = ["Allowance", "allowance"]

NO_POD = "!has(projectcalico.org/orchestrator)"
OWNED = {"c2c/owned": "true"}
Object = dict[str, Any]


@dataclass(frozen=True, slots=True)
class Allowance:
    """The policies to apply, and what would still be dropped with them in place."""

    objects: tuple[Object, ...] = ()
    left: tuple[Drop, ...] = ()


def allowance(snapshot: Snapshot, settings: Settings, variant: Variant) -> Allowance:
    """Give the smallest set of policies that lets Cilium's ports through between nodes; none where nothing drops them."""
    drops = host_traffic(snapshot, settings, variant).drops
    if not drops:
        return Allowance()
    try:
        policies = calico_policies(snapshot, variant)
    except (TranslatorError, ValueError, TypeError, KeyError, AttributeError):
        return Allowance((), drops)
    objects = tuple(
        _policy(tier, direction, snapshot, settings, variant)
        for tier, direction in _places(drops, policies)
        if _selectors(tier, direction, snapshot)
    )
    return Allowance(objects, host_traffic(snapshot, settings, variant, objects).drops)


def _places(drops: Iterable[Drop], policies: CalicoPolicies) -> Iterator[tuple[TierWalk, Direction]]:
    """Give each tier and direction that is the first to decide about an endpoint that drops, once."""
    seen = set()
    for drop in drops:
        host = policies.world.host_endpoints[drop.endpoint.removeprefix("HostEndpoint/")]
        labels = host_labels(host, policies.world)
        for tier in policies.tiers:
            if any(_applies(p, drop.direction) and selects(p.subject, labels) for p in tier.policies):
                if (tier.name, drop.direction) not in seen:
                    seen.add((tier.name, drop.direction))
                    yield tier, drop.direction
                break


def _applies(policy: ScopedPolicy, direction: Direction) -> bool:
    return policy.kind == "GlobalNetworkPolicy" and not policy.special and policy.applies(direction)


def _selectors(tier: TierWalk, direction: Direction, snapshot: Snapshot) -> list[str]:
    """Give the selectors of the global policies of a tier that apply in a direction, as they are written."""
    names = {p.name for p in tier.policies if _applies(p, direction)}
    found = []
    for item in snapshot.calico("globalnetworkpolicies"):
        spec = item.at("spec")
        by_pod = text(spec, "namespaceSelector") or text(spec, "serviceAccountSelector")
        same_tier = text(spec, "tier", default="default") == tier.name
        if same_tier and not by_pod and names & {item.name, item.name.removeprefix("default.")}:
            found.append(text(spec, "selector") or "all()")
    return list(dict.fromkeys(found))


def _policy(
    tier: TierWalk, direction: Direction, snapshot: Snapshot, settings: Settings, variant: Variant
) -> Object:
    chosen = " || ".join(f"({s})" for s in _selectors(tier, direction, snapshot))
    orders = [p.order for p in tier.policies if p.order is not None]
    return {
        "apiVersion": calico_api(variant),
        "kind": "GlobalNetworkPolicy",
        "metadata": {"name": f"{tier.name}.c2c-cilium-nodes-{direction}", "labels": dict(OWNED)},
        "spec": {
            "tier": tier.name,
            "order": min(orders, default=1) - 1,
            "selector": f"({chosen}) && {NO_POD}",
            "types": [direction.value.capitalize()],
            direction.value: list(_rules(direction, snapshot, settings)),
        },
    }


def _rules(direction: Direction, snapshot: Snapshot, settings: Settings) -> Iterator[Object]:
    """Give the rules of each family: Calico takes no rule with networks of both."""
    known = (network(a) for n in snapshot.nodes for a in n.internal_addresses)
    addresses = list(dict.fromkeys(net for net in known if net is not None))
    ports = node_ports(settings)
    for family in (4, 6):
        nets = [str(net) for net in addresses if net.version == family]
        if nets:
            yield from _rules_of_family(direction, family, nets, ports)


def _rules_of_family(
    direction: Direction, family: int, nets: list[str], ports: Iterable[Port]
) -> Iterator[Object]:
    by_protocol: dict[str, list[int | str]] = {}
    for port in ports:
        single = port.first == port.last
        written: int | str = port.first if single else f"{port.first}:{port.last}"
        by_protocol.setdefault(port.protocol, []).append(written)
    for protocol, numbers in by_protocol.items():
        if protocol == ICMP:
            kind, number = ("ICMP", 8) if family == 4 else ("ICMPv6", 128)
            yield _rule(direction, kind, nets, {}) | {"icmp": {"type": number}}
        else:
            yield _rule(direction, protocol, nets, {"ports": numbers})


def _rule(direction: Direction, protocol: str, nets: list[str], ports: Mapping[str, Any]) -> Object:
    peers = {"nets": nets}
    ends: Object = (
        {"source": peers, "destination": dict(ports)}
        if direction is Direction.INGRESS
        else {"destination": {**peers, **ports}}
    )
    return {"action": "Allow", "protocol": protocol, **{k: v for k, v in ends.items() if v}}
