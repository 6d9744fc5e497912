"""What is asked beside the objects: the end of credentials, our own machine, what admission says."""

from __future__ import annotations

import base64
import json
from collections.abc import Mapping
from pathlib import Path
from typing import Any

import pytest

from migrate.adapters.live_answers import admission, expiry, own_machine
from migrate.model.events import FailureClass
from migrate.ports import ApiError
from tests import clusters


def jwt(claims: Mapping[str, Any]) -> str:
    body = base64.urlsafe_b64encode(json.dumps(claims).encode()).decode().rstrip("=")
    return f"Bearer e30.{body}.c2ln"


def test_a_token_says_when_it_ends() -> None:
    assert expiry(jwt({"exp": 1_800_000_000}), None, renews=False) == "2027-01-15T08:00:00Z"


def test_credentials_that_renew_themselves_never_end() -> None:
    assert expiry(jwt({"exp": 1}), None, renews=True) == ""


@pytest.mark.parametrize(
    "said", ["", "Bearer opaque", "Bearer a.b.c", jwt({}), jwt({"exp": "soon"}), jwt({"exp": 1e30})]
)
def test_what_nothing_tells_is_not_known(said: str, tmp_path: Path) -> None:
    assert expiry(said, str(tmp_path / "nowhere.pem"), renews=False) is None


def test_our_own_machine_is_told_with_its_versions() -> None:
    found = own_machine("v4.0.0", None)
    assert found["helm"] == "v4.0.0"
    assert found["python"].startswith("3.")
    assert set(found) >= {"ansible_core", "ansible_playbook", "ansible_runner", "credentials_expire"}
    assert own_machine("", "")["helm"] is None


def test_admission_is_asked_object_by_object() -> None:
    asked = []

    def tried(item: Mapping[str, Any]) -> bool:
        asked.append(item["kind"])
        match item["kind"]:
            case "Pod":
                raise ApiError(FailureClass.PERMANENT, 'admission webhook "x" denied the request', status=400)
            case "Role":
                raise ApiError(FailureClass.DENIED, "User cannot create resource roles", status=403)
        return bool(item["kind"] != "CiliumNodeConfig")

    kinds = ("Secret", "Pod", "Role", "CiliumNodeConfig", "ConfigMap")
    found = admission(tried, [clusters.thing(kind, "a", "ns") for kind in kinds])
    assert asked == ["Pod", "Role", "CiliumNodeConfig", "ConfigMap"]
    assert found == {
        "Pod/ns/a": (400, 'admission webhook "x" denied the request'),
        "ConfigMap/ns/a": (201, ""),
    }
