"""How a node is reached: by what the configuration chooses, what brought back facts, or an inventory."""

from __future__ import annotations

from typing import Any

import pytest

from migrate.engine.access import access_of
from migrate.model.facts import NodeFacts
from migrate.model.nodes import Node
from migrate.model.settings import Settings
from migrate.model.snapshot import Answers, Snapshot

PODS = {("create", "pods", ""): True, ("create", "pods/exec", "c2c-system"): True}


@pytest.mark.parametrize(
    ("nodes", "facts", "rights", "access"),
    [
        ({"access": "api"}, {"via": "ssh"}, PODS, "api"),
        ({"access": "pod"}, {"via": "ssh"}, None, "pod"),
        ({}, {"via": "ssh"}, None, "ssh"),
        ({"inventory": "hosts.yaml"}, {"via": "pod"}, None, "pod"),
        ({"inventory": "hosts.yaml"}, None, None, "ssh"),
        ({}, None, PODS, "api"),
        ({}, {"host_key": "unknown"}, PODS, "api"),
        ({}, None, None, "api"),
    ],
)
def test_the_way_to_a_node(nodes: dict[str, str], facts: Any, rights: Any, access: str) -> None:
    seen = {"wrk-1": NodeFacts("wrk-1", facts)} if facts is not None else {}
    snapshot = Snapshot(facts=seen, answers=Answers(access=rights))
    assert access_of(Node("wrk-1"), snapshot, Settings.from_mapping({"nodes": nodes})) == access
