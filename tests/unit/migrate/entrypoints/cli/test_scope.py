"""-n, -A and -l: what is told of, while all is read and proved together."""

from __future__ import annotations

import json

import pytest

from migrate.entrypoints.cli.main import main
from migrate.exitcodes import ExitCode

POLICIES = """\
apiVersion: projectcalico.org/v3
kind: NetworkPolicy
metadata: {name: one, namespace: shop, labels: {team: x}}
spec: {selector: app == 'web', types: [Ingress]}
---
apiVersion: projectcalico.org/v3
kind: NetworkPolicy
metadata: {name: two, namespace: bank, labels: {team: y, old: "1"}}
spec: {selector: app == 'web', ingress: [{action: Allow, protocol: TCP, source: {ports: [80]}}]}
---
apiVersion: projectcalico.org/v3
kind: GlobalNetworkPolicy
metadata: {name: all}
spec: {namespaceSelector: all(), selector: app == 'db', types: [Ingress]}
"""


@pytest.fixture
def path(tmp_path):
    (tmp_path / "in.yaml").write_text(POLICIES)
    return str(tmp_path / "in.yaml")


@pytest.mark.parametrize(
    ("options", "shown"),
    [
        ([], ["all", "one", "two"]),
        (["-A"], ["all", "one", "two"]),
        (["-n", "shop"], ["one"]),
        (["-n", "shop", "-n", "bank"], ["one", "two"]),
        (["-l", "team=x"], ["one"]),
        (["-l", "team == y"], ["two"]),
        (["-l", "team!=x"], ["all", "two"]),
        (["-l", "team in (x, y),!old"], ["one"]),
        (["-l", "team notin (x),team"], ["two"]),
        (["-l", "old", "-n", "shop"], []),
    ],
)
def test_a_report_tells_of_the_policies_in_scope(path, options, shown, capsys):
    main(["translate", path, *options, "-o", "json", "--exit-zero"])
    found = json.loads(capsys.readouterr().out)
    assert sorted(p["name"] for p in found["policies"]) == shown
    assert bool(found["differences"]) is ("two" in shown)
    assert any(f["code"] == "CAL-L501" for f in found["findings"]) is ("two" in shown)


def test_only_what_is_shown_decides_the_exit_code(path):
    assert main(["translate", path]) == ExitCode.BLOCKED
    assert main(["translate", path, "-n", "shop"]) == ExitCode.DONE


def test_the_folder_holds_everything_all_the_same(path, tmp_path):
    main(["translate", path, "-n", "shop", "--out", str(tmp_path / "out"), "--exit-zero"])
    report = json.loads((tmp_path / "out" / ".c2c" / "report.json").read_text())
    assert len(report["policies"]) == 3
    assert (tmp_path / "out" / "bank.yaml").exists()


def test_manifests_on_the_screen_are_those_in_scope(path, capsys):
    main(["translate", path, "-n", "shop", "-o", "yaml"])
    out = capsys.readouterr().out
    assert "namespace: shop" in out
    assert "namespace: bank" not in out


@pytest.mark.parametrize(("namespace", "count"), [("bank", 0), ("shop", 1)])
def test_lint_tells_of_objects_in_scope(tmp_path, namespace, count, capsys):
    twice = "{action: Allow, source: {selector: app == 'a'}}"
    dead = f"spec: {{selector: all(), ingress: [{twice}, {twice}]}}"
    (tmp_path / "a.yaml").write_text(
        POLICIES.replace("spec: {selector: app == 'web', types: [Ingress]}", dead)
    )
    main(["lint", str(tmp_path / "a.yaml"), "-n", namespace, "--select", "CAL-O", "-o", "json"])
    assert len(json.loads(capsys.readouterr().out)["findings"]) == count


@pytest.mark.parametrize("selector", ["a b c", "=x", "a in x"])
def test_a_selector_that_is_none_is_refused_with_the_form(path, selector, capsys):
    assert main(["translate", path, "-l", selector]) == ExitCode.USAGE
    assert "write it as kubectl does" in capsys.readouterr().err


def test_a_namespace_and_all_of_them_exclude_each_other(path, capsys):
    assert main(["translate", path, "-n", "shop", "-A"]) == ExitCode.USAGE
