"""A Pod as the migration sees it: where it runs, what holds it there, what evicting it would cost."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import dataclass, field, replace
from typing import Any

from migrate.model.fields import Labels, at, items, labels, mapping, maps, number, text, truth
from migrate.model.nodes import Amounts, Taint

__all__ = [
    "DEFAULT_GRACE_S",
    "Owner",
    "Pod",
    "Toleration",
    "Volume",
    "command_line",
    "flag",
    "named_start",
    "start_of",
    "tolerates",
    "waiting_reason",
]

DEFAULT_GRACE_S = 30
MIRROR = "kubernetes.io/config.mirror"
FINISHED = frozenset({"Succeeded", "Failed"})


@dataclass(frozen=True, slots=True)
class Owner:
    """The controller of an object."""

    kind: str
    name: str
    uid: str = ""


@dataclass(frozen=True, slots=True)
class Toleration:
    """A toleration; an empty ``key`` with operator Exists tolerates everything."""

    key: str = ""
    operator: str = "Equal"
    value: str = ""
    effect: str = ""


@dataclass(frozen=True, slots=True)
class Volume:
    """A volume of a pod; ``kind`` is emptyDir, hostPath, persistentVolumeClaim, configMap, …; ``ref`` its path or claim.

    ``size`` is the size limit of an emptyDir in bytes (0: none), ``memory`` whether it lies in memory.
    """

    kind: str
    ref: str = ""
    size: int = 0
    memory: bool = False


@dataclass(frozen=True, slots=True)
class Pod:
    """A Pod; ``host_ports`` are (protocol, port, host address), ``named_ports`` (name, protocol, port).

    ``affinity`` and ``spread`` stay plain objects. ``arguments`` are the words of all containers' command lines:
    static pods of the control plane are read by them.
    """

    namespace: str
    name: str
    uid: str = ""
    labels: Labels = field(default_factory=dict)
    annotations: Labels = field(default_factory=dict)
    owner: Owner | None = None
    node: str = ""
    phase: str = ""
    ready: bool = False
    host_network: bool = False
    addresses: tuple[str, ...] = ()
    requests: Amounts = field(default_factory=Amounts)
    tolerations: tuple[Toleration, ...] = ()
    node_selector: Labels = field(default_factory=dict)
    affinity: Mapping[str, Any] = field(default_factory=dict)
    spread: tuple[Mapping[str, Any], ...] = ()
    volumes: tuple[Volume, ...] = ()
    host_ports: tuple[tuple[str, int, str], ...] = ()
    named_ports: tuple[tuple[str, str, int], ...] = ()
    grace_s: int = DEFAULT_GRACE_S
    finalizers: tuple[str, ...] = ()
    deleted_at: str = ""
    created_at: str = ""
    restarts: int = 0
    images: tuple[str, ...] = ()
    service_account: str = "default"
    waiting: str = ""
    arguments: tuple[str, ...] = ()

    @classmethod
    def from_dict(cls, data: Mapping[str, Any]) -> Pod:
        """Read a Pod; ``waiting`` is the reason of the first container that waits (CrashLoopBackOff, …)."""
        metadata, spec, status = mapping(data, "metadata"), mapping(data, "spec"), mapping(data, "status")
        addresses = [text(a, "ip") for a in maps(status, "podIPs")] or [text(status, "podIP")]
        return cls(
            namespace=text(metadata, "namespace", default="default"),
            name=text(metadata, "name"),
            uid=text(metadata, "uid"),
            labels=labels(metadata, "labels"),
            annotations=labels(metadata, "annotations"),
            owner=_controller(metadata),
            node=text(spec, "nodeName"),
            phase=text(status, "phase"),
            ready=any(
                c.get("type") == "Ready" and c.get("status") == "True" for c in maps(status, "conditions")
            ),
            host_network=truth(spec, "hostNetwork"),
            addresses=tuple([a for a in addresses if a]),
            requests=_requests(spec),
            tolerations=tuple([_toleration(t) for t in maps(spec, "tolerations")]),
            node_selector=labels(spec, "nodeSelector"),
            affinity=mapping(spec, "affinity"),
            spread=tuple(maps(spec, "topologySpreadConstraints")),
            volumes=tuple([_volume(v) for v in maps(spec, "volumes")]),
            host_ports=tuple(_host_ports(spec)),
            named_ports=tuple(_named_ports(spec)),
            grace_s=number(spec, "terminationGracePeriodSeconds", default=DEFAULT_GRACE_S),
            finalizers=tuple([f for f in items(metadata, "finalizers") if isinstance(f, str)]),
            deleted_at=text(metadata, "deletionTimestamp"),
            created_at=text(metadata, "creationTimestamp"),
            restarts=sum([number(s, "restartCount") for s in maps(status, "containerStatuses")]),
            images=tuple([text(c, "image") for c in maps(spec, "containers")]),
            service_account=text(spec, "serviceAccountName", default="default"),
            waiting=waiting_reason(data),
            arguments=tuple(command_line(spec)),
        )

    @property
    def label(self) -> str:
        """Give ``namespace/name``."""
        return f"{self.namespace}/{self.name}"

    @property
    def finished(self) -> bool:
        """Say whether the pod has ended (Succeeded or Failed)."""
        return self.phase in FINISHED

    @property
    def mirror(self) -> bool:
        """Say whether the pod is a static pod's mirror, which no API call can evict."""
        return MIRROR in self.annotations or (self.owner is not None and self.owner.kind == "Node")

    @property
    def of_daemon_set(self) -> bool:
        """Say whether a DaemonSet controls the pod."""
        return self.owner is not None and self.owner.kind == "DaemonSet"

    @property
    def claims(self) -> tuple[str, ...]:
        """Give the names of the PersistentVolumeClaims that the pod mounts, in its own namespace."""
        return tuple(v.ref for v in self.volumes if v.kind == "persistentVolumeClaim")

    @property
    def movable(self) -> bool:
        """Say whether a drain would evict it: neither a DaemonSet's nor static nor finished.

        The API server protects none of these; the client must (``state.md`` §4).
        """
        return not (self.mirror or self.of_daemon_set or self.finished)


def command_line(spec: Mapping[str, Any]) -> list[str]:
    """Give the words of all containers of a pod's spec: commands, then arguments, container by container."""
    return [
        word
        for container in maps(spec, "containers")
        for part in ("command", "args")
        for word in items(container, part)
        if isinstance(word, str)
    ]


def flag(words: Sequence[str], name: str) -> str | None:
    """Give the value of ``--name=VALUE`` or ``--name VALUE``; None where the flag is not there, the last one wins.

    One dash is as good as two, as Go's and Kubernetes' flags have it.
    """
    found: str | None = None
    for place, word in enumerate(words):
        bare, equals, value = word.removeprefix("-").removeprefix("-").partition("=")
        if not word.startswith("-") or bare != name:
            continue
        following = words[place + 1] if place + 1 < len(words) else ""
        found = value if equals else "" if following.startswith("-") else following
    return found


def tolerates(tolerations: tuple[Toleration, ...], taint: Taint) -> bool:
    """Say whether one of the tolerations covers the taint (Kubernetes ``ToleratesTaint``)."""
    return any(
        (not t.effect or t.effect == taint.effect)
        and (not t.key or t.key == taint.key)
        and (t.operator == "Exists" or (bool(t.key) and t.value == taint.value))
        for t in tolerations
    )


def waiting_reason(data: Mapping[str, Any]) -> str:
    """Give why the first container that waits does so; empty where none waits. Cheap: asked of every pod of a cluster."""
    for status in maps(data, "status", "containerStatuses"):
        if found := text(status, "state", "waiting", "reason"):
            return found
    return ""


def _controller(metadata: Mapping[str, Any]) -> Owner | None:
    chosen = next((o for o in maps(metadata, "ownerReferences") if truth(o, "controller")), None)
    return Owner(text(chosen, "kind"), text(chosen, "name"), text(chosen, "uid")) if chosen else None


def _requests(spec: Mapping[str, Any]) -> Amounts:
    """Give what a pod asks of a node: its containers and sidecars together, or an init container that asks for more.

    A sidecar is an init container with ``restartPolicy: Always``; it runs beside those that follow it. Requests of the
    pod as a whole stand over those of its containers. Source: Kubernetes ``component-helpers/resource`` PodRequests.
    """
    running = sum((_asked(c) for c in maps(spec, "containers")), Amounts())
    sidecars, starting = Amounts(), Amounts()
    for container in maps(spec, "initContainers"):
        asked = _asked(container)
        if text(container, "restartPolicy") == "Always":
            running, sidecars = running + asked, sidecars + asked
            asked = sidecars
        else:
            asked += sidecars
        starting = starting.at_least(asked)
    found = running.at_least(starting)
    whole = mapping(spec, "resources", "requests")
    if whole:
        own = Amounts.from_dict(whole)
        found = replace(
            found,
            cpu_m=own.cpu_m if "cpu" in whole else found.cpu_m,
            memory=own.memory if "memory" in whole else found.memory,
        )
    return found + Amounts.from_dict(mapping(spec, "overhead")) + Amounts(pods=1)


def _asked(container: Mapping[str, Any]) -> Amounts:
    return Amounts.from_dict(mapping(container, "resources", "requests"))


def _toleration(data: Mapping[str, Any]) -> Toleration:
    return Toleration(
        text(data, "key"), text(data, "operator", default="Equal"), text(data, "value"), text(data, "effect")
    )


def _volume(data: Mapping[str, Any]) -> Volume:
    kind = next((k for k in data if k != "name"), "")
    match kind:
        case "emptyDir":
            size = Amounts.from_dict({"memory": at(data, kind, "sizeLimit")}).memory
            return Volume(kind, "", size, text(data, kind, "medium") == "Memory")
        case "hostPath":
            return Volume(kind, text(data, kind, "path"))
        case "persistentVolumeClaim":
            return Volume(kind, text(data, kind, "claimName"))
    return Volume(kind, text(data, kind, "name"))


def _host_ports(spec: Mapping[str, Any]) -> list[tuple[str, int, str]]:
    return [
        (text(p, "protocol", default="TCP"), number(p, "hostPort"), text(p, "hostIP"))
        for container in maps(spec, "containers")
        for p in maps(container, "ports")
        if number(p, "hostPort")
    ]


def _named_ports(spec: Mapping[str, Any]) -> list[tuple[str, str, int]]:
    return [
        (text(p, "name"), text(p, "protocol", default="TCP"), number(p, "containerPort"))
        for container in maps(spec, "containers")
        for p in maps(container, "ports")
        if text(p, "name")
    ]


def start_of(pod: Mapping[str, Any]) -> str:
    """Give what names one start of a pod of an agent: what ``named_start`` gives, and how often its containers restarted."""
    restarts = sum(number(s, "restartCount") for s in maps(pod, "status", "containerStatuses"))
    return f"{named_start(pod)}#{restarts}"


def named_start(pod: Mapping[str, Any]) -> str:
    """Give the pod's uid and the container id of its ``config`` init container, which merges what an agent reads."""
    init = [
        text(s, "containerID")
        for s in maps(pod, "status", "initContainerStatuses")
        if s.get("name") == "config"
    ]
    return "/".join([text(pod, "metadata", "uid"), *(i for i in init if i)])
