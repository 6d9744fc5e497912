from __future__ import annotations

from dataclasses import replace

import pytest

from migrate.render import words
from tests.models import all_grades, clean


def test_the_verdict_is_one_sentence():
    assert words.verdict(all_grades()) == (
        "3 of 6 policies mean the same (1 for every cluster state, 2 under conditions); 1 is stricter; "
        "1 is not translated; 1 is kept as it is."
    )
    assert words.verdict(clean()) == "2 of 2 policies mean the same."


def test_a_difference_is_told_from_calicos_side():
    difference = all_grades().differences[0]
    assert words.claim(difference) == (
        "Calico allows what Cilium drops: any pod → any pod app=api in shop, ICMP 3/4."
    )
    assert words.claim(replace(difference, effect="opens")).startswith("Cilium allows what Calico drops")


def test_rules_count_from_one_in_a_sentence():
    assert list(words.decided(all_grades().differences[0])) == [
        "Calico allows it: shop/probes, ingress rule 1, shop.yaml:6:5.",
        "Cilium drops it: default deny.",
    ]


@pytest.mark.parametrize(
    ("by", "told"),
    [
        ("Tier:security#end", "end of tier security"),
        ("GlobalNetworkPolicy:deny#2", "deny, egress rule 3"),
        ("CiliumNetworkPolicy:shop/db ingress[0]", "shop/db, ingress[0]"),
        ("not isolated", "not isolated"),
    ],
)
def test_what_decided_is_told_in_words(by, told):
    assert words.rule(by, "egress") == told


def test_accepted_findings_are_no_longer_pending():
    report = all_grades()
    assert [item.finding.code for item in words.pending(report)] == ["CAL-H604", "CAL-L502"]
    settled = replace(report, findings=tuple(replace(f, accepted="fine") for f in report.findings))
    assert words.pending(settled) == []


@pytest.mark.parametrize(
    ("pods", "told"),
    [
        (None, "ICMP 3/4."),
        ((6, 1), "ICMP 3/4, 6 × 1 pods today."),
        ((1, 1), "ICMP 3/4, 1 × 1 pod today."),
        ((None, 4), "ICMP 3/4, 4 pods today."),
        ((1, None), "ICMP 3/4, 1 pod today."),
        ((0, 4), "ICMP 3/4, no pod today."),
        ((None, None), "ICMP 3/4."),
        ((1200, 3), "ICMP 3/4, 1,200 × 3 pods today."),
    ],
)
def test_todays_pods_are_counted_where_they_are_known(pods, told):
    assert words.claim(replace(all_grades().differences[0], pods=pods)).endswith(told)
