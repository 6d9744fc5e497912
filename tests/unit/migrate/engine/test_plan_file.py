"""Plans written and read again; what is no plan of ours, or was changed, is refused with the reason."""

from __future__ import annotations

import json

import pytest

from migrate.engine.drafting import draft
from migrate.engine.plan_file import PlanError, plan_document, plan_of
from migrate.engine.planner import make_plan
from migrate.model.plan import Plan, digest
from migrate.model.settings import Settings
from tests import clusters


def a_plan() -> Plan:
    snapshot = clusters.snapshot_of(clusters.healthy())
    return make_plan(snapshot, draft(snapshot, Settings.from_mapping(clusters.settings())))


def test_a_plan_that_was_written_is_read_as_it_was() -> None:
    plan = a_plan()
    read = plan_of(json.loads(json.dumps(plan_document(plan))))
    assert read == plan
    assert plan_of(json.loads(json.dumps(plan_document(read)))) == plan, (
        "a run keeps the plan that it has read"
    )


def changed(**new: object) -> dict[str, object]:
    return {**json.loads(json.dumps(plan_document(a_plan()))), **new}


@pytest.mark.parametrize(
    ("document", "said"),
    [
        ([], "no plan"),
        ({"kind": "TranslationReport"}, "no plan"),
        (changed(schemaVersion="2.0"), "version 2.0"),
        (changed(waves=[]), "was changed after it was made"),
    ],
)
def test_what_is_no_plan_of_ours_is_refused(document: object, said: str) -> None:
    with pytest.raises(PlanError, match=said):
        plan_of(document)


def test_a_plan_whose_parts_have_another_shape_is_refused_with_the_place() -> None:
    document = changed(settings=[])
    document["hash"] = digest({k: v for k, v in document.items() if k != "hash"})
    with pytest.raises(PlanError, match="settings"):
        plan_of(document)
