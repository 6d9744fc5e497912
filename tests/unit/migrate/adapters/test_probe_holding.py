"""What a pod's loop noted, as its answer is read, and which pods are asked to hold to which."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import dataclass, field
from typing import Any

import pytest

from migrate.adapters.clock import SystemClock
from migrate.adapters.probe_holding import Noted, noted
from migrate.adapters.probes_pods import PodProber
from migrate.model.events import FailureClass
from migrate.ports import ApiError, Cut, Held, Ran

BEGAN = "2026-01-05T20:00:00Z"
EPOCH = 1767643200


@pytest.mark.parametrize(
    ("said", "found"),
    [
        ("", None),
        ("sh: cd: no such folder", None),
        (f"{EPOCH}", None),
        (f"{EPOCH}\n{EPOCH}\ncat: since: no such file", None),
        (f"{EPOCH + 181}\n{EPOCH}\n{EPOCH}", None),
        (f"{EPOCH + 180}\n{EPOCH}\n{EPOCH}", Noted(BEGAN)),
        (
            f"{EPOCH}\n{EPOCH}\n{EPOCH}\n{EPOCH} reset n2 uid-1\n{EPOCH} sil",
            Noted(BEGAN, (Cut(BEGAN, "n2", "uid-1", "reset"),)),
        ),
    ],
    ids=[
        "nothing",
        "no folder",
        "one line",
        "no beginning",
        "long silent",
        "alive",
        "an end, and one half written",
    ],
)
def test_an_answer_is_read_whole_or_it_is_none(said: str, found: Noted | None) -> None:
    assert noted(said) == found


def pod(node: str, role: str) -> dict[str, Any]:
    status = {"conditions": [{"type": "Ready", "status": "True"}], "podIPs": [{"ip": f"10.0.0.{node[1:]}"}]}
    labels = {"c2c/owned": "true", "c2c/run": "7f3a0000", "c2c/probe": role}
    meta = {"name": f"{node}-{role}", "labels": labels, "uid": f"uid-{node}-{role}"}
    return {"metadata": meta, "spec": {"nodeName": node}, "status": status}


@dataclass
class Pods:
    """A cluster with these probe pods."""

    there: Sequence[Mapping[str, Any]]

    def list(self, *_: object, **__: object) -> Sequence[Mapping[str, Any]]:
        return self.there


@dataclass
class Shell:
    """Keeps what each pod was asked; ``silent`` ones cannot be asked."""

    silent: frozenset[str] = frozenset()
    asked: dict[str, str] = field(default_factory=dict)

    def run(self, namespace: str, name: str, container: str, command: Sequence[str]) -> Ran:
        del namespace, container
        if name in self.silent:
            raise ApiError(FailureClass.TRANSIENT, "no answer", status=500)
        self.asked[name] = command[-1]
        return Ran(0, f"{EPOCH}\n{EPOCH}\n{EPOCH}\n", "")


def prober(shell: Shell, *without: str) -> PodProber:
    there = [pod(node, role) for node in ("n1", "n2", "n3") for role in ("server", "client", "host")]
    pods = Pods([p for p in there if p["metadata"]["name"] not in without])
    return PodProber(pods, shell, SystemClock(), "c2c-system", "7f3a0000", "image")  # type: ignore[arg-type]


def test_the_client_of_a_node_holds_to_the_server_of_the_other() -> None:
    shell = Shell()
    prober(shell, "n3-server").hold({"n1": "n2", "n2": "n3", "n3": "n1"})
    assert {name: target(script) for name, script in shell.asked.items()} == {
        "n1-client": "n2 uid-n2-server 10.0.0.2 8080",
        "n3-client": "n1 uid-n1-server 10.0.0.1 8080",
    }


def target(script: str) -> str:
    return script.splitlines()[1].split("'")[1]


def test_who_cannot_be_asked_holds_nothing() -> None:
    found = prober(Shell(silent=frozenset({"n2-client"})), "n3-client").held(["n1", "n2", "n3"])
    assert found == {"n1": Held(BEGAN, "uid-n1-server"), "n2": None, "n3": None}
