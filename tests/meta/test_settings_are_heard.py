"""Every setting is asked for by code that acts; one that is only read promises what nobody does."""

from __future__ import annotations

import ast
from dataclasses import fields

import pytest

from migrate.model import settings
from tests.meta.generated import ROOT

KINDS = (
    settings.Settings, settings.Cilium, settings.Waves, settings.Window, settings.Nodes, settings.Gates,
    settings.Deadlines,
)  # fmt: skip
READING = ("migrate/model/settings.py", "migrate/config.py", "migrate/config_shape.py", "migrate/preflight/")
"""What reads settings, or judges them, and does nothing by them."""
LATER = {
    "cleanup_unattended": "the removal of Calico",
    "shared_crds": "the removal of Calico",
    "known_hosts": "the hands on the nodes",
    "alerts_ignore": "the gates on alerts: G-16 is inconclusive where an address is given",
}
"""Settings of what is still to come, with what they wait for."""


def asked() -> set[str]:
    """Give the names of all attributes that acting code asks for."""
    found = set[str]()
    for path in sorted((ROOT / "migrate").rglob("*.py")):
        if str(path.relative_to(ROOT)).startswith(READING):
            continue
        tree = ast.parse(path.read_text(encoding="utf-8"))
        found |= {node.attr for node in ast.walk(tree) if isinstance(node, ast.Attribute)}
    return found


@pytest.fixture(scope="module")
def heard() -> set[str]:
    return asked()


@pytest.mark.parametrize(
    ("kind", "name"), [(kind.__name__, field.name) for kind in KINDS for field in fields(kind)]
)
def test_a_setting_is_asked_for_or_waits_for_what_is_to_come(heard: set[str], kind: str, name: str) -> None:
    assert (name in heard) != (name in LATER), f"{kind}.{name}"
