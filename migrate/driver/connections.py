"""Connections that probe pods hold from before the first change to the end of the run (G-28).

Each node's pod holds one to that of the next node, in a ring. A pod that is made anew with its node takes what it noted along,
so that is written down before; what ends with a pod of ours is no end that anybody else would feel, and does not count.
"""

from __future__ import annotations

from collections.abc import Iterable, Mapping
from dataclasses import asdict
from typing import Any

from migrate.driver.artefacts import artefact, read_json
from migrate.driver.deeds import Workshop
from migrate.model.run import OUT, NodeStatus, Run
from migrate.ports import Held

__all__ = ["hold", "measured", "note"]

MOVING = OUT | {NodeStatus.ROLLING_BACK}
"""States of a node in hand: what its own pod felt then, a drained node has nobody else to feel."""


def _ring(run: Run) -> dict[str, str]:
    """Give to whose pod each node's pod holds; a cluster of one node holds none."""
    names = [n for n, node in sorted(run.nodes.items()) if node.status is not NodeStatus.GONE]
    return dict(zip(names, [*names[1:], *names[:1]], strict=True)) if len(names) > 1 else {}


def _wanted(work: Workshop) -> bool:
    return work.plan.draft.settings.gates.long_lived


def hold(work: Workshop, node: str = "") -> None:
    """See to the connections that touch a node, without one to all."""
    if _wanted(work):
        pairs = {s: t for s, t in _ring(work.run).items() if not node or node in {s, t}}
        work.ports.prober.hold(pairs)


def note(work: Workshop, node: str, *, leaves: bool = False) -> None:
    """Write down what a node's pod noted; ``leaves``: the pod is about to be made anew."""
    if _wanted(work):
        _kept(work, node, work.ports.prober.held([node])[node], leaves=leaves)


def _kept(work: Workshop, node: str, held: Held | None, *, leaves: bool = False) -> dict[str, Any]:
    """Put what a pod noted to what is written of its node, and give all of it.

    ``spans`` are the times since which a pod held, with how many ends are written already; one that is not ``moved`` was over
    without us, with all that it had noted.
    """
    name = f"evidence/{node}/connections.json"
    before = read_json(work, name) or {"spans": [], "cuts": []}
    spans, cuts = [dict(s) for s in before["spans"]], [dict(c) for c in before["cuts"]]
    if held is not None:
        if not spans or spans[-1]["since"] != held.since:
            spans.append({"since": held.since, "noted": 0, "moved": False})
        in_hand = leaves and work.run.nodes[node].status in MOVING
        cuts += [{**asdict(c), "moved": in_hand} for c in held.cuts[spans[-1]["noted"] :]]
        spans[-1]["noted"] = len(held.cuts)
    if leaves and spans:
        spans[-1]["moved"] = True
    kept = {"spans": spans, "cuts": cuts}
    if kept != before:
        artefact(work, name, kept)
    return kept


def measured(work: Workshop) -> Mapping[str, Any]:
    """Give what ended of all that was held, without what ended with a pod that was made anew, or left with its node."""
    if not _wanted(work):
        return {"cuts": None}
    names = list(_ring(work.run))
    found = work.ports.prober.held(names)
    kept = {name: _kept(work, name, found[name]) for name in names}
    pods = {name: held.pod for name, held in found.items() if held is not None}
    counted = {name: [c for c in kept[name]["cuts"] if not _explained(c, pods)] for name in names}
    return {
        "cuts": {name: len(cuts) for name, cuts in counted.items()},
        "ended": [f"{c['at']} {n} → {c['target']}: {c['how']}" for n, cuts in counted.items() for c in cuts],
        "moved": {n: m for n in names if (m := len(kept[n]["cuts"]) - len(counted[n]))},
        "blind": dict(_blind(kept, found)),
    }


def _explained(cut: Mapping[str, Any], pods: Mapping[str, str]) -> bool:
    """Say whether a pod of ours went: the one that held, as its node was in hand, or the one at the other end since then."""
    return bool(cut["moved"]) or pods.get(cut["target"]) != cut["pod"]


def _blind(
    kept: Mapping[str, Mapping[str, Any]], found: Mapping[str, Held | None]
) -> Iterable[tuple[str, str]]:
    """Give the nodes of which something is not known, and why."""
    for name, held in found.items():
        lost = [s for s in kept[name]["spans"][:-1] if not s["moved"]]
        if held is None:
            yield name, "its probe pod holds no connection"
        elif lost:
            yield name, f"what its probe pod noted from {lost[0]['since']} on is lost"
