"""Which taints Cilium's parts tolerate: what the chart rendered, else what the values say, else the chart's default.

Chart defaults: agent and envoy tolerate everything; the operator did up to 1.17, and from 1.18 on tolerates only the
taints of control planes and of nodes that are not ready. Source: cilium/cilium ``install/kubernetes/cilium/values.yaml``
of 1.17.14, 1.18.6, 1.19.6 and 1.20.2.
"""

from __future__ import annotations

from collections.abc import Iterator, Mapping, Sequence
from typing import Any

from migrate.model.draft import Stage
from migrate.model.fields import at, maps, text
from migrate.model.nodes import Node, Taint
from migrate.model.pods import Toleration, tolerates
from migrate.preflight.rule import Case

__all__ = ["AGENT", "ENVOY", "OPERATOR", "repelling", "tolerations_of"]

AGENT, ENVOY, OPERATOR = "cilium", "cilium-envoy", "cilium-operator"
EVERYTHING: Sequence[Mapping[str, Any]] = ({"operator": "Exists"},)
NARROW: Sequence[Mapping[str, Any]] = tuple(
    {"key": key, "operator": "Exists"}
    for key in (
        "node-role.kubernetes.io/control-plane",
        "node-role.kubernetes.io/master",
        "node.kubernetes.io/not-ready",
        "node.cloudprovider.kubernetes.io/uninitialized",
    )
)
NARROW_SINCE = (1, 18)
PATHS = {AGENT: ("tolerations",), ENVOY: ("envoy", "tolerations"), OPERATOR: ("operator", "tolerations")}
REPELLING = frozenset({"NoSchedule", "NoExecute"})


def tolerations_of(case: Case, part: str) -> tuple[Toleration, ...]:
    """Give the tolerations of a part in stage M."""
    rendered = (case.draft.rendered or {}).get(Stage.MIGRATION)
    values = case.draft.values.get(Stage.MIGRATION, {})
    *above, last = PATHS[part]
    if rendered is not None and part in rendered.tolerations:
        given = list(rendered.tolerations[part])
    elif at(values, *PATHS[part]) is not None:
        given = list(maps(at(values, *above) if above else values, last))
    else:
        narrow = part == OPERATOR and case.draft.settings.cilium.minor >= NARROW_SINCE
        given = list(NARROW if narrow else EVERYTHING)
    return tuple(
        Toleration(text(t, "key"), text(t, "operator", default="Equal"), text(t, "value"), text(t, "effect"))
        for t in given
    )


def repelling(node: Node, tolerations: tuple[Toleration, ...]) -> Iterator[Taint]:
    """Give the taints of a node that keep pods with these tolerations away."""
    return (t for t in node.taints if t.effect in REPELLING and not tolerates(tolerations, t))
