"""What the user decided about a migration: the parts of the configuration file that are not the translator's.

Values here are the defaults of ``cli.md`` §9; none of them destroys anything. Durations are in seconds.
"""

from __future__ import annotations

import re
from collections.abc import Mapping
from dataclasses import dataclass, field
from typing import Any

from migrate.model.fields import items, mapping, maps, number, text, truth
from migrate.model.hooks import Hook, hook_of

__all__ = ["Cilium", "Deadlines", "Gates", "Nodes", "Settings", "Waves", "Window", "seconds"]

_PART = re.compile(r"(\d+(?:\.\d+)?)(ms|s|m|h|d)")
_UNIT = {"ms": 0.001, "s": 1, "m": 60, "h": 3600, "d": 86400}
MINUTE_S, HOUR_S = 60, 3600
PROBE_IMAGE = "registry.k8s.io/e2e-test-images/agnhost:2.53"


def seconds(duration: str) -> float:
    """Give the seconds of a duration such as ``90s``, ``1h30m``; 0 for an empty one."""
    return sum(float(amount) * _UNIT[unit] for amount, unit in _PART.findall(duration))


def _seconds(data: object, key: str, default: float) -> float:
    found = text(data, key)
    return seconds(found) if found else default


@dataclass(frozen=True, slots=True)
class Cilium:
    """The target: ``chart`` is a path, an ``oci://`` reference or ``REPO NAME``; ``values`` the user's, already read."""

    version: str = "1.20.2"
    chart: str = ""
    pod_cidrs: tuple[str, ...] = ()
    mask_v4: int = 24
    mask_v6: int = 120
    tunnel_port: int = 8473
    values: Mapping[str, Any] = field(default_factory=dict)
    namespace: str = "kube-system"

    @property
    def minor(self) -> tuple[int, int]:
        """Give the version as (major, minor)."""
        parts = [int(p) for p in re.findall(r"\d+", self.version)[:2]]
        return (parts[0], parts[1]) if len(parts) == 2 else (0, 0)  # major and minor


@dataclass(frozen=True, slots=True)
class Window:
    """When changes may be made: days as ``mon`` … ``sun``, times as ``HH:MM`` in a named zone; no days: always."""

    days: tuple[str, ...] = ()
    start: str = "00:00"
    end: str = "24:00"
    zone: str = "UTC"


@dataclass(frozen=True, slots=True)
class Waves:
    """How nodes follow one another; ``approval_every`` 0: only the canary is approved, else so many more at a time."""

    canaries: int = 1
    canary_approval: bool = True
    canary_soak_s: float = 30 * MINUTE_S
    parallel: int = 1
    order: tuple[str, ...] = ("workers", "control-plane")
    approval_every: int = 0
    soak_s: float = 10 * MINUTE_S
    window: Window = field(default_factory=Window)


@dataclass(frozen=True, slots=True)
class Nodes:
    """How a node is moved and touched; ``hooks`` are commands before a drain, by pod selector.

    ``replace``: the command that deletes the machine of a node, for the mode of that name.
    """

    move: str = "drain"
    recycle_order: str = "hold"
    access: str = "auto"
    reboot: str = "auto"
    hooks: tuple[Hook, ...] = ()
    replace: tuple[str, ...] = ()
    inventory: str = ""
    known_hosts: str = ""
    by_node: Mapping[str, str] = field(default_factory=dict)


@dataclass(frozen=True, slots=True)
class Gates:
    """Limits of the gates; ``inconclusive`` is ``wait`` or ``halt``, never a pass.

    ``flows_source`` ``none``: no flows are judged, and the report says so. ``probe_external``: targets outside of the
    cluster that probe pods connect to, each ``HOST:PORT``. ``long_lived``: probe pods hold connections for the whole run, of
    which ``cuts`` may end a node.
    """

    probe_failures: int = 0
    probe_image: str = PROBE_IMAGE
    probe_external: tuple[str, ...] = ()
    long_lived: bool = True
    cuts: int = 0
    flows_source: str = "hubble"
    flows_unexplained: int = 0
    flows_lost: int = 0
    flows_at_least: int = 200
    prometheus: str = ""
    alerts_ignore: str = ""
    inconclusive: str = "wait"
    max_extensions: int = 3
    retries: int = 2


@dataclass(frozen=True, slots=True)
class Deadlines:
    """Total times; ``commands`` overrides the default of a command by its name."""

    run_s: float = 0
    node_s: float = 45 * MINUTE_S
    drain_s: float = 20 * MINUTE_S
    step_s: float = 10 * MINUTE_S
    commands: Mapping[str, float] = field(default_factory=dict)


@dataclass(frozen=True, slots=True)
class Settings:
    """Everything that a plan is made from beside the cluster and its policies.

    ``mark_mask``: the mask that Calico shall use for its packet marks, None: leave it. ``external_cidrs`` None: no
    list was given, which is not the same as an empty one.
    """

    context: str = ""
    uid: str = ""
    namespace: str = "c2c-system"
    variant: str = "auto"
    autodetection: Mapping[str, Any] | str = "auto"
    mark_mask: int | None = None
    service_cidrs: tuple[str, ...] = ()
    external_cidrs: tuple[str, ...] | None = None
    cilium: Cilium = field(default_factory=Cilium)
    policy_in_window: str = "off"
    fail_on: str = "stricter"
    waves: Waves = field(default_factory=Waves)
    nodes: Nodes = field(default_factory=Nodes)
    gates: Gates = field(default_factory=Gates)
    audit_s: float = 24 * HOUR_S
    final_soak_s: float = 24 * HOUR_S
    on_failure: str = "rollback-node"
    failed_nodes: int = 1
    node_retries: int = 0
    deadlines: Deadlines = field(default_factory=Deadlines)
    cleanup_unattended: bool = False
    shared_crds: str = "keep"
    accepted: Mapping[str, str] = field(default_factory=dict)

    @classmethod
    def from_mapping(cls, data: Mapping[str, Any], values: Mapping[str, Any] | None = None) -> Settings:
        """Read a checked configuration; ``values`` is the content of the file that ``cilium.values`` names."""
        base = cls()
        external = items(data, "externalCIDRs") if "externalCIDRs" in data else None
        return cls(
            context=text(data, "cluster", "context"),
            uid=text(data, "cluster", "uid"),
            namespace=text(data, "cluster", "namespace", default=base.namespace),
            variant=text(data, "calico", "variant", default=base.variant),
            autodetection=_autodetection(mapping(data, "calico").get("autodetection")),
            mark_mask=_mask(text(data, "calico", "markMask")),
            service_cidrs=tuple(str(c) for c in items(data, "addresses", "services")),
            external_cidrs=None if external is None else tuple(str(c) for c in external),
            cilium=_cilium(mapping(data, "cilium"), values or {}),
            policy_in_window=text(data, "policyInWindow", default=base.policy_in_window),
            fail_on=text(data, "translate", "failOn", default=base.fail_on),
            waves=_waves(mapping(data, "waves")),
            nodes=_nodes(mapping(data, "nodes")),
            gates=_gates(mapping(data, "gates")),
            audit_s=_seconds(data, "audit", base.audit_s),
            final_soak_s=_seconds(data, "finalSoak", base.final_soak_s),
            on_failure=text(data, "onFailure", default=base.on_failure),
            failed_nodes=number(data, "failedNodes", default=base.failed_nodes),
            node_retries=number(data, "nodeRetries", default=base.node_retries),
            deadlines=_deadlines(mapping(data, "deadlines")),
            cleanup_unattended=truth(data, "cleanup", "unattended"),
            shared_crds=text(data, "cleanup", "sharedCRDs", default=base.shared_crds),
        )


def _autodetection(value: object) -> Mapping[str, Any] | str:
    return value if isinstance(value, Mapping) else str(value or "auto")


def _mask(value: str) -> int | None:
    """Read a mask as people write it, ``0x00ff0000`` or decimal; None for an empty or an odd one."""
    try:
        return int(value, 0) if value else None
    except ValueError:
        return None


def _chart(value: object) -> str:
    """Give one text for a path, a reference, or ``{repo: URL, name: NAME}``."""
    return f"{text(value, 'repo')} {text(value, 'name')}" if isinstance(value, Mapping) else str(value or "")


def _cilium(data: Mapping[str, Any], values: Mapping[str, Any]) -> Cilium:
    base = Cilium()
    return Cilium(
        version=text(data, "version", default=base.version),
        chart=_chart(data.get("chart")),
        pod_cidrs=tuple(str(c) for c in items(data, "podCIDRs")),
        tunnel_port=number(data, "tunnelPort", default=base.tunnel_port),
        mask_v4=number(data, "maskSize", default=base.mask_v4),
        mask_v6=number(data, "maskSizeV6", default=base.mask_v6),
        values=values,
    )


def _waves(data: Mapping[str, Any]) -> Waves:
    base, window = Waves(), mapping(data, "window")
    return Waves(
        canaries=max(1, number(data, "canary", "nodes", default=base.canaries)),
        canary_approval=truth(data, "canary", "approval", default=base.canary_approval),
        canary_soak_s=_seconds(mapping(data, "canary"), "soak", base.canary_soak_s),
        parallel=max(1, number(data, "parallel", default=base.parallel)),
        order=tuple(str(o) for o in items(data, "order")) or base.order,
        approval_every=number(data, "approvalEvery", default=base.approval_every),
        soak_s=_seconds(data, "soak", base.soak_s),
        window=Window(
            days=tuple(str(d) for d in items(window, "days")),
            start=text(window, "from", default="00:00"),
            end=text(window, "to", default="24:00"),
            zone=text(window, "timeZone", default="UTC"),
        ),
    )


def _nodes(data: Mapping[str, Any]) -> Nodes:
    base = Nodes()
    return Nodes(
        move=text(data, "move", default=base.move),
        recycle_order=text(data, "recycleOrder", default=base.recycle_order),
        access=text(data, "access", default=base.access),
        reboot=text(data, "reboot", default=base.reboot),
        replace=tuple(map(str, items(data, "replace", "command"))),
        hooks=tuple(map(hook_of, maps(data, "hooks"))),
        inventory=text(data, "inventory"),
        known_hosts=text(data, "knownHosts"),
    )


def _gates(data: Mapping[str, Any]) -> Gates:
    base, flows = Gates(), mapping(data, "flows")
    return Gates(
        probe_failures=number(data, "probes", "failures", default=base.probe_failures),
        probe_image=text(data, "probes", "image", default=base.probe_image),
        long_lived=truth(data, "probes", "longLived", default=base.long_lived),
        cuts=number(data, "probes", "cuts", default=base.cuts),
        probe_external=tuple(map(str, items(data, "probes", "external"))),
        flows_source=text(flows, "source", default=base.flows_source),
        flows_unexplained=number(flows, "unexplained", default=base.flows_unexplained),
        flows_lost=number(flows, "lost", default=base.flows_lost),
        flows_at_least=number(flows, "atLeast", default=base.flows_at_least),
        prometheus=text(data, "alerts", "prometheus"),
        alerts_ignore=text(data, "alerts", "ignore"),
        inconclusive=text(data, "inconclusive", default=base.inconclusive),
        max_extensions=number(data, "maxExtensions", default=base.max_extensions),
    )


def _deadlines(data: Mapping[str, Any]) -> Deadlines:
    base = Deadlines()
    return Deadlines(
        run_s=_seconds(data, "run", base.run_s),
        node_s=_seconds(data, "node", base.node_s),
        drain_s=_seconds(data, "drain", base.drain_s),
        step_s=_seconds(data, "step", base.step_s),
        commands={k: seconds(str(v)) for k, v in mapping(data, "commands").items()},
    )
