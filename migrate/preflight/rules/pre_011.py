"""PRE-011: with Calico's data in etcd the API server holds none of it: pools and policies must come from an export.

An export counts as given when the snapshot holds pools of Calico: calicoctl writes them as ``projectcalico.org/v3``,
and a folder may hold them beside what kubectl wrote.
"""

from __future__ import annotations

from collections.abc import Iterator

from migrate.model.findings import Severity
from migrate.model.installs import calico_node
from migrate.preflight.rule import Case, Group, Hit, Rule

__all__ = ["RULE"]


def check(case: Case) -> Iterator[Hit]:
    """Ask for the export where the agents use etcd and no pool is there."""
    agent = calico_node(case.snapshot)
    if agent is not None and case.draft.variant.datastore == "etcd" and not case.snapshot.calico("ippools"):
        evidence = {"datastore": "etcd", "ippools": 0, "environment": sorted(agent.env_names)}
        yield Hit(f"DaemonSet/{agent.label}", {}, evidence)


RULE = Rule(
    number=11,
    group=Group.IDENTITY,
    severity=Severity.BLOCK,
    title="Calico's data are in etcd",
    message="Calico data is in etcd, CRDs are empty",
    remedy="calicoctl get KIND -o yaml for every kind, as files in the snapshot's folder",
    check=check,
    reads=("daemonsets.apps",),
)
