"""The cube type against its point-wise twin: a region is the set of its points, nothing else."""

from __future__ import annotations

from itertools import product

from hypothesis import given
from hypothesis import strategies as st

from translators.algebra.cubes import Budget, Layout, join, sub

WIDTHS = (3, 2, 3, 2)
LAYOUT = Layout(WIDTHS)


def cube_of(values: tuple[int, ...]) -> int:
    return sum(v << o for v, o in zip(values, LAYOUT.offsets, strict=True))


def points(region: list[int]) -> set[tuple[int, ...]]:
    found = set()
    for cube in region:
        axes = []
        for width, offset in zip(WIDTHS, LAYOUT.offsets, strict=True):
            axes.append([bit for bit in range(width) if cube >> (offset + bit) & 1])
        found.update(product(*axes))
    return found


cubes = st.tuples(*(st.integers(1, (1 << width) - 1) for width in WIDTHS)).map(cube_of)
regions = st.lists(cubes, max_size=5)


@given(cubes, cubes)
def test_meets_says_whether_points_are_shared(left: int, right: int) -> None:
    assert LAYOUT.meets(left, right) == bool(points([left]) & points([right]))


@given(regions, regions)
def test_meet_is_intersection(left: list[int], right: list[int]) -> None:
    assert points(LAYOUT.meet(left, right)) == points(left) & points(right)


@given(cubes, cubes)
def test_sharp_is_disjoint_and_exact(cube: int, hole: int) -> None:
    pieces = LAYOUT.sharp(cube, hole)
    assert points(pieces) == points([cube]) - points([hole])
    assert sum(len(points([piece])) for piece in pieces) == len(points(pieces))


@given(regions)
def test_join_keeps_the_points_and_never_grows(region: list[int]) -> None:
    joined = join(LAYOUT, region)
    assert points(joined) == points(region)
    assert len(joined) <= len(set(region))


@given(regions)
def test_join_does_not_depend_on_order(region: list[int]) -> None:
    assert join(LAYOUT, region) == join(LAYOUT, reversed(region))


@given(regions, regions)
def test_sub_is_difference(region: list[int], holes: list[int]) -> None:
    rest = sub(LAYOUT, region, holes, 10_000, Budget())
    assert rest is not None
    assert points(rest) == points(region) - points(holes)


def test_sub_gives_up_above_its_cap() -> None:
    holes = [cube_of((1, 1, 1, 1)), cube_of((2, 2, 2, 2))]
    assert sub(LAYOUT, [LAYOUT.full], holes, 1, Budget()) is None
