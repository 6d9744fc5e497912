"""Sets as ints and the index of networks, against plain sets and plain membership."""

from __future__ import annotations

from hypothesis import given
from hypothesis import strategies as st

from translators.algebra.bitsets import bits_at, bits_where, positions
from translators.algebra.cidrs import Address, Interval
from translators.algebra.memberships import Memberships

SIZE = 70
TOP = 40

places = st.sets(st.integers(0, SIZE - 1))
edges = st.tuples(st.sampled_from((4, 6)), st.integers(0, TOP), st.integers(0, TOP))
networks = st.lists(edges.map(lambda e: Interval(e[0], min(e[1:]), max(e[1:]))), max_size=8)


@given(places)
def test_bits_and_positions_are_each_others_inverse(chosen: set[int]) -> None:
    bits = sum(1 << place for place in chosen)
    assert bits_at(chosen, SIZE) == bits
    assert bits_where(place in chosen for place in range(SIZE)) == bits
    assert list(positions(bits)) == sorted(chosen)


def test_nothing_is_the_empty_set() -> None:
    assert bits_where([]) == bits_at([], 0) == 0
    assert list(positions(0)) == []


@given(networks, st.sampled_from((4, 6)), st.integers(0, TOP + 1))
def test_an_address_is_found_in_the_networks_that_hold_it(
    nets: list[Interval], family: int, value: int
) -> None:
    address = Address(family, value)
    assert Memberships(nets).of(address) == tuple(i for i, net in enumerate(nets) if net.holds(address))


def test_no_address_lies_in_no_network() -> None:
    assert Memberships([Interval(4, 0, 9)]).of(None) == ()
    assert Memberships([Interval(4, 0, 9)]).of(Address(6, 3)) == ()
