"""PRE-083: a reverse path filter on Cilium's devices drops packets that come back another way (F-11).

systemd applies its globs to every new device from version 245 on, after whoever made the device; an older one leaves
the filter to Cilium's agent. The kernel takes the greater of ``all`` and the device's own value.
"""

from __future__ import annotations

from collections.abc import Iterator

from migrate.engine.host_files import reverse_path
from migrate.model.findings import Severity
from migrate.preflight.rule import Case, Group, Hit, Rule
from migrate.preflight.views_access import gets_no_file

__all__ = ["RULE"]


def check(case: Case) -> Iterator[Hit]:
    """Name each node on which a new device of Cilium would be filtered."""
    for facts in case.facts("systemd", "rp_filter", "rp_filter_files"):
        value = reverse_path(facts)
        if value:
            evidence = {key: facts.at(key) for key in ("systemd", "rp_filter", "rp_filter_files")}
            fills = {"v": value, "n": facts.node}
            yield Hit(f"node/{facts.node}", fills, evidence, facts.node, stays=gets_no_file(case, facts.node))


RULE = Rule(
    number=83,
    group=Group.NETWORK,
    severity=Severity.WARN,
    title="Reverse path filter on new devices",
    message="rp_filter={v} will drop on lxc*/cilium_host of {n}",
    remedy="P2 writes /etc/sysctl.d/99-zzz-c2c-cilium.conf (rp_filter=0 for lxc* and cilium_*)",
    check=check,
    failures=(11,),
    facts=("systemd", "rp_filter", "rp_filter_files"),
    repaired_by="HostDropIn",
)
