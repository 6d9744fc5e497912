"""Plans: every step named with its undo, the same input the same bytes, bound to what it was made from."""

from __future__ import annotations

import copy
import json

from migrate.engine.bound import bound
from migrate.engine.drafting import draft
from migrate.engine.plan_file import plan_document
from migrate.engine.planner import make_plan
from migrate.model.draft import NodePlan
from migrate.model.plan import Plan, canonical
from migrate.model.run import Run
from migrate.model.serial import decode, encode
from migrate.model.settings import Settings
from tests import clusters
from tests.films import Player


def plan_of(objects: list[clusters.Object], **settings: object) -> Plan:
    snapshot = clusters.snapshot_of(objects)
    return make_plan(snapshot, draft(snapshot, Settings.from_mapping({**clusters.settings(), **settings})))


def test_the_same_input_in_any_order_gives_the_same_plan() -> None:
    objects = clusters.healthy()
    assert plan_of(objects) == plan_of(list(reversed(objects)))


def test_the_hash_covers_everything_but_itself() -> None:
    plan = plan_of(clusters.healthy())
    assert len(plan.hash) == 64
    assert plan_of(clusters.healthy(), audit="1h").hash != plan.hash


def test_a_plan_is_one_json_document_without_a_time() -> None:
    document = plan_document(plan_of(clusters.healthy()))
    assert json.loads(canonical(document)) == document
    assert {"schemaVersion", "kind", "hash", "cluster", "steps", "waves", "bound", "exposure"} <= set(
        document
    )
    assert "time" not in {str(k).lower() for k in document}


def test_every_changing_step_before_the_point_of_no_return_names_how_it_goes_back() -> None:
    steps = plan_of(clusters.healthy()).steps
    changing = {s.command: s.undo for s in steps}
    for command in (
        "HelmInstall",
        "Cordon",
        "LabelNode",
        "ApplyNodeConfig",
        "StagePolicies",
    ):
        assert changing[command]


def test_steps_name_every_node_and_its_gates() -> None:
    steps = plan_of(clusters.healthy()).steps
    assert {s.node for s in steps if s.command == "RestartAgent"} == set(clusters.NODES)
    (probe,) = [s for s in steps if s.id == "P4/wrk-3/Probe"]
    assert probe.gates == ("G-04", "G-06", "G-07", "G-08", "G-05")


def test_a_change_of_a_pool_or_a_budget_makes_a_plan_stale_and_a_heartbeat_does_not() -> None:
    objects = clusters.healthy()
    before = bound(clusters.snapshot_of(objects))
    changed = copy.deepcopy(objects)
    for item in changed:
        if item["kind"] == "Node":
            item["status"]["conditions"][0]["lastHeartbeatTime"] = "2026-01-01T00:00:00Z"
        if item["kind"] == "Pod":
            item["metadata"]["resourceVersion"] = "99"
    assert bound(clusters.snapshot_of(changed)) == before
    for item in changed:
        if item["kind"] == "IPPool":
            item["spec"]["natOutgoing"] = False
    after = bound(clusters.snapshot_of(changed))
    assert {k for k in before if before[k][0] != after[k][0]} == {"IPPool/default-ipv4-ippool"}


def test_the_state_of_a_run_survives_being_written_and_read() -> None:
    player = Player()
    for run in player.history:
        data = json.loads(json.dumps(encode(run, skip=frozenset({"plan"}))))
        assert decode(Run, data, plan=run.plan) == run


def test_an_older_node_plan_without_a_newer_key_is_read_with_its_default() -> None:
    assert decode(NodePlan, {"mode": "recycle", "unknown": 1}) == NodePlan(mode="recycle")
