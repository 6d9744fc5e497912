"""The third voice: both matrices over the endpoints that exist, held against what the obligations leave out."""

from __future__ import annotations

from dataclasses import dataclass, field
from typing import TYPE_CHECKING

from translators.flows import Decision, Direction, Flow
from translators.proof.obligations import Obligations
from translators.proof.points import cube_of
from translators.semantics.calico.model import CalicoPolicies
from translators.semantics.calico.point import PointEvaluator as CalicoPoint
from translators.semantics.cilium.model import CiliumPolicies
from translators.semantics.cilium.point import PointEvaluator as CiliumPoint

if TYPE_CHECKING:
    from translators.proof.compare import Comparison, MatrixDifference

__all__ = ["Unexplained", "Witnessed", "witnessed"]

MAX_ASKED = 2_000
MAX_KEPT = 20


@dataclass(frozen=True, slots=True)
class Unexplained:
    """A point at which the matrices differ and nothing was named; ``confirmed`` by both point evaluators."""

    direction: Direction
    flow: Flow
    cube: int
    calico: Decision | None
    cilium: Decision | None
    confirmed: bool


@dataclass(frozen=True, slots=True)
class Witnessed:
    """How many points of the cluster were compared, and what of it nobody has named.

    ``orphans`` are namespaces with pods but without an object: Calico denies these pods everything (CAL-O312).
    """

    classes: int = 0
    atoms: int = 0
    agree: int = 0
    differ: int = 0
    unexplained: tuple[Unexplained, ...] = ()
    orphans: tuple[str, ...] = field(default=())


def witnessed(calico: CalicoPolicies, cilium: CiliumPolicies, obligations: Obligations) -> Witnessed:
    """Compare both matrices over the world's endpoints; nothing where the world has no pods."""
    world = calico.world
    if not world.pods:
        return Witnessed()
    # The matrices are loaded only where there is a cluster: a single file is translated in the time saved.
    from translators.proof.compare import compare, flow_of  # noqa: PLC0415
    from translators.semantics.calico.matrix import CalicoSide  # noqa: PLC0415
    from translators.semantics.cilium.matrix import CiliumSide  # noqa: PLC0415

    found = compare(CalicoSide(calico), CiliumSide(cilium), world)
    orphans = {p.namespace for p in world.pods if p.namespace not in world.namespaces}
    asked = [d for d in found.differences if _namespace(found, d) not in orphans][:MAX_ASKED]
    old, new = CalicoPoint(calico), CiliumPoint(cilium)
    unexplained = []
    for difference in asked:
        flow = flow_of(found.universe, difference)
        cube = cube_of(obligations.space, flow, difference.direction, world)
        excluded = obligations.named[difference.direction]
        if not any(obligations.space.layout.meets(cube, region) for region in excluded):
            ingress = difference.direction is Direction.INGRESS
            sides = [v.ingress if ingress else v.egress for v in (old.judge(flow), new.judge(flow))]
            both = sides[0] is not None and sides[1] is not None
            confirmed = both and sides[0].verdict is not sides[1].verdict  # type: ignore[union-attr]  # both are there
            unexplained.append(Unexplained(difference.direction, flow, cube, sides[0], sides[1], confirmed))
    return Witnessed(
        classes=len(found.universe.peers),
        atoms=len(found.universe.atoms),
        agree=found.agree,
        differ=len(found.differences),
        unexplained=tuple(unexplained[:MAX_KEPT]),
        orphans=tuple(sorted(orphans)),
    )


def _namespace(found: Comparison, difference: MatrixDifference) -> str:
    pod = found.universe.peers[difference.subject].representative.pod
    return pod.namespace if pod is not None else ""
