from __future__ import annotations

from dataclasses import replace

from migrate.render.excerpts import MAX_LINES, Excerpt, excerpts
from tests.models import SOURCE, all_grades, clean
from translators.layout import OutputFile
from translators.span import Span


def _with(report, *sources, outputs=("out.yaml:2",)):
    first = report.policies[0]
    return replace(report, policies=tuple(replace(first, source=s, outputs=outputs) for s in sources))


def test_a_source_ends_where_the_next_policy_begins():
    text = "a: 1\nb: 2\nc: 3\n"
    shown = excerpts(_with(clean(), Span("p", 1, 1), Span("p", 3, 1)), (), {"p": text})
    assert [s.source for s in shown] == [Excerpt(1, ("a: 1", "b: 2")), Excerpt(3, ("c: 3",))]


def test_a_document_ends_at_its_separator_and_loses_blank_lines_at_its_end():
    shown = excerpts(_with(clean(), Span("p", 1, 1)), (), {"p": "a: 1\n\n---\nb: 2\n"})
    assert shown[0].source.lines == ("a: 1",)


def test_a_long_document_is_cut():
    shown = excerpts(_with(clean(), Span("p", 1, 1)), (), {"p": "- x\n" * 500})
    assert len(shown[0].source.lines) == MAX_LINES


def test_an_output_is_read_from_the_line_that_the_policy_names():
    files = (OutputFile("out.yaml", "# c2c\n---\nkind: X\n", ()),)
    report = _with(clean(), Span("p", 1, 1), outputs=("out.yaml:3",))
    assert excerpts(report, files, {})[0].outputs == (Excerpt(3, ("kind: X",)),)


def test_a_file_that_is_not_known_leaves_its_excerpt_empty():
    shown = excerpts(all_grades(), (), {"other.yaml": SOURCE})
    assert all(not s.source.lines for s in shown)
    assert len(shown) == len(all_grades().policies)
