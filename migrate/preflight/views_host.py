"""Questions about the hosts that several rules ask: firewalls, what they let in, tables and devices."""

from __future__ import annotations

from collections.abc import Iterable, Iterator, Mapping
from typing import Any

from migrate.model.cilium_ports import ICMP, Port
from migrate.model.facts import NodeFacts
from migrate.model.fields import maps, number, text

__all__ = [
    "CALICO_DEVICES",
    "PACKET_FILTERS",
    "closed_ports",
    "filters",
    "is_calico_device",
    "packet_filters",
    "table_name",
]

PACKET_FILTERS = frozenset({"firewalld", "ufw", "nftables"})
CALICO_DEVICES = (
    "tunl0", "vxlan.calico", "vxlan-v6.calico", "wireguard.cali", "wg-v6.cali", "bpfin.cali", "bpfout.cali",
)  # fmt: skip
"""Devices of Calico's by name, beside a pod's ``cali…`` (``removal.md`` §5)."""


def is_calico_device(name: str) -> bool:
    """Say whether a device is one of Calico's."""
    return name in CALICO_DEVICES or name.startswith("cali")


def filters(facts: NodeFacts) -> Iterator[Mapping[str, Any]]:
    """Give what is active on a host and may stop a packet or a process."""
    return maps(facts.data, "firewalls")


def packet_filters(facts: NodeFacts) -> list[Mapping[str, Any]]:
    """Give those of them that judge packets; SELinux and AppArmor judge processes."""
    return [f for f in filters(facts) if text(f, "name") in PACKET_FILTERS]


def closed_ports(firewall: Mapping[str, Any], ports: Iterable[Port]) -> list[Port]:
    """Give the ports that a firewall is not known to let in from other nodes: all of them where it could not tell."""
    listed = firewall.get("open")
    opened = {str(o).lower() for o in listed} if isinstance(listed, list | tuple) else set()
    return [p for p in ports if not all(_is_open(p, number, opened) for number in p.numbers)]


def _is_open(port: Port, number: int, opened: Iterable[str]) -> bool:
    for entry in opened:
        protocol, _, numbers = entry.partition("/")
        if protocol != port.protocol.lower() and protocol != "all":
            continue
        first, _, last = numbers.partition("-")
        if port.protocol == ICMP or protocol == "all" or not numbers:
            return True
        if first.isdigit() and int(first) <= number <= int(last if last.isdigit() else first):
            return True
    return False


def table_name(entry: Mapping[str, Any]) -> str:
    """Give ``nft IPv4 filter`` for a table of a node."""
    return f"{text(entry, 'backend')} IPv{number(entry, 'family')} {text(entry, 'table')}"
