"""The checker and the watcher against a live cluster: what the unit tests cannot say."""

from __future__ import annotations

from pathlib import Path

from tests.controlplane import checker, cni
from tests.controlplane.checker import Snapshot
from tests.controlplane.client import MERGE, eventually
from tests.controlplane.conftest import new_space
from tests.controlplane.evictions import evict, guarded, running
from tests.controlplane.instance import ControlPlane
from tests.controlplane.watcher import Watcher


def test_a_snapshot_holds_every_kind_and_two_of_them_differ_in_what_was_changed(
    shared: ControlPlane,
) -> None:
    space = new_space(shared)
    api = space.api
    api.expect("POST", space.path("configmaps"), {"metadata": {"name": "seen"}, "data": {"a": "1"}})
    before = Snapshot.take(api)
    resources = {key[0] for key in before.objects}
    assert {
        "namespaces",
        "configmaps",
        "clusterroles.rbac.authorization.k8s.io",
        "flowschemas.flowcontrol.apiserver.k8s.io",
    } <= resources
    assert {
        "customresourcedefinitions.apiextensions.k8s.io",
        "apiservices.apiregistration.k8s.io",
    } <= resources
    assert ("configmaps", space.name, "seen") in before.objects

    def own(snapshot: Snapshot) -> set[str]:
        """Give what is of this namespace: others come and go in the shared cluster."""
        return {item for item in checker.masked(snapshot) if f'"{space.name}"' in item}

    assert own(before) == own(Snapshot.take(api)) != set()
    api.patch(space.path("configmaps/seen"), {"data": {"a": "2"}}, MERGE)
    [gone] = own(before) - own(Snapshot.take(api))
    assert '"a": "1"' in gone


def test_evictions_keep_a_budget_and_a_bare_delete_breaks_it(
    shared: ControlPlane, workers: None, tmp_path: Path
) -> None:
    space = new_space(shared)
    pods = guarded(space.api, space.name, "web", 3, minAvailable=2)
    name = f"{space.name}/web"
    with Watcher(space.api) as watcher:
        assert evict(space.api, pods[0]).status == 201
        running(space.api, space.name, "web", 3)
        assert watcher.observed.budgets[name].is_kept
        assert watcher.observed.budgets[name].lowest == 2
        space.api.delete(f"/api/v1/namespaces/{space.name}/pods")
        eventually(lambda: not watcher.observed.budgets[name].is_kept, 10, "the broken budget is seen")


def test_the_confs_of_a_node_are_kept_in_their_order(shared: ControlPlane, tmp_path: Path) -> None:
    with Watcher(shared.api(), {"n1": tmp_path}) as watcher:
        for name, content in (
            ("10-calico.conflist", cni.calico_conf()),
            ("05-cilium.conflist", cni.cilium_conf({})),
        ):
            cni.write(tmp_path / name, content)
            eventually(lambda n=name: n in watcher.observed.worked_with("n1"), 5, name)  # type: ignore[misc]
        (tmp_path / "05-cilium.conflist").unlink()
        (tmp_path / "10-calico.conflist").unlink()
        eventually(lambda: watcher.observed.worked_with("n1")[-1] == "", 5, "no conf is left")
    seen = [name for name in watcher.observed.worked_with("n1") if name]
    assert seen[:2] == ["10-calico.conflist", "05-cilium.conflist"]
