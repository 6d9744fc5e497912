"""What is kept while a run is under way: the lowest count under each budget, and which conf each node worked with.

Counts are made from the pods themselves, as their watch shows them, never from the status of a budget.
"""

from __future__ import annotations

import http.client
import itertools
import threading
import time
from collections.abc import Mapping
from dataclasses import dataclass, field
from pathlib import Path
from typing import Self

from tests.controlplane import cni
from tests.controlplane.client import Api, Object, RefusedError

LOOK_S = 0.05
CALM = 12  # folders that are looked at so often; more, more seldom
BROKEN = (OSError, http.client.HTTPException, RefusedError)


@dataclass(slots=True)
class Budget:
    """One budget: the pods that it must keep, and the fewest that were ever healthy while it was watched."""

    name: str
    needed: int
    lowest: int

    @property
    def is_kept(self) -> bool:
        return self.lowest >= self.needed


@dataclass(slots=True)
class Observed:
    """What was kept: budgets by name, and for each node the confs that it worked with, with their times."""

    budgets: dict[str, Budget] = field(default_factory=dict)
    confs: dict[str, list[tuple[float, str]]] = field(default_factory=dict)

    def check(self, switch_s: float) -> None:
        """Raise ``AssertionError`` where a budget was broken, or a node was without a conf for longer than a switch."""
        broken = [
            f"{b.name} needs {b.needed}, had {b.lowest}" for b in self.budgets.values() if not b.is_kept
        ]
        assert not broken, "\n".join(broken)
        bare = {node: gap for node in self.confs if (gap := self.longest_without(node)) > switch_s}
        assert not bare, f"without any conf, in seconds: {bare}"

    def longest_without(self, node: str) -> float:
        """Give the longest time, in seconds, in which a node had no conf that a runtime could use."""
        steps = [*self.confs.get(node, []), (time.monotonic(), "-")]
        return max(
            (after[0] - before[0] for before, after in itertools.pairwise(steps) if not before[1]),
            default=0,
        )

    def worked_with(self, node: str) -> list[str]:
        """Give the conf files that a node worked with, in their order; the empty name stands for none."""
        return [name for _, name in self.confs.get(node, [])]


@dataclass(slots=True)
class Watcher:
    """Watches pods and conf folders; a context manager. Budgets are those that stand when it starts.

    Who is healthy under which budget is carried along: a large cluster has more pods than can be counted at each event.
    """

    api: Api
    folders: Mapping[str, Path] = field(default_factory=dict)
    observed: Observed = field(default_factory=Observed)
    _healthy: dict[str, set[str]] = field(default_factory=dict)
    _selectors: dict[str, tuple[str, Object]] = field(default_factory=dict)
    _stopped: threading.Event = field(default_factory=threading.Event)
    _threads: list[threading.Thread] = field(default_factory=list)

    def __enter__(self) -> Self:
        version = self._start()
        self._threads = [
            threading.Thread(target=self._follow, args=(version,), daemon=True),
            threading.Thread(target=self._look, daemon=True),
        ]
        for thread in self._threads:
            thread.start()
        return self

    def __exit__(self, *_: object) -> None:
        self._stopped.set()
        self._threads[1].join()

    def _start(self) -> str:
        specs = {}
        for budget in self.api.items("/apis/policy/v1/poddisruptionbudgets"):
            metadata = budget["metadata"]
            name = f"{metadata['namespace']}/{metadata['name']}"
            self._selectors[name] = (str(metadata["namespace"]), budget["spec"].get("selector") or {})
            specs[name] = budget["spec"]
        version = self._list()
        for name, spec in specs.items():
            healthy = len(self._healthy[name])
            self.observed.budgets[name] = Budget(name, needed(spec, healthy), healthy)
        return version

    def _follow(self, version: str) -> None:
        while not self._stopped.is_set():
            try:
                for event in self.api.watch("/api/v1/pods", version):
                    if event["type"] == "ERROR" or self._stopped.is_set():
                        break
                    self._see(event)
                version = self._again()
            except BROKEN:
                self._stopped.wait(LOOK_S)

    def _again(self) -> str:
        """List anew after a watch has ended; what happened in between is counted as it stands now."""
        version = self._list()
        for name in self.observed.budgets:
            self._count(name)
        return version

    def _list(self) -> str:
        """Take everything anew as it stands now; give its version."""
        listed = self.api.get("/api/v1/pods")
        self._healthy = {name: set() for name in self._selectors}
        for pod in listed["items"]:
            for name in self._budgets_of(pod):
                self._healthy[name] |= {_uid(pod)} if is_healthy(pod) else set()
        return str(listed["metadata"]["resourceVersion"])

    def _see(self, event: Object) -> None:
        pod = event["object"]
        if event["type"] == "BOOKMARK":
            return
        counts = event["type"] != "DELETED" and is_healthy(pod)
        under = set(self._budgets_of(pod)) if counts else set()
        for name, healthy in self._healthy.items():
            if name in under:
                healthy.add(_uid(pod))
            elif _uid(pod) in healthy:
                healthy.remove(_uid(pod))
                self._count(name)

    def _count(self, name: str) -> None:
        budget = self.observed.budgets[name]
        budget.lowest = min(budget.lowest, len(self._healthy[name]))

    def _budgets_of(self, pod: Object) -> list[str]:
        metadata = pod["metadata"]
        return [
            name
            for name, (namespace, selector) in self._selectors.items()
            if metadata["namespace"] == namespace and cni.selects(selector, metadata.get("labels") or {})
        ]

    def _look(self) -> None:
        while not self._stopped.wait(LOOK_S * max(1.0, len(self.folders) / CALM)):
            for node, folder in self.folders.items():
                found = cni.first_conf(folder)
                name = found.name if found else ""
                steps = self.observed.confs.setdefault(node, [])
                if not steps or steps[-1][1] != name:
                    steps.append((time.monotonic(), name))


def needed(spec: Object, expected: int) -> int:
    """Give how many pods a budget keeps of those that are expected; fractions are rounded as the controller does, up."""
    limit, is_minimum = (
        (spec["minAvailable"], True) if "minAvailable" in spec else (spec.get("maxUnavailable", 0), False)
    )
    count = -(-expected * int(limit[:-1]) // 100) if isinstance(limit, str) else int(limit)
    return count if is_minimum else max(expected - count, 0)


def is_healthy(pod: Object) -> bool:
    """Say whether a budget counts a pod: Ready, and nobody is deleting it."""
    conditions = pod["status"].get("conditions") or []
    return "deletionTimestamp" not in pod["metadata"] and any(
        c["type"] == "Ready" and c["status"] == "True" for c in conditions
    )


def _uid(pod: Object) -> str:
    return str(pod["metadata"]["uid"])
