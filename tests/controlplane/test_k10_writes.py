"""K10-K16: what the API server says to writes: versions, patches, owners, sizes, rights, names."""

from __future__ import annotations

import http.client
import ssl

from tests.controlplane import users
from tests.controlplane.client import APPLY, JSON_PATCH, Api, Object, eventually
from tests.controlplane.conftest import Space
from tests.controlplane.instance import ControlPlane
from tests.controlplane.workloads import deployment

MIB = 2**20


def lease(space: Space, holder: str = "a", **spec: object) -> Object:
    return {
        "apiVersion": "coordination.k8s.io/v1",
        "kind": "Lease",
        "metadata": {"name": "run", "namespace": space.name},
        "spec": {"holderIdentity": holder, **spec},
    }


def settings(space: Space, name: str = "settings", **content: str) -> Object:
    metadata = {"name": name, "namespace": space.name}
    return {"apiVersion": "v1", "kind": "ConfigMap", "metadata": metadata, "data": content}


class TestLease:
    """K10: a Lease is a lock only if every renewal changes it."""

    def test_k10_creating_it_twice_conflicts(self, space: Space) -> None:
        space.api.create(lease(space))
        answer = space.api.call("POST", space.path("leases", "coordination.k8s.io/v1"), lease(space, "b"))
        assert (answer.status, answer.json["reason"]) == (409, "AlreadyExists")

    def test_k10_an_old_version_conflicts_and_no_version_is_invalid(self, space: Space) -> None:
        made = space.api.create(lease(space))
        path = space.api.path(made)
        old = {**made, "spec": {"holderIdentity": "b"}}
        space.api.expect("PUT", path, {**made, "spec": {"holderIdentity": "c"}})
        assert space.api.call("PUT", path, old).status == 409
        assert space.api.call("PUT", path, lease(space, "d")).status == 422

    def test_k10_a_write_that_changes_nothing_lets_a_rival_in(self, space: Space) -> None:
        made = space.api.create(lease(space, renewTime="2026-01-01T00:00:00.000000Z"))
        path = space.api.path(made)
        renewed = space.api.expect("PUT", path, made)
        assert renewed["metadata"]["resourceVersion"] == made["metadata"]["resourceVersion"]
        assert space.api.call("PUT", path, {**made, "spec": {"holderIdentity": "rival"}}).ok


def test_k11_a_failed_test_of_a_json_patch_is_invalid_input(space: Space) -> None:
    path = space.api.path(space.api.create(settings(space, seq="7")))
    patch = [
        {"op": "test", "path": "/data/seq", "value": "6"},
        {"op": "replace", "path": "/data/seq", "value": "8"},
    ]
    answer = space.api.call("PATCH", path, patch, kind=JSON_PATCH)
    assert (answer.status, answer.json["reason"]) == (422, "Invalid")
    assert space.api.get(path)["data"]["seq"] == "7"


def test_k12_a_field_of_another_manager_conflicts_by_name(space: Space) -> None:
    space.api.apply(settings(space, mode="never"), "helm")
    path = space.api.path(settings(space))
    answer = space.api.call("PATCH", path, settings(space, mode="always"), kind=APPLY, fieldManager="c2c")
    assert (answer.status, answer.json["reason"]) == (409, "Conflict")
    [cause] = answer.causes
    assert (cause["reason"], cause["field"]) == ("FieldManagerConflict", ".data.mode")
    assert 'conflict with "helm"' in cause["message"]
    assert space.api.apply(settings(space, mode="always"), "c2c", force="true")["data"]["mode"] == "always"


class TestSize:
    """K13: what is too large is refused in three ways."""

    def test_k13_a_mebibyte_of_data_is_taken(self, space: Space) -> None:
        assert (
            space.api.call("POST", space.path("configmaps"), settings(space, x="a" * (MIB - 512))).status
            == 201
        )

    def test_k13_more_is_invalid(self, space: Space) -> None:
        answer = space.api.call("POST", space.path("configmaps"), settings(space, x="a" * 1_600_000))
        assert answer.status == 422
        assert "Too long" in answer.message

    def test_k13_three_megabytes_end_the_connection_or_are_refused(self, space: Space) -> None:
        """A client that is still sending sees the connection close, one that has sent it all sees 413."""
        try:
            answer = space.api.call("POST", space.path("configmaps"), settings(space, x="a" * 3_200_000))
        except (ssl.SSLError, ConnectionError, http.client.HTTPException):
            return
        assert answer.status == 413


class TestRights:
    """K14: who is not known, and who may not."""

    def test_k14_a_bad_token_is_unauthorized(self, shared: ControlPlane) -> None:
        stranger = Api(shared.url, "no such token", str(shared.ca_file))
        assert stranger.call("GET", "/api/v1/nodes").status == 401

    def test_k14_a_missing_right_is_named(self, shared: ControlPlane, space: Space) -> None:
        token = users.service_account_token(space.api, space.name, "default")
        answer = Api(shared.url, token, str(shared.ca_file)).call("GET", "/api/v1/nodes")
        assert answer.status == 403
        user = f"system:serviceaccount:{space.name}:default"
        assert f'User "{user}" cannot list resource "nodes" in API group ""' in answer.message

    def test_k14_a_right_that_was_given_is_enough(self, shared: ControlPlane, space: Space) -> None:
        subject = {"kind": "ServiceAccount", "name": "default", "namespace": space.name}
        users.grant(space.api, f"reader-{space.name}", (users.Rule("core", "nodes", "list"),), subject)
        token = users.service_account_token(space.api, space.name, "default")
        reader = Api(shared.url, token, str(shared.ca_file))
        eventually(lambda: reader.call("GET", "/api/v1/nodes").ok, 10, "the role is in force")
        assert reader.call("GET", "/api/v1/nodes/any").status == 403


def test_k16_a_live_list_lacks_what_its_schema_requires(space: Space) -> None:
    """Events of the older recorders have ``eventTime: null``: a typed client refuses the whole list of them."""
    space.api.create(deployment(space.name, "web", 1))
    path = space.path("events", "events.k8s.io/v1")
    found = eventually(lambda: space.api.items(path) or None, 10, "the controller's event is there")
    schema = space.api.get("/openapi/v3/apis/events.k8s.io/v1")["components"]["schemas"]
    assert "eventTime" in schema["io.k8s.api.events.v1.Event"]["required"]
    assert any(event["eventTime"] is None for event in found)
