"""PRE-119: a host key that is not known, or is another one than before, stops every login: checking is never off (F-52).

Nodes that are reached by a pod or by the API alone have no login; a node that is reached over SSH and whose key nobody
looked at makes the rule unknown.
"""

from __future__ import annotations

from collections.abc import Iterator

from migrate.engine.access import SSH
from migrate.model.fields import text
from migrate.model.findings import Severity
from migrate.preflight.rule import Case, Group, Hit, Rule, Unread
from migrate.preflight.views_access import access

__all__ = ["RULE"]

KNOWN = "known"


def check(case: Case) -> Iterator[Hit | Unread]:
    """Name each node whose host key is unknown or has changed."""
    for node in case.snapshot.nodes:
        facts = case.snapshot.facts.get(node.name)
        state = text(facts.data, "host_key") if facts is not None else ""
        if state and state != KNOWN:
            fills = {"n": node.name, "state": state}
            yield Hit(f"node/{node.name}", fills, {"host_key": state}, node.name)
        elif not state and access(case, node.name) == SSH:
            yield Unread(f"the host key of node/{node.name}")


RULE = Rule(
    number=119,
    group=Group.ACCESS,
    severity=Severity.BLOCK,
    title="Host key not known",
    message="{n}: host key {state}",
    remedy="add the key to nodes.knownHosts, after comparing it with the node's own (ssh-keygen -lf); of a changed one find out why first",
    check=check,
    failures=(44, 52),
    reads=("nodes",),
)
