from __future__ import annotations

from dataclasses import FrozenInstanceError

import pytest
import yaml

from translators import Explanation, explain
from translators.errors import InputError
from translators.flows import Verdict

POLICY = yaml.safe_load("""
apiVersion: projectcalico.org/v3
kind: NetworkPolicy
metadata: {name: db, namespace: shop}
spec:
  selector: app == 'db'
  ingress:
  - {action: Allow, protocol: TCP, source: {selector: app == 'web'}, destination: {ports: [5432]}}
  - {action: Allow, protocol: ICMP, icmp: {type: 3, code: 4}}
""")
OPEN = yaml.safe_load("""
apiVersion: cilium.io/v2
kind: CiliumNetworkPolicy
metadata: {name: db, namespace: shop}
spec:
  endpointSelector: {matchLabels: {app: db}}
  ingress: [{fromEntities: [all]}]
""")
FLOW = {"src": "shop/app=web", "dst": "shop/app=db", "protocol": "TCP", "port": 5432}


def _pod(name: str, number: int, app: str) -> dict[str, object]:
    return {
        "apiVersion": "v1",
        "kind": "Pod",
        "metadata": {"name": name, "namespace": "shop", "labels": {"app": app}},
        "spec": {"nodeName": "n1", "containers": []},
        "status": {"podIPs": [{"ip": f"10.244.0.{number}"}]},
    }


CLUSTER = [
    {"apiVersion": "v1", "kind": "Namespace", "metadata": {"name": "shop"}},
    _pod("web-1", 1, "web"),
    _pod("db-1", 2, "db"),
]


def test_plain_objects_are_asked_without_a_file_or_a_cluster() -> None:
    found = explain(FLOW, [POLICY])
    assert found.agrees
    assert found.calico.verdict is found.cilium.verdict is Verdict.ALLOW
    assert found.calico.ingress is not None and found.calico.ingress.by == "NetworkPolicy:shop/db#0"


def test_what_is_given_after_is_asked_instead_of_a_translation() -> None:
    found = explain({**FLOW, "port": 80}, [POLICY], [OPEN])
    assert not found.agrees
    assert (found.calico.verdict, found.cilium.verdict) == (Verdict.DENY, Verdict.ALLOW)


def test_a_named_difference_is_seen() -> None:
    found = explain(
        {"src": "world", "dst": "shop/app=db", "protocol": "ICMP", "icmp_type": 3, "icmp_code": 4}, [POLICY]
    )
    assert (found.calico.verdict, found.cilium.verdict) == (Verdict.ALLOW, Verdict.DENY)


def test_the_pod_that_was_chosen_is_named() -> None:
    found = explain(FLOW, [POLICY], cluster=CLUSTER)
    assert (found.source, found.destination) == ("shop/web-1", "shop/db-1")
    assert explain(FLOW, [POLICY]).source == "shop/app=web"


def test_ends_may_be_written_as_the_batch_has_them() -> None:
    found = explain(
        {**FLOW, "src": {"ip": "10.244.0.1"}, "dst": {"pod": "shop/db-1"}}, [POLICY], cluster=CLUSTER
    )
    assert found.calico.verdict is Verdict.ALLOW
    assert found.source == "10.244.0.1"


@pytest.mark.parametrize(
    "flow",
    [
        {},
        {**FLOW, "src": "nowhere"},
        {**FLOW, "protocol": "carrier pigeon"},
        {**FLOW, "port": "http"},
        {**FLOW, "port": 70000},
        {**FLOW, "family": 5},
        {**FLOW, "dst": {"pod": "shop/gone"}},
        {**FLOW, "dst": None},
    ],
)
def test_a_flow_that_is_none_is_an_input_error(flow: dict[str, object]) -> None:
    with pytest.raises(InputError):
        explain(flow, [POLICY], cluster=CLUSTER)


def test_the_answer_is_a_frozen_value() -> None:
    found = explain(FLOW, [POLICY])
    with pytest.raises(FrozenInstanceError):
        found.source = "x"  # type: ignore[misc]
    assert found == Explanation(found.source, found.destination, found.calico, found.cilium)


def test_a_tier_that_is_only_named_comes_where_the_translation_puts_it():
    spec = {"namespaceSelector": "all()", "types": ["Ingress"]}
    rules = {"sec.p": ("sec", "Deny"), "p": ("default", "Allow")}
    policies = [
        {"apiVersion": "projectcalico.org/v3", "kind": "GlobalNetworkPolicy", "metadata": {"name": name},
         "spec": {**spec, "tier": tier, "ingress": [{"action": action}]}}
        for name, (tier, action) in rules.items()
    ]  # fmt: skip
    answer = explain({"src": "world", "dst": "shop/app=db", "protocol": "TCP", "port": 22}, policies)
    assert answer.agrees
    assert str(answer.calico.verdict) == "deny"
