"""The adapters against the real API server: each answer of K01-K28 that a run meets comes back as what it means."""

from __future__ import annotations

import time
from collections.abc import Callable, Iterator
from dataclasses import dataclass
from datetime import UTC, datetime

import pytest

from migrate.adapters.eviction import KubeEvictor
from migrate.adapters.kube_api import KubeApi, connect
from migrate.adapters.kube_cluster import KubeCluster
from migrate.adapters.lease import LeaseLock, Process
from migrate.adapters.mirror_configmap import ConfigMapMirror
from migrate.model.connection import Connection
from migrate.model.events import FailureClass
from migrate.ports import Answer, ApiError, Eviction
from tests.controlplane import users, workloads
from tests.controlplane.conftest import Space, new_space
from tests.controlplane.evictions import guarded
from tests.controlplane.instance import ControlPlane


@dataclass(slots=True)
class Clock:
    """A clock whose seconds pass as fast as somebody sleeps."""

    offset: float = 0.0
    meanwhile: Callable[[], None] = lambda: None

    def now(self) -> datetime:
        return datetime.now(UTC)

    def monotonic(self) -> float:
        return time.monotonic() + self.offset

    def sleep(self, seconds: float) -> None:
        self.offset += seconds
        self.meanwhile()


@pytest.fixture
def product_api(shared: ControlPlane) -> KubeApi:
    return connect(Connection(kubeconfig=str(shared.kubeconfig())), time.sleep)


@pytest.fixture
def cluster(product_api: KubeApi) -> KubeCluster:
    return KubeCluster(product_api, "test", product_api.server)


class TestReading:
    """Raw and tolerant reading."""

    def test_what_is_not_served_is_absent_and_what_is_not_there_is_none(self, cluster: KubeCluster) -> None:
        assert cluster.list("tigerastatuses.operator.tigera.io") == []
        assert cluster.get("tigerastatuses.operator.tigera.io", "calico") is None
        assert cluster.get("namespaces", "no-such-namespace") is None

    def test_objects_of_a_list_know_their_kind_and_come_page_by_page(
        self, cluster: KubeCluster, space: Space
    ) -> None:
        for number in range(3):
            space.api.create(
                {
                    "apiVersion": "v1",
                    "kind": "ConfigMap",
                    "metadata": {"name": f"c{number}", "namespace": space.name},
                }
            )
        found = [o for o in cluster.list("configmaps", space.name) if o["metadata"]["name"].startswith("c")]
        assert [(o["apiVersion"], o["kind"]) for o in found] == [("v1", "ConfigMap")] * 3

    def test_a_missing_right_is_denied_and_named(self, shared: ControlPlane) -> None:
        api = connect(Connection(kubeconfig=str(shared.kubeconfig(users.KWOK))), time.sleep)
        with pytest.raises(ApiError, match="cannot list resource") as refused:
            KubeCluster(api).list("configmaps", "kube-system")
        assert refused.value.failure is FailureClass.DENIED

    def test_a_server_that_is_not_there_is_no_answer(
        self, shared: ControlPlane, tmp_path_factory: pytest.TempPathFactory
    ) -> None:
        path = tmp_path_factory.mktemp("nowhere") / "kubeconfig"
        users.write_kubeconfig(path, "https://127.0.0.1:1", "token", shared.ca_file)
        api = connect(Connection(kubeconfig=str(path)), lambda _: None)
        with pytest.raises(ApiError, match="does not answer") as refused:
            KubeCluster(api).get("nodes", "wrk-01")
        assert (refused.value.status, refused.value.failure) == (0, FailureClass.TRANSIENT)


class TestWriting:
    """Writes are strict, and name who is in the way."""

    def test_another_managers_field_is_a_conflict_that_names_it(
        self, cluster: KubeCluster, space: Space
    ) -> None:
        settings = {
            "apiVersion": "v1",
            "kind": "ConfigMap",
            "metadata": {"name": "settings", "namespace": space.name},
        }
        space.api.apply({**settings, "data": {"a": "1"}}, manager="somebody")
        with pytest.raises(ApiError, match="somebody") as refused:
            cluster.apply({**settings, "data": {"a": "2"}})
        assert refused.value.failure is FailureClass.CONFLICT
        cluster.apply({**settings, "data": {"a": "2"}}, force=True)

    def test_a_field_that_nobody_knows_is_refused(self, cluster: KubeCluster, space: Space) -> None:
        meta = {"name": "typo", "namespace": space.name}
        with pytest.raises(ApiError, match="unknown field") as refused:
            cluster.create({"apiVersion": "v1", "kind": "ConfigMap", "metadata": meta, "dta": {}})
        assert refused.value.failure is FailureClass.PERMANENT

    def test_a_delete_of_another_uid_deletes_nothing(self, cluster: KubeCluster, space: Space) -> None:
        meta = {"name": "kept", "namespace": space.name}
        made = cluster.create({"apiVersion": "v1", "kind": "ConfigMap", "metadata": meta})
        with pytest.raises(ApiError) as refused:
            cluster.delete("configmaps", "kept", space.name, uid="another")
        assert refused.value.failure is FailureClass.CONFLICT
        assert cluster.delete("configmaps", "kept", space.name, uid=made["metadata"]["uid"])
        assert not cluster.delete("configmaps", "kept", space.name)

    def test_a_patch_of_an_old_version_is_a_conflict(self, cluster: KubeCluster, space: Space) -> None:
        meta = {"name": "moving", "namespace": space.name}
        made = cluster.create({"apiVersion": "v1", "kind": "ConfigMap", "metadata": meta, "data": {"a": "1"}})
        cluster.patch("configmaps", "moving", space.name, {"data": {"a": "2"}})
        with pytest.raises(ApiError) as refused:
            cluster.patch(
                "configmaps",
                "moving",
                space.name,
                {"data": {"a": "3"}},
                version=made["metadata"]["resourceVersion"],
            )
        assert refused.value.failure is FailureClass.CONFLICT


class TestEviction:
    """One attempt each: what is refused for now is *wait* with its sentence."""

    @pytest.fixture
    def room(self, shared: ControlPlane, workers: None) -> Space:
        return new_space(shared)

    def test_a_used_up_budget_is_waited_for_with_its_sentence(
        self, room: Space, product_api: KubeApi
    ) -> None:
        pod = guarded(room.api, room.name, "web", 2, minAvailable=2)[0]["metadata"]
        with pytest.raises(ApiError, match="The disruption budget web needs 2 healthy pods") as refused:
            KubeEvictor(product_api).evict(room.name, pod["name"], pod["uid"])
        assert refused.value.failure is FailureClass.WAIT

    def test_an_eviction_happens_once_and_a_gone_pod_is_gone(self, room: Space, product_api: KubeApi) -> None:
        pod = guarded(room.api, room.name, "web", 1, minAvailable=0)[0]["metadata"]
        evictor = KubeEvictor(product_api)
        assert evictor.evict(room.name, pod["name"], pod["uid"], dry_run=True) is Eviction.ACCEPTED
        assert evictor.evict(room.name, pod["name"], pod["uid"]) is Eviction.ACCEPTED
        assert evictor.evict(room.name, "no-such-pod", "uid") is Eviction.GONE

    def test_two_budgets_on_one_pod_never_let_it_go(self, room: Space, product_api: KubeApi) -> None:
        pod = guarded(room.api, room.name, "web", 1, minAvailable=0)[0]["metadata"]
        room.api.create({**workloads.budget(room.name, "second", "web", minAvailable=0)})
        with pytest.raises(ApiError, match="more than one PodDisruptionBudget") as refused:
            KubeEvictor(product_api).evict(room.name, pod["name"], pod["uid"])
        assert refused.value.failure is FailureClass.PERMANENT


class Silence:
    """An API that does not answer."""

    def call(self, *_: object, **__: object) -> Answer:
        raise ApiError(FailureClass.TRANSIENT, "connection refused")


class TestLock:
    """Two processes, one Lease."""

    @pytest.fixture
    def locks(self, product_api: KubeApi, space: Space) -> Iterator[tuple[LeaseLock, LeaseLock, list[str]]]:
        said: list[str] = []
        api = KubeApi(product_api.client, "test", Connection(), time.sleep, asks_again=False)
        one = LeaseLock(api, Clock(), Process("a", "here", 1, "run1", "boot"), space.name, said.append)
        two = LeaseLock(api, Clock(), Process("b", "there", 2, "run2", "boot"), space.name, said.append)
        yield one, two, said
        one.release()
        two.release()

    def test_a_lock_that_is_renewed_stays_and_its_holder_is_named(
        self, locks: tuple[LeaseLock, LeaseLock, list[str]]
    ) -> None:
        one, two, said = locks
        assert one.acquire() is None
        two.clock = Clock(meanwhile=one.renew)
        holder = two.acquire()
        assert holder is not None
        assert holder.identity == "a@here:1:run1"
        assert "a@here:1:run1 holds the lock, last renewed" in said[0]
        assert one.held()
        assert not two.held()

    def test_stealing_waits_one_duration_and_takes_even_a_renewed_lock(
        self, locks: tuple[LeaseLock, LeaseLock, list[str]]
    ) -> None:
        one, two, said = locks
        assert one.acquire() is None
        clock = Clock(meanwhile=one.renew)
        two.clock = clock
        assert two.acquire(steal=True) is None
        assert clock.offset >= 30
        assert "which renews it" in said[-1]
        one.renew()
        assert not one.held()

    def test_a_lock_that_is_still_for_one_duration_is_taken_and_the_old_process_stops(
        self, locks: tuple[LeaseLock, LeaseLock, list[str]]
    ) -> None:
        one, two, _ = locks
        assert one.acquire() is None
        assert two.acquire() is None
        assert two.held()
        one.renew()
        assert not one.held()

    def test_a_lock_that_ran_out_untouched_is_ours_again(
        self, locks: tuple[LeaseLock, LeaseLock, list[str]], space: Space
    ) -> None:
        """Also where somebody, or a renewal whose answer was lost, wrote to it; nobody can say so while nothing answers."""
        one, _, _ = locks
        assert one.acquire() is None
        api, clock = one.api, Clock()
        one.clock = clock
        clock.offset += 60
        assert not one.held()
        one.api = Silence()
        with pytest.raises(ApiError):
            one.regain()
        assert not one.held()
        one.api = api
        lease = f"{space.path('leases', 'coordination.k8s.io/v1')}/c2c-run"
        space.api.patch(lease, {"metadata": {"labels": {"seen": "by"}}})
        assert one.regain()
        assert one.held()

    def test_a_lock_that_ran_out_and_was_taken_is_another_s(
        self, locks: tuple[LeaseLock, LeaseLock, list[str]]
    ) -> None:
        """Also where the other gave it back: it may have done something."""
        one, two, _ = locks
        assert one.acquire() is None
        one.clock = two.clock = Clock()
        two.clock.offset += 60
        assert two.acquire() is None
        two.release()
        assert not one.regain()
        assert not one.held()

    def test_what_is_given_back_is_free_at_once(self, locks: tuple[LeaseLock, LeaseLock, list[str]]) -> None:
        one, two, said = locks
        assert one.acquire() is None
        one.release()
        assert not one.held()
        assert two.acquire() is None
        assert not said


class TestMirror:
    """The state in the cluster."""

    @pytest.fixture
    def mirrors(self, product_api: KubeApi, space: Space) -> tuple[ConfigMapMirror, ConfigMapMirror]:
        return ConfigMapMirror(product_api, Clock(), space.name), ConfigMapMirror(
            product_api, Clock(), space.name
        )

    def test_what_was_written_is_read_elsewhere(
        self, mirrors: tuple[ConfigMapMirror, ConfigMapMirror]
    ) -> None:
        here, there = mirrors
        here.begin("abcd", {"hash": "f00", "kind": "Plan", "text": "x" * 3_000_000})
        here.write({"status": "RUNNING"}, 7, "h7")
        found = there.read()
        assert found is not None
        assert (found.run, found.seq, found.hash, found.plan_hash, found.state) == (
            "abcd",
            7,
            "h7",
            "f00",
            {"status": "RUNNING"},
        )
        plan = there.plan()
        assert plan is not None
        assert plan["text"] == "x" * 3_000_000

    def test_two_drivers_cannot_both_go_on(self, mirrors: tuple[ConfigMapMirror, ConfigMapMirror]) -> None:
        here, there = mirrors
        here.begin("abcd", {"hash": "f00"})
        here.write({}, 1, "h1")
        there.read()
        there.write({}, 2, "h2")
        with pytest.raises(ApiError, match="another driver") as refused:
            here.write({}, 2, "other")
        assert refused.value.failure is FailureClass.CONFLICT

    def test_wishes_from_two_places_are_both_kept(
        self, mirrors: tuple[ConfigMapMirror, ConfigMapMirror]
    ) -> None:
        here, there = mirrors
        here.begin("abcd", {"hash": "f00"})
        here.write({}, 1, "h1")
        here.want({"approve": ["canary"]}, "alice")
        there.want({"approve": ["wave-2"], "state": "paused"}, "bob")
        here.write({}, 2, "h2")
        wanted = here.desired()
        assert (wanted.approve, wanted.state, wanted.by, wanted.generation) == (
            ("canary", "wave-2"),
            "paused",
            "bob",
            2,
        )
