"""The objects on which grades S1 and S2 hang: what of each counts, and whether it is still so.

A translation writes down the state of each condition; ``recheck`` holds the states against another cluster, or the
same one later. A state is short text: two states are equal exactly if the translation may rely on either.
"""

from __future__ import annotations

import hashlib
import re
from collections.abc import Iterable, Iterator, Mapping
from dataclasses import dataclass, field, fields, is_dataclass

from translators.algebra.cidrs import BITS, Cidr, parse_cidr
from translators.ir.policy import Tier
from translators.lowering.pods import living
from translators.report import Condition, PolicyEntry
from translators.settings import Version
from translators.world import AddressPlan, World

__all__ = ["CLASSES", "HOSTS", "Broken", "Facts", "listed", "recheck", "state_of"]

PLAN, CLASSES, HOSTS = "address plan", "label classes", "host endpoints"
UNKNOWN = ""
MAX_NAMED = 3
_ANSWERED = re.compile(r"pod labels ")
_RANGES = ("pods", "nodes", "services", "api_servers")


@dataclass(frozen=True, slots=True)
class Facts:
    """What states are read from: the world, its tiers by name, the version of Cilium."""

    world: World
    tiers: Mapping[str, Tier] = field(default_factory=dict)
    cilium: Version = (0, 0)


@dataclass(frozen=True, slots=True)
class Broken:
    """A condition that no longer holds: ``how`` says in what way; ``known`` is False where nobody can tell."""

    object: str
    code: str
    policies: tuple[str, ...]
    how: str
    known: bool = True


def listed(entries: Iterable[PolicyEntry], codes: Mapping[str, str], facts: Facts) -> tuple[Condition, ...]:
    """Give the conditions of these policies by name, each once, with its code and its state now.

    A rule that holds only for the label classes present hangs on all of them together.
    """
    depending: dict[str, list[str]] = {}
    for entry in entries:
        names = [*entry.conditions, *([CLASSES] if any(map(_ANSWERED.match, entry.conditions)) else [])]
        for name in names:
            depending.setdefault(name, []).append(entry.label)
    return tuple(
        Condition(
            name, codes.get(name, "CAL-O313" if name == CLASSES else ""), tuple(labels), state_of(name, facts)
        )
        for name, labels in sorted(depending.items())
    )


def state_of(name: str, facts: Facts) -> str:
    """Give the state of a condition by its name; empty for an object that is not there, or a name nobody knows."""
    world = facts.world
    kind, _, rest = name.partition(" ")
    match name:
        case _ if name == PLAN:
            return _plan_text(world.plan)
        case _ if name == CLASSES:
            return " ".join(sorted(_classes(world)))
        case _ if name.startswith("values of label "):
            return _digest(sorted(_values(world, name.removeprefix("values of label "))))
        case _ if name.startswith("port name "):
            wanted = name.removeprefix("port name ")
            ports = {(p.protocol, p.number) for pod in world.pods for p in pod.ports if p.name == wanted}
            return _digest(sorted(ports))
        case "pod addresses":
            placed = [(p.namespace, p.name, sorted(p.labels.items()), p.addresses) for p in living(world)]
            return _digest(sorted(placed))
        case _ if name == HOSTS:
            return _digest(sorted((h.name, h.interface) for h in world.host_endpoints.values()))
        case "ServiceAccounts":
            return _digest(
                sorted(
                    (a.namespace, a.name, sorted(a.labels.items())) for a in world.service_accounts.values()
                )
            )
    match kind:
        case "Cilium":
            return ".".join(map(str, facts.cilium))
        case "Tier":
            tier = facts.tiers.get(rest)
            assumed = UNKNOWN if world.is_cluster else "Deny"
            return str(tier.default_action) if tier is not None else assumed
    found = _object(kind, rest, world)
    return UNKNOWN if found is None else _digest(_plain(found))


def _object(kind: str, name: str, world: World) -> object:
    """Give the object that a condition names, None where it is not there."""
    home, _, own = name.rpartition("/")
    match kind:
        case "Namespace":
            return world.namespaces.get(name)
        case "ServiceAccount":
            return world.service_accounts.get((home, own))
        case "NetworkSet" | "GlobalNetworkSet":
            return next((s for s in world.network_sets if (s.namespace or "", s.name) == (home, own)), None)
        case "HostEndpoint":
            return world.host_endpoints.get(name)
        case "Service":
            return world.services.get((home, own)) or ("no such service",)
        case "EndpointSlice":
            return next((s for s in world.slices if (s.namespace, s.name) == (home, own)), None)
        case "Node":
            return world.nodes.get(name)
        case "Pod":
            return next((p for p in world.pods if (p.namespace, p.name) == (home, own)), None)
    return None


def _plain(value: object) -> object:
    """Give a value without what changes while its meaning stays: the version of the object."""
    if is_dataclass(value) and not isinstance(value, type):
        return [_plain(getattr(value, f.name)) for f in fields(value) if f.name != "resource_version"]
    if isinstance(value, Mapping):
        return sorted((str(k), _plain(v)) for k, v in value.items())
    if isinstance(value, frozenset | set):
        return sorted(map(str, value))
    if isinstance(value, tuple | list) and type(value) in {tuple, list}:
        return [_plain(item) for item in value]
    return str(value)


def _digest(value: object) -> str:
    return hashlib.sha256(repr(value).encode()).hexdigest()[:12]


def _values(world: World, key: str) -> set[str]:
    """Give the values of a label as Calico's selectors name it."""
    if key.startswith("pcns."):
        key = key.removeprefix("pcns.")
        return {n.labels[key] for n in world.namespaces.values() if key in n.labels}
    if key.startswith("pcsa."):
        key = key.removeprefix("pcsa.")
        return {a.labels[key] for a in world.service_accounts.values() if key in a.labels}
    if key == "projectcalico.org/namespace":
        return set(world.namespaces)
    return {p.labels[key] for p in world.pods if key in p.labels}


def _classes(world: World) -> dict[str, str]:
    """Give each label class of the living pods by a short digest, with its words."""
    found = {}
    for pod in world.pods:
        if not (pod.host_network or pod.finished):
            labels = ", ".join(f"{k}={v}" for k, v in sorted(pod.labels.items())) or "no labels"
            found[_digest((pod.namespace, labels))[:8]] = f"{labels} in {pod.namespace}"
    return found


def _plan_text(plan: AddressPlan) -> str:
    parts = [f"{name} {','.join(map(str, getattr(plan, name)))}" for name in _RANGES if getattr(plan, name)]
    return "; ".join(parts)


def recheck(conditions: Iterable[Mapping[str, object]], facts: Facts) -> list[Broken]:
    """Give the conditions of a report (its JSON) that do not hold in these facts, in the report's order."""
    return [broken for item in conditions for broken in _rechecked(item, facts)]


def _rechecked(item: Mapping[str, object], facts: Facts) -> Iterator[Broken]:
    name, code = str(item.get("object") or ""), str(item.get("code") or "")
    listed = item.get("policies")
    policies = tuple(map(str, listed)) if isinstance(listed, list) else ()
    recorded = str(item.get("state") or "")
    if _ANSWERED.match(name):
        return
    if not recorded:
        yield Broken(name, code, policies, "the report does not say what it was", known=False)
        return
    try:
        how = _how(name, recorded, facts)
    except ValueError:
        yield Broken(name, code, policies, "the report does not say in full what it was", known=False)
        return
    if how:
        yield Broken(name, code, policies, how)


def _how(name: str, recorded: str, facts: Facts) -> str:
    """Say in what way a condition does not hold; empty where it does."""
    if name == PLAN:
        return _outside(recorded, facts.world)
    now = state_of(name, facts)
    if name == CLASSES:
        known = set(recorded.split())
        new = [words for key, words in sorted(_classes(facts.world).items()) if key not in known]
        more = f" and {len(new) - MAX_NAMED} more" if len(new) > MAX_NAMED else ""
        return f"new: {', '.join(new[:MAX_NAMED])}{more}" if new else ""
    if now == recorded:
        return ""
    if name.startswith("Cilium "):
        return f"it is {now} now"
    return "it is gone" if not now else "it has changed"


def _outside(recorded: str, world: World) -> str:
    """Name the first address of the cluster that the recorded ranges do not hold."""
    ranges: dict[str, list[Cidr]] = {}
    for part in recorded.split("; "):
        name, _, listed = part.partition(" ")
        ranges[name] = [parse_cidr(text) for text in listed.split(",") if text]
    pods = [a for p in world.pods if not p.host_network for a in p.addresses]
    for name, held in (("pods", pods), ("nodes", [a for n in world.nodes.values() for a in n.addresses])):
        known = ranges.get(name, [])
        for address in held if known else ():
            own = Cidr(address.family, address.value, BITS[address.family])
            if not any(c.family == own.family and c.first <= own.first <= c.last for c in known):
                return f"{address} is not in its {name}"
    return ""
