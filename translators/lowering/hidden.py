"""Which labels Cilium leaves out of identities: a selector on one sees the label as absent.

Source: cilium/cilium ``pkg/labelsfilter/filter.go`` at v1.20.2. The setting ``labels`` is a list of regular
expressions, each ``[SOURCE:][!]EXPRESSION``; one with ``!`` excludes, others include, and any inclusive one of the
setting ends the default of including everything else. A label that both match is kept if the longest inclusive
match is longer than the shortest exclusive one.
"""

from __future__ import annotations

import re
from functools import lru_cache

from translators.algebra.space import Space

__all__ = ["hidden_fields", "is_hidden"]

NAMESPACE = "io.kubernetes.pod.namespace"
ACCOUNT = "io.cilium.k8s.policy.serviceaccount"
NAMESPACE_LABELS = "io.cilium.k8s.namespace.labels."
_INCLUDED = (
    r"io\.kubernetes\.pod\.namespace", r"io\.cilium\.k8s\.namespace\.labels", r"app\.kubernetes\.io",
    r"io\.cilium\.k8s\.policy\.cluster", r"io\.cilium\.k8s\.policy\.serviceaccount",
)  # fmt: skip
_EXCLUDED = (
    r"io\.kubernetes", r"kubernetes\.io", r"statefulset\.kubernetes\.io/pod-name",
    r"apps\.kubernetes\.io/pod-index", r"batch\.kubernetes\.io/job-completion-index",
    r"batch\.kubernetes\.io/controller-uid", r".*beta\.kubernetes\.io", r"k8s\.io",
    r"pod-template-generation", r"pod-template-hash", r"controller-revision-hash",
    r"controller-uid", r"annotation.*", r"etcd_node", r"topology\.kubernetes\.io",
)  # fmt: skip


def hidden_fields(space: Space, setting: str) -> frozenset[tuple[str, ...]]:
    """Give the fields of a space, without their side, that speak of labels which Cilium does not see."""
    names = {field.name[1:] for field in space.fields}
    return frozenset(name for name in names if (key := _label(name)) and is_hidden(key, setting))


def _label(name: tuple[str, ...]) -> str:
    """Give the label of an identity that a field speaks of; empty for none."""
    match name:
        case ("label", key):
            return key
        case ("nslabel", key):
            return NAMESPACE_LABELS + key
        case ("account",):
            return ACCOUNT
        case ("namespace",):
            return NAMESPACE
    return ""


@lru_cache(maxsize=4096)
def is_hidden(key: str, setting: str) -> bool:
    """Say whether a label is left out; ``setting`` is the agent's ``labels``, empty for its default."""
    including, excluding = [*map(re.compile, _INCLUDED)], [*map(re.compile, _EXCLUDED)]
    only_included = False
    for source, negative, expression in map(_pattern, setting.split()):
        only_included = only_included or not negative
        if source in {"", "k8s"}:
            (excluding if negative else including).append(expression)
    kept = max((m.end() for e in including if (m := e.match(key))), default=0)
    left_out = [m.end() for e in excluding if (m := e.match(key))]
    if left_out:
        return kept <= min(left_out)
    return only_included and not kept


@lru_cache(maxsize=1024)
def _pattern(text: str) -> tuple[str, bool, re.Pattern[str]]:
    source, rest = text.split(":", 1) if ":" in text else ("", text)
    return source, rest.startswith("!"), re.compile(rest.removeprefix("!"))
