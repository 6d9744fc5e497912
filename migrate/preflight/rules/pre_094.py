"""PRE-094: a table that cannot be read looks empty, and an inventory would call it clean (F-50, F-51).

iptables shows nothing at all of a table that holds native nft rules; a tool may fail, or a ruleset may change faster
than it can be saved. Each such table is named; 20 s is what one save may take.
"""

from __future__ import annotations

from collections.abc import Iterator

from migrate.model.fields import maps, text
from migrate.model.findings import Severity
from migrate.preflight.rule import Case, Group, Hit, Repeat, Rule
from migrate.preflight.views_host import table_name

__all__ = ["RULE"]

LIMIT_S = 20.0


def check(case: Case) -> Iterator[Hit]:
    """Name every table with the tool's text, or with the time that a save took."""
    for facts in case.facts("tables"):
        for table in maps(facts.data, "tables"):
            seconds = float(table.get("save_s") or 0)
            said = text(table, "unreadable")
            said = said or (
                f"a save took {seconds:.0f} s, the limit is {LIMIT_S:.0f} s" if seconds > LIMIT_S else ""
            )
            if said:
                fills = {"n": facts.node, "table": table_name(table), "text": said}
                yield Hit(f"node/{facts.node}", fills, {"text": said, "seconds": seconds}, facts.node)


RULE = Rule(
    number=94,
    group=Group.NETWORK,
    severity=Severity.BLOCK,
    title="Table cannot be read",
    message="{n}: {table} cannot be read: {text}; an inventory would call it clean",
    remedy="move native nft rules to a table of their own; stop whoever keeps rewriting the ruleset; install the missing tool",
    check=check,
    failures=(39, 50, 51),
    facts=("tables",),
    repeat=frozenset({Repeat.NO_RETURN}),
)
