"""Every rule there is, found by looking into ``migrate.preflight.rules``: a new file is a new rule."""

from __future__ import annotations

import importlib
import pkgutil
import re
import sys
from functools import cache

from migrate.preflight import rules as package
from migrate.preflight.rule import Group, Rule

__all__ = ["RETIRED", "every_rule", "migration_rules", "reasons_of", "rule_named"]

RETIRED: tuple[int, ...] = ()
"""Ids that were given up; never used again."""


@cache
def every_rule() -> tuple[Rule, ...]:
    """Give all rules, by number."""
    found: list[Rule] = []
    for module in pkgutil.iter_modules(package.__path__):
        found.append(importlib.import_module(f"{package.__name__}.{module.name}").RULE)
    return tuple(sorted(found, key=lambda rule: rule.number))


def migration_rules() -> tuple[Rule, ...]:
    """Give the rules that a migration is judged by: those of the point of no return are asked when it has come to P10."""
    return tuple(rule for rule in every_rule() if rule.group is not Group.NO_RETURN)


def rule_named(code: str) -> Rule | None:
    """Find a rule by ``CP2071``, ``PRE-071`` or ``pre071``; None where there is none."""
    found = re.fullmatch(r"(?:CP2|PRE-?)(\d{3})", code.strip(), re.IGNORECASE)
    return next((r for r in every_rule() if found and r.number == int(found[1])), None)


def reasons_of(rule: Rule) -> list[str]:
    """Give the paragraphs in which a rule's module says why it exists and what it decides, without its id."""
    module = sys.modules[rule.check.__module__]
    text = re.sub(r"\APRE-\d{3}: ", "", (module.__doc__ or "").strip())
    paragraphs = [" ".join(part.split()) for part in text.split("\n\n") if part.strip()]
    begun = [p if p.startswith("``") else p[0].upper() + p[1:] for p in paragraphs]
    return [p.replace("``", "") for p in begun]
