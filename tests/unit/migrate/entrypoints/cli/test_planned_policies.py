"""The translation for a plan, over the example cluster: the same policies from files and from the snapshot."""

from __future__ import annotations

from dataclasses import replace
from pathlib import Path
from typing import Any

import pytest

from migrate.adapters.files import Loaded, load
from migrate.engine.chart import meant_config
from migrate.engine.sides import path_of
from migrate.engine.stages import stage_values
from migrate.entrypoints.cli.configuration import Configuration
from migrate.entrypoints.cli.planned_policies import PlannedPolicies, planned_policies
from migrate.errors import Failure
from migrate.model.draft import Meant, Stage
from migrate.model.settings import Settings
from migrate.model.snapshot import Read, ReadState, Snapshot, SnapshotBuilder
from migrate.model.variant import Variant

ROOT = Path(__file__).resolve().parents[5]
POLICIES, CLUSTER = str(ROOT / "examples" / "policies"), str(ROOT / "examples" / "cluster")


def meant(values: dict[str, Any] | None = None) -> Meant:
    settings = Settings.from_mapping({"cilium": {"podCIDRs": ["10.245.0.0/16"]}}, values)
    return meant_config(stage_values(Stage.FINAL, settings, Variant(), ()), (1, 20))


def snapshot_of(loaded: Loaded) -> Snapshot:
    builder = SnapshotBuilder()
    for document in loaded.documents:
        builder.add(document.data)
    return builder.snapshot()


def planned(*paths: str, values: dict[str, Any] | None = None, **conf: Any) -> PlannedPolicies:
    around = load([CLUSTER, *paths])
    return planned_policies(around, snapshot_of(around), Configuration(conf), meant(values))


def test_policies_of_files_and_of_the_snapshot_are_staged_alike() -> None:
    from_files = planned(calico={"policies": [POLICIES]}).policies
    from_cluster = planned(POLICIES, calico={"policies": ["cluster"]}).policies
    assert [path_of(o) for o in from_files.objects] == [path_of(o) for o in from_cluster.objects]
    assert from_files.report["summary"] == from_cluster.report["summary"]
    assert from_files.kept == from_cluster.kept
    assert len(from_files.objects) == 18


def test_the_time_that_it_took_is_measured() -> None:
    assert planned(calico={"policies": [POLICIES]}).seconds > 0


def test_what_stage_f_will_run_is_what_the_translation_assumes() -> None:
    found = planned(calico={"policies": [POLICIES]}, values={"policyCIDRMatchMode": ["nodes"]})
    assert found.policies.assumed["policy-cidr-match-mode"] == "nodes"


def test_a_config_of_its_own_is_assumed_instead(tmp_path: Path) -> None:
    path = tmp_path / "config.yaml"
    path.write_text("data: {enable-sctp: 'true'}\n")
    found = planned(
        calico={"policies": [POLICIES]}, cilium={"config": str(path)}, values={"sctp": {"enabled": False}}
    )
    assert found.policies.assumed["enable-sctp"] == "true"


def test_bridged_policies_have_numbers_for_the_names_of_ports() -> None:
    found = planned(calico={"policies": [POLICIES]}, policyInWindow="bridged").policies
    assert found.allowance
    egress = [e for o in found.allowance for e in o.get("spec", {}).get("egress", ())]
    ports = [p["port"] for e in egress for r in e.get("toPorts", ()) for p in r["ports"]]
    assert ports
    assert all(p.isdigit() for p in ports)


def test_an_accepted_finding_is_marked_in_the_report() -> None:
    accept = [{"id": "CAL-L502", "object": "shop/probes", "reason": "type 8 only", "by": "alice"}]
    found = planned(calico={"policies": [POLICIES]}, translate={"accept": accept}).policies
    marked = [f for f in found.report["findings"] if f["code"] == "CAL-L502"]
    assert {f["accepted"] for f in marked} == {"type 8 only (alice)"}


def test_files_and_cluster_together_would_be_read_twice() -> None:
    with pytest.raises(Failure, match="both files and the cluster"):
        planned(calico={"policies": ["cluster", POLICIES]})


def test_kinds_of_policies_that_could_not_be_read_are_named() -> None:
    around = load([CLUSTER, POLICIES])
    reads = {
        "globalnetworkpolicies.crd.projectcalico.org": Read(ReadState.FORBIDDEN),
        "clusternetworkpolicies.policy.networking.k8s.io": Read(ReadState.UNAVAILABLE),
        "secrets": Read(ReadState.FORBIDDEN),
        "networkpolicies.networking.k8s.io": Read(ReadState.READ),
    }
    snapshot = replace(snapshot_of(around), reads=reads)
    found = planned_policies(around, snapshot, Configuration(), meant()).policies
    assert found.unread == (
        "clusternetworkpolicies.policy.networking.k8s.io",
        "globalnetworkpolicies.crd.projectcalico.org",
    )
