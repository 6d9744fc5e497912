"""The decisions of a simulated node's runtime and agents, without a cluster."""

from __future__ import annotations

import json
from pathlib import Path

import pytest

from tests.controlplane import cni
from tests.controlplane.cni import Conf, Plugin

WRITES = {cni.WRITE_KEY: "/host/etc/cni/net.d/05-cilium.conflist", cni.EXCLUSIVE_KEY: "true"}


def node_config(name: str, defaults: dict[str, str], **labels: str) -> dict[str, object]:
    return {
        "metadata": {"name": name},
        "spec": {"nodeSelector": {"matchLabels": labels}, "defaults": defaults},
    }


def test_the_file_that_sorts_first_counts(tmp_path: Path) -> None:
    assert cni.first_conf(tmp_path) is None
    cni.write(tmp_path / "10-calico.conflist", cni.calico_conf())
    cni.write(tmp_path / "05-cilium.conflist", cni.cilium_conf({}))
    assert cni.first_conf(tmp_path) == Conf("05-cilium.conflist", Plugin.CILIUM, "")


def test_backups_kubeconfigs_and_half_written_files_are_no_confs(tmp_path: Path) -> None:
    for name in ("05-cilium.conflist.cilium_bak", "calico-kubeconfig", ".10-calico.conflist.new"):
        (tmp_path / name).write_text(cni.cilium_conf({}), encoding="utf-8")
    assert cni.first_conf(tmp_path) is None


def test_a_first_file_that_cannot_be_read_leaves_the_node_without_a_network(tmp_path: Path) -> None:
    cni.write(tmp_path / "10-calico.conflist", cni.calico_conf())
    for content in ("{", "[]", '{"plugins": []}', '"text"'):
        cni.write(tmp_path / "00-broken.conf", content)
        found = cni.first_conf(tmp_path)
        assert found is None or found.plugin is Plugin.OTHER, content


def test_a_plugin_of_neither_is_told_apart(tmp_path: Path) -> None:
    cni.write(tmp_path / "00-other.conflist", json.dumps({"plugins": [{"type": "bridge"}]}))
    assert cni.first_conf(tmp_path) == Conf("00-other.conflist", Plugin.OTHER, "")


def test_an_agent_that_is_told_nothing_touches_nothing(tmp_path: Path) -> None:
    cni.write(tmp_path / "10-calico.conflist", cni.calico_conf())
    assert not cni.take_over(tmp_path, {"custom-cni-conf": "true"})
    assert [path.name for path in tmp_path.iterdir()] == ["10-calico.conflist"]


def test_an_exclusive_agent_renames_what_others_wrote_and_writes_its_own_again(tmp_path: Path) -> None:
    cni.write(tmp_path / "10-calico.conflist", cni.calico_conf())
    assert cni.take_over(tmp_path, WRITES)
    assert not cni.take_over(tmp_path, WRITES)
    (tmp_path / "05-cilium.conflist").unlink()
    cni.write(tmp_path / "10-calico.conflist", cni.calico_conf())
    assert cni.take_over(tmp_path, WRITES)
    assert sorted(path.name for path in tmp_path.iterdir()) == [
        "05-cilium.conflist",
        "10-calico.conflist.cilium_bak",
    ]


def test_an_agent_that_is_not_exclusive_leaves_other_files(tmp_path: Path) -> None:
    cni.write(tmp_path / "10-calico.conflist", cni.calico_conf())
    cni.take_over(tmp_path, {**WRITES, cni.EXCLUSIVE_KEY: "false"})
    assert sorted(path.name for path in tmp_path.iterdir()) == ["05-cilium.conflist", "10-calico.conflist"]


def test_settings_of_matching_node_configs_go_over_the_config_map() -> None:
    base = {"enable-policy": "never", "custom-cni-conf": "true"}
    switch = node_config("cilium-default", {"custom-cni-conf": "false"}, switched="true")
    assert cni.effective_config(base, [switch], {"switched": "true"})["custom-cni-conf"] == "false"
    assert cni.effective_config(base, [switch], {}) == base


def test_a_node_config_without_a_selector_matches_nothing() -> None:
    silent = {"metadata": {"name": "a"}, "spec": {"defaults": {"enable-policy": "always"}}}
    assert cni.effective_config({"enable-policy": "never"}, [silent], {"any": "label"}) == {
        "enable-policy": "never"
    }


def test_two_node_configs_that_differ_in_a_key_are_an_error_and_two_that_agree_are_none() -> None:
    first, second = node_config("a", {"k": "1"}), node_config("b", {"k": "2"})
    with pytest.raises(cni.SameKeyTwiceError, match="k is '1' in a and '2' in b"):
        cni.effective_config({}, [second, first], {})
    assert cni.effective_config({}, [first, node_config("b", {"k": "1"})], {}) == {"k": "1"}


@pytest.mark.parametrize(
    ("term", "matches"),
    [
        ({"key": "zone", "operator": "In", "values": ["a"]}, True),
        ({"key": "zone", "operator": "NotIn", "values": ["a"]}, False),
        ({"key": "gone", "operator": "NotIn", "values": ["a"]}, True),
        ({"key": "zone", "operator": "Exists"}, True),
        ({"key": "zone", "operator": "DoesNotExist"}, False),
        ({"key": "gone", "operator": "DoesNotExist"}, True),
    ],
    ids=str,
)
def test_selector_terms_mean_what_kubernetes_says(term: dict[str, object], matches: bool) -> None:
    assert cni.selects({"matchExpressions": [term]}, {"zone": "a"}) is matches
