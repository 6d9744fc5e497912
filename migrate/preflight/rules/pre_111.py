"""PRE-111: modules need Python 3.9 with ``json`` on the node; without it the raw variant does the same in plain shell.

Debian's ``python3-minimal`` has no ``json`` (measured).
"""

from __future__ import annotations

import re
from collections.abc import Iterator

from migrate.model.fields import text, truth
from migrate.model.findings import Severity
from migrate.preflight.rule import Case, Group, Hit, Rule

__all__ = ["RULE"]

OLDEST = (3, 9)


def check(case: Case) -> Iterator[Hit]:
    """Name each node without a Python that modules can use, and why."""
    for facts in case.facts("python"):
        found = facts.at("python")
        version = tuple(int(p) for p in re.findall(r"\d+", text(found, "version"))[:2])
        why = ""
        if found is None or not version:
            why = "no Python"
        elif version < OLDEST:
            why = f"Python {text(found, 'version')}"
        elif not truth(found, "json"):
            why = "Python without json"
        if why:
            yield Hit(f"node/{facts.node}", {"n": facts.node, "why": why}, {"python": found}, facts.node)


RULE = Rule(
    number=111,
    group=Group.ACCESS,
    severity=Severity.WARN,
    title="No Python for modules",
    message="{n}: raw variant will be used ({why})",
    remedy="nothing to do; python3 3.9 or later with its standard library makes results richer",
    check=check,
    facts=("python",),
)
