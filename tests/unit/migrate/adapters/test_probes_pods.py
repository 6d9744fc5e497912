"""Probes of many sources: each row gets its own answer, and where a command could not be run, its reason."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import dataclass, field
from typing import Any

import pytest

from migrate.adapters.clock import SystemClock
from migrate.adapters.probes_pods import PodProber
from migrate.model.events import FailureClass
from migrate.ports import ApiError, ProbeRow, Ran

OWN = {"c2c/owned": "true", "c2c/run": "7f3a0000"}


def pod(node: str, role: str, address: str) -> dict[str, Any]:
    ready = {"conditions": [{"type": "Ready", "status": "True"}], "podIPs": [{"ip": address}]}
    meta = {"name": f"{node}-{role}", "labels": {**OWN, "c2c/probe": role}}
    return {"metadata": meta, "spec": {"nodeName": node}, "status": ready}


@dataclass
class OneNode:
    """A cluster of one node with its probe pods; ``asked`` are the nodes whose pods were asked for, empty for all."""

    asked: list[str] = field(default_factory=list)

    def list(self, resource: str, *_: object, node: str = "", **__: object) -> list[Mapping[str, Any]]:
        if resource == "pods":
            self.asked.append(node)
            return [pod("n1", "server", "10.0.0.1"), pod("n1", "client", "10.0.0.2")]
        return []

    def get(self, *_: object) -> None:
        return None


@dataclass
class Shell:
    """A shell that cannot run what is asked of the pods in ``silent``."""

    silent: frozenset[str] = frozenset()

    def run(self, namespace: str, name: str, container: str, command: Sequence[str]) -> Ran:
        del namespace, container
        if name in self.silent:
            raise ApiError(FailureClass.TRANSIENT, "Handshake status 500 Internal Server Error", status=-1)
        numbers = [line.split()[-4] for line in command[-1].splitlines()]
        return Ran(0, "".join(f"{n}\t0\t10.0.0.2:{t}\n" for n in numbers for t in range(3)), "")


def probed(shell: Shell, *rows: ProbeRow) -> list[tuple[str, str]]:
    prober = PodProber(OneNode(), shell, SystemClock(), "c2c-system", "7f3a0000", "image")  # type: ignore[arg-type]
    return [(result.outcome, result.reason) for result in prober.run(rows)]


ROWS = (
    ProbeRow("same-node", "n1", "n1"),
    ProbeRow("own-host", "host:n1", "n1"),
    ProbeRow("same-node", "n1", "n1"),
)


def test_every_row_has_its_own_answer() -> None:
    assert probed(Shell(), *ROWS) == [("ok", ""), ("unmeasured", "the probe pod is not there"), ("ok", "")]


@pytest.mark.parametrize(("nodes", "asked"), [(1, ["n0"]), (8, [f"n{n}" for n in range(8)]), (9, [""])])
def test_probe_pods_of_few_nodes_are_asked_for_by_node(nodes: int, asked: list[str]) -> None:
    """What is probed behind each of hundreds of nodes does not list the probe pods of all."""
    cluster = OneNode()
    prober = PodProber(cluster, Shell(), SystemClock(), "c2c-system", "7f3a0000", "image")  # type: ignore[arg-type]
    prober.run([ProbeRow("dns", f"host:n{n}", "kube-dns") for n in range(nodes)])
    assert cluster.asked == asked


def test_what_could_not_be_run_is_unmeasured_with_its_reason() -> None:
    shell = Shell(frozenset({"n1-client"}))
    assert probed(shell, *ROWS)[0] == ("unmeasured", "Handshake status 500 Internal Server Error")
