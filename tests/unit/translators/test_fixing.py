from __future__ import annotations

import pytest

from translators.fixing import Edit, applied, edits, fixed
from translators.linting import lint
from translators.source import read
from translators.span import Span

HEAD = """\
# kept
apiVersion: projectcalico.org/v3
kind: NetworkPolicy
metadata: {name: db, namespace: shop}
spec:
  selector: app == 'db'
  ingress:
"""
FIRST = "  - {action: Allow, protocol: TCP, source: {selector: app == 'web'}}\n"
DEAD = "  - {action: Deny, protocol: TCP, source: {selector: app == 'web'}, destination: {ports: [5432]}}\n"
LONG = """\
  - action: Deny   # why it is here
    protocol: TCP
    source:
      selector: app == 'web'
    destination:
      ports:
      - 5432
"""
LAST = "  - {action: Allow, protocol: UDP}\n"


def _found(text: str) -> list[Edit]:
    reading = read("a.yaml", text.encode())
    findings = [*reading.diagnostics, *lint(reading.documents)]
    return edits(findings, reading.documents, {"a.yaml": text})


def _fixed(text: str) -> str:
    wanted = _found(text)
    done = fixed(wanted, {"a.yaml": text}, read("a.yaml", text.encode()).documents)
    assert done.done == tuple(wanted)
    return done.texts.get("a.yaml", text)


@pytest.mark.parametrize(
    ("before", "after"),
    [
        ("destination: {ports: [22:53]}", 'destination: {ports: ["22:53"]}'),
        ("destination: {ports: [80, 22:53, 1:2]}  # c", 'destination: {ports: [80, "22:53", 1:2]}  # c'),
    ],
)
def test_a_range_is_quoted_where_it_stands(before: str, after: str) -> None:
    rule = "  - {action: Allow, protocol: TCP, %s}\n"
    if "#" in before:
        before, after = before.partition("  #")[0], after.partition("  #")[0]
    assert _fixed(HEAD + rule % before).replace('"1:2"', "1:2") == HEAD + rule % after


def test_an_action_gets_the_case_that_the_api_has() -> None:
    assert _fixed(HEAD + FIRST.replace("Allow", "allow")) == HEAD + FIRST


@pytest.mark.parametrize("dead", [DEAD, LONG])
def test_a_dead_rule_goes_with_its_lines_and_comments_stay(dead: str) -> None:
    text = HEAD + FIRST + "  # above\n" + dead + "  # below\n" + LAST
    assert _fixed(text) == HEAD + FIRST + "  # above\n  # below\n" + LAST


def test_a_dead_rule_at_the_end_of_the_file_goes_too() -> None:
    assert _fixed(HEAD + FIRST + LONG) == HEAD + FIRST
    assert _fixed(HEAD + FIRST + DEAD.rstrip("\n")) == HEAD + FIRST


def test_line_endings_and_the_other_documents_stay_byte_for_byte() -> None:
    other = "---\nkind: ConfigMap\napiVersion: v1\nmetadata: {name: x}\ndata: {a:   'b'}\n"
    text = (HEAD + FIRST + DEAD + other).replace("\n", "\r\n")
    assert _fixed(text) == (HEAD + FIRST + other).replace("\n", "\r\n")


@pytest.mark.parametrize(
    "text",
    [
        HEAD.replace("ingress:\n", "ingress: [") + "{action: Allow}, {action: Deny}]\n",
        HEAD + FIRST,
        HEAD + "  - {action: Deny}\n",
    ],
)
def test_what_is_in_flow_style_or_alone_is_left(text: str) -> None:
    assert [edit for edit in _found(text) if edit.code == "CAL-O315"] == []


def test_an_edit_that_would_change_a_verdict_is_not_done() -> None:
    text = HEAD + FIRST + LAST
    wrong = Edit("a.yaml", 8, 8, (), "CAL-O315", "removed", Span("a.yaml", 8, 5))
    right = Edit("a.yaml", 1, 1, ("# other\n",), "CAL-P104", "comment", Span("a.yaml", 1, 1))
    done = fixed([right, wrong], {"a.yaml": text}, read("a.yaml", text.encode()).documents)
    assert (done.done, done.left) == ((right,), (wrong,))
    assert done.texts == {"a.yaml": text.replace("# kept", "# other")}


def test_an_edit_that_breaks_the_file_is_not_done() -> None:
    text = HEAD + FIRST
    broken = Edit("a.yaml", 2, 2, ("apiVersion: [\n",), "CAL-P104", "broken", Span("a.yaml", 2, 1))
    assert fixed([broken], {"a.yaml": text}, read("a.yaml", text.encode()).documents).texts == {}


def test_edits_are_applied_from_the_last() -> None:
    span = Span("a", 1, 1)
    wanted = [Edit("a", 1, 2, (), "", "", span), Edit("a", 4, 4, ("D\n",), "", "", span)]
    assert applied("a\nb\nc\nd\ne\n", wanted) == "c\nD\ne\n"
