"""A snapshot is read in each of its layouts, and says honestly what of it is not known."""

from __future__ import annotations

import json
import tarfile
from pathlib import Path
from typing import Any

import pytest
import yaml

from migrate.adapters.snapshots import read_snapshot
from migrate.errors import Failure
from migrate.model.snapshot import ReadState
from tests import clusters


def plain(folder: Path) -> Path:
    """Write the healthy cluster as kubectl would, a file a kind."""
    by_kind: dict[str, list[Any]] = {}
    for item in clusters.healthy():
        by_kind.setdefault(item["kind"], []).append(item)
    for kind, found in by_kind.items():
        text = yaml.safe_dump({"apiVersion": "v1", "kind": "List", "items": found})
        (folder / f"{kind.lower()}.yaml").write_text(text)
    return folder


def packed(folder: Path) -> Path:
    target = folder.parent / "prod.tgz"
    with tarfile.open(target, "w:gz") as archive:
        archive.add(folder, "prod")
    return target


def test_a_folder_of_kubectls_files_is_a_snapshot_in_which_nothing_is_missing(tmp_path: Path) -> None:
    loaded = read_snapshot(str(plain(tmp_path)))
    snapshot = loaded.snapshot
    assert loaded.problems == ()
    assert [n.name for n in snapshot.nodes] == ["cp-1", "wrk-1", "wrk-2", "wrk-3"]
    assert len(snapshot.pods) == sum(o["kind"] == "Pod" for o in clusters.healthy())
    assert snapshot.identity.uid == "uid-namespace--kube-system"
    assert snapshot.knows("anything.example.com")
    assert snapshot.answers.access is None


def test_an_archive_gives_the_same_as_its_folder(tmp_path: Path) -> None:
    folder = tmp_path / "prod"
    folder.mkdir()
    plain(folder)
    assert read_snapshot(str(packed(folder))).snapshot == read_snapshot(str(folder)).snapshot


def test_an_object_in_two_files_counts_once(tmp_path: Path) -> None:
    plain(tmp_path)
    (tmp_path / "again.yaml").write_text((tmp_path / "pod.yaml").read_text())
    assert len(read_snapshot(str(tmp_path)).snapshot.pods) == sum(
        o["kind"] == "Pod" for o in clusters.healthy()
    )


def test_a_header_says_what_was_read(tmp_path: Path) -> None:
    header = {
        "kind": "Snapshot",
        "cluster": {"name": "prod", "uid": "u-1", "server": "https://x", "version": "v1.34.2"},
        "taken": "2026-01-01T00:00:00Z",
        "kinds": {
            "pods": {"count": 1},
            "nodes": {"error": "nodes is forbidden"},
            "secrets": {"error": "503"},
        },
    }
    (tmp_path / "snapshot.json").write_text(json.dumps(header))
    (tmp_path / "pods.json").write_text(json.dumps(clusters.pod("web", "shop", "n", "10.0.0.1")))
    snapshot = read_snapshot(str(tmp_path)).snapshot
    assert (snapshot.identity.uid, snapshot.identity.context, snapshot.identity.version) == (
        "u-1",
        "prod",
        "v1.34.2",
    )
    assert snapshot.taken == "2026-01-01T00:00:00Z"
    assert snapshot.knows("pods")
    assert not snapshot.knows("nodes")
    assert not snapshot.knows("configmaps"), "a kind that the header does not name is not known"
    states = {resource: read.state for resource, read in snapshot.reads.items()}
    assert states == {"pods": ReadState.READ, "nodes": ReadState.FORBIDDEN, "secrets": ReadState.UNAVAILABLE}


def test_a_complete_header_means_that_what_it_does_not_name_is_not_there(tmp_path: Path) -> None:
    (tmp_path / "snapshot.json").write_text(
        json.dumps({"kind": "Snapshot", "complete": True, "kinds": {"pods": {"count": 0}}})
    )
    assert read_snapshot(str(tmp_path)).snapshot.knows("configmaps")


def test_the_other_layout_is_read_as_well(tmp_path: Path) -> None:
    (tmp_path / "objects" / "core").mkdir(parents=True)
    (tmp_path / "nodes").mkdir()
    (tmp_path / "answers").mkdir()
    header = {
        "kind": "Snapshot", "schemaVersion": "1.0", "cluster": {"uid": "u-1"},
        "resources": {"pods": {"state": "read", "count": 2}, "leases.coordination.k8s.io": {"state": "absent"}, "nodes": {"state": "forbidden"}},
    }  # fmt: skip
    (tmp_path / "manifest.json").write_text(json.dumps(header))
    rows = [clusters.pod(name, "shop", "n", "10.0.0.1") for name in ("a", "b")]
    (tmp_path / "objects" / "core" / "pods.jsonl").write_text("".join(json.dumps(r) + "\n" for r in rows))
    (tmp_path / "nodes" / "wrk-1.json").write_text(json.dumps(clusters.facts("wrk-1")))
    (tmp_path / "answers" / "access.jsonl").write_text(
        '{"verb": "get", "resource": "pods", "allowed": true}\n'
    )
    (tmp_path / "answers" / "evictions.jsonl").write_text(
        '{"pod": "shop/a", "status": 429, "message": "no"}\n'
    )
    (tmp_path / "answers" / "health.jsonl").write_text('{"check": "etcd", "ok": false}\n')
    (tmp_path / "answers" / "release.jsonl").write_text("")
    (tmp_path / "flows.jsonl").write_text('{"verdict": "FORWARDED"}\n{"verdict": "DROPPED"}\n')
    (tmp_path / "baseline.json").write_text('{"source": "goldmane"}')
    snapshot = read_snapshot(str(tmp_path)).snapshot
    assert [p.label for p in snapshot.pods] == ["shop/a", "shop/b"]
    assert snapshot.facts["wrk-1"].at("systemd") == 252
    assert snapshot.answers.access == {("get", "pods", ""): True}
    assert snapshot.answers.evictions == {"shop/a": (429, "no")}
    assert snapshot.answers.health == {"etcd": False}
    assert snapshot.answers.release == {}
    assert snapshot.answers.creations is None
    assert snapshot.flows is not None
    assert [f["verdict"] for f in snapshot.flows] == ["FORWARDED", "DROPPED"]
    assert snapshot.baseline == {"source": "goldmane"}
    assert snapshot.knows("leases.coordination.k8s.io")
    assert not snapshot.knows("nodes")


def test_a_node_object_in_a_folder_of_nodes_is_no_facts(tmp_path: Path) -> None:
    (tmp_path / "nodes").mkdir()
    (tmp_path / "nodes" / "wrk-1.yaml").write_text(yaml.safe_dump(clusters.node("wrk-1", "10.0.0.1")))
    snapshot = read_snapshot(str(tmp_path)).snapshot
    assert [n.name for n in snapshot.nodes] == ["wrk-1"]
    assert snapshot.facts == {}


def test_a_damaged_file_makes_its_kind_unavailable_and_hides_no_other(tmp_path: Path) -> None:
    plain(tmp_path)
    (tmp_path / "pod.yaml").unlink()
    (tmp_path / "pods.yaml").write_text(
        "apiVersion: v1\nitems:\n- {apiVersion: v1, kind: Pod, metadata: {name: web, namespace: shop}}\n- {broken\nkind: List\n"
    )
    loaded = read_snapshot(str(tmp_path))
    assert len(loaded.problems) == 1
    assert "pods.yaml:5: not valid: did not find" in str(loaded.problems[0])
    assert [p.name for p in loaded.snapshot.pods] == ["web"]
    assert loaded.snapshot.reads["pods"].state is ReadState.UNAVAILABLE
    assert loaded.snapshot.knows("nodes")
    assert loaded.snapshot.knows("secrets"), "the file's name says that only pods are damaged"


def test_a_damaged_file_that_may_have_held_anything_leaves_unknown_what_no_other_file_shows(
    tmp_path: Path,
) -> None:
    plain(tmp_path)
    (tmp_path / "everything.yaml").write_text("a: [1\n")
    snapshot = read_snapshot(str(tmp_path)).snapshot
    assert snapshot.knows("nodes")
    assert not snapshot.knows("leases.coordination.k8s.io")


@pytest.mark.parametrize(
    "odd",
    [
        {
            "apiVersion": "v1",
            "kind": "Node",
            "metadata": {"name": "x"},
            "status": {"images": [{"names": [{}]}]},
        },
        {"apiVersion": "v1", "kind": "Pod", "metadata": [], "spec": 7},
        {
            "apiVersion": 7,
            "kind": "Pod",
            "metadata": {"name": 5, "labels": ["a"]},
            "spec": {"containers": "none"},
        },
        {
            "apiVersion": "v1",
            "kind": "PodDisruptionBudget",
            "metadata": {"name": "x"},
            "spec": "x",
            "status": [],
        },
        {"apiVersion": "apps/v1", "kind": "Deployment", "metadata": {"name": "x"}, "spec": {"template": [1]}},
        {"apiVersion": "v1", "kind": "Secret"},
        {"kind": "List", "items": "none"},
    ],
    ids=range(7),
)
def test_an_odd_object_hides_no_other(tmp_path: Path, odd: Any) -> None:
    plain(tmp_path)
    (tmp_path / "odd.json").write_text(json.dumps(odd))
    snapshot = read_snapshot(str(tmp_path)).snapshot
    assert {n.name for n in snapshot.nodes} >= {"cp-1", "wrk-1", "wrk-2", "wrk-3"}


def test_secrets_and_schemas_do_not_live_in_memory(tmp_path: Path) -> None:
    secret = clusters.thing(
        "Secret",
        "s",
        "shop",
        data={"a": "Zm9v"},
        annotations={"kubectl.kubernetes.io/last-applied-configuration": "x"},
    )
    crd = clusters.thing(
        "CustomResourceDefinition", "x.cilium.io", api="apiextensions.k8s.io/v1",
        spec={"group": "cilium.io", "versions": [{"name": "v2", "served": True, "schema": {"huge": 1}}]},
    )  # fmt: skip
    release = clusters.thing(
        "ConfigMap", "cilium-config", "kube-system", annotations={"meta.helm.sh/release-name": "cilium"}
    )
    for item in (release, secret):
        item["metadata"]["managedFields"] = [{"manager": "helm"}]
    for item in (secret, crd, release):
        (tmp_path / f"{item['kind']}.json").write_text(json.dumps(item))
    snapshot = read_snapshot(str(tmp_path)).snapshot
    (found,) = snapshot.of("secrets")
    assert "data" not in found.data
    assert found.annotations == {}
    assert "managedFields" not in found.data["metadata"]
    (definition,) = snapshot.of("customresourcedefinitions.apiextensions.k8s.io")
    assert definition.at("spec", "versions") == [{"name": "v2", "served": True}]
    (config,) = snapshot.of("configmaps")
    assert config.at("metadata", "managedFields") == [{"manager": "helm"}]


def test_what_kubectl_says_of_the_versions_is_read(tmp_path: Path) -> None:
    (tmp_path / "version.yaml").write_text(
        "clientVersion: {gitVersion: v1.35.0}\nserverVersion: {gitVersion: v1.34.2}\n"
    )
    assert read_snapshot(str(tmp_path)).snapshot.identity.version == "v1.34.2"


def test_events_are_nobodys_business(tmp_path: Path) -> None:
    (tmp_path / "events.json").write_text(json.dumps(clusters.thing("Event", "e", "shop")))
    assert read_snapshot(str(tmp_path)).snapshot.others == {}


@pytest.mark.parametrize("damage", ["cut", "flipped", "no archive"])
def test_a_damaged_archive_is_refused_as_a_whole(tmp_path: Path, damage: str) -> None:
    folder = tmp_path / "prod"
    folder.mkdir()
    target = packed(plain(folder))
    content = bytearray(target.read_bytes())
    if damage == "cut":
        content = content[: len(content) // 2]
    elif damage == "flipped":
        content[len(content) // 2] ^= 0xFF
    else:
        content = bytearray(b"no archive at all")
    target.write_bytes(bytes(content))
    with pytest.raises(Failure) as raised:
        read_snapshot(str(target))
    assert "prod.tgz" in raised.value.what
    assert raised.value.fix


def test_a_path_that_is_not_there_is_a_failure(tmp_path: Path) -> None:
    with pytest.raises(Failure, match="cannot be read"):
        read_snapshot(str(tmp_path / "nowhere"))
