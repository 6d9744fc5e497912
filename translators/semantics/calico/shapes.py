"""The normalised form of Calico's policies: sorted tiers of policies whose selectors carry their scope.

Selectors are over the labels that Calico itself sees: a pod's own, ``projectcalico.org/…``, the namespace's as
``pcns.…``, the service account's as ``pcsa.…`` (``calico.md`` §5).
"""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass, field

from translators.algebra.cidrs import Cidr
from translators.flows import Direction
from translators.selectors.ast import All, Node
from translators.span import Span

__all__ = ["ScopedEntity", "ScopedPolicy", "ScopedRule", "TierWalk"]

Ports = tuple[tuple[int, int] | str, ...]


@dataclass(frozen=True, slots=True)
class ScopedEntity:
    """One end of a rule: a positive set, or a lone negated one; networks; a service; ports or port names."""

    positive: Node | None = None
    negative: Node | None = None
    nets: tuple[Cidr, ...] = ()
    not_nets: tuple[Cidr, ...] = ()
    service: tuple[str, str] | None = None
    ports: Ports = ()
    not_ports: Ports = ()


@dataclass(frozen=True, slots=True)
class ScopedRule:
    """One rule; ``action`` in lower case; ``families`` are the IP families for which Felix renders it."""

    action: str
    index: int
    span: Span | None = None
    families: frozenset[int] = frozenset({4, 6})
    protocol: int | None = None
    not_protocol: int | None = None
    icmp: tuple[int, int | None] | None = None
    not_icmp: tuple[int, int | None] | None = None
    source: ScopedEntity = field(default_factory=ScopedEntity)
    destination: ScopedEntity = field(default_factory=ScopedEntity)

    @property
    def asks_family(self) -> bool:
        """Say whether networks or ``ipVersion`` limit the family, rather than the protocol's own."""
        implied = {1: frozenset({4}), 58: frozenset({6})}.get(self.protocol or 0)
        nets = any(e.nets or e.not_nets for e in (self.source, self.destination))
        return nets or (self.families != frozenset({4, 6}) and self.families != implied)


@dataclass(frozen=True, slots=True, eq=False)
class ScopedPolicy:
    """One policy; ``order`` None sorts last; ``special`` ones (untracked, preDNAT) are in chains of their own."""

    kind: str
    namespace: str
    name: str
    tier: str
    order: float | None
    subject: Node = field(default_factory=All)
    rules: Mapping[Direction, tuple[ScopedRule, ...]] = field(default_factory=dict)
    span: Span | None = None
    special: bool = False

    @property
    def label(self) -> str:
        """Give ``Kind:[namespace/]name`` as the vectors and traces write it."""
        place = f"{self.namespace}/" if self.namespace else ""
        return f"{self.kind}:{place}{self.name}"

    def applies(self, direction: Direction) -> bool:
        """Say whether the policy has this direction in its types."""
        return direction in self.rules


@dataclass(frozen=True, slots=True)
class TierWalk:
    """A tier in its place of the walk, its policies in theirs; ``passes`` is its default action."""

    name: str
    passes: bool
    policies: tuple[ScopedPolicy, ...]
