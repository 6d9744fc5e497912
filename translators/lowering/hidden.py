"""Which labels Cilium leaves out of identities: a selector on one sees the label as absent.

Source: cilium/cilium ``pkg/labelsfilter/filter.go`` (defaults), documentation of identity-relevant labels.
The setting ``labels`` is a list of patterns; one that begins with ``!`` excludes, others include. Any
inclusive pattern replaces the default of including everything else.
"""

from __future__ import annotations

import re
from functools import lru_cache

from translators.algebra.space import Space

__all__ = ["hidden_keys", "is_hidden"]

_DEFAULT = (
    r"!io\.kubernetes", r"!kubernetes\.io", r"!statefulset\.kubernetes\.io/pod-name",
    r"!apps\.kubernetes\.io/pod-index", r"!batch\.kubernetes\.io/job-completion-index",
    r"!batch\.kubernetes\.io/controller-uid", r"!.*beta\.kubernetes\.io", r"!k8s\.io",
    r"!pod-template-generation", r"!pod-template-hash", r"!controller-revision-hash",
    r"!controller-uid", r"!annotation.*", r"!etcd_node", r"!topology\.kubernetes\.io",
)  # fmt: skip


def hidden_keys(space: Space, setting: str) -> frozenset[str]:
    """Give the pod label keys of a space that Cilium does not see."""
    keys = {field.name[2] for field in space.fields if len(field.name) == 3 and field.name[1] == "label"}
    return frozenset(key for key in keys if is_hidden(key, setting))


def is_hidden(key: str, setting: str) -> bool:
    """Say whether a pod label is left out; ``setting`` is the agent's ``labels``, empty for its default."""
    patterns = [*_DEFAULT, *setting.split()]
    including = [p for p in setting.split() if not p.startswith("!")]
    best, included = -1, not including
    for pattern in patterns:
        plain = pattern.removeprefix("!").removeprefix("k8s:")
        match = _compiled(plain).match(key)
        if match and match.end() >= best:
            best, included = match.end(), not pattern.startswith("!")
    return not included


@lru_cache(maxsize=1024)
def _compiled(pattern: str) -> re.Pattern[str]:
    return re.compile(pattern)
