"""Selectors: parsing never fails but with its own error, and the region of a selector is its meaning."""

from __future__ import annotations

from hypothesis import given
from hypothesis import strategies as st

from translators.algebra.space import ABSENT, OTHER, SideName, Space
from translators.lowering.labels import PodSelectors
from translators.lowering.vocabulary import Collector
from translators.selectors.ast import All, And, Compare, Has, In, Node, Not, Or
from translators.selectors.evaluate import matches
from translators.selectors.parser import SelectorError, parse
from translators.world import World

KEYS = ("app", "tier")
VALUES = ("a", "b", "c")
leaf = st.one_of(
    st.just(All()),
    st.builds(Has, st.sampled_from(KEYS)),
    st.builds(Compare, st.sampled_from(KEYS), st.sampled_from(["==", "!="]), st.sampled_from(VALUES)),
    st.builds(In, st.sampled_from(KEYS), st.frozensets(st.sampled_from(VALUES), max_size=2), st.booleans()),
)
nodes = st.recursive(
    leaf,
    lambda inner: st.one_of(
        st.builds(Not, inner),
        st.lists(inner, min_size=2, max_size=3).map(lambda parts: And(tuple(parts))),
        st.lists(inner, min_size=2, max_size=3).map(lambda parts: Or(tuple(parts))),
    ),
    max_leaves=6,
)


@given(nodes, st.dictionaries(st.sampled_from(KEYS), st.sampled_from([*VALUES, "unnamed"])))
def test_the_region_of_a_selector_holds_exactly_the_pods_it_selects(
    node: Node, labels: dict[str, str]
) -> None:
    world = World()
    collector = Collector(world, "")
    collector.subject(And((node, *(Has(key) for key in KEYS))))
    space = Space(collector.vocabulary, world)
    selectors = PodSelectors(space, world, SideName.SUBJECT, 10_000)
    point = selectors.pods
    for key in KEYS:
        field = space.field(SideName.SUBJECT, "label", key)
        value = labels.get(key, ABSENT)
        wanted = value if value in field.bits else OTHER
        point &= space.only(field, field.bits[wanted])
    held = any(space.layout.meets(point, cube) for cube in selectors.region(node))
    assert held == matches(node, labels)
    refused = any(space.layout.meets(point, cube) for cube in selectors.region(node, negated=True))
    assert refused != held


@given(st.text(alphabet="ab=!'\"(){},&| \t\nhasinot.", max_size=40))
def test_any_text_is_parsed_or_refused_with_its_column(text: str) -> None:
    try:
        parse(text)
    except SelectorError as error:
        assert 1 <= error.column <= len(text) + 1
