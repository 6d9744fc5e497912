"""The control plane itself: what it starts, what it survives, and how fast."""

from __future__ import annotations

import threading
from pathlib import Path
from typing import Self

import pytest

from tests.controlplane import instance, users
from tests.controlplane.client import MERGE, Api, eventually
from tests.controlplane.conftest import Space, new_space
from tests.controlplane.instance import ControlPlane

SERVED_AGAIN_S = 30.0
WRITERS = 4


def test_it_says_the_version_that_it_was_stamped_with(shared: ControlPlane) -> None:
    version = shared.api().get("/version")
    assert (version["gitVersion"], version["major"], version["minor"]) == ("v1.36.3", "1", "36")


def test_the_simulated_parts_have_roles_of_their_own(shared: ControlPlane) -> None:
    for user in (users.KWOK, users.AGENT):
        assert shared.api(user).call("GET", "/api/v1/pods").ok
        assert shared.api(user).call("GET", "/api/v1/secrets").status == 403


def test_every_call_stands_in_the_audit_log(shared: ControlPlane, space: Space) -> None:
    assert f'"requestURI":"/api/v1/namespaces","verb":"create","user":{{"username":"{users.ADMIN}"' in _log(
        shared
    )
    assert space.name in _log(shared)


def _log(plane: ControlPlane) -> str:
    return plane.audit_log.read_text(encoding="utf-8")


@pytest.mark.needs("controlplane")
def test_without_controllers_an_api_server_is_enough_for_schema_cases(tmp_path: Path) -> None:
    with ControlPlane(tmp_path, instance.API_ONLY) as plane:
        assert set(plane.processes) == set(instance.API_ONLY)
        assert plane.api().call("GET", "/api/v1/namespaces/default").ok
        assert not any("permitted" in process.tail(200) for process in plane.processes.values())
    assert not any(process.is_alive for process in plane.processes.values())


class Writers:
    """Threads that count up a ConfigMap each, and remember the last count that was acknowledged."""

    def __init__(self, api: Api, space: Space, count: int) -> None:
        self.paths = [space.path(f"configmaps/w{number}") for number in range(count)]
        self.acknowledged = [0] * count
        self._api, self._stop = api, threading.Event()
        for path in self.paths:
            body = {"metadata": {"name": path.rsplit("/", 1)[1]}, "data": {"n": "0"}}
            api.expect("POST", path.rsplit("/", 1)[0], body)
        self._threads = [threading.Thread(target=self._write, args=(number,)) for number in range(count)]

    def __enter__(self) -> Self:
        for thread in self._threads:
            thread.start()
        return self

    def __exit__(self, *_: object) -> None:
        self._stop.set()
        for thread in self._threads:
            thread.join()

    def _write(self, number: int) -> None:
        count = 0
        while not self._stop.is_set():
            count += 1
            try:
                answer = self._api.call("PATCH", self.paths[number], {"data": {"n": str(count)}}, kind=MERGE)
            except OSError:
                self._stop.wait(0.05)
                continue
            if answer.ok:
                self.acknowledged[number] = count


@pytest.mark.parametrize("victim", [instance.SERVER, instance.ETCD])
def test_what_was_acknowledged_is_there_after_a_crash(shared: ControlPlane, victim: str) -> None:
    api, space = shared.api(), new_space(shared)
    with Writers(api, space, WRITERS) as writers:
        eventually(lambda: min(writers.acknowledged) >= 20, 30, "twenty writes each")
        shared.kill(victim)
        assert shared.restart(victim) < SERVED_AGAIN_S
        before = min(writers.acknowledged)
        eventually(lambda: min(writers.acknowledged) > before, 30, "writes go on")
    for path, count in zip(writers.paths, writers.acknowledged, strict=True):
        assert int(api.get(path)["data"]["n"]) >= count
