"""The census of a run's nodes: what it says after any changes is what counting anew says."""

from __future__ import annotations

import pickle
from dataclasses import replace

from hypothesis import given
from hypothesis import strategies as st

from migrate.model.census import Census, Nodes, census, out_of
from migrate.model.run import OUT, NodeRun, NodeStatus

NAMES = ("c", "a", "d", "b", "e")
CHANGES = st.lists(
    st.tuples(st.sampled_from([*NAMES, "f"]), st.sampled_from(list(NodeStatus)), st.booleans()), max_size=30
)


def counted(nodes: Nodes) -> tuple[dict[NodeStatus, int], tuple[str, ...]]:
    known = census(nodes)
    return {status: count for status, count in known.counts.items() if count}, known.busy


@given(CHANGES)
def test_a_census_that_is_carried_along_is_the_one_counted_anew(
    changes: list[tuple[str, NodeStatus, bool]],
) -> None:
    nodes = Nodes.of({name: NodeRun(name) for name in NAMES})
    for name, status, selected in changes:
        before, was = counted(nodes), dict(nodes)
        later = nodes.with_node(replace(nodes.get(name, NodeRun(name)), status=status, selected=selected))
        assert (counted(nodes), dict(nodes)) == (before, was), "the nodes of before are as they were"
        nodes = later
        fresh = Census.of(dict(nodes))
        assert counted(nodes) == (dict(fresh.counts), fresh.busy)
        assert out_of(nodes) == [n for n, node in nodes.items() if node.status in OUT]
        assert fresh.are(*OUT) == len(out_of(nodes))


def test_nodes_are_what_they_were_when_they_are_read_back() -> None:
    nodes = Nodes.of({name: NodeRun(name) for name in NAMES}).with_node(NodeRun("a", NodeStatus.DRAINED))
    again = pickle.loads(pickle.dumps(nodes))
    assert again == nodes
    assert counted(again) == counted(nodes)
