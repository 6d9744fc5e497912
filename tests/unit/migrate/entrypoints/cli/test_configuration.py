"""The configuration as verbs see it."""

from __future__ import annotations

from datetime import UTC, datetime, timedelta
from pathlib import Path

import pytest

from migrate.entrypoints.cli.configuration import configuration
from migrate.entrypoints.cli.programs import check_configured, check_planned
from migrate.errors import Failure
from migrate.exitcodes import ExitCode
from migrate.model.settings import Settings


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


@pytest.mark.parametrize(
    ("command", "made", "said"),
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
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch, command: str, made: int | None, said: str
) -> None:
    monkeypatch.chdir(tmp_path)
    (tmp_path / "conf").mkdir()
    file = tmp_path / "conf" / "c2c.yaml"
    hook = f"  - namespace: shop\n    selector: app=db\n    command: {command}\n"
    file.write_text(f"apiVersion: c2c/v1alpha1\nkind: Config\nnodes:\n  hooks:\n{hook}")
    if made is not None:
        program = tmp_path / "conf" / "switch.sh"
        program.write_text("#!/bin/sh\n")
        program.chmod(made)
    conf = configuration("conf/c2c.yaml")
    settings = Settings.from_mapping(conf.values)
    if not said:
        check_configured(conf)
        check_planned(settings)
        return
    with pytest.raises(Failure) as refused:
        check_configured(conf)
    assert str(refused.value) == f"conf/c2c.yaml:7:14: {said}"
    if "secret" not in said:
        with pytest.raises(Failure) as refused:
            check_planned(settings)
        assert (str(refused.value), refused.value.code) == (said, ExitCode.BLOCKED)
