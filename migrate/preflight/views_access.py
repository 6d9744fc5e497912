"""Questions about how nodes are reached that several rules ask."""

from __future__ import annotations

from migrate.engine.access import API
from migrate.preflight.rule import Case

__all__ = ["access", "gets_no_file"]


def access(case: Case, node: str) -> str:
    """Give how the draft reaches a node: ``ssh``, ``pod``, or ``api`` where nothing reaches its files."""
    plan = case.draft.nodes.get(node)
    return plan.access if plan is not None else API


def gets_no_file(case: Case, node: str) -> bool:
    """Say whether P2 cannot write a file on this node."""
    return access(case, node) == API
