"""Holds a plan against the cluster as it is now: what of the objects that it was made from is not as it was.

A few lists, page by page, with rights that a run has anyway; nothing is decided here.
"""

from __future__ import annotations

from collections.abc import Iterator, Mapping
from dataclasses import asdict
from typing import Any

from migrate.engine.bound import KUBE_PROXY, RELEASE, Scope, changed, reads
from migrate.model.events import FailureClass
from migrate.model.plan import Plan
from migrate.ports import ApiError, Cluster, Object, Ports

__all__ = ["stale", "stale_at_start"]

AGAIN_S, TRIES = 2.0, 30
"""An API that fails for a while is asked again after so long, and so often, before a run begins."""


def stale(plan: Plan, ports: Ports, scope: Scope, *, asks_helm: bool = True) -> list[str]:
    """Say what makes the plan stale, each object in a sentence; raises ``ApiError`` where that cannot be read.

    A plan that is bound to nothing, as an old one may be, never is.
    """
    if not plan.bound:
        return []
    asks = asks_helm and scope is Scope.PLAN and RELEASE in plan.bound
    release = _release(ports) if asks else None
    return changed(plan.bound, list(_objects(ports.cluster, scope)), scope, release)


def stale_at_start(plan: Plan, ports: Ports, *, asks_helm: bool = True) -> list[str]:
    """Say what makes the plan stale before anything is changed; an API that fails for a while is waited for.

    ``asks_helm``: not where the cluster is made of a snapshot, for no object of it says what Helm knows.
    """
    for left in range(TRIES, 0, -1):
        try:
            return stale(plan, ports, Scope.PLAN, asks_helm=asks_helm)
        except ApiError as error:
            if left == 1 or error.status == 0 or error.failure is not FailureClass.TRANSIENT:
                raise
            ports.clock.sleep(error.retry_after_s or AGAIN_S)
    return []


def _objects(cluster: Cluster, scope: Scope) -> Iterator[Object]:
    for names in reads(scope):
        yield from next((found for name in names if (found := cluster.list(name))), ())
    if scope is Scope.PLAN:
        held = (cluster.get("configmaps", name, "kube-system") for name in KUBE_PROXY)
        yield from (item for item in held if item is not None)


def _release(ports: Ports) -> Mapping[str, Any]:
    found = ports.charts.release()
    return {} if found is None else asdict(found)
