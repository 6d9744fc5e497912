"""What nobody denied is said once: policies of several tiers that select the same pods do not each repeat it."""

from __future__ import annotations

from typing import Any

import yaml

from translators import translate

ALL = "app in {'db', 'web'}"


def tier(name: str, order: int) -> dict[str, Any]:
    spec = {"order": order, "defaultAction": "Pass"}
    return {"apiVersion": "projectcalico.org/v3", "kind": "Tier", "metadata": {"name": name}, "spec": spec}


def policy(name: str, selector: str, **spec: Any) -> dict[str, Any]:
    rules = [{"action": "Allow", "protocol": "TCP", "destination": {"ports": [22]}}]
    return {
        "apiVersion": "projectcalico.org/v3",
        "kind": "GlobalNetworkPolicy",
        "metadata": {"name": name},
        "spec": {
            "selector": selector,
            "namespaceSelector": "all()",
            "types": ["Ingress"],
            "ingress": rules,
            **spec,
        },
    }


ISOLATED = policy("floor", "has(env)", order=1000, ingress=[])
"""Some of the pods that the others select come to an end here; the rest is let through."""


def allowing_everyone(*objects: dict[str, Any]) -> list[str]:
    """Give the names of the written objects that let anyone in."""
    found = translate([tier("one", 1), tier("two", 2), ISOLATED, *objects])
    assert found.report.method.open_obligations == 0
    assert not found.report.differences
    written = [d for f in found.files for d in yaml.safe_load_all(f.text) if d]
    specs = [(o["metadata"]["name"], s) for o in written for s in o.get("specs", [o.get("spec")])]
    return sorted({n for n, s in specs for e in s.get("ingress", []) if e.get("fromEntities") == ["all"]})


def test_of_two_policies_that_select_the_same_pods_the_first_says_it() -> None:
    one, two = policy("one.p", ALL, tier="one"), policy("two.p", ALL, tier="two")
    assert allowing_everyone(one, two) == ["one.p"]


def test_the_wider_of_two_policies_says_it_wherever_it_stands() -> None:
    one, two = policy("one.p", "app == 'db'", tier="one"), policy("two.p", ALL, tier="two")
    assert allowing_everyone(one, two) == ["two.p"]


def test_policies_of_different_pods_say_it_each() -> None:
    one, two = policy("one.p", "app == 'db'", tier="one"), policy("two.p", "app == 'web'", tier="two")
    assert allowing_everyone(one, two) == ["one.p", "two.p"]
