"""The configuration as verbs see it."""

from __future__ import annotations

from migrate.entrypoints.cli.configuration import configuration


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
