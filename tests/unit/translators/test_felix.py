from __future__ import annotations

from typing import Any

import pytest

from translators.source import from_object
from translators.world import Felix
from translators.worldbuilder import build_world


def _configuration(name: str = "default", **spec: object) -> dict[str, Any]:
    return {
        "apiVersion": "projectcalico.org/v3",
        "kind": "FelixConfiguration",
        "metadata": {"name": name},
        "spec": spec,
    }


def _agent(**environment: str) -> dict[str, Any]:
    env = [{"name": key, "value": value} for key, value in environment.items()] + [
        {"name": "NODENAME", "valueFrom": {}}
    ]
    containers = [{"name": "install-cni"}, {"name": "calico-node", "env": env}]
    return {
        "apiVersion": "apps/v1",
        "kind": "DaemonSet",
        "metadata": {"name": "calico-node", "namespace": "calico-system"},
        "spec": {"template": {"spec": {"containers": containers}}},
    }


@pytest.mark.parametrize(
    ("objects", "felix"),
    [
        ([], Felix()),
        ([_configuration()], Felix("Drop")),
        (
            [_configuration(defaultEndpointToHostAction="Return", bpfEnabled=True, vxlanPort=8472)],
            Felix("Return", True, 8472),
        ),
        ([_configuration("node.wrk-1", bpfEnabled=True)], Felix()),
        ([_agent(FELIX_DEFAULTENDPOINTTOHOSTACTION="ACCEPT")], Felix("Accept")),
        ([_agent(FELIX_BPFENABLED="true"), _configuration(bpfEnabled=False)], Felix("Drop", True)),
        ([_agent(FELIX_VXLANPORT="odd")], Felix("Drop")),
    ],
)
def test_the_environment_of_the_agent_wins_over_its_object(
    objects: list[dict[str, Any]], felix: Felix
) -> None:
    world, odd = build_world([from_object(item) for item in objects], is_cluster=True)
    assert world.felix == felix
    assert odd == []


def test_an_odd_object_is_named_and_spoils_nothing() -> None:
    broken = {**_agent(), "spec": {"template": []}}
    world, odd = build_world(
        [from_object(broken), from_object(_configuration(bpfEnabled=True))], is_cluster=True
    )
    assert world.felix.bpf
    assert [d.code for d in odd] == ([] if not odd else ["CAL-P119"])
