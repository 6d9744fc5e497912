from __future__ import annotations

import json
import os
from pathlib import Path

import pytest
import yaml

from migrate.config import checked, defaults, example, schema
from migrate.entrypoints.cli.main import main
from migrate.exitcodes import ExitCode
from tests.unit.migrate.entrypoints.cli.test_translate import STRICTER

HEAD = "apiVersion: c2c/v1alpha1\nkind: Config\n"
PUBLISHED = Path(__file__).resolve().parents[3] / "docs" / "schema" / "config.schema.json"


def _problems(text: str):
    return checked("c2c.yaml", (HEAD + text).encode())[1]


def test_the_example_is_right_and_valid():
    assert checked("c2c.yaml", example().encode())[1] == []


@pytest.mark.parametrize(
    ("text", "line", "said"),
    [
        ("waves: {paralel: 2}", 3, "did you mean parallel?"),
        ("translate:\n  failOn: sometimes", 4, "write one of never"),
        ("audit: 24", 3, "with its unit"),
        ("failedNodes: true", 3, "0 or more"),
        ("addresses: {pods: [10.244.0.0]}", 3, "10.244.0.0/16"),
        ("cleanup: {unattended: 'yes'}", 3, "true or false"),
        ("gates: {alerts: {token: hunter2}}", 3, "fromFile"),
        ("notify: [{url: {fromFile: a, fromEnv: b}}]", 3, "fromFile"),
        ("cilium: 1", 3, "its keys are"),
        ("audit: 24h\naudit: 25h", 4, "audit"),
        ("calico: {autodetection: first}", 3, "write auto, or one of skipInterface, cidrs, canReach"),
        ("calico: {autodetection: {skipInterface: cil, canReach: 8.8.8.8}}", 3, "exactly one of"),
        ("nodes:\n  hooks:\n  - {namespace: shop, selector: app=db}", 5, "nodes.hooks[0] lacks command"),
        (
            "nodes: {hooks: [{namespace: shop, selector: 'app in (a)', command: [x]}]}",
            3,
            "app=db,role=primary",
        ),
        ("nodes: {hooks: [{namespace: shop, selector: a=b, command: x --now}]}", 3, "write a list"),
        ("nodes:\n  access: api\n  move: replace", 5, "write nodes.replace: {command: [PROGRAM]}"),
        ('cilium: {chart: {repo: "https://charts.example"}}', 3, "cilium.chart lacks name"),
        ("cilium: {chart: [a, b]}", 3, "write a text, or repo, name"),
        ("nodes: {replace: {}}", 3, "nodes.replace lacks command"),
        ("calico: {autodetection: {skipInterfaces: cilium}}", 3, "did you mean skipInterface?"),
    ],
)
def test_a_mistake_is_told_with_its_line_and_its_remedy(text, line, said):
    (problem,) = _problems(text)
    assert problem.span.line == line
    assert said in f"{problem.what} {problem.fix}"


def test_a_secret_never_stands_in_a_message():
    (problem,) = _problems("gates: {alerts: {token: hunter2}}")
    assert "hunter2" not in problem.what + problem.fix


def test_the_whole_file_of_the_reference_is_right():
    text = """
cluster: {context: prod, uid: 6f0e, namespace: c2c-system}
calico: {autodetection: {cidrs: [10.0.0.0/24]}, markMask: "0x00ff0000"}
cilium: {chart: {repo: "https://charts.example", name: cilium}}
externalCIDRs: [10.0.0.0/12]
policyInWindow: "off"
waves: {canary: {nodes: 1, approval: true, soak: 30m}, window: {days: [mon], from: "20:00", timeZone: Europe/Berlin}}
gates: {alerts: {prometheus: "https://prom", token: {fromFile: /run/secrets/prom}}}
deadlines: {run: 8h, commands: {Reboot: 20m, RunHook: 5m, DeleteMachine: 10m, AwaitMachine: 1h}}
nodes: {move: replace, replace: {command: [./replace.sh]}, hooks: [{namespace: shop, selector: "app=db,role!=replica,x/y", command: [patronictl, switchover, --force]}]}
notify: [{url: {fromFile: /run/secrets/hook}, on: [halted]}]
"""
    assert _problems(text) == []


def test_defaults_are_right_themselves():
    assert checked("d", yaml.safe_dump(defaults()).encode())[1] == []


def test_the_published_schema_is_the_one_of_the_table():
    text = json.dumps(schema(), indent=2) + "\n"
    if os.environ.get("C2C_REWRITE") == "1":
        PUBLISHED.write_text(text, encoding="utf-8")
    assert text == PUBLISHED.read_text(encoding="utf-8")


@pytest.fixture
def folder(tmp_path, monkeypatch):
    monkeypatch.chdir(tmp_path)
    monkeypatch.setenv("XDG_CONFIG_HOME", str(tmp_path / "home"))
    monkeypatch.delenv("C2C_CONFIG", raising=False)
    (tmp_path / "policies.yaml").write_text(STRICTER)
    return tmp_path


@pytest.mark.parametrize(
    ("text", "more", "code"),
    [
        ("translate: {failOn: looser}", [], ExitCode.DONE),
        ("translate: {failOn: looser}", ["--fail-on", "stricter"], ExitCode.BLOCKED),
        ("translate: {accept: [{id: CAL-L502, object: shop/probes}]}", [], ExitCode.DONE),
        ("translate: {accept: [{id: CAL-L502, object: shop/gone}]}", [], ExitCode.BLOCKED),
        ("translate: {failOn: loser}", [], ExitCode.USAGE),
    ],
)
def test_the_file_speaks_where_no_flag_was_typed(folder, capsys, text, more, code):
    (folder / "c2c.yaml").write_text(HEAD + text)
    assert main(["translate", "policies.yaml", *more]) == code


def test_policies_may_be_named_in_the_file(folder, capsys):
    (folder / "c2c.yaml").write_text(HEAD + "calico: {policies: [policies.yaml]}")
    assert main(["translate"]) == ExitCode.BLOCKED


def test_exactly_one_file_counts(folder, capsys, monkeypatch):
    (folder / "c2c.yaml").write_text(HEAD + "translate: {failOn: looser}")
    (folder / "other.yaml").write_text(HEAD)
    monkeypatch.setenv("C2C_CONFIG", "other.yaml")
    assert main(["translate", "policies.yaml"]) == ExitCode.BLOCKED


def test_validate_names_every_mistake(folder, capsys):
    (folder / "c2c.yaml").write_text(HEAD + "audit: 1\nfinalSoak: 2\n")
    assert main(["config", "validate"]) == ExitCode.BLOCKED
    assert capsys.readouterr().out.count("✖") == 2


def test_show_says_where_a_value_comes_from(folder, capsys):
    (folder / "c2c.yaml").write_text(HEAD + "waves: {parallel: 2}\n")
    main(["config", "show", "--origin"])
    shown = capsys.readouterr().out
    assert "waves.parallel = 2  # c2c.yaml" in shown
    assert 'waves.soak = "10m"  # default' in shown


def test_init_prints_what_validates(folder, capsys):
    main(["config", "init"])
    (folder / "c2c.yaml").write_text(capsys.readouterr().out)
    assert main(["config", "validate"]) == ExitCode.DONE
