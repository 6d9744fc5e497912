"""Hold any policy set against any other: Calico's against Cilium's by the proof, two of one engine by what changes.

Which engine reads a side follows from the kinds of its objects. Nothing is taken from a compiler's notes: what is
compared is what the objects say.
"""

from __future__ import annotations

from collections.abc import Iterable, Mapping
from dataclasses import dataclass, field, replace
from typing import Any

from translators.diagnostics import Diagnostic
from translators.errors import InputError
from translators.flows import Decision, Direction, FlowVerdict
from translators.policyset import CALICO, CILIUM, Around, ReadSet, engine_of, read_set
from translators.proof import Claims, prove
from translators.proof.change import changes
from translators.proof.obligations import Obligations
from translators.proof.population import Population
from translators.proof.settle import Settler
from translators.proof.sides import CalicoSet, CiliumSet
from translators.proof.witnessed import Witnessed, witnessed
from translators.proof.words import Words, describe
from translators.settings import Options
from translators.source import Document, iterate
from translators.span import Span
from translators.world import AddressPlan

__all__ = ["Counterexample", "Verification", "verify"]

MAX_SHOWN = 200
Input = Iterable[Document | Mapping[str, Any]]


@dataclass(frozen=True, slots=True)
class Counterexample:
    """One box in which the sets differ, in words, with an example that both evaluations confirm.

    ``opens``: the second set allows what the first drops. ``before`` and ``after`` are (verdict, what decided,
    place) of the example. ``pods`` counts those of the cluster that send and that receive, None for an end that is
    not pods alone; None without a cluster.
    """

    opens: bool
    direction: str
    src: str
    dst: str
    packets: str
    before: tuple[str, str, str]
    after: tuple[str, str, str]
    pods: tuple[int | None, int | None] | None = None


@dataclass(frozen=True, slots=True)
class Verification:
    """What a comparison found; ``proved`` only if nothing is open.

    ``engines`` read the two sides. ``checked`` counts obligations, or the policies that are not the same on both
    sides where one engine reads both; ``unconfirmed`` what is open without an example. ``refused``: Cilium objects
    that the agent would not take, with the reason, which leaves their subjects open. ``diagnostics``: what could
    not be read of Calico's side; ``not_compared`` names policies about traffic that no pod's policy decides;
    ``compared`` counts the points of both matrices over a cluster.
    """

    engines: tuple[str, str]
    checked: int
    counterexamples: tuple[Counterexample, ...] = ()
    unconfirmed: int = 0
    refused: tuple[tuple[Span, str, str], ...] = ()
    diagnostics: tuple[Diagnostic, ...] = ()
    not_compared: tuple[str, ...] = ()
    compared: Mapping[str, int] = field(default_factory=dict)

    @property
    def incomplete(self) -> tuple[Diagnostic, ...]:
        """Give why the input does not decide: policies that could not be read, or that wait for a decision."""
        return tuple(item for item in self.diagnostics if item.refuses)

    @property
    def differs(self) -> bool:
        """Say whether something is known to differ."""
        return bool(self.counterexamples or self.refused)

    @property
    def proved(self) -> bool:
        """Say whether the two sets give the same verdict for every flow and every label set."""
        return not (self.differs or self.unconfirmed or self.incomplete)


def verify(
    before: Input,
    after: Input,
    *,
    cluster: Input | None = None,
    options: Options | None = None,
    plan: AddressPlan | None = None,
) -> Verification:
    """Prove that the set ``after`` decides as the set ``before`` does, or say where it does not.

    Kubernetes NetworkPolicies belong to the side in which they stand; a side that holds nothing else is read by
    Calico before, by Cilium after. Only pods as subjects are compared. Raises ``InputError`` for a side that mixes
    the engines, or for Cilium's set before Calico's.
    """
    old, new = list(iterate(before)), list(iterate(after))
    behind = list(iterate(cluster)) if cluster is not None else None
    around = Around(behind, plan, options or Options())
    engines = engine_of(old, CALICO), engine_of(new, CILIUM)
    if engines == (CILIUM, CALICO):
        what = "Cilium's set stands before Calico's"
        raise InputError(what, fix="exchange the two sides")
    first, second = read_set(old, engines[0], around), read_set(new, engines[1], around)
    if engines == (CALICO, CILIUM):
        return _proof(first, second)
    return _change(first, second)


def _proof(before: ReadSet, after: ReadSet) -> Verification:
    """Check every obligation; what is open is worked out, and over a cluster both matrices are asked too."""
    calico = before.calico()
    sides = calico, replace(after, world=before.world).cilium()
    obligations = prove(*sides, Claims())
    settler = Settler(*sides, obligations)
    counted = Population(settler.space, before.world) if before.world.is_cluster else None
    shown: list[Counterexample] = []
    unconfirmed = 0
    for direction in Direction:
        cubes = [o.cube for o in obligations.open if o.direction is direction]
        for item in settler.settle(direction, cubes) if cubes else ():
            if item.example is None or len(shown) >= MAX_SHOWN:
                unconfirmed += 1
                continue
            words = Words(settler.space, direction)
            verdicts = item.example.calico, item.example.cilium
            shown.append(_worded(words, (direction, item.cubes), verdicts, counted))
    over = witnessed(*sides, obligations) if before.world.is_cluster else Witnessed()
    unseen = sum(not _is_open(obligations, u.direction, u.cube) for u in over.unexplained)
    return Verification(
        (CALICO, CILIUM),
        sum(obligations.checked.values()),
        _sorted(shown),
        unconfirmed + unseen,
        after.refused(),
        before.diagnostics,
        before.left_out,
        {"points": over.agree + over.differ, "differ": over.differ} if over.classes else {},
    )


def _change(before: ReadSet, after: ReadSet) -> Verification:
    """Say what changes between two sets of one engine."""
    if before.engine == CALICO:
        result = changes(CalicoSet(before.calico()), CalicoSet(after.calico()))
    else:
        result = changes(CiliumSet(before.cilium()), CiliumSet(after.cilium()))
    counted = Population(result.space, before.world) if before.world.is_cluster else None
    shown = [
        _worded(Words(result.space, c.direction), (c.direction, (c.cube,)), c.example[1:], counted)
        for c in result.found[:MAX_SHOWN]
        if c.example is not None
    ]
    return Verification(
        (before.engine, after.engine),
        result.looked_at,
        _sorted(shown),
        len(result.found) - len(shown) + len(result.unknown),
        after.refused(),
        tuple(dict.fromkeys((*before.diagnostics, *after.diagnostics))),
        tuple(sorted({*before.left_out, *after.left_out})),
    )


def _sorted(shown: Iterable[Counterexample]) -> tuple[Counterexample, ...]:
    unique = dict.fromkeys(shown)
    return tuple(sorted(unique, key=lambda c: (not c.opens, c.src, c.dst, c.packets, c.direction)))


def _is_open(obligations: Obligations, direction: Direction, cube: int) -> bool:
    meets = obligations.space.layout.meets
    return any(o.direction is direction and meets(o.cube, cube) for o in obligations.open)


def _worded(
    words: Words,
    where: tuple[Direction, tuple[int, ...]],
    sides: tuple[FlowVerdict, FlowVerdict],
    counted: Population | None,
) -> Counterexample:
    direction, cubes = where
    source, destination, packets = describe(words, cubes)
    old, new = (_side(v.ingress if direction is Direction.INGRESS else v.egress) for v in sides)
    pods = counted.of(direction, cubes) if counted is not None else None
    return Counterexample(new[0] == "allow", str(direction), source, destination, packets, old, new, pods)


def _side(decision: Decision | None) -> tuple[str, str, str]:
    assert decision is not None  # an example that was confirmed has both
    return str(decision.verdict), decision.by, str(decision.span or "")
