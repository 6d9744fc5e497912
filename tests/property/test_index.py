"""The index of cubes against asking each cube by itself."""

from __future__ import annotations

from hypothesis import given
from hypothesis import strategies as st

from tests.property.test_cubes import LAYOUT, cubes
from translators.algebra import cubes as algebra
from translators.algebra.bitsets import positions
from translators.algebra.cubes import join
from translators.algebra.index import CubeIndex

lists = st.lists(cubes, max_size=12)


@given(lists, cubes)
def test_it_finds_the_cubes_that_meet_one(listed: list[int], cube: int) -> None:
    index = CubeIndex(LAYOUT, listed)
    wanted = [i for i, other in enumerate(listed) if LAYOUT.meets(cube, other)]
    assert list(positions(index.meeting(cube))) == wanted
    assert list(index.listed(index.meeting(cube))) == [listed[i] for i in wanted]


@given(lists, cubes)
def test_it_finds_the_cubes_that_hold_one(listed: list[int], cube: int) -> None:
    wanted = [i for i, other in enumerate(listed) if cube & other == cube]
    assert list(positions(CubeIndex(LAYOUT, listed).holding(cube))) == wanted


@given(lists)
def test_many_cubes_are_joined_as_few_are(listed: list[int]) -> None:
    few = join(LAYOUT, listed)
    limit = algebra._FEW  # the size from which regions are filed
    try:
        algebra._FEW = 0
        assert join(LAYOUT, listed) == few
    finally:
        algebra._FEW = limit
