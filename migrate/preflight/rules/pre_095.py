"""PRE-095: a ruleset that changes more than once a second keeps a clean-up from ending (F-50).

Measured with 21 500 rules: of the nft backend one transaction took 2 s beside one write a second, 10.4 s beside five,
and did not end in 20 s beside twenty; the time is estimated on that line. The legacy backend holds a lock and stayed
below a second.
"""

from __future__ import annotations

from collections.abc import Iterator

from migrate.model.fields import at, maps, text
from migrate.model.findings import Severity
from migrate.model.kube_proxy import kube_proxies
from migrate.preflight.rule import Case, Group, Hit, Rule
from migrate.preflight.views_host import table_name

__all__ = ["RULE"]

LIMIT_PER_S = 1.0
SECONDS_PER_WRITE, ENDS_BELOW = 2.1, 10


def check(case: Case) -> Iterator[Hit]:
    """Name every table that changes faster, with the time that its clean-up would need."""
    period = {
        p.source: at(p.values, p.mode or "iptables", "minSyncPeriod") for p in kube_proxies(case.snapshot)
    }
    for facts in case.facts("tables"):
        for table in maps(facts.data, "tables"):
            rate = float(table.get("changes_per_s") or 0)
            if rate > LIMIT_PER_S:
                needs = _needs(text(table, "backend"), rate)
                fills = {"n": facts.node, "table": table_name(table), "k": f"{rate:g}", "t": needs}
                yield Hit(
                    f"node/{facts.node}", fills, {"perSecond": rate, "minSyncPeriod": period}, facts.node
                )


def _needs(backend: str, rate: float) -> str:
    if backend == "legacy":
        return "about 1 s"
    return f"about {SECONDS_PER_WRITE * rate:.0f} s" if rate < ENDS_BELOW else "more than 20 s"


RULE = Rule(
    number=95,
    group=Group.NETWORK,
    severity=Severity.WARN,
    title="Ruleset changes all the time",
    message="{n}: {table} changes {k} times/s; clean-up needs {t} or will not end",
    remedy="calm the writer before P12 (kube-proxy's minSyncPeriod, the agent that keeps writing)",
    check=check,
    failures=(50,),
    facts=("tables",),
)
