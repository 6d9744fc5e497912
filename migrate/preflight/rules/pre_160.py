"""PRE-160: alerts and dashboards on Calico go silent, or fire for ever, once Calico is gone.

Looked at are PrometheusRules (expressions), and ConfigMaps that hold dashboards or rules: those with a dashboard's label,
and those with a key that ends in ``.json`` or ``.rules`` or ``.rules.yml``.
"""

from __future__ import annotations

import re
from collections.abc import Iterator

from migrate.model.fields import mapping, maps, text
from migrate.model.findings import Severity
from migrate.preflight.rule import Case, Group, Hit, Rule, Unread
from migrate.preflight.views_observers import rule_files

__all__ = ["RULE"]

RULES = "prometheusrules.monitoring.coreos.com"
ON_CALICO = re.compile(r"calico|felix|typha|\bcali(?:[.*+\[]|[0-9a-f]{8})", re.IGNORECASE)


def check(case: Case) -> Iterator[Hit | Unread]:
    """Name every rule and dashboard that asks for Calico."""
    if RULES in case.snapshot.reads and not case.snapshot.knows(RULES):
        yield Unread(RULES)
    for item in case.snapshot.of(RULES):
        for group in maps(item.data, "spec", "groups"):
            for rule in maps(group, "rules"):
                if ON_CALICO.search(text(rule, "expr")):
                    name = text(rule, "alert") or text(rule, "record")
                    yield Hit(item.path, {"rule": f"{item.path} {name}"}, {"expr": text(rule, "expr")})
    for item in case.snapshot.of("configmaps"):
        for key in rule_files(item):
            if ON_CALICO.search(text(mapping(item.data, "data"), key)):
                yield Hit(item.path, {"rule": f"{item.path} {key}"}, {"key": key})


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
