"""What a list of all nodes says of the gates that hold the whole time; pure, one list for all of them.

Shapes are those that ``migrate.engine.gates`` names at each gate; the gates of a step and the watch between steps judge
the same measurements.
"""

from __future__ import annotations

from collections.abc import Collection, Iterable, Mapping
from typing import Any

from migrate.driver.on_nodes import CORDONED_BY, WAS_UNSCHEDULABLE
from migrate.engine.script import is_replaced
from migrate.model.commands import Name
from migrate.model.fields import at, labels, text
from migrate.model.resources import condition
from migrate.model.run import IN_HAND, NodeStatus, Run
from migrate.ports import Object

__all__ = ["addresses", "before", "cordons", "heartbeats", "node_set"]

HEARTBEAT_LIMIT_S = 60.0
PAST = frozenset({NodeStatus.UNCORDONED, NodeStatus.SOAKED, NodeStatus.DONE})
"""States behind a node's uncordon."""
Measure = Mapping[str, Any]


def before(backup: Iterable[Object]) -> dict[str, str]:
    """Give what calico-node announced by machine when the backup was made: before Calico was touched (P1)."""
    return {_machine(n): _announced(n) for n in backup}


def addresses(names: Iterable[str], there: Mapping[str, Object], known: Mapping[str, str] | None) -> Measure:
    """Give what calico-node announces now, against ``known`` (G-12); a machine that came since has nothing to differ from.

    That is one that joined, and one that took another's place under its name. Without a backup (None) nothing can be compared.
    """
    found: dict[str, Any] = {}
    for name in names:
        node = there.get(name)
        now = None if node is None else _announced(node)
        found[name] = None if now is None or known is None else (now, known.get(_machine(node or {}), now))
    return {"nodes": found}


def _machine(node: Object) -> str:
    return text(node, "metadata", "uid") or text(node, "metadata", "name")


def _announced(node: Object) -> str:
    marks = labels(node, "metadata", "annotations")
    return " ".join(a for f in (4, 6) if (a := marks.get(f"projectcalico.org/IPv{f}Address", "")))


def heartbeats(names: Iterable[str], there: Mapping[str, Object]) -> Measure:
    """Give how long each node was silent (G-14): the API server calls one Unknown whose lease was not renewed in time."""
    found = {}
    for name in names:
        node = there.get(name)
        silent = node is None or condition(node, "Ready")[0] == "Unknown"
        found[name] = float("inf") if silent else 0.0
    return {"nodes": found, "limit_s": HEARTBEAT_LIMIT_S}


def cordons(run: Run, there: Mapping[str, Object]) -> Measure:
    """Give nodes that we cordoned, which nobody else had before, though no step of ours needs it (G-23)."""
    unknown, late = [], []
    busy = {
        o.command.node for o in run.open.values() if o.command.name is not Name.SOAK
    }  # a soak is no work there
    for name, node in sorted(there.items()):
        marks = labels(node, "metadata", "annotations")
        ours = marks.get(CORDONED_BY) == run.id and marks.get(WAS_UNSCHEDULABLE) == "false"
        if not (ours and at(node, "spec", "unschedulable")):
            continue
        state = run.nodes.get(name)
        if state is not None and state.status in PAST and name not in busy:
            late.append(name)
        elif state is None or not (state.status in IN_HAND or state.status is NodeStatus.HALTED):
            unknown += [name] if name not in busy else []
    return {"unknown": unknown, "late": late}


def node_set(run: Run, there: Collection[str]) -> Measure:
    """Give nodes that joined and are not adopted, and nodes that are gone (G-26)."""
    known = {n for n, node in run.nodes.items() if node.status is not NodeStatus.GONE}
    missing = (n for n in known - set(there) if not is_replaced(run, n))
    return {"unplanned": sorted(set(there) - known), "missing": sorted(missing)}
