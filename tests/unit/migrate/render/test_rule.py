"""What a rule means is told from the rule itself."""

from __future__ import annotations

import json

import pytest

from migrate.preflight.registry import every_rule, rule_named
from migrate.preflight.rule import Rule
from migrate.render.rule import data, renderers, spelled, table


@pytest.mark.parametrize("rule", every_rule(), ids=lambda r: r.id)
def test_every_rule_has_a_page_without_holes(rule: Rule) -> None:
    text = table(rule)
    assert rule.code in text
    assert rule.title in text
    assert max(len(line) for line in text.splitlines()) <= 80
    assert "{" not in data(rule)["text"]


def test_a_page_says_when_it_is_asked_again_and_who_repairs_it() -> None:
    rule = rule_named("CP2070")
    assert rule is not None
    text = " ".join(table(rule).split())
    assert "It stops the migration and cannot be accepted." in text
    assert "a step of P2 does it: PinAutodetect" in text
    again = rule_named("CP2002")
    assert again is not None
    assert "all through a run" in table(again)


def test_json_and_yaml_hold_the_same() -> None:
    rule = rule_named("CP2031")
    assert rule is not None
    page = json.loads(renderers(rule)["json"]())
    assert (page["schemaVersion"], page["kind"], page["code"], page["failures"]) == (
        "1.0",
        "Code",
        "CP2031",
        ["F-19"],
    )
    assert "PDB never lets a pod go" in renderers(rule)["yaml"]()


def test_what_is_filled_in_is_shown_as_a_name() -> None:
    assert spelled('PDB {p} and {"nodeID":"manual"}') == 'PDB <p> and {"nodeID":"manual"}'
