"""Choose, for each subject, between isolation with an allow list and no isolation at all.

Both decide alike where everything that is not denied is allowed because tiers passed it on: as an allow of everyone
beside default deny (F1), or as explicit denies that leave default deny off (F2, ``translation.md`` L4). F2 is chosen
wherever it holds, because it is smaller and safer: an allow of everyone would also open the pods to whatever some
later policy of the cluster means to keep out, and it isolates pods that Calico leaves open. It needs a target that
honours ``enableDefaultDeny``, pods that nothing else isolates (no allow list of ours, no Kubernetes policy that stays,
no Cilium policy of the cluster), and policies that select only such pods: to split the others would make the output
larger. An Allow that a rule states stays an allow list: its author meant one.
"""

from __future__ import annotations

from collections.abc import Iterable, Sequence
from dataclasses import replace

from translators.algebra.cubes import Layout
from translators.algebra.space import SideName, Space
from translators.ir.items import Compiled, Output
from translators.ir.policy import Action
from translators.passes.withhold import cut, subjects_of

__all__ = ["leave_open"]


def leave_open(space: Space, compiled: Compiled, policed: int, isolated_by_others: Sequence[int]) -> Compiled:
    """Give the direction with its open subjects in F2 form; ``policed`` is the cube of all policed traffic.

    ``isolated_by_others``: subjects that policies which stay isolate.
    """
    layout = space.layout
    own = space.subject.mask | sum(f.mask for f in space.fields if f.name[0] == SideName.SUBJECT)
    passed = [c for o in compiled.allows if _is_passed(o) for c in o.cubes if c | own == policed | own]
    listed = [c for o in compiled.allows if not _is_passed(o) for c in o.cubes]
    listed += [c for o in compiled.allows if _is_passed(o) for c in o.cubes if c | own != policed | own]
    listed += [c for o in (*compiled.isolated, *compiled.denies) for c in o.cubes]
    free = _settled(layout, subjects_of(space, passed), listed, isolated_by_others)
    if not free:
        return compiled
    return replace(
        compiled,
        allows=_outside(layout, compiled.allows, free),
        isolated=_cut(layout, compiled.isolated, free),
        free=tuple(free),
    )


def _is_passed(output: Output) -> bool:
    """Say whether traffic is allowed because tiers passed it on, and not because a rule allows it."""
    rule = output.source.rule
    return rule is None or rule.action is Action.PASS


def _settled(layout: Layout, free: list[int], listed: Sequence[int], others: Sequence[int]) -> list[int]:
    """Leave out subjects that an allow, a deny or an isolation reaches without lying among them, until none does."""
    while free:
        crossing = [c for c in listed if layout.meet([c], free) and cut(layout, [c], free)]
        kept = [f for f in free if not layout.meet([f], [*crossing, *others])]
        if len(kept) == len(free):
            break
        free = kept
    return free


def _outside(layout: Layout, outputs: Iterable[Output], free: Sequence[int]) -> tuple[Output, ...]:
    """Drop the allows of open subjects: nothing has to be allowed there."""
    kept = (replace(o, cubes=tuple(c for c in o.cubes if cut(layout, [c], free))) for o in outputs)
    return tuple(o for o in kept if o.cubes)


def _cut(layout: Layout, outputs: Iterable[Output], free: Sequence[int]) -> tuple[Output, ...]:
    left = (replace(o, cubes=tuple(cut(layout, o.cubes, free))) for o in outputs)
    return tuple(o for o in left if o.cubes)
