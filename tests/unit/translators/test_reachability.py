from __future__ import annotations

import yaml

from translators import translate
from translators.reachability import reachability
from translators.source import read

CALICO = yaml.safe_load("""
apiVersion: projectcalico.org/v3
kind: NetworkPolicy
metadata: {name: db, namespace: shop}
spec:
  selector: app == 'db'
  ingress:
  - {action: Deny, source: {nets: [203.0.113.0/24]}}
  - {action: Allow, protocol: TCP, destination: {ports: [5432]}}
""")
CILIUM = yaml.safe_load("""
apiVersion: cilium.io/v2
kind: CiliumNetworkPolicy
metadata: {name: db, namespace: shop}
spec:
  endpointSelector: {matchLabels: {app: db}}
  ingress:
  - fromEntities: [all]
    toPorts: [{ports: [{port: "5432", endPort: 5433, protocol: TCP}]}]
  ingressDeny:
  - fromCIDR: [203.0.113.0/24]
""")

SHOP = {"apiVersion": "v1", "kind": "Namespace", "metadata": {"name": "shop"}}


IN_TIER = yaml.safe_load("""
apiVersion: projectcalico.org/v3
kind: GlobalNetworkPolicy
metadata: {name: sec.p}
spec:
  tier: sec
  namespaceSelector: all()
  types: [Ingress]
  ingress:
  - {action: Deny, protocol: TCP, destination: {ports: [22]}}
  - {action: Pass}
""")


def _cell(matrix, row, column):
    i = next(i for i, label in enumerate(matrix.rows) if label.name == row)
    j = next(j for j, label in enumerate(matrix.columns) if label.name == column)
    return matrix.before[i][j], matrix.after[i][j], matrix.marks[i][j]


def test_a_wider_port_range_opens():
    matrix = reachability([CALICO], [CILIUM])
    assert _cell(matrix, "world", "app=db") == ("TCP 5432", "TCP 5432–5433", "+")


def test_a_denied_network_stays_denied():
    assert _cell(reachability([CALICO], [CILIUM]), "203.0.113.0/24", "app=db") == ("", "", "")


def test_an_isolated_pod_closes_what_was_open():
    matrix = reachability([], [CILIUM], cluster=[SHOP, _pod("db", 1), _pod("web", 2)])
    before, after, mark = _cell(matrix, "app=db", "app=db")
    assert (before, mark) == ("all", "–")
    assert after == "TCP 5432–5433"


def _pod(app, number):
    return {
        "apiVersion": "v1",
        "kind": "Pod",
        "metadata": {
            "name": f"{app}-{number}",
            "namespace": "shop",
            "labels": {"app": app, "noise": str(number)},
        },
        "spec": {"containers": []},
        "status": {"phase": "Running", "podIPs": [{"ip": f"10.244.0.{number}"}]},
    }


def test_pods_that_no_policy_tells_apart_share_a_row():
    cluster = [_pod("db", 1), _pod("db", 2), _pod("web", 3)]
    matrix = reachability([CALICO], [CILIUM], cluster=cluster)
    assert ("app=db", 2) in {(label.name, label.pods) for label in matrix.rows}


def test_ends_outside_the_cluster_are_not_asked_about_each_other():
    assert _cell(reachability([CALICO], [CILIUM]), "world", "203.0.113.0/24") == ("-", "-", "")


def test_two_runs_give_the_same():
    assert reachability([CALICO], [CILIUM]) == reachability([CALICO], [CILIUM])


def test_an_unreadable_policy_is_left_out():
    broken = {**CALICO, "spec": {"selector": "app = ="}}
    assert reachability([broken], []).rows


def test_a_tier_that_is_only_named_counts_as_in_the_translation():
    written = translate([IN_TIER, CALICO])
    after = [d for f in written.files for d in read(f.path, f.text.encode()).documents]
    matrix = reachability([IN_TIER, CALICO], after)
    assert not [mark for row in matrix.marks for mark in row if mark]


def test_what_cannot_be_read_is_left_out_of_the_picture():
    odd = {**IN_TIER, "spec": {"ingress": "x"}}
    tier = {
        "apiVersion": "projectcalico.org/v3",
        "kind": "Tier",
        "metadata": {"name": "sec"},
        "spec": {"order": "a"},
    }
    assert reachability([odd, tier, CALICO], [CILIUM]) == reachability([CALICO], [CILIUM])
