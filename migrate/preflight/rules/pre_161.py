"""PRE-161: pipelines that read what only Calico writes: its kernel log prefix, names of its interfaces, its flow logs.

Looked at are SLO objects and the configurations of log shippers: ConfigMaps and custom resources of the known ones, by
what they hold: ``calico-packet``, ``cali…`` interfaces, NetworkPolicy metrics of Calico.
"""

from __future__ import annotations

import json
import re
from collections.abc import Iterator

from migrate.model.findings import Severity
from migrate.preflight.rule import Case, Group, Hit, Rule
from migrate.preflight.views_observers import is_of_shipper, rule_files

__all__ = ["RULE"]

RESOURCES = (
    "prometheusservicelevels.sloth.slok.dev", "servicelevelobjectives.pyrra.dev", "clusterlogforwarders.observability.openshift.io",
    "clusterlogforwarders.logging.openshift.io", "clusterfluentbitconfigs.fluentbit.fluent.io", "clusterinputs.fluentbit.fluent.io",
    "clusterfilters.fluentbit.fluent.io", "flows.logging.banzaicloud.io", "clusterflows.logging.banzaicloud.io",
    "opentelemetrycollectors.opentelemetry.io",
)  # fmt: skip
SOURCES = re.compile(r"calico-packet|calico|felix|\bcali(?:[.*+\[]|[0-9a-f]{8})", re.IGNORECASE)


def check(case: Case) -> Iterator[Hit]:
    """Name every pipeline that would lose its source."""
    for resource in RESOURCES:
        for item in case.snapshot.of(resource):
            found = SOURCES.search(json.dumps(item.at("spec")))
            if found:
                yield Hit(item.path, {"pipeline": item.path}, {"match": found[0]})
    for item in case.snapshot.of("configmaps"):
        found = SOURCES.search(json.dumps(item.at("data")))
        if found and is_of_shipper(item) and not rule_files(item):
            yield Hit(item.path, {"pipeline": item.path}, {"match": found[0]})


RULE = Rule(
    number=161,
    group=Group.OBSERVABILITY,
    severity=Severity.WARN,
    title="Pipelines on Calico",
    message="{pipeline} loses its source",
    remedy="adapt {pipeline}: Hubble exports flows, cilium_* and hubble_* metrics count drops",
    check=check,
    reads=("configmaps",),
)
