"""PRE-028: while pods concentrate, Calico must have addresses left for them on the nodes that still use it.

The worst case is asked: all pods of a wave start again on Calico. Free are the addresses of blocks that belong to other
nodes, those of blocks that nobody has, and what is left of each pool in blocks that were never made (64 addresses each,
unless the pool says otherwise). With strict affinity a node cannot borrow, so only whole new blocks and its own count.
Blocks of a drained node linger, so theirs are not free. Host-local addresses are counted by the nodes' own ranges.
"""

from __future__ import annotations

from collections.abc import Iterator, Sequence
from ipaddress import IPv4Network, IPv6Network, ip_network

from migrate.model.fields import items, number, text, truth
from migrate.model.findings import Severity
from migrate.model.resources import Resource
from migrate.preflight.rule import Case, Group, Hit, Rule
from migrate.preflight.views_waves import leaving

__all__ = ["RULE"]

DEFAULT_BLOCK = {4: 26, 6: 122}
HOST_LOCAL_RESERVED = 3


def check(case: Case) -> Iterator[Hit]:
    """Compare, wave by wave, what moves with what is free for the rest."""
    host_local = case.draft.variant.ipam == "host-local"
    for number_, wave in enumerate(case.draft.waves, start=1):
        moved = sum(len(leaving(case).get(node, ())) for node in wave)
        for family in case.draft.variant.families if moved else ():
            free = _own_ranges(case, wave, family) if host_local else _pools(case, wave, family)
            if free < moved:
                evidence = {
                    "wave": number_,
                    "nodes": list(wave),
                    "pods to be moved": moved,
                    "free": free,
                    "family": family,
                }
                yield Hit(f"wave/{number_}", {}, evidence)


def _pools(case: Case, out: Sequence[str], family: int) -> int:
    blocks = case.snapshot.calico("ipamblocks")
    strict = any(truth(c.data, "spec", "strictAffinity") for c in case.snapshot.calico("ipamconfigs"))
    free = 0
    for pool in case.snapshot.calico("ippools"):
        net = _network(text(pool.data, "spec", "cidr"))
        uses = items(pool.data, "spec", "allowedUses")
        if net is None or net.version != family or truth(pool.data, "spec", "disabled"):
            continue
        if uses and "Workload" not in uses:
            continue
        inside = [b for b in blocks if (c := _network(text(b.data, "spec", "cidr"))) and _within(c, net)]
        size = number(pool.data, "spec", "blockSize", default=DEFAULT_BLOCK[family])
        unmade = max(0, 2 ** max(0, size - net.prefixlen) - len(inside))
        free += unmade * 2 ** (net.max_prefixlen - size)
        free += sum(_left(b) for b in inside if _usable(b, out, strict=strict))
    return free


def _usable(block: Resource, out: Sequence[str], *, strict: bool) -> bool:
    owner = text(block.data, "spec", "affinity").partition("host:")[2]
    return owner not in out and (bool(owner) or not strict)


def _left(block: Resource) -> int:
    unallocated = block.at("spec", "unallocated")
    if isinstance(unallocated, list):
        return len(unallocated)
    return sum(entry is None for entry in items(block.data, "spec", "allocations"))


def _own_ranges(case: Case, out: Sequence[str], family: int) -> int:
    used: dict[str, int] = {}
    for pod in case.snapshot.pods:
        if not pod.host_network and not pod.finished:
            used[pod.node] = used.get(pod.node, 0) + 1
    free = 0
    for node in case.snapshot.nodes:
        nets = [net for cidr in node.pod_cidrs if (net := _network(cidr)) and net.version == family]
        if node.name not in out and nets:
            free += max(0, sum(n.num_addresses for n in nets) - HOST_LOCAL_RESERVED - used.get(node.name, 0))
    return free


def _network(cidr: str) -> IPv4Network | IPv6Network | None:
    try:
        return ip_network(cidr, strict=False)
    except ValueError:
        return None


def _within(inner: IPv4Network | IPv6Network, outer: IPv4Network | IPv6Network) -> bool:
    return inner.version == outer.version and inner.subnet_of(outer)  # type: ignore[arg-type]  # one family


RULE = Rule(
    number=28,
    group=Group.CAPACITY,
    severity=Severity.WARN,
    title="Calico's pools may run out",
    message="Calico pool may be exhausted while pods concentrate",
    remedy="add an IPPool, or drain towards nodes that are migrated already (smaller waves, another order)",
    check=check,
    failures=(42,),
    reads=("nodes", "pods"),
    calico=("ippools", "ipamblocks"),
)
