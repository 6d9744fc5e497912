"""What Calico's own validation refuses of a rule, with the words in which it is said: one row a reason."""

from __future__ import annotations

from typing import Any

import pytest

from translators import translate

ROWS: list[tuple[str, dict[str, Any] | str, str, str]] = [
    ("a rule that is no map", "allow", "CAL-P119", "a map"),
    ("no action", {}, "CAL-P105", "action is 'missing'"),
    ("an unknown action", {"action": "Drop"}, "CAL-P105", "action is 'Drop'"),
    ("a protocol without a name or number", {"action": "Allow", "protocol": "HTTP"}, "CAL-P105", "a protocol name"),
    ("a protocol out of range", {"action": "Allow", "protocol": 256}, "CAL-P105", "1 to 255"),
    ("an unknown family", {"action": "Allow", "ipVersion": 5}, "CAL-P105", "ipVersion is 5"),
    ("a family against the protocol", {"action": "Allow", "ipVersion": 6, "protocol": "ICMP"}, "CAL-P105", "is not of ipVersion 6"),
    ("icmp of another protocol", {"action": "Allow", "protocol": "TCP", "icmp": {"type": 8}}, "CAL-P105", "icmp needs"),
    ("an ICMP code alone", {"action": "Allow", "protocol": "ICMP", "icmp": {"code": 1}}, "CAL-P105", "needs a type"),
    ("http of another protocol", {"action": "Allow", "protocol": "UDP", "http": {"methods": ["GET"]}}, "CAL-P105", "http needs"),
    ("http that denies", {"action": "Deny", "protocol": "TCP", "http": {"methods": ["GET"]}}, "CAL-P105", "action Allow only"),
    ("networks of another family", {"action": "Allow", "ipVersion": 6, "source": {"nets": ["10.0.0.0/8"]}}, "CAL-P105", "not of ipVersion 6"),
    ("global() inside a selector", {"action": "Allow", "source": {"namespaceSelector": "global() && has(env)"}}, "CAL-P105", "stands alone"),
    ("global() negated", {"action": "Allow", "source": {"namespaceSelector": "!global()"}}, "CAL-P105", "stands alone"),
    ("services of the own side", {"action": "Allow", "destination": {"services": {"name": "s", "namespace": "a"}}}, "CAL-P105", "for the peer"),
    ("services without a name", {"action": "Allow", "source": {"services": {"namespace": "a"}}}, "CAL-P105", "needs a name"),
    ("a port of no kind", {"action": "Allow", "protocol": "TCP", "destination": {"ports": [1.5]}}, "CAL-P105", "1 to 65535"),
    ("a port range upside down", {"action": "Allow", "protocol": "TCP", "destination": {"ports": ["90:80"]}}, "CAL-P105", "is not within"),
    ("a port that is no name", {"action": "Allow", "protocol": "TCP", "destination": {"ports": ["a b"]}}, "CAL-P105", "nor a port name"),
    ("too many networks", {"action": "Allow", "source": {"nets": [f"10.0.{i // 256}.{i % 256}/32" for i in range(600)]}}, "CAL-P106", "600"),
]  # fmt: skip


def policy(*ingress: object, kind: str = "NetworkPolicy") -> dict[str, Any]:
    home = {"namespace": "a"} if kind == "NetworkPolicy" else {}
    return {
        "apiVersion": "projectcalico.org/v3",
        "kind": kind,
        "metadata": {"name": "p", **home},
        "spec": {"selector": "all()", "types": ["Ingress"], "ingress": list(ingress)},
    }


@pytest.mark.parametrize(("rule", "code", "words"), [row[1:] for row in ROWS], ids=[row[0] for row in ROWS])
def test_a_rule_that_calico_refuses_is_refused_with_the_reason(rule: object, code: str, words: str) -> None:
    report = translate([policy(rule)]).report
    [line] = report.policies
    assert line.disposition == "refused"
    assert [f.text for f in report.findings if f.code == code and words in f.text], report.findings


def test_a_cluster_wide_policy_names_the_namespace_of_a_service() -> None:
    rule = {"action": "Allow", "source": {"services": {"name": "s"}}}
    report = translate([policy(rule, kind="GlobalNetworkPolicy")]).report
    assert any("needs a namespace" in f.text for f in report.findings)


def test_a_policy_holds_as_many_rules_as_calico_takes() -> None:
    report = translate([policy(*[{"action": "Allow"}] * 1100)]).report
    assert {f.code for f in report.findings} >= {"CAL-P106"}
