"""PRE-096: a stranger's rule that jumps into a chain of Calico's would have to go with the chain (F-51)."""

from __future__ import annotations

from collections.abc import Iterator

from migrate.model.fields import maps, text
from migrate.model.findings import Severity
from migrate.preflight.rule import Case, Group, Hit, Repeat, Rule
from migrate.preflight.views_host import table_name

__all__ = ["RULE"]


def check(case: Case) -> Iterator[Hit]:
    """Name every such rule as it is saved, with its owner where a comment tells one."""
    for facts in case.facts("foreign_jumps"):
        for jump in maps(facts.data, "foreign_jumps"):
            fills = {
                "n": facts.node,
                "rule": text(jump, "rule"),
                "owner": text(jump, "owner") or "an unknown owner",
                "chain": text(jump, "chain"),
            }
            yield Hit(f"node/{facts.node}", fills, {**jump, "where": table_name(jump)}, facts.node)


RULE = Rule(
    number=96,
    group=Group.NETWORK,
    severity=Severity.BLOCK,
    title="Foreign rule jumps into Calico's chain",
    message="{n}: {rule} by {owner} jumps into {chain} and would go with it",
    remedy="remove the rule, or accept by id; it is listed as refs in the inventory",
    check=check,
    failures=(51,),
    facts=("foreign_jumps",),
    repeat=frozenset({Repeat.NO_RETURN}),
)
