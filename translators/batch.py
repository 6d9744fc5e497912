"""Many flows over one set of policies: the answers of ``explanation``, from decision lists instead of walks.

Pods and addresses are put into the classes of a matrix once; for a pod's class, a direction and an atom of traffic
the deciding rule of every peer is worked out at once, and remembered as text. Whatever has no class (a peer that
is odd, a host endpoint, a flow that is none) goes to the explainer itself: its answer is the contract.
"""

from __future__ import annotations

import json
from collections.abc import Iterable, Mapping, Sequence
from dataclasses import dataclass, replace
from json.encoder import encode_basestring
from typing import Any, Protocol

from translators.algebra.cidrs import parse_address
from translators.explanation import Explainer, number_of, protocol_of, told
from translators.flows import Decision, Direction, Peer, PeerKind, Verdict
from translators.places import Atoms, Places
from translators.proof.compare import classified
from translators.semantics.calico.decisions import Decisions as CalicoDecisions
from translators.semantics.calico.matrix import CalicoSide
from translators.semantics.calico.model import CalicoPolicies
from translators.semantics.cilium.decisions import Decisions as CiliumDecisions
from translators.semantics.cilium.matrix import CiliumSide
from translators.semantics.cilium.model import CiliumPolicies
from translators.settings import Options
from translators.source import Document
from translators.universe import Cuts, Side, Universe
from translators.world import Pod, World

__all__ = ["Batch"]

_MOST_KEPT = 200_000
"""So many ends, or kinds of traffic, are remembered before they are forgotten together."""
_NUMBERS = {"port": 65535, "src_port": 65535, "icmp_type": 255, "icmp_code": 255}
_FIELDS = ("protocol", *_NUMBERS)
_PLAIN = frozenset({str, int, type(None)})
_Key = tuple[Direction, int, str]
_Told = tuple[str, bool]
"""What one direction says, as JSON, and whether it denies."""
_UNPOLICED: _Told = ("null", False)


class _Decisions(Protocol):
    polices_nodes: bool

    def tells(self, pod: Pod) -> bool: ...

    def before_policies(self, direction: Direction, protocol: int, port: int) -> Decision | None: ...

    def group(self, direction: Direction, subject: int) -> int: ...

    def listed(
        self, direction: Direction, subject: int, pod: Pod, atom: int
    ) -> Sequence[tuple[int, Decision]]: ...


@dataclass(slots=True, eq=False)
class _End:
    """One end of a flow: the place of its class, and of the class that it has for pods on the same node.

    ``egress`` and ``ingress`` name the lists of a pod: those of its group, whose words may hold its namespace.
    """

    place: int
    own_place: int | None
    pod: Pod | None = None
    node: str = ""
    egress: _Key = (Direction.EGRESS, 0, "")
    ingress: _Key = (Direction.INGRESS, 0, "")


class _List:
    """The decision list of one group of pods, direction and atom, and what it said of the peers so far."""

    __slots__ = ("_entries", "_known", "_texts")

    def __init__(self, entries: Sequence[tuple[int, Decision]]) -> None:
        """``entries`` are (peers, decision), each peer in one of them."""
        self._entries = entries
        self._texts: dict[int, _Told] = {}
        self._known: dict[int, _Told] = {}

    def of(self, peer: int) -> _Told:
        found = self._known.get(peer)
        if found is None:
            bit = 1 << peer
            place = next(place for place, (peers, _) in enumerate(self._entries) if peers & bit)
            if place not in self._texts:
                self._texts[place] = _as_json(self._entries[place][1])
            found = self._known[peer] = self._texts[place]
        return found


@dataclass(frozen=True, slots=True, eq=False)
class _Traffic:
    """One kind of traffic: the lists of its atom, what is decided before any policy, the family that it implies."""

    atom: int
    lists: dict[_Key, _List]
    before: Mapping[Direction, _Told | None]
    family: int


class Batch:
    """Answers flows one after another; equal kinds of traffic, ends and classes are worked out once.

    ``from_lists`` counts the answers that needed no walk.
    """

    def __init__(self, world: World, documents: Iterable[Document], engine: str, options: Options) -> None:
        """``engine`` is ``calico`` or ``cilium``; objects that only the other reads are ignored."""
        listed = list(documents)
        self._explainer = Explainer(world, listed, engine, options)
        self._decisions, self._places, self._atoms = _prepared(world, listed, engine, options)
        self._ends: dict[tuple[str, str, int], _End | None] = {}
        self._traffic: dict[tuple[object, ...], _Traffic | None] = {}
        self._lists: dict[int, dict[_Key, _List]] = {}
        self.from_lists = 0

    def answer(self, data: Mapping[str, Any]) -> tuple[str, bool]:
        """Give the answer to one flow as JSON, and whether it is one: else it says what is wrong."""
        try:
            found = self._from_lists(data)
        except (KeyError, TypeError, ValueError, AttributeError):
            found = None
        if found is None:
            answer = self._explainer.answer(data)
            return json.dumps(answer, ensure_ascii=False), "error" not in answer
        self.from_lists += 1
        name = data.get("id")
        text = encode_basestring(name) if type(name) is str else json.dumps(name, ensure_ascii=False)
        return f'{{"id": {text}, {found}}}', True

    def _from_lists(self, data: Mapping[str, Any]) -> str | None:
        """Give all of an answer but its id, None where the lists do not say; raises for what is no flow."""
        traffic = self._of_traffic(data)
        if traffic is None:
            return None
        source, target = data["src"], data["dst"]
        family = data.get("family") or self._family(source, target, traffic)
        src, dst = self._end(source, family), self._end(target, family)
        if src is None or dst is None:
            return None
        of_dst, of_src = _seen_from(src, dst), _seen_from(dst, src)
        if of_dst is None or of_src is None:
            return None
        egress = self._told(Direction.EGRESS, traffic, src, of_dst)
        ingress = self._told(Direction.INGRESS, traffic, dst, of_src)
        verdict = Verdict.DENY if egress[1] or ingress[1] else Verdict.ALLOW
        return f'"verdict": "{verdict}", "egress": {egress[0]}, "ingress": {ingress[0]}'

    def _family(self, source: Mapping[str, Any], target: Mapping[str, Any], traffic: _Traffic) -> int:
        named = source.get("ip") or target.get("ip")
        return parse_address(named).family if named else traffic.family

    def _of_traffic(self, data: Mapping[str, Any]) -> _Traffic | None:
        """Give a kind of traffic; its fields must be texts and numbers, because 6.0 equals 6 and is none."""
        key = tuple(map(data.get, _FIELDS))
        if not _PLAIN.issuperset(map(type, key)):
            return None
        if key not in self._traffic:
            if len(self._traffic) > _MOST_KEPT:
                self._traffic.clear()
            self._traffic[key] = self._worked_out(*key)
        return self._traffic[key]

    def _worked_out(self, protocol: object, *numbers: Any) -> _Traffic | None:  # noqa: ANN401  # numbers as typed
        number = protocol_of(protocol)
        port, source_port, type_, code = (
            number_of(value, name, most)
            for value, (name, most) in zip(numbers, _NUMBERS.items(), strict=True)
        )
        atom = self._atoms.of(number, (port, source_port), (type_, code))
        if atom is None:
            return None
        before = {d: self._decisions.before_policies(d, number, port) for d in Direction}
        told_before = {d: None if decision is None else _as_json(decision) for d, decision in before.items()}
        family = 6 if str(protocol).lower() == "icmpv6" else 4
        return _Traffic(atom, self._lists.setdefault(atom, {}), told_before, family)

    def _end(self, end: Mapping[str, Any], family: int) -> _End | None:
        """Give one end of a flow, None where it has no class; raises ``ValueError`` for what is no end."""
        ((kind, name),) = end.items()
        key = (kind, name, family)
        if type(name) is not str or type(family) is not int:
            return None
        if key not in self._ends:
            if len(self._ends) > _MOST_KEPT:
                self._ends.clear()
            self._ends[key] = self._classed(self._explainer.peer(end, family), family)
        return self._ends[key]

    def _classed(self, peer: Peer, family: int) -> _End | None:
        place = self._places.of(peer)
        if place is None or peer.address is None or peer.address.family != family:
            return None
        if peer.pod is not None:
            return self._of_pod(peer.pod, place)
        if peer.node is None:
            return _End(place, place)
        own = self._places.of(replace(peer, kind=PeerKind.HOST))
        if self._decisions.polices_nodes or not peer.node.name:
            return None
        return _End(place, own, None, peer.node.name)

    def _of_pod(self, pod: Pod, place: int) -> _End | None:
        if not self._decisions.tells(pod):
            return None
        keys = [
            (d, self._decisions.group(d, place), pod.namespace) for d in (Direction.EGRESS, Direction.INGRESS)
        ]
        return _End(place, place, pod, "", *keys)

    def _told(self, direction: Direction, traffic: _Traffic, own: _End, other: int) -> _Told:
        """Give what one end says of the other."""
        if own.pod is None:
            return _UNPOLICED
        if (before := traffic.before[direction]) is not None:
            return before
        key = own.egress if direction is Direction.EGRESS else own.ingress
        found = traffic.lists.get(key)
        if found is None:
            found = _List(self._decisions.listed(direction, own.place, own.pod, traffic.atom))
            traffic.lists[key] = found
        return found.of(other)


def _prepared(
    world: World, documents: Iterable[Document], engine: str, options: Options
) -> tuple[_Decisions, Places, Atoms]:
    """Read the policies, and put everything that they can tell apart into classes."""
    if engine == "calico":
        calico = CalicoPolicies.build(world, documents, options.calico_version)
        of_calico = CalicoSide(calico)
        cuts, universe, placed = _universe(of_calico, world)
        decisions: _Decisions = CalicoDecisions(calico, of_calico, universe)
    else:
        cilium = CiliumPolicies.build(world, documents, options.cilium)
        of_cilium = CiliumSide(cilium)
        cuts, universe, placed = _universe(of_cilium, world)
        decisions = CiliumDecisions(cilium, of_cilium, universe)
    return decisions, Places(world, cuts, placed), Atoms(universe.atoms, cuts)


def _universe(side: Side, world: World) -> tuple[list[Cuts], Universe, list[tuple[Peer, int]]]:
    universe, placed = classified([side], world)
    return [side.cuts()], universe, placed


def _seen_from(own: _End, other: _End) -> int | None:
    """Give the place of ``other`` for ``own``: a node is the local host of the pods that run on it."""
    if other.node and own.pod is not None and own.pod.node == other.node:
        return other.own_place
    return other.place


def _as_json(decision: Decision) -> _Told:
    return json.dumps(told(decision), ensure_ascii=False), decision.verdict is Verdict.DENY
