from __future__ import annotations

import pytest

from translators.linting import lint
from translators.settings import Options

ALLOW = {"action": "Allow", "protocol": "TCP"}
DENY = {"action": "Deny", "protocol": "TCP"}


def _ports(rule, *ports):
    return {**rule, "destination": {"ports": list(ports)}}


def _policy(name, *rules, order=10, selector="app == 'db'", namespace="shop"):
    return {
        "apiVersion": "projectcalico.org/v3",
        "kind": "NetworkPolicy",
        "metadata": {"name": name, "namespace": namespace},
        "spec": {"order": order, "selector": selector, "ingress": list(rules)},
    }


def _codes(*policies, **more):
    return [d.code for d in lint(policies, **more)]


def test_a_clean_set_gives_nothing():
    assert lint([_policy("a", _ports(ALLOW, 443), _ports(DENY, 22))]) == []


@pytest.mark.parametrize(
    ("earlier", "later", "dead"),
    [
        (_ports(ALLOW, "1:1000"), _ports(DENY, 22), True),
        (_ports(ALLOW, "1:1000"), _ports(DENY, 2000), False),
        (_ports(ALLOW, "1:1000"), _ports(DENY, "1:1001"), False),
        (ALLOW, _ports(DENY, 22), True),
        ({**ALLOW, "source": {"selector": "app == 'web'"}}, _ports(DENY, 22), False),
    ],
)
def test_a_rule_is_dead_if_the_rules_before_take_all_its_flows(earlier, later, dead):
    assert ("CAL-O315" in _codes(_policy("a", earlier, later))) is dead


def test_two_rules_together_may_cover_a_third():
    found = lint([_policy("a", _ports(ALLOW, "1:50"), _ports(DENY, "51:100"), _ports(ALLOW, "20:80"))])
    assert [d.code for d in found] == ["CAL-O315"]
    assert "rule 3 is covered by NetworkPolicy shop/a rule 1, NetworkPolicy shop/a rule 2" in found[0].message


def test_a_rule_of_another_policy_may_cover_it_too():
    assert "CAL-O315" in _codes(_policy("a", ALLOW, order=1), _policy("b", _ports(DENY, 22), order=2))


@pytest.mark.parametrize(("order", "port", "tie"), [(10, 22, True), (11, 22, False), (10, 2000, False)])
def test_equal_orders_with_opposite_actions_that_overlap_are_a_tie(order, port, tie):
    policies = [_policy("a", _ports(ALLOW, 22)), _policy("b", _ports(DENY, port), order=order)]
    assert ("CAL-O301" in _codes(*policies)) is tie


def test_a_tie_says_who_wins_on_which_version():
    policies = [_policy("b", _ports(ALLOW, 22), namespace="shop"), _policy("a", _ports(DENY, 22, 23))]
    (found,) = [d for d in lint(policies, options=Options(calico_version=(3, 30))) if d.code == "CAL-O301"]
    assert "wins on Calico 3.30" in found.message
    assert "on 3.32" in found.message


def test_a_policy_that_selects_nothing_is_named_only_where_pods_are_known():
    pod = {
        "apiVersion": "v1",
        "kind": "Pod",
        "metadata": {"name": "p", "namespace": "shop", "labels": {"app": "web"}},
        "status": {"podIPs": [{"ip": "10.0.0.1"}]},
    }
    assert "CAL-S207" in _codes(_policy("a", ALLOW), cluster=[pod])
    assert "CAL-S207" not in _codes(_policy("a", ALLOW))


def test_a_broken_selector_is_named_and_the_rest_is_still_looked_at():
    broken = _policy("broken", ALLOW, selector="app = = 'x'")
    assert _codes(broken, _policy("a", ALLOW, _ports(DENY, 22))) == ["CAL-O315", "CAL-S201"]


def test_what_only_cilium_makes_difficult_is_not_a_defect():
    icmp = {"action": "Allow", "protocol": "ICMP", "icmp": {"type": 3, "code": 4}}
    assert lint([_policy("a", icmp)]) == []


@pytest.mark.parametrize(
    ("selector", "codes"),
    [
        ("pod-template-hash == 'x'", {"CAL-S204"}),
        ("app == 'web'", set()),
        ("projectcalico.org/namespace == 'a'", set()),
    ],
)
def test_a_label_that_cilium_leaves_out_is_named(selector: str, codes: set[str]) -> None:
    policy = {
        "apiVersion": "projectcalico.org/v3",
        "kind": "NetworkPolicy",
        "metadata": {"name": "p", "namespace": "a"},
        "spec": {"selector": selector, "ingress": [{"action": "Allow", "source": {"notSelector": selector}}]},
    }
    assert {d.code for d in lint([policy])} == codes
