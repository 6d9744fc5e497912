"""Make a draft of a plan from a snapshot, the settings and a translation: values, order of nodes, modes, estimates.

The draft is judged by preflight; ``planner`` turns it into steps.
"""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import replace

from migrate.engine.access import access_of
from migrate.engine.chart import meant_config
from migrate.engine.pinning import pins
from migrate.engine.placement import budgets_of, choose_canary, movable_pods, node_groups, node_plan, waves
from migrate.engine.stages import stage_values
from migrate.model.draft import Draft, Policies, Rendered, Stage
from migrate.model.fields import text
from migrate.model.installs import flannel_network
from migrate.model.nodes import Node
from migrate.model.settings import Settings
from migrate.model.snapshot import Snapshot
from migrate.model.variant import detect

__all__ = ["calico_pools", "draft", "in_scope"]


def calico_pools(snapshot: Snapshot) -> tuple[str, ...]:
    """Give the ranges that pods have: Calico's IPPools, disabled ones too, without our cover pool; and flannel's."""
    found = [
        text(pool.data, "spec", "cidr")
        for pool in snapshot.calico("ippools")
        if pool.labels.get("c2c/owned") != "true"
    ]
    return tuple(sorted({c for c in (*found, *flannel_network(snapshot)) if c}))


def in_scope(snapshot: Snapshot) -> list[Node]:
    """Give the nodes that a migration moves: every Linux node that is not being deleted."""
    return [
        n for n in snapshot.nodes if not n.deleting and n.labels.get("kubernetes.io/os", "linux") == "linux"
    ]


def draft(
    snapshot: Snapshot,
    settings: Settings,
    policies: Policies | None = None,
    *,
    rendered: Mapping[Stage, Rendered] | None = None,
    own_node: str = "",
    no_go: frozenset[str] = frozenset(),
    repeated_keys: tuple[str, ...] = (),
) -> Draft:
    """Give the draft; ``no_go`` are nodes whose rules stop them, so that none of them becomes the canary."""
    variant = detect(snapshot)
    if settings.variant != "auto":
        variant = replace(variant, installs=(settings.variant,))
    nodes = in_scope(snapshot)
    groups, moving = node_groups(snapshot), movable_pods(snapshot)
    covered = budgets_of(snapshot.budgets, (p for pods in moving.values() for p in pods))
    pools = calico_pools(snapshot)
    values = {stage: stage_values(stage, settings, variant, pools, nodes=len(nodes)) for stage in Stage}
    plans = {
        n.name: node_plan(
            n, moving[n.name], covered, groups[n.name], settings, access_of(n, snapshot, settings)
        )
        for n in nodes
    }
    access = {name: plan.access for name, plan in plans.items()}
    canary = choose_canary(snapshot, candidates=nodes, own_node=own_node, no_go=no_go)
    return Draft(
        settings=settings,
        variant=variant,
        values=values,
        meant={stage: meant_config(values[stage], settings.cilium.minor) for stage in Stage},
        rendered=rendered,
        policies=policies or Policies(),
        canary=canary,
        waves=waves(nodes, groups, settings, first=canary.node, own_node=own_node),
        nodes=plans,
        pins=tuple((p.command, p.undo) for p in pins(snapshot, settings, variant, access)),
        own_node=own_node,
        planned_uid=settings.uid or snapshot.identity.uid,
        repeated_keys=repeated_keys,
    )
