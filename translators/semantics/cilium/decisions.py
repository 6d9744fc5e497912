"""Which rule decides, for all peers at once: the gathering of the matrix evaluator with the names of its elements.

For many flows over one set of policies; the point evaluator is its reference, verdict by verdict and word by word.
"""

from __future__ import annotations

from collections.abc import Iterator, Sequence

from translators.flows import Decision, Direction, Verdict
from translators.semantics.cilium.gather import Applied, Effect, Gathering
from translators.semantics.cilium.matrix import CiliumSide
from translators.semantics.cilium.model import CiliumPolicies
from translators.universe import Universe
from translators.world import Pod

__all__ = ["Decisions"]


class Decisions:
    """Decision lists for the pods of one universe."""

    def __init__(self, policies: CiliumPolicies, side: CiliumSide, universe: Universe) -> None:
        """``side`` is that of the policies; cost: one look at every rule for each direction."""
        self._config = policies.config
        self.polices_nodes = any(rule.of_nodes for rule in policies.rules)
        self._facts = side.facts(universe)
        rules = [rule for rule in policies.rules if not rule.of_nodes]
        self._gatherings = {d: Gathering(self._facts, rules, self._config, d) for d in Direction}
        self._applied = {d: g.applied(universe.subjects) for d, g in self._gatherings.items()}
        self._groups: dict[tuple[int, ...], int] = {}

    def tells(self, pod: Pod) -> bool:
        """Say whether the lists hold for a pod: there is nothing that they leave out."""
        del pod
        return True

    def before_policies(self, direction: Direction, protocol: int, port: int) -> Decision | None:
        """Give what is decided before any policy is asked, whoever the pod and the peer are."""
        del direction, protocol, port
        if self._config.enforcement == "never":
            return Decision(Verdict.ALLOW, "enforcement never")
        return None

    def group(self, direction: Direction, subject: int) -> int:
        """Give a number that classes share for which the same elements of the same rules decide."""
        key = tuple(one.number for one in self._applied[direction][subject])
        return self._groups.setdefault(key, len(self._groups))

    def listed(self, direction: Direction, subject: int, pod: Pod, atom: int) -> list[tuple[int, Decision]]:
        """Give (peers, decision) for one pod of the class ``subject`` and one atom; each peer is in one of them."""
        del pod
        gathering, applied = self._gatherings[direction], self._applied[direction][subject]
        found: list[tuple[int, Decision]] = []
        left = self._taken(self._facts.everyone, _by_element(applied, atom, deny=True), found)
        if gathering.hosts_enter(applied):
            own = [(self._facts.local_hosts, Decision(Verdict.ALLOW, "local host"))]
            left = self._taken(left, own, found)
        left = self._taken(left, _by_element(applied, atom, deny=False), found)
        isolated = gathering.isolates(applied)
        last = (Verdict.DENY, "default deny") if isolated else (Verdict.ALLOW, "not isolated")
        return [*found, (left, Decision(*last))]

    def _taken(
        self,
        left: int,
        listed: Iterator[tuple[int, Decision]] | Sequence[tuple[int, Decision]],
        found: list[tuple[int, Decision]],
    ) -> int:
        """Give each peer its first decision, and what is left undecided."""
        for peers, decision in listed:
            if hit := left & peers:
                found.append((hit, decision))
                left ^= hit
        return left


def _by_element(applied: Sequence[Applied], atom: int, *, deny: bool) -> Iterator[tuple[int, Decision]]:
    verdict = Verdict.DENY if deny else Verdict.ALLOW
    for one in applied:
        for element, effect in one.denies if deny else one.allows:
            if peers := _at(effect, atom):
                yield peers, Decision(verdict, f"{one.rule.object} {element.label}", element.span)


def _at(effect: Effect, atom: int) -> int:
    """Give the peers with which an element carries an atom; several of its matches may."""
    found = 0
    for place, peers in effect:
        if place == atom:
            found |= peers
    return found
