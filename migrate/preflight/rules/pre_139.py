"""PRE-139: Cilium's host firewall has no failsafes: what Calico keeps open by itself must stand there as rules.

Said of every policy that the translator calls a host policy, and of host endpoints that deny by default. The remedy is
to read the generated allows before the firewall is on; accepting the finding says that somebody did.
"""

from __future__ import annotations

from collections.abc import Iterator

from migrate.model.findings import Severity
from migrate.preflight.rule import Case, Group, Hit, Rule
from migrate.preflight.views_policy import reported

__all__ = ["RULE"]

CODES = frozenset({"CAL-H601", "CAL-H602", "CAL-H605", "CAL-H606"})


def check(case: Case) -> Iterator[Hit]:
    """Name each host policy once."""
    seen = set()
    for finding in reported(case):
        if finding.code in CODES and finding.policy not in seen:
            seen.add(finding.policy)
            accepted = Severity.INFO if finding.accepted is not None else None
            evidence = {"code": finding.code, "text": finding.text}
            yield Hit(finding.policy, {"p": finding.policy}, evidence, severity=accepted)


RULE = Rule(
    number=139,
    group=Group.POLICY,
    severity=Severity.BLOCK,
    title="Host policy without failsafes",
    message="Host policy {p}: no failsafes in Cilium",
    remedy="review the generated allows (failsafes-hosts, c2c-host-infrastructure) before the host firewall is on",
    check=check,
    failures=(40,),
)
