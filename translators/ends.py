"""The ends of a flow as people type them: ``ns/pod``, ``ns/app=web``, an address, ``host:NODE``, ``world``.

What is typed names no vendor, so the same words serve a question to either engine, an expectation, and a probe.
A pod that does not exist yet is made, with an address that nothing else has.
"""

from __future__ import annotations

import re
from collections.abc import Iterator, Mapping
from dataclasses import dataclass, field, replace
from enum import StrEnum

from translators.algebra.cidrs import Address, parse_address
from translators.errors import InputError
from translators.flows import ICMP, ICMPV6, PROTOCOLS
from translators.world import Namespace, Node, Pod, World

__all__ = [
    "MADE",
    "End",
    "EndKind",
    "Packet",
    "in_world",
    "matching",
    "parse_end",
    "parse_packet",
    "parse_target",
]

MADE = "c2c-made-"
"""How the names of pods begin that are made for a question."""

WORLD_ADDRESS = "198.51.100.77"
FORMS = "ends are ns/pod, ns/app=web, an IP, host:NODE or world"
_EXAMPLE = {4: 0x0AFE0100, 6: 0xFD00_C2C0 << 96}
_NODE = "192.0.2.10"
_TARGET = re.compile(r"(?P<end>.+?):(?P<packet>(?:[^:\]]+))\Z")
_PORT = re.compile(r"(?P<port>\d{1,5})(?:/(?P<protocol>[A-Za-z]+))?\Z")
_ICMP = re.compile(
    r"(?P<protocol>icmp|icmpv6)(?:/(?P<type>\d{1,3})(?:/(?P<code>\d{1,3}))?)?\Z", re.IGNORECASE
)
_NUMBER = re.compile(r"proto/(?P<number>\d{1,3})\Z", re.IGNORECASE)
_NAMES = {name.upper(): name for name in PROTOCOLS}


class EndKind(StrEnum):
    """How an end was named."""

    POD = "pod"
    LABELS = "labels"
    ADDRESS = "address"
    NODE = "node"
    WORLD = "world"


@dataclass(frozen=True, slots=True)
class End:
    """One end as typed; ``name`` is a pod's or a node's."""

    kind: EndKind
    text: str
    namespace: str = ""
    name: str = ""
    labels: Mapping[str, str] = field(default_factory=dict)
    address: Address | None = None


@dataclass(frozen=True, slots=True)
class Packet:
    """What is sent: a port for TCP, UDP and SCTP, type and code for ICMP, else the protocol alone."""

    protocol: int
    port: int = 0
    icmp_type: int = 0
    icmp_code: int = 0

    def fields(self) -> dict[str, int]:
        """Give the packet as the fields of a flow."""
        if self.protocol in {ICMP, ICMPV6}:
            return {"protocol": self.protocol, "icmp_type": self.icmp_type, "icmp_code": self.icmp_code}
        return {"protocol": self.protocol, "port": self.port}

    def __str__(self) -> str:
        """Give the packet in words: ``TCP 5432``, ``ICMP 8/0``."""
        names = {number: name for name, number in PROTOCOLS.items()}
        name = names.get(self.protocol, f"protocol {self.protocol}")
        if self.protocol in {ICMP, ICMPV6}:
            return f"{name} {self.icmp_type}/{self.icmp_code}"
        return f"{name} {self.port}" if self.port else name


def parse_end(text: str) -> End:
    """Read one end; raises ``InputError`` for what is none."""
    if text == "world":
        return End(EndKind.WORLD, text)
    if text.startswith("host:") and len(text) > len("host:"):
        return End(EndKind.NODE, text, name=text.removeprefix("host:"))
    if "/" not in text:
        try:
            return End(EndKind.ADDRESS, text, address=parse_address(text.strip("[]")))
        except ValueError as error:
            what = f"{text!r} is no end of a flow"
            raise InputError(what, fix=FORMS) from error
    namespace, _, rest = text.partition("/")
    if not namespace or not rest:
        what = f"{text!r} names no pod"
        raise InputError(what, fix=FORMS)
    if "=" not in rest:
        return End(EndKind.POD, text, namespace, rest)
    pairs = [part.partition("=") for part in rest.split(",")]
    if not all(key and equals for key, equals, _ in pairs):
        what = f"{text!r} holds a label without a value"
        raise InputError(what, fix="write it as shop/app=web,tier=front")
    return End(EndKind.LABELS, text, namespace, labels={key: value for key, _, value in pairs})


def parse_target(text: str) -> tuple[End, Packet]:
    """Read ``END:PORT[/PROTO]``, ``END:icmp[/TYPE[/CODE]]`` or ``END:proto/NUMBER``."""
    found = _TARGET.match(text)
    if not found or (found["end"].count(":") > 1 and not found["end"].endswith("]")):
        what = f"{text!r} names no port"
        raise InputError(
            what, fix="write it as shop/db:5432, shop/db:53/UDP, shop/db:icmp/8 or [fd00::1]:443"
        )
    return parse_end(found["end"]), parse_packet(found["packet"])


def parse_packet(text: str) -> Packet:
    """Read ``PORT[/PROTO]``, ``icmp[/TYPE[/CODE]]`` or ``proto/NUMBER``; raises ``InputError`` for neither."""
    if found := _ICMP.match(text):
        six = found["protocol"].lower() == "icmpv6"
        numbers = int(found["type"] or (128 if six else 8)), int(found["code"] or 0)
        if max(numbers) <= 255:
            return Packet(ICMPV6 if six else ICMP, 0, *numbers)
    elif found := _NUMBER.match(text):
        if int(found["number"]) <= 255:
            return Packet(int(found["number"]))
    elif found := _PORT.match(text):
        name = _NAMES.get((found["protocol"] or "TCP").upper())
        if name is not None and name not in {"ICMP", "ICMPv6"} and int(found["port"]) <= 65535:
            return Packet(PROTOCOLS[name], int(found["port"]))
    what = f"{text!r} names no protocol and port"
    raise InputError(what, fix="write it as 5432, 53/UDP, icmp/8 or proto/47")


def in_world(world: World, end: End, number: int, family: int = 4) -> tuple[World, dict[str, str]]:
    """Give the end as a flow names it, in a world that holds it.

    Of several pods the first by name counts. Without a cluster a pod named alone is taken to be labelled
    ``app``. Raises ``InputError`` for a pod or a node that a cluster does not hold.
    """
    match end.kind:
        case EndKind.WORLD:
            return world, {"entity": "world"} if family == 6 else {"ip": WORLD_ADDRESS}
        case EndKind.ADDRESS:
            return world, {"ip": str(end.address)}
        case EndKind.NODE:
            return _with_node(world, end), {"node": end.name}
    pod = next(matching(world, end), None)
    if pod is not None:
        return world, {"pod": f"{pod.namespace}/{pod.name}"}
    if end.kind is EndKind.POD and world.is_cluster:
        what = f"there is no pod {end.text}"
        raise InputError(what, fix="name its labels instead: shop/app=web")
    made = Pod(
        end.namespace,
        f"{MADE}{number}",
        end.labels or {"app": end.name},
        addresses=(Address(4, _EXAMPLE[4] + number), Address(6, _EXAMPLE[6] + number)),
    )
    namespaces = dict(world.namespaces)
    if not world.is_cluster:
        namespaces.setdefault(end.namespace, Namespace(end.namespace))
    elif end.namespace not in namespaces:
        what = f"there is no namespace {end.namespace}"
        raise InputError(what, fix=FORMS)
    return replace(world, pods=(*world.pods, made), namespaces=namespaces), {
        "pod": f"{made.namespace}/{made.name}"
    }


def _with_node(world: World, end: End) -> World:
    if end.name in world.nodes:
        return world
    if world.is_cluster and world.nodes:
        what = f"there is no node {end.name}"
        raise InputError(what, fix=f"nodes are {', '.join(sorted(world.nodes)[:5])}")
    node = Node(end.name, addresses=(parse_address(_NODE),))
    return replace(world, nodes={**world.nodes, end.name: node})


def matching(world: World, end: End) -> Iterator[Pod]:
    """Give the living pods that an end names, by name: one of that name, else those of its owner, or by labels."""
    living = sorted((p for p in world.pods if p.namespace == end.namespace and not p.finished), key=_name)
    if end.kind is EndKind.LABELS:
        yield from (p for p in living if end.labels.items() <= p.labels.items())
        return
    exact = [p for p in living if p.name == end.name]
    owned = (p for p in living if p.name.startswith(f"{end.name}-"))
    yield from (
        exact
        or list(owned)
        or [p for p in living if p.name.startswith(MADE) and p.labels == {"app": end.name}]
    )


def _name(pod: Pod) -> str:
    return pod.name
