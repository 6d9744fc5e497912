"""PRE-104: the runtime takes the first file by name, so nothing may sort before Cilium's, and nothing be unknown (F-26).

Multus' file before Cilium's is named as well: Multus then keeps calling the file that its ``clusterNetwork`` names.
Files that the runtime does not load (other suffixes, ``.cilium_bak``) do not count.
"""

from __future__ import annotations

from collections.abc import Iterator

from migrate.model.fields import text
from migrate.model.findings import Severity
from migrate.preflight.rule import Case, Group, Hit, Repeat, Rule
from migrate.preflight.views_cni import CILIUM_FILE, conf_files, is_calicos, plugins

__all__ = ["RULE"]


def check(case: Case) -> Iterator[Hit]:
    """Name every file that is neither Calico's nor Cilium's, node by node."""
    for facts in case.facts("cni"):
        for file in conf_files(facts):
            name = text(file, "name")
            if is_calicos(file) or name == CILIUM_FILE:
                continue
            evidence = {"file": name, "plugins": plugins(file), "directory": facts.at("cni", "conf_dir")}
            fills = {"file": name, "n": facts.node}
            first = name.encode() < CILIUM_FILE.encode()
            message = "" if first else "{file} on {n} is nobody's known; it would win if Cilium's were gone"
            yield Hit(f"node/{facts.node}", fills, evidence, facts.node, message=message)


RULE = Rule(
    number=104,
    group=Group.NETWORK,
    severity=Severity.BLOCK,
    title="CNI file of somebody else",
    message="{file} on {n} wins over Cilium",
    remedy="remove or rename it with a copy kept, or plan for it (Multus: point clusterNetwork at Cilium's file)",
    check=check,
    failures=(26,),
    facts=("cni",),
    repeat=frozenset({Repeat.CONTINUOUS}),
)
