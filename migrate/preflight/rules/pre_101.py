"""PRE-101: a plugin that is chained after Calico is lost with Calico's file, and what it did with it (F-08).

portmap, bandwidth and tuning are what Calico's own installer chains; others (istio-cni, linkerd-cni, a scanner) were
put there by somebody who must put them after Cilium.
"""

from __future__ import annotations

from collections.abc import Iterator

from migrate.model.fields import text
from migrate.model.findings import Severity
from migrate.preflight.rule import Case, Group, Hit, Rule
from migrate.preflight.views_cni import conf_files, is_calicos, plugins

__all__ = ["RULE"]

OWN = frozenset({"calico", "portmap", "bandwidth", "tuning"})


def check(case: Case) -> Iterator[Hit]:
    """Name every such plugin of Calico's files, node by node."""
    for facts in case.facts("cni"):
        for file in conf_files(facts):
            chain = plugins(file) if is_calicos(file) else []
            for plugin in dict.fromkeys(p for p in chain if p not in OWN):
                evidence = {"file": text(file, "name"), "plugins": chain}
                yield Hit(f"node/{facts.node}", {"plugin": plugin}, evidence, facts.node)


RULE = Rule(
    number=101,
    group=Group.NETWORK,
    severity=Severity.BLOCK,
    title="Plugin chained after Calico",
    message="{plugin} is chained after Calico and would be lost",
    remedy="chain it after Cilium (its own installer with Cilium's file, or cni.exclusive=false), then accept by id",
    check=check,
    failures=(8,),
    facts=("cni",),
)
