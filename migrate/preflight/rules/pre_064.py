"""PRE-064: where routers outside learn the way to pods, they will not learn the way to Cilium's.

A peer *outside* is a BGPPeer by address that is no node's (a route reflector inside is a node); where BGP is switched
off no peer learns anything. A pool without encapsulation counts by itself: something carries its addresses. Pools of
Canal and of policy-only installs carry nothing.
"""

from __future__ import annotations

from collections.abc import Iterator

from migrate.model.addresses import address
from migrate.model.fields import text
from migrate.model.findings import Severity
from migrate.model.installs import agent_env, calico_node
from migrate.model.ranges import node_addresses
from migrate.preflight.rule import Case, Group, Hit, Rule
from migrate.preflight.views_network import pools

__all__ = ["RULE"]

WITHOUT_BGP = frozenset({"vxlan", "none"})


def check(case: Case) -> Iterator[Hit]:
    """Name the outside peers, and every pool whose packets travel as they are."""
    if _backend(case) == "none":
        return
    exported = [p.cidr for p in pools(case) if not p.disabled and p.exported]
    if _speaks_bgp(case) and exported:
        for peer, where in _outside(case):
            yield Hit(peer, {"p": f"peer {where}"}, {"peer": where, "exported": exported})
    for pool in pools(case):
        if pool.for_workloads and pool.encapsulation == "none":
            message = "Pool {p} has no encapsulation, so the network outside routes pod addresses; upstream calls this untested"
            yield Hit(pool.path, {"p": pool.cidr}, {"cidr": pool.cidr}, message=message)


def _backend(case: Case) -> str:
    env = agent_env(case.snapshot, calico_node(case.snapshot))
    return env.get("CALICO_NETWORKING_BACKEND", "")


def _speaks_bgp(case: Case) -> bool:
    """Say whether BGP may be on: only an explicit word switches it off."""
    installs = case.snapshot.of("installations.operator.tigera.io")
    off = any(text(i.data, "spec", "calicoNetwork", "bgp") == "Disabled" for i in installs)
    return not off and _backend(case) not in WITHOUT_BGP


def _outside(case: Case) -> Iterator[tuple[str, str]]:
    own = {found for _, found in node_addresses(case.snapshot)}
    for peer in case.snapshot.calico("bgppeers"):
        where = text(peer.data, "spec", "peerIP")
        if where and address(_without_port(where)) not in own:
            yield peer.path, where


def _without_port(where: str) -> str:
    """Cut the port off ``10.0.0.1:179`` and ``[fd00::1]:179``; a bare address of IPv6 has none."""
    if where.startswith("["):
        return where.partition("]")[0] + "]"
    return where.partition(":")[0] if where.count(":") == 1 else where


RULE = Rule(
    number=64,
    group=Group.NETWORK,
    severity=Severity.BLOCK,
    title="Routers outside carry pod addresses",
    message="BGP {p} routes pod addresses; upstream calls this untested",
    remedy="accept by id with a routing plan: the new range is not announced (Cilium's BGP, static routes, or SNAT at the node)",
    check=check,
    failures=(28,),
    calico=("bgppeers", "ippools"),
)
