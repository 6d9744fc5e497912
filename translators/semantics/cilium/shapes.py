"""The normalised form of Cilium's policies: rules with selectors resolved, sections of elements."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass, field

from translators.algebra.cidrs import Cidr
from translators.flows import Direction
from translators.semantics.cilium.selectors import Selector
from translators.span import Span

__all__ = ["Element", "PortMatch", "Prefix", "Rule"]


@dataclass(frozen=True, slots=True)
class Prefix:
    """A network with holes: an address in a hole is not matched by this entry (it is no deny).

    ``by_absence``: it stands for a selector over groups of negative terms alone. In match mode ``pods`` the
    placeholders for whole classes of identities meet it too (they carry no labels), and with them all but nodes.
    """

    cidr: Cidr
    holes: tuple[Cidr, ...] = ()
    by_absence: bool = False


@dataclass(frozen=True, slots=True)
class PortMatch:
    """Closed range of ports of some protocols, or a port name; ``types`` for ICMP, None: every type."""

    protocols: frozenset[int]
    first: int = 0
    last: int = 65535
    name: str = ""
    types: frozenset[int] | None = None


@dataclass(frozen=True, slots=True)
class Element:
    """One entry of a section; ``anyone`` has no peer list at all; ``traffic`` None: every protocol.

    ``every_group``: it speaks of anyone because an empty selector over groups does; a port name on egress is looked up
    for nobody then.
    """

    label: str
    span: Span | None = None
    anyone: bool = False
    every_group: bool = False
    selectors: tuple[Selector, ...] = ()
    entities: frozenset[str] = frozenset()
    prefixes: tuple[Prefix, ...] = ()
    nodes: tuple[Selector, ...] = ()
    traffic: tuple[PortMatch, ...] | None = None


@dataclass(frozen=True, slots=True)
class Rule:
    """One rule: its subject, its elements by direction, and in which directions it isolates."""

    object: str
    subject: Selector
    of_nodes: bool = False
    allows: Mapping[Direction, tuple[Element, ...]] = field(default_factory=dict)
    denies: Mapping[Direction, tuple[Element, ...]] = field(default_factory=dict)
    isolates: frozenset[Direction] = frozenset()
    applies: frozenset[Direction] = frozenset()
    span: Span | None = None
