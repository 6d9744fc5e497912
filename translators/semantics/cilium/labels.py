"""The labels of a pod's security identity: what Cilium keeps of the pod, and what it adds.

Source: cilium/cilium ``pkg/labelsfilter/filter.go``; documentation of identity-relevant labels; ``cilium.md`` §4.
"""

from __future__ import annotations

import re
from functools import lru_cache

from translators.algebra.cidrs import Address
from translators.flows import Peer, PeerKind
from translators.semantics.cilium.selectors import CLUSTER, NAMESPACE, NAMESPACE_LABELS
from translators.settings import CiliumConfig
from translators.world import Pod, World

__all__ = ["addresses_of", "identity_labels", "is_relevant"]

ACCOUNT = "io.cilium.k8s.policy.serviceaccount"
_SOURCE = "k8s"
_DEFAULT = (
    r"io\.kubernetes\.pod\.namespace", r"io\.cilium\.k8s\.namespace\.labels", r"app\.kubernetes\.io",
    r"io\.cilium\.k8s\.policy\.cluster", r"io\.cilium\.k8s\.policy\.serviceaccount",
    r"!io\.kubernetes", r"!kubernetes\.io", r"!statefulset\.kubernetes\.io/pod-name",
    r"!apps\.kubernetes\.io/pod-index", r"!batch\.kubernetes\.io/job-completion-index",
    r"!batch\.kubernetes\.io/controller-uid", r"!.*beta\.kubernetes\.io", r"!k8s\.io",
    "!pod-template-generation", "!pod-template-hash", "!controller-revision-hash", "!controller-uid",
    "!annotation.*", "!etcd_node", r"!topology\.kubernetes\.io",
)  # fmt: skip


def identity_labels(pod: Pod, world: World, config: CiliumConfig) -> dict[str, str]:
    """Give the labels that a selector sees, without source prefixes."""
    namespace = world.namespaces.get(pod.namespace)
    found = dict(pod.labels)
    if namespace is not None:
        found.update({NAMESPACE_LABELS + k: v for k, v in namespace.labels.items()})
    found[NAMESPACE] = pod.namespace
    found[ACCOUNT] = pod.service_account
    found[CLUSTER] = "default"
    return {k: v for k, v in found.items() if is_relevant(k, config.labels)}


def addresses_of(peer: Peer) -> tuple[Address, ...]:
    """Give every address by which networks know a peer: all that a pod or the local host has, of another node one."""
    listed = peer.pod.addresses if peer.pod is not None else ()
    if peer.kind is PeerKind.HOST and peer.node is not None:
        listed = peer.node.addresses
    own = () if peer.address is None else (peer.address,)
    return tuple(dict.fromkeys((*own, *listed)))


@lru_cache(maxsize=65536)
def is_relevant(key: str, setting: str) -> bool:
    """Say whether a label is part of the identity; ``setting`` is the agent's ``labels``, empty for its default.

    The longest match of an including pattern is held against the shortest of an excluding one. Any including
    pattern of the setting ends the default of including whatever nothing excludes.
    """
    patterns = [_read(text) for text in (*_DEFAULT, *setting.split())]
    ends: dict[bool, list[int]] = {True: [0], False: []}
    for excludes, expression in patterns:
        found = expression.search(key) if expression is not None else None
        if found is not None and found.start() == 0:
            ends[not excludes].append(found.end())
    included, ignored = max(ends[True]), min(ends[False], default=0)
    if included > ignored:
        return True
    chosen = [_read(text) for text in setting.split()]
    return not ignored and all(excludes for excludes, _ in chosen)


@lru_cache(maxsize=1024)
def _read(text: str) -> tuple[bool, re.Pattern[str] | None]:
    """Read ``[SOURCE:][!]EXPRESSION``: whether it excludes, and the expression; None for another source."""
    source, colon, plain = text.partition(":")
    expression = plain if colon else text
    compiled = re.compile(expression.removeprefix("!"))
    return expression.startswith("!"), compiled if not colon or source == _SOURCE else None
