"""How each node's files and kernel are reached: over SSH, by a pod on the node, or not at all but by the API.

A collector that brought back facts of a node has shown a way; without facts the configuration has to tell. That pods of
ours are allowed shows none: what a host needs done takes more than a pod's right to run (``procedure.md`` §12).
"""

from __future__ import annotations

from migrate.model.fields import text
from migrate.model.nodes import Node
from migrate.model.settings import Settings
from migrate.model.snapshot import Snapshot

__all__ = ["API", "POD", "SSH", "access_of"]

SSH, POD, API = "ssh", "pod", "api"


def access_of(node: Node, snapshot: Snapshot, settings: Settings) -> str:
    """Give ``ssh``, ``pod`` or ``api`` for one node; what the configuration chooses is never overruled."""
    if settings.nodes.access != "auto":
        return settings.nodes.access
    facts = snapshot.facts.get(node.name)
    seen = text(facts.data, "via") if facts is not None else ""
    if seen in {SSH, POD}:
        return seen
    return SSH if settings.nodes.inventory else API
