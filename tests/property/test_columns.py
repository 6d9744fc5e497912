"""Selectors asked of many label sets at once give what they give one by one, for both engines."""

from __future__ import annotations

from hypothesis import given
from hypothesis import strategies as st

from translators.algebra.bitsets import positions
from translators.selectors.ast import All, And, Compare, Global, Has, In, Node, Not, Or
from translators.semantics.calico.columns import Columns as CalicoColumns
from translators.semantics.calico.columns import named_keys
from translators.semantics.calico.labels import selects
from translators.semantics.cilium.facts import Columns as CiliumColumns
from translators.semantics.cilium.selectors import Requirement, Selector

KEYS = st.sampled_from(("app", "tier", "pcns.env"))
VALUES = st.sampled_from(("a", "b", "ab", "ba"))
OPERATORS = st.sampled_from(("==", "!=", "contains", "starts with", "ends with"))
leaves = st.one_of(
    st.just(All()),
    st.just(Global()),
    st.builds(Has, KEYS),
    st.builds(Compare, KEYS, OPERATORS, VALUES),
    st.builds(In, KEYS, st.frozensets(VALUES, max_size=2), st.booleans()),
)
nodes = st.recursive(
    leaves,
    lambda inner: st.one_of(
        st.builds(Not, inner),
        st.lists(inner, max_size=3).map(lambda parts: And(tuple(parts))),
        st.lists(inner, max_size=3).map(lambda parts: Or(tuple(parts))),
    ),
    max_leaves=6,
)
requirements = st.builds(
    Requirement,
    KEYS,
    st.sampled_from(("In", "NotIn", "Exists", "DoesNotExist")),
    st.frozensets(VALUES, min_size=1, max_size=2),
)
selectors = st.lists(requirements, max_size=3).map(lambda listed: Selector(tuple(listed)))
label_sets = st.lists(st.dictionaries(KEYS, VALUES), max_size=9)


@given(st.lists(nodes, max_size=4), label_sets)
def test_calicos_selectors(asked: list[Node], labels: list[dict[str, str]]) -> None:
    columns = CalicoColumns(labels)
    for node in asked:
        wanted = [place for place, own in enumerate(labels) if selects(node, own)]
        assert list(positions(columns.holding(node))) == wanted


@given(nodes, st.dictionaries(KEYS, VALUES))
def test_a_selector_looks_at_no_key_that_it_does_not_name(node: Node, labels: dict[str, str]) -> None:
    named = set(named_keys([node]))
    assert selects(node, labels) == selects(node, {k: v for k, v in labels.items() if k in named})


@given(st.lists(selectors, max_size=4), label_sets)
def test_ciliums_selectors(asked: list[Selector], labels: list[dict[str, str]]) -> None:
    columns = CiliumColumns(labels)
    for selector in asked:
        wanted = [place for place, own in enumerate(labels) if selector.holds(own)]
        assert list(positions(columns.holding(selector))) == wanted
