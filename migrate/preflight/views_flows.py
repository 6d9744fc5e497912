"""Differences of the report by cause, and observed flows as both evaluators judge them."""

from __future__ import annotations

from migrate.preflight.rule import Case
from migrate.preflight.views_policy import Difference, differences

__all__ = ["grouped"]


def grouped(case: Case, effect: str) -> dict[tuple[str, str], list[Difference]]:
    """Give the differences that open (or close) something, by policy and finding, in the report's order."""
    found: dict[tuple[str, str], list[Difference]] = {}
    for item in differences(case):
        if item.effect == effect:
            found.setdefault((item.policy, item.finding), []).append(item)
    return found
