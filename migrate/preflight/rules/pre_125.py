"""PRE-125: in stage M no agent enforces by the ConfigMap: pods that are still on Calico have no identity of their own.

``policyInWindow: bridged`` enforces on switched nodes alone, by the CiliumNodeConfig; the ConfigMap stays at ``never``.
"""

from __future__ import annotations

from collections.abc import Iterator

from migrate.model.draft import Stage
from migrate.model.findings import Severity
from migrate.preflight.rule import Case, Group, Hit, Rule
from migrate.preflight.views_values import config_map_path, departures

__all__ = ["RULE"]


def check(case: Case) -> Iterator[Hit]:
    """Look at the enforcement mode of stage M."""
    for value, _ in departures(case, "enable-policy", lambda v: v == "never", [Stage.MIGRATION]):
        yield Hit(config_map_path(case), {"v": value}, {"enable-policy": value})


RULE = Rule(
    number=125,
    group=Group.VALUES,
    severity=Severity.MANDATORY,
    title="Policies enforced while Calico's pods are left",
    message="enable-policy is {v} on every node: Calico pods would be dropped wherever Cilium enforces",
    remedy="policyEnforcementMode=never; to enforce in the window use policyInWindow: bridged",
    check=check,
    failures=(24,),
)
