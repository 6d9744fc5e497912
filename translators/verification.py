"""Hold any Cilium policy set against a Calico one: the same proof, without a compiler's claims to go by."""

from __future__ import annotations

from collections.abc import Iterable, Mapping
from dataclasses import dataclass
from typing import Any

from translators.diagnostics import Diagnostic
from translators.flows import Direction
from translators.frontends import read_policies
from translators.proof import Claims, prove
from translators.proof.settle import Confirmed, Settler
from translators.proof.words import Words, describe
from translators.semantics.calico.model import CalicoPolicies
from translators.semantics.cilium.model import CiliumPolicies
from translators.settings import Options
from translators.source import Document, iterate
from translators.span import Span
from translators.world import AddressPlan
from translators.worldbuilder import build_world

__all__ = ["Counterexample", "Verification", "verify"]

MAX_SHOWN = 200
Input = Iterable[Document | Mapping[str, Any]]


@dataclass(frozen=True, slots=True)
class Counterexample:
    """One region in which the sets differ, in words, with a flow that both engines' evaluators confirm."""

    opens: bool
    direction: str
    src: str
    dst: str
    packets: str
    calico: tuple[str, str, str]
    cilium: tuple[str, str, str]


@dataclass(frozen=True, slots=True)
class Verification:
    """``proved`` only if every obligation holds; ``unconfirmed`` counts open ones without an example.

    ``refused``: Cilium objects that the agent would not take, with the reason; ``diagnostics`` from reading.
    """

    checked: int
    counterexamples: tuple[Counterexample, ...]
    unconfirmed: int
    refused: tuple[tuple[Span, str, str], ...]
    diagnostics: tuple[Diagnostic, ...]

    @property
    def proved(self) -> bool:
        """Say whether the two sets give the same verdict for every flow and every label set."""
        return not (self.counterexamples or self.unconfirmed or self.refused)


def verify(
    before: Input,
    after: Input,
    *,
    cluster: Input | None = None,
    options: Options | None = None,
    plan: AddressPlan | None = None,
) -> Verification:
    """Prove that Cilium's set ``after`` decides as Calico's set ``before`` does, or say where it does not.

    Kubernetes NetworkPolicies belong to the side in which they stand. Only pods as subjects are compared.
    """
    chosen = options or Options()
    old, new = list(iterate(before)), list(iterate(after))
    around = list(iterate(cluster)) if cluster is not None else []
    world, odd = build_world([*around, *old], plan=plan, is_cluster=cluster is not None)
    found = read_policies(old)
    usable = {id(p.document) for p in found.policies if not (p.staged or p.pre_dnat or p.do_not_track)}
    source = [*found.tier_objects, *(d for d in old if id(d) in usable)]
    calico = CalicoPolicies.build(world, source, chosen.calico_version)
    cilium = CiliumPolicies.build(world, new, chosen.cilium)
    obligations = prove(calico, cilium, Claims())
    settler = Settler(calico, cilium, obligations)
    shown: dict[tuple[bool, str, str, str, str], Counterexample] = {}
    unconfirmed = 0
    for item in obligations.open[:MAX_SHOWN]:
        confirmed = settler.confirm(item.direction, item.cube)
        if confirmed is None:
            unconfirmed += 1
            continue
        found_one = _counterexample(settler, item.direction, item.cube, confirmed)
        key = (found_one.opens, found_one.direction, found_one.src, found_one.dst, found_one.packets)
        shown.setdefault(key, found_one)
    return Verification(
        checked=sum(obligations.checked.values()),
        counterexamples=tuple(sorted(shown.values(), key=lambda c: (not c.opens, c.src, c.dst, c.packets))),
        unconfirmed=unconfirmed + max(0, len(obligations.open) - MAX_SHOWN),
        refused=tuple((d.span, f"{d.kind} {d.name}", reason) for d, reason in cilium.refused),
        diagnostics=(*found.diagnostics, *odd),
    )


def _counterexample(
    settler: Settler, direction: Direction, cube: int, confirmed: Confirmed
) -> Counterexample:
    source, destination, packets = describe(Words(settler.space, direction), [cube])
    ingress = direction is Direction.INGRESS
    sides = []
    for verdict in (confirmed.calico, confirmed.cilium):
        decision = verdict.ingress if ingress else verdict.egress
        assert decision is not None  # a confirmed example has both
        sides.append((str(decision.verdict), decision.by, str(decision.span or "")))
    opens = sides[1][0] == "allow"
    return Counterexample(opens, str(direction), source, destination, packets, sides[0], sides[1])
