"""Which rows of the probe matrix a step runs (``gates.md`` §3.1): those that touch a node, mixed pairs, or all.

For n nodes the whole matrix grows with n²; so the baseline and the final matrix walk a ring (each node with its
neighbour, both ways), and a node's own rows meet one node of either CNI.
"""

from __future__ import annotations

from collections.abc import Iterator, Sequence

from migrate.driver.deeds import Workshop
from migrate.model.commands import Command
from migrate.model.run import Run
from migrate.ports import ProbeRow

__all__ = ["rows_of"]


def rows_of(work: Workshop, command: Command) -> list[ProbeRow]:
    """Give the rows of a Probe command, both families where the cluster has both."""
    names = [n for n, node in sorted(work.run.nodes.items()) if node.is_there]
    families = work.plan.draft.variant.families
    inside = [
        ProbeRow(row.kind, row.source, row.target, family, row.expect)
        for family in families
        for row in _rows(work.run, command, names)
    ]
    return [*inside, *_outside(command, names, work.plan.draft.settings.gates.probe_external)]


def _rows(run: Run, command: Command, names: Sequence[str]) -> Iterator[ProbeRow]:
    match command.args["rows"]:
        case "address":
            yield ProbeRow("same-node", command.node, command.node)
        case "node" | "back":
            yield from _of_node(run, command.node, names)
        case "mixed":
            yield from _mixed(run, names)
        case _:
            yield from _ring(names)


def _outside(command: Command, names: Sequence[str], targets: Sequence[str]) -> Iterator[ProbeRow]:
    """Rows that lead out of the cluster: by a target's name, whose family is what its name resolves to."""
    own = {"node": [command.node], "back": [command.node], "mixed": [], "address": []}
    for source in own.get(str(command.args["rows"]), names):
        yield from (ProbeRow("external", source, target) for target in targets)


def _of_node(run: Run, node: str, names: Sequence[str]) -> Iterator[ProbeRow]:
    """Rows that touch a node: itself, one node of either CNI both ways, services, the outside, its own host."""
    yield ProbeRow("same-node", node, node)
    for other in _one_of_each(run, node, names):
        yield from _both_ways(node, other)
    yield from _from_node(node)


def _one_of_each(run: Run, node: str, names: Sequence[str]) -> list[str]:
    others = [(n, run.nodes[n].on_cilium) for n in names if n != node]
    firsts = (next((n for n, moved in others if moved is side), None) for side in (True, False))
    return [n for n in firsts if n is not None]


def _both_ways(one: str, other: str) -> Iterator[ProbeRow]:
    for source, target in ((one, other), (other, one)):
        yield ProbeRow("cross-node", source, target)
        yield ProbeRow("source-address", source, target)
        yield ProbeRow("large-packet", source, target)


def _from_node(node: str) -> Iterator[ProbeRow]:
    yield ProbeRow("cluster-ip", node, "service")
    yield ProbeRow("dns", node, "kube-dns")
    yield ProbeRow("api-server", node, "kubernetes")
    yield ProbeRow("own-host", "host:" + node, node)
    yield ProbeRow("node-port", "host:" + node, "service")


def _mixed(run: Run, names: Sequence[str]) -> Iterator[ProbeRow]:
    moved = [n for n in names if run.nodes[n].on_cilium]
    for node in moved:
        for other in (n for n in names if n not in moved):
            yield from _both_ways(node, other)


def _ring(names: Sequence[str]) -> Iterator[ProbeRow]:
    for place, name in enumerate(names):
        yield ProbeRow("same-node", name, name)
        yield from _from_node(name)
        if len(names) > 1:
            yield from _both_ways(name, names[(place + 1) % len(names)])
