"""Cluster-wide Kubernetes policies and their forerunners: every form of peer and port, and what is no such form."""

from __future__ import annotations

from typing import Any

import pytest

from translators import AddressPlan, translate
from translators.frontends import read_policies
from translators.ir.policy import PortRange
from translators.source import from_object

KINDS = {
    "ClusterNetworkPolicy": (
        "policy.networking.k8s.io/v1alpha2",
        {"tier": "Admin", "priority": 7},
        "kube-admin",
    ),
    "AdminNetworkPolicy": ("policy.networking.k8s.io/v1alpha1", {"priority": 7}, "adminnetworkpolicy"),
    "BaselineAdminNetworkPolicy": ("policy.networking.k8s.io/v1alpha1", {}, "baselineadminnetworkpolicy"),
}
ALL = {"namespaces": {}}
PLAN = AddressPlan.of({"pods": ["10.244.0.0/16"], "nodes": ["10.0.0.0/24"]})


def policy(kind: str = "ClusterNetworkPolicy", **spec: Any) -> dict[str, Any]:
    version, place, _ = KINDS[kind]
    name = "default" if kind.startswith("Baseline") else "p"
    return {
        "apiVersion": version,
        "kind": kind,
        "metadata": {"name": name},
        "spec": {**place, "subject": ALL, **spec},
    }


def egress(**rule: Any) -> dict[str, Any]:
    return policy(egress=[{"name": "r", "action": "Accept", "to": [ALL], **rule}])


def read(item: dict[str, Any]) -> Any:
    return read_policies([from_object(item, "in.yaml")], tiers={})


@pytest.mark.parametrize("kind", KINDS)
def test_each_kind_runs_in_a_tier_of_its_own(kind: str) -> None:
    action = "Accept" if kind == "ClusterNetworkPolicy" else "Allow"
    [found] = read(policy(kind, ingress=[{"name": "r", "action": action, "from": [ALL]}])).policies
    assert (found.tier, found.order) == (KINDS[kind][2], 0.0 if kind.startswith("Baseline") else 7.0)
    assert [str(rule.action) for rule in found.ingress] == ["Allow"]


PORTS = [
    ({"tcp": {"destinationPort": {"number": 80}}}, 6, (PortRange(80, 80),)),
    ({"udp": {"destinationPort": {"range": {"start": 80, "end": 90}}}}, 17, (PortRange(80, 90),)),
    ({"sctp": {}}, 132, ()),
    ({"destinationNamedPort": "http"}, None, ("http",)),
    ({"namedPort": "http"}, None, ("http",)),
    ({"portNumber": {"protocol": "UDP", "port": 53}}, 17, (PortRange(53, 53),)),
    ({"portRange": {"protocol": "TCP", "start": 1, "end": 9}}, 6, (PortRange(1, 9),)),
]


@pytest.mark.parametrize(("item", "protocol", "ports"), PORTS, ids=[next(iter(row[0])) for row in PORTS])
def test_each_form_of_ports_is_read(
    item: dict[str, Any], protocol: int | None, ports: tuple[object, ...]
) -> None:
    key = "ports" if item.keys() & {"namedPort", "portNumber", "portRange"} else "protocols"
    [found] = read(egress(**{key: [item]})).policies
    [rule] = found.egress
    assert (rule.protocol, rule.destination.ports) == (protocol, ports)
    assert translate([egress(**{key: [item]})], plan=PLAN).report.method.open_obligations == 0


def test_each_pair_of_peer_and_ports_is_a_rule() -> None:
    both = [{"tcp": {"destinationPort": {"number": n}}} for n in (80, 81)]
    peers = [ALL, {"networks": ["203.0.113.0/24"]}]
    [found] = read(egress(to=peers, protocols=both)).policies
    assert len(found.egress) == 4
    assert translate([egress(to=peers, protocols=both)], plan=PLAN).report.method.open_obligations == 0


@pytest.mark.parametrize(
    ("action", "rules"),
    [("Accept", 0), ("Deny", 1)],
    ids=["an allow allows nothing", "a deny denies everyone"],
)
def test_a_peer_that_calico_has_no_form_for_fails_shut(action: str, rules: int) -> None:
    item = policy(egress=[{"name": "r", "action": action, "to": [ALL, {"domainNames": ["a.example"]}]}])
    found = read(item)
    assert [len(p.egress) for p in found.policies] == [rules]
    assert "CAL-K706" in {d.code for d in found.diagnostics}


WRONG = {
    "tier": (policy(tier="Normal", ingress=[]), "Admin or Baseline is needed"),
    "priority": (policy(priority=1001), "1000"),
    "action": (policy(egress=[{"name": "r", "action": "Drop", "to": [ALL]}]), "action 'Drop' is unknown"),
    "protocol": (egress(protocols=[{"gre": {}}]), "no known protocol is named"),
    "network": (egress(to=[{"networks": ["10.0.0.0/33"]}]), "10.0.0.0/33"),
    "operator": (
        policy(
            subject={"namespaces": {"matchExpressions": [{"key": "env", "operator": "Is", "values": ["x"]}]}}
        ),
        "operator 'Is' is unknown",
    ),
}


@pytest.mark.parametrize("name", WRONG)
def test_what_its_schema_does_not_know_is_refused(name: str) -> None:
    item, words = WRONG[name]
    report = translate([item]).report
    assert [p.disposition for p in report.policies] == ["refused"]
    assert any(words in f.text for f in report.findings), report.findings


@pytest.mark.parametrize("operator", ["In", "NotIn", "Exists", "DoesNotExist"])
def test_each_operator_selects_as_kubernetes_means_it(operator: str) -> None:
    values = ["prod"] if operator.endswith("In") else []
    places = {
        "matchExpressions": [{"key": "env", "operator": operator, **({"values": values} if values else {})}]
    }
    chosen = {"pods": {"namespaceSelector": places, "podSelector": {"matchLabels": {"app": "db"}}}}
    cluster = [
        {"apiVersion": "v1", "kind": "Namespace", "metadata": {"name": name, "labels": labels}}
        for name, labels in (("prod", {"env": "prod"}), ("dev", {"env": "dev"}), ("bare", {}))
    ]
    result = translate(
        [policy(subject=chosen, ingress=[{"name": "r", "action": "Deny", "from": [ALL]}])], cluster=cluster
    )
    [line] = result.report.policies
    assert (line.disposition, result.report.method.open_obligations) == ("translated", 0)
    assert line.outputs
