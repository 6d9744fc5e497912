"""The Helm values of each stage: what the migration stands on, the user's own, and what the migration may not give up.

Helm checks neither names nor enumerated values, and a partial file resets the rest (measured), so the values of a
stage are always complete. Three layers, the later wins: a *basis* that the user may change, the user's values, and
*fixed* values, without which the method does not work (``procedure.md`` §4.1). From M to A nothing changes in
``cilium-config`` but the keys named in §4.2.
"""

from __future__ import annotations

from collections.abc import Iterable, Mapping
from ipaddress import IPv4Network, IPv6Network, collapse_addresses, ip_network
from typing import Any

from migrate.model.draft import Stage
from migrate.model.settings import Cilium, Settings
from migrate.model.variant import HOST_PORTS, Variant

__all__ = ["METRICS", "RING", "masquerade_exclusion", "merged", "stage_values", "without_effect"]

RING = 16383
"""Events that Hubble keeps a node: one less than a power of two, at most 65535."""
METRICS = ("drop", "flow", "policy", "dns", "tcp", "port-distribution")
PRIVATE = ("10.0.0.0/8", "172.16.0.0/12", "192.168.0.0/16", "100.64.0.0/10", "fc00::/7")

Network = IPv4Network | IPv6Network


def stage_values(
    stage: Stage, settings: Settings, variant: Variant, pools: tuple[str, ...], *, nodes: int = 2
) -> dict[str, Any]:
    """Give the complete values of a stage; ``pools`` are Calico's, ``nodes`` how many can carry an operator.

    The user's ``policyAuditMode`` is left out of M: the chart writes the key wherever the value exists.
    """
    chosen = settings.cilium.values
    if stage is Stage.MIGRATION:
        chosen = {key: value for key, value in chosen.items() if key != "policyAuditMode"}
    basis = _basis(settings, variant, pools, nodes)
    return merged(merged(basis, chosen), _fixed(stage, settings, variant))


def _basis(settings: Settings, variant: Variant, pools: tuple[str, ...], nodes: int) -> dict[str, Any]:
    """Give what is written because it is relied on, and may be changed by who knows why.

    Where pods ask for ports of their node, only the portmap plugin serves them while kube-proxy stays.
    """
    found: dict[str, Any] = {
        "tunnelProtocol": "vxlan",
        "operator": {"replicas": min(2, max(1, nodes)), "skipCRDCreation": False},
        "hubble": {
            "enabled": True,
            "relay": {"enabled": True},
            "eventBufferCapacity": str(RING),
            "metrics": {"enabled": list(METRICS)},
        },
        **_masquerade(settings, pools),
    }
    if HOST_PORTS in variant.extras:
        found["cni"] = {"chainingMode": "portmap"}
    if settings.cilium.minor >= (1, 18):
        found["clustermesh"] = {"policyDefaultLocalCluster": True}
    return found


def _fixed(stage: Stage, settings: Settings, variant: Variant) -> dict[str, Any]:
    """Give what the dual overlay and the order of the phases need."""
    migrating, bridged = stage is Stage.MIGRATION, settings.policy_in_window == "bridged"
    found: dict[str, Any] = {
        "routingMode": "tunnel",
        "tunnelPort": settings.cilium.tunnel_port,
        "kubeProxyReplacement": False,
        "cni": _cni(stage, variant),
        "ipam": {"mode": "cluster-pool", "operator": _pools(settings.cilium, variant)},
        "ipv4": {"enabled": 4 in variant.families},
        "ipv6": {"enabled": 6 in variant.families},
        "policyEnforcementMode": "never" if migrating else "default",
        "bpf": {"hostLegacyRouting": True},
        "operator": {"unmanagedPodWatcher": {"restart": not migrating}},
        "rollOutCiliumPods": False,
    }
    if not migrating:
        found["policyAuditMode"] = stage is Stage.AUDIT and not bridged
    return found


def _cni(stage: Stage, variant: Variant) -> dict[str, Any]:
    found: dict[str, Any] = {"customConf": stage is Stage.MIGRATION, "install": True, "uninstall": False}
    if "multus" in variant.extras:
        found["exclusive"] = False
    return found


def _pools(cilium: Cilium, variant: Variant) -> dict[str, Any]:
    by_family = {f: [c for c in cilium.pod_cidrs if (":" in c) == (f == 6)] for f in (4, 6)}
    found: dict[str, Any] = {}
    if 4 in variant.families:
        found |= {"clusterPoolIPv4PodCIDRList": by_family[4], "clusterPoolIPv4MaskSize": cilium.mask_v4}
    if 6 in variant.families:
        found |= {"clusterPoolIPv6PodCIDRList": by_family[6], "clusterPoolIPv6MaskSize": cilium.mask_v6}
    return found


def _masquerade(settings: Settings, pools: tuple[str, ...]) -> dict[str, Any]:
    found = {}
    for family, key in ((4, "ipv4NativeRoutingCIDR"), (6, "ipv6NativeRoutingCIDR")):
        if (network := masquerade_exclusion(pools, settings, family)) is not None:
            found[key] = str(network)
    return found


def masquerade_exclusion(pools: Iterable[str], settings: Settings, family: int) -> Network | None:
    """Give the one network that Cilium must not masquerade traffic to: Calico's pools of a family; None without any.

    One key holds one network. It is the smallest that holds all pools, if nobody else lives in it: traffic to
    whoever does would leave with a pod's address, to which there may be no way back. Nobody does where pools and the
    new ranges fill it, or where it is private space and the stated ``externalCIDRs`` keep out of it. Otherwise it
    is the largest pool alone, and PRE-073 names the others.
    """
    nets = _networks(pools, family)
    if not nets:
        return None
    cover = nets[0]
    while not all(_within(net, cover) for net in nets):
        cover = cover.supernet()
    own = _networks(settings.cilium.pod_cidrs, family)
    if _filled(cover, [*nets, *own]) or _private_and_free(cover, settings, family):
        return cover
    return max(nets, key=lambda net: (net.num_addresses, -int(net.network_address)))


def _networks(texts: Iterable[str], family: int) -> list[Network]:
    """Read the networks of a family; what is none is left out."""
    found: list[Network] = []
    for text in texts:
        try:
            found.append(ip_network(text, strict=False))
        except ValueError:
            continue
    return [net for net in found if net.version == family]


def _within(inner: Network, outer: Network) -> bool:
    return inner.subnet_of(outer)  # type: ignore[arg-type]  # callers compare networks of one family


def _filled(cover: Network, nets: list[Network]) -> bool:
    """Say whether networks make up the whole of another."""
    inside = [net for net in nets if _within(net, cover)]
    return list(collapse_addresses(inside)) == [cover]  # type: ignore[type-var]  # one family


def _private_and_free(cover: Network, settings: Settings, family: int) -> bool:
    if settings.external_cidrs is None:
        return False
    private = any(_within(cover, net) for net in _networks(PRIVATE, family))
    return private and not any(cover.overlaps(net) for net in _networks(settings.external_cidrs, family))


def merged(below: Mapping[str, Any], above: Mapping[str, Any]) -> dict[str, Any]:
    """Give two trees of values as one, ``above`` winning; lists are replaced as a whole, as Helm does."""
    found = dict(below)
    for key, value in above.items():
        lower = found.get(key)
        found[key] = (
            merged(lower, value) if isinstance(value, Mapping) and isinstance(lower, Mapping) else value
        )
    return found


def without_effect(
    given: Mapping[str, Any], values: Mapping[str, Any], above: str = ""
) -> list[tuple[str, Any, Any]]:
    """Give (path, theirs, ours) of each of the user's values that a stage's values do not hold."""
    found: list[tuple[str, Any, Any]] = []
    for key, theirs in given.items():
        path, ours = f"{above}{key}", values.get(key)
        if isinstance(theirs, Mapping) and isinstance(ours, Mapping):
            found += without_effect(theirs, ours, f"{path}.")
        elif theirs != ours:
            found.append((path, theirs, ours))
    return found
