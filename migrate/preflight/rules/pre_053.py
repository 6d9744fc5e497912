"""PRE-053: a spread that forbids (``DoNotSchedule``) may find no balance while a wave is out.

Simulated as PRE-020. A cordoned node counts as an empty domain unless the constraint honours taints, as in Kubernetes:
that alone may hold the others back.
"""

from __future__ import annotations

from collections.abc import Iterator

from migrate.engine.displacement import Pending
from migrate.engine.filters import Filter
from migrate.model.findings import Severity
from migrate.preflight.rule import Case, Group, Hit, Rule, Unread
from migrate.preflight.views_owners import Maker, maker_of
from migrate.preflight.views_waves import held_up, unseen_constraints

__all__ = ["RULE"]


def check(case: Case) -> Iterator[Hit | Unread]:
    """Name each such workload once, with its pods."""
    yield from unseen_constraints(case)
    found: dict[Maker, list[Pending]] = {}
    for _, pending in held_up(case, Filter.SPREAD):
        for item in pending:
            found.setdefault(maker_of(case, item.pod), []).append(item)
    for maker, items in sorted(found.items(), key=lambda pair: pair[0].path):
        keys = sorted({str(c.get("topologyKey")) for item in items for c in item.pod.spread})
        evidence = {"topologyKeys": keys, "pods": {item.pod.label: item.words for item in items}}
        node = items[0].pod.node if len(items) == 1 else ""
        yield Hit(maker.path, {"w": maker.label}, evidence, node)


RULE = Rule(
    number=53,
    group=Group.PLACEMENT,
    severity=Severity.WARN,
    title="Spread constraint blocks",
    message="{w}: spread constraint blocks",
    remedy="another order of waves, nodeTaintsPolicy: Honor in the constraint, or ScheduleAnyway for the window",
    check=check,
    reads=("nodes", "pods"),
)
