"""An expansion over its budget: closed where pods are known, and closed means shut; else no output for its subjects.

Pods with labels that nobody has yet are made up and put into both matrices: whatever a closed rule does to them, it
never lets in what Calico keeps out.
"""

from __future__ import annotations

import random
from dataclasses import replace
from functools import cache

import pytest

from tests.bench.sets import InputSet, Shape, draw
from translators import Limits, Options, Translation, translate
from translators.algebra.cidrs import Address
from translators.proof.compare import Comparison, compare
from translators.semantics.calico.matrix import CalicoSide
from translators.semantics.calico.model import CalicoPolicies
from translators.semantics.cilium.matrix import CiliumSide
from translators.semantics.cilium.model import CiliumPolicies
from translators.source import Document, from_object, read
from translators.world import Pod, World
from translators.worldbuilder import build_world

SEEDS = (1, 2, 4, 5, 6, 7)
TINY = Limits(rule=2, deny=1, grow=0, retry=1)
LADDER = (
    TINY,
    Limits(rule=6, deny=2, grow=8, retry=1),
    Limits(rule=40, deny=40, grow=100, retry=1),
    Limits(),
)
UNSEEN = 60
GRADES = ("S0", "S1", "S2", "A", "X")


@cache
def drawn(seed: int) -> InputSet:
    return draw(Shape("adversarial", 60, 16, 60, seed))


def translated(seed: int, limits: Limits, *, reverse: bool = False) -> Translation:
    given = drawn(seed)
    policies = given.policies[::-1] if reverse else given.policies
    return translate(policies, cluster=given.cluster, options=Options(limits=limits))


def with_unseen(world: World, dice: random.Random) -> World:
    """Add pods with labels that the policies name, in combinations that nobody has, and with others."""
    names = sorted(world.namespaces)
    known = {tuple(sorted(p.labels.items())) for p in world.pods}
    pods: list[Pod] = []
    while len(pods) < UNSEEN:
        labels = {f"k{k}": f"v{dice.randrange(5)}" for k in range(4) if dice.random() < 0.8}
        if tuple(sorted(labels.items())) in known:
            continue
        address = Address(4, (10 << 24 | 100 << 16) + len(pods) + 1)
        pods.append(Pod(dice.choice(names), f"unseen-{len(pods)}", labels, addresses=(address,)))
    return replace(world, pods=(*world.pods, *pods))


def compared(seed: int, result: Translation, world: World) -> Comparison:
    """Hold both matrices against each other over a world."""
    listed = [from_object(item) for item in drawn(seed).policies]
    written: list[Document] = [d for f in result.files for d in read(f.path, f.text.encode()).documents]
    options = Options()
    calico = CalicoPolicies.build(world, listed, options.calico_version)
    return compare(
        CalicoSide(calico), CiliumSide(CiliumPolicies.build(world, written, options.cilium)), world
    )


def test_a_closed_rule_never_opens_anything_to_labels_that_nobody_has() -> None:
    seen = {"equal": 0, "shut": 0, "closed": 0}
    for seed in SEEDS:
        result = translated(seed, TINY)
        assert not result.report.method.open_obligations
        closed = [p for p in result.report.policies if "CAL-O313" in p.codes]
        seen["closed"] += len(closed)
        assert {p.grade for p in closed} <= {"S1"}
        assert {p.grade for p in result.report.policies if p not in closed} == {"S0"}
        world, _ = build_world([from_object(i) for i in drawn(seed).cluster], is_cluster=True)
        found = compared(seed, result, with_unseen(world, random.Random(seed)))
        assert not [d for d in found.differences if d.opens]
        seen["shut"] += len(found.differences)
        seen["equal"] += found.agree
    assert seen["closed"] > 20
    assert seen["shut"] > 20
    assert seen["equal"] > 1_000_000


@pytest.mark.parametrize("seed", SEEDS)
def test_a_larger_budget_never_gives_a_worse_grade(seed: int) -> None:
    worst = [
        max(GRADES.index(p.grade) for p in translated(seed, limits).report.policies) for limits in LADDER
    ]
    assert worst == sorted(worst, reverse=True)


@pytest.mark.parametrize("limits", [TINY, Limits()], ids=["tiny", "default"])
def test_the_output_does_not_depend_on_the_order_of_the_input(limits: Limits) -> None:
    one, two = translated(2, limits), translated(2, limits, reverse=True)
    assert [(f.path, f.text) for f in one.files] == [(f.path, f.text) for f in two.files]


def _np(name: str, namespace: str, *rules: dict[str, object]) -> dict[str, object]:
    return {
        "apiVersion": "projectcalico.org/v3",
        "kind": "NetworkPolicy",
        "metadata": {"name": name, "namespace": namespace},
        "spec": {"selector": "all()", "types": ["Ingress"], "ingress": list(rules)},
    }


def _rule(action: str, selector: str, port: int) -> dict[str, object]:
    return {
        "action": action,
        "protocol": "TCP",
        "source": {"selector": selector},
        "destination": {"ports": [port]},
    }


SANDWICH = (
    _rule("Allow", "k1 == 'a'", 80),
    _rule("Deny", "k2 == 'a'", 80),
    {"action": "Allow", "source": {"selector": "k3 == 'a'"}},
)
NARROW = Limits(rule=0, deny=0, grow=0, retry=1)


def test_without_pods_what_fits_no_budget_has_no_output_and_the_rest_has() -> None:
    """The subjects of the Deny are left out in both directions, of a cluster-wide policy too; the pair is named."""
    wide = {
        "apiVersion": "projectcalico.org/v3",
        "kind": "GlobalNetworkPolicy",
        "metadata": {"name": "wide"},
        "spec": {"selector": "all()", "order": 1, "types": ["Egress"], "egress": [{"action": "Allow"}]},
    }
    policies = [_np("big", "a", *SANDWICH), _np("small", "b", _rule("Allow", "k1 == 'a'", 80)), wide]
    report = translate(policies, options=Options(limits=NARROW)).report
    entries = {p.name: p for p in report.policies}
    assert (entries["big"].disposition, entries["big"].grade) == ("refused", "X")
    assert (entries["small"].disposition, entries["small"].grade) == ("translated", "S0")
    assert (entries["wide"].disposition, entries["wide"].grade) == ("translated", "X")
    assert not entries["big"].outputs
    assert not report.method.open_obligations
    texts = {f.text for f in report.findings if f.code == "CAL-O314"}
    assert any("a/big ingress rule 2" in text for text in texts)
    assert {d.effect for d in report.differences} == {"opens"}


def test_pods_of_the_subjects_without_output_are_selected_by_nothing() -> None:
    policies = [_np("big", "a", *SANDWICH), _np("also", "a", _rule("Allow", "k4 == 'a'", 81))]
    result = translate(policies, options=Options(limits=NARROW))
    assert not result.files
    assert [p.disposition for p in result.report.policies] == ["refused", "refused"]


def test_a_deny_forced_by_a_kubernetes_policy_is_never_closed() -> None:
    """It absorbs the Kubernetes policies that it meets, and no others."""
    native = {
        "apiVersion": "networking.k8s.io/v1",
        "kind": "NetworkPolicy",
        "metadata": {"name": "native", "namespace": "a"},
        "spec": {"podSelector": {}, "ingress": [{"from": [{"podSelector": {"matchLabels": {"k5": "a"}}}]}]},
    }
    other = {**native, "metadata": {"name": "native", "namespace": "b"}}
    given = _np("big", "a", *SANDWICH[:2], {"action": "Pass"})
    given["spec"] = {**given["spec"], "order": 10}  # type: ignore[dict-item]  # a mapping, as built above
    pod = {"apiVersion": "v1", "kind": "Pod", "metadata": {"name": "p", "namespace": "a", "labels": {"k1": "a"}},
           "spec": {"containers": []}, "status": {"podIPs": [{"ip": "10.0.0.1"}]}}  # fmt: skip
    spaces = [{"apiVersion": "v1", "kind": "Namespace", "metadata": {"name": n}} for n in "ab"]
    limits = Limits(rule=0, deny=0, grow=0, retry=1)
    report = translate([native, other, given], cluster=[pod, *spaces], options=Options(limits=limits)).report
    entries = {(p.kind, p.namespace): p for p in report.policies}
    assert "CAL-K705" in entries["NetworkPolicy", "a"].codes
    assert entries["NetworkPolicy", "b"].disposition == "kept"
    assert not report.method.open_obligations


def test_a_selector_over_its_limit_takes_its_own_subjects_and_no_others() -> None:
    """What other policies say of these pods is left out too, in both directions; the rest stays proved."""
    wide = " && ".join(f"(k{n} == 'a' || l{n} == 'b')" for n in range(4))
    big = _np("big", "a", {"action": "Deny", "source": {"selector": wide}})
    also = _np("also", "a", _rule("Allow", "k4 == 'a'", 81))
    small = _np("small", "b", _rule("Allow", "k1 == 'a'", 80))
    report = translate([big, also, small], options=Options(limits=Limits(terms=4))).report
    entries = {p.name: p for p in report.policies}
    assert {n: p.disposition for n, p in entries.items()} == {
        "big": "refused",
        "also": "refused",
        "small": "translated",
    }
    assert "CAL-S211" in entries["also"].codes
    assert entries["small"].grade == "S0"
    assert not report.method.open_obligations


def test_a_subject_over_its_limit_takes_its_namespace() -> None:
    wide = " && ".join(f"(k{n} == 'a' || l{n} == 'b')" for n in range(4))
    big = _np("big", "a", _rule("Allow", "k1 == 'a'", 80))
    big["spec"] = {**big["spec"], "selector": wide}  # type: ignore[dict-item]  # a mapping, as built above
    also, small = (
        _np("also", "a", _rule("Allow", "k4 == 'a'", 81)),
        _np("small", "b", _rule("Allow", "k1 == 'a'", 80)),
    )
    report = translate([big, also, small], options=Options(limits=Limits(terms=4))).report
    assert {p.name: p.disposition for p in report.policies} == {
        "big": "refused",
        "also": "refused",
        "small": "translated",
    }
    assert not report.method.open_obligations
