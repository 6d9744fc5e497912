"""What Cilium's chart makes of values: the keys of ``cilium-config`` that each one becomes, per Cilium minor.

Helm checks neither names nor enumerated values, so what a set of values should become is said here and compared with
what the chart renders (PRE-134); without a chart the rules read this map alone (``procedure.md`` §4.4). Source:
cilium/cilium ``install/kubernetes/cilium/templates/cilium-configmap.yaml``, rendered by Helm from the charts 1.17.14,
1.18.6, 1.19.6 and 1.20.2; agent's defaults: ``pkg/option/config.go``, ``pkg/clustermesh/types/option.go``.
"""

from __future__ import annotations

from collections.abc import Callable, Iterator, Mapping
from dataclasses import dataclass
from typing import Any

from migrate.model.draft import Meant
from migrate.model.fields import at, mapping, number, text
from migrate.model.versions import Minor

__all__ = ["CONF_DIR", "DOMAINS", "agent_default", "meant_config", "outside_domain", "overridden_keys"]

CONF_DIR = "/host/etc/cni/net.d"
CONF_FILE = "05-cilium.conflist"
CNI_LOG = "/var/run/cilium/cilium-cni.log"
WATCHER_S = 15
HUBBLE_METRICS_PORT = 9965

_BOOLEAN = ("true", "false")
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
    "allow-localhost": ("auto", "always", "policy"),
    "cni-chaining-mode": ("none", "aws-cni", "flannel", "generic-veth", "portmap"),
    **dict.fromkeys(
        (
            "cni-exclusive",
            "cni-uninstall",
            "custom-cni-conf",
            "enable-bpf-masquerade",
            "enable-endpoint-lockdown-on-policy-overflow",
            "enable-extended-ip-protocols",
            "enable-host-firewall",
            "enable-host-legacy-routing",
            "enable-hubble",
            "enable-ip-masq-agent",
            "enable-ipsec",
            "enable-ipv4",
            "enable-ipv4-masquerade",
            "enable-ipv6",
            "enable-ipv6-masquerade",
            "enable-k8s-cluster-network-policy",
            "enable-k8s-networkpolicy",
            "enable-node-selector-labels",
            "enable-non-default-deny-policies",
            "enable-sctp",
            "enable-wireguard",
            "kube-proxy-replacement",
            "policy-audit-mode",
            "policy-default-local-cluster",
            "skip-crd-creation",
        ),
        _BOOLEAN,
    ),
}
"""Values that Cilium knows, of keys whose Helm values are enumerated: Helm lets any other pass (measured)."""

_DEFAULTS: Mapping[str, str] = {
    "allow-localhost": "auto",
    "bpf-policy-map-max": "16384",
    "cni-chaining-mode": "none",
    "cni-exclusive": "false",
    "cni-uninstall": "false",
    "custom-cni-conf": "false",
    "enable-cilium-clusterwide-network-policy": "true",
    "enable-cilium-network-policy": "true",
    "enable-endpoint-lockdown-on-policy-overflow": "false",
    "enable-extended-ip-protocols": "false",
    "enable-host-firewall": "false",
    "enable-host-legacy-routing": "false",
    "enable-hubble": "false",
    "enable-ip-masq-agent": "false",
    "enable-ipsec": "false",
    "enable-ipv4": "true",
    "enable-ipv4-masquerade": "true",
    "enable-ipv6": "true",
    "enable-ipv6-masquerade": "true",
    "enable-k8s-cluster-network-policy": "false",
    "enable-k8s-networkpolicy": "true",
    "enable-node-selector-labels": "false",
    "enable-non-default-deny-policies": "true",
    "enable-policy": "default",
    "enable-sctp": "false",
    "enable-wireguard": "false",
    "encrypt-node": "false",
    "enable-ztunnel": "false",
    "hubble-event-buffer-capacity": "4095",
    "kube-proxy-replacement": "false",
    "labels": "",
    "policy-audit-mode": "false",
    "policy-cidr-match-mode": "",
    "routing-mode": "tunnel",
    "skip-crd-creation": "false",
    "tunnel-protocol": "vxlan",
}


def agent_default(key: str, minor: Minor) -> str:
    """Give what an agent or operator of a minor takes where a key is absent; empty for a key that is not listed.

    Up to 1.18 selectors are not limited to the own cluster by default; up to 1.17 they cannot be.
    """
    if key == "policy-default-local-cluster":
        return "true" if minor >= (1, 19) else "false"
    return _DEFAULTS.get(key, "")


def outside_domain(config: Mapping[str, str], minor: Minor) -> Iterator[tuple[str, str, str]]:
    """Give (key, value, what Cilium knows) of every enumerated key with a value that Cilium does not know."""
    for key, value in sorted(config.items()):
        if key == "policy-cidr-match-mode":
            known: tuple[str, ...] = ("nodes", "pods") if minor >= (1, 20) else ("nodes",)
            given = value.replace(",", " ").split()
        else:
            known, given = DOMAINS.get(key, ()), [value]
        if known and not set(given) <= set(known):
            yield key, value, ", ".join(known)


def meant_config(values: Mapping[str, Any], minor: Minor) -> Meant:
    """Give what these values should become in ``cilium-config`` of that minor; None: the key must be absent.

    Keys that no value here decides are left out: they must be as the chart has them by default.
    """
    found: dict[str, str | None] = {}
    for row in _ROWS:
        value = at(values, *row.path)
        if value is not None and minor >= row.since:
            found[row.key] = row.write(value)
    for composed in (_cni, _pools, _hubble, _encryption, _watcher, _firewall):
        found |= composed(values, minor)
    if at(values, "policyAuditMode") is None:
        found["policy-audit-mode"] = None
    for key, value in mapping(values, "extraConfig").items():
        found.setdefault(str(key), _quoted(value))
    return found


def overridden_keys(values: Mapping[str, Any], minor: Minor) -> list[str]:
    """Give the keys that ``extraConfig`` writes a second time: the chart renders both, and the later one wins."""
    extra = mapping(values, "extraConfig")
    ours = meant_config({k: v for k, v in values.items() if k != "extraConfig"}, minor)
    return sorted(str(key) for key in extra if ours.get(str(key)) is not None)


def _quoted(value: object) -> str:
    """Write a value as the chart's ``quote`` does: whatever stands there, known to Cilium or not."""
    return str(value).lower() if isinstance(value, bool) else str(value)


def _words(value: object) -> str:
    return " ".join(str(v) for v in value) if isinstance(value, list | tuple) else str(value)


def _if_true(value: object) -> str | None:
    return "true" if value else None


def _if_any(value: object) -> str | None:
    return _quoted(value) if value else None


@dataclass(frozen=True, slots=True)
class _Row:
    """One value that becomes one key, in minors from ``since`` on."""

    path: tuple[str, ...]
    key: str
    write: Callable[[object], str | None] = _quoted
    since: Minor = (0, 0)


_ROWS: tuple[_Row, ...] = (
    _Row(("routingMode",), "routing-mode"),
    _Row(("tunnelProtocol",), "tunnel-protocol"),
    _Row(("tunnelPort",), "tunnel-port", _if_any),
    _Row(("kubeProxyReplacement",), "kube-proxy-replacement"),
    _Row(("ipam", "mode"), "ipam"),
    _Row(("ipv4", "enabled"), "enable-ipv4"),
    _Row(("ipv6", "enabled"), "enable-ipv6"),
    _Row(("policyEnforcementMode",), "enable-policy", lambda value: str(value).lower()),
    _Row(("policyAuditMode",), "policy-audit-mode"),
    _Row(("policyCIDRMatchMode",), "policy-cidr-match-mode", _words),
    _Row(("labels",), "labels"),
    _Row(("clustermesh", "policyDefaultLocalCluster"), "policy-default-local-cluster", since=(1, 18)),
    _Row(("k8sNetworkPolicy", "enabled"), "enable-k8s-networkpolicy"),
    _Row(("k8sClusterNetworkPolicy", "enabled"), "enable-k8s-cluster-network-policy", _if_true, (1, 20)),
    _Row(("nodeSelectorLabels",), "enable-node-selector-labels"),
    _Row(("enableNonDefaultDenyPolicies",), "enable-non-default-deny-policies"),
    _Row(("endpointLockdownOnMapOverflow",), "enable-endpoint-lockdown-on-policy-overflow"),
    _Row(("sctp", "enabled"), "enable-sctp"),
    _Row(("bpf", "hostLegacyRouting"), "enable-host-legacy-routing"),
    _Row(("bpf", "policyMapMax"), "bpf-policy-map-max"),
    _Row(("bpf", "masquerade"), "enable-bpf-masquerade"),
    _Row(("enableIPv4Masquerade",), "enable-ipv4-masquerade"),
    _Row(("enableIPv6Masquerade",), "enable-ipv6-masquerade"),
    _Row(("ipMasqAgent", "enabled"), "enable-ip-masq-agent", _if_true),
    _Row(("ipv4NativeRoutingCIDR",), "ipv4-native-routing-cidr", _if_any),
    _Row(("ipv6NativeRoutingCIDR",), "ipv6-native-routing-cidr", _if_any),
    _Row(("MTU",), "mtu", _if_any),
    _Row(("operator", "skipCRDCreation"), "skip-crd-creation", _if_true),
)
"""Values that decide one key alone; keys that hang on several values have functions of their own."""


def _cni(values: Mapping[str, Any], minor: Minor) -> Meant:
    """Say who writes the CNI file: with ``customConf`` nobody does, unless a ConfigMap with the file is named too."""
    del minor
    cni = mapping(values, "cni")
    custom = bool(cni.get("customConf"))
    from_map = bool(cni.get("configMap"))
    written = from_map if custom else cni.get("install") is not False
    path = f"{text(cni, 'hostConfDirMountPath', default=CONF_DIR)}/{CONF_FILE}"
    plain = written and not custom
    mode = cni.get("chainingMode") or ("generic-veth" if cni.get("chainingTarget") else "none")
    exclusive = cni.get("exclusive")
    return {
        "custom-cni-conf": _quoted(custom),
        "write-cni-conf-when-ready": path if written else None,
        "cni-exclusive": (_quoted(exclusive) if exclusive is not None else "true") if plain else None,
        "cni-log-file": text(cni, "logFile", default=CNI_LOG) if plain else None,
        "cni-uninstall": _if_true(cni.get("uninstall")),
        "cni-chaining-mode": _quoted(mode) if mode != "none" else None,
    }


def _pools(values: Mapping[str, Any], minor: Minor) -> Meant:
    """Give the pools of the families that are on; none of another IPAM."""
    del minor
    pools, found = mapping(values, "ipam", "operator"), dict[str, str | None]()
    on = {4: at(values, "ipv4", "enabled") is not False, 6: bool(at(values, "ipv6", "enabled"))}
    pooled = text(values, "ipam", "mode", default="cluster-pool") == "cluster-pool"
    for family, enabled in on.items():
        for value, key, write in (
            (f"clusterPoolIPv{family}PodCIDRList", f"cluster-pool-ipv{family}-cidr", _words),
            (f"clusterPoolIPv{family}MaskSize", f"cluster-pool-ipv{family}-mask-size", _quoted),
        ):
            if not (pooled and enabled):
                found[key] = None
            elif pools.get(value) is not None:
                found[key] = write(pools[value])
    return found


def _hubble(values: Mapping[str, Any], minor: Minor) -> Meant:
    """Give Hubble's keys; the server of metrics comes and goes with the list of them."""
    del minor
    hubble = mapping(values, "hubble")
    if not hubble:
        return {}
    on = hubble.get("enabled") is not False
    metrics, ring = at(hubble, "metrics", "enabled"), hubble.get("eventBufferCapacity")
    found: dict[str, str | None] = {"enable-hubble": _quoted(on)}
    if ring is not None:
        found["hubble-event-buffer-capacity"] = _quoted(ring) if on else None
    if metrics is not None or not on:
        served = on and (bool(metrics) or bool(at(hubble, "metrics", "dynamic", "enabled")))
        port = number(hubble, "metrics", "port", default=HUBBLE_METRICS_PORT)
        tls = bool(at(hubble, "metrics", "tls", "enabled"))
        opened = bool(at(hubble, "metrics", "enableOpenMetrics"))
        found["hubble-metrics"] = _words(metrics) if on and metrics else None
        found["hubble-metrics-server"] = f":{port}" if served else None
        found["hubble-metrics-server-enable-tls"] = _quoted(tls) if served else None
        found["enable-hubble-open-metrics"] = _quoted(opened) if served else None
    return found


def _encryption(values: Mapping[str, Any], minor: Minor) -> Meant:
    """Give the one key of the kind of encryption that is on; the others must be absent."""
    on = bool(at(values, "encryption", "enabled"))
    kind = text(values, "encryption", "type", default="ipsec")
    keys = {"ipsec": "enable-ipsec", "wireguard": "enable-wireguard"}
    if minor >= (1, 19):
        keys["ztunnel"] = "enable-ztunnel"
    found: dict[str, str | None] = {
        key: "true" if on and kind == name else None for name, key in keys.items()
    }
    found["encrypt-node"] = _if_true(on and at(values, "encryption", "nodeEncryption"))
    return found


def _watcher(values: Mapping[str, Any], minor: Minor) -> Meant:
    """Say how often the operator looks for pods of others to delete; ``"0"``: never."""
    watcher = mapping(values, "operator", "unmanagedPodWatcher")
    unit = "s" if minor >= (1, 19) else ""
    every = number(watcher, "intervalSeconds", default=WATCHER_S)
    on = watcher.get("restart") is not False
    return {"unmanaged-pod-watcher-interval": f"{every}{unit}" if on else "0"}


def _firewall(values: Mapping[str, Any], minor: Minor) -> Meant:
    """The host firewall's key is written always from 1.19 on, before that only where it is on."""
    on = at(values, "hostFirewall", "enabled")
    if on is None:
        return {}
    return {"enable-host-firewall": _quoted(on) if minor >= (1, 19) else _if_true(on)}
