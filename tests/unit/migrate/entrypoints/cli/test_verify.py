from __future__ import annotations

import json

import pytest

from migrate.entrypoints.cli.main import main
from migrate.exitcodes import ExitCode
from tests.unit.migrate.entrypoints.cli.test_translate import EXACT

WIDER = """\
apiVersion: cilium.io/v2
kind: CiliumNetworkPolicy
metadata: {name: db, namespace: shop}
spec:
  endpointSelector: {matchLabels: {app: db}}
  ingress:
  - fromEndpoints: [{matchLabels: {app: web}}]
    toPorts: [{ports: [{port: "5432", endPort: 5433, protocol: TCP}]}]
"""
EQUAL = WIDER.replace("endPort: 5433, ", "")


@pytest.fixture
def sides(tmp_path):
    def write(after: str) -> list[str]:
        (tmp_path / "before.yaml").write_text(EXACT)
        (tmp_path / "after.yaml").write_text(after)
        return ["--before", str(tmp_path / "before.yaml"), "--after", str(tmp_path / "after.yaml")]

    return write


def test_a_hand_written_set_that_means_the_same_is_proved(sides, capsys):
    assert main(["verify", *sides(EQUAL)]) == ExitCode.DONE
    assert "same verdicts" in capsys.readouterr().out


def test_a_wider_port_range_is_a_counterexample_with_both_places(sides, capsys):
    assert main(["verify", *sides(WIDER), "-o", "json"]) == ExitCode.BLOCKED
    (found,) = json.loads(capsys.readouterr().out)["counterexamples"]
    assert found["effect"] == "opens"
    assert "5433" in found["packets"]
    assert found["calico"]["verdict"] == "deny"
    assert "after.yaml:" in found["cilium"]["place"]


@pytest.mark.parametrize(
    ("more", "code"), [([], ExitCode.DONE), (["--detailed-exitcode"], ExitCode.DIFFERENCES)]
)
def test_diff_informs_and_fails_only_if_asked(sides, capsys, more, code):
    assert main(["diff", *sides(WIDER), *more]) == code
    assert "Cilium allows what Calico drops" in capsys.readouterr().out


def test_diff_of_equal_sets_is_silent_about_flows(sides, capsys):
    assert main(["diff", *sides(EQUAL), "--detailed-exitcode"]) == ExitCode.DONE


def test_exchanged_sides_are_named(sides, capsys):
    before, after = sides(EQUAL)[1::2]
    assert main(["verify", "--before", after, "--after", before]) == ExitCode.USAGE
    assert "exchange" in capsys.readouterr().err


def test_an_incomplete_snapshot_is_inconclusive(sides, tmp_path, capsys):
    cluster = tmp_path / "cluster"
    cluster.mkdir()
    (cluster / "snapshot.json").write_text(json.dumps({"kinds": {"nodes": {"error": "forbidden"}}}))
    assert main(["verify", *sides(EQUAL), "--cluster", str(cluster)]) == ExitCode.INCONCLUSIVE
    assert "nodes" in capsys.readouterr().err
