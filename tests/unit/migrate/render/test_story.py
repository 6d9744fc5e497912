"""The migration report: its numbers are those of the journal, every rendering says the same, damage is told."""

from __future__ import annotations

import json
import os
import re
from dataclasses import asdict
from functools import cache
from pathlib import Path
from xml.etree import ElementTree as ET

import jsonschema
import pytest
from pydantic import TypeAdapter

from migrate.engine.drafting import draft
from migrate.engine.planner import make_plan
from migrate.model.events import Event, Kind
from migrate.model.plan import Plan
from migrate.model.settings import Settings
from migrate.model.story import MigrationReport
from migrate.rehearsal import Ended, Rehearsal, rehearse
from migrate.render.story import Damage, story
from migrate.render.story_chart import chart, svg
from migrate.render.story_page import page
from migrate.render.story_text import junit, markdown, table
from migrate.render.terminal import Canvas
from migrate.simulator.build import world_of
from tests import clusters
from tests.films import healthy_snapshot

PUBLISHED = Path(__file__).parents[4] / "docs" / "schema" / "migration-report.schema.json"
GOLDEN = Path(__file__).parents[3] / "golden" / "render"


def a_plan() -> Plan:
    snapshot = healthy_snapshot()
    return make_plan(snapshot, draft(snapshot, Settings.from_mapping(clusters.settings())))


@cache
def moved() -> tuple[Plan, Ended]:
    plan = a_plan()
    return plan, rehearse(plan, healthy_snapshot())


@cache
def halted() -> tuple[Plan, Ended]:
    plan = a_plan()
    return plan, rehearse(plan, healthy_snapshot(), faults={"wrong-pool@wrk-1": True})


def told(found: tuple[Plan, Ended], **more: object) -> MigrationReport:
    return story(found[0], found[1].records, **more)  # type: ignore[arg-type]


def schema() -> dict[str, object]:
    return {
        "$schema": "https://json-schema.org/draft/2020-12/schema",
        **TypeAdapter(MigrationReport).json_schema(),
    }


def test_a_run_that_was_done_is_told_whole() -> None:
    report = told(moved())
    assert report.rehearsal
    assert report.outcome.status == "DONE"
    assert report.outcome.sentence.startswith("All done: 4 of 4 nodes run on Cilium")
    assert [s.phase for s in report.stages] == ["P1", "P2", "P3", "P4", "P5", "P6", "P7", "P8", "P9", "P14"]
    assert all(s.end for s in report.stages)
    assert sum(s.seconds for s in report.stages) == pytest.approx(report.outcome.seconds)
    assert {n.state for n in report.nodes} == {"DONE"}
    assert all(0 < n.out < n.p90 for n in report.nodes)
    assert sum(n.pods for n in report.nodes) > 0
    assert {g.outcome for g in report.gates} == {"pass"}
    assert len(report.gates) == sum(r["kind"] == "gate" for r in moved()[1].records)
    assert {s.node for s in report.policy.enforced} == {n.name for n in report.nodes}
    assert [m.kind for m in report.marks] == ["Paused", "LeaseAcquired", "Approve"]
    assert all(u.done for u in report.undo)
    assert report.removal == ()


def test_a_halt_is_told_with_its_node_and_what_did_not_pass() -> None:
    report = told(halted())
    assert report.outcome.status in {"HALTED", "PAUSED"}
    assert report.outcome.reason
    assert not report.outcome.end
    assert report.stages[-1].end == ""
    node = next(n for n in report.nodes if n.name == "wrk-1")
    assert node.state in {"HALTED", "ROLLED_BACK"}
    assert node.reason
    assert not all(u.done for u in report.undo)
    text = markdown(report)
    assert node.reason.split(":")[0] in text.replace("\\", "")


def test_what_a_person_did_is_told_with_who_and_when() -> None:
    plan = a_plan()
    sim = world_of(healthy_snapshot(), plan.draft.settings)
    rehearsal = Rehearsal(plan, sim)
    run = rehearsal.begin()
    rehearsal.ended(rehearsal.resume(Event(Kind.ROLLBACK_REQUESTED, by="alice")))
    assert run.status == "DONE"
    report = story(plan, tuple(sim.journal.kept))
    assert report.outcome.status == "ROLLED_BACK"
    assert ("RollbackRequested", "alice") in [(m.kind, m.who) for m in report.marks]
    assert {n.state for n in report.nodes} == {"ROLLED_BACK"}
    assert all(n.rollbacks == 1 for n in report.nodes)


@pytest.mark.parametrize("found", [moved, halted])
def test_every_rendering_agrees_with_the_document(found: object) -> None:
    report = told(found())  # type: ignore[operator]
    data = json.loads(json.dumps(asdict(report)))
    jsonschema.Draft202012Validator(schema()).validate(data)
    made = page(report)
    embedded = re.search(r'<script type="application/json" id="report">(.*?)</script>', made, re.DOTALL)
    assert embedded is not None
    assert json.loads(embedded[1]) == data
    cases = ET.fromstring(junit(report))
    nodes = [c for c in cases.iter("testcase") if c.get("classname") == "nodes"]
    assert {c.get("name") for c in nodes} == {n["name"] for n in data["nodes"]}
    assert sum(len(c) == 0 for c in nodes) == sum(n["state"] == "DONE" for n in data["nodes"])
    picture = ET.fromstring(svg(report))
    begun = [n["name"] for n in data["nodes"] if n["stays"]]
    assert set(begun) <= {t.text for t in picture.iter("{http://www.w3.org/2000/svg}text")}
    assert [line.split()[0] for line in chart(report)[1:-1]] == begun
    shown = table(report, Canvas(width=80))
    assert all(len(line) <= 80 for line in shown.splitlines())
    assert f"{data['journal']['count']} records" in shown


def test_the_same_records_give_the_same_bytes() -> None:
    once, again = told(moved()), story(moved()[0], tuple(map(dict, moved()[1].records)))
    assert (page(once), markdown(once), svg(once)) == (page(again), markdown(again), svg(again))


def test_damage_is_told_in_every_rendering() -> None:
    report = told(moved(), damage=Damage("line 7 does not follow line 6"))
    assert not report.journal.whole
    for text in (markdown(report), page(report), table(report, Canvas(width=None)), junit(report)):
        assert "line 7 does not follow line 6" in text


def test_a_journal_that_ends_early_is_told_as_far_as_it_goes() -> None:
    plan, ended = moved()
    for count in range(1, len(ended.records), 37):
        report = story(plan, ended.records[:count])
        assert report.journal.count == count
        page(report)


def test_names_cannot_become_markup() -> None:
    plan, ended = moved()
    records = [json.loads(json.dumps(r).replace("wrk-1", "<b>wrk|1</b>")) for r in ended.records]
    report = story(plan, records)
    assert "<b>wrk" not in page(report).split('id="report"')[0]
    assert "<b>wrk" not in svg(report)
    assert "<b>wrk" not in markdown(report).split("```")[2]


def test_evidence_is_listed_as_sha256sum_takes_it() -> None:
    report = told(moved(), files=[("evidence/wrk-1/G-01.json", "ab" * 32)])
    assert f"    {'ab' * 32}  evidence/wrk-1/G-01.json" in markdown(report)


def test_no_record_is_no_report() -> None:
    with pytest.raises(ValueError, match="no record"):
        story(a_plan(), ())


def test_the_published_schema_is_that_of_the_report() -> None:
    text = json.dumps(schema(), indent=2) + "\n"
    if os.environ.get("C2C_REWRITE") == "1":
        PUBLISHED.write_text(text, encoding="utf-8")
    assert text == PUBLISHED.read_text(encoding="utf-8")


@pytest.mark.parametrize(("name", "found"), [("run-done", moved), ("run-halted", halted)])
@pytest.mark.parametrize("suffix", ["md", "txt", "svg"])
def test_a_report_reads_as_it_did(name: str, found: object, suffix: str) -> None:
    report = told(found())  # type: ignore[operator]
    made = {"md": markdown, "svg": svg, "txt": lambda r: table(r, Canvas(width=80))}[suffix](report)
    path = GOLDEN / f"{name}.{suffix}"
    if os.environ.get("C2C_REWRITE") == "1":
        path.write_text(made, encoding="utf-8")
    assert made == path.read_text(encoding="utf-8")
