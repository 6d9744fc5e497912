from __future__ import annotations

from typing import Any

import pytest

from translators import translate

NAMESPACE = {"apiVersion": "v1", "kind": "Namespace", "metadata": {"name": "shop"}}
POD = {
    "apiVersion": "v1",
    "kind": "Pod",
    "metadata": {"name": "web-1", "namespace": "shop", "labels": {"app": "web"}},
    "spec": {"nodeName": "n1", "containers": []},
    "status": {"podIPs": [{"ip": "10.244.0.1"}]},
}


def _policy(selector: str = "app == 'web'", **spec: object) -> dict[str, Any]:
    base = {"selector": selector, "ingress": [{"action": "Allow", "source": {"nets": ["203.0.113.0/24"]}}]}
    return {
        "apiVersion": "projectcalico.org/v3",
        "kind": "NetworkPolicy",
        "metadata": {"name": "web", "namespace": "shop"},
        "spec": {**base, **spec},
    }


def _service(**spec: object) -> dict[str, Any]:
    base = {"type": "NodePort", "selector": {"app": "web"}, "ports": [{"port": 80}]}
    return {
        "apiVersion": "v1",
        "kind": "Service",
        "metadata": {"name": "web", "namespace": "shop"},
        "spec": {**base, **spec},
    }


def _codes(policy: dict[str, Any], *objects: dict[str, Any]) -> dict[str, str]:
    found = translate([policy], cluster=[NAMESPACE, POD, *objects]).report.findings
    return {f.code: f.text for f in found}


@pytest.mark.parametrize(
    ("policy", "service", "told"),
    [
        (_policy(), _service(), True),
        (_policy(), _service(type="LoadBalancer"), True),
        (_policy(), _service(type="ClusterIP"), False),
        (_policy(), _service(externalTrafficPolicy="Local"), False),
        (_policy(), _service(selector={"app": "other"}), False),
        (_policy("app == 'db'"), _service(), False),
        (_policy(ingress=[], types=["Egress"]), _service(), False),
    ],
)
def test_a_service_from_outside_is_named_where_a_policy_asks_who_sends(policy, service, told) -> None:
    found = _codes(policy, service)
    assert ("CAL-H609" in found) is told
    assert not told or "shop/web" in found["CAL-H609"]


def test_running_connections_matter_where_something_closes() -> None:
    stricter = _policy(ingress=[{"action": "Allow", "protocol": "ICMP", "icmp": {"type": 3, "code": 4}}])
    assert "CAL-H611" in _codes(stricter)
    assert "CAL-H611" not in _codes(_policy())


def test_without_a_cluster_there_is_no_window_and_without_policies_nothing_crosses() -> None:
    alone = {f.code for f in translate([_policy()]).report.findings}
    assert "CAL-V810" not in alone
    assert "CAL-V810" in _codes(_policy())
    assert translate([], cluster=[NAMESPACE, POD]).report.findings == ()


def test_what_concerns_the_whole_cluster_hangs_on_no_policy() -> None:
    report = translate([_policy()], cluster=[NAMESPACE, POD, _service()]).report
    whole = {f.id for f in report.findings if f.code in {"CAL-H609", "CAL-L514", "CAL-V810"}}
    assert len(whole) == 3
    assert not whole & {key for entry in report.policies for key in entry.findings}
