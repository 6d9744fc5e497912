"""The labels of a pod's security identity: what Cilium keeps of the pod, and what it adds.

Source: cilium/cilium ``pkg/labelsfilter/filter.go``; documentation of identity-relevant labels; ``cilium.md`` §4.
"""

from __future__ import annotations

import re

from translators.semantics.cilium.selectors import CLUSTER, NAMESPACE, NAMESPACE_LABELS
from translators.settings import CiliumConfig
from translators.world import Pod, World

__all__ = ["identity_labels", "is_relevant"]

ACCOUNT = "io.cilium.k8s.policy.serviceaccount"
_EXCLUDED = re.compile(
    r"io\.kubernetes|kubernetes\.io|statefulset\.kubernetes\.io/pod-name"
    r"|apps\.kubernetes\.io/pod-index|batch\.kubernetes\.io/(?:job-completion-index|controller-uid)"
    r"|.*beta\.kubernetes\.io|k8s\.io|pod-template-generation|pod-template-hash"
    r"|controller-revision-hash|controller-uid|annotation|etcd_node|topology\.kubernetes\.io"
)


def identity_labels(pod: Pod, world: World, config: CiliumConfig) -> dict[str, str]:
    """Give the labels that a selector sees, without source prefixes."""
    namespace = world.namespaces.get(pod.namespace)
    found = {k: v for k, v in pod.labels.items() if is_relevant(k, config.labels)}
    if namespace is not None:
        found.update({NAMESPACE_LABELS + k: v for k, v in namespace.labels.items()})
    found[NAMESPACE] = pod.namespace
    found[ACCOUNT] = pod.service_account
    found[CLUSTER] = "default"
    return found


def is_relevant(key: str, setting: str) -> bool:
    """Say whether a pod label is part of the identity; the longest match of the ``labels`` setting wins."""
    longest, kept = -1, True
    default = _EXCLUDED.match(key)
    if default:
        longest, kept = default.end(), False
    patterns = setting.split()
    if longest < 0 and any(not p.startswith("!") for p in patterns):
        kept = False
    for pattern in patterns:
        found = re.match(pattern.removeprefix("!").removeprefix("k8s:"), key)
        if found and found.end() >= longest:
            longest, kept = found.end(), not pattern.startswith("!")
    return kept
