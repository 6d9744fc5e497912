"""PRE-077: NodeLocalDNS listens on an address of its own on each node, which no CNI owns.

Its address is what its command line says (``-localip``), else what its device carries.
"""

from __future__ import annotations

from collections.abc import Iterator

from migrate.model.fields import mapping, text
from migrate.model.findings import Severity
from migrate.model.pods import command_line, flag
from migrate.model.workloads import Workload
from migrate.preflight.rule import Case, Group, Hit, Rule
from migrate.preflight.views_network import interface_networks

__all__ = ["RULE"]

NAMES = ("node-local-dns", "nodelocaldns")
DEVICE = "nodelocaldns"


def check(case: Case) -> Iterator[Hit]:
    """Name its DaemonSets, or the nodes whose device is there although no DaemonSet is."""
    sets = [w for w in case.snapshot.workloads if w.kind == "DaemonSet" and _is_it(w)]
    by_device = {
        facts.node: [str(net.network_address) for name, net, _ in interface_networks(facts) if name == DEVICE]
        for facts in case.facts("addresses")
    }
    for work in sets:
        written = flag(command_line(mapping(work.template, "spec")), "localip") or ""
        seen = sorted({a for found in by_device.values() for a in found})
        where = written or ", ".join(seen) or "an address of its own"
        yield Hit(f"DaemonSet/{work.label}", {"ip": where}, {"localip": written, "device": seen})
    for node, found in sorted(by_device.items()):
        if found and not sets:
            yield Hit(f"node/{node}", {"ip": ", ".join(found)}, {"device": found}, node)


def _is_it(work: Workload) -> bool:
    return work.name in NAMES or text(work.labels, "k8s-app") in NAMES


RULE = Rule(
    number=77,
    group=Group.NETWORK,
    severity=Severity.WARN,
    title="NodeLocalDNS is present",
    message="NodeLocalDNS on {ip}: policy and interface handling differ",
    remedy="allow the host and that /32 for DNS in policies; keep its dummy interface out of any clean-up",
    check=check,
    reads=("daemonsets.apps",),
)
