"""PRE-129: an agent that stops must leave the CNI file where it is, or its node has none until it is back."""

from __future__ import annotations

from collections.abc import Iterator

from migrate.model.findings import Severity
from migrate.preflight.rule import Case, Group, Hit, Rule
from migrate.preflight.views_values import config_map_path, departures, is_on

__all__ = ["RULE"]


def check(case: Case) -> Iterator[Hit]:
    """Look at the switch in every stage: each restart of an agent would do it."""
    for value, stages in departures(case, "cni-uninstall", lambda v: not is_on(v)):
        yield Hit(config_map_path(case), {}, {"cni-uninstall": value, "stages": stages})


RULE = Rule(
    number=129,
    group=Group.VALUES,
    severity=Severity.MANDATORY,
    title="Agents would delete the CNI file",
    message="Agent stop would delete the conf (cni-uninstall is true)",
    remedy="cni.uninstall=false",
    check=check,
    failures=(36,),
)
