"""Brute force for the lemmas: the right unordered forms are never wrong, the naive ones often.

Written from the text of ``translation.md`` §2 alone; it shares no code with ``translators``. A world is small:
3 subjects × 4 peers × 2 ports, one to three tiers, up to three policies each, up to three rules each. A region is
a set of (subject, peer, port) points.
"""

from __future__ import annotations

import random
from collections.abc import Callable
from dataclasses import dataclass
from itertools import product

SUBJECTS, PEERS, PORTS = range(3), range(4), range(2)
POINTS = frozenset(product(SUBJECTS, PEERS, PORTS))
Region = frozenset[tuple[int, int, int]]


@dataclass(frozen=True)
class Rule:
    action: str
    region: Region


@dataclass(frozen=True)
class Policy:
    subjects: frozenset[int]
    rules: tuple[Rule, ...]
    native: bool = False


@dataclass(frozen=True)
class Tier:
    policies: tuple[Policy, ...]
    passes: bool


World = tuple[Tier, ...]


def some(rng: random.Random, values: range) -> frozenset[int]:
    return frozenset(v for v in values if rng.random() < 0.5) or frozenset({rng.choice(values)})


def policy(rng: random.Random) -> Policy:
    subjects = some(rng, SUBJECTS)
    rules = []
    for _ in range(rng.randint(0, 3)):
        peers, ports = some(rng, PEERS), some(rng, PORTS)
        region = frozenset(product(subjects, peers, ports))
        rules.append(Rule(rng.choice(["Allow", "Allow", "Deny", "Pass"]), region))
    return Policy(subjects, tuple(rules))


def native(rng: random.Random) -> Policy:
    made = policy(rng)
    return Policy(made.subjects, tuple(Rule("Allow", r.region) for r in made.rules), native=True)


def world(rng: random.Random, *, natives: bool = False) -> World:
    tiers = []
    for _ in range(rng.randint(1, 3)):
        members = [policy(rng) for _ in range(rng.randint(0, 3))]
        tiers.append(Tier(tuple(members), rng.random() < 1 / 3))
    if natives:
        place = rng.randrange(len(tiers))
        old = list(tiers[place].policies)
        slot = rng.randint(0, len(old))
        kept = [native(rng) for _ in range(rng.randint(1, 2))]
        tiers[place] = Tier((*old[:slot], *kept, *old[slot:]), passes=False)
    return tuple(tiers)


def truth(tiers: World) -> Region:
    """Walk every point as Calico does: what is allowed."""
    return frozenset(point for point in POINTS if _walk(tiers, point))


def _walk(tiers: World, point: tuple[int, int, int]) -> bool:
    for tier in tiers:
        members = [p for p in tier.policies if point[0] in p.subjects]
        if not members:
            continue
        action = next((r.action for p in members for r in p.rules if point in r.region), None)
        if action in {"Allow", "Deny"}:
            return action == "Allow"
        if action is None and not tier.passes:
            return False
    return True


@dataclass(frozen=True)
class Item:
    """One rule or end of tier: its region as matched, what may reach it, and where it stands."""

    action: str
    region: Region
    match: Region
    tier: int
    native: bool = False


def walk(tiers: World) -> tuple[list[Item], Region, Region]:
    """Give the effective regions in order, the residual that the profile allows, and who is selected."""
    items: list[Item] = []
    entry: set[tuple[int, int, int]] = set(POINTS)
    for index, tier in enumerate(tiers):
        selected = {s for p in tier.policies for s in p.subjects}
        inside = {point for point in entry if point[0] in selected}
        rest, passed = set(inside), set(entry) - inside
        for member in tier.policies:
            for rule in member.rules:
                hit = frozenset(rest & rule.region)
                rest -= hit
                items.append(Item(rule.action, hit, frozenset(rule.region & inside), index, member.native))
                if rule.action == "Pass":
                    passed |= hit
        if tier.passes:
            passed |= rest
        else:
            items.append(Item("End", frozenset(rest), frozenset(rest), index))
        entry = passed
    everyone = {s for tier in tiers for p in tier.policies for s in p.subjects}
    return items, frozenset(entry), frozenset(p for p in POINTS if p[0] in everyone)


def decide(allow: set[tuple[int, int, int]], deny: set[tuple[int, int, int]], isolated: Region) -> Region:
    """Cilium's decision: deny wins, then allow, then default deny for whoever is isolated."""
    return frozenset(p for p in POINTS if p not in deny and (p in allow or p not in isolated))


def partition(tiers: World) -> Region:
    """L2: allow every effective Allow, deny every effective Deny."""
    items, residual, isolated = walk(tiers)
    allow = set(residual).union(*(i.region for i in items if i.action == "Allow"), set())
    deny = set().union(*(i.region for i in items if i.action in {"Deny", "End"}), set())
    return decide(allow, deny, isolated)


def deny_first(tiers: World, *, write_denies: bool = True) -> Region:
    """L3: Allows keep what earlier Denies took, so the Denies must be written."""
    items, residual, isolated = walk(tiers)
    allow, deny, allowed = set(residual), set(), set()
    for place, item in enumerate(items):
        gone = set().union(
            *(e.region for e in items[:place] if e.action == "Pass" and e.tier == item.tier), set()
        )
        if item.action == "Allow":
            allow |= item.match - gone
            allowed |= item.match - gone
        elif item.action in {"Deny", "End"}:
            deny |= item.match - gone - allowed
    return decide(allow, deny if write_denies else set(), isolated)


def allow_list(tiers: World) -> Region:
    """F1 with L2 Allow regions and no Denies: default deny does the rest."""
    items, residual, isolated = walk(tiers)
    allow = set(residual).union(*(i.region for i in items if i.action == "Allow"), set())
    return decide(allow, set(), isolated)


def explicit_denies(tiers: World) -> Region:
    """F2: no default deny, every denied region written, ends of tiers included."""
    items, _, _ = walk(tiers)
    deny = set().union(*(i.region for i in items if i.action in {"Deny", "End"}), set())
    return decide(set(), deny, frozenset())


def one_to_one(tiers: World) -> Region:
    """The naive way: each Allow and Deny as it stands, order and Pass ignored."""
    allow, deny, isolated = set(), set(), set()
    for tier in tiers:
        for member in tier.policies:
            isolated |= {p for p in POINTS if p[0] in member.subjects}
            for rule in member.rules:
                if rule.action == "Allow":
                    allow |= rule.region
                elif rule.action == "Deny":
                    deny |= rule.region
    return decide(allow, deny, frozenset(isolated))


def wrong(
    form: Callable[[World], Region], count: int, seed: int, *, natives: bool = False
) -> tuple[int, int]:
    """Count the worlds that a form gets wrong, and those in which it opens what Calico blocks."""
    rng = random.Random(seed)
    different = opened = 0
    for _ in range(count):
        tiers = world(rng, natives=natives)
        right, made = truth(tiers), form(tiers)
        different += right != made
        opened += bool(made - right)
    return different, opened


def kept_natives(tiers: World, *, write_ends: bool = True, reduce_after: bool = True) -> Region:
    """L6: Kubernetes policies stay and cannot be cut; only an explicit deny overrides them."""
    items, residual, isolated = walk(tiers)
    natives = set().union(*(r.region for t in tiers for p in t.policies if p.native for r in p.rules), set())
    after = _after_slot(tiers, items)
    allow, deny = set(residual) | natives, set()
    for place, item in enumerate(items):
        if item.action == "Allow":
            allow |= item.region if reduce_after or place not in after else item.match
        elif (item.action == "Deny" and place not in after) or (
            item.action == "End" and place not in after and write_ends
        ):
            deny |= item.region
        elif item.action in {"Deny", "End"} and place in after:
            deny |= item.region & _jumped(tiers)
    return decide(allow, deny, isolated)


def _after_slot(tiers: World, items: list[Item]) -> set[int]:
    first = next((i for i, item in enumerate(items) if item.native), len(items))
    return set(range(first, len(items)))


def _jumped(tiers: World) -> Region:
    """Give the points that a Pass before the slot lets jump over the Kubernetes policies."""
    items, _, _ = walk(tiers)
    slot = next((i for i, item in enumerate(items) if item.native), len(items))
    place = items[slot].tier if slot < len(items) else -1
    return frozenset().union(
        *(i.region for i in items[:slot] if i.action == "Pass" and i.tier == place), frozenset()
    )
