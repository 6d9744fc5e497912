"""Turn ordered items into unordered allow and deny regions: decide, for each Deny, how to carry it out.

Only one pattern costs anything: an Allow, a Deny and a later Allow that overlap. Each such Deny is either
written out, minus earlier Allows (``whole``), or cut from every later Allow (``omit``), whichever is smaller;
without a later Allow default deny does it (``drop``). One that fits in neither form is cut from the later Allows
where pods live, and its surroundings are shut (``closed``). The choice is proved for every label set by the
obligations of ``expansion.md`` §6, not here. Algorithm: ``expansion.md`` §4, §5, §7.
"""

from __future__ import annotations

from collections.abc import Callable, Sequence
from dataclasses import dataclass, field
from typing import Protocol

from translators.algebra.cubes import Budget, Layout, join, sub
from translators.errors import BudgetExceeded
from translators.ir.items import DenyStatus, Item
from translators.ir.policy import Action
from translators.passes.closing import inhabited
from translators.settings import Limits

__all__ = ["Decided", "Growth", "Judge", "Over", "decide", "name_of"]


class Sayable(Protocol):
    """The question whether Cilium can say a cube as it stands, in an allow or in a deny."""

    def __call__(self, cube: int, *, denies: bool) -> bool:
        """Answer for one cube."""
        ...


@dataclass(frozen=True, slots=True)
class Judge:
    """What a decision needs beside the items.

    ``bucket(cube)`` gives the one namespace that the cube's subject lies in, or None; ``sayable`` says whether Cilium can say the cube as it stands; ``realised(cube)`` whether a pod and a peer that exist lie in it,
    None where no pods are known.
    """

    layout: Layout
    limits: Limits
    bucket: Callable[[int], str | None]
    sayable: Sayable
    explicit_denies: bool = False
    realised: Callable[[int], bool] | None = None


@dataclass(frozen=True, slots=True)
class Over:
    """One item that fits in no form: what to tell, whose traffic it is about, and which native Allows forced it."""

    error: BudgetExceeded
    region: tuple[int, ...]
    natives: tuple[int, ...] = ()


@dataclass(frozen=True, slots=True)
class Growth:
    """How many cubes one Deny added, and the Allows that it stood between."""

    cubes: int
    deny: int
    allows: tuple[int, ...]


@dataclass(slots=True)
class Decided:
    """Per item the cubes to allow or deny, and how each Deny was carried out.

    ``closed`` names, for each Allow that lost traffic of pods that do not exist, the Denies it was closed against.
    ``over`` holds what fits in no form; with any of it the rest means nothing. ``implicit`` are Denies that were to be
    written out and could not be: only the allow lists keep them.
    """

    allows: dict[int, list[int]]
    denies: dict[int, list[int]]
    statuses: dict[int, DenyStatus] = field(default_factory=dict)
    closed: dict[int, list[int]] = field(default_factory=dict)
    over: dict[int, Over] = field(default_factory=dict)
    implicit: list[int] = field(default_factory=list)
    largest: Growth | None = None
    sharp_calls: int = 0

    def grown(self, cubes: int, deny: int, allows: Sequence[int]) -> None:
        """Remember the Deny that cost most."""
        if cubes > 0 and (self.largest is None or cubes > self.largest.cubes):
            self.largest = Growth(cubes, deny, tuple(allows))


class _Walk:
    """The state of one direction: what each Allow still holds while Denies are worked off in order."""

    def __init__(self, items: Sequence[Item], judge: Judge) -> None:
        self.items = items
        self.judge = judge
        self.layout = judge.layout
        self.budget = Budget()
        self.over: dict[int, Over] = {}
        self.regions = self._without_passes()
        self.boxes = [_box(region) for region in self.regions]
        self.current = {
            i: list(self.regions[i])
            for i, item in enumerate(items)
            if item.action is Action.ALLOW and not item.native
        }
        self._index()

    def _without_passes(self) -> list[list[int]]:
        """Give each item minus the Passes before it in its tier."""
        result: list[list[int]] = []
        passes: dict[int, list[int]] = {}
        for index, item in enumerate(self.items):
            region: list[int] | None = list(item.region)
            if earlier := passes.get(item.tier):
                region = sub(self.layout, item.region, earlier, self.judge.limits.pass_, self.budget)
            if region is None:
                error = _over_budget(item, len(earlier or ()), 0, self.judge.limits.pass_)
                self.over[index] = Over(error, item.region)
                region = []
            if item.action is Action.PASS:
                passes.setdefault(item.tier, []).extend(region)
            result.append(region)
        return result

    def _index(self) -> None:
        """File the Allows by the one namespace of their subject; wide ones in a bucket of their own."""
        self.by_bucket: dict[str | None, list[int]] = {}
        for i, item in enumerate(self.items):
            if item.action is Action.ALLOW:
                for key in {self.judge.bucket(cube) for cube in item.region}:
                    self.by_bucket.setdefault(key, []).append(i)

    def near(self, region: Sequence[int]) -> list[int]:
        """Give the Allows that may overlap a region, ascending."""
        keys = {self.judge.bucket(cube) for cube in region}
        if None in keys:
            keys = set(self.by_bucket)
        found = {i for key in {*keys, None} for i in self.by_bucket.get(key, ())}
        return sorted(found)

    def cuttable_meets(self, k: int, region: Sequence[int], box: int) -> bool:
        """Say whether an Allow that can be cut still overlaps a Deny's region."""
        return k in self.current and self.meets(k, self.current[k], region, box)

    def opens(self, k: int, j: int, region: Sequence[int]) -> bool:
        """Say whether a policy that stays would open part of a Deny.

        One after the Deny does where they overlap; one before it where an earlier Pass has jumped over it,
        which Cilium knows nothing of.
        """
        raw = self.items[k].region
        if k < j and len(raw) == len(self.regions[k]) and set(raw) == set(self.regions[k]):
            return False
        return any(self.layout.meets(a, b) for a in raw for b in region)

    def meets(self, i: int, cubes: Sequence[int], region: Sequence[int], box: int) -> bool:
        """Say whether an Allow's cubes share a point with a Deny's region."""
        if not self.layout.meets(self.boxes[i], box):
            return False
        return any(self.layout.meets(a, b) for a in cubes for b in region)


def decide(items: Sequence[Item], judge: Judge) -> Decided:
    """Give the unordered form of one direction's items; ``over`` names what fits in no form within the limits.

    Raises ``BudgetExceeded`` (CAL-O314) where the direction as a whole is over its limits.
    """
    walk = _Walk(items, judge)
    decided = Decided(walk.current, {}, over=walk.over)
    for j, item in enumerate(items):
        if item.action is Action.DENY and walk.regions[j]:
            status = _decide_one(walk, j, decided)
            if status is not None:
                decided.statuses[j] = status
    decided.sharp_calls = walk.budget.calls
    cubes = sum(len(c) for c in (*decided.allows.values(), *decided.denies.values()))
    if cubes > judge.limits.cubes:
        raise _too_much(len(decided.denies), len(decided.allows), judge.limits.cubes, "cubes")
    return decided


def _decide_one(walk: _Walk, j: int, decided: Decided) -> DenyStatus | None:
    region, box = walk.regions[j], walk.boxes[j]
    near = walk.near(region)
    cuttable = [k for k in near if k > j and walk.cuttable_meets(k, region, box)]
    natives = [k for k in near if walk.items[k].native and walk.opens(k, j, region)]
    if not cuttable and not natives:
        return DenyStatus.DROP
    early = [i for i in near if i < j and walk.meets(i, walk.regions[i], region, box)]
    end = walk.items[j].end_of_tier
    if not early and not end and _sayable(walk, region, denies=True):
        decided.denies[j] = list(region)
        return DenyStatus.PLAIN
    for factor in (1, walk.judge.limits.retry):
        status = _choose(walk, j, _Around(early, cuttable, natives, factor), decided)
        if status is not None:
            return status
    if not natives and _close(walk, j, cuttable, decided):
        return DenyStatus.CLOSED
    most = walk.judge.limits.deny * walk.judge.limits.retry
    error = _over_budget(walk.items[j], len(early), len(cuttable) + len(natives), most)
    decided.over[j] = Over(error, tuple(region), tuple(natives))
    return None


@dataclass(frozen=True, slots=True)
class _Around:
    """The Allows before and after one Deny, and by how much the caps are widened."""

    early: list[int]
    cuttable: list[int]
    natives: list[int]
    factor: int


def _choose(walk: _Walk, j: int, around: _Around, decided: Decided) -> DenyStatus | None:
    limits = walk.judge.limits
    region, end = walk.regions[j], walk.items[j].end_of_tier
    cut = _cut(walk, region, around.cuttable, limits.rule * around.factor)
    grow = sum(len(cut[k]) - len(walk.current[k]) for k in cut) if cut is not None else None
    must_write = bool(around.natives) or (walk.judge.explicit_denies and not end)
    spoiled = cut is not None and _spoils(walk, cut)
    written = None
    if not end and (grow != 0 or must_write or spoiled):
        cap = limits.deny * around.factor
        if grow is not None and not must_write and not spoiled:
            cap = min(cap, max(1, grow))
        written = _written(walk, region, around.early, cap)
    if written is not None and (must_write or spoiled or grow is None or len(written) <= grow):
        decided.denies[j] = written
        decided.grown(len(written) - len(region), j, around.early)
        return DenyStatus.WHOLE
    if cut is None or (grow or 0) > limits.grow * around.factor:
        return None
    if around.natives:
        pieces = _inside_natives(walk, region, around, limits.deny * around.factor)
        if pieces is None:
            return None
        decided.denies[j] = pieces
    walk.current.update(cut)
    decided.grown(grow or 0, j, around.cuttable)
    if walk.judge.explicit_denies and not end:
        decided.implicit.append(j)
    return DenyStatus.OMIT


def _cut(walk: _Walk, region: list[int], later: list[int], cap: int) -> dict[int, list[int]] | None:
    result = {}
    for k in later:
        _check_budget(walk, len(later))
        rest = sub(walk.layout, walk.current[k], region, cap, walk.budget)
        if rest is None:
            return None
        result[k] = rest
    return result


def _close(walk: _Walk, j: int, later: list[int], decided: Decided) -> bool:
    """Cut a Deny from the later Allows everywhere, and keep of a large rest only what somebody can use now."""
    realised, limits = walk.judge.realised, walk.judge.limits
    if realised is None:
        return False
    cut, closed = {}, []
    for k in later:
        _check_budget(walk, len(later))
        rest = sub(walk.layout, walk.current[k], walk.regions[j], limits.rule * limits.retry, walk.budget)
        if rest is None:
            rest = inhabited(walk.layout, walk.current[k], walk.regions[j], realised, walk.budget)
            closed.append(k)
        cut[k] = rest
    if not closed:
        # Each cut fits by itself, all together do not: the largest are kept to what is in use.
        closed = later
        cut = {
            k: inhabited(walk.layout, walk.current[k], walk.regions[j], realised, walk.budget) for k in later
        }
    decided.grown(sum(len(cut[k]) - len(walk.current[k]) for k in cut), j, later)
    walk.current.update(cut)
    if walk.judge.explicit_denies and not walk.items[j].end_of_tier:
        decided.implicit.append(j)
    for k in closed:
        decided.closed.setdefault(k, []).append(j)
    return True


def _written(walk: _Walk, region: list[int], early: list[int], cap: int) -> list[int] | None:
    """Give the Deny minus earlier Allows, None if that is too large or cannot be said."""
    _check_budget(walk, len(early))
    holes = [cube for i in early for cube in walk.regions[i]]
    rest = sub(walk.layout, region, holes, cap, walk.budget)
    return rest if rest is not None and _sayable(walk, rest, denies=True) else None


def _inside_natives(walk: _Walk, region: list[int], around: _Around, cap: int) -> list[int] | None:
    """Give the pieces of a Deny that policies which stay would open: these must be written out."""
    opened = [cube for k in around.natives for cube in walk.items[k].region]
    pieces = join(walk.layout, walk.layout.meet(region, opened))
    return _written(walk, pieces, around.early, cap)


def _sayable(walk: _Walk, region: Sequence[int], *, denies: bool) -> bool:
    return all(walk.judge.sayable(cube, denies=denies) for cube in region)


def _spoils(walk: _Walk, cut: dict[int, list[int]]) -> bool:
    """Say whether cutting makes an Allow that Cilium cannot say out of one that it can."""
    return any(
        not _sayable(walk, rest, denies=False) and _sayable(walk, walk.current[k], denies=False)
        for k, rest in cut.items()
    )


def _check_budget(walk: _Walk, around: int) -> None:
    if walk.budget.calls > walk.judge.limits.sharp:
        raise _too_much(around, len(walk.current), walk.judge.limits.sharp, "subtractions")


def _too_much(early: int, later: int, most: int, what: str) -> BudgetExceeded:
    name = "sharp" if what == "subtractions" else "cubes"
    fills = {"deny": "The direction as a whole", "n": str(early), "m": str(later), "max": str(most)}
    return BudgetExceeded(
        f"the expansion needs more than {most} {what}",
        code="CAL-O314",
        fix=f"raise translate.limits.{name}",
        fills=fills,
    )


def _box(region: Sequence[int]) -> int:
    result = 0
    for cube in region:
        result |= cube
    return result


def name_of(item: Item) -> str:
    """Name an item for a reader: its policy and rule, or the end of its tier."""
    policy, rule = item.source.policy, item.source.rule
    if policy is None:
        return f"The end of tier {item.source.tier}"
    return policy.label if rule is None else f"{policy.label} {item.source.direction} rule {rule.index + 1}"


def _over_budget(item: Item, early: int, later: int, cap: int) -> BudgetExceeded:
    name = name_of(item)
    what = f"{name} between {early} earlier and {later} later Allows needs more than {cap} terms"
    fills = {"deny": name, "n": str(early), "m": str(later), "max": str(cap)}
    return BudgetExceeded(what, code="CAL-O314", fix="raise translate.limits", fills=fills)
