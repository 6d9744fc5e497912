"""A draft that begins with a node which its rules stop is made again without it."""

from __future__ import annotations

from collections.abc import Iterator

from migrate.model.findings import Severity
from migrate.model.settings import Settings
from migrate.model.snapshot import Snapshot, SnapshotBuilder
from migrate.preflight import Case, Hit, Rule, Verdict
from migrate.preflight.considered import Given, considered
from migrate.preflight.rule import Group
from tests import clusters


def cluster() -> Snapshot:
    builder = SnapshotBuilder()
    for item in clusters.healthy():
        builder.add(item)
    return builder.snapshot()


def stopping(*nodes: str) -> Rule:
    def check(_: Case) -> Iterator[Hit]:
        yield from (Hit(f"node/{name}", {}, {}, name) for name in nodes)

    return Rule(
        number=999,
        group=Group.IDENTITY,
        severity=Severity.BLOCK,
        title="x",
        message="x",
        remedy="x",
        check=check,
    )


GIVEN = Given(Settings.from_mapping(clusters.settings()))


def test_the_first_choice_goes_first_where_nothing_stops_it() -> None:
    draft, judgement = considered(cluster(), GIVEN, [])
    assert (draft.canary.node, judgement.verdict) == ("wrk-3", Verdict.GO)


def test_another_node_goes_first_where_the_first_choice_is_stopped() -> None:
    draft, judgement = considered(cluster(), GIVEN, [stopping("wrk-3")])
    assert draft.canary.node == "wrk-1"
    assert draft.waves[0] == ("wrk-1",)
    assert judgement.verdict is Verdict.NO_GO


def test_an_accepted_finding_does_not_change_the_canary() -> None:
    given = Given(GIVEN.settings, accepted={"CP2999": "known"})
    draft, judgement = considered(cluster(), given, [stopping("wrk-3")])
    assert (draft.canary.node, judgement.verdict) == ("wrk-3", Verdict.GO)


def test_where_every_node_is_stopped_a_condition_is_given_up_and_said() -> None:
    draft, _ = considered(cluster(), GIVEN, [stopping("cp-1", "wrk-1", "wrk-2", "wrk-3")])
    assert "its rules are Go" in draft.canary.given_up
