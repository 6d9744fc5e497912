from __future__ import annotations

import json
from xml.etree import ElementTree as ET

import jsonschema
import pytest

from migrate.render.outcome import Outcome, difference, headline, issues
from migrate.render.terminal import Canvas
from migrate.render.verification import data, renderers, table
from translators import Verification, verify
from translators.conditions import Broken
from translators.diagnostics import diagnostic
from translators.expectations import Answer, expectation
from translators.report_schema import report_schema
from translators.span import Span
from translators.verification import Counterexample

ALLOW = {
    "apiVersion": "projectcalico.org/v3",
    "kind": "NetworkPolicy",
    "metadata": {"name": "db", "namespace": "shop"},
    "spec": {
        "selector": "app == 'db'",
        "types": ["Ingress"],
        "ingress": [{"action": "Allow", "protocol": "TCP", "destination": {"ports": [5432]}}],
    },
}
OPENS = Counterexample(
    True, "ingress", "any pod app=web in shop", "any pod app=db in shop", "TCP 5433",
    ("deny", "Tier:default#end", ""), ("allow", "CiliumNetworkPolicy:shop/db ingress[0]", "after.yaml:7:5"), (6, 1),
)  # fmt: skip
WANTED = expectation(
    {"from": "world", "to": "shop/app=db", "port": "80", "expect": "drop", "why": "PCI"}, Span("e.yaml", 2, 3)
)
UNMET = Answer(
    WANTED,
    "cilium",
    3,
    holds=False,
    flow="203.0.113.1 → shop/db-1",
    by="CiliumNetworkPolicy:shop/db ingress[0]",
)
CHANGED = Broken("NetworkSet shop/s", "CAL-N411", ("shop/db",), "it has changed")
UNKNOWN = Broken("Namespace shop", "", ("shop/db",), "the report does not say what it was", known=False)
PROVED = Outcome(Verification(("calico", "cilium"), 4))
DIFFERS = Outcome(
    Verification(
        ("calico", "cilium"), 4, (OPENS,), refused=((Span("a.yaml", 1, 1), "CiliumNetworkPolicy x", "odd"),)
    )
)
OPEN = Outcome(Verification(("calico", "cilium"), 4, unconfirmed=2))
ALL = Outcome(DIFFERS.found, (UNMET,), (CHANGED,), 3)


def test_a_counterexample_says_what_differs_and_what_decided() -> None:
    (issue,) = issues(Outcome(verify([ALLOW], [])))
    assert issue.opens
    assert "Cilium allows what Calico drops" in issue.message
    assert "Calico drops it: end of tier default." in issue.message


@pytest.mark.parametrize(
    ("outcome", "fails", "inconclusive", "reason"),
    [
        (PROVED, False, False, None),
        (DIFFERS, True, False, "ProofFailed"),
        (OPEN, False, True, "InputIncomplete"),
        (Outcome(answers=(UNMET,)), True, False, "ProofFailed"),
        (Outcome(PROVED.found, broken=(CHANGED,), conditions=1), True, False, "ProofFailed"),
        (Outcome(PROVED.found, broken=(UNKNOWN,), conditions=1), False, True, "InputIncomplete"),
        (
            Outcome(Verification(("calico", "cilium"), 4, diagnostics=(diagnostic("CAL-S202", None),))),
            False,
            True,
            "InputIncomplete",
        ),
    ],
)
def test_what_it_comes_to_is_said_once_for_all_formats(outcome, fails, inconclusive, reason) -> None:
    assert (outcome.fails, outcome.inconclusive, outcome.reason) == (fails, inconclusive, reason)
    assert data(outcome)["proved"] is not (fails or inconclusive)


@pytest.mark.parametrize("outcome", [PROVED, DIFFERS, OPEN, ALL])
def test_every_format_has_the_numbers_of_the_json(outcome) -> None:
    formats = renderers(outcome, "c2c verify")
    told = json.loads(formats["json"]())
    sarif = json.loads(formats["sarif"]())["runs"][0]["results"]
    assert [r["partialFingerprints"]["c2c/v1"] for r in sarif] == [f["id"] for f in told["findings"]]
    lines = [json.loads(line) for line in formats["jsonl"]().splitlines()]
    assert [row["type"] for row in lines] == ["hello", *["finding"] * len(told["findings"])]
    bad = sum(
        c.find("failure") is not None or c.find("error") is not None
        for c in ET.fromstring(formats["junit"]()).iter("testcase")
    )
    assert bool(bad) is not told["proved"]
    assert formats["markdown"]().splitlines()[0] == "<!-- c2c:report -->"
    assert all(f["code"] in formats["markdown"]() for f in told["findings"])


def test_differences_have_the_form_of_the_translation_report() -> None:
    shape = report_schema()
    item = shape["properties"]["findings"]["items"]
    for finding in data(ALL)["findings"]:
        jsonschema.validate(finding, {**item, "$defs": shape["$defs"]})
    (entry,) = data(ALL)["differences"]
    assert entry["pods"] == {"src": 6, "dst": 1}
    assert entry["finding"] == difference(OPENS).finding


def test_a_table_shows_both_sides_and_fits() -> None:
    text = table(ALL)
    assert "✖ Cilium allows what Calico drops: any pod app=web in shop" in text
    assert "Calico  drop   end of tier default" in text
    assert "0 of 1 expectations hold" in text
    assert "expected to be dropped (PCI), Cilium allows 203.0.113.1" in " ".join(text.split())
    assert "2 of 3 conditions of the translation hold" in text
    for width in (40, 80):
        assert max(map(len, table(ALL, Canvas(width=width)).splitlines())) <= width


def test_rows_alone_are_one_line_a_finding() -> None:
    assert len(table(ALL, Canvas(rows_only=True)).splitlines()) == len(issues(ALL))


def test_two_sets_of_one_engine_are_the_old_and_the_new() -> None:
    outcome = Outcome(Verification(("calico", "calico"), 1, (OPENS,)))
    assert "The new set allows what the old set drops" in table(outcome)
    assert headline(outcome) == "The old set → the new set: 1 difference"


@pytest.mark.parametrize(
    ("outcome", "said"),
    [
        (PROVED, "Calico → Cilium: the same verdicts"),
        (DIFFERS, "Calico → Cilium: 1 difference, 1 object that Cilium would refuse"),
        (OPEN, "Calico → Cilium: 2 open points without an example"),
        (Outcome(answers=(UNMET,)), "Expectations: 0 of 1 expectations hold"),
        (
            Outcome(PROVED.found, broken=(CHANGED,), conditions=2),
            "Calico → Cilium: the same verdicts, 1 of 2 conditions no longer holds",
        ),
    ],
)
def test_the_headline_is_one_sentence(outcome, said) -> None:
    assert headline(outcome) == said


def test_what_could_not_be_told_is_an_error_in_junit_and_never_skipped() -> None:
    root = ET.fromstring(renderers(OPEN, "c2c verify")["junit"]())
    assert [item.find("error") is not None for item in root.iter("testcase")] == [True]
    assert root.find(".//skipped") is None
