from __future__ import annotations

import yaml

from translators.algebra.space import Space
from translators.flows import Direction
from translators.policyset import CALICO, CILIUM, Around, read_set
from translators.proof.sides import CalicoSet, CiliumSet
from translators.proof.witness import witnesses
from translators.settings import Options
from translators.source import from_object, read

CALICO_TEXT = """
apiVersion: projectcalico.org/v3
kind: NetworkPolicy
metadata: {name: db, namespace: shop}
spec:
  selector: app == 'db'
  ingress:
  - {action: Deny, source: {selector: app == 'old'}}
  - {action: Allow, protocol: TCP, destination: {ports: [5432]}}
"""
CILIUM_TEXT = """
apiVersion: cilium.io/v2
kind: CiliumNetworkPolicy
metadata: {name: db, namespace: shop}
spec:
  endpointSelector: {matchLabels: {app: db}}
  ingress:
  - toPorts: [{ports: [{port: "5432", protocol: TCP}]}]
  ingressDeny:
  - fromEndpoints: [{matchLabels: {app: old}}]
"""
AROUND = Around(None, None, Options())
OLD = CalicoSet(read_set([from_object(yaml.safe_load(CALICO_TEXT))], CALICO, AROUND).calico())
NEW = CiliumSet(read_set([from_object(yaml.safe_load(CILIUM_TEXT))], CILIUM, AROUND).cilium())


def _space() -> Space:
    words = OLD.vocabulary()
    words.add(NEW.vocabulary())
    return Space(words, OLD.world)


SPACE = _space()


def test_what_is_allowed_is_what_the_point_evaluators_allow() -> None:
    for side, name in ((OLD, "NetworkPolicy:shop/db"), (NEW, "CiliumNetworkPolicy:shop/db")):
        region = side.subjects(SPACE, Direction.INGRESS, [name])
        allowed = side.allowed(SPACE, Direction.INGRESS, region)
        assert allowed
        asked = 0
        for cube in region:
            for world, flow in witnesses(SPACE, cube, Direction.INGRESS, side.world):
                verdict = side.judge(world, flow).ingress
                assert verdict is not None
                asked += 1
        for cube in allowed:
            for world, flow in witnesses(SPACE, cube, Direction.INGRESS, side.world):
                verdict = side.judge(world, flow).ingress
                assert verdict is not None and str(verdict.verdict) == "allow"
        assert asked


def test_only_the_pods_that_a_policy_selects_are_its_subjects() -> None:
    assert OLD.subjects(SPACE, Direction.INGRESS, ["NetworkPolicy:shop/db"]) == NEW.subjects(
        SPACE, Direction.INGRESS, ["CiliumNetworkPolicy:shop/db"]
    )
    assert OLD.subjects(SPACE, Direction.EGRESS, ["NetworkPolicy:shop/db"]) == []
    assert OLD.subjects(SPACE, Direction.INGRESS, ["NetworkPolicy:shop/none"]) == []


def test_where_a_policy_is_written_is_not_what_it_means() -> None:
    moved = read("b.yaml", f"# a comment\n\n{CALICO_TEXT}".encode()).documents
    other = CalicoSet(read_set(moved, CALICO, AROUND).calico())
    assert other.units() == OLD.units()
    moved = read("b.yaml", f"# a comment\n\n{CILIUM_TEXT}".encode()).documents
    assert CiliumSet(read_set(moved, CILIUM, AROUND).cilium()).units() == NEW.units()
