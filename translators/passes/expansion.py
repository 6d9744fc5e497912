"""What the expansion did to whom: which rules grew most, and which hold only for the labels that exist now.

Codes CAL-O311 and CAL-O313 of ``expansion.md`` §5; nothing here changes a region.
"""

from __future__ import annotations

from collections.abc import Iterator, Sequence

from translators.algebra.space import Space
from translators.ir.items import Grade, Item, Note, Source
from translators.passes.decide import Decided, name_of
from translators.passes.withhold import subjects_of
from translators.world import World

__all__ = ["expansion_notes"]

MANY_CUBES = 2_000
MANY_PER_ITEM = 3
MAX_NAMED = 3
MAX_CLASSES = 20


def expansion_notes(space: Space, items: Sequence[Item], decided: Decided, world: World) -> Iterator[Note]:
    """Give the notes on one direction's expansion."""
    yield from _large(space, items, decided)
    yield from _implicit(items, decided)
    classes = _classes(world) if decided.closed else []
    for k, denies in sorted(decided.closed.items()):
        against = [name_of(items[j]) for j in denies]
        fills = {"rule": name_of(items[k]), "n": len(classes), "rules": _listed(against)}
        yield Note("CAL-O313", items[k].source, Grade.S1, fills, tuple(_objects(classes)))


def _implicit(items: Sequence[Item], decided: Decided) -> Iterator[Note]:
    """Say which Denies were to be explicit and are not, because they are too large or cannot be said."""
    for j in decided.implicit:
        policy = items[j].source.policy
        if policy is not None:
            fills = {"subject": f"pods of {policy.label}", "objects": "any policy to come"}
            yield Note("CAL-O309", items[j].source, fills=fills)


def _large(space: Space, items: Sequence[Item], decided: Decided) -> Iterator[Note]:
    """Say where most of a large output comes from: from the Deny that added most cubes."""
    cubes = [c for listed in (*decided.allows.values(), *decided.denies.values()) for c in listed]
    grown = decided.largest
    if grown is None or (len(cubes) < MANY_CUBES and len(cubes) < MANY_PER_ITEM * len(items)):
        return
    allows = [items[k] for k in grown.allows]
    owner = next((i.source for i in (items[grown.deny], *allows) if i.source.policy is not None), None)
    if owner is None:
        return
    fills = {
        "n": len(subjects_of(space, cubes)),
        "m": len(cubes),
        "k": len(items),
        "rule": name_of(items[grown.deny]),
        "rules": _listed([name_of(a) for a in allows]),
    }
    yield Note("CAL-O311", Source(owner.policy, owner.direction, owner.rule, owner.tier), fills=fills)


def _classes(world: World) -> list[tuple[str, tuple[tuple[str, str], ...]]]:
    """Give the namespaces and label sets of the pods that exist, each once."""
    pods = (p for p in world.pods if not (p.host_network or p.finished))
    return sorted({(p.namespace, tuple(sorted(p.labels.items()))) for p in pods})


def _objects(classes: Sequence[tuple[str, tuple[tuple[str, str], ...]]]) -> Iterator[str]:
    for namespace in sorted({name for name, _ in classes}):
        yield f"Namespace {namespace}"
    for namespace, labels in classes[:MAX_CLASSES]:
        text = ", ".join(f"{k}={v}" for k, v in labels) or "no labels"
        yield f"pod labels {text} in {namespace}"
    if len(classes) > MAX_CLASSES:
        yield f"pod labels of {len(classes) - MAX_CLASSES} more classes"


def _listed(names: Sequence[str]) -> str:
    different = list(dict.fromkeys(names))
    more = f" and {len(different) - MAX_NAMED} more" if len(different) > MAX_NAMED else ""
    return ", ".join(different[:MAX_NAMED]) + more
