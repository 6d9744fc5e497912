"""PRE-160: alerts and dashboards on Calico go silent, or fire for ever, once Calico is gone.

Looked at are PrometheusRules (expressions), and ConfigMaps that hold dashboards or rules.
"""

from __future__ import annotations

from collections.abc import Iterator

from migrate.model.findings import Severity
from migrate.preflight.rule import Case, Group, Hit, Rule, Unread
from migrate.preflight.views_observers import PROMETHEUS_RULES, alerts_on_calico

__all__ = ["RULE"]


def check(case: Case) -> Iterator[Hit | Unread]:
    """Name every rule and dashboard that asks for Calico."""
    if PROMETHEUS_RULES in case.snapshot.reads and not case.snapshot.knows(PROMETHEUS_RULES):
        yield Unread(PROMETHEUS_RULES)
    for watcher in alerts_on_calico(case.snapshot):
        yield Hit(watcher.path, {"rule": watcher.words}, {"part": watcher.part, "match": watcher.match})


RULE = Rule(
    number=160,
    group=Group.OBSERVABILITY,
    severity=Severity.WARN,
    title="Alerts on Calico",
    message="{rule} will go silent or fire",
    remedy="adapt {rule} before P11: Cilium's agent, operator and Hubble have metrics of their own",
    check=check,
    reads=("configmaps",),
)
