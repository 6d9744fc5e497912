"""Who watches Calico: alerts and dashboards that ask for it, pipelines that read what only it writes.

An interface of Calico's is ``cali`` and a pattern, or eight hexadecimal digits and more; a word that merely begins so is
none. A ConfigMap holds rules or dashboards by its label or by a key's ending; it belongs to a log shipper by name or label.
"""

from __future__ import annotations

import json
import re
from collections.abc import Iterator
from dataclasses import dataclass

from migrate.model.fields import mapping, maps, text
from migrate.model.resources import Resource
from migrate.model.snapshot import Snapshot

__all__ = ["PROMETHEUS_RULES", "Watcher", "alerts_on_calico", "pipelines_on_calico"]

PROMETHEUS_RULES = "prometheusrules.monitoring.coreos.com"
DASHBOARDS = frozenset({"grafana_dashboard", "grafana-dashboard", "prometheus_rule", "loki_rule"})
ENDINGS = (".json", ".rules", ".rules.yml", ".rules.yaml")
SHIPPERS = (
    "fluent", "vector", "promtail", "loki", "filebeat", "logstash", "otel", "opentelemetry", "alloy", "logging", "rsyslog",
)  # fmt: skip
PIPELINES = (
    "prometheusservicelevels.sloth.slok.dev", "servicelevelobjectives.pyrra.dev",
    "clusterlogforwarders.observability.openshift.io", "clusterlogforwarders.logging.openshift.io",
    "clusterfluentbitconfigs.fluentbit.fluent.io", "clusterinputs.fluentbit.fluent.io",
    "clusterfilters.fluentbit.fluent.io", "flows.logging.banzaicloud.io", "clusterflows.logging.banzaicloud.io",
    "opentelemetrycollectors.opentelemetry.io",
)  # fmt: skip
_CALICO = re.compile(r"calico|felix|typha|\bcali(?:[.*+\[]|[0-9a-f]{8})", re.IGNORECASE)


@dataclass(frozen=True, slots=True)
class Watcher:
    """One thing that watches Calico: the object, the rule or key in it, and what gave it away."""

    path: str
    part: str
    match: str

    @property
    def words(self) -> str:
        """Give object and part."""
        return f"{self.path} {self.part}".rstrip()


def alerts_on_calico(snapshot: Snapshot) -> Iterator[Watcher]:
    """Give every rule of Prometheus and every dashboard that asks for Calico."""
    for item in snapshot.of(PROMETHEUS_RULES):
        for group in maps(item.data, "spec", "groups"):
            for rule in maps(group, "rules"):
                expression = text(rule, "expr")
                if _CALICO.search(expression):
                    yield Watcher(item.path, text(rule, "alert") or text(rule, "record"), expression)
    for item in snapshot.of("configmaps"):
        for key in _rule_files(item):
            if found := _CALICO.search(text(mapping(item.data, "data"), key)):
                yield Watcher(item.path, key, found[0])


def pipelines_on_calico(snapshot: Snapshot) -> Iterator[Watcher]:
    """Give every SLO and every configuration of a log shipper that reads what Calico writes."""
    for resource in PIPELINES:
        for item in snapshot.of(resource):
            if found := _CALICO.search(json.dumps(item.at("spec"))):
                yield Watcher(item.path, "", found[0])
    for item in snapshot.of("configmaps"):
        found = _CALICO.search(json.dumps(item.at("data")))
        if found and _is_of_shipper(item) and not _rule_files(item):
            yield Watcher(item.path, "", found[0])


def _rule_files(config_map: Resource) -> list[str]:
    data = mapping(config_map.data, "data")
    if DASHBOARDS & set(config_map.labels):
        return sorted(data)
    return sorted(key for key in data if key.endswith(ENDINGS))


def _is_of_shipper(config_map: Resource) -> bool:
    labels = config_map.labels
    names = (config_map.name, labels.get("app.kubernetes.io/name", ""), labels.get("app", ""))
    return any(word in name for name in names for word in SHIPPERS)
