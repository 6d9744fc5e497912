"""The numbers of a report are those of its findings, for the cluster and for one node."""

from __future__ import annotations

import json
from collections.abc import Iterator

from migrate.model.findings import Severity
from migrate.model.settings import Settings
from migrate.model.snapshot import SnapshotBuilder
from migrate.preflight import Case, Hit, Rule, Unread, Verdict
from migrate.preflight.considered import Given, considered
from migrate.preflight.report import PreflightReport, plain, to_json
from migrate.preflight.rule import Check, Group
from tests import clusters


def rule(number: int, check: Check, severity: Severity = Severity.BLOCK) -> Rule:
    return Rule(
        number=number, group=Group.IDENTITY, severity=severity, title=f"Rule {number}", message="wrong", remedy="mend",
        check=check, failures=(1,),
    )  # fmt: skip


def report(*rules: Rule, node: str = "", accepted: dict[str, str] | None = None) -> PreflightReport:
    builder = SnapshotBuilder()
    for item in clusters.healthy():
        builder.add(item)
    snapshot = builder.snapshot()
    given = Given(Settings.from_mapping(clusters.settings()), accepted=accepted or {})
    draft, judgement = considered(snapshot, given, rules)
    return PreflightReport(snapshot, draft, judgement, {r.id: r for r in rules}, node)


def on_one(_: Case) -> Iterator[Hit]:
    yield Hit("node/wrk-1", {}, {"seen": {"b", "a"}}, "wrk-1")


def everywhere(_: Case) -> Iterator[Hit]:
    yield Hit("cluster/x")


def nothing(_: Case) -> Iterator[Hit]:
    yield from ()


def blind_of_one(_: Case) -> Iterator[Unread]:
    yield Unread("facts of node/wrk-2: links")


def blind(_: Case) -> Iterator[Unread]:
    yield Unread("pods")


RULES = (
    rule(991, on_one),
    rule(992, everywhere, Severity.WARN),
    rule(993, nothing),
    rule(994, blind_of_one, Severity.WARN),
    rule(995, everywhere, Severity.INFO),
)


def test_the_summary_counts_what_is_there() -> None:
    found = report(*RULES)
    assert to_json(found, {})["summary"] == {
        "rules": 5, "passed": 2, "blockers": 1, "warnings": 1, "notes": 1, "accepted": 0, "unknown": 1, "deferred": 0,
    }  # fmt: skip
    assert (found.verdict, to_json(found, {})["reason"]) == (Verdict.NO_GO, "PreflightBlocked")


def test_of_one_node_only_what_names_it_counts() -> None:
    good, bad = report(*RULES, node="wrk-2"), report(*RULES, node="wrk-1")
    assert (good.verdict, [f.code for f in good.findings], [r.rule for r in good.blind]) == (
        Verdict.GO,
        [],
        ["PRE-994"],
    )
    assert (bad.verdict, [f.code for f in bad.findings], bad.blind) == (Verdict.NO_GO, ["CP2991"], ())


def test_a_check_that_saw_nothing_at_all_concerns_every_node() -> None:
    assert report(rule(996, blind), node="wrk-1").verdict is Verdict.UNKNOWN
    assert report(rule(996, blind_of_one), node="wrk-1").verdict is Verdict.GO


def test_what_is_accepted_stands_apart_and_stops_nothing() -> None:
    found = report(*RULES[:1], accepted={"CP2991:wrk-1": "known"})
    assert (found.verdict, len(found.accepted), found.of(Severity.BLOCK)) == (Verdict.GO, 1, ())
    assert to_json(found, {})["findings"][0]["accepted"] == "known"


def test_a_node_is_go_where_no_blocker_names_it() -> None:
    go = {entry["name"]: entry["go"] for entry in to_json(report(*RULES), {})["nodes"]}
    assert go == {"cp-1": True, "wrk-1": False, "wrk-2": True, "wrk-3": True}


def test_evidence_is_json_whatever_a_rule_put_there() -> None:
    (finding,) = to_json(report(RULES[0]), {})["findings"]
    assert finding["evidence"] == {"seen": ["a", "b"]}
    assert json.loads(json.dumps(plain({1: (1.5, None, Severity.WARN, object)}))) == {
        "1": [1.5, None, "warn", str(object)]
    }


def test_headroom_is_what_nobody_asked_for_on_the_canary() -> None:
    assert report(*RULES[2:3]).headroom == 88
