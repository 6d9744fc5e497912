"""PRE-065: the tunnel's UDP port must be free on every node, and never Calico's.

4789 is refused even where nothing listens: Felix drops it from sources that are no Calico nodes
(projectcalico/calico ``felix/rules/static.go``).
"""

from __future__ import annotations

from collections.abc import Iterator

from migrate.model.fields import maps, number, text
from migrate.model.findings import Severity
from migrate.preflight.rule import Case, Group, Hit, Rule

__all__ = ["RULE"]

CALICO = 4789
TUNNELS = frozenset({"vxlan", "geneve"})


def check(case: Case) -> Iterator[Hit]:
    """Hold the planned port against Calico's, every listener, and every tunnel device."""
    port = case.draft.settings.cilium.tunnel_port
    yield from _calico(case, port)
    for facts in case.facts("udp", "links"):
        takers = [f"device {d}" for d in _devices(facts.at("links"), port)]
        if not takers:
            listening = [u for u in maps(facts.data, "udp") if number(u, "port") == port]
            takers = [text(u, "process") or "the kernel" for u in listening]
        for what in dict.fromkeys(takers):
            fills = {"port": port, "n": facts.node, "what": what}
            yield Hit(f"node/{facts.node}", fills, {"port": port, "by": what}, facts.node)


def _calico(case: Case, port: int) -> Iterator[Hit]:
    configured = {
        f.path: number(f.data, "spec", "vxlanPort", default=CALICO)
        for f in case.snapshot.calico("felixconfigurations")
    }
    owners = [path for path, own in configured.items() if own == port]
    if port == CALICO and not owners:
        owners = ["config/cilium.tunnelPort"]
    for owner in owners:
        yield Hit(
            owner, {"port": port, "n": "every node", "what": "Calico's VXLAN"}, {"vxlanPort": configured}
        )


def _devices(links: object, port: int) -> Iterator[str]:
    for link in maps({"links": links}, "links"):
        tunnel = text(link, "linkinfo", "info_kind") in TUNNELS
        if tunnel and number(link, "linkinfo", "info_data", "port") == port:
            yield text(link, "ifname")


RULE = Rule(
    number=65,
    group=Group.NETWORK,
    severity=Severity.MANDATORY,
    title="Tunnel port in use",
    message="UDP {port} is used on {n} by {what}",
    remedy="choose another cilium.tunnelPort (8473 is the usual one)",
    check=check,
    failures=(3, 4),
    calico=("felixconfigurations",),
    facts=("udp", "links"),
)
