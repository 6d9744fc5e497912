"""P2 with everything that a cluster may need, driven to the end and back: what was changed is as it was before."""

from __future__ import annotations

import copy
from typing import Any

import yaml

from migrate.engine.drafting import draft
from migrate.engine.planner import make_plan
from migrate.model.events import Event, Kind
from migrate.model.facts import NodeFacts
from migrate.model.run import RunStatus
from migrate.model.settings import Settings
from migrate.model.snapshot import Snapshot, SnapshotBuilder
from migrate.rehearsal import Rehearsal
from migrate.simulator.build import world_of
from tests import clusters

TOUCHED = (
    "installations.operator.tigera.io",
    "felixconfigurations.crd.projectcalico.org",
    "ippools.crd.projectcalico.org",
    "globalnetworkpolicies.crd.projectcalico.org",
    "configmaps",
)
KUBE_PROXY = "kind: KubeProxyConfiguration\nmode: iptables\nclusterCIDR: 10.244.0.0/16\n"


def _snapshot() -> Snapshot:
    builder = SnapshotBuilder()
    for item in clusters.healthy():
        if item["kind"] == "ConfigMap" and item["metadata"]["name"] == "kube-proxy":
            item["data"]["config.conf"] = KUBE_PROXY
        builder.add(item)
    host = {"node": "wrk-1", "interfaceName": "*", "profiles": ["projectcalico-default-allow"]}
    builder.add(clusters.thing("HostEndpoint", "wrk-1", api=clusters.CALICO, labels={"h": "1"}, spec=host))
    ssh = {"selector": "has(h)", "types": ["Ingress"], "ingress": [{"action": "Allow", "protocol": "TCP"}]}
    builder.add(clusters.thing("GlobalNetworkPolicy", "default.ssh", api=clusters.CALICO, spec=ssh))
    daemons = {**clusters.facts("wrk-1"), "networkd": {"active": True}, "rp_filter": {"all": 1, "default": 1}}
    return builder.snapshot(facts=[NodeFacts("wrk-1", daemons)])


def _specs(world: Any) -> dict[str, Any]:
    """Give what P2 may touch: specs and data by object, files by node."""
    found: dict[str, Any] = {
        f"{resource} {key}": copy.deepcopy(item.get("spec", item.get("data")))
        for resource in TOUCHED
        for key, item in world.objects.get(resource, {}).items()
        if "c2c-system" not in str(key)
    }
    return found | {f"file {node}": dict(host.drop_ins) for node, host in world.hosts.items()}


def test_what_p2_changes_is_there_while_a_run_lasts_and_as_before_after_the_rollback() -> None:
    snapshot = _snapshot()
    settings = Settings.from_mapping({**clusters.settings(), "calico": {"markMask": "0x00ff0000"}})
    made = draft(snapshot, settings)
    assert made.steps_of_pin == (
        "HostDropIn",
        "PinAutodetect",
        "ApplyCoverPool",
        "AllowHostPorts",
        "PatchKubeProxy",
    )
    plan = make_plan(snapshot, made)
    assert len({step.id for step in plan.steps if "HostDropIn" in step.id}) == len(
        [step for step in plan.steps if "HostDropIn" in step.id]
    )
    sim = world_of(snapshot, settings)
    before = _specs(sim.world)
    rehearsal = Rehearsal(plan, sim)

    run = rehearsal.begin()
    assert run.status is RunStatus.DONE
    during = _specs(sim.world)
    changed = {key for key in during if during[key] != before.get(key)}
    assert {key.split()[0] for key in changed} == {*TOUCHED, "file"}
    files = during["file wrk-1"]
    assert all(
        content.splitlines()[0].endswith(f"run {run.id}; its undo removes this file.")
        for content in files.values()
    )
    assert sorted(path.split("/")[2] for path in files) == ["sysctl.d", "systemd"]
    proxy = next(during[key] for key in changed if "kube-proxy" in key)
    assert yaml.safe_load(proxy["config.conf"])["clusterCIDR"] == "10.244.0.0/15"

    assert rehearsal.resume(Event(Kind.ROLLBACK_REQUESTED, by="alice")).status is RunStatus.ROLLED_BACK
    assert _specs(sim.world) == before
