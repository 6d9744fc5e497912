"""PRE-019: nothing else may replace nodes, reboot them or rewrite their CNI files while the run goes on.

What can be read: kured without its manual lock, or a reboot that it has begun; plans of the system-upgrade-controller
that have work or follow a channel; reboots asked for by Flatcar's and Bottlerocket's operators; OpenShift pools that
roll; kubelets of several minors among nodes of one role, which is an upgrade half done. A provider's own node upgrades
leave no mark before they begin: they are the operator's to freeze.
"""

from __future__ import annotations

import json
from collections.abc import Iterator, Mapping

from migrate.model.fields import at, items, text
from migrate.model.findings import Severity
from migrate.model.nodes import Node
from migrate.model.resources import condition
from migrate.model.versions import Release
from migrate.model.workloads import selects
from migrate.preflight.rule import Case, Group, Hit, Repeat, Rule

__all__ = ["RULE"]

REBOOTS = (
    ("weave.works/kured-reboot-in-progress", "", "kured"),
    ("flatcar-linux-update.v1.flatcar-linux.net/reboot-needed", "true", "flatcar-linux-update-operator"),
    ("flatcar-linux-update.v1.flatcar-linux.net/reboot-in-progress", "true", "flatcar-linux-update-operator"),
)
"""Annotations of nodes that announce a reboot: key, value (empty: any), controller."""
KURED_LOCK = "weave.works/kured-node-lock"


def check(case: Case) -> Iterator[Hit]:
    """Ask each controller that is there whether it may act."""
    yield from _kured(case)
    yield from _plans(case)
    for node in case.snapshot.nodes:
        for key, value, controller in REBOOTS:
            if key in node.annotations and value in {"", node.annotations[key]}:
                yield _hit(controller, node.name, {key: node.annotations[key]}, node.name)
    yield from _bottlerocket(case)
    yield from _openshift(case)
    yield from _half_done(case)


def _kured(case: Case) -> Iterator[Hit]:
    for workload in case.snapshot.workloads:
        if workload.kind != "DaemonSet" or not any("kured" in image for image in workload.images):
            continue
        lock = workload.annotations.get(KURED_LOCK, "")
        if not _manual(lock):
            yield _hit("kured", "any node", {"lock": lock}, "", f"DaemonSet/{workload.label}")


def _manual(lock: str) -> bool:
    """Say whether the lock is the one that a person sets: ``{"nodeID":"manual"}``."""
    try:
        found = json.loads(lock or "null")
    except ValueError:
        return False
    entries = [found, *(items(found, "locks"))]
    return any(text(entry, "nodeID") == "manual" for entry in entries)


def _plans(case: Case) -> Iterator[Hit]:
    for plan in case.snapshot.of("plans.upgrade.cattle.io"):
        applying = [str(n) for n in items(plan.data, "status", "applying")]
        digest, channel = text(plan.data, "status", "latestHash"), text(plan.data, "spec", "channel")
        selector = at(plan.data, "spec", "nodeSelector")
        label = f"plan.upgrade.cattle.io/{plan.name}"
        waiting = [
            n.name
            for n in case.snapshot.nodes
            if selects(selector if isinstance(selector, Mapping) else {}, n.labels)
            and n.labels.get(label) not in {digest, "disabled"}
        ]
        if applying or channel or (digest and waiting):
            evidence = {"applying": applying, "waiting": waiting, "channel": channel}
            where = ", ".join(applying or waiting) or "any node"
            yield _hit(f"system-upgrade-controller (plan {plan.name})", where, evidence, "", plan.path)


def _bottlerocket(case: Case) -> Iterator[Hit]:
    for shadow in case.snapshot.of("bottlerocketshadows.brupop.bottlerocket.aws"):
        state, wanted = text(shadow.data, "status", "current_state"), text(shadow.data, "spec", "state")
        if "Idle" not in {state, wanted} or (state and wanted and state != wanted):
            node = shadow.name.removeprefix("brs-")
            yield _hit(
                "bottlerocket-update-operator", node, {"state": state, "wanted": wanted}, "", shadow.path
            )


def _openshift(case: Case) -> Iterator[Hit]:
    for resource, kind in (
        ("machineconfigpools.machineconfiguration.openshift.io", "Updating"),
        ("clusterversions.config.openshift.io", "Progressing"),
    ):
        for item in case.snapshot.of(resource):
            if condition(item.data, kind)[0] == "True":
                yield _hit(item.path, "its nodes", {kind: condition(item.data, kind)[2]}, "", item.path)


def _half_done(case: Case) -> Iterator[Hit]:
    roles: dict[bool, list[Node]] = {}
    for node in case.snapshot.nodes:
        roles.setdefault(node.control_plane, []).append(node)
    for control_plane, nodes in sorted(roles.items()):
        versions = {n.name: Release.parse(n.info.get("kubeletVersion", "")) for n in nodes}
        minors = {v.two for v in versions.values() if v is not None}
        if len(minors) > 1:
            newest = max(minors)
            behind = [name for name, v in versions.items() if v is not None and v.two < newest]
            role = "control-plane nodes" if control_plane else "workers"
            evidence = {n.name: n.info.get("kubeletVersion", "") for n in nodes}
            yield _hit(f"a rolling upgrade of the {role}", ", ".join(behind), evidence, "", f"nodes/{role}")


def _hit(controller: str, where: str, evidence: Mapping[str, object], node: str, path: str = "") -> Hit:
    return Hit(path or f"node/{node}", {"controller": controller, "n": where}, evidence, node)


RULE = Rule(
    number=19,
    group=Group.IDENTITY,
    severity=Severity.BLOCK,
    title="Upgrades or reboots are under way",
    message="{controller} may rewrite CNI files or reboot {n}",
    remedy="pause {controller} until the run is over (kured: kubectl annotate ds kured "
    'weave.works/kured-node-lock=\'{"nodeID":"manual"}\'), or let the upgrade end first',
    check=check,
    failures=(33,),
    reads=("nodes", "daemonsets.apps"),
    repeat=frozenset({Repeat.NO_RETURN}),
)
