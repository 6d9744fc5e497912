"""PRE-157: connections that live for hours are cut when their pod moves; the count helps to choose the hour."""

from __future__ import annotations

from collections.abc import Iterator

from migrate.model.fields import number
from migrate.model.findings import Severity
from migrate.preflight.rule import Case, Group, Hit, Rule

__all__ = ["RULE"]

HOUR_S = 3600


def check(case: Case) -> Iterator[Hit]:
    """Name the nodes with old connections."""
    for facts in case.facts("conntrack_old"):
        count, age = number(facts.at("conntrack_old")), number(facts.at("conntrack_age_s"), default=HOUR_S)
        if count:
            hours = f"{age / HOUR_S:g} h"
            yield Hit(
                f"node/{facts.node}",
                {"n": facts.node, "k": count, "t": hours},
                {"count": count, "age_s": age},
            )


RULE = Rule(
    number=157,
    group=Group.FLOWS,
    severity=Severity.INFO,
    title="Long-lived connections",
    message="{n}: {k} connections older than {t}",
    remedy="",
    check=check,
    failures=(30,),
    facts=("conntrack_old",),
)
