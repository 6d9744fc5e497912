"""Probes through a server that cannot take every call: a refused command is sent again, a denied one is not."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import dataclass, field
from datetime import UTC, datetime
from typing import Any

from migrate.adapters.probes_pods import ATTEMPTS, PodProber
from migrate.model.events import FailureClass
from migrate.ports import ApiError, ProbeRow, Ran

OWN = {"c2c/owned": "true", "c2c/run": "7f3a0000"}


def pod(node: str, role: str, address: str) -> dict[str, Any]:
    ready = {"conditions": [{"type": "Ready", "status": "True"}], "podIPs": [{"ip": address}]}
    meta = {"name": f"{node}-{role}", "labels": {**OWN, "c2c/probe": role}}
    return {"metadata": meta, "spec": {"nodeName": node}, "status": ready}


@dataclass
class OneNode:
    """A cluster of one node with its probe pods."""

    def list(self, resource: str, *_: object, **__: object) -> list[Mapping[str, Any]]:
        if resource == "pods":
            return [pod("n1", "server", "10.0.0.1"), pod("n1", "client", "10.0.0.2")]
        return []

    def get(self, *_: object) -> None:
        return None


@dataclass
class Moody:
    """A shell that refuses so many commands before it runs one."""

    failure: FailureClass
    refusals: int
    calls: int = 0

    def run(self, namespace: str, name: str, container: str, command: Sequence[str]) -> Ran:
        self.calls += 1
        if self.calls <= self.refusals:
            raise ApiError(self.failure, "Handshake status 500 Internal Server Error", status=-1)
        return Ran(0, "".join(f"0\t0\t10.0.0.2:{t}\n" for t in range(3)), "")


@dataclass
class Clock:
    slept: list[float] = field(default_factory=list)

    def now(self) -> datetime:
        return datetime.now(UTC)

    def sleep(self, seconds: float) -> None:
        self.slept.append(seconds)


def probed(shell: Moody) -> tuple[str, str]:
    prober = PodProber(OneNode(), shell, Clock(), "c2c-system", "7f3a0000", "image")  # type: ignore[arg-type]
    [result] = prober.run([ProbeRow("same-node", "n1", "n1")])
    return result.outcome, result.reason


def test_a_command_that_the_server_could_not_take_is_sent_again() -> None:
    shell = Moody(FailureClass.TRANSIENT, ATTEMPTS - 1)
    assert probed(shell) == ("ok", "")
    assert shell.calls == ATTEMPTS


def test_in_the_end_the_row_is_unmeasured_with_its_reason() -> None:
    shell = Moody(FailureClass.TRANSIENT, 99)
    assert probed(shell) == ("unmeasured", "Handshake status 500 Internal Server Error")
    assert shell.calls == ATTEMPTS


def test_a_command_that_is_not_allowed_is_not_sent_again() -> None:
    shell = Moody(FailureClass.DENIED, 99)
    assert probed(shell)[0] == "unmeasured"
    assert shell.calls == 1
