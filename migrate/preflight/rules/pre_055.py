"""PRE-055: agent and envoy must tolerate every node's taints, and an operator must find a node beside each wave.

The DaemonSet controller adds the tolerations of nodes that are not ready, unreachable, cordoned, under pressure or
without a network; they need not be in the values. Envoy is asked where it runs as a DaemonSet of its own, the default.
"""

from __future__ import annotations

from collections.abc import Iterator

from migrate.model.draft import Stage
from migrate.model.fields import at
from migrate.model.findings import Severity
from migrate.model.pods import Toleration
from migrate.preflight.rule import Case, Group, Hit, Rule
from migrate.preflight.views_tolerations import AGENT, ENVOY, OPERATOR, repelling, tolerations_of

__all__ = ["RULE"]

ADDED = tuple(
    Toleration(f"node.kubernetes.io/{key}", "Exists", "", effect)
    for key, effect in (
        ("not-ready", "NoExecute"),
        ("unreachable", "NoExecute"),
        ("disk-pressure", "NoSchedule"),
        ("memory-pressure", "NoSchedule"),
        ("pid-pressure", "NoSchedule"),
        ("unschedulable", "NoSchedule"),
        ("network-unavailable", "NoSchedule"),
    )
)


def check(case: Case) -> Iterator[Hit]:
    """Hold every node of the plan against both DaemonSets, then every wave against the operator."""
    envoy = at(case.draft.values.get(Stage.MIGRATION, {}), "envoy", "enabled") is not False
    for part in (AGENT, ENVOY) if envoy else (AGENT,):
        tolerations = (*tolerations_of(case, part), *ADDED)
        for node in case.snapshot.nodes:
            for taint in repelling(node, tolerations) if node.name in case.draft.nodes else ():
                told = (
                    f"{taint.key}={taint.value}:{taint.effect}"
                    if taint.value
                    else f"{taint.key}:{taint.effect}"
                )
                fills = {"n": node.name, "t": told, "part": part}
                yield Hit(f"node/{node.name}", fills, {"part": part, "taint": told}, node.name)
    yield from _operator(case)


def _operator(case: Case) -> Iterator[Hit]:
    tolerations = tolerations_of(case, OPERATOR)
    able = [
        n.name
        for n in case.snapshot.nodes
        if n.ready and not n.unschedulable and not any(repelling(n, tolerations))
    ]
    for place, wave in enumerate(case.draft.waves, start=1):
        alone = len(case.snapshot.nodes) == len(wave)
        if not alone and not set(able) - set(wave):
            fills = {"w": place, "part": OPERATOR, "n": ", ".join(wave), "t": ""}
            path = f"Deployment/{case.draft.settings.cilium.namespace}/{OPERATOR}"
            message = "cilium-operator cannot run while wave {w} is out: no other node takes it"
            yield Hit(path, fills, {"wave": list(wave), "able": able}, message=message)


RULE = Rule(
    number=55,
    group=Group.PLACEMENT,
    severity=Severity.MANDATORY,
    title="Taint that Cilium does not tolerate",
    message="Cilium cannot run on {n}: taint {t}",
    remedy="add the toleration of {part} in the Helm values: tolerations, envoy.tolerations, operator.tolerations",
    check=check,
    failures=(16,),
    reads=("nodes",),
)
