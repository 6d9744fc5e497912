"""Counts the nodes of a run, so that what concerns those in hand costs nothing for the thousand others.

A run is looked at after every event; of its nodes one or two are in hand. ``Nodes`` carries its census along: a change of
one node changes the census by one.
"""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass

from migrate.model.run import OUT, NodeRun, NodeStatus

__all__ = ["Census", "Nodes", "census", "out_of"]

RESTING = frozenset(
    {
        NodeStatus.PENDING,
        NodeStatus.DONE,
        NodeStatus.SKIPPED,
        NodeStatus.GONE,
        NodeStatus.HALTED,
        NodeStatus.ROLLED_BACK,
    }
)
"""States in which nothing is done to a node, unless its wave has taken it up."""


@dataclass(frozen=True, slots=True)
class Census:
    """How many nodes are in each state, and which are ``busy``: taken up by their wave, or in the middle of something."""

    counts: Mapping[NodeStatus, int]
    busy: tuple[str, ...]
    places: Mapping[str, int]

    @classmethod
    def of(cls, nodes: Mapping[str, NodeRun]) -> Census:
        """Count nodes."""
        counts: dict[NodeStatus, int] = {}
        for node in nodes.values():
            counts[node.status] = counts.get(node.status, 0) + 1
        places = {name: place for place, name in enumerate(nodes)}
        return cls(counts, tuple(name for name, node in nodes.items() if _busy(node)), places)

    def changed(self, before: NodeRun, now: NodeRun) -> Census:
        """Give the census after a change of one node."""
        counts, busy = self.counts, self.busy
        if before.status is not now.status:
            counts = {**counts, before.status: counts[before.status] - 1}
            counts[now.status] = counts.get(now.status, 0) + 1
        if _busy(before) and not _busy(now):
            busy = tuple(name for name in busy if name != now.name)
        elif _busy(now) and not _busy(before):
            busy = tuple(sorted((*busy, now.name), key=self.places.__getitem__))
        return self if counts is self.counts and busy is self.busy else Census(counts, busy, self.places)

    def are(self, *states: NodeStatus) -> int:
        """Give how many nodes are in one of these states."""
        return sum(self.counts.get(state, 0) for state in states)


class Nodes(dict[str, NodeRun]):
    """The nodes of a run by name; nobody changes them, ``with_node`` makes others."""

    __slots__ = ("census",)

    census: Census

    @classmethod
    def of(cls, nodes: Mapping[str, NodeRun]) -> Nodes:
        """Give nodes with their census."""
        if isinstance(nodes, Nodes):
            return nodes
        made = cls(nodes)
        made.census = Census.of(nodes)
        return made

    def with_node(self, node: NodeRun) -> Nodes:
        """Give the same nodes with one that is another now, or new."""
        made, before = Nodes(self), self.get(node.name)
        made[node.name] = node
        made.census = Census.of(made) if before is None else self.census.changed(before, node)
        return made

    def __reduce__(self) -> tuple[object, ...]:
        return Nodes.of, (dict(self),)


def census(nodes: Mapping[str, NodeRun]) -> Census:
    """Give the census of nodes, counted anew where they carry none."""
    return nodes.census if isinstance(nodes, Nodes) else Census.of(nodes)


def out_of(nodes: Mapping[str, NodeRun]) -> list[str]:
    """Give the nodes that take no pods, in order."""
    return [name for name in census(nodes).busy if nodes[name].status in OUT]


def _busy(node: NodeRun) -> bool:
    return node.selected or node.status not in RESTING
