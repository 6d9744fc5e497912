"""The Helm values of each stage, and what they mean as keys of ``cilium-config`` (``procedure.md`` §4).

Helm checks neither names nor enumerated values, and a partial file resets the rest; so the values of a stage are
always complete, and what they should become is said here, key by key, per Cilium minor.
"""

from __future__ import annotations

from collections.abc import Callable, Mapping
from ipaddress import ip_network
from typing import Any

from migrate.model.draft import Meant, Stage
from migrate.model.fields import at
from migrate.model.settings import Cilium, Settings
from migrate.model.variant import Variant

__all__ = ["CONF_PATH", "DOMAINS", "meant_config", "merged", "stage_values"]

CONF_PATH = "/host/etc/cni/net.d/05-cilium.conflist"
RING = "16383"
METRICS = ("drop", "flow", "policy", "dns", "tcp", "port-distribution")

DOMAINS: Mapping[str, tuple[str, ...]] = {
    "routing-mode": ("tunnel", "native"),
    "tunnel-protocol": ("vxlan", "geneve"),
    "ipam": (
        "cluster-pool",
        "kubernetes",
        "multi-pool",
        "eni",
        "azure",
        "alibabacloud",
        "delegated-plugin",
        "crd",
    ),
    "enable-policy": ("default", "always", "never"),
    "kube-proxy-replacement": ("true", "false"),
    "custom-cni-conf": ("true", "false"),
    "policy-audit-mode": ("true", "false"),
}
"""Values that Cilium knows, of keys whose Helm values are enumerated: Helm lets any other pass (measured)."""


def stage_values(
    stage: Stage, settings: Settings, variant: Variant, pools: tuple[str, ...]
) -> dict[str, Any]:
    """Give the complete values of a stage: ours over the user's; ``pools`` are Calico's, of both families."""
    cilium = settings.cilium
    ours = {
        "routingMode": "tunnel",
        "tunnelProtocol": at(cilium.values, "tunnelProtocol") or "vxlan",
        "tunnelPort": cilium.tunnel_port,
        "kubeProxyReplacement": False,
        "cni": _cni(stage, variant),
        "ipam": {"mode": "cluster-pool", "operator": _pools(cilium, variant)},
        "ipv4": {"enabled": 4 in variant.families},
        "ipv6": {"enabled": 6 in variant.families},
        "policyEnforcementMode": "never" if stage is Stage.MIGRATION else "default",
        "bpf": {"hostLegacyRouting": True},
        "operator": {"unmanagedPodWatcher": {"restart": stage is not Stage.MIGRATION}},
        "rollOutCiliumPods": False,
        "hubble": {
            "enabled": True,
            "relay": {"enabled": True},
            "eventBufferCapacity": RING,
            "metrics": {"enabled": list(METRICS)},
        },
        **_masquerade(pools),
    }
    if stage is not Stage.MIGRATION:
        ours["policyAuditMode"] = stage is Stage.AUDIT
    if settings.policy_in_window == "bridged" and stage is not Stage.MIGRATION:
        ours["policyAuditMode"] = False
    return merged(cilium.values, ours)


def _cni(stage: Stage, variant: Variant) -> dict[str, Any]:
    found: dict[str, Any] = {"customConf": stage is Stage.MIGRATION, "uninstall": False}
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


def _masquerade(pools: tuple[str, ...]) -> dict[str, Any]:
    """Keep traffic to Calico's pods out of Cilium's SNAT: the smallest network that holds Calico's pools."""
    found = {}
    for family, key in ((4, "ipv4NativeRoutingCIDR"), (6, "ipv6NativeRoutingCIDR")):
        nets = [n for n in (ip_network(p, strict=False) for p in pools) if n.version == family]
        if nets:
            cover = nets[0]
            while not all(net.subnet_of(cover) for net in nets):  # type: ignore[arg-type]  # one family
                cover = cover.supernet()
            found[key] = str(cover)
    return found


def merged(below: Mapping[str, Any], above: Mapping[str, Any]) -> dict[str, Any]:
    """Give two trees of values as one, ``above`` winning; lists are replaced as a whole, as Helm does."""
    found = dict(below)
    for key, value in above.items():
        lower = found.get(key)
        found[key] = (
            merged(lower, value) if isinstance(value, Mapping) and isinstance(lower, Mapping) else value
        )
    return found


def meant_config(values: Mapping[str, Any], minor: tuple[int, int]) -> Meant:
    """Give what these values should become in ``cilium-config`` of that Cilium minor (measured on the charts)."""
    found: dict[str, str | None] = {}
    for path, key, render in _KEYS:
        value = at(values, *path)
        if value is not None:
            found[key] = render(value)
    custom = bool(at(values, "cni", "customConf"))
    found["custom-cni-conf"] = _flag(custom)
    found["write-cni-conf-when-ready"] = None if custom else CONF_PATH
    found["cni-exclusive"] = None if custom else _flag(at(values, "cni", "exclusive") is not False)
    watched = at(values, "operator", "unmanagedPodWatcher", "restart") is not False
    found["unmanaged-pod-watcher-interval"] = ("15" if minor < (1, 19) else "15s") if watched else "0"
    if at(values, "policyAuditMode") is None:
        found["policy-audit-mode"] = None
    return found


def _flag(value: object) -> str:
    return "true" if value else "false"


def _words(value: Any) -> str:  # noqa: ANN401  # a list of the values file
    return " ".join(str(v) for v in value) if isinstance(value, list | tuple) else str(value)


_Row = tuple[tuple[str, ...], str, Callable[[Any], str]]
_KEYS: tuple[_Row, ...] = (
    (("routingMode",), "routing-mode", str),
    (("tunnelProtocol",), "tunnel-protocol", str),
    (("tunnelPort",), "tunnel-port", str),
    (("kubeProxyReplacement",), "kube-proxy-replacement", _flag),
    (("ipam", "mode"), "ipam", str),
    (("ipam", "operator", "clusterPoolIPv4PodCIDRList"), "cluster-pool-ipv4-cidr", _words),
    (("ipam", "operator", "clusterPoolIPv4MaskSize"), "cluster-pool-ipv4-mask-size", str),
    (("ipam", "operator", "clusterPoolIPv6PodCIDRList"), "cluster-pool-ipv6-cidr", _words),
    (("ipam", "operator", "clusterPoolIPv6MaskSize"), "cluster-pool-ipv6-mask-size", str),
    (("ipv4", "enabled"), "enable-ipv4", _flag),
    (("ipv6", "enabled"), "enable-ipv6", _flag),
    (("policyEnforcementMode",), "enable-policy", str),
    (("policyAuditMode",), "policy-audit-mode", _flag),
    (("bpf", "hostLegacyRouting"), "enable-host-legacy-routing", _flag),
    (("hubble", "enabled"), "enable-hubble", _flag),
    (("hubble", "eventBufferCapacity"), "hubble-event-buffer-capacity", str),
    (("hubble", "metrics", "enabled"), "hubble-metrics", _words),
    (("ipv4NativeRoutingCIDR",), "ipv4-native-routing-cidr", str),
    (("ipv6NativeRoutingCIDR",), "ipv6-native-routing-cidr", str),
    (("MTU",), "mtu", str),
    (("operator", "skipCRDCreation"), "skip-crd-creation", _flag),
    (("sctp", "enabled"), "enable-sctp", _flag),
    (("hostFirewall", "enabled"), "enable-host-firewall", _flag),
    (("nodeSelectorLabels",), "enable-node-selector-labels", _flag),
    (("policyCIDRMatchMode",), "policy-cidr-match-mode", _words),
    (("policyDefaultLocalCluster",), "policy-default-local-cluster", _flag),
    (("allowLocalhost",), "allow-localhost", str),
    (("k8sClusterNetworkPolicy", "enabled"), "enable-k8s-cluster-network-policy", _flag),
    (("labels",), "labels", str),
)
"""Value path, key of the ConfigMap, and how the chart writes it; keys that depend on several values stand above."""
