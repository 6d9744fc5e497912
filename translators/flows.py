"""Flows, peers and verdicts: the words in which both CNIs are asked and answer.

A *peer* is one end of a flow. ``POD`` names a pod (host-network pods are given as their node); ``WORLD`` an
address outside the cluster; ``HOST`` the node that the subject runs on and ``REMOTE`` any other node, each
with an address of that node; ``HOST_ENDPOINT`` a HostEndpoint whose own policies are asked; ``ENTITY`` one of
Cilium's address-less endpoints ``health``, ``ingress``, ``init``, ``unmanaged``, which Calico does not know:
to Calico they are a peer whose address is in no set, no network and no family.
"""

from __future__ import annotations

from dataclasses import dataclass
from enum import StrEnum

from translators.algebra.cidrs import Address
from translators.span import Span
from translators.world import HostEndpoint, Node, Pod

__all__ = [
    "ICMP",
    "ICMPV6",
    "PROTOCOLS",
    "SCTP",
    "TCP",
    "UDP",
    "Decision",
    "Direction",
    "Flow",
    "FlowVerdict",
    "Peer",
    "PeerKind",
    "Step",
    "Verdict",
]

TCP, UDP, SCTP, ICMP, ICMPV6 = 6, 17, 132, 1, 58
PROTOCOLS = {
    "TCP": TCP,
    "UDP": UDP,
    "SCTP": SCTP,
    "ICMP": ICMP,
    "ICMPv6": ICMPV6,
    "UDPLite": 136,
}
"""IP protocol numbers by the names that Calico uses."""


class Verdict(StrEnum):
    """The only word that both worlds share."""

    ALLOW = "allow"
    DENY = "deny"


class Direction(StrEnum):
    """Seen from the endpoint whose policy is asked."""

    INGRESS = "ingress"
    EGRESS = "egress"


class PeerKind(StrEnum):
    """What one end of a flow is; see the module."""

    POD = "pod"
    WORLD = "world"
    HOST = "host"
    REMOTE = "remote"
    HOST_ENDPOINT = "host-endpoint"
    ENTITY = "entity"


@dataclass(frozen=True, slots=True)
class Peer:
    """One end of a flow; ``address`` is the one in the packet, None only for ``ENTITY``."""

    kind: PeerKind
    address: Address | None = None
    pod: Pod | None = None
    node: Node | None = None
    host_endpoint: HostEndpoint | None = None
    entity: str = ""


@dataclass(frozen=True, slots=True)
class Flow:
    """The first packet of a connection, after DNAT and before SNAT.

    ``protocol`` is the IP protocol number; ports only for TCP, UDP and SCTP; ICMP type and code only for ICMP
    and ICMPv6. ``family`` is 4 or 6.
    """

    source: Peer
    destination: Peer
    protocol: int
    port: int = 0
    source_port: int = 0
    icmp_type: int = 0
    icmp_code: int = 0
    family: int = 4


@dataclass(frozen=True, slots=True)
class Step:
    """One line of a trace: where the walk was, what it met there, and what that did."""

    place: str
    rule: str
    outcome: str
    span: Span | None = None


@dataclass(frozen=True, slots=True)
class Decision:
    """The verdict of one direction and what decided it.

    ``by`` for Calico: ``Kind:[namespace/]name#INDEX``, ``Tier:NAME#end``, ``Profile:NAME#INDEX``,
    ``Encap#drop``; for Cilium ``Kind:[namespace/]name section[element]`` or ``default deny``,
    ``not isolated``, ``local host``.
    """

    verdict: Verdict
    by: str
    span: Span | None = None
    trace: tuple[Step, ...] = ()


@dataclass(frozen=True, slots=True)
class FlowVerdict:
    """Both directions; None where that end is no endpoint that the engine polices."""

    egress: Decision | None
    ingress: Decision | None

    @property
    def verdict(self) -> Verdict:
        """Give deny if one direction denies, else allow."""
        decided = [d.verdict for d in (self.egress, self.ingress) if d is not None]
        return Verdict.DENY if Verdict.DENY in decided else Verdict.ALLOW
