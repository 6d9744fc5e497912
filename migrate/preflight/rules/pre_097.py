"""PRE-097: routes with the protocol numbers of BIRD (12) or Felix (80) that are not Calico's stay where they are.

Calico's are those inside one of its pools, disabled ones too, and those over its devices; all others may be of another
BIRD, a learnt default route among them. They are kept and only named.
"""

from __future__ import annotations

from collections.abc import Iterator

from migrate.model.addresses import contains, network
from migrate.model.fields import maps, text
from migrate.model.findings import Severity
from migrate.preflight.rule import Case, Group, Hit, Repeat, Rule
from migrate.preflight.views_host import is_calico_device
from migrate.preflight.views_network import old_ranges

__all__ = ["RULE"]

PROTOCOLS = {"12": "bird", "80": "felix"}


def check(case: Case) -> Iterator[Hit]:
    """Name every route of these protocols that lies in no pool and leaves by no device of Calico's."""
    ranges = old_ranges(case)
    for facts in case.facts("routes"):
        for route in maps(facts.data, "routes"):
            protocol = PROTOCOLS.get(text(route, "protocol"), "")
            net = network(text(route, "dst"))
            inside = net is not None and any(contains(pool, net) for pool in ranges)
            devices = [text(route, "dev"), *(text(hop, "dev") for hop in maps(route, "nexthops"))]
            if protocol and not inside and not any(is_calico_device(d) for d in devices if d):
                way = " ".join(d for d in devices if d)
                fills = {
                    "n": facts.node,
                    "route": f"{text(route, 'dst')} {way} proto {protocol}".replace("  ", " "),
                }
                yield Hit(f"node/{facts.node}", fills, {"route": dict(route)}, facts.node)


RULE = Rule(
    number=97,
    group=Group.NETWORK,
    severity=Severity.WARN,
    title="Routes of another BIRD",
    message="{n}: {route} looks like another BIRD's; it stays",
    remedy="nothing to do: it is kept; if it is Calico's after all, remove it by hand after the migration",
    check=check,
    failures=(43,),
    calico=("ippools",),
    facts=("routes",),
    repeat=frozenset({Repeat.NO_RETURN}),
)
