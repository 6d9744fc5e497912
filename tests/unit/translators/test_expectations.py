from __future__ import annotations

import pytest
import yaml

from translators.errors import InputError
from translators.expectations import Expectation, expectation, hold
from translators.policyset import CALICO, CILIUM, Around, read_set
from translators.settings import Options
from translators.source import Document, from_object

POLICY = """
apiVersion: projectcalico.org/v3
kind: NetworkPolicy
metadata: {name: db, namespace: shop}
spec:
  selector: app == 'db'
  ingress:
  - {action: Allow, protocol: TCP, source: {selector: app == 'web'}, destination: {ports: [5432]}}
  - {action: Allow, protocol: TCP, source: {nets: [203.0.113.0/24]}, destination: {ports: [5432]}}
"""
EQUAL = """
apiVersion: cilium.io/v2
kind: CiliumNetworkPolicy
metadata: {name: db, namespace: shop}
spec:
  endpointSelector: {matchLabels: {app: db}}
  ingress:
  - fromEndpoints: [{matchLabels: {app: web}}]
    toPorts: [{ports: [{port: "5432", protocol: TCP}]}]
  - fromCIDR: [203.0.113.0/24]
    toPorts: [{ports: [{port: "5432", protocol: TCP}]}]
"""


def _documents(text: str) -> list[Document]:
    return [from_object(item) for item in yaml.safe_load_all(text)]


def _cluster(*pods: dict[str, str]) -> list[Document]:
    items: list[dict[str, object]] = [{"apiVersion": "v1", "kind": "Namespace", "metadata": {"name": "shop"}}]
    for number, labels in enumerate(pods, 1):
        items.append(
            {
                "apiVersion": "v1",
                "kind": "Pod",
                "metadata": {"name": f"p-{number}", "namespace": "shop", "labels": labels},
                "spec": {"containers": []},
                "status": {"podIPs": [{"ip": f"10.244.0.{number}"}]},
            }
        )
    return [from_object(item) for item in items]


def _expect(source: str, target: str, port: str, verdict: str) -> Expectation:
    return expectation({"from": source, "to": target, "port": port, "expect": verdict})


@pytest.mark.parametrize(("text", "engine"), [(POLICY, CALICO), (EQUAL, CILIUM)])
@pytest.mark.parametrize(
    ("source", "target", "port", "verdict", "holds"),
    [
        ("shop/app=web", "shop/app=db", "5432/TCP", "allow", True),
        ("shop/app=web", "shop/app=db", "5433", "allow", False),
        ("shop/app=web", "shop/app=db", "5433", "drop", True),
        ("203.0.113.9", "shop/app=db", "5432", "allow", True),
        ("198.51.100.9", "shop/app=db", "5432", "deny", True),
        ("world", "shop/app=db", "5432", "drop", False),
        ("world", "shop/app=db", "5432", "allow", False),
        ("world", "shop/app=db", "5433", "drop", True),
        ("shop/app=db", "world", "443", "allow", True),
        ("host:n1", "shop/app=db", "icmp/8", "drop", True),
    ],
)
def test_the_same_words_are_asked_of_either_engine(
    text, engine, source, target, port, verdict, holds
) -> None:
    policies = read_set(_documents(text), engine, Around(None, None, Options()))
    (answer,) = hold([_expect(source, target, port, verdict)], policies)
    assert answer.holds is holds
    assert answer.asked >= 1
    assert bool(answer.flow) is not holds


def test_the_world_is_asked_in_each_part_that_the_policies_tell_apart() -> None:
    policies = read_set(_documents(POLICY), CALICO, Around(None, None, Options()))
    (answer,) = hold([_expect("world", "shop/app=db", "5432", "drop")], policies)
    assert answer.flow.startswith("203.0.113.")
    assert answer.by == "NetworkPolicy:shop/db#1"


def test_every_pod_that_labels_select_must_hold() -> None:
    around = Around(_cluster({"app": "web"}, {"app": "web", "legacy": "yes"}, {"app": "db"}), None, Options())
    narrowed = POLICY.replace("app == 'web'", "app == 'web' && !has(legacy)")
    policies = read_set(_documents(narrowed), CALICO, around)
    (answer,) = hold([_expect("shop/app=web", "shop/app=db", "5432", "allow")], policies)
    assert not answer.holds
    assert answer.flow == "shop/p-2 → shop/p-3"


def test_pods_that_no_policy_can_tell_apart_are_asked_once() -> None:
    around = Around(_cluster(*[{"app": "web"}] * 50, {"app": "db"}), None, Options())
    policies = read_set(_documents(POLICY), CALICO, around)
    (answer,) = hold([_expect("shop/app=web", "shop/app=db", "5432", "allow")], policies)
    assert (answer.holds, answer.asked) == (True, 1)


def test_a_pod_that_is_not_there_is_an_input_error() -> None:
    policies = read_set(_documents(POLICY), CALICO, Around(_cluster({"app": "db"}), None, Options()))
    with pytest.raises(InputError, match="there is no pod shop/web"):
        hold([_expect("shop/web", "shop/app=db", "5432", "allow")], policies)


@pytest.mark.parametrize(
    ("data", "what"),
    [
        (None, "is a map"),
        ({}, "from is missing"),
        (
            {"from": "world", "to": "shop/db", "port": "80", "expect": "allow", "prot": "TCP"},
            "prot is no key",
        ),
        ({"from": "world", "to": "shop/db", "port": "80"}, "expect is missing"),
        ({"from": "world", "to": "shop/db", "port": "80", "expect": "maybe"}, "no verdict"),
        ({"from": "wrld", "to": "shop/db", "port": "80", "expect": "allow"}, "no end of a flow"),
        ({"from": "world", "to": "shop/db", "port": "http", "expect": "allow"}, "no protocol and port"),
    ],
)
def test_a_mistake_says_what_is_wrong(data: object, what: str) -> None:
    with pytest.raises(InputError, match=what):
        expectation(data)
