"""Close an expansion that fits no budget: keep of an Allow what the pods that exist can use, and shut the rest.

Only pieces of Allows are ever left out, so a pod with labels that nobody has yet may lose traffic and never gain
any (``expansion.md`` §5). Both functions know nothing of policies.
"""

from __future__ import annotations

from collections.abc import Callable, Sequence
from functools import cache

from translators.algebra.cubes import Budget, Layout, join
from translators.algebra.space import AddressAtom, AtomKind, SideName, Space
from translators.lowering.pods import label_cube, living
from translators.world import Pod, World

__all__ = ["inhabited", "realised_in"]


def inhabited(
    layout: Layout,
    region: Sequence[int],
    holes: Sequence[int],
    realised: Callable[[int], bool],
    budget: Budget,
) -> list[int]:
    """Give ``region`` minus ``holes`` without the pieces that hold no realised pair; the pieces are disjoint.

    At most as many pieces stay as there are realised pairs and atoms of traffic.
    """
    rest = [cube for cube in region if realised(cube)]
    for hole in holes:
        pieces = []
        for cube in rest:
            if layout.meets(cube, hole):
                budget.calls += 1
                pieces += [piece for piece in layout.sharp(cube, hole) if realised(piece)]
            else:
                pieces.append(cube)
        rest = join(layout, pieces)
    return rest


def realised_in(space: Space, world: World) -> Callable[[int], bool]:
    """Give the question whether a cube holds a pod that exists as its subject, and a peer that exists.

    Peers that are no pods always exist; port names and traffic are not asked for.
    """
    others = space.peers(lambda atom: atom.kind is not AtomKind.POD) & space.peer.mask
    meets = space.layout.meets

    @cache
    def pods(side: SideName) -> frozenset[int]:
        """Give the cubes of the pods, worked out only if anything is ever closed."""
        return frozenset(_cube(space, pod, side, world) for pod in living(world))

    def realised(cube: int) -> bool:
        lived = any(meets(cube, subject) for subject in pods(SideName.SUBJECT))
        return lived and (bool(cube & others) or any(meets(cube, peer) for peer in pods(SideName.PEER)))

    return realised


def _cube(space: Space, pod: Pod, side: SideName, world: World) -> int:
    which = space.subject if side is SideName.SUBJECT else space.peer
    atoms = which.where(lambda atom: _is_at(atom, pod)) or which.where(_is_pod)
    return label_cube(space, pod, side, world) & space.only(which, atoms)


def _is_pod(atom: object) -> bool:
    return isinstance(atom, AddressAtom) and atom.kind is AtomKind.POD


def _is_at(atom: object, pod: Pod) -> bool:
    """A pod whose address no atom holds may be at any."""
    if not isinstance(atom, AddressAtom) or atom.kind is not AtomKind.POD:
        return False
    return not atom.intervals or any(i.holds(a) for i in atom.intervals for a in pod.addresses)
