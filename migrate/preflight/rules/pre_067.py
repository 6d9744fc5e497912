"""PRE-067: packets of a pod must fit through both overlays, on every node.

*Cilium's pod MTU* is the MTU of the node's uplink (or ``MTU`` of the values) minus 50 for a tunnel over IPv4, 70 over
IPv6 (cilium ``pkg/mtu``). *Calico's* is what its devices have: the smallest ``cali*`` of the node, else what is
configured, else the uplink minus the overhead of the pools (VXLAN 50, IPIP 20, WireGuard 60, over IPv6 70, 40, 80).
That is already the device's MTU minus the overhead, so it is compared as it stands. Cilium's greater than Calico's
blocks; Calico's greater than Cilium's leaves Calico's large packets to path MTU discovery, which is a warning. Nodes
whose uplink differs from most nodes' are named too.
"""

from __future__ import annotations

from collections import Counter
from collections.abc import Iterator

from migrate.model.facts import NodeFacts
from migrate.model.fields import items, maps, number, text
from migrate.model.findings import Severity
from migrate.model.nodes import Node
from migrate.preflight.rule import Case, Group, Hit, Rule, Unread
from migrate.preflight.views_network import pools

__all__ = ["RULE"]

TUNNEL = {4: 50, 6: 70}
ENCAPSULATION = {"vxlan": {4: 50, 6: 70}, "ipip": {4: 20, 6: 40}, "none": {4: 0, 6: 0}}
WIREGUARD = {4: 60, 6: 80}


def check(case: Case) -> Iterator[Hit | Unread]:
    """Compare both MTUs node by node, then the nodes' uplinks with each other."""
    uplinks = {}
    by_name = {n.name: n for n in case.snapshot.nodes}
    for facts in case.facts("links", "addresses", "routes"):
        node = by_name.get(facts.node)
        uplink = _uplink(facts, node) if node is not None else 0
        if node is None or not uplink:
            yield Unread(f"the uplink of node/{facts.node}")
            continue
        uplinks[facts.node] = uplink
        yield from _compared(case, facts, node, uplink)
    yield from _uneven(uplinks)


def _compared(case: Case, facts: NodeFacts, node: Node, uplink: int) -> Iterator[Hit]:
    family = 4 if any("." in a for a in node.internal_addresses) else 6
    base = number(case.draft.values, "M", "MTU") or uplink
    cilium, calico = base - TUNNEL[family], _calico(case, facts, uplink, family)
    if cilium == calico:
        return
    fills = {"a": cilium, "b": calico, "n": facts.node}
    evidence = {"uplink": uplink, "cilium": cilium, "calico": calico}
    if cilium > calico:
        yield Hit(f"node/{facts.node}", fills, evidence, facts.node)
    else:
        message = "MTU: Cilium {a}, Calico {b} on {n}: Calico's large packets need path MTU discovery towards Cilium's pods"
        yield Hit(f"node/{facts.node}", fills, evidence, facts.node, Severity.WARN, message)


def _uneven(uplinks: dict[str, int]) -> Iterator[Hit]:
    if len(set(uplinks.values())) < 2:
        return
    usual = max(Counter(uplinks.values()).items(), key=lambda pair: (pair[1], pair[0]))[0]
    for name, mtu in sorted(uplinks.items()):
        if mtu != usual:
            message = "MTU: the uplink of {n} has {a}, most nodes have {b}"
            yield Hit(
                f"node/{name}",
                {"a": mtu, "b": usual, "n": name},
                {"uplink": mtu, "usual": usual},
                name,
                message=message,
            )


def _uplink(facts: NodeFacts, node: Node) -> int:
    """Give the smallest MTU of the devices that carry the node's address or a default route; 0 where none shows."""
    own = set(node.internal_addresses)
    names = {
        text(entry, "ifname")
        for entry in maps(facts.data, "addresses")
        if any(text(a, "local") in own for a in items(entry, "addr_info"))
    }
    for route in maps(facts.data, "routes"):
        if text(route, "dst") == "default":
            names |= {text(route, "dev"), *(text(hop, "dev") for hop in items(route, "nexthops"))}
    found = [number(link, "mtu") for link in maps(facts.data, "links") if text(link, "ifname") in names]
    return min((mtu for mtu in found if mtu), default=0)


def _calico(case: Case, facts: NodeFacts, uplink: int, family: int) -> int:
    devices = [
        number(link, "mtu")
        for link in maps(facts.data, "links")
        if text(link, "ifname").startswith("cali") and number(link, "mtu")
    ]
    if devices:
        return min(devices)
    return _configured(case) or uplink - _overhead(case, family)


def _configured(case: Case) -> int:
    """Give the MTU that is written down for pods; 0 (automatic) where none is."""
    snapshot = case.snapshot
    for item in snapshot.of("installations.operator.tigera.io"):
        if mtu := number(item.data, "spec", "calicoNetwork", "mtu") or number(item.data, "status", "mtu"):
            return mtu
    config = snapshot.config_map("kube-system", "calico-config") or {}
    return number(config, "veth_mtu")


def _overhead(case: Case, family: int) -> int:
    used = [ENCAPSULATION[p.encapsulation][family] for p in pools(case) if p.for_workloads]
    wireguard = WIREGUARD[family] if case.draft.variant.wireguard else 0
    return max([*used, wireguard], default=0)


RULE = Rule(
    number=67,
    group=Group.NETWORK,
    severity=Severity.BLOCK,
    title="MTUs of the two overlays differ",
    message="MTU: Cilium {a}, Calico {b} on {n}",
    remedy="set MTU in the Cilium values (the uplink's smallest), or lower Calico's first; gate G-07 proves it",
    check=check,
    failures=(10,),
    calico=("ippools",),
    facts=("links", "addresses", "routes"),
)
