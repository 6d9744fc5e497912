from __future__ import annotations

from itertools import product

from hypothesis import given
from hypothesis import strategies as st

from translators.algebra.cidrs import parse_cidr
from translators.algebra.space import ABSENT, OTHER, AtomKind, SideName, Space, Vocabulary
from translators.proof.boxes import largest_boxes
from translators.proof.fields import kinds
from translators.world import World


def _space() -> Space:
    words = Vocabulary(networks={parse_cidr("203.0.113.0/24").interval}, ports={6: {(80, 80)}})
    words.labels[SideName.PEER]["app"] = {"web"}
    words.labels[SideName.SUBJECT]["app"] = {"db"}
    return Space(words, World())


SPACE = _space()
PEER = SPACE.field(SideName.PEER, "label", "app")
OWN = SPACE.field(SideName.SUBJECT, "label", "app")
FIELDS = (SPACE.peer, PEER, OWN, SPACE.traffic)


def cubes(draw) -> int:
    cube = SPACE.full
    for field in FIELDS:
        chosen = draw(st.sets(st.sampled_from(list(field.bits.values())), min_size=1))
        cube &= SPACE.only(field, sum(chosen))
    return cube


regions = st.lists(st.composite(cubes)(), min_size=1, max_size=4)


def points(region: list[int]) -> set[tuple[object, ...]]:
    """Give the points that exist: a peer that is no pod has no label."""
    found = set()
    pods = kinds(SPACE, AtomKind.POD)
    for cube in region:
        for point in product(*(field.values(cube) for field in FIELDS)):
            atom, label, *rest = point
            found.add((atom, label if SPACE.peer.bits[atom] & pods else ABSENT, *rest))
    return found


@given(regions)
def test_the_boxes_are_the_region_and_nothing_else(region: list[int]) -> None:
    assert points(largest_boxes(SPACE, region)) == points(region)


@given(regions)
def test_no_box_can_be_widened(region: list[int]) -> None:
    inside = points(region)
    first = largest_boxes(SPACE, region)[0]
    for field in (PEER, OWN, SPACE.traffic):
        for bit in field.bits.values():
            if not first & bit:
                assert not points([(first & ~field.mask) | bit]) <= inside


@given(regions)
def test_only_pods_are_told_apart_by_labels(region: list[int]) -> None:
    pods = kinds(SPACE, AtomKind.POD)
    for box in largest_boxes(SPACE, region):
        assert box & PEER.mask == PEER.mask or not box & SPACE.peer.mask & ~pods


def test_pieces_of_a_subtraction_become_one_box_again() -> None:
    web, db = SPACE.only(PEER, PEER.of(["web"])), SPACE.only(OWN, OWN.of(["db"]))
    pieces = [*SPACE.layout.sharp(SPACE.full, web), *SPACE.layout.sharp(web, db), web & db]
    assert largest_boxes(SPACE, pieces) == [SPACE.full]


def test_what_one_box_says_the_next_leaves_out() -> None:
    pods, nodes = kinds(SPACE, AtomKind.POD), kinds(SPACE, AtomKind.REMOTE)
    web = SPACE.only(PEER, PEER.of(["web"])) & SPACE.only(SPACE.peer, pods)
    to_db = SPACE.only(OWN, OWN.of(["db"])) & SPACE.only(SPACE.peer, pods | nodes)
    boxes = largest_boxes(SPACE, [web, to_db])
    assert sorted(box & SPACE.peer.mask for box in boxes) == sorted([pods, pods | nodes])
    assert OTHER in OWN.values(next(box for box in boxes if box & SPACE.peer.mask == pods))
