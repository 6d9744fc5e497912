"""Who watches the cluster: which ConfigMaps hold dashboards or rules, and which belong to a log shipper."""

from __future__ import annotations

from migrate.model.fields import mapping
from migrate.model.resources import Resource

__all__ = ["is_of_shipper", "rule_files"]

DASHBOARDS = frozenset({"grafana_dashboard", "grafana-dashboard", "prometheus_rule", "loki_rule"})
ENDINGS = (".json", ".rules", ".rules.yml", ".rules.yaml")
SHIPPERS = (
    "fluent",
    "vector",
    "promtail",
    "loki",
    "filebeat",
    "logstash",
    "otel",
    "opentelemetry",
    "alloy",
    "logging",
    "rsyslog",
)


def rule_files(config_map: Resource) -> list[str]:
    """Give the keys of a ConfigMap that hold dashboards or rules of Prometheus."""
    data = mapping(config_map.data, "data")
    if DASHBOARDS & set(config_map.labels):
        return sorted(data)
    return sorted(key for key in data if key.endswith(ENDINGS))


def is_of_shipper(config_map: Resource) -> bool:
    """Say whether a ConfigMap looks like the configuration of a log shipper or collector, by name and labels."""
    names = (
        config_map.name,
        config_map.labels.get("app.kubernetes.io/name", ""),
        config_map.labels.get("app", ""),
    )
    return any(word in name for name in names for word in SHIPPERS)
