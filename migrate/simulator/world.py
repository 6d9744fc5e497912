"""The state of a simulated cluster, and time: everything that happens later waits in a queue by its moment.

Plain data and names of methods only, so that a copy of a world is a world of its own. What happens is in the modules that
``Kubelet``, ``Controllers`` and ``Agents`` stand for; this one holds the objects and their indexes.
"""

from __future__ import annotations

import heapq
import marshal
import pickle
from collections.abc import Iterable, Mapping
from dataclasses import dataclass, field, replace
from datetime import datetime
from io import BytesIO
from typing import Any

from migrate.engine.scheduling import ClusterState
from migrate.model.fields import at, text
from migrate.model.pods import Pod
from migrate.model.settings import Settings
from migrate.model.variant import Variant
from migrate.simulator.memory import time_of_day

__all__ = ["Host", "Key", "World"]

Key = tuple[str, str]
Object = dict[str, Any]


@dataclass(slots=True)
class Host:
    """What lies on one node: CNI files, what its agent runs with, addresses given out, veths that leaked.

    ``config`` is None while no agent runs; ``pool`` holds the free addresses of either CNI, as integers.
    """

    name: str
    files: list[str] = field(default_factory=lambda: ["10-calico.conflist"])
    config: dict[str, str] | None = None
    images: set[str] = field(default_factory=set)
    calico: list[int] = field(default_factory=list)
    cilium: list[int] = field(default_factory=list)
    leaked: int = 0
    reboots: int = 0
    drop_ins: dict[str, str] = field(default_factory=dict)

    @property
    def first_file(self) -> str:
        """Give the file that the runtime takes; empty where there is none."""
        usable = sorted(f for f in self.files if f.endswith((".conflist", ".conf", ".json")))
        return usable[0] if usable else ""

    @property
    def cni(self) -> str:
        """Give ``cilium``, ``calico`` or nothing."""
        first = self.first_file
        return "cilium" if first == "05-cilium.conflist" else "calico" if first else ""


class _Writer(pickle.Pickler):
    """Writes what may change; of what is frozen only the place where it is kept."""

    def __init__(self, file: BytesIO, kept: list[object]) -> None:
        super().__init__(file, protocol=pickle.HIGHEST_PROTOCOL)
        self._kept, self._places = kept, dict[int, int]()

    def persistent_id(self, item: object) -> int | None:
        """Give the place of what is frozen."""
        shape = getattr(type(item), "__dataclass_params__", None)
        if shape is None or not shape.frozen:
            return None
        place = self._places.setdefault(id(item), len(self._kept))
        if place == len(self._kept):
            self._kept.append(item)
        return place


class _Reader(pickle.Unpickler):
    """Reads what was written, with what was kept."""

    def __init__(self, file: BytesIO, kept: list[object]) -> None:
        super().__init__(file)
        self._kept = kept

    def persistent_load(self, place: int) -> object:
        """Give what was kept."""
        return self._kept[place]


@dataclass(slots=True)
class Holding:
    """What the probe pod of a node holds: since when, to which node and pod, and what ended: when, node, pod, how."""

    since: str
    target: str
    pod: str
    cuts: list[tuple[str, str, str, str]] = field(default_factory=list)


@dataclass(slots=True)
class World:
    """One simulated cluster. ``typed`` holds the pods as the scheduler sees them; ``faults`` what goes wrong, by name.

    ``pods_at`` holds by node the pods bound to it, each with its label ``k8s-app`` (empty: it has none); ``of_app`` by
    that label the pods that have it.

    ``waiting``: pods of which a container was made to wait once; ``happened`` are faults that come once and have come;
    ``down_until``: the API does not answer before; ``skew``: how far the time of day ran away from the seconds that passed;
    ``withdrawn``: rights of ours that are gone. ``probes``: how often the probe pods of a node were made anew; ``held``: what
    they hold. ``family``: in which addresses are counted, 4 where the cluster has it.
    """

    settings: Settings
    variant: Variant
    scheduler: ClusterState
    family: int = 4
    uid: str = "uid-simulated"
    version: str = "v1.34.2"
    now: float = 0.0
    serial: int = 0
    queue: list[tuple[float, int, str, tuple[Any, ...]]] = field(default_factory=list)
    objects: dict[str, dict[Key, Object]] = field(default_factory=dict)
    pods_at: dict[str, dict[Key, str]] = field(default_factory=dict)
    typed: dict[Key, Pod] = field(default_factory=dict)
    of_app: dict[str, dict[Key, None]] = field(default_factory=dict)
    hosts: dict[str, Host] = field(default_factory=dict)
    covers: dict[Key, tuple[Key, ...]] = field(default_factory=dict)
    healthy: dict[Key, int] = field(default_factory=dict)
    blocks: list[int] = field(default_factory=list)
    cilium_blocks: list[int] = field(default_factory=list)
    release: dict[str, Any] | None = None
    operator_config: dict[str, str] | None = None
    images: set[str] = field(default_factory=set)
    templates: dict[tuple[str, str, str], Pod] = field(default_factory=dict)
    faults: dict[str, Any] = field(default_factory=dict)
    waiting: dict[Key, None] = field(default_factory=dict)
    happened: list[str] = field(default_factory=list)
    down_until: float = 0.0
    skew: float = 0.0
    changes: int = 0
    withdrawn: list[str] = field(default_factory=list)
    probes: dict[str, int] = field(default_factory=dict)
    held: dict[str, Holding] = field(default_factory=dict)

    # Time.

    def after(self, seconds: float, what: str, *args: Any) -> None:  # noqa: ANN401  # plain data
        """Let something happen later."""
        self.serial += 1
        heapq.heappush(self.queue, (self.now + seconds, self.serial, what, args))

    def monotonic(self) -> float:
        """Give the seconds since the beginning."""
        return self.now

    def time(self) -> datetime:
        """Give the time of day."""
        return time_of_day(self.now + self.skew)

    def stamp(self) -> str:
        """Give the time of day as RFC 3339."""
        return self.time().strftime("%Y-%m-%dT%H:%M:%SZ")

    def is_away(self) -> bool:
        """Say whether the API does not answer now."""
        return self.now < self.down_until

    def fork(self) -> World:
        """Give a copy that goes its own way; what nobody can change is one object in both."""
        written, kept = BytesIO(), list[object]()
        _Writer(written, kept).dump(replace(self, objects={}))
        written.seek(0)
        copied: World = _Reader(written, kept).load()
        copied.objects = marshal.loads(marshal.dumps(self.objects))  # noqa: S302  # our own bytes
        return copied

    # Objects.

    def number(self) -> int:
        """Give a number that was not given before."""
        self.serial += 1
        return self.serial

    def of(self, resource: str) -> dict[Key, Object]:
        """Give the objects of a resource by (namespace, name)."""
        return self.objects.setdefault(resource, {})

    def get(self, resource: str, name: str, namespace: str = "") -> Object | None:
        """Give one object."""
        return self.of(resource).get((namespace, name))

    def put(self, resource: str, item: Object) -> Object:
        """Keep an object, with a uid and a new resourceVersion."""
        metadata = item.setdefault("metadata", {})
        metadata.setdefault("uid", f"uid-{self.number()}")
        self.changes += 1
        metadata["resourceVersion"] = str(self.changes)
        self.of(resource)[text(metadata, "namespace"), text(metadata, "name")] = item
        return item

    def drop(self, resource: str, key: Key) -> None:
        """Forget an object."""
        self.of(resource).pop(key, None)
        self.changes += 1

    def take_in(self, pod: Pod, item: Object) -> Key:
        """Keep a pod that is new: as the scheduler sees it, and as the server gives it."""
        key = (pod.namespace, pod.name)
        self.typed[key] = pod
        if app := pod.labels.get("k8s-app"):
            self.of_app.setdefault(app, {})[key] = None
        self.put("pods", item)
        return key

    def forget(self, key: Key) -> Pod | None:
        """Let go of a pod."""
        pod = self.typed.pop(key, None)
        self.of("pods").pop(key, None)
        self.changes += 1
        if pod is not None:
            self.pods_at.get(pod.node, {}).pop(key, None)
            self.of_app.get(pod.labels.get("k8s-app", ""), {}).pop(key, None)
        return pod

    def bind(self, key: Key, pod: Pod) -> None:
        """Take note of where a pod runs."""
        self.typed[key] = pod
        self.pods_at.setdefault(pod.node, {})[key] = pod.labels.get("k8s-app", "")

    def pods_on(self, node: str) -> Iterable[Object]:
        """Give the pods that are bound to a node."""
        pods = self.of("pods")
        return [pods[key] for key in self.pods_at.get(node, {}) if key in pods]

    def cut(self, node: str) -> None:
        """End the connections that the probe pods of a node hold, and those to them."""
        for source, holding in self.held.items():
            if node in {source, holding.target}:
                holding.cuts.append((self.stamp(), holding.target, holding.pod, "reset"))

    def labelled(self, resource: str, wanted: Mapping[str, str], namespace: str = "") -> list[Object]:
        """Give the objects that carry all these labels."""
        return [
            o
            for (ns, _), o in self.of(resource).items()
            if (not namespace or ns == namespace)
            and all((at(o, "metadata", "labels") or {}).get(k) == v for k, v in wanted.items())
        ]
