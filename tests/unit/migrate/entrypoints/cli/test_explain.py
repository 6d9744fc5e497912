from __future__ import annotations

import io
import json
from pathlib import Path

import pytest

from migrate.entrypoints.cli.main import main
from migrate.exitcodes import ExitCode
from translators.diagnostics import CODES

CALICO = """\
apiVersion: projectcalico.org/v3
kind: NetworkPolicy
metadata: {name: db, namespace: shop}
spec:
  order: 10
  selector: app == 'db'
  ingress:
  - {action: Allow, protocol: TCP, source: {selector: app == 'web'}, destination: {ports: [5432]}}
  - {action: Allow, protocol: ICMP, icmp: {type: 3, code: 4}}
"""


def _pod(name: str, number: int, **labels: str) -> dict[str, object]:
    return {
        "apiVersion": "v1",
        "kind": "Pod",
        "metadata": {"name": name, "namespace": "shop", "labels": labels},
        "spec": {"nodeName": "n1", "containers": []},
        "status": {"phase": "Running", "podIPs": [{"ip": f"10.244.0.{number}"}]},
    }


@pytest.fixture
def cluster(tmp_path):
    folder = tmp_path / "cluster"
    folder.mkdir()
    items = [
        {"apiVersion": "v1", "kind": "Namespace", "metadata": {"name": "shop"}},
        _pod("web-1", 1, app="web"),
        _pod("db-1", 2, app="db"),
    ]
    (folder / "objects.json").write_text(json.dumps({"apiVersion": "v1", "kind": "List", "items": items}))
    (folder / "policies.yaml").write_text(CALICO)
    return str(folder)


@pytest.mark.parametrize("code", CODES)
def test_every_code_has_a_page(code, capsys):
    assert main(["explain", code]) == ExitCode.DONE
    page = capsys.readouterr().out
    assert CODES[code].title in page
    assert "{" not in page.partition("  Example\n")[0]


def test_a_code_may_be_typed_by_its_number(capsys):
    main(["explain", "cal401"])
    assert capsys.readouterr().out.startswith("CAL-N401")


def test_an_unknown_code_suggests_one(capsys):
    assert main(["explain", "CAL-N499"]) == ExitCode.USAGE
    assert "CAL-N4" in capsys.readouterr().err


@pytest.mark.parametrize(
    ("source", "target", "code", "verdicts"),
    [
        ("shop/web-1", "shop/db-1:5432", ExitCode.DONE, ["allow", "allow"]),
        ("shop/app=web", "shop/app=db:5433", ExitCode.DONE, ["drop", "drop"]),
        ("world", "shop/db-1:icmp/3/4", ExitCode.BLOCKED, ["allow", "drop"]),
        ("203.0.113.9", "shop/db-1:5432/UDP", ExitCode.DONE, ["drop", "drop"]),
        ("host:n1", "shop/db-1:22", ExitCode.DONE, ["allow", "allow"]),
    ],
)
def test_one_flow_is_told_under_both_engines(cluster, capsys, source, target, code, verdicts):
    assert main(["explain", source, target, "--cluster", cluster]) == code
    words = capsys.readouterr().out.split()
    assert [words[words.index(engine) + 1] for engine in ("Calico", "Cilium")] == verdicts


def test_a_flow_between_pods_that_do_not_exist_yet_needs_no_cluster(tmp_path, capsys):
    (tmp_path / "a.yaml").write_text(CALICO)
    arguments = ["explain", "shop/app=web", "shop/app=db:5432", "--before", str(tmp_path)]
    assert main(arguments) == ExitCode.DONE
    assert "shop/db rule 1  Allow" in capsys.readouterr().out


def test_a_trace_is_data_too(cluster, capsys):
    arguments = ["explain", "shop/web", "shop/db:5432", "--cluster", cluster]
    assert main([*arguments, "-o", "json"]) == ExitCode.DONE
    trace = json.loads(capsys.readouterr().out)
    assert list(trace)[:2] == ["schemaVersion", "kind"]
    assert trace["flow"] == {"src": "shop/web-1", "dst": "shop/db-1", "packet": "TCP 5432"}
    assert trace["agrees"] is True
    assert trace["calico"]["ingress"]["trace"][0]["rule"] == "rule 1"
    assert trace["cilium"]["egress"]["by"] == "not isolated"


@pytest.mark.parametrize(
    "more",
    [["--flows", "nowhere"], ["--flows", "f", "-o", "json"], ["--flows", "f", "--policies", "nowhere"]],
)
def test_a_batch_that_cannot_begin_is_a_usage_error(cluster, capsys, more):
    assert main(["explain", "--engine", "calico", "--cluster", cluster, *more]) == ExitCode.USAGE
    assert capsys.readouterr().out == ""


@pytest.mark.parametrize(
    "flow",
    [["shop/none", "shop/db-1:80"], ["shop/web-1", "shop/db-1"], ["nowhere", "shop/db-1:80"]],
)
def test_an_end_that_is_none_is_a_usage_error(cluster, capsys, flow):
    assert main(["explain", *flow, "--cluster", cluster]) == ExitCode.USAGE


def _batch(capsys, cluster, lines, *more):
    path = f"{cluster}-flows.jsonl"
    texts = [line if isinstance(line, str) else json.dumps(line) for line in lines]
    Path(path).write_text("\n".join(texts) + "\n", encoding="utf-8")
    arguments = ["explain", "--engine", "calico", "--cluster", cluster, "--flows", path, "-o", "jsonl", *more]
    code = main(arguments)
    return code, [json.loads(line) for line in capsys.readouterr().out.splitlines()]


FLOW = {"id": "a", "src": {"pod": "shop/web-1"}, "dst": {"pod": "shop/db-1"}, "protocol": "TCP", "port": 5432}


def test_a_batch_answers_line_by_line_in_order(cluster, capsys):
    denied = {**FLOW, "id": "b", "port": 80, "src": {"ip": "10.244.0.1"}}
    outside = {**FLOW, "id": 3, "src": {"ip": "203.0.113.1"}}
    code, answers = _batch(capsys, cluster, [FLOW, denied, outside])
    assert code == ExitCode.DONE
    assert [(a["id"], a["verdict"]) for a in answers] == [("a", "allow"), ("b", "deny"), (3, "deny")]
    assert answers[0]["egress"]["verdict"] == "allow"
    assert answers[2]["egress"] is None


def test_a_bad_line_is_answered_and_the_rest_goes_on(cluster, capsys):
    bad = {**FLOW, "id": "x", "src": {"pod": "shop/gone"}}
    worse = [
        {**FLOW, "port": "http"},
        {**FLOW, "icmp_type": 300},
        {**FLOW, "protocol": True},
        {**FLOW, "family": 5},
    ]
    code, answers = _batch(capsys, cluster, ["no json", "", "[1]", "null", bad, *worse, FLOW])
    assert code == ExitCode.USAGE
    assert ["error" in a for a in answers] == [True] * 9 + [False]
    assert [list(a) for a in answers[:2]] == [["id", "error"]] * 2
    assert answers[4]["id"] == "x"


def test_a_line_that_is_not_utf8_is_answered_and_the_rest_goes_on(cluster, tmp_path, capsys):
    (tmp_path / "f").write_bytes(b'{"id": "\xff"}\n' + json.dumps(FLOW).encode())
    arguments = ["explain", "--engine", "calico", "--cluster", cluster, "--flows", str(tmp_path / "f")]
    assert main(arguments) == ExitCode.USAGE
    first, second = map(json.loads, capsys.readouterr().out.splitlines())
    assert first == {"id": None, "error": {"message": "the line is not UTF-8"}}
    assert second["verdict"] == "allow"


@pytest.mark.parametrize(
    ("end", "verdict"),
    [({"entity": "world"}, "deny"), ({"entity": "host"}, "allow"), ({"entity": "remote-node"}, "deny")],
)
def test_entities_stand_for_unnamed_peers(cluster, capsys, end, verdict):
    code, answers = _batch(capsys, cluster, [{**FLOW, "src": end}])
    assert code == ExitCode.DONE
    assert answers[0]["verdict"] == verdict


def test_named_policies_count_alone(cluster, capsys, tmp_path):
    (tmp_path / "other.yaml").write_text(CALICO.replace("5432", "80"))
    _, answers = _batch(capsys, cluster, [FLOW], "--policies", str(tmp_path / "other.yaml"))
    assert answers[0]["verdict"] == "deny"


def test_flows_come_from_standard_input_too(cluster, capsys, monkeypatch):
    monkeypatch.setattr("sys.stdin", io.TextIOWrapper(io.BytesIO(json.dumps(FLOW).encode() + b"\n")))
    main(["explain", "--engine", "cilium", "--cluster", cluster, "--flows", "-", "-o", "jsonl"])
    assert capsys.readouterr().out == (
        '{"id": "a", "verdict": "allow", "egress": {"verdict": "allow", "by": "not isolated", "place": null}, '
        '"ingress": {"verdict": "allow", "by": "not isolated", "place": null}}\n'
    )


@pytest.mark.parametrize(
    ("typed", "title"),
    [
        ("drain", "drain: pods cannot be evicted"),
        ("precondition", "precondition: a precondition of the phase does not hold"),
        ("G-06", "gate-06-source-address: G-06 (source address) failed"),
        ("gate-06", "gate-06-source-address: G-06 (source address) failed"),
        ("look-first", "Look first"),
        ("runbooks", "Runbooks"),
    ],
)
def test_a_halt_a_gate_and_a_procedure_have_their_page(typed, title, capsys) -> None:
    assert main(["explain", typed]) == 0
    assert capsys.readouterr().out.splitlines()[0] == title


def test_a_gate_that_does_not_exist_has_none(capsys) -> None:
    assert main(["explain", "G-99"]) == ExitCode.USAGE
    assert "there is no code G-99" in capsys.readouterr().err


def test_a_policy_that_cannot_be_read_counts_as_absent_in_a_batch_and_is_named(tmp_path, capsys):
    odd = {
        "apiVersion": "projectcalico.org/v3",
        "kind": "NetworkPolicy",
        "metadata": {"name": "odd", "namespace": "a"},
    }
    tier = {
        "apiVersion": "projectcalico.org/v3",
        "kind": "Tier",
        "metadata": {"name": "t"},
        "spec": {"order": "x"},
    }
    listed = [
        {**odd, "spec": {"types": ["Ingress"], "ingress": "x"}},
        {**odd, "spec": {"selector": "a = b"}},
        tier,
    ]
    (tmp_path / "cluster.json").write_text(json.dumps({"apiVersion": "v1", "kind": "List", "items": listed}))
    flow = {"id": 1, "src": {"ip": "192.0.2.1"}, "dst": {"ip": "192.0.2.2"}, "protocol": "TCP", "port": 80}
    (tmp_path / "flows.jsonl").write_text(json.dumps(flow) + "\n")
    asked = ["--cluster", str(tmp_path / "cluster.json"), "--flows", str(tmp_path / "flows.jsonl")]
    assert main(["explain", "--engine", "calico", *asked]) == 2
    said = capsys.readouterr()
    assert json.loads(said.out)["verdict"] == "allow"
    assert said.err.count("cannot be read, and counts as absent") == 3
    assert "NetworkPolicy a/odd" in said.err
    assert "Tier t" in said.err
