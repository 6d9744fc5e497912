"""PRE-180: before Calico goes, no pod may live on it: DaemonSet, static and bare pods included, in any pool.

A pod that ended holds no address; a hostNetwork pod has its node's. Pools that are disabled count, the cover pool does not.
"""

from __future__ import annotations

from collections.abc import Iterator

from migrate.model.findings import Severity
from migrate.preflight.rule import Case, Group, Hit, Repeat, Rule
from migrate.preflight.views_return import on_calico

__all__ = ["RULE"]

MAX_NAMED = 5


def check(case: Case) -> Iterator[Hit]:
    """Count the pods and name them."""
    left = [pod.label for pod in on_calico(case.snapshot)]
    if left:
        more = f" and {len(left) - MAX_NAMED} more" if len(left) > MAX_NAMED else ""
        fills = {"k": len(left), "list": ", ".join(left[:MAX_NAMED]) + more}
        yield Hit("pods", fills, {"pods": left})


RULE = Rule(
    number=180,
    group=Group.NO_RETURN,
    severity=Severity.MANDATORY,
    title="Pods still on Calico",
    message="{k} pods still on Calico: {list}",
    remedy="recycle them: delete one at a time, static pods by their manifest on the node",
    check=check,
    failures=(34,),
    reads=("pods",),
    calico=("ippools",),
    repeat=frozenset({Repeat.NO_RETURN}),
)
