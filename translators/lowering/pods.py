"""The pods that exist, as cubes: their labels, and the atoms of their addresses.

What is worked out from them holds while they stay as they are; nothing here is said of other pods.
"""

from __future__ import annotations

from collections.abc import Sequence
from functools import cached_property

from translators.algebra.cubes import join
from translators.algebra.space import AddressAtom, AtomKind, SideName, Space
from translators.world import Pod, World

__all__ = ["Placed", "label_cube", "living"]


def living(world: World) -> list[Pod]:
    """Give the pods that have a policy and an address of their own."""
    return [p for p in world.pods if not (p.host_network or p.finished)]


def label_cube(
    space: Space, pod: Pod, side: SideName, world: World, hidden: frozenset[tuple[str, ...]] = frozenset()
) -> int:
    """Give the smallest cube with every value of a pod's on one side; ``hidden`` fields stay open."""
    namespace = world.namespaces.get(pod.namespace)
    places = namespace.labels if namespace is not None else {}
    own = {"namespace": pod.namespace, "account": pod.service_account}
    cube = space.full
    for field in space.fields:
        if field.name[0] != side or field.name[1:] in hidden:
            continue
        labels = places if field.name[1] == "nslabel" else pod.labels
        value = own.get(field.name[1]) if len(field.name) == 2 else labels.get(field.name[2])
        cube &= space.only(field, field.of_label(value))
    return cube


class Placed:
    """Which label sets are at which addresses now, as peers."""

    def __init__(self, space: Space, world: World, hidden: frozenset[tuple[str, ...]]) -> None:
        """``hidden``: fields of labels that Cilium leaves out, so that nothing can be told by them."""
        self._space = space
        kind = AtomKind.POD
        self._every = space.peers(lambda atom: atom.kind is kind) & space.peer.mask
        self._world = world
        self._hidden = hidden

    @cached_property
    def _pods(self) -> frozenset[tuple[int, int]]:
        """Worked out only if a rule speaks of pods by address."""
        space, world = self._space, self._world
        return frozenset(
            (label_cube(space, pod, SideName.PEER, world, self._hidden), self._at(pod))
            for pod in living(world)
            if pod.addresses
        )

    def _at(self, pod: Pod) -> int:
        def holds(atom: object) -> bool:
            return (
                isinstance(atom, AddressAtom)
                and atom.kind is AtomKind.POD
                and any(i.holds(a) for i in atom.intervals for a in pod.addresses)
            )

        return self._space.peer.where(holds)

    def named(self, cube: int) -> list[int] | None:
        """Say by labels alone which pods a cube holds by address; None where labels do not tell them apart."""
        peer, meets = self._space.peer.mask, self._space.layout.meets
        inside, outside = set[int](), set[int]()
        for labels, bits in self._pods:
            if meets(cube | peer, labels):
                if bits & cube:
                    inside.add(labels)
                if bits & ~cube:
                    outside.add(labels)
        if inside & outside:
            return None
        if not outside and inside:
            return [(cube & ~peer) | self._every]
        return join(self._space.layout, self._kept(cube, sorted(inside)))

    def _kept(self, cube: int, chosen: Sequence[int]) -> list[int]:
        peer = self._space.peer.mask
        return [(cube & labels & ~peer) | self._every for labels in chosen]
