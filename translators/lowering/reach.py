"""What a network reaches in the target besides the outside world.

By default nothing. In match mode ``pods`` it also matches pods by their address, in mode ``nodes`` nodes. A pod is one
identity with all of its addresses, and by none of them where Cilium gives pods another range; of a node only all or none are written, so that it may be one too. A local host is matched like any other node, so no network may stand in an
ingress deny for nodes (``translation.md`` C3, §6 rule 15). That ``0.0.0.0/0`` does not match nodes in mode ``nodes`` is
a defect of one release: nothing here rests on it, either way. Nodes are never named by their labels (``fromNodes``):
the engine did not confirm what that matches.
"""

from __future__ import annotations

from collections.abc import Iterable, Mapping, Sequence

from translators.algebra.cidrs import Interval, covers, intersect, merge
from translators.algebra.space import AddressAtom, AtomKind, Space, Vocabulary
from translators.flows import Direction
from translators.ir.policy import Action, Entity, Policy, PolicyKind, Rule
from translators.settings import CiliumConfig
from translators.world import World

__all__ = ["MODES_SINCE", "Reach", "marks_of", "missing_modes"]

MODES_SINCE = (1, 20)


class Reach:
    """What of one space's peers networks reach, in one direction."""

    def __init__(self, space: Space, world: World, config: CiliumConfig, direction: Direction) -> None:
        """On ingress the subject's own host is nobody's peer: only other nodes are asked for."""
        self.pods = "pods" in config.cidr_match_mode
        self.by_address = self.pods and len(world.plan.families) == 1 and not world.plan.cilium_pods
        self._new = tuple(cidr.interval for cidr in world.plan.cilium_pods) if self.pods else ()
        self.nodes = "nodes" in config.cidr_match_mode
        self._space = space
        self._atoms = [(a, bit) for a, bit in space.peer.bits.items() if isinstance(a, AddressAtom)]
        kinds = {AtomKind.REMOTE} | ({AtomKind.HOST} if direction is Direction.EGRESS else set())
        placed: dict[tuple[Interval, ...], int] = {}
        for atom, bit in self._atoms:
            if atom.kind in kinds and atom.intervals:
                placed[atom.intervals] = placed.get(atom.intervals, 0) | bit
        self.units: tuple[int, ...] = ()
        if self.nodes:
            self.units = tuple(_whole_nodes(world, placed) if world.nodes else placed.values())

    @property
    def kinds(self) -> frozenset[AtomKind]:
        """Give the kinds of peers that a network matches by address."""
        found = {AtomKind.WORLD} | ({AtomKind.POD} if self.pods else set())
        return frozenset(found | ({AtomKind.HOST, AtomKind.REMOTE} if self.nodes else set()))

    def outside_at(self, bits: int) -> int:
        """Give the atoms of the outside world at the addresses of these pods or nodes: nobody has those."""
        pods = any(bit & bits for atom, bit in self._atoms if atom.kind is AtomKind.POD)
        held = (i for atom, bit in self._atoms if bit & bits for i in atom.intervals)
        spans = merge([*held, *(self._new if pods else ())])
        return sum(
            bit
            for atom, bit in self._atoms
            if atom.kind is AtomKind.WORLD and atom.intervals and covers(spans, atom.intervals[:1])
        )

    def nowhere(self) -> int:
        """Give the atoms of the outside world whose addresses a network can only mean for pods or nodes."""
        kinds = {AtomKind.POD} if self.pods else set()
        kinds |= {AtomKind.HOST, AtomKind.REMOTE} if self.nodes else set()
        return self.outside_at(sum(bit for atom, bit in self._atoms if atom.kind in kinds)) if kinds else 0


def _whole_nodes(world: World, placed: Mapping[tuple[Interval, ...], int]) -> list[int]:
    """Give, for each node of which every address is an atom of its own, the bits of all."""
    found = []
    for node in world.nodes.values():
        own = [Interval(a.family, a.value, a.value) for a in node.addresses]
        mine = {spans: bit for spans, bit in placed.items() if covers(own, spans)}
        if mine and covers([i for spans in mine for i in spans], own):
            found.append(sum(mine.values()))
    return found


def marks_of(world: World, config: CiliumConfig, vocabulary: Vocabulary) -> None:
    """Add the boundaries that the target's networks can tell apart among pods and nodes to a vocabulary."""
    if "pods" in config.cidr_match_mode:
        vocabulary.networks.update(c.interval for c in (*world.plan.pods, *world.plan.cilium_pods))
    if "nodes" in config.cidr_match_mode:
        vocabulary.networks.update(_node_ranges(world))


def missing_modes(policy: Policy, world: World, config: CiliumConfig) -> Iterable[tuple[Rule, str]]:
    """Give the rules whose networks hold part of the pods or nodes, and the match mode that would say so.

    None where it would not help: networks beside a selector, and denies of nodes on ingress.
    """
    if policy.kind is PolicyKind.KUBERNETES_NETWORK_POLICY:
        return
    pods = merge(cidr.interval for cidr in world.plan.pods)
    nodes = _node_ranges(world)
    for applies, rules, direction in (
        (policy.applies_ingress, policy.ingress, Direction.INGRESS),
        (policy.applies_egress, policy.egress, Direction.EGRESS),
    ):
        for rule in rules if applies else ():
            entity = rule.source if direction is Direction.INGRESS else rule.destination
            if not entity.nets or rule.action is Action.LOG or _is_selected(entity):
                continue
            spans = merge(net.interval for net in entity.nets)
            helps = len(world.plan.families) == 1 and not world.plan.cilium_pods
            if helps and "pods" not in config.cidr_match_mode and _partly(spans, pods):
                yield rule, "pods"
            denies = rule.action is Action.DENY and direction is Direction.INGRESS
            told = "nodes" in config.cidr_match_mode or denies
            if not told and _partly(spans, nodes) and not _is_api_servers(spans, nodes, world):
                yield rule, "nodes"


def _is_api_servers(spans: Iterable[Interval], nodes: Sequence[Interval], world: World) -> bool:
    """Say whether these are the API servers among the nodes, all of them and no others: an entity names them."""
    servers = intersect(nodes, [cidr.interval for cidr in world.plan.api_servers])
    return bool(servers) and intersect(spans, nodes) == servers


def _is_selected(entity: Entity) -> bool:
    criteria = (entity.selector, entity.not_selector, entity.namespace_selector, entity.account_selector)
    return bool(entity.account_names) or any(c is not None for c in criteria)


def _partly(spans: Iterable[Interval], ranges: Iterable[Interval]) -> bool:
    held, whole = list(spans), list(ranges)
    return bool(intersect(held, whole)) and not covers(held, whole)


def _node_ranges(world: World) -> list[Interval]:
    known = [Interval(a.family, a.value, a.value) for n in world.nodes.values() for a in n.addresses]
    return known or [cidr.interval for cidr in world.plan.nodes]
