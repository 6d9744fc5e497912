"""A snapshot holds whatever some part of the program asks for."""

from __future__ import annotations

import ast
from collections.abc import Iterator
from pathlib import Path

import pytest

from migrate.model.kinds import GROUPS, RESOURCES, is_wanted
from migrate.preflight.registry import every_rule

ROOT = Path(__file__).resolve().parents[4]
ASKING = {"of", "knows"}


def asked() -> Iterator[tuple[str, str]]:
    """Give (file, resource) of every question that is written out in the pure parts of the program."""
    for package in ("model", "engine", "preflight"):
        for path in sorted((ROOT / "migrate" / package).rglob("*.py")):
            for node in ast.walk(ast.parse(path.read_text(encoding="utf-8"))):
                called = (
                    isinstance(node, ast.Call)
                    and isinstance(node.func, ast.Attribute)
                    and node.func.attr in ASKING
                )
                if called and node.args and isinstance(node.args[0], ast.Constant):
                    yield path.name, str(node.args[0].value)


def test_what_the_code_asks_for_is_in_a_snapshot() -> None:
    found = set(asked())
    assert len(found) > 30
    assert [(name, resource) for name, resource in sorted(found) if not is_wanted(resource)] == []


@pytest.mark.parametrize("rule", every_rule(), ids=lambda r: r.id)
def test_what_a_rule_reads_is_in_a_snapshot(rule: object) -> None:
    assert [r for r in rule.reads if not is_wanted(r)] == []  # type: ignore[attr-defined]


def test_every_kind_of_a_wanted_group_is_wanted_and_others_are_not() -> None:
    assert is_wanted("ippools.crd.projectcalico.org")
    assert is_wanted("ciliumnodes.cilium.io")
    assert not is_wanted("events")
    assert not is_wanted("kafkas.kafka.strimzi.io")
    assert not {r for r in RESOURCES if r.partition(".")[2] in GROUPS}
