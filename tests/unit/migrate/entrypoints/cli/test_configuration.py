"""The configuration as verbs see it."""

from __future__ import annotations

from dataclasses import replace
from datetime import UTC, datetime, timedelta
from pathlib import Path

import pytest

from migrate.engine.drafting import draft
from migrate.entrypoints.cli.configuration import configuration
from migrate.entrypoints.cli.programs import check_configured, check_planned
from migrate.errors import Failure
from migrate.exitcodes import ExitCode
from migrate.model.draft import Draft
from migrate.model.settings import Settings
from tests import clusters
from tests.films import healthy_snapshot


def test_paths_in_a_file_are_from_its_own_folder(tmp_path):
    path = tmp_path / "c2c.yaml"
    path.write_text(
        "apiVersion: c2c/v1alpha1\nkind: Config\ncalico: {policies: [policies, /etc/more]}\n"
        "cilium: {values: v.yaml, chart: 'oci://charts/cilium'}\n"
    )
    found = configuration(str(path))
    assert found.section("calico")["policies"] == [str(tmp_path / "policies"), "/etc/more"]
    assert found.section("cilium") == {"values": str(tmp_path / "v.yaml"), "chart": "oci://charts/cilium"}


def test_the_cluster_is_no_path(tmp_path):
    path = tmp_path / "c2c.yaml"
    path.write_text("apiVersion: c2c/v1alpha1\nkind: Config\ncalico: {policies: [cluster]}\n")
    assert configuration(str(path)).section("calico")["policies"] == ["cluster"]


def accepting(tmp_path, *items):
    path = tmp_path / "c2c.yaml"
    listed = "".join(f"  - {{{item}}}\n" for item in items)
    path.write_text(f"apiVersion: c2c/v1alpha1\nkind: Config\ntranslate:\n  accept:\n{listed}")
    return configuration(str(path))


def test_an_acceptance_holds_until_the_end_of_its_last_day(tmp_path):
    today, before = datetime.now(UTC).date(), datetime.now(UTC).date() - timedelta(days=1)
    found = accepting(tmp_path, f"id: A, until: {today}", f"id: B, object: a/b, until: {before}", "id: C")
    assert [text.partition("=")[0] for text in found.accepted] == ["A", "C"]
    assert found.expired == (f"B a/b, until {before}",)


def test_an_acceptance_says_who_gave_it_and_until_when(tmp_path):
    found = accepting(tmp_path, "id: CAL-L502, object: a/b, reason: echo only, by: alice, until: 2999-01-31")
    assert found.accepted == ("CAL-L502:a/b=echo only (alice, until 2999-01-31)",)


def test_a_last_day_that_is_none_is_refused(tmp_path):
    with pytest.raises(Failure, match="which is no day"):
        accepting(tmp_path, "id: A, until: soon").accepted  # noqa: B018  # asking is what fails


def drafted(**nodes: object) -> Draft:
    return draft(healthy_snapshot(), Settings.from_mapping({**clusters.settings(), "nodes": nodes}))


def test_a_plan_that_replaces_machines_names_the_program_that_does_it(tmp_path: Path) -> None:
    with pytest.raises(
        Failure, match="cp-1 is to be replaced, and no program is named that does it"
    ) as refused:
        check_planned(drafted(move="replace"))
    assert refused.value.code == ExitCode.BLOCKED
    with pytest.raises(Failure, match=r"nodes\.replace\.command: ./none is not there"):
        check_planned(drafted(move="replace", replace={"command": ["./none"]}))
    check_planned(drafted(move="replace", replace={"command": ["sh"]}))
    file = tmp_path / "c2c.yaml"
    file.write_text(
        "apiVersion: c2c/v1alpha1\nkind: Config\nnodes:\n  move: replace\n  replace: {command: [./none]}\n"
    )
    with pytest.raises(Failure, match=r"c2c.yaml:5:\d+: nodes\.replace\.command: .*/none is not there"):
        check_configured(configuration(str(file)))


@pytest.mark.parametrize(
    ("command", "program", "said"),
    [
        ("[./switch.sh]", 0o755, ""),
        ("[sh, -c, exit]", None, ""),
        ("[./switch.sh]", 0o644, "nodes.hooks[0].command: conf/switch.sh cannot be executed"),
        ("[./switch.sh]", None, "nodes.hooks[0].command: conf/switch.sh is not there"),
        ("[no-such-program]", None, "nodes.hooks[0].command: no-such-program is not there"),
        ("[sh, --password=hunter2]", None, "nodes.hooks[0].command: sh is given a secret, which would stand in the plan"),
    ],
)  # fmt: skip
def test_a_program_that_cannot_be_run_is_refused_with_its_line(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch, command: str, program: int | None, said: str
) -> None:
    monkeypatch.chdir(tmp_path)
    (tmp_path / "conf").mkdir()
    file = tmp_path / "conf" / "c2c.yaml"
    hook = f"  - namespace: shop\n    selector: app=db\n    command: {command}\n"
    file.write_text(f"apiVersion: c2c/v1alpha1\nkind: Config\nnodes:\n  hooks:\n{hook}")
    if program is not None:
        path = tmp_path / "conf" / "switch.sh"
        path.write_text("#!/bin/sh\n")
        path.chmod(program)
    conf = configuration("conf/c2c.yaml")
    made = replace(drafted(), settings=Settings.from_mapping(conf.values))
    if not said:
        check_configured(conf)
        check_planned(made)
        return
    with pytest.raises(Failure) as refused:
        check_configured(conf)
    assert str(refused.value) == f"conf/c2c.yaml:7:14: {said}"
    if "secret" not in said:
        with pytest.raises(Failure) as refused:
            check_planned(made)
        assert (str(refused.value), refused.value.code) == (said, ExitCode.BLOCKED)
