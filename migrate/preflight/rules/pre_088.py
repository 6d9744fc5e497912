"""PRE-088: rules of Calico or kube-proxy in both iptables backends of a node: one of them is nobody's any more.

What is left in the backend that is not in use still filters (F-39); it does not matter which of the two programs wrote
where.
"""

from __future__ import annotations

from collections.abc import Iterator

from migrate.model.fields import maps, number, text
from migrate.model.findings import Severity
from migrate.preflight.rule import Case, Group, Hit, Rule

__all__ = ["RULE"]


def check(case: Case) -> Iterator[Hit]:
    """Count by node, backend and program; name each node with rules in both backends."""
    for facts in case.facts("tables"):
        counts: dict[str, dict[str, int]] = {}
        for table in maps(facts.data, "tables"):
            by_program = counts.setdefault(text(table, "backend"), {})
            for program in ("calico", "kube_proxy"):
                by_program[program] = by_program.get(program, 0) + number(table, program)
        used = {backend: found for backend, found in counts.items() if any(found.values())}
        if len(used) > 1:
            yield Hit(f"node/{facts.node}", {"n": facts.node}, {"rules": used}, facts.node)


RULE = Rule(
    number=88,
    group=Group.NETWORK,
    severity=Severity.WARN,
    title="Rules in both iptables backends",
    message="{n} has rules in both iptables backends",
    remedy="clean-up handles both; find the program that still writes the other one (image's iptables, kube-proxy's, Felix's backend)",
    check=check,
    failures=(39,),
    facts=("tables",),
)
