"""How calico-node finds the address of its node, and whether it could take Cilium's device for the way out (F-01).

Its own list of interfaces to leave out names no Cilium device (projectcalico/calico
``node/pkg/lifecycle/startup/autodetection/autodetection_linux.go``), so a method that looks at interfaces may choose
``cilium_host`` once that exists. Methods are written here as calico-node's environment has them: ``first-found``,
``kubernetes-internal-ip``, ``interface=REGEX``, ``skip-interface=REGEX``, ``can-reach=HOST``, ``cidr=CIDR,…``.
"""

from __future__ import annotations

import re
from collections.abc import Iterable, Mapping
from dataclasses import dataclass
from typing import Any

from migrate.model.addresses import Network, networks
from migrate.model.fields import Labels, items, mapping, maps, text
from migrate.model.installs import agent_env, calico_node
from migrate.model.settings import Settings
from migrate.model.snapshot import Snapshot
from migrate.model.variant import Variant
from migrate.model.workloads import Workload

__all__ = ["CILIUM_DEVICES", "INTERNAL_IP", "Detection", "detections", "is_safe", "must_pin", "planned"]

INTERNAL_IP, FIRST_FOUND = "kubernetes-internal-ip", "first-found"
CILIUM_DEVICES = ("cilium_host", "cilium_net")
"""The devices of Cilium that carry addresses."""

ENVIRONMENT = {4: ("IP", "IP_AUTODETECTION_METHOD"), 6: ("IP6", "IP6_AUTODETECTION_METHOD")}
FIELDS = {4: "nodeAddressAutodetectionV4", 6: "nodeAddressAutodetectionV6"}
INSTALLATIONS = "installations.operator.tigera.io"


@dataclass(frozen=True, slots=True)
class Detection:
    """How the address of one family is found; ``source`` is the object that says so."""

    family: int
    method: str
    source: str


def detections(snapshot: Snapshot, variant: Variant) -> list[Detection]:
    """Give the method of each family whose address calico-node looks for; none where it looks for no address at all.

    An Installation outranks the DaemonSet, which the operator writes. Without a network backend (Canal, policy only)
    calico-node writes no address of its node (``node/pkg/lifecycle/startup/startup.go``).
    """
    agent = calico_node(snapshot)
    env = agent_env(snapshot, agent)
    if env.get("CALICO_NETWORKING_BACKEND") == "none":
        return []
    for item in snapshot.of(INSTALLATIONS):
        network = item.at("spec", "calicoNetwork")
        return [
            Detection(family, _of_field(mapping(network, FIELDS[family])), item.path)
            for family in variant.families
        ]
    if agent is None:
        return []
    found = (_of_environment(agent, env, family) for family in variant.families)
    return [d for d in found if d is not None]


def _of_field(field: Mapping[str, Any]) -> str:
    """Give the method of an Installation; the operator takes the first address found where nothing is set."""
    if text(field, "kubernetes") == "NodeInternalIP":
        return INTERNAL_IP
    for key, name in (
        ("interface", "interface"),
        ("skipInterface", "skip-interface"),
        ("canReach", "can-reach"),
    ):
        if value := text(field, key):
            return f"{name}={value}"
    if cidrs := items(field, "cidrs"):
        return f"cidr={','.join(str(c) for c in cidrs)}"
    return FIRST_FOUND


def _of_environment(agent: Workload, env: Labels, family: int) -> Detection | None:
    """Give the method of a manifest; None where the address is given, or none of the family is wanted.

    Of IPv4 an empty ``IP`` means detection, of IPv6 only ``autodetect`` does.
    """
    wanted, method = ENVIRONMENT[family]
    value = env.get(wanted, "").strip()
    looks = value == "autodetect" or (family == 4 and not value and not _is_derived(agent, wanted))
    if not looks:
        return None
    return Detection(family, env.get(method) or FIRST_FOUND, f"DaemonSet/{agent.label}")


def _is_derived(agent: Workload, name: str) -> bool:
    """Say whether a variable is taken from a field of the pod (``status.hostIP``), not written out."""
    return any(
        text(variable, "name") == name and "valueFrom" in variable
        for container in maps(agent.template, "spec", "containers")
        for variable in maps(container, "env")
    )


def is_safe(method: str, ranges: Iterable[Network], settings: Settings) -> bool:
    """Say whether this method can never give an address of Cilium's devices, whose range is one of ``ranges``.

    ``can-reach`` follows the routes, which is right until a route changes: it counts only where the configuration
    names it.
    """
    kind, _, value = method.partition("=")
    match kind:
        case "kubernetes-internal-ip":
            return True
        case "skip-interface":
            return all(_matches(value, device) for device in CILIUM_DEVICES)
        case "interface":
            return not any(_matches(value, device) for device in CILIUM_DEVICES)
        case "cidr":
            ours = list(ranges)
            return not any(a.overlaps(b) for a in networks(value.split(",")) for b in ours)
        case "can-reach":
            return bool(value) and text(settings.autodetection, "canReach") == value
    return False


def _matches(patterns: str, device: str) -> bool:
    """Say whether one of the comma-separated patterns is found in a name; one that cannot be read matches nothing."""
    try:
        return any(re.search(p, device) for p in patterns.split(",") if p)
    except re.error:
        return False


def planned(settings: Settings, family: int) -> str:
    """Give the method that P2 sets for a family: what ``calico.autodetection`` says, NodeInternalIP for ``auto``.

    Empty where the configuration names CIDRs, but none of this family.
    """
    wanted = settings.autodetection
    if pattern := text(wanted, "skipInterface"):
        return f"skip-interface={pattern}"
    if host := text(wanted, "canReach"):
        return f"can-reach={host}"
    if cidrs := items(wanted, "cidrs"):
        own = [str(c) for c in cidrs if (":" in str(c)) == (family == 6)]
        return f"cidr={','.join(own)}" if own else ""
    return INTERNAL_IP


def must_pin(found: Detection, settings: Settings) -> bool:
    """Say whether P2 changes this method: it is not safe as it is, or the configuration asks for another one."""
    wanted = planned(settings, found.family)
    if not wanted or wanted == found.method:
        return False
    asked = settings.autodetection != "auto"
    return asked or not is_safe(found.method, networks(settings.cilium.pod_cidrs), settings)
