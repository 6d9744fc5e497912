"""PRE-124: both CNIs need an overlay of their own while both are there; native routing knows one owner of a route."""

from __future__ import annotations

from collections.abc import Iterator

from migrate.model.draft import Stage
from migrate.model.findings import Severity
from migrate.preflight.rule import Case, Group, Hit, Rule
from migrate.preflight.views_values import config_map_path, departures

__all__ = ["RULE"]


def check(case: Case) -> Iterator[Hit]:
    """Look at the routing mode of stage M."""
    for value, _ in departures(case, "routing-mode", lambda v: v == "tunnel", [Stage.MIGRATION]):
        yield Hit(config_map_path(case), {"v": value}, {"routing-mode": value})


RULE = Rule(
    number=124,
    group=Group.VALUES,
    severity=Severity.MANDATORY,
    title="No tunnel in the window",
    message="Dual overlay needs tunnel mode, routing-mode is {v}",
    remedy="routingMode=tunnel; native routing is a later stage of its own",
    check=check,
)
