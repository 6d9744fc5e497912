"""What a pod asks for, as kube-scheduler adds it up; and which pods a drain would move."""

from __future__ import annotations

from typing import Any

import pytest

from migrate.model.nodes import Taint
from migrate.model.pods import Pod, Toleration, flag, tolerates


def asking(**spec: Any) -> Pod:
    return Pod.from_dict({"metadata": {"name": "p", "namespace": "n"}, "spec": spec})


def container(cpu: str = "", **more: Any) -> dict[str, Any]:
    return {"resources": {"requests": {"cpu": cpu} if cpu else {}}, **more}


@pytest.mark.parametrize(
    ("spec", "cpu_m"),
    [
        ({"containers": [container("1"), container("500m")]}, 1500),
        ({"containers": [container("1")], "initContainers": [container("3"), container("2")]}, 3000),
        ({"containers": [container("4")], "initContainers": [container("3")]}, 4000),
        ({"containers": [container("1")], "initContainers": [container("1", restartPolicy="Always")]}, 2000),
        (
            {
                "containers": [container("1")],
                "initContainers": [container("1", restartPolicy="Always"), container("3")],
            },
            4000,
        ),
        ({"containers": [container("1")], "overhead": {"cpu": "250m"}}, 1250),
        ({"containers": [container("1")], "resources": {"requests": {"cpu": "2"}}}, 2000),
        ({"containers": [container()]}, 0),
    ],
)
def test_requests_add_up_as_the_scheduler_adds_them(spec: Any, cpu_m: int) -> None:
    assert asking(**spec).requests.cpu_m == cpu_m


def test_extended_resources_of_an_init_container_count() -> None:
    init = {"resources": {"requests": {"nvidia.com/gpu": "2"}}}
    found = asking(containers=[container("1")], initContainers=[init]).requests
    assert found.extended == {"nvidia.com/gpu": 2}
    assert found.pods == 1


@pytest.mark.parametrize(
    ("toleration", "held"),
    [
        (Toleration(operator="Exists"), True),
        (Toleration("a", "Exists"), True),
        (Toleration("a", "Equal", "1"), True),
        (Toleration("a", "Equal", "2"), False),
        (Toleration("a", "Exists", "", "NoExecute"), False),
        (Toleration("b", "Exists"), False),
    ],
)
def test_a_taint_is_tolerated_by_key_value_and_effect(toleration: Toleration, held: bool) -> None:
    assert tolerates((toleration,), Taint("a", "1", "NoSchedule")) is held


@pytest.mark.parametrize(
    ("words", "value"),
    [
        (["kube-proxy", "--cluster-cidr=10.0.0.0/8"], "10.0.0.0/8"),
        (["kube-proxy", "-cluster-cidr", "10.0.0.0/8"], "10.0.0.0/8"),
        (["--cluster-cidr=a", "--cluster-cidr", "b"], "b"),
        (["--cluster-cidr"], ""),
        (["--cluster-cidr", "--v=2"], ""),
        (["cluster-cidr=x", "--cluster-cidrs=y"], None),
    ],
)
def test_a_flag_is_read_as_go_reads_it(words: list[str], value: str | None) -> None:
    assert flag(words, "cluster-cidr") == value


def test_the_words_of_all_containers_are_kept() -> None:
    first = container(command=["a", "--x=1"], args=["--y"])
    assert asking(containers=[first, container(args=["b"])]).arguments == ("a", "--x=1", "--y", "b")
