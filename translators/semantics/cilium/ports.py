"""Ports and ICMP types of one element, with the corners of the engine (``cilium.md`` §2, §3)."""

from __future__ import annotations

from collections.abc import Iterator, Mapping
from typing import Any

from translators.semantics.cilium.shapes import PortMatch

__all__ = ["FAMILIES", "TYPES", "port_number", "traffic_of"]

_PROTOCOLS = {"TCP": 6, "UDP": 17, "SCTP": 132, "VRRP": 112, "IGMP": 2, "GRE": 47, "IPIP": 4, "IPV6": 41,
              "ESP": 50, "AH": 51}  # fmt: skip
_ANY = frozenset({6, 17, 132})
FAMILIES = {"IPv4": 1, "IPv6": 58}
TYPES = {
    1: {"EchoReply": 0, "DestinationUnreachable": 3, "Redirect": 5, "Echo": 8, "EchoRequest": 8,
        "RouterAdvertisement": 9, "RouterSelection": 10, "TimeExceeded": 11, "ParameterProblem": 12,
        "Timestamp": 13, "TimestampReply": 14, "Photuris": 40, "ExtendedEchoRequest": 42,
        "ExtendedEchoReply": 43},
    58: {"DestinationUnreachable": 1, "PacketTooBig": 2, "TimeExceeded": 3, "ParameterProblem": 4,
         "EchoRequest": 128, "EchoReply": 129, "MulticastListenerQuery": 130, "MulticastListenerReport": 131,
         "MulticastListenerDone": 132, "RouterSolicitation": 133, "RouterAdvertisement": 134,
         "NeighborSolicitation": 135, "NeighborAdvertisement": 136, "RedirectMessage": 137,
         "RouterRenumbering": 138, "ICMPNodeInformationQuery": 139, "ICMPNodeInformationResponse": 140,
         "InverseNeighborDiscoverySolicitation": 141, "InverseNeighborDiscoveryAdvertisement": 142,
         "HomeAgentAddressDiscoveryRequest": 144, "HomeAgentAddressDiscoveryReply": 145,
         "MobilePrefixSolicitation": 146, "MobilePrefixAdvertisement": 147,
         "DuplicateAddressRequestCodeSuffix": 157, "DuplicateAddressConfirmationCodeSuffix": 158,
         "ExtendedEchoRequest": 160, "ExtendedEchoReply": 161},
}  # fmt: skip
"""Names of ICMP types by protocol, as ``pkg/policy/api/icmp.go`` has them."""


def traffic_of(item: Mapping[str, Any]) -> tuple[PortMatch, ...] | None:
    """Give what an element's traffic matches, None for every protocol there is."""
    found = [
        match
        for rule in item.get("toPorts") or ()
        for port in rule.get("ports") or ()
        for match in _port(port)
    ]
    found += [
        match
        for rule in item.get("icmps") or ()
        for field in rule.get("fields") or ()
        for match in _icmp(field)
    ]
    restricted = bool(item.get("toPorts")) or bool(item.get("icmps"))
    return tuple(found) if restricted else None


def _port(data: Mapping[str, Any]) -> Iterator[PortMatch]:
    """Omitted protocol is ANY: TCP, UDP and SCTP; port 0, and a range that begins there, is every port."""
    protocol = data.get("protocol") or "ANY"
    protocols = _ANY if protocol == "ANY" else frozenset({_PROTOCOLS[protocol]})
    text = str(data.get("port") or "0")
    first, last = port_number(text), int(data.get("endPort") or 0)
    if first is None:
        yield PortMatch(protocols, 0, last, name=text.lower())
        return
    if first == 0:
        yield PortMatch(protocols)
    else:
        yield PortMatch(protocols, first, max(first, last))


def port_number(text: str) -> int | None:
    """Read a port as the agent does, None for a name; a leading zero makes it octal. Raises ``ValueError``."""
    if not (text.isascii() and text.isdigit()):
        return None
    return int(text, 8) if text.startswith("0") and len(text) > 1 else int(text)


def _icmp(data: Mapping[str, Any]) -> Iterator[PortMatch]:
    """Type 0 is a wildcard of its family (cilium/cilium#41304)."""
    protocol = FAMILIES[data.get("family") or "IPv4"]
    value = data.get("type", 0)
    number = TYPES[protocol].get(value) if isinstance(value, str) and not value.isdigit() else int(value)
    if number is not None:
        yield PortMatch(frozenset({protocol}), types=None if number == 0 else frozenset({number}))
