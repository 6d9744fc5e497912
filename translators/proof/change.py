"""What changes between two sets of one engine: the flows whose verdict differs, for every label set.

Only pods that a changed policy selects can be decided otherwise, so only they are looked at; where the tiers or the
world behind the sets differ, everybody is.
"""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass, replace
from itertools import islice

from translators.algebra.cubes import Budget, join, sub
from translators.algebra.space import AddressAtom, AtomKind, Space
from translators.flows import Direction, Flow, FlowVerdict
from translators.proof.boxes import largest_boxes
from translators.proof.fields import kinds
from translators.proof.sides import PolicySide
from translators.proof.witness import witnesses
from translators.world import World

__all__ = ["Change", "Changes", "changes"]

_CAP = 20_000
MAX_WITNESSES = 16
_BEHIND = (
    "namespaces",
    "service_accounts",
    "host_endpoints",
    "network_sets",
    "services",
    "slices",
    "profiles",
)


@dataclass(frozen=True, slots=True)
class Change:
    """One box in which every verdict changes, with an example that both evaluations confirm, if one was found."""

    direction: Direction
    opens: bool
    cube: int
    example: tuple[Flow, FlowVerdict, FlowVerdict] | None


@dataclass(frozen=True, slots=True)
class Changes:
    """Every change, and the directions that were too large to be worked out."""

    space: Space
    found: tuple[Change, ...]
    unknown: tuple[Direction, ...]
    looked_at: int


def changes(before: PolicySide, after: PolicySide) -> Changes:
    """Give what changes from one set to the other.

    ``looked_at`` counts the policies that are not the same on both sides.
    """
    vocabulary = before.vocabulary()
    vocabulary.add(after.vocabulary())
    space = Space(vocabulary, before.world)
    old, new = before.units(), after.units()
    names = {name for name in {*old, *new} if old.get(name) != new.get(name)}
    everyone = "" in names or _behind(before.world) != _behind(after.world)
    found: list[Change] = []
    unknown = []
    for direction in Direction:
        if everyone:
            region = [_policed(space, direction)]
        else:
            both = [side.subjects(space, direction, names) for side in (before, after)]
            region = join(space.layout, [*both[0], *both[1]])
        one = _changed(before, after, space, direction, region)
        if one is None:
            unknown.append(direction)
        else:
            found += one
    return Changes(space, tuple(found), tuple(unknown), len(names - {""}))


def _behind(world: World) -> list[object]:
    """Give what of a world may stand among the policy files, versions of the objects aside."""
    listed: list[object] = []
    for name in _BEHIND:
        value = getattr(world, name)
        items = value.values() if hasattr(value, "values") else value
        listed.append(
            [replace(i, resource_version="") if hasattr(i, "resource_version") else i for i in items]
        )
    return listed


def _policed(space: Space, direction: Direction) -> int:
    """Give every pod as subject; traffic from a pod's own host is never policed on its way in."""
    pods = space.subject.where(lambda a: isinstance(a, AddressAtom) and a.kind is AtomKind.POD)
    peers = space.peer.mask
    if direction is Direction.INGRESS:
        peers &= ~kinds(space, AtomKind.HOST)
    return space.only(space.subject, pods) & space.only(space.peer, peers)


def _changed(
    before: PolicySide, after: PolicySide, space: Space, direction: Direction, region: Sequence[int]
) -> list[Change] | None:
    if not region:
        return []
    sides = [side.allowed(space, direction, region) for side in (before, after)]
    old, new = sides
    if old is None or new is None:
        return None
    found = []
    for opens, left, right in ((True, new, old), (False, old, new)):
        rest = sub(space.layout, left, right, _CAP, Budget())
        if rest is None:
            return None
        for box in largest_boxes(space, rest):
            real, example = _example(before, after, (space, direction, box))
            if real:
                found.append(Change(direction, opens, box, example))
    return found


def _example(
    before: PolicySide, after: PolicySide, where: tuple[Space, Direction, int]
) -> tuple[bool, tuple[Flow, FlowVerdict, FlowVerdict] | None]:
    """Say whether any cluster can hold a flow of the box, and give one that both evaluations tell apart."""
    space, direction, box = where
    real = False
    for world, flow in islice(witnesses(space, box, direction, before.world), MAX_WITNESSES):
        real = True
        old, new = before.judge(world, flow), after.judge(world, flow)
        one, two = (v.ingress if direction is Direction.INGRESS else v.egress for v in (old, new))
        if one is not None and two is not None and one.verdict is not two.verdict:
            return True, (flow, old, new)
    return real, None
