"""Points that no packet is at are no obligations: ICMP of one family with an address of the other."""

from __future__ import annotations

import pytest

from translators import CiliumConfig, Options, translate
from translators.source import read

POLICY = """\
apiVersion: projectcalico.org/v3
kind: GlobalNetworkPolicy
metadata: {{name: odd}}
spec:
  selector: all()
  types: [Egress]
  egress:
  - {{action: Deny, protocol: {protocol}, icmp: {{type: 3}}, destination: {{nets: ["{net}"]}}}}
  - {{action: Pass, protocol: {protocol}, icmp: {{type: 3}}, destination: {{nets: ["{net}"]}}}}
  - {{action: Allow, protocol: {protocol}}}
---
apiVersion: networking.k8s.io/v1
kind: NetworkPolicy
metadata: {{name: native, namespace: a}}
spec: {{podSelector: {{}}, policyTypes: [Egress], egress: [{{to: [{{ipBlock: {{cidr: 203.0.113.0/24}}}}]}}]}}
"""


@pytest.mark.parametrize(("protocol", "net"), [("ICMP", "::/0"), ("ICMPv6", "198.51.100.0/24")])
def test_icmp_with_addresses_of_the_other_family_leaves_nothing_open(protocol: str, net: str) -> None:
    documents = read("odd.yaml", POLICY.format(protocol=protocol, net=net).encode()).documents
    report = translate(documents, options=Options(cilium=CiliumConfig(ipv6=True))).report
    assert not report.method.open_obligations
    assert "CAL-V808" not in {f.code for f in report.findings}
