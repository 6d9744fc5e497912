from __future__ import annotations

import re
from dataclasses import replace

from migrate.render.markdown import comment
from tests.models import all_grades, clean, hostile


def test_the_first_line_lets_a_bot_find_its_comment():
    assert comment(clean()).splitlines()[0] == "<!-- c2c:report -->"


def test_what_opens_comes_first():
    rows = [line for line in comment(all_grades()).splitlines() if line.startswith(("| ✖", "| ▲"))]
    assert [row.split()[3] for row in rows] == ["CAL-H604", "CAL-L502"]


def test_hostile_names_become_no_markup():
    text = comment(hostile())
    assert text.count("<!-- c2c:report -->") == 1
    assert "<script" not in text
    assert "<img" not in text
    assert not re.search(r"(?<!\\)\]\(", text)


def test_a_table_row_stays_a_row():
    rows = [line for line in comment(hostile()).splitlines() if line.startswith(("| ✖", "| ▲"))]
    assert all(row.count("|") == 5 for row in rows)


def test_a_large_report_fits_a_comment():
    report = all_grades()
    many = tuple(replace(report.findings[0], id=f"CAL-H604-{i:08x}") for i in range(25_000))
    text = comment(replace(report, findings=many))
    assert len(text) < 65_536
    assert text.rstrip().endswith("the rest is in the full report.")
