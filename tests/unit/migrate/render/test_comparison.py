from __future__ import annotations

import json
import re
from html.parser import HTMLParser

from migrate.render.comparison import comment, page
from migrate.render.issues import Issue
from tests.models import HOSTILE
from translators.span import Span

EVIL = " ".join(HOSTILE)
ISSUE = Issue("CAL-V809", "error", EVIL, Span("a.yaml", 1, 1), "k", EVIL, EVIL)


class Tags(HTMLParser):
    def __init__(self) -> None:
        super().__init__()
        self.seen: list[str] = []

    def handle_starttag(self, tag, attrs):
        self.seen.append(tag)


def test_the_comment_says_the_headline_and_one_row_an_issue():
    lines = comment("1 difference", [ISSUE]).splitlines()
    assert lines[:2] == ["<!-- c2c:report -->", "### 1 difference"]
    assert sum(line.startswith("| ✖") for line in lines) == 1


def test_a_hostile_name_becomes_no_markup_in_the_comment():
    text = comment(EVIL, [ISSUE])
    assert "<script" not in text
    assert all(line.count("|") == 5 for line in text.splitlines() if line.startswith("| ✖"))


def test_a_long_comment_stops_and_says_so():
    text = comment("many", [ISSUE] * 5_000)
    assert len(text) < 65_536
    assert text.rstrip().endswith("the rest is in the full report.")


def test_the_page_fetches_nothing_and_holds_no_script_but_its_data():
    text = page(EVIL, EVIL, [ISSUE], {"evil": EVIL})
    tags = Tags()
    tags.feed(text)
    assert tags.seen.count("script") == 1
    assert "img" not in tags.seen
    assert not re.search(r"""\s(src|href)=["'](?!#|data:)""", text.partition("<main>")[0])


def test_the_page_is_its_own_source():
    text = page("t", "h", [ISSUE], {"evil": EVIL})
    found = re.search(r'<script type="application/json" id="report">(.*?)</script>', text, re.DOTALL)
    assert found and json.loads(found[1]) == {"evil": EVIL}


def test_a_page_without_findings_says_nothing_is_there():
    assert "<p>Nothing.</p>" in page("t", "h", [], {})
