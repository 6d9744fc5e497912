from __future__ import annotations

import pytest
import yaml

from translators.flows import Direction
from translators.policyset import CALICO, CILIUM, Around, read_set
from translators.proof.change import Changes, changes
from translators.proof.sides import CalicoSet, CiliumSet
from translators.proof.words import Words, describe
from translators.settings import Options
from translators.source import from_object

POLICY = """
apiVersion: projectcalico.org/v3
kind: NetworkPolicy
metadata: {name: db, namespace: shop}
spec:
  order: 10
  selector: app == 'db'
  ingress:
  - {action: Allow, protocol: TCP, source: {selector: app == 'web'}, destination: {ports: [5432]}}
"""
OTHER = POLICY.replace("name: db", "name: web").replace("app == 'db'", "app == 'web'")
SETS = """
---
apiVersion: projectcalico.org/v3
kind: GlobalNetworkSet
metadata: {name: s, labels: {app: web}}
spec: {nets: [203.0.113.0/24]}
"""
CNP = """
apiVersion: cilium.io/v2
kind: CiliumNetworkPolicy
metadata: {name: db, namespace: shop}
spec:
  endpointSelector: {matchLabels: {app: db}}
  ingress:
  - fromEndpoints: [{matchLabels: {app: web}}]
    toPorts: [{ports: [{port: "5432", protocol: TCP}]}]
"""


def _changes(before: str, after: str, engine: str = CALICO) -> Changes:
    sides = []
    for text in (before, after):
        read = read_set(
            [from_object(d) for d in yaml.safe_load_all(text) if d], engine, Around(None, None, Options())
        )
        sides.append(CalicoSet(read.calico()) if engine == CALICO else CiliumSet(read.cilium()))
    return changes(*sides)


def _told(found: Changes) -> list[tuple[bool, str]]:
    said = []
    for item in found.found:
        source, target, packets = describe(Words(found.space, item.direction), [item.cube])
        said.append((item.opens, f"{source} > {target}: {packets}"))
    return said


@pytest.mark.parametrize("engine", [CALICO, CILIUM])
def test_a_set_does_not_differ_from_itself(engine: str) -> None:
    found = _changes(POLICY if engine == CALICO else CNP, POLICY if engine == CALICO else CNP, engine)
    assert (found.found, found.unknown, found.looked_at) == ((), (), 0)


def test_a_port_more_opens_and_the_reverse_closes() -> None:
    wider = POLICY.replace("[5432]", "[5432, 5433]")
    box = "any pod app=web in shop > any pod app=db in shop: TCP 5433"
    assert _told(_changes(POLICY, wider)) == [(True, box)]
    assert _told(_changes(wider, POLICY)) == [(False, box)]


def test_the_same_holds_under_cilium() -> None:
    found = _changes(CNP, CNP.replace('"5432"', '"5433"'), CILIUM)
    assert sorted(opens for opens, _ in _told(found)) == [False, True]
    assert found.looked_at == 1


def test_every_change_has_an_example_that_both_evaluations_confirm() -> None:
    (item,) = _changes(POLICY, POLICY.replace("[5432]", "[5432, 5433]")).found
    assert item.example is not None
    flow, old, new = item.example
    assert (flow.port, str(old.verdict), str(new.verdict)) == (5433, "deny", "allow")


def test_a_policy_taken_away_opens_its_pods() -> None:
    found = _changes(f"{POLICY}---{OTHER}", POLICY)
    assert found.looked_at == 1
    assert all(
        opens and "any pod app=web in shop" in text.partition(" > ")[2] for opens, text in _told(found)
    )


def test_an_order_that_decides_nothing_changes_nothing() -> None:
    found = _changes(POLICY, POLICY.replace("order: 10", "order: 20"))
    assert (found.found, found.looked_at) == ((), 1)


def test_a_network_set_that_changes_is_seen_although_no_policy_does() -> None:
    wide = POLICY.replace("NetworkPolicy", "GlobalNetworkPolicy").replace(", namespace: shop", "")
    found = _changes(wide + SETS, wide + SETS.replace("203.0.113.0/24", "203.0.113.0/25"))
    assert _told(found) == [(False, "203.0.113.128/25 outside the cluster > any pod app=db: TCP 5432")]


def test_the_end_of_a_tier_is_a_change_for_everybody_in_it() -> None:
    tier = "---\napiVersion: projectcalico.org/v3\nkind: Tier\nmetadata: {name: net}\nspec: {order: 5, defaultAction: Deny}\n"
    tiered = POLICY.replace("name: db", "name: net.db").replace("order: 10", "tier: net\n  order: 10")
    found = _changes(tiered + tier, tiered + tier.replace("Deny", "Pass"))
    assert found.found
    assert all(item.opens and item.direction is Direction.INGRESS for item in found.found)
