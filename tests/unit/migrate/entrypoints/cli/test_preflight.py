from __future__ import annotations

import json
from pathlib import Path

import pytest
import yaml

from migrate.entrypoints.cli import planning
from migrate.entrypoints.cli.main import main
from migrate.exitcodes import ExitCode
from tests import clusters

CONFIG = clusters.settings()


@pytest.fixture
def cluster(tmp_path: Path) -> Path:
    folder = tmp_path / "cluster"
    folder.mkdir()
    text = yaml.safe_dump({"apiVersion": "v1", "kind": "List", "items": clusters.healthy()})
    (folder / "all.yaml").write_text(text)
    (folder / "version.json").write_text('{"serverVersion": {"gitVersion": "v1.34.2"}}')
    return folder


@pytest.fixture
def config(tmp_path: Path) -> Path:
    path = tmp_path / "c2c.yaml"
    path.write_text(yaml.safe_dump(CONFIG))
    return path


def bare(folder: Path) -> None:
    pod = clusters.pod("debug", "shop", "wrk-3", "10.244.3.99")
    (folder / "bare.yaml").write_text(yaml.safe_dump(pod))


def test_nothing_that_stops_is_go(cluster, config, capsys):
    assert (
        main(["preflight", "--cluster", str(cluster), "--config", str(config), "--select", "eviction"])
        == ExitCode.DONE
    )
    assert "Go: " in capsys.readouterr().out


def test_a_blocker_is_no_go_and_says_what_to_type_next(cluster, config, capsys):
    bare(cluster)
    arguments = ["preflight", "--cluster", str(cluster), "--config", str(config), "--select", "eviction"]
    assert main(arguments) == ExitCode.BLOCKED
    said = capsys.readouterr()
    assert "✖ CP2034" in said.out
    assert said.err.splitlines()[-1] == "Next: c2c explain CP2034"
    assert main([*arguments, "--exit-zero"]) == ExitCode.DONE


def test_a_check_that_could_not_look_is_not_known(cluster, config, capsys):
    (cluster / "nodes.yaml").write_text("a: [1\n")
    assert (
        main(["preflight", "--cluster", str(cluster), "--config", str(config), "--select", "PRE-009"])
        == ExitCode.INCONCLUSIVE
    )
    said = capsys.readouterr()
    assert "Not known" in said.out
    assert "nodes.yaml:" in said.err


@pytest.mark.parametrize(
    "typed", ["CP2034:shop/debug=a debugger", "CP2034:debug", "PRE-034:Pod/shop/debug=x", "cp2034"]
)
def test_a_finding_is_accepted_by_its_id(cluster, config, capsys, typed):
    bare(cluster)
    arguments = ["preflight", "--cluster", str(cluster), "--config", str(config), "--select", "eviction"]
    assert main([*arguments, "--accept", typed, "-o", "json"]) == ExitCode.DONE
    (finding,) = [f for f in json.loads(capsys.readouterr().out)["findings"] if f["code"] == "CP2034"]
    assert finding["accepted"] == (typed.partition("=")[2] or "accepted on the command line")


def test_the_configuration_may_accept_too(cluster, tmp_path, capsys):
    bare(cluster)
    accept = [{"id": "CP2034", "object": "shop/debug", "reason": "a debugger", "by": "alice"}]
    path = tmp_path / "with.yaml"
    path.write_text(yaml.safe_dump({**CONFIG, "translate": {"accept": accept}}))
    assert (
        main(["preflight", "--cluster", str(cluster), "--config", str(path), "--select", "eviction"])
        == ExitCode.DONE
    )
    assert "Accepted: a debugger (alice)." in " ".join(capsys.readouterr().out.split())


@pytest.mark.parametrize(
    ("typed", "why"),
    [
        ("CP2034", "there is no such finding"),
        ("CP2033", "stops nothing here"),
        ("CP2026", "cannot be accepted"),
    ],
)
def test_an_acceptance_that_means_nothing_is_refused(cluster, tmp_path, capsys, typed, why):
    path = tmp_path / "small.yaml"
    path.write_text(yaml.safe_dump({**CONFIG, "cilium": {**CONFIG["cilium"], "maskSize": 26}}))
    arguments = [
        "preflight",
        "--cluster",
        str(cluster),
        "--config",
        str(path),
        "--select",
        "eviction,capacity",
    ]
    assert main([*arguments, "--accept", typed]) == ExitCode.USAGE
    assert why in capsys.readouterr().err


def test_one_node_is_judged_by_what_names_it(cluster, config, capsys):
    bare(cluster)
    arguments = ["preflight", "--cluster", str(cluster), "--config", str(config), "--select", "eviction"]
    assert main([*arguments, "--node", "wrk-3"]) == ExitCode.BLOCKED
    assert main([*arguments, "--node", "wrk-1"]) == ExitCode.DONE
    assert main([*arguments, "--node", "nowhere"]) == ExitCode.USAGE
    assert "there is no node nowhere" in capsys.readouterr().err


@pytest.mark.parametrize("word", ["nonsense", "CP2999", "capacity,nonsense"])
def test_a_group_that_does_not_exist_is_refused(cluster, config, capsys, word):
    assert (
        main(["preflight", "--cluster", str(cluster), "--config", str(config), "--select", word])
        == ExitCode.USAGE
    )
    assert "groups are identity" in capsys.readouterr().err


def test_without_a_snapshot_the_cluster_is_asked(capsys, monkeypatch):
    monkeypatch.setenv("KUBECONFIG", "nowhere.yaml")
    assert main(["preflight"]) == ExitCode.UNREACHABLE
    assert "--kubeconfig" in capsys.readouterr().err


def test_the_policies_of_the_cluster_are_translated_for_the_rules(cluster, config, monkeypatch):
    policy = clusters.thing(
        "NetworkPolicy", "db", "shop", api="projectcalico.org/v3",
        spec={"selector": "app == 'db'", "types": ["Ingress"], "ingress": [{"action": "Allow", "source": {"selector": "app == 'web'"}}]},
    )  # fmt: skip
    (cluster / "policy.yaml").write_text(yaml.safe_dump(policy))
    seen = []
    real = planning.considered
    monkeypatch.setattr(planning, "considered", lambda s, g, r: seen.append(g) or real(s, g, r))
    assert (
        main(["preflight", "--cluster", str(cluster), "--config", str(config), "--select", "eviction"])
        == ExitCode.DONE
    )
    assert [o["kind"] for o in seen[0].policies.objects] == ["CiliumNetworkPolicy"]
    assert seen[0].policies.report["kind"] == "TranslationReport"


def test_a_key_that_stands_twice_in_the_values_is_found(cluster, tmp_path, capsys):
    values = tmp_path / "values.yaml"
    values.write_text("operator: {replicas: 2}\nhubble: {relay: {enabled: true}}\noperator: {replicas: 1}\n")
    path = tmp_path / "values-config.yaml"
    path.write_text(yaml.safe_dump({**CONFIG, "cilium": {**CONFIG["cilium"], "values": str(values)}}))
    assert (
        main(["preflight", "--cluster", str(cluster), "--config", str(path), "--select", "CP2120"])
        == ExitCode.BLOCKED
    )
    assert "operator" in capsys.readouterr().out


def test_values_that_name_each_other_a_billion_times_are_looked_at_once(cluster, tmp_path, capsys):
    laughs = ["x0: &x0 [a]", *(f"x{n}: &x{n} [{', '.join([f'*x{n - 1}'] * 9)}]" for n in range(1, 20))]
    values = tmp_path / "values.yaml"
    values.write_text("\n".join([*laughs, "operator: {replicas: 2}", "operator: {replicas: 1}"]))
    path = tmp_path / "values-config.yaml"
    path.write_text(yaml.safe_dump({**CONFIG, "cilium": {**CONFIG["cilium"], "values": str(values)}}))
    words = ["preflight", "--cluster", str(cluster), "--config", str(path), "--select", "CP2120"]
    assert main(words) == ExitCode.BLOCKED
    assert "operator" in capsys.readouterr().out


@pytest.mark.parametrize("content", [None, b"a: " + b"[" * 3000, b"a: " + b"9" * 5000, b"a: \xff", b"- a"])
def test_values_that_cannot_be_read_are_refused(cluster, tmp_path, capsys, content):
    values = tmp_path / "values.yaml"
    if content is not None:
        values.write_bytes(content)
    path = tmp_path / "values-config.yaml"
    path.write_text(yaml.safe_dump({**CONFIG, "cilium": {**CONFIG["cilium"], "values": str(values)}}))
    assert main(["preflight", "--cluster", str(cluster), "--config", str(path)]) == ExitCode.USAGE
    assert "values.yaml" in capsys.readouterr().err


def test_a_rule_is_explained(capsys):
    assert main(["explain", "CP2031"]) == ExitCode.DONE
    assert main(["explain", "PRE-031", "-o", "json"]) == ExitCode.DONE
    assert "PDB never lets a pod go" in capsys.readouterr().out
    assert main(["explain", "CP2999"]) == ExitCode.USAGE
    assert "there is no code CP2999" in capsys.readouterr().err
