"""Expectations that know no vendor: who may reach whom, asked of any policy set under either engine.

An expectation holds if every flow that it names has the expected verdict: each pod that its labels select, each part
of the outside that the policies tell apart, each family that both ends have. So "the world is kept out" cannot be
met by one address that happens to be.
"""

from __future__ import annotations

from collections.abc import Iterator, Mapping, Sequence
from dataclasses import dataclass
from itertools import product
from typing import Any

from translators.algebra.cidrs import BITS, Address, Interval, cut
from translators.ends import MADE, End, EndKind, Packet, in_world, matching, parse_end, parse_packet
from translators.errors import InputError
from translators.explanation import Explainer
from translators.flows import ICMP, ICMPV6, Decision, FlowVerdict, Verdict
from translators.policyset import CALICO, ReadSet
from translators.proof.vocabulary import cilium_vocabulary, source_vocabulary
from translators.span import NOWHERE, Span
from translators.world import Pod, World

__all__ = ["Answer", "Expectation", "expectation", "hold"]

KEYS = ("from", "to", "port", "expect", "why")
_VERDICTS = {"allow": Verdict.ALLOW, "drop": Verdict.DENY, "deny": Verdict.DENY}
MAX_FLOWS = 100_000
_IMPLIED = {ICMP: 4, ICMPV6: 6}


@dataclass(frozen=True, slots=True)
class Expectation:
    """One line of the file: who, whom, which packet, and whether it is to arrive."""

    source: End
    target: End
    packet: Packet
    expected: Verdict
    why: str = ""
    span: Span = NOWHERE

    @property
    def words(self) -> str:
        """Give the flow in words."""
        return f"{self.source.text} → {self.target.text}, {self.packet}"


@dataclass(frozen=True, slots=True)
class Answer:
    """What one engine says of an expectation: how many flows were asked, and the first that is not as expected.

    ``by`` and ``place`` are what decided that flow; empty where the expectation holds.
    """

    expectation: Expectation
    engine: str
    asked: int
    holds: bool
    flow: str = ""
    by: str = ""
    place: str = ""


def expectation(data: object, span: Span = NOWHERE) -> Expectation:
    """Read one entry; raises ``InputError`` with what is wrong with it."""
    if not isinstance(data, Mapping):
        what = "an expectation is a map"
        raise InputError(what, fix=f"its keys are {', '.join(KEYS)}")
    if unknown := [str(key) for key in data if key not in KEYS]:
        what = f"{unknown[0]} is no key of an expectation"
        raise InputError(what, fix=f"its keys are {', '.join(KEYS)}")
    if missing := [key for key in KEYS[:4] if data.get(key) in {None, ""}]:
        what = f"{missing[0]} is missing"
        raise InputError(what, fix="{from: shop/app=web, to: shop/app=db, port: 5432/TCP, expect: allow}")
    verdict = _VERDICTS.get(str(data["expect"]).lower())
    if verdict is None:
        what = f"expect: {data['expect']!r} is no verdict"
        raise InputError(what, fix="write allow or drop")
    return Expectation(
        parse_end(str(data["from"])),
        parse_end(str(data["to"])),
        parse_packet(str(data["port"])),
        verdict,
        str(data.get("why") or ""),
        span,
    )


def hold(wanted: Sequence[Expectation], policies: ReadSet) -> list[Answer]:
    """Ask each expectation of one set; raises ``InputError`` for an end that is not there, or one too wide to ask."""
    networks = _networks(policies)
    found = []
    for item in wanted:
        try:
            found.append(_answer(item, policies, networks))
        except InputError as error:
            raise InputError(f"{item.span}: {error.what}", fix=error.fix) from error
    return found


def _networks(policies: ReadSet) -> list[Interval]:
    """Give the networks that the set names: the world is asked once in each part that they cut it into."""
    if policies.engine == CALICO:
        return sorted(source_vocabulary(policies.calico()).networks)
    return sorted(cilium_vocabulary(policies.cilium()).networks)


def _answer(item: Expectation, policies: ReadSet, networks: Sequence[Interval]) -> Answer:
    world = policies.world
    for number, end in enumerate((item.source, item.target), 1):
        if end.kind in {EndKind.LABELS, EndKind.POD, EndKind.NODE}:
            world, _ = in_world(world, end, number)
    explainer = Explainer(world, policies.documents, policies.engine, policies.options)
    asked = 0
    for source, target, family in _pairs(item, world, networks):
        asked += 1
        found = explainer.verdict({"src": source, "dst": target, "family": family, **item.packet.fields()})
        if found.verdict is not item.expected:
            decision = _deciding(found)
            by, place = (decision.by, str(decision.span or "")) if decision is not None else ("", "")
            flow = f"{_name(source, item.source)} → {_name(target, item.target)}"
            return Answer(item, policies.engine, asked, holds=False, flow=flow, by=by, place=place)
    return Answer(item, policies.engine, asked, holds=asked > 0)


def _pairs(
    item: Expectation, world: World, networks: Sequence[Interval]
) -> Iterator[tuple[Mapping[str, str], Mapping[str, str], int]]:
    """Give every pair of ends of one family that the expectation names."""
    implied = _IMPLIED.get(item.packet.protocol)
    near = EndKind.NODE in {item.source.kind, item.target.kind}
    for family in (4, 6):
        if implied not in {None, family}:
            continue
        members = _Members(world, networks, family, near=near)
        sides = [list(members.of(end)) for end in (item.source, item.target)]
        if len(sides[0]) * len(sides[1]) > MAX_FLOWS:
            what = f"{item.words}: {len(sides[0]):,} × {len(sides[1]):,} flows are too many to ask"
            raise InputError(what, fix="name more labels")
        for source, target in product(*sides):
            if source != target:
                yield source, target, family


class _Members:
    """Finds what an end stands for, in one family; ``near``: it matters on which node a pod runs."""

    def __init__(self, world: World, networks: Sequence[Interval], family: int, *, near: bool) -> None:
        self._world = world
        self._networks = networks
        self._family = family
        self._near = near

    def of(self, end: End) -> Iterator[Mapping[str, str]]:
        """Give every member as a flow names it."""
        match end.kind:
            case EndKind.WORLD:
                yield from self._outside()
            case EndKind.ADDRESS:
                if end.address is not None and end.address.family == self._family:
                    yield {"ip": str(end.address)}
            case EndKind.NODE:
                if any(a.family == self._family for a in self._world.nodes[end.name].addresses):
                    yield {"node": end.name}
            case _:
                yield from ({"pod": f"{p.namespace}/{p.name}"} for p in self._pods(end))

    def _outside(self) -> Iterator[Mapping[str, str]]:
        """Give one address in each part of the outside that the policies tell apart."""
        world, plan = self._world, self._world.plan
        taken = {a for p in world.pods for a in p.addresses}
        taken |= {a for n in world.nodes.values() for a in n.addresses}
        whole = Interval(self._family, 0, (1 << BITS[self._family]) - 1)
        inside = [c.interval for c in (*plan.pods, *plan.nodes, *plan.services) if c.family == self._family]
        for piece in cut(whole, [*self._networks, *inside]):
            if not any(i.first <= piece.first and piece.last <= i.last for i in inside):
                yield from _free(piece, taken)

    def _pods(self, end: End) -> list[Pod]:
        """Give one pod for each set of labels, account and ports: policy cannot tell the others apart."""
        found: dict[object, Pod] = {}
        for pod in matching(self._world, end):
            if any(a.family == self._family for a in pod.addresses):
                place = pod.node if self._near else ""
                key = (frozenset(pod.labels.items()), pod.service_account, pod.ports, pod.host_network, place)
                found.setdefault(key, pod)
        return list(found.values())


def _free(piece: Interval, taken: set[Address]) -> Iterator[Mapping[str, str]]:
    last = min(piece.last, piece.first + len(taken))
    free = (Address(piece.family, value) for value in range(piece.first, last + 1))
    found = next((address for address in free if address not in taken), None)
    if found is not None:
        yield {"ip": str(found)}


def _deciding(found: FlowVerdict) -> Decision | None:
    """Give the decision that made the verdict: the first that denies, else the last that allows."""
    decided = [d for d in (found.egress, found.ingress) if d is not None]
    return next((d for d in decided if d.verdict is Verdict.DENY), decided[-1] if decided else None)


def _name(end: Mapping[str, Any], typed: End) -> str:
    """Name a member of an end; a pod that was made for it is called as it was typed."""
    kind, value = next(iter(end.items()))
    if kind == "pod" and str(value).rpartition("/")[2].startswith(MADE):
        return typed.text
    return str(value) if kind in {"pod", "ip"} else f"{kind} {value}"
