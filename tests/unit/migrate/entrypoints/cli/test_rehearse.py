"""``c2c rehearse``: it always ends, names what it waits for, and refuses what it cannot know."""

from __future__ import annotations

import json
from pathlib import Path
from typing import Any

import pytest
import yaml

from migrate.entrypoints.cli.main import main
from migrate.exitcodes import ExitCode
from migrate.simulator.faults import FAULTS
from tests import clusters

ROOT = Path(__file__).resolve().parents[5]


@pytest.fixture
def cluster(tmp_path: Path) -> Path:
    folder = tmp_path / "cluster"
    folder.mkdir()
    text = yaml.safe_dump({"apiVersion": "v1", "kind": "List", "items": clusters.healthy()})
    (folder / "all.yaml").write_text(text)
    (folder / "version.json").write_text('{"serverVersion": {"gitVersion": "v1.34.2"}}')
    return folder


@pytest.fixture
def arguments(cluster: Path, tmp_path: Path) -> list[str]:
    config = tmp_path / "c2c.yaml"
    config.write_text(yaml.safe_dump(clusters.settings()))
    return ["rehearse", str(cluster), "--config", str(config), "--state-dir", str(tmp_path / "state")]


def test_a_plan_that_comes_to_its_end_is_exit_0_and_marked_as_a_rehearsal(arguments, capsys):
    assert main([*arguments, "-o", "json"]) == ExitCode.DONE
    said = json.loads(capsys.readouterr().out)
    assert (said["kind"], said["state"], said["reason"]) == ("Rehearsal", "DONE", "")
    assert said["mostOut"] == 1
    assert main([*arguments, "--progress", "none"]) == ExitCode.DONE
    assert capsys.readouterr().out.startswith("  REHEARSAL · 4 nodes · ")


def test_what_was_rehearsed_is_found_again_under_its_own_id(arguments, tmp_path, capsys):
    assert main([*arguments, "-o", "json"]) == ExitCode.DONE
    run = json.loads(capsys.readouterr().out)["run"]
    assert [p.name for p in (tmp_path / "state").iterdir()] == [run]
    assert main(["status", "--run", run[:4], "--state-dir", str(tmp_path / "state")]) == ExitCode.DONE
    assert "DONE" in capsys.readouterr().out


def test_a_run_that_halts_is_exit_3_with_the_reason_and_the_wait(arguments, capsys):
    assert main([*arguments, "--fault", "pdb-never-frees@shop/web", "-o", "json"]) == ExitCode.BLOCKED
    said = json.loads(capsys.readouterr().out)
    assert (said["halt"], said["reason"]) == ("drain", "DrainBlocked")
    assert "PDB shop/web" in said["longestWait"]["text"]
    assert said["longestWait"]["seconds"] >= 1100


def test_every_kill_comes_to_the_same_end(arguments, capsys):
    assert main([*arguments, "--random", "5", "--seed", "3", "-o", "json"]) == ExitCode.DONE
    assert json.loads(capsys.readouterr().out)["kills"] == {"tried": 5, "other": []}


def test_a_kill_among_faults_comes_to_the_end_of_that_run(arguments, capsys):
    again = [*arguments, "--fault", "agent-never-ready@wrk-1", "--kill-at", "180", "-o", "json"]
    assert main(again) == ExitCode.BLOCKED
    said = json.loads(capsys.readouterr().out)
    assert said["kills"] == {"tried": 1, "other": []}
    assert said["halt"] == "node-rolled-back"


def test_the_example_snapshot_is_refused_with_what_blocks_its_plan(tmp_path, capsys):
    snapshot, config = ROOT / "examples" / "snapshot", ROOT / "examples" / "c2c.yaml"
    arguments = ["rehearse", str(snapshot), "--config", str(config), "--state-dir", str(tmp_path)]
    assert main(arguments) == ExitCode.BLOCKED
    said = capsys.readouterr().err
    assert "CP2034  Pod/shop/debug: Pod shop/debug has no controller" in said
    assert "PreflightBlocked" in said
    accepted = ["CP2031", "CP2034", "CP2039"]
    assert main([*arguments, *(f"--accept={c}" for c in accepted), "-o", "json"]) == ExitCode.BLOCKED
    ended = json.loads(capsys.readouterr().out)
    assert (ended["state"], ended["nodes"][3]["state"]) == ("HALTED(drain)", "DONE")


def test_a_fault_that_there_is_not_is_refused_with_the_one_that_was_meant(arguments, capsys):
    assert main([*arguments, "--fault", "slow-pul"]) == ExitCode.USAGE
    assert "did you mean slow-pull?" in capsys.readouterr().err
    assert main([*arguments, "--fault", "slow-pull@wrk-9"]) == ExitCode.USAGE
    assert "one of cp-1, wrk-1, wrk-2, wrk-3" in capsys.readouterr().err
    assert main([*arguments, "--fault", "lease-lost@wrk-1"]) == ExitCode.USAGE
    assert "it holds everywhere" in capsys.readouterr().err


def test_every_fault_is_listed_without_a_cluster(capsys):
    assert main(["rehearse", "--fault", "list"]) == ExitCode.DONE
    said = capsys.readouterr().out
    assert all(f"  {name} " in said for name in FAULTS)


def test_nothing_to_rehearse_is_a_usage_error(capsys):
    assert main(["rehearse"]) == ExitCode.USAGE
    assert "c2c rehearse PLAN|SNAPSHOT" in capsys.readouterr().err


# Snapshots and plans that are not as they should be: named, never guessed.


def second_family_first(item: dict[str, Any]) -> None:
    if item["kind"] == "Pod" and not item["spec"].get("hostNetwork"):
        v4 = item["status"]["podIP"]
        v6 = f"fd00::{int(v4.split('.')[2]):x}:{int(v4.split('.')[3]):x}"
        item["status"] |= {"podIP": v6, "podIPs": [{"ip": v6}, {"ip": v4}]}


def on_a_node_that_is_gone(item: dict[str, Any]) -> None:
    if item["metadata"]["name"] == "web-1-a":
        item["spec"]["nodeName"] = "gone-9"


def not_placed(item: dict[str, Any]) -> None:
    if item["metadata"]["name"] == "web-1-a":
        item["spec"].pop("nodeName")
        item["status"] = {"phase": "Pending"}


def no_address(item: dict[str, Any]) -> None:
    if item["metadata"]["name"] == "web-1-a":
        item["status"] = {"phase": "Running", "podIP": "none", "podIPs": [{"ip": "none"}]}


@pytest.mark.parametrize(
    ("change", "code", "said"),
    [
        (second_family_first, ExitCode.DONE, "DONE after"),
        (not_placed, ExitCode.DONE, "DONE after"),
        (on_a_node_that_is_gone, ExitCode.BLOCKED, "PDB shop/web lets none go"),
        (no_address, ExitCode.BLOCKED, "'none' does not appear to be an IPv4 or IPv6 address"),
    ],
)
def test_an_odd_snapshot_is_rehearsed_or_refused_by_name(change, code, said, arguments, cluster, capsys):
    items = clusters.healthy()
    for item in items:
        change(item)
    (cluster / "all.yaml").write_text(yaml.safe_dump({"apiVersion": "v1", "kind": "List", "items": items}))
    assert main([*arguments, "--progress", "none"]) == code
    told = capsys.readouterr()
    assert said in told.out + told.err


@pytest.fixture
def plan(arguments: list[str], cluster: Path, tmp_path: Path) -> Path:
    path = tmp_path / "plan.json"
    config = arguments[arguments.index("--config") + 1]
    assert (
        main(["plan", "--cluster", str(cluster), "--config", config, "-o", f"json={path}", "-q"])
        == ExitCode.DONE
    )
    return path


def test_a_plan_is_rehearsed_against_the_snapshot_that_it_was_made_from(plan, cluster, tmp_path, capsys):
    again = ["rehearse", str(plan), "--state-dir", str(tmp_path / "state"), "--progress", "none"]
    assert main(again) == ExitCode.DONE
    (cluster / "all.yaml").write_text((cluster / "all.yaml").read_text() + "\n")
    assert main(again) == ExitCode.BLOCKED
    assert "its sum differs" in capsys.readouterr().err


@pytest.mark.parametrize(
    ("change", "said"),
    [
        (lambda d: d.update(waves=[]), "hash"),
        (lambda d: d.update(schemaVersion="9.0"), "9.0"),
        (lambda d: d.update(kind="Report"), "no plan"),
    ],
)
def test_a_plan_that_was_changed_or_is_of_another_version_is_refused(change, said, plan, tmp_path, capsys):
    document = json.loads(plan.read_text())
    change(document)
    plan.write_text(json.dumps(document))
    assert main(["rehearse", str(plan), "--state-dir", str(tmp_path / "state")]) == ExitCode.BLOCKED
    assert said in capsys.readouterr().err


def test_a_torn_plan_is_refused(plan, tmp_path, capsys):
    plan.write_text(plan.read_text()[:1000])
    assert main(["rehearse", str(plan), "--state-dir", str(tmp_path / "state")]) in {
        ExitCode.USAGE,
        ExitCode.BLOCKED,
    }
    assert str(plan) in capsys.readouterr().err
