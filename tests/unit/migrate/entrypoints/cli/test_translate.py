from __future__ import annotations

import io
import json

import pytest
import yaml

from migrate.entrypoints.cli.main import main
from migrate.exitcodes import ExitCode

EXACT = """\
apiVersion: projectcalico.org/v3
kind: NetworkPolicy
metadata: {name: db, namespace: shop}
spec:
  order: 10
  selector: app == 'db'
  ingress:
  - action: Allow
    protocol: TCP
    source: {selector: app == 'web'}
    destination: {ports: [5432]}
"""
STRICTER = (
    EXACT.replace("name: db", "name: probes")
    + "  - {action: Allow, protocol: ICMP, icmp: {type: 3, code: 4}}\n"
)
NATIVE = """\
apiVersion: networking.k8s.io/v1
kind: NetworkPolicy
metadata: {name: native, namespace: billing}
spec: {podSelector: {}}
"""
REFUSED = EXACT.replace("app == 'db'", "app = = 'db'").replace("name: db", "name: odd")


@pytest.fixture
def policies(tmp_path):
    folder = tmp_path / "policies"
    folder.mkdir()

    def write(**texts: str) -> str:
        for name, text in texts.items():
            (folder / f"{name}.yaml").write_text(text)
        return str(folder)

    return write


def test_an_exact_set_exits_0(policies, capsys):
    assert main(["translate", policies(a=EXACT)]) == ExitCode.DONE
    assert "1  exact" in capsys.readouterr().out


@pytest.mark.parametrize(
    ("level", "text", "code"),
    [
        ("stricter", STRICTER, ExitCode.BLOCKED),
        ("refused", STRICTER, ExitCode.DONE),
        ("refused", REFUSED, ExitCode.BLOCKED),
        ("looser", REFUSED, ExitCode.DONE),
        ("never", REFUSED, ExitCode.DONE),
        ("stricter", NATIVE, ExitCode.DONE),
    ],
)
def test_fail_on_is_a_threshold(policies, level, text, code, capsys):
    assert main(["translate", policies(a=text), "--fail-on", level]) == code


def test_exit_zero_reports_and_passes(policies, capsys):
    assert main(["translate", policies(a=STRICTER), "--exit-zero"]) == ExitCode.DONE
    assert "stricter" in capsys.readouterr().err


@pytest.mark.parametrize("accept", ["CAL-L502", "CAL-L502:shop/probes=why", "CAL-L502:probes"])
def test_an_accepted_finding_no_longer_fails(policies, accept, capsys):
    path = policies(a=STRICTER)
    assert main(["translate", path, "--accept", accept, "-o", "json"]) == ExitCode.DONE
    report = json.loads(capsys.readouterr().out)
    assert report["summary"]["accepted"] == 1


@pytest.mark.parametrize("accept", ["CAL-L502:shop/other", "CAL-N401", "CAL-S201"])
def test_what_is_not_there_or_may_not_be_accepted_is_an_error(policies, accept, capsys):
    path = policies(a=STRICTER, b=REFUSED)
    assert main(["translate", path, "--accept", accept]) == ExitCode.USAGE
    assert accept in capsys.readouterr().err


def test_every_policy_is_in_the_report_exactly_once(policies, capsys):
    main(["translate", policies(a=EXACT, b=STRICTER, c=NATIVE, d=REFUSED), "-o", "json"])
    report = json.loads(capsys.readouterr().out)
    assert sorted(p["name"] for p in report["policies"]) == ["db", "native", "odd", "probes"]
    summary = report["summary"]
    assert summary["policies"] == sum(summary["grades"].values()) + summary["kept"]
    assert list(report)[:2] == ["schemaVersion", "kind"]


def test_json_is_the_same_bytes_wherever_it_goes(policies, capsys, tmp_path):
    path = policies(a=EXACT, b=STRICTER)
    main(
        ["translate", path, "-o", "json", "-o", f"json={tmp_path / 'one'}", "-o", str(tmp_path / "two.json")]
    )
    shown = capsys.readouterr().out
    assert (tmp_path / "one").read_text() == shown == (tmp_path / "two.json").read_text()


@pytest.mark.parametrize("name", ["r.html", "r.md", "r.svg", "r.jsonl", "r.yaml"])
def test_a_suffix_names_the_format_and_the_table_stays_on_stdout(policies, capsys, tmp_path, name):
    main(["translate", policies(a=EXACT), "-o", str(tmp_path / name)])
    assert "1  exact" in capsys.readouterr().out
    assert (tmp_path / name).stat().st_size > 0


@pytest.mark.parametrize("wanted", [["-o", "nonsense"], ["-o", "json", "-o", "yaml"]])
def test_an_impossible_output_is_a_usage_error_and_writes_nothing(policies, capsys, wanted):
    assert main(["translate", policies(a=EXACT), *wanted]) == ExitCode.USAGE
    assert capsys.readouterr().out == ""


def test_an_unreadable_file_exits_2_and_the_rest_is_still_reported(policies, capsys):
    assert main(["translate", policies(a="a: [", b=EXACT)]) == ExitCode.USAGE
    shown = capsys.readouterr()
    assert "1  exact" in shown.out
    assert "a.yaml" in shown.err


def test_standard_input_is_read(monkeypatch, capsys):
    monkeypatch.setattr("sys.stdin", io.TextIOWrapper(io.BytesIO(EXACT.encode())))
    assert main(["translate", "-"]) == ExitCode.DONE


def test_written_manifests_are_found_equal_until_the_policies_change(policies, capsys, tmp_path):
    out = str(tmp_path / "out")
    path = policies(a=EXACT)
    assert main(["translate", path, "--out", out]) == ExitCode.DONE
    assert main(["translate", path, "--out", out, "--check"]) == ExitCode.DONE
    policies(a=EXACT.replace("5432", "5433"))
    assert main(["translate", path, "--out", out, "--check"]) == ExitCode.BLOCKED
    assert main(["translate", path, "--out", out, "--check", "--detailed-exitcode"]) == ExitCode.DIFFERENCES
    assert main(["translate", path, "--check"]) == ExitCode.USAGE


def test_what_was_written_verifies_with_the_kept_policies_beside_it(policies, capsys, tmp_path):
    out = str(tmp_path / "out")
    path = policies(a=EXACT, b=NATIVE)
    main(["translate", path, "--out", out])
    assert main(["verify", "--before", path, "--after", out]) == ExitCode.DONE


def test_each_file_is_a_cluster_of_its_own(policies, capsys, tmp_path):
    path = policies(a=EXACT, b=EXACT)
    assert main(["translate", path, "--each", "--out", str(tmp_path / "out"), "-o", "json"]) == ExitCode.DONE
    report = json.loads(capsys.readouterr().out)
    outputs = [place for p in report["policies"] for place in p["outputs"]]
    assert len(set(outputs)) == 2
    for place in outputs:
        assert (tmp_path / "out" / place.rpartition(":")[0]).is_file()


def test_without_any_input_the_usage_is_told(capsys):
    assert main(["translate"]) == ExitCode.USAGE
    assert "--cluster" in capsys.readouterr().err


def test_jsonl_opens_with_hello(policies, capsys):
    main(["translate", policies(a=STRICTER), "-o", "jsonl"])
    rows = [json.loads(line) for line in capsys.readouterr().out.splitlines()]
    assert rows[0]["type"] == "hello"
    assert {row["type"] for row in rows[1:]} == {"finding"}


def test_a_snapshot_with_a_file_that_is_cut_exits_2(policies, capsys, tmp_path):
    folder = tmp_path / "cluster"
    folder.mkdir()
    (folder / "pods.json").write_text('{"apiVersion": "v1", "kind": "PodList", "items": [{"metadata": {"na')
    assert main(["translate", policies(db=EXACT), "--cluster", str(folder), "--exit-zero"]) == ExitCode.USAGE
    assert "pods.json:1" in capsys.readouterr().err


def test_a_snapshot_with_an_unread_kind_proves_nothing(policies, capsys, tmp_path):
    cluster = tmp_path / "cluster"
    cluster.mkdir()
    (cluster / "snapshot.json").write_text(json.dumps({"kinds": {"pods": {"error": "forbidden"}}}))
    path = policies(a=EXACT)
    assert main(["translate", path, "--cluster", str(cluster), "-o", "json"]) == ExitCode.BLOCKED
    shown = capsys.readouterr()
    assert "could not read pods" in shown.err
    assert "CAL-P115" in {finding["code"] for finding in json.loads(shown.out)["findings"]}


STOPS = """
apiVersion: projectcalico.org/v3
kind: NetworkPolicy
metadata: {name: stops, namespace: shop}
spec:
  selector: app == 'db'
  egress: []
  ingress:
  - action: Allow
    source: {nets: [10.0.0.0/8]}
---
apiVersion: projectcalico.org/v3
kind: NetworkPolicy
metadata: {name: service, namespace: shop}
spec:
  selector: app == 'web'
  types: [Egress]
  egress:
  - action: Allow
    destination: {services: {name: db}}
"""


def test_an_accepted_stop_is_translated_in_its_one_reading(policies, capsys):
    accept = [a for code in ("CAL-P110", "CAL-P115:stops=outside", "CAL-N415") for a in ("--accept", code)]
    assert main(["translate", policies(a=STOPS), *accept, "-o", "yaml"]) == ExitCode.DONE
    service, stops = [d["spec"] for d in yaml.safe_load_all(capsys.readouterr().out) if d and "spec" in d]
    assert stops["ingress"] == [{"fromCIDR": ["10.0.0.0/8"]}]
    assert "egress" not in stops
    assert service["egress"] == [{}]


def test_a_stop_that_only_one_policy_accepts_stays_for_the_others(policies, capsys):
    path = policies(a=STOPS)
    assert main(["translate", path, "--accept", "CAL-N415", "-o", "json"]) == ExitCode.BLOCKED
    report = json.loads(capsys.readouterr().out)
    assert {p["name"]: p["disposition"] for p in report["policies"]} == {
        "stops": "refused",
        "service": "translated",
    }


TEMPLATE = "{{ if .x }}\n" + EXACT + "{{ end }}\n"


def test_a_template_in_a_folder_is_named_and_skipped(tmp_path, capsys):
    (tmp_path / "a.yaml").write_text(EXACT)
    (tmp_path / "b.yaml").write_text(TEMPLATE)
    (tmp_path / "c.yaml.j2").write_text(TEMPLATE)
    assert main(["translate", str(tmp_path)]) == ExitCode.DONE
    said = "".join(capsys.readouterr().out.split())
    assert "b.yamlholdstemplatemarkup" in said
    assert "c.yaml.j2holdstemplatemarkup" in said


def test_a_template_that_is_asked_for_by_name_is_refused(tmp_path, capsys):
    (tmp_path / "b.yaml").write_text(TEMPLATE)
    assert main(["translate", str(tmp_path / "b.yaml")]) == ExitCode.USAGE
    assert "Render it first" in capsys.readouterr().err


def test_an_error_that_concerns_no_policy_fails_too(tmp_path, capsys):
    odd = "apiVersion: projectcalico.org/v3\nkind: GlobalNetworkSet\nmetadata: {name: s}\nspec: {netz: []}\n"
    (tmp_path / "a.yaml").write_text(EXACT + "---\n" + odd)
    assert main(["translate", str(tmp_path)]) == ExitCode.BLOCKED
    said = capsys.readouterr()
    assert "Field spec.netz" in said.out
    assert "1 object that could not be read: exit 3" in said.err
    assert main(["translate", str(tmp_path), "--fail-on", "never"]) == ExitCode.DONE


def test_policies_of_cilium_among_the_files_stay_out_of_the_picture(tmp_path):
    other = "apiVersion: cilium.io/v2\nkind: CiliumNetworkPolicy\nmetadata: {name: c, namespace: a}\nspec: {endpointSelector: {}, ingress: [{}]}\n"
    (tmp_path / "a.yaml").write_text(EXACT + "---\n" + other)
    assert main(["translate", str(tmp_path), "-o", str(tmp_path / "out.html")]) == ExitCode.DONE


@pytest.mark.parametrize("value", ["sec", "sec=first", "sec=10:Maybe"])
def test_a_tier_option_that_means_nothing_is_refused(tmp_path, value, capsys):
    (tmp_path / "a.yaml").write_text(EXACT)
    assert main(["translate", str(tmp_path), "--tier", value]) == ExitCode.USAGE
    assert "NAME=100:Pass" in capsys.readouterr().err


BEFORE_NAT = """\
apiVersion: projectcalico.org/v3
kind: GlobalNetworkPolicy
metadata: {name: guard}
spec: {selector: has(role), preDNAT: true, applyOnForward: true, types: [Ingress], ingress: [{action: Deny}]}
"""


def test_what_is_only_worth_knowing_need_not_be_accepted(tmp_path, capsys):
    """The guard also selects hosts (CAL-H608), which is a warning and no reason for its grade."""
    (tmp_path / "a.yaml").write_text(BEFORE_NAT)
    assert main(["translate", str(tmp_path)]) == ExitCode.BLOCKED
    assert main(["translate", str(tmp_path), "--accept", "CAL-H604:guard=ranges"]) == ExitCode.DONE
    assert "X  guard  accepted" in capsys.readouterr().out


def test_a_condition_can_be_accepted(tmp_path):
    (tmp_path / "a.yaml").write_text(EXACT.replace("  order: 10\n", "  order: 10\n  tier: sec\n"))
    asked = ["translate", str(tmp_path), "--fail-on", "conditional"]
    assert main(asked) == ExitCode.BLOCKED
    assert main([*asked, "--accept", "CAL-O316=known"]) == ExitCode.DONE


def test_what_was_accepted_until_yesterday_fails_again_and_is_named(tmp_path, capsys):
    (tmp_path / "a.yaml").write_text(STRICTER)
    (tmp_path / "c2c.yaml").write_text(
        "apiVersion: c2c/v1alpha1\nkind: Config\ntranslate:\n  accept:\n"
        "  - {id: CAL-L502, object: shop/probes, until: 2020-01-01}\n"
    )
    asked = ["translate", str(tmp_path / "a.yaml"), "--config", str(tmp_path / "c2c.yaml")]
    assert main(asked) == ExitCode.BLOCKED
    assert "no longer accepted: CAL-L502 shop/probes, until 2020-01-01" in capsys.readouterr().err


def test_what_opens_traffic_is_an_error_wherever_it_is_told(tmp_path, capsys):
    (tmp_path / "a.yaml").write_text(BEFORE_NAT)
    main(["translate", str(tmp_path), "-o", "json"])
    found = json.loads(capsys.readouterr().out)["findings"]
    assert {f["code"]: f["severity"] for f in found if f["code"].startswith("CAL-H6")} == {
        "CAL-H604": "error",
        "CAL-H608": "warning",
    }


def test_an_input_that_was_read_with_a_warning_is_named_though_all_is_exact(tmp_path, capsys):
    (tmp_path / "a.yaml").write_text(EXACT.replace("[5432]", "[22:53]"))
    assert main(["translate", str(tmp_path)]) == ExitCode.DONE
    assert "`22:53` is a number in YAML 1.1" in capsys.readouterr().out
