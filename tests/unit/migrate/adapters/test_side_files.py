"""The files beside policies: what they say, and every mistake with its place."""

from __future__ import annotations

import pytest

from migrate.adapters.side_files import read_address_plan, read_cilium_config
from migrate.errors import Failure
from translators.algebra.cidrs import parse_cidr


def written(tmp_path, content):
    path = tmp_path / "file.yaml"
    path.write_bytes(content if isinstance(content, bytes) else content.encode())
    return str(path)


@pytest.mark.parametrize(
    "text", ["addresses:\n  pods: [10.244.0.0/16]\n  nodes:\n", "pods: [10.244.0.0/16]\n"]
)
def test_an_address_plan_stands_alone_or_under_its_key(tmp_path, text):
    plan = read_address_plan(written(tmp_path, text))
    assert plan.pods == (parse_cidr("10.244.0.0/16"),)
    assert plan.stated


@pytest.mark.parametrize(
    ("text", "said"),
    [
        ("addresses:\n  pods: [10.244.0.0/16, x]\n", "yaml:2:25: x is no network"),
        ("addresses:\n  pods: 10.244.0.0/16\n", "yaml:2:9: pods is a list"),
        ("addresses: [a]\n", "yaml:1:12: this is no address plan"),
        ("pots: []\n", "yaml:1:7: pots is no range"),
        ("pods: [167772160]\n", "yaml:1:8: 167772160 is no network"),
        ("pods: []\npods: []\n", "yaml:2:1: CAL-P118"),
        ("a: [\n", "yaml:2:1: CAL-P101"),
        ("- a\n", "yaml:1:1: the file is not one map"),
        ("a: 1\n---\nb: 1\n", "yaml:1:1: the file is not one map"),
        ("", "yaml:1:1: the file is not one map"),
        (b"pods: []\n# \xff\n", "yaml:2:1: this is not UTF-8"),
        ("pods: " + "[" * 200 + "]" * 200, "yaml:1:.*nested too deeply"),
    ],
)
def test_a_mistake_in_a_plan_has_its_place(tmp_path, text, said):
    with pytest.raises(Failure, match=said):
        read_address_plan(written(tmp_path, text))


def test_a_cilium_config_is_a_config_map_or_its_data(tmp_path):
    data = "enable-sctp: 'true'\nbpf-policy-map-max: '65536'\nlabels: 'k8s:app !role'\n"
    whole = "kind: ConfigMap\ndata:\n" + "".join(f"  {line}\n" for line in data.splitlines())
    for text in (data, whole, data.replace("'", "")):
        config = read_cilium_config(written(tmp_path, text))
        assert (config.enable_sctp, config.policy_map_max, config.labels) == (True, 65536, "k8s:app !role")


@pytest.mark.parametrize(
    ("text", "said"),
    [
        ("data:\n  bpf-policy-map-max: many\n", "yaml:2:23: bpf-policy-map-max: 'many' is no number"),
        ("data:\n  enable-sctp: maybe\n", "yaml:2:16: enable-sctp: 'maybe' is neither"),
        ("data:\n  labels: 'k8s:a('\n", "yaml:2:11: labels: 'k8s:a\\(' is no regular expression"),
        ("data:\n  enable-policy: sometimes\n", "yaml:2:18: enable-policy"),
        ("data:\n  policy-cidr-match-mode: hosts\n", "yaml:2:27: policy-cidr-match-mode"),
        ("data: []\n", "yaml:1:7: data is a map"),
        ("data:\n  labels: [a]\n", "yaml:2:11: labels is a text"),
    ],
)
def test_a_value_with_which_the_agent_would_not_start_has_its_place(tmp_path, text, said):
    with pytest.raises(Failure, match=said):
        read_cilium_config(written(tmp_path, text))


def test_a_file_that_is_not_there_is_named(tmp_path):
    with pytest.raises(Failure, match=r"nowhere\.yaml cannot be read: No such file"):
        read_address_plan(str(tmp_path / "nowhere.yaml"))
