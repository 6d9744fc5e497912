"""Kubernetes NetworkPolicies that stay, row by row (lemma L6): before, at and behind their place in tier ``default``.

Every row is proved, judged flow by flow by both point evaluators, and looked at in the form that the row asks for.
"""

from __future__ import annotations

from itertools import product
from typing import Any

import pytest
import yaml

from tests.oracles.worlds import emitted
from translators import Options, Translation, translate
from translators.algebra.cidrs import parse_cidr
from translators.flows import TCP, Flow, Peer, PeerKind
from translators.semantics.calico.model import CalicoPolicies
from translators.semantics.calico.point import PointEvaluator as CalicoPoint
from translators.semantics.cilium.model import CiliumPolicies
from translators.semantics.cilium.point import PointEvaluator as CiliumPoint
from translators.source import from_object
from translators.world import AddressPlan
from translators.worldbuilder import build_world

PLAN = AddressPlan(pods=(parse_cidr("10.244.0.0/16"),), stated=True)
APPS = ("db", "web", "nol", "api")


def pod(number: int, app: str) -> dict[str, Any]:
    return {
        "apiVersion": "v1",
        "kind": "Pod",
        "metadata": {"name": app, "namespace": "a", "labels": {"app": app}},
        "spec": {"containers": []},
        "status": {"phase": "Running", "podIPs": [{"ip": f"10.244.1.{number}"}]},
    }


CLUSTER = [
    {"apiVersion": "v1", "kind": "Namespace", "metadata": {"name": "a"}},
    *(pod(number, app) for number, app in enumerate(APPS, start=1)),
]


def native(name: str, *apps: str, selects: str = "db") -> dict[str, Any]:
    peers = [{"podSelector": {"matchLabels": {"app": app}}} for app in apps]
    return {
        "apiVersion": "networking.k8s.io/v1",
        "kind": "NetworkPolicy",
        "metadata": {"name": name, "namespace": "a"},
        "spec": {"podSelector": {"matchLabels": {"app": selects}}, "ingress": [{"from": peers}]},
    }


def rule(action: str, app: str | None = None) -> dict[str, Any]:
    return {"action": action, **({"source": {"selector": f"app == '{app}'"}} if app else {})}


def policy(order: float, *rules: dict[str, Any], name: str = "p", tier: str = "default") -> dict[str, Any]:
    return {
        "apiVersion": "projectcalico.org/v3",
        "kind": "NetworkPolicy",
        "metadata": {"name": name if tier == "default" else f"{tier}.{name}", "namespace": "a"},
        "spec": {
            "tier": tier,
            "order": order,
            "selector": "app == 'db'",
            "types": ["Ingress"],
            "ingress": list(rules),
        },
    }


def tier(name: str, order: float) -> dict[str, Any]:
    return {
        "apiVersion": "projectcalico.org/v3",
        "kind": "Tier",
        "metadata": {"name": name},
        "spec": {"order": order},
    }


def translated(*policies: dict[str, Any], kubernetes: str = "native") -> Translation:
    """Translate, and hold every flow between the pods against Calico's verdict."""
    documents = [from_object(item) for item in policies]
    result = translate(documents, cluster=CLUSTER, options=Options(kubernetes_policies=kubernetes), plan=PLAN)
    assert result.report.method.open_obligations == 0
    assert not result.report.differences
    world, _ = build_world([from_object(i) for i in CLUSTER], plan=PLAN, is_cluster=True)
    before = CalicoPoint(CalicoPolicies.build(world, documents, (3, 34)))
    after = CiliumPoint(CiliumPolicies.build(world, emitted(result, documents), Options().cilium))
    for one, two in product(world.pods, world.pods):
        ends = (Peer(PeerKind.POD, p.addresses[0], pod=p) for p in (one, two))
        flow = Flow(*ends, TCP, port=80)
        assert before.judge(flow).verdict is after.judge(flow).verdict, (one.name, two.name)
    return result


def sections(result: Translation) -> dict[str, str]:
    """Give the text of each section over all rules; what is not there is empty."""
    found: dict[str, str] = {"ingress": "", "ingressDeny": ""}
    for item in (d for f in result.files for d in yaml.safe_load_all(f.text) if d):
        for spec in item.get("specs", [item.get("spec") or {}]):
            for name in found:
                found[name] += yaml.safe_dump(spec[name]) if name in spec else ""
    return found


def codes(result: Translation) -> set[str]:
    return {f.code for f in result.report.findings}


def kept(result: Translation) -> list[str]:
    return sorted(p.name for p in result.report.policies if p.disposition == "kept")


def test_a_deny_before_them_is_explicit_minus_earlier_allows() -> None:
    found = translated(
        policy(10, rule("Allow", "web"), rule("Deny", "web"), rule("Deny", "nol")), native("k", "web", "nol")
    )
    assert "nol" in sections(found)["ingressDeny"]
    assert "web" not in sections(found)["ingressDeny"].replace("- web", "")


def test_the_end_of_an_earlier_tier_is_explicit() -> None:
    found = translated(tier("sec", 10), policy(1, rule("Pass", "web"), tier="sec"), native("k", "web", "nol"))
    denied = sections(found)["ingressDeny"]
    assert "nol" in denied
    assert "web" not in denied


def test_an_allow_before_them_is_an_allow() -> None:
    found = translated(policy(10, rule("Allow", "api")), native("k", "web"))
    assert "api" in sections(found)["ingress"]


def test_what_a_pass_before_them_passes_is_allowed_where_nothing_later_denies() -> None:
    found = translated(policy(10, rule("Pass", "api")), native("k", "web"))
    assert "CAL-O303" in codes(found)
    assert "api" in sections(found)["ingress"]


def test_what_a_pass_before_them_passes_is_denied_where_a_later_tier_denies() -> None:
    later = tier("late", 2_000_000)
    found = translated(
        policy(10, rule("Pass", "web")),
        native("k", "web", "nol"),
        later,
        policy(1, rule("Deny"), tier="late"),
    )
    assert "web" in sections(found)["ingressDeny"]


def test_an_allow_behind_them_loses_the_denies_between_and_nothing_that_they_allow() -> None:
    denies = policy(1500, rule("Deny", "web"), rule("Deny", "nol"))
    found = translated(native("k", "nol"), denies, policy(2000, rule("Allow"), name="q"))
    assert "nol" not in sections(found)["ingressDeny"]
    assert kept(found) == ["k"]


def test_a_deny_behind_them_and_the_end_are_left_to_omission() -> None:
    found = translated(native("k", "web"), policy(1500, rule("Deny", "web"), rule("Deny", "nol")))
    assert not sections(found)["ingressDeny"]
    assert kept(found) == ["k"]


@pytest.mark.parametrize(("name", "absorbed"), [("m", True), ("z", False), ("a", False)])
def test_one_of_order_1000_between_two_of_them_absorbs_them(name: str, absorbed: bool) -> None:
    """By its name it stands before, between or behind: only between them is there no place of its own."""
    found = translated(native("b", "web"), native("n", "nol"), policy(1000, rule("Deny", "nol"), name=name))
    assert ("CAL-K705" in codes(found)) is absorbed
    assert kept(found) == ([] if absorbed else ["b", "n"])
    if absorbed:
        assert "CAL-K702" in codes(found)


def test_only_those_that_it_stands_between_are_absorbed() -> None:
    others = native("other", "web", selects="nol")
    found = translated(
        native("b", "web"), native("n", "nol"), others, policy(1000, rule("Deny", "nol"), name="m")
    )
    assert kept(found) == ["other"]


def test_the_option_absorbs_all_of_them() -> None:
    found = translated(policy(10, rule("Deny", "nol")), native("k", "web", "nol"), kubernetes="absorb")
    assert kept(found) == []
    names = [p.outputs for p in found.report.policies if p.name == "k"]
    assert names
    assert "k-knp" in "".join(f.text for f in found.files)
    assert "CAL-K705" in codes(found)
