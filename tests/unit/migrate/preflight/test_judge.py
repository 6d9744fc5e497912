"""How rules are asked: what is missing, what is accepted, what is said once."""

from __future__ import annotations

from collections.abc import Iterator
from typing import Any

import pytest

from migrate.model.draft import Draft
from migrate.model.facts import NodeFacts
from migrate.model.findings import Outcome, Severity
from migrate.model.snapshot import Read, ReadState, Snapshot, SnapshotBuilder
from migrate.preflight import Case, Hit, Rule, Unread, Verdict, judge
from migrate.preflight.rule import Group
from tests import clusters


def rule(check: Any, severity: Severity = Severity.BLOCK, **more: Any) -> Rule:
    return Rule(
        number=998,
        group=Group.IDENTITY,
        severity=severity,
        title="A rule of the tests",
        message="{x} is wrong",
        remedy="mend {x}",
        check=check,
        **more,
    )


def case(snapshot: Snapshot | None = None) -> Case:
    return Case(snapshot or Snapshot(), Draft())


def one(_: Case) -> Iterator[Hit]:
    yield Hit("Pod/shop/web", {"x": "web"})


def half(_: Case) -> Iterator[Hit | Unread]:
    yield Hit("Pod/shop/web", {"x": "web"})
    yield Unread("the other half")


def test_what_a_check_finds_out_to_be_missing_makes_the_rule_unknown_and_keeps_its_findings() -> None:
    judgement = judge(case(), [rule(half)])
    (result,) = judgement.results
    assert (result.outcome, result.missing) == (Outcome.UNKNOWN, ("the other half",))
    assert [f.message for f in result.findings] == ["web is wrong"]
    assert judgement.verdict is Verdict.NO_GO


def test_an_unknown_warning_stops_nothing_and_an_unknown_block_is_no_go_by_blindness() -> None:
    def blind(_: Case) -> Iterator[Unread]:
        yield Unread("everything")

    assert judge(case(), [rule(blind)]).verdict is Verdict.UNKNOWN
    assert judge(case(), [rule(blind, Severity.WARN)]).verdict is Verdict.GO


def test_a_resource_that_was_not_read_keeps_the_check_from_running_even_where_facts_are_there() -> None:
    def never(_: Case) -> Iterator[Hit]:
        raise AssertionError

    snapshot = Snapshot(
        reads={"pods": Read(ReadState.FORBIDDEN)}, facts={"wrk-1": NodeFacts("wrk-1", {"udp": []})}
    )
    (result,) = judge(case(snapshot), [rule(never, reads=("pods",), facts=("udp",))]).results
    assert result.missing == ("pods",)


def test_a_node_without_facts_makes_a_rule_unknown_but_the_others_are_looked_at() -> None:
    builder = SnapshotBuilder()
    for name in ("wrk-1", "wrk-2"):
        builder.add(clusters.node(name, "10.0.0.1"))
    snapshot = builder.snapshot(facts=[NodeFacts("wrk-1", {"udp": []})])
    (result,) = judge(case(snapshot), [rule(one, facts=("udp",))]).results
    assert (result.outcome, result.missing) == (Outcome.UNKNOWN, ("facts of node/wrk-2: udp",))
    assert len(result.findings) == 1


@pytest.mark.parametrize("key", ["CP2998", "CP2998:Pod/shop/web", "CP2998:shop/web", "CP2998:web"])
def test_a_finding_is_accepted_by_code_object_or_name(key: str) -> None:
    judgement = judge(case(), [rule(one)], {key: "known"})
    assert judgement.findings[0].accepted == "known"
    assert judgement.verdict is Verdict.GO


@pytest.mark.parametrize("key", ["CP2997", "CP2998:shop/api", "CP2998:shop", "Pod/shop/web"])
def test_another_acceptance_does_not_cover_it(key: str) -> None:
    assert judge(case(), [rule(one)], {key: "known"}).verdict is Verdict.NO_GO


def test_a_mandatory_finding_cannot_be_accepted() -> None:
    judgement = judge(case(), [rule(one, Severity.MANDATORY)], {"CP2998": "known"})
    assert judgement.findings[0].accepted is None
    assert judgement.verdict is Verdict.NO_GO


def test_a_hit_may_bring_its_own_words() -> None:
    def own(_: Case) -> Iterator[Hit]:
        yield Hit("Pod/shop/web", {"x": "web"}, message="no {x}", remedy="make {x}")

    (finding,) = judge(case(), [rule(own)]).findings
    assert (finding.message, finding.remedy) == ("no web", "make web")


def test_a_costly_question_is_asked_once_a_case() -> None:
    asked = []

    def question(_: Case) -> int:
        asked.append(1)
        return 7

    subject = case()
    assert (subject.once(question), subject.once(question), len(asked)) == (7, 7, 1)
    assert case().once(question) == 7
    assert len(asked) == 2


def test_ages_are_measured_now_or_else_when_the_snapshot_was_taken() -> None:
    taken = Snapshot(taken="2026-01-01T00:00:00Z")
    assert Case(taken, Draft()).moment == "2026-01-01T00:00:00Z"
    assert Case(taken, Draft(), "2026-02-01T00:00:00Z").moment == "2026-02-01T00:00:00Z"


def no_way(node: str) -> Rule:
    def check(_: Case) -> Iterator[Hit]:
        yield Hit(f"node/{node}", {"x": node}, node=node)

    return Rule(
        number=110,
        group=Group.ACCESS,
        severity=Severity.BLOCK,
        title="No way",
        message="{x}",
        remedy="{x}",
        check=check,
    )


def test_who_accepts_that_a_node_has_no_way_accepts_that_its_facts_are_not_seen() -> None:
    snapshot = clusters.snapshot_of(
        [clusters.node("wrk-1", "10.0.0.11"), clusters.node("wrk-2", "10.0.0.12")]
    )
    blind = rule(one, Severity.MANDATORY, facts=("udp",))
    ask = [no_way("wrk-1"), no_way("wrk-2"), rule(lambda _: iter(()), Severity.MANDATORY, facts=("udp",))]
    found = {"CP2110:wrk-1": "the API alone"}
    assert judge(case(snapshot), ask, found).verdict is Verdict.NO_GO, "the other node's was not accepted"
    assert judge(case(snapshot), ask[:1] + ask[2:], found).verdict is Verdict.UNKNOWN, (
        "the other node is not borne"
    )
    assert judge(case(snapshot), ask, {"CP2110": "the API alone"}).verdict is Verdict.GO
    assert judge(case(snapshot), [*ask[:2], blind], {"CP2110": "x"}).verdict is Verdict.NO_GO, (
        "what is seen still stops"
    )
    assert (
        judge(case(snapshot), [no_way("wrk-1"), rule(half, Severity.WARN)], {"CP2110": "x"}).verdict
        is Verdict.GO
    )


def test_a_block_that_could_not_look_is_borne_by_its_code_and_a_mandatory_one_never() -> None:
    def blind(_: Case) -> Iterator[Unread]:
        yield Unread("the other half")

    assert judge(case(), [rule(blind)], {"CP2998": "known"}).verdict is Verdict.GO
    assert judge(case(), [rule(blind, Severity.MANDATORY)], {"CP2998": "known"}).verdict is Verdict.UNKNOWN
