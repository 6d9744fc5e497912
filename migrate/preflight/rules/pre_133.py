"""PRE-133: an operator must live while any wave is out: it makes CRDs, gives podCIDRs and takes taints away.

Its pods use the host's network and keep apart, so each replica needs a node that is outside the wave, Ready, not
cordoned, and whose taints it tolerates. One replica goes down with its own node; two replicas need two nodes, so one
node alone is left in peace. Chart defaults: one toleration for everything up to 1.17, from 1.18 on only those of
control planes and of nodes that are not ready.
"""

from __future__ import annotations

from collections.abc import Iterator, Mapping

from migrate.model.draft import Stage
from migrate.model.fields import labels, mapping, number
from migrate.model.findings import Severity
from migrate.model.nodes import Node
from migrate.model.pods import Toleration
from migrate.preflight.rule import Case, Group, Hit, Rule
from migrate.preflight.views_tolerations import OPERATOR, repelling, tolerations_of

__all__ = ["RULE"]


def check(case: Case) -> Iterator[Hit]:
    """Count the nodes that can carry an operator beside each wave."""
    values = mapping(case.draft.values.get(Stage.MIGRATION), "operator")
    path = f"Deployment/{case.draft.settings.cilium.namespace}/cilium-operator"
    if values.get("enabled") is False:
        yield Hit(path, {"why": "operator.enabled is false"}, {"operator.enabled": False})
        return
    tolerations = tolerations_of(case, OPERATOR)
    wanted = labels(values, "nodeSelector")
    able = [n for n in case.snapshot.nodes if _carries(n, tolerations, wanted)]
    replicas = number(values, "replicas", default=2)
    if len(case.snapshot.nodes) > 1 and replicas < 2:
        yield Hit(path, {"why": f"{replicas} replica goes down with its node"}, {"replicas": replicas})
    if len(case.snapshot.nodes) == 1:
        return
    for place, wave in enumerate(case.draft.waves, start=1):
        if not [n for n in able if n.name not in wave]:
            fills = {"why": f"outside wave {place} no node can run it"}
            yield Hit(path, fills, {"wave": list(wave), "able": [n.name for n in able]})


def _carries(node: Node, tolerations: tuple[Toleration, ...], wanted: Mapping[str, str]) -> bool:
    fits = all(node.labels.get(k) == v for k, v in wanted.items())
    return node.ready and not node.unschedulable and not any(repelling(node, tolerations)) and fits


RULE = Rule(
    number=133,
    group=Group.VALUES,
    severity=Severity.MANDATORY,
    title="No operator survives a wave",
    message="Operator would be down: {why}",
    remedy="operator.replicas=2, and operator.tolerations for the taints of the nodes that stay",
    check=check,
    failures=(16,),
    reads=("nodes",),
)
