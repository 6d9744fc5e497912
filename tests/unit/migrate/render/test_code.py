from __future__ import annotations

import pytest

from migrate.render.code import CLASSES, data, table
from migrate.render.terminal import Canvas
from translators.diagnostics import CODES

EXAMPLE = {"input": "kind: NetworkPolicy\nspec: {}\n", "says": "This and that."}


@pytest.mark.parametrize("code", CODES)
def test_every_class_of_a_code_says_what_follows_from_it(code: str) -> None:
    page = data(CODES[code], {})
    assert page["consequence"] in CLASSES.values()
    assert page["example"] is None
    assert "{" not in page["text"] + page["remedy"]


def test_a_page_has_sentence_class_remedy_and_example() -> None:
    text = table(CODES["CAL-L502"], EXAMPLE)
    assert text.startswith("CAL-L502  ICMP code\n\n  Cilium has no ICMP code;")
    for part in (
        "  Class    A. ",
        "  Remedy   Accept, or drop the code.",
        "    kind: NetworkPolicy",
        "  Says     This and that.",
    ):
        assert part in text


def test_a_page_fits_a_narrow_terminal() -> None:
    assert max(map(len, table(CODES["CAL-O313"], EXAMPLE, Canvas(width=40)).splitlines())) <= 40
