"""Which rule decides, for all peers at once: the walk of the matrix evaluator with the names of its rules.

For many flows over one set of policies; the point evaluator is its reference, verdict by verdict and word by word.
"""

from __future__ import annotations

from collections.abc import Sequence
from itertools import groupby

from translators.flows import UDP, Decision, Direction, Verdict
from translators.semantics.calico.matrix import CalicoSide
from translators.semantics.calico.model import CalicoPolicies
from translators.semantics.calico.shapes import ScopedRule
from translators.semantics.calico.walk import Step, Walk
from translators.span import NOWHERE
from translators.universe import Universe
from translators.world import Pod

__all__ = ["Decisions"]

VXLAN_PORT = 4789
IPIP = 4
_VERDICTS = {"allow": Verdict.ALLOW, "deny": Verdict.DENY}


class Decisions:
    """Decision lists for the pods of one universe."""

    def __init__(self, policies: CalicoPolicies, side: CalicoSide, universe: Universe) -> None:
        """``side`` is that of the policies; cost: one walk over the policies for each direction."""
        self._tiers = policies.tiers
        self._profiles = policies.world.profiles
        self.polices_nodes = bool(policies.world.host_endpoints)
        self._facts = side.facts(universe)
        walks = {d: Walk(self._facts, policies.tiers, d) for d in Direction}
        self._steps = {d: walk.steps(universe.subjects) for d, walk in walks.items()}
        self._groups: dict[tuple[int, ...], int] = {}

    def tells(self, pod: Pod) -> bool:
        """Say whether the profiles of a pod are the built-in ones; of others only the point evaluator knows."""
        account = f"ksa.{pod.namespace}.{pod.service_account}"
        return not {f"kns.{pod.namespace}", account} & self._profiles.keys()

    def before_policies(self, direction: Direction, protocol: int, port: int) -> Decision | None:
        """Give what is decided before any policy is asked, whoever the pod and the peer are."""
        tunnelled = protocol == IPIP or (protocol == UDP and port == VXLAN_PORT)
        if direction is Direction.EGRESS and tunnelled:
            return Decision(Verdict.DENY, "Encap#drop")
        return None

    def group(self, direction: Direction, subject: int) -> int:
        """Give a number that classes share for which the same rules of the same policies decide."""
        steps = tuple(step.number for step in self._steps[direction][subject])
        key = (self._facts.placed >> subject & 1, *steps)
        return self._groups.setdefault(key, len(self._groups))

    def listed(self, direction: Direction, subject: int, pod: Pod, atom: int) -> list[tuple[int, Decision]]:
        """Give (peers, decision) for one pod of the class ``subject`` and one atom; each peer is in one of them."""
        found: list[tuple[int, Decision]] = []
        reached = self._facts.everyone
        if direction is Direction.INGRESS:
            found.append((self._facts.local_hosts, Decision(Verdict.ALLOW, "Host#own-pod")))
            reached &= ~self._facts.local_hosts
        steps = self._steps[direction][subject]
        for tier, members in groupby(steps, key=lambda step: step.tier):
            reached = self._through(tier, list(members), atom, reached, found)
        profile = f"Profile:kns.{pod.namespace}#0"
        placed = self._facts.placed >> subject & 1
        last = Decision(Verdict.ALLOW, profile, NOWHERE) if placed else Decision(Verdict.DENY, profile)
        return [*found, (reached, last)]

    def _through(
        self, tier: int, members: Sequence[Step], atom: int, reached: int, found: list[tuple[int, Decision]]
    ) -> int:
        """Add what one tier decides, and give the peers that go on to the next."""
        undecided, passed = reached, 0
        for step in members:
            for rule, effect in step.rules:
                hit = undecided & next((peers for place, peers in effect if place == atom), 0)
                undecided ^= hit
                if hit and rule.action == "pass":
                    passed |= hit
                elif hit:
                    found.append((hit, _by_rule(step, rule)))
        if self._tiers[tier].passes:
            return passed | undecided
        found.append((undecided, Decision(Verdict.DENY, f"Tier:{self._tiers[tier].name}#end")))
        return passed


def _by_rule(step: Step, rule: ScopedRule) -> Decision:
    return Decision(_VERDICTS[rule.action], f"{step.policy.label}#{rule.index}", rule.span)
