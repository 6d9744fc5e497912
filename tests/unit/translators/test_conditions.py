from __future__ import annotations

from dataclasses import replace
from typing import Any

import pytest

from translators.algebra.cidrs import parse_address, parse_cidr
from translators.conditions import CLASSES, Facts, listed, recheck, state_of
from translators.ir.policy import Action, Tier
from translators.report import PolicyEntry
from translators.span import NOWHERE
from translators.world import (
    AddressPlan,
    EndpointSlice,
    HostEndpoint,
    NamedPort,
    Namespace,
    NetworkSet,
    Node,
    Pod,
    Service,
    ServiceAccount,
    World,
)

POD = Pod(
    "shop",
    "web-1",
    {"app": "web"},
    addresses=(parse_address("10.244.0.1"),),
    ports=(NamedPort("http", "TCP", 80),),
)
WORLD = World(
    namespaces={"shop": Namespace("shop", {"env": "prod"}, "7")},
    service_accounts={("shop", "sa"): ServiceAccount("shop", "sa", {"role": "x"})},
    pods=(POD,),
    nodes={"n1": Node("n1", addresses=(parse_address("10.0.0.1"),))},
    host_endpoints={"h": HostEndpoint("h", "n1", labels={"a": "b"})},
    network_sets=(
        NetworkSet("shop", "s", {}, (parse_cidr("203.0.113.0/24"),)),
        NetworkSet(None, "g", {"x": "y"}),
    ),
    services={("shop", "web"): Service("shop", "web", {"app": "web"})},
    slices=(EndpointSlice("shop", "web-1", "web"),),
    plan=AddressPlan(pods=(parse_cidr("10.244.0.0/16"),), nodes=(parse_cidr("10.0.0.0/24"),), stated=True),
    is_cluster=True,
)
TIERS = {"sec": Tier("sec", 10.0, Action.PASS)}
FACTS = Facts(WORLD, TIERS, (1, 20))
CHANGED = {
    "Namespace shop": {"namespaces": {"shop": Namespace("shop", {"env": "dev"})}},
    "ServiceAccount shop/sa": {"service_accounts": {("shop", "sa"): ServiceAccount("shop", "sa", {})}},
    "ServiceAccounts": {"service_accounts": {}},
    "NetworkSet shop/s": {"network_sets": (NetworkSet("shop", "s", {}, ()),)},
    "GlobalNetworkSet g": {"network_sets": (NetworkSet(None, "g", {"x": "z"}),)},
    "HostEndpoint h": {"host_endpoints": {"h": HostEndpoint("h", "n1", labels={"a": "c"})}},
    "Service shop/web": {"services": {("shop", "web"): Service("shop", "web", {"app": "api"})}},
    "EndpointSlice shop/web-1": {
        "slices": (EndpointSlice("shop", "web-1", "web", addresses=(parse_address("10.0.0.9"),)),)
    },
    "Node n1": {"nodes": {"n1": Node("n1", {"zone": "a"})}},
    "values of label app": {"pods": (POD, replace(POD, name="b", labels={"app": "b"}))},
    "values of label pcns.env": {"namespaces": {"shop": Namespace("shop", {"env": "dev"})}},
    "port name http": {"pods": (replace(POD, ports=(NamedPort("http", "TCP", 81),)),)},
    CLASSES: {"pods": (POD, replace(POD, name="b", labels={"app": "b"}))},
    "address plan": {"nodes": {"n2": Node("n2", addresses=(parse_address("10.0.9.9"),))}},
}


def _condition(name: str, facts: Facts = FACTS) -> dict[str, Any]:
    return {"object": name, "code": "CAL-N411", "policies": ["shop/db"], "state": state_of(name, facts)}


@pytest.mark.parametrize("name", [*CHANGED, "Cilium 1.20", "Tier sec"])
def test_what_stays_as_it_is_holds(name: str) -> None:
    assert state_of(name, FACTS)
    assert recheck([_condition(name)], FACTS) == []


@pytest.mark.parametrize("name", CHANGED)
def test_what_changes_no_longer_holds(name: str) -> None:
    (broken,) = recheck([_condition(name)], Facts(replace(WORLD, **CHANGED[name]), TIERS, (1, 20)))
    assert (broken.object, broken.code, broken.policies, broken.known) == (
        name,
        "CAL-N411",
        ("shop/db",),
        True,
    )
    assert broken.how


@pytest.mark.parametrize(
    ("name", "facts", "how"),
    [
        ("Cilium 1.20", replace(FACTS, cilium=(1, 21)), "it is 1.21 now"),
        ("Tier sec", replace(FACTS, tiers={}), "it is gone"),
        ("Tier sec", replace(FACTS, tiers={"sec": Tier("sec", 10.0)}), "it has changed"),
        ("NetworkSet shop/s", replace(FACTS, world=replace(WORLD, network_sets=())), "it is gone"),
    ],
)
def test_it_is_said_how(name: str, facts: Facts, how: str) -> None:
    (broken,) = recheck([_condition(name)], facts)
    assert broken.how == how


def test_a_new_label_class_is_named_and_a_vanished_one_matters_not() -> None:
    more = replace(
        WORLD, pods=(POD, replace(POD, name="b", namespace="ops", labels={"app": "b", "tier": "x"}))
    )
    (broken,) = recheck([_condition(CLASSES)], replace(FACTS, world=more))
    assert broken.how == "new: app=b, tier=x in ops"
    assert recheck([_condition(CLASSES)], replace(FACTS, world=replace(WORLD, pods=()))) == []


def test_the_version_of_an_object_is_not_its_meaning() -> None:
    newer = replace(WORLD, namespaces={"shop": Namespace("shop", {"env": "prod"}, "8")})
    assert recheck([_condition("Namespace shop")], replace(FACTS, world=newer)) == []


def test_addresses_inside_the_recorded_ranges_keep_the_plan() -> None:
    more = replace(WORLD, nodes={**WORLD.nodes, "n2": Node("n2", addresses=(parse_address("10.0.0.77"),))})
    assert recheck([_condition("address plan")], replace(FACTS, world=more)) == []
    outside = replace(WORLD, pods=(replace(POD, addresses=(parse_address("10.9.0.1"),)),))
    (broken,) = recheck([_condition("address plan")], replace(FACTS, world=outside))
    assert broken.how == "10.9.0.1 is not in its pods"


@pytest.mark.parametrize("state", ["", None])
def test_a_condition_without_a_state_is_unknown_and_never_holds(state: str | None) -> None:
    (broken,) = recheck([{"object": "Namespace shop", "policies": None, "state": state}], FACTS)
    assert not broken.known


def test_an_assumed_tier_holds_where_it_ends_with_deny() -> None:
    offline = Facts(replace(WORLD, is_cluster=False), {}, (1, 20))
    condition = _condition("Tier net", offline)
    assert condition["state"] == "Deny"
    assert recheck([condition], replace(FACTS, tiers={"net": Tier("net", 5.0)})) == []
    assert (
        recheck([condition], replace(FACTS, tiers={"net": Tier("net", 5.0, Action.PASS)}))[0].how
        == "it has changed"
    )
    assert recheck([condition], FACTS)[0].how == "it is gone"


def _entry(name: str, *conditions: str) -> PolicyEntry:
    return PolicyEntry(
        "NetworkPolicy", "shop", name, NOWHERE, "translated", "S1", None, conditions=conditions
    )


def test_conditions_are_listed_once_with_all_that_hangs_on_them() -> None:
    entries = [_entry("a", "Namespace shop"), _entry("b", "Namespace shop", "pod labels app=web in shop")]
    found = {c.object: c for c in listed(entries, {"Namespace shop": "CAL-O313"}, FACTS)}
    assert list(found) == sorted(["Namespace shop", "pod labels app=web in shop", CLASSES])
    assert found["Namespace shop"].policies == ("shop/a", "shop/b")
    assert found["Namespace shop"].code == found[CLASSES].code == "CAL-O313"
    assert found[CLASSES].policies == ("shop/b",)
