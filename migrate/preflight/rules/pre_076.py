"""PRE-076: parties outside that know pods by their range, or by the address under which they leave, must be told.

No object names those parties, so what is named is each thing in the cluster that makes them know: a pool whose pods go
out under their own addresses, a fixed address of going out (``natOutgoingAddress``, egress gateways), pods and
namespaces that are pinned to a pool or an address, and allow-lists in ConfigMaps and custom resources: lines of a
``pg_hba.conf`` and keys that call themselves allow-lists. NAT gateways and firewalls of the network are in nobody's
objects.
"""

from __future__ import annotations

import re
from collections.abc import Iterator

from migrate.model.fields import labels, mapping, text
from migrate.model.findings import Severity
from migrate.preflight.rule import Case, Group, Hit, Rule
from migrate.preflight.views_network import only_old_in, pools

__all__ = ["RULE"]

PINS = tuple(f"cni.projectcalico.org/{key}" for key in ("ipv4pools", "ipv6pools", "ipAddrs", "ipAddrsNoIpam"))
EGRESS = ("egress.projectcalico.org/selector", "egress.projectcalico.org/egressGatewayPolicy")
_HBA = re.compile(r"(?m)^\s*(?:host|hostssl|hostnossl|hostgssenc|hostnogssenc)\s.*$")
_LIST = re.compile(
    r"(?i)allow[-_.]?(?:list|ed)|white[-_.]?list|trusted[-_.]?(?:prox|net|cidr|range)|pg[-_]?hba|firewall"
)
Found = tuple[str, str, str]


def check(case: Case) -> Iterator[Hit]:
    """Name whatever makes outsiders know pods by an address."""
    for found in (_pools, _fixed_addresses, _gateways, _pinned, _allow_lists):
        for path, party, cidr in found(case):
            yield Hit(path, {"party": party, "cidr": cidr}, {"cidr": cidr})


def _pools(case: Case) -> Iterator[Found]:
    for pool in pools(case):
        if pool.for_workloads and not pool.nat_outgoing:
            yield pool.path, "Whoever pods of this pool talk to outside", pool.cidr


def _fixed_addresses(case: Case) -> Iterator[Found]:
    for item in case.snapshot.calico("felixconfigurations"):
        if address := text(item.data, "spec", "natOutgoingAddress"):
            yield item.path, "Whoever pods talk to outside", address


def _gateways(case: Case) -> Iterator[Found]:
    for item in case.snapshot.of("egressgateways.operator.tigera.io"):
        yield item.path, "Whoever is reached through this egress gateway", "the gateway's addresses"
    for path, notes in _annotated(case):
        if any(key in notes for key in EGRESS):
            yield path, "Whoever is reached through its egress gateway", "the gateway's addresses"


def _pinned(case: Case) -> Iterator[Found]:
    for path, notes in _annotated(case):
        said = [notes[key] for key in PINS if notes.get(key)]
        if said:
            yield path, "Whoever this was pinned for", ", ".join(said)


def _annotated(case: Case) -> Iterator[tuple[str, dict[str, str]]]:
    for item in case.snapshot.of("namespaces"):
        yield item.path, dict(item.annotations)
    for work in case.snapshot.workloads:
        if work.owner is None:
            notes = labels(work.template, "metadata", "annotations")
            yield f"{work.kind}/{work.label}", dict(notes)
    for pod in case.snapshot.pods:
        if pod.owner is None:
            yield f"Pod/{pod.label}", dict(pod.annotations)


def _allow_lists(case: Case) -> Iterator[Found]:
    for item in case.snapshot.of("configmaps"):
        for key, value in mapping(item.data, "data").items():
            if not isinstance(value, str):
                continue
            lines = value if _LIST.search(key) else "\n".join([*_HBA.findall(value), *_listing_lines(value)])
            if said := only_old_in(lines, case):
                yield item.path, f"Whoever reads {key}", ", ".join(said)


def _listing_lines(value: str) -> list[str]:
    return [line for line in value.splitlines() if _LIST.search(line)]


RULE = Rule(
    number=76,
    group=Group.NETWORK,
    severity=Severity.WARN,
    title="Outsiders know pods by their addresses",
    message="{party} knows pods by {cidr}",
    remedy="extend allow-lists, firewalls and security groups to the new range, or to the nodes' addresses, before the first node",
    check=check,
    failures=(28,),
    reads=("configmaps", "namespaces"),
    calico=("ippools", "felixconfigurations"),
)
