"""PRE-185: a sandbox that Calico made needs Calico's plugin, rights and file to be taken down; all three go with Calico.

The runtime is asked, not the API: a sandbox may outlive its pod. Ours is every address of Calico's pools.
"""

from __future__ import annotations

from collections.abc import Iterator

from migrate.model.fields import maps, text
from migrate.model.findings import Severity
from migrate.preflight.rule import Case, Group, Hit, Repeat, Rule
from migrate.preflight.views_return import in_pools

__all__ = ["RULE"]


def check(case: Case) -> Iterator[Hit]:
    """Name every sandbox with an address of Calico's."""
    holds = in_pools(case.snapshot)
    for facts in case.facts("sandboxes"):
        for sandbox in maps(facts.data, "sandboxes"):
            if holds(text(sandbox, "address")):
                fills = {"n": facts.node, "id": text(sandbox, "id")}
                yield Hit(f"node/{facts.node}", fills, dict(sandbox), facts.node)


RULE = Rule(
    number=185,
    group=Group.NO_RETURN,
    severity=Severity.MANDATORY,
    title="Calico's sandboxes left",
    message="{n}: Calico sandbox {id}",
    remedy="on {n}: crictl stopp {id} && crictl rmp {id}, while Calico's conf, rights and plugin exist",
    check=check,
    failures=(17, 18),
    facts=("sandboxes",),
    calico=("ippools",),
    repeat=frozenset({Repeat.NO_RETURN}),
)
