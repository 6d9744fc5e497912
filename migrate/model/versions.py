"""What is known of versions: which Cilium supports which Kubernetes, known issues, and values that charts know.

Tables only, and the comparison of versions; a rule decides what a row means. What a cluster or a chart can be asked
is never taken from here alone. Sources: cilium/cilium ``Documentation/network/kubernetes/compatibility.rst`` and
``install/kubernetes/cilium/values.schema.json``, compared release by release (1.17.14, 1.18.6, 1.19.6, 1.20.2);
``procedure.md`` §4.5.
"""

from __future__ import annotations

import re
from collections.abc import Iterator, Mapping
from dataclasses import dataclass

__all__ = [
    "ISSUES",
    "NEWEST",
    "OLDEST",
    "TESTED_KUBERNETES",
    "VALUES",
    "Issue",
    "Minor",
    "Release",
    "ValueChange",
    "changes_of",
    "issues_of",
]

Minor = tuple[int, int]
OLDEST: Minor = (1, 16)
"""Older releases are at the end of their life."""
NEWEST: Minor = (1, 20)

_VERSION = re.compile(r"v?(\d+)\.(\d+)(?:\.(\d+))?(?:-([^+]*))?(?:\+.*)?\Z")
_PRE = re.compile(r"(alpha|beta|pre|rc|snapshot|dev)\.?(\d*)\Z")
_FINAL = (1, "", 0)


@dataclass(frozen=True, slots=True, order=True)
class Release:
    """One release; ``pre`` is ``(0, "rc", 1)`` of a pre-release, which comes before the release itself."""

    major: int
    minor: int
    patch: int = 0
    pre: tuple[int, str, int] = _FINAL

    @classmethod
    def parse(cls, text: str) -> Release | None:
        """Read ``1.20.2``, ``v1.34.2+k3s1`` or ``1.20.0-pre.1``; None for anything else. No patch means 0.

        A suffix that marks no pre-release (``-eks-aeac579``, ``-gke.1183000``) names a build of the release.
        """
        found = _VERSION.match(text.strip())
        if found is None:
            return None
        suffix = _PRE.match(found[4] or "")
        pre = (0, suffix[1], int(suffix[2] or 0)) if suffix else _FINAL
        return cls(int(found[1]), int(found[2]), int(found[3] or 0), pre)

    @property
    def two(self) -> Minor:
        """Give (major, minor)."""
        return self.major, self.minor


TESTED_KUBERNETES: Mapping[Minor, tuple[Minor, Minor]] = {
    (1, 16): ((1, 27), (1, 30)),
    (1, 17): ((1, 29), (1, 32)),
    (1, 18): ((1, 30), (1, 33)),
    (1, 19): ((1, 31), (1, 35)),
    (1, 20): ((1, 33), (1, 36)),
}
"""Kubernetes minors, oldest and newest, that each Cilium minor is tested with; others "depend on" Kubernetes.

Two pages of 1.19 differ (``compatibility.rst`` 1.32 to 1.35, ``requirements.rst`` 1.31 to 1.34); what either guarantees
counts.
"""


@dataclass(frozen=True, slots=True)
class Issue:
    """A defect of some releases; ``last`` is None while no release repairs it. Both ends belong to the range."""

    id: str
    first: Release
    last: Release | None
    text: str
    failures: tuple[int, ...] = ()

    def concerns(self, release: Release) -> bool:
        """Say whether a release has the defect."""
        return self.first <= release and (self.last is None or release <= self.last)


ISSUES: tuple[Issue, ...] = (
    Issue(
        "cilium#45077",
        Release(1, 18, 8),
        None,
        "the host loses egress for a while when the agent restarts; G-14 stays armed",
        (30,),
    ),
    Issue(
        "cilium#38581",
        Release(0, 0),
        Release(1, 17, 999),
        "after a change of the tunnel port the device stays on the old one until it is deleted",
        (3,),
    ),
    Issue(
        "cilium#46584",
        Release(1, 19, 4),
        Release(1, 20, 0),
        "the metric hubble_lost_events_total counts events that were not lost; G-18 decides by the stream",
        (31,),
    ),
    Issue(
        "cilium#46253",
        Release(1, 20, 0, (0, "pre", 1)),
        Release(1, 20, 0, (0, "pre", 2)),
        "selectors of ClusterNetworkPolicies match wrongly",
    ),
)
"""Known issues, in the order of PRE-005."""


def issues_of(release: Release) -> tuple[Issue, ...]:
    """Give the known issues of a release."""
    return tuple(issue for issue in ISSUES if issue.concerns(release))


@dataclass(frozen=True, slots=True)
class ValueChange:
    """A Helm value that charts from ``until`` on, or before ``since``, do not know; Helm ignores it in silence.

    ``path`` is dotted and covers everything below it. ``to`` says what to write instead; empty: nothing takes its
    place. Neither bound: no chart has ever known it.
    """

    path: str
    to: str = ""
    since: Minor | None = None
    until: Minor | None = None

    def unknown_in(self, minor: Minor) -> bool:
        """Say whether the chart of a minor does not know the value."""
        if self.since is None and self.until is None:
            return True
        early = self.since is not None and minor < self.since
        return early or (self.until is not None and minor >= self.until)


def _gone(until: Minor, paths: Mapping[str, str]) -> tuple[ValueChange, ...]:
    return tuple(ValueChange(path, to, until=until) for path, to in paths.items())


def _new(since: Minor, *paths: str) -> tuple[ValueChange, ...]:
    return tuple(ValueChange(p, since=since) for p in paths)


VALUES: tuple[ValueChange, ...] = (
    ValueChange("allowLocalhost", "extraConfig.allow-localhost"),
    ValueChange("policyDefaultLocalCluster", "clustermesh.policyDefaultLocalCluster"),
    ValueChange("enableNodeSelectorLabels", "nodeSelectorLabels"),
    ValueChange("enableHostFirewall", "hostFirewall.enabled"),
    *_gone(
        (1, 13),
        {
            "hostServices": "socketLB",
            "nativeRoutingCIDR": "ipv4NativeRoutingCIDR",
            "ipam.operator.clusterPoolIPv4PodCIDR": "ipam.operator.clusterPoolIPv4PodCIDRList",
            "ipam.operator.clusterPoolIPv6PodCIDR": "ipam.operator.clusterPoolIPv6PodCIDRList",
        },
    ),
    *_gone(
        (1, 15),
        {
            "tunnel": "routingMode and tunnelProtocol",
            "enableK8sEventHandover": "",
            "enableCnpStatusUpdates": "",
        },
    ),
    *_gone(
        (1, 16),
        {
            "encryption.keyFile": "encryption.ipsec.keyFile",
            "encryption.mountPath": "encryption.ipsec.mountPath",
            "encryption.secretName": "encryption.ipsec.secretName",
            "encryption.interface": "encryption.ipsec.interface",
            "proxy.prometheus": "envoy.prometheus",
            "endpointStatus": "",
            "remoteNodeIdentity": "",
            "containerRuntime.integration": "",
            "etcd.managed": "",
        },
    ),
    *_gone(
        (1, 18),
        {
            "enableCiliumEndpointSlice": "ciliumEndpointSlice.enabled",
            "ciliumEndpointSlice.sliceMode": "",
            "enableK8sTerminatingEndpoint": "",
            "enableRuntimeDeviceDetection": "",
            "eni.updateEC2AdapterLimitViaAPI": "",
            "externalWorkloads": "",
            "highScaleIPcache": "",
            "hostPort": "kubeProxyReplacement, or cni.chainingMode portmap",
            "hubble.export.fileMaxBackups": "hubble.export.static.fileMaxBackups",
            "hubble.export.fileMaxSizeMb": "hubble.export.static.fileMaxSizeMb",
            "hubble.relay.dialTimeout": "",
            "l2NeighDiscovery.refreshPeriod": "",
            "loadBalancer.experimental": "",
        },
    ),
    *_gone(
        (1, 19),
        {
            "clustermesh.apiserver.tls.client": "",
            "customCalls": "",
            "l2podAnnouncements.interface": "l2podAnnouncements.interfacePattern",
            "nodePort.enabled": "kubeProxyReplacement",
            "svcSourceRangeCheck": "",
        },
    ),
    *_gone(
        (1, 20),
        {
            "clustermesh.apiserver.tls.admin": "",
            "clustermesh.apiserver.tls.enableSecrets": "",
            "clustermesh.apiserver.tls.remote": "",
            "clustermesh.enableMCSAPISupport": "clustermesh.mcsapi.enabled",
            "encryption.ipsec.encryptedOverlay": "",
            "encryption.strictMode.allowRemoteNodeIdentities": "encryption.strictMode.egress.allowRemoteNodeIdentities",
            "encryption.strictMode.cidr": "encryption.strictMode.egress.cidr",
            "encryption.strictMode.enabled": "encryption.strictMode.egress.enabled",
            "hubble.redact.kafka": "",
            "hubble.ui.backend.livenessProbe": "",
            "hubble.ui.backend.readinessProbe": "",
            "preflight.tofqdnsPreCache": "",
        },
    ),
    *_new(
        (1, 18),
        "bpf.policyStatsMapMax",
        "clustermesh.policyDefaultLocalCluster",
        "dnsProxy.preAllocateIdentities",
        "hubble.networkPolicyCorrelation",
        "identityManagementMode",
        "k8sServiceHostRef",
        "localRedirectPolicies",
        "underlayProtocol",
    ),
    *_new(
        (1, 19),
        "bpf.policyMapPressureMetricsThreshold",
        "clustermesh.mcsapi",
        "configDriftDetection",
        "enableNoServiceEndpointsRoutable",
        "encryption.strictMode.egress",
        "encryption.strictMode.ingress",
        "encryption.ztunnel",
        "endpointPolicyUpdateTimeoutDuration",
        "envoy.useOriginalSourceAddress",
        "ipam.nodeSpec",
        "loadBalancer.serviceTopology",
        "operator.unmanagedPodWatcher.selector",
        "policyDenyResponse",
        "standaloneDnsProxy",
    ),
    *_new(
        (1, 20),
        "clustermesh.defaultGlobalNamespace",
        "datapathPlugins",
        "envoy.xdsMode",
        "k8s.apiServerURLs",
        "k8sClusterNetworkPolicy",
        "nativeRoutingCIDRFromClusterPool",
        "nodePort.enableDynamicSourceLookup",
        "preferIpv6",
    ),
)
"""Values that some chart does not know. Not all of them: what is missing here the chart itself must tell."""


def changes_of(values: Mapping[str, object], minor: Minor) -> Iterator[ValueChange]:
    """Give the values, as far as they are written, that the chart of a minor does not know."""
    return (c for c in VALUES if c.unknown_in(minor) and _written(values, c.path.split(".")))


def _written(values: Mapping[str, object], path: list[str]) -> bool:
    found: object = values
    for key in path:
        if not isinstance(found, Mapping) or key not in found:
            return False
        found = found[key]
    return True
