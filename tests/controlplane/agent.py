"""The node agent of the tests: kubelet, runtime, calico-node and cilium-agent of every simulated node.

``AGENT.md`` is the specification. This module watches pods and nodes and keeps one reconciler busy for each node;
what happens on a node stands in ``node.py``. It is level-triggered: a call that fails is made again at the next look.
"""

from __future__ import annotations

import http.client
import json
import threading
import time
from collections.abc import Callable, Iterator
from dataclasses import dataclass, field
from pathlib import Path
from typing import Self

from tests.controlplane import kubelet
from tests.controlplane.client import Api, Object, RefusedError, eventually
from tests.controlplane.faults import Faults
from tests.controlplane.node import Node
from tests.controlplane.record import NodeRecord
from tests.controlplane.simulated_calico import Calico, Variant
from tests.controlplane.simulated_cilium import Cilium

LOOK_S = 0.25
CALM = 12
WORKERS = 4
BROKEN = (OSError, http.client.HTTPException, RefusedError, json.JSONDecodeError)


@dataclass(slots=True)
class NodeAgent:
    """Plays all nodes of one cluster; a context manager. ``folder`` holds one host folder for each node."""

    api: Api
    folder: Path
    variant: Variant = field(default_factory=Variant)
    faults: Faults = field(default_factory=Faults)
    problems: list[str] = field(default_factory=list)
    _nodes: dict[str, Node] = field(default_factory=dict)
    _pods: dict[str, dict[str, Object]] = field(default_factory=dict)
    _dirty: dict[str, None] = field(default_factory=dict)
    """Nodes that need a look, in the order in which they came to need it: none waits behind its betters."""
    _busy: set[str] = field(default_factory=set)
    _changed: threading.Condition = field(default_factory=threading.Condition)
    _stopped: threading.Event = field(default_factory=threading.Event)
    _threads: list[threading.Thread] = field(default_factory=list)
    _calico: Calico = field(init=False)
    _cilium: Cilium = field(init=False)

    def __post_init__(self) -> None:
        self._calico, self._cilium = Calico(self.api, self.variant), Cilium(self.api)

    def __enter__(self) -> Self:
        self.start()
        return self

    def __exit__(self, *_: object) -> None:
        self.stop()

    def start(self) -> None:
        watches: tuple[tuple[str, Callable[[Object, bool], None]], ...] = (
            ("/api/v1/nodes", self._see_node),
            ("/api/v1/pods", self._see_pod),
        )
        programs = [lambda w=watch: self._follow(*w) for watch in watches]
        for number, program in enumerate([*programs, self._tick, *[self._work] * WORKERS]):
            thread = threading.Thread(target=program, name=f"node-agent-{number}", daemon=True)
            thread.start()
            self._threads.append(thread)

    def stop(self) -> None:
        """Stop all threads but the watches, which end with their connections."""
        self._stopped.set()
        with self._changed:
            self._changed.notify_all()
        for thread in self._threads[2:]:
            thread.join(timeout=10)

    def check(self) -> None:
        """Raise ``AssertionError`` where a node saw what must never happen."""
        assert not self.problems, "\n".join(self.problems)

    def record(self, name: str) -> NodeRecord:
        """Give the record of a node, as soon as the agent knows the node."""
        eventually(lambda: name in self._nodes, 10, f"the node agent knows {name}")
        return self._nodes[name].record

    def reboot(self, name: str) -> None:
        """Reboot a node, as the node's own ``reboot`` would."""
        with self._nodes[name].lock:
            self._nodes[name].reboot()
        self._mark(name)

    def _follow(self, path: str, see: Callable[[Object, bool], None]) -> None:
        while not self._stopped.is_set():
            try:
                for obj, gone in self._events(path):
                    see(obj, gone)
            except BROKEN:
                self._stopped.wait(LOOK_S)

    def _events(self, path: str) -> Iterator[tuple[Object, bool]]:
        """Give every object as it is, then every change, until the watch ends; what vanished in between is given too."""
        listed = self.api.get(path)
        items = listed["items"]
        known = {str(item["metadata"]["uid"]) for item in items}
        for obj in self._lost(path, known):
            yield obj, True
        for item in items:
            yield item, False
        for event in self.api.watch(path, str(listed["metadata"]["resourceVersion"])):
            if self._stopped.is_set() or event["type"] == "ERROR":
                return
            if event["type"] != "BOOKMARK":
                yield event["object"], event["type"] == "DELETED"

    def _lost(self, path: str, known: set[str]) -> list[Object]:
        if not path.endswith("pods"):
            return [n.obj for n in list(self._nodes.values()) if kubelet.uid_of(n.obj) not in known]
        return [
            pod for pods in list(self._pods.values()) for uid, pod in list(pods.items()) if uid not in known
        ]

    def _see_node(self, obj: Object, gone: bool) -> None:
        name = str(obj["metadata"]["name"])
        if gone:
            self._nodes.pop(name, None)
            return
        address = next(
            (a["address"] for a in obj["status"].get("addresses", []) if a["type"] == "InternalIP"), ""
        )
        if name not in self._nodes and address:
            record = NodeRecord(name, address, self.folder / name, str(obj["status"]["nodeInfo"]["bootID"]))
            self._nodes[name] = Node(
                obj, record, self.api, self._calico, self._cilium, self.faults, self.problems
            )
        if name in self._nodes:
            self._nodes[name].obj = obj
            self._mark(name)

    def _see_pod(self, obj: Object, gone: bool) -> None:
        name = str(obj["spec"].get("nodeName", ""))
        if not name:
            return
        pods = self._pods.setdefault(name, {})
        if gone:
            pods.pop(kubelet.uid_of(obj), None)
        else:
            pods[kubelet.uid_of(obj)] = obj
        self._mark(name)

    def _mark(self, name: str) -> None:
        with self._changed:
            self._dirty.setdefault(name)
            self._changed.notify()

    def _tick(self) -> None:
        """Let every node be looked at now and then: files change, and delays run out, without an event.

        Beyond ``CALM`` nodes each is looked at more seldom, or the agent did nothing else.
        """
        while not self._stopped.wait(LOOK_S * max(1.0, len(self._nodes) / CALM)):
            with self._changed:
                self._dirty = {**self._dirty, **dict.fromkeys(self._nodes)}
                self._changed.notify_all()

    def _work(self) -> None:
        while name := self._take():
            node = self._nodes.get(name)
            try:
                if node:
                    with node.lock:
                        node.reconcile(dict(self._pods.get(name, {})))
            except BROKEN as error:
                node_log(self.folder / "agent.log", name, error)
            finally:
                with self._changed:
                    self._busy.discard(name)

    def _take(self) -> str | None:
        """Give a node that needs a look and that no other worker has in hand; None when the agent stops."""
        with self._changed:
            while not self._stopped.is_set():
                name = next((n for n in self._dirty if n not in self._busy), None)
                if name is not None:
                    del self._dirty[name]
                    self._busy.add(name)
                    return name
                self._changed.wait(LOOK_S)
        return None


def node_log(path: Path, name: str, error: BaseException) -> None:
    """Note a call that failed; the next look makes it again."""
    with path.open("a", encoding="utf-8") as log:
        log.write(f"{time.strftime('%H:%M:%S')} {name}: {type(error).__name__}: {error}\n")
