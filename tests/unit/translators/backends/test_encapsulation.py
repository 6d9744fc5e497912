from __future__ import annotations

from typing import Any

import pytest
import yaml

from translators import CiliumConfig, Options, explain, translate
from translators.flows import Verdict

POLICY = yaml.safe_load("""
apiVersion: projectcalico.org/v3
kind: NetworkPolicy
metadata: {name: web, namespace: shop}
spec: {selector: app == 'web', types: [Egress], egress: [{action: Allow, protocol: UDP}]}
""")
KEPT = yaml.safe_load("""
apiVersion: networking.k8s.io/v1
kind: NetworkPolicy
metadata: {name: native, namespace: shop}
spec: {podSelector: {matchLabels: {app: db}}, policyTypes: [Egress]}
""")
CLUSTER: list[dict[str, Any]] = [
    {"apiVersion": "v1", "kind": "Namespace", "metadata": {"name": "shop"}},
    *(
        {
            "apiVersion": "v1",
            "kind": "Pod",
            "metadata": {"name": name, "namespace": "shop", "labels": {"app": name}},
            "spec": {"containers": []},
            "status": {"podIPs": [{"ip": f"10.244.0.{number}"}]},
        }
        for number, name in enumerate(("web", "db", "free"), 1)
    ),
]
DROP = Options(drop_encapsulation=True)


@pytest.mark.parametrize("cluster", [None, CLUSTER])
def test_the_drop_of_tunnel_packets_is_kept_and_proved(cluster) -> None:
    result = translate([POLICY, KEPT], cluster=cluster, options=DROP)
    assert result.report.method.open_obligations == 0
    assert result.report.differences == ()
    assert "CAL-L514" not in {f.code for f in result.report.findings}
    written = [d for f in result.files for d in yaml.safe_load_all(f.text)]
    (deny,) = [d for d in written if d["metadata"]["name"] == "c2c-encapsulation"]
    assert deny["spec"]["egressDeny"][0]["toPorts"] == [{"ports": [{"port": "4789", "protocol": "UDP"}]}]
    assert deny["spec"]["enableDefaultDeny"] == {"ingress": False, "egress": False}


@pytest.mark.parametrize(
    ("source", "port", "verdict"),
    [("web", 4789, Verdict.DENY), ("web", 53, Verdict.ALLOW), ("free", 4789, Verdict.DENY), ("free", 53, Verdict.ALLOW),
     ("db", 4789, Verdict.DENY), ("db", 53, Verdict.DENY)],
)  # fmt: skip
def test_both_engines_agree_on_tunnel_packets_and_on_all_others(source, port, verdict) -> None:
    flow = {"src": f"shop/{source}", "dst": "world", "protocol": "UDP", "port": port}
    found = explain(flow, [POLICY, KEPT], cluster=CLUSTER, options=DROP)
    assert (found.calico.verdict, found.cilium.verdict) == (verdict, verdict)


def test_without_the_option_the_difference_is_named() -> None:
    result = translate([POLICY], cluster=CLUSTER)
    assert "CAL-L514" in {f.code for f in result.report.findings}
    assert not any("c2c-encapsulation" in f.text for f in result.files)


def test_where_such_a_deny_would_isolate_the_setting_is_asked_for() -> None:
    options = Options(drop_encapsulation=True, cilium=CiliumConfig(non_default_deny=False))
    result = translate([POLICY], options=options)
    (entry,) = result.report.policies
    assert result.files == ()
    assert entry.disposition == "refused"
    assert "CAL-V803" in entry.codes
