"""Which labels identities keep: compiler and evaluator each have upstream's rule in words of their own, and agree."""

from __future__ import annotations

from hypothesis import example, given
from hypothesis import strategies as st

from translators.lowering.hidden import is_hidden
from translators.semantics.cilium.labels import is_relevant

KEYS = st.sampled_from([
    "app", "application", "app.kubernetes.io/name", "role", "pod-template-hash", "io.kubernetes.x", "k8s.io/x",
    "x.beta.kubernetes.io", "io.kubernetes.pod.namespace", "io.cilium.k8s.namespace.labels.env",
    "io.cilium.k8s.namespace.labels.a.beta.kubernetes.io/b", "topology.kubernetes.io/zone", "annotation",
])  # fmt: skip
EXPRESSIONS = st.sampled_from([
    "app", "app$", "ap.", "role", "r", "io.kubernetes", "io.kubernetes.x", "pod-template-hash", ".*", "k8s.io/",
    "io.cilium.k8s.namespace.labels", "io.cilium.k8s.namespace.labels.env", "x.*", "pp",
])  # fmt: skip
PATTERNS = st.builds(
    lambda source, sign, expression: f"{source}{sign}{expression}",
    st.sampled_from(["", "k8s:", "!k8s:", "reserved:"]),
    st.sampled_from(["", "!"]),
    EXPRESSIONS,
)


@given(KEYS, st.lists(PATTERNS, max_size=4).map(" ".join))
@example("role", "!r !role ro")
@example("role", "!k8s:other")
@example("pod-template-hash", "pod-template-hash")
def test_both_keep_the_same_labels(key: str, setting: str) -> None:
    assert is_hidden(key, setting) is not is_relevant(key, setting)
