from __future__ import annotations

import pytest
from hypothesis import given
from hypothesis import strategies as st

from migrate.render.terminal import (
    PLAIN,
    Canvas,
    Column,
    Piece,
    Role,
    Sign,
    columns,
    paint,
    prose,
    safe,
    sign,
)

COLOUR = Canvas(colour=True)
ROWS = [
    ["A", "shop/a-rather-long-name", "CAL-L502", "a.yaml:1:1"],
    ["X", "b", "CAL-H604", "long/way/b.yaml:2:2"],
]
SHAPE = (Column(), Column(8), Column(), Column(8, tail=True))


def test_colour_is_painted_only_where_it_is_wanted():
    line = [Piece("bad", Role.BAD), " text"]
    assert paint([line], COLOUR) == "\x1b[31mbad\x1b[0m text\n"
    assert paint([line], PLAIN) == "bad text\n"


@pytest.mark.parametrize("which", Sign)
def test_every_sign_has_an_ascii_form_and_is_more_than_a_colour(which):
    plain = paint([[sign(which)]], Canvas(ascii=True)).strip()
    assert plain.isascii()
    assert len(plain) == 2


def test_the_ascii_forms_are_all_different():
    assert len({paint([[sign(which)]], Canvas(ascii=True)) for which in Sign}) == len(Sign)


@pytest.mark.parametrize(
    "evil", ["\x1b[31m", "a\rb", "\u202egnp", "\x9b31m", "x\ny", "\u2028", "\x00", "\x7f"]
)
def test_nothing_from_a_cluster_steers_a_terminal(evil):
    text = paint([[evil]], PLAIN)
    assert text.count("\n") == 1
    assert "�" in text
    assert safe("shop/web → ö") == "shop/web → ö"


def test_a_long_line_is_cut_with_a_mark_and_keeps_its_colours():
    text = paint([[Piece("a" * 50, Role.BAD), "b" * 50]], Canvas(width=20, colour=True))
    assert text == f"\x1b[31m{'a' * 19}…\x1b[0m\n"
    assert paint([["a" * 50]], Canvas(width=None)) == "a" * 50 + "\n"


@pytest.mark.parametrize(
    ("width", "shown"),
    [
        (80, "  A  shop/a-rather-long-name  CAL-L502  a.yaml:1:1"),
        (59, "  A  shop/a-rather-long-name  CAL-L502  a.yaml:1:1"),
        (50, "  A  shop/a-rather-l…  CAL-L502  a.yaml:1:1"),
        (35, "  A  shop/a-r…  CAL-L502  …yaml:1:1"),
        (30, "  A  shop/a-rather-…  CAL-L502"),
        (14, "  A  shop/a-r…"),
        (8, "  A"),
    ],
)
def test_columns_give_way_and_then_go_from_the_right(width, shown):
    assert paint(columns(ROWS, SHAPE, Canvas(width=width)), Canvas(width=width)).splitlines()[0] == shown


def test_a_place_keeps_its_end():
    second = paint(columns(ROWS, SHAPE, Canvas(width=44)), Canvas(width=44)).splitlines()[1]
    assert second.endswith("b.yaml:2:2")
    assert "…" in second


def test_numbers_align_right():
    laid = columns([["1", "one"], ["10", "ten"]], (Column(right=True), Column()), PLAIN)
    assert paint(laid, PLAIN) == "   1  one\n  10  ten\n"


def test_prose_keeps_its_words_and_its_indent():
    lines = prose("one two three four five", Canvas(width=20), first=["  ", sign(Sign.FAIL), " "])
    assert paint(lines, Canvas(width=20)) == "  ✖ one two three\n    four five\n"


@given(st.text(max_size=200), st.integers(20, 120), st.booleans())
def test_no_text_leaves_its_width(text, width, ascii_):
    canvas = Canvas(width=width, ascii=ascii_)
    lines = [
        *prose(text, canvas),
        *columns([[text, text, text]], (Column(4), Column(4, tail=True), Column()), canvas),
    ]
    for line in paint(lines, canvas).splitlines():
        assert len(line) <= width
