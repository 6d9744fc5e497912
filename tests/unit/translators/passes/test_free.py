"""Subjects that Calico leaves open stay open in Cilium: explicit denies without default deny, where that holds."""

from __future__ import annotations

from typing import Any

import yaml

from translators import CiliumConfig, Options, translate
from translators.algebra.cidrs import parse_cidr
from translators.world import AddressPlan

PLAN = AddressPlan(pods=(parse_cidr("10.244.0.0/16"),), stated=True)
OBS = {
    "apiVersion": "projectcalico.org/v3",
    "kind": "Tier",
    "metadata": {"name": "obs"},
    "spec": {"order": 10, "defaultAction": "Pass"},
}
DENY_CLI = {"action": "Deny", "source": {"selector": "app == 'cli'"}}


def policy(
    *rules: dict[str, Any], selector: str = "app == 'db'", tier: str = "obs", order: int = 1
) -> dict[str, Any]:
    return {
        "apiVersion": "projectcalico.org/v3",
        "kind": "GlobalNetworkPolicy",
        "metadata": {"name": f"{tier}.p{order}"},
        "spec": {
            "tier": tier,
            "order": order,
            "selector": selector,
            "types": ["Ingress"],
            "ingress": list(rules),
        },
    }


def specs(
    *policies: dict[str, Any], cluster: list[dict[str, Any]] | None = None, **config: str
) -> list[dict[str, Any]]:
    options = Options(cilium=CiliumConfig.from_map(config))
    result = translate(list(policies), cluster=cluster, options=options, plan=PLAN)
    assert result.report.method.open_obligations == 0
    assert not result.report.differences
    objects = [d for f in result.files for d in yaml.safe_load_all(f.text) if d]
    return [s for o in objects for s in o.get("specs", [o.get("spec")])]


OPEN = {"ingress": False}


def test_a_tier_that_passes_by_default_isolates_nobody() -> None:
    (found,) = specs(OBS, policy(DENY_CLI))
    assert found["enableDefaultDeny"] == OPEN
    assert "ingress" not in found
    assert found["ingressDeny"]


def test_what_only_passes_needs_no_object() -> None:
    assert specs(OBS, policy({"action": "Pass"})) == []


def test_a_pass_out_of_the_last_tier_isolates_nobody_either() -> None:
    (found,) = specs(policy(DENY_CLI, {"action": "Pass"}, tier="default"))
    assert found["enableDefaultDeny"] == OPEN


def test_an_allow_that_a_rule_states_stays_an_allow_list() -> None:
    (found,) = specs(policy(DENY_CLI, {"action": "Allow"}, tier="default"))
    assert "enableDefaultDeny" not in found
    assert found["ingress"] == [{"fromEntities": ["all"]}]


def test_pods_that_another_policy_isolates_keep_their_allow_of_everyone() -> None:
    """The allow list of a later tier reaches some of the pods: they are isolated, the others are not opened by it."""
    later = policy(
        {"action": "Allow", "source": {"selector": "app == 'web'"}}, selector="role == 'x'", tier="default"
    )
    found = specs(OBS, policy(DENY_CLI), later)
    assert any("enableDefaultDeny" not in s for s in found)


def test_pods_that_a_kubernetes_policy_isolates_are_no_open_ones() -> None:
    native = {
        "apiVersion": "networking.k8s.io/v1",
        "kind": "NetworkPolicy",
        "metadata": {"name": "k", "namespace": "a"},
        "spec": {"podSelector": {}, "ingress": [{"from": [{"podSelector": {}}]}]},
    }
    found = specs(policy(DENY_CLI, {"action": "Pass"}, tier="default"), native)
    assert all("enableDefaultDeny" not in s for s in found)


def test_a_target_that_ignores_the_switch_gets_an_allow_of_everyone() -> None:
    (found,) = specs(OBS, policy(DENY_CLI), **{"enable-non-default-deny-policies": "false"})
    assert "enableDefaultDeny" not in found
    assert found["ingress"] == [{"fromEntities": ["all"]}]


def test_pods_that_a_policy_of_the_cluster_isolates_are_no_open_ones() -> None:
    other = {
        "apiVersion": "cilium.io/v2",
        "kind": "CiliumClusterwideNetworkPolicy",
        "metadata": {"name": "there"},
        "spec": {
            "endpointSelector": {"matchLabels": {"app": "db"}},
            "ingress": [{"fromEndpoints": [{"matchLabels": {"app": "web"}}]}],
        },
    }
    found = specs(OBS, policy(DENY_CLI), cluster=[other])
    assert all("enableDefaultDeny" not in s for s in found)
