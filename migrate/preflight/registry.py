"""Every rule there is, found by looking into ``migrate.preflight.rules``: a new file is a new rule."""

from __future__ import annotations

import importlib
import pkgutil
from functools import cache

from migrate.preflight import rules as package
from migrate.preflight.rule import Rule

__all__ = ["RETIRED", "every_rule"]

RETIRED: tuple[int, ...] = ()
"""Ids that were given up; never used again."""


@cache
def every_rule() -> tuple[Rule, ...]:
    """Give all rules, by number."""
    found: list[Rule] = []
    for module in pkgutil.iter_modules(package.__path__):
        found.append(importlib.import_module(f"{package.__name__}.{module.name}").RULE)
    return tuple(sorted(found, key=lambda rule: rule.number))
