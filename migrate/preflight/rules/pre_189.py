"""PRE-189: a ``cali*`` veth that is up and has carrier is a living pod on Calico, whatever the API says.

The far end of a veth is the pod; carrier means that it is up too. Names are Felix's: ``cali`` and eleven hexadecimal digits.
"""

from __future__ import annotations

import re
from collections.abc import Iterator, Mapping
from typing import Any

from migrate.model.fields import items, maps, text
from migrate.model.findings import Severity
from migrate.preflight.rule import Case, Group, Hit, Repeat, Rule

__all__ = ["RULE"]

_WORKLOAD = re.compile(r"cali[0-9a-f]{11}\Z")


def check(case: Case) -> Iterator[Hit]:
    """Name every living device."""
    for facts in case.facts("links"):
        for link in maps(facts.data, "links"):
            name = text(link, "ifname")
            if _WORKLOAD.match(name) and _lives(link):
                fills = {"n": facts.node, "dev": name}
                yield Hit(f"node/{facts.node}", fills, {"operstate": text(link, "operstate")}, facts.node)


def _lives(link: Mapping[str, Any]) -> bool:
    flags = items(link, "flags")
    return text(link, "operstate") == "UP" or {"UP", "LOWER_UP"} <= set(flags)


RULE = Rule(
    number=189,
    group=Group.NO_RETURN,
    severity=Severity.MANDATORY,
    title="Living devices of Calico",
    message="{n}: {dev} is alive",
    remedy="on {n}: find the sandbox behind {dev} (crictl pods, ip -d link show {dev}) and stop it",
    check=check,
    failures=(34, 51),
    facts=("links",),
    repeat=frozenset({Repeat.NO_RETURN}),
)
