"""Port names as numbers, for targets that skip a rule on egress whose port name means several numbers.

Before Cilium 1.20 such a rule is left out as a whole: an allow shuts, a deny opens (cilium/cilium#24779). So the name is
replaced by the numbers that the pods of each label class give it today (CAL-L508).
"""

from __future__ import annotations

from dataclasses import dataclass

from translators.algebra.cubes import Budget, join, sub
from translators.algebra.space import AtomKind, SideName, Space
from translators.ir.policy import PortRange
from translators.lowering.pods import label_cube, living
from translators.lowering.traffic import Traffic
from translators.world import World

__all__ = ["Numbered", "NumberedNames"]

_NUMBERS = {"TCP": 6, "UDP": 17, "SCTP": 132}
_LIMIT = 20_000


@dataclass(frozen=True, slots=True)
class Numbered:
    """A port name said by numbers: ``region`` stands for it; ``changed`` is where the two differ by definition.

    ``ambiguous``: classes whose pods disagree on the number, so that all of them get each.
    """

    region: tuple[int, ...]
    changed: tuple[int, ...]
    ambiguous: tuple[int, ...]


class NumberedNames:
    """Knows what the pods that exist call their ports."""

    def __init__(
        self, space: Space, world: World, traffic: Traffic, hidden: frozenset[tuple[str, ...]]
    ) -> None:
        """``hidden``: fields of labels that no pods can be told apart by."""
        self._space = space
        self._world = world
        self._traffic = traffic
        self._hidden = hidden
        self._pods = space.peers(lambda atom: atom.kind is AtomKind.POD)

    def of(self, name: str) -> Numbered:
        """Give one name by the numbers of each label class."""
        layout = self._space.layout
        classes: dict[int, set[tuple[int, int]]] = {}
        for pod in living(self._world):
            labels = label_cube(self._space, pod, SideName.PEER, self._world, self._hidden)
            own = {
                (_NUMBERS[p.protocol], p.number)
                for p in pod.ports
                if p.name == name and p.protocol in _NUMBERS
            }
            classes.setdefault(labels, set()).update(own)
        region, ambiguous = [], []
        for labels, ports in sorted(classes.items()):
            cubes = [labels & self._pods & c for port in sorted(ports) for c in self._at(port)]
            region += cubes
            ambiguous += cubes if len(ports) > 1 else []
        said = join(layout, region)
        called = [self._traffic.called(name) & self._pods]
        changed = [*self._minus(called, said), *self._minus(said, called)]
        return Numbered(tuple(said), tuple(changed), tuple(join(layout, ambiguous)))

    def _minus(self, region: list[int], holes: list[int]) -> list[int]:
        rest = sub(self._space.layout, region, holes, _LIMIT, Budget())
        return region if rest is None else rest

    def _at(self, port: tuple[int, int]) -> list[int]:
        protocol, number = port
        return self._traffic.ported(protocol, [PortRange(number, number)])
