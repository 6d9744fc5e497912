"""PRE-161: pipelines that read what only Calico writes: its kernel log prefix, names of its interfaces, its flow logs.

Looked at are SLO objects and the configurations of log shippers, ConfigMaps and custom resources of the known ones.
"""

from __future__ import annotations

from collections.abc import Iterator

from migrate.model.findings import Severity
from migrate.preflight.rule import Case, Group, Hit, Rule
from migrate.preflight.views_observers import pipelines_on_calico

__all__ = ["RULE"]


def check(case: Case) -> Iterator[Hit]:
    """Name every pipeline that would lose its source."""
    for watcher in pipelines_on_calico(case.snapshot):
        yield Hit(watcher.path, {"pipeline": watcher.path}, {"match": watcher.match})


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
