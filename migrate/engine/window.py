"""Policies while both CNIs run (``policyInWindow: bridged``): what lets pods of Calico in, and which denies must wait.

A pod without a CiliumEndpoint has the identity ``unmanaged``: it is in the entities ``unmanaged``, ``cluster`` and
``all`` and in nothing else, so neither a selector nor a network lets it in (engine). The allowance names the entity, for
the subjects, directions and ports for which a policy lets some pod in; it is a set of objects of its own, so that it
can be taken away as a whole. A deny that lists ``unmanaged`` as part of a complement beats any allowance, so that
part of it waits until no pod of Calico is left; a deny of every pod is right in the window too.

Source of the semantics: ``gates.md`` §7.1, ``translation.md`` §6 rules 11 and 15.
"""

from __future__ import annotations

from collections.abc import Collection, Iterable, Iterator, Mapping, Sequence
from dataclasses import dataclass, replace
from typing import Any

from migrate.engine.sides import (
    PREFIXES,
    UNMANAGED,
    Network,
    Object,
    Side,
    path_of,
    rules_of,
    sides_of,
    sides_of_rule,
)
from migrate.model.fields import items, mapping, maps, text

__all__ = ["ALLOWANCE", "Pods", "allowance_of", "as_cilium", "defeating", "lacking", "without_unmanaged"]

ALLOWANCE = "c2c/window-allowance"
"""Label of the allowance; the run writes its own id as the value."""
MAX_PORTS = 40


@dataclass(frozen=True, slots=True)
class Pods:
    """What is known of the cluster's pods: ``ranges`` where the target's CIDR rules match pods (else none).

    ``named_ports`` maps (name, protocol) to the numbers that pods give it; None: no pod is known.
    """

    ranges: Sequence[Network] = ()
    named_ports: Mapping[tuple[str, str], Collection[int]] | None = None


def allowance_of(
    objects: Sequence[Object], kept: Iterable[Object] = (), pods: Pods | None = None
) -> tuple[Object, ...]:
    """Give the objects that let pods of Calico in, where these policies let some pod in.

    ``kept`` are native NetworkPolicies that Cilium enforces beside them. What an element lets in already needs none. In
    egress, names of ports are written as the numbers that pods give them: the identity ``unmanaged`` has no ports,
    so Cilium resolves no name for it (engine).
    """
    every, known = sides_of(objects), pods or Pods()
    taken = {path_of(item) for item in objects}
    found = []
    for item in [*objects, *(as_cilium(policy) for policy in kept)]:
        rules = [rule for rule in (_allowed(item, r, every, known) for r in rules_of(item)) if rule]
        if rules:
            found.append(_window_object(item, rules, taken))
    return tuple(found)


def _allowed(item: Object, rule: Object, every: Sequence[Side], pods: Pods) -> Object | None:
    sections: dict[str, list[Object]] = {}
    for side in sides_of_rule(item, rule):
        if side.deny or side.reaches_unmanaged or not side.may_match_pods(pods.ranges):
            continue
        if any(not s.deny and s.reaches_unmanaged and s.at_least(side) for s in every):
            continue
        traffic = _traffic(side, pods)
        if traffic is None:
            continue
        element = {f"{side.peers}Entities": [UNMANAGED], **traffic}
        if element not in sections.setdefault(side.direction, []):
            sections[side.direction].append(element)
    if not sections:
        return None
    whom = {k: rule[k] for k in ("endpointSelector", "nodeSelector", "enableDefaultDeny") if k in rule}
    return {**whom, **{d: sections[d] for d in PREFIXES if d in sections}}


def _traffic(side: Side, pods: Pods) -> Object | None:
    """Give the ports and ICMP types of an element; None where its names of ports are no pod's."""
    found = {k: side.element[k] for k in ("toPorts", "icmps") if side.element.get(k)}
    if side.direction == "ingress" or pods.named_ports is None or "toPorts" not in found:
        return found
    rules = [_numbered(rule, pods.named_ports) for rule in maps(found, "toPorts")]
    kept = [rule for rule in rules if rule["ports"]]
    return {**found, "toPorts": kept} if kept else None


def _numbered(rule: Object, named: Mapping[tuple[str, str], Collection[int]]) -> dict[str, Any]:
    ports: list[Object] = []
    for port in maps(rule, "ports"):
        name, protocol = text(port, "port"), text(port, "protocol", default="TCP")
        if name.isdigit():
            ports.append(port)
        else:
            numbers = sorted(named.get((name, protocol), ()))
            ports += [{**port, "port": str(number)} for number in numbers]
    return {**rule, "ports": ports}


def _window_object(item: Object, rules: list[Object], taken: set[str], suffix: str = "window") -> Object:
    """Give an object beside another one, with a name of its own."""
    metadata = mapping(item, "metadata")
    name = f"{text(metadata, 'name')}-{suffix}"
    number = 1
    while "/".join((*path_of(item).split("/")[:-1], name)) in taken:
        number += 1
        name = f"{text(metadata, 'name')}-{suffix}-{number}"
    kept = {key: metadata[key] for key in ("namespace", "annotations") if key in metadata}
    labels = {**mapping(metadata, "labels")} | ({ALLOWANCE: ""} if suffix == "window" else {})
    made: dict[str, Any] = {
        "apiVersion": text(item, "apiVersion"),
        "kind": text(item, "kind"),
        "metadata": {"name": name, **kept, "labels": labels},
        **({"spec": rules[0]} if len(rules) == 1 else {"specs": rules}),
    }
    taken.add(path_of(made))
    return made


def as_cilium(policy: Object) -> Object:
    """Give a native NetworkPolicy as far as the allowance asks: whom it selects, and on which ports it lets pods in."""
    spec, metadata = mapping(policy, "spec"), mapping(policy, "metadata")
    rule: dict[str, Any] = {"endpointSelector": dict(mapping(spec, "podSelector"))}
    for direction, prefix in PREFIXES.items():
        elements = [e for r in maps(spec, direction) for e in _native_elements(r, prefix)]
        if elements:
            rule[direction] = elements
    return {
        "apiVersion": "cilium.io/v2",
        "kind": "CiliumNetworkPolicy",
        "metadata": {
            "name": text(metadata, "name"),
            "namespace": text(metadata, "namespace", default="default"),
            "labels": {"app.kubernetes.io/managed-by": "c2c"},
        },
        "spec": rule,
    }


def _native_elements(rule: Object, prefix: str) -> Iterator[Object]:
    """Give the elements of a native rule that name pods, or nobody at all, which is everybody."""
    peers = list(maps(rule, prefix))
    if peers and all("ipBlock" in peer for peer in peers):
        return
    whom: Object = {f"{prefix}Endpoints": [{}]} if peers else {f"{prefix}Entities": ["all"]}
    ports = [_native_port(port) for port in maps(rule, "ports")]
    for start in range(0, max(1, len(ports)), MAX_PORTS):
        part = ports[start : start + MAX_PORTS]
        limit = {"toPorts": [{"ports": part}]} if part else {}
        yield {**whom, **limit}


def _native_port(port: Object) -> Object:
    found = {"port": text(port, "port", default="0"), "protocol": text(port, "protocol", default="TCP")}
    return {**found, "endPort": port["endPort"]} if "endPort" in port else found


def defeating(objects: Sequence[Object]) -> list[Side]:
    """Give the denies that would drop pods of Calico although some pod may pass: parts of a complement.

    A deny is right in the window where every pod is denied the same traffic, by it or by others of its subject.
    """
    denies = [side for side in sides_of(objects) if side.deny]
    return [
        side
        for side in denies
        if side.includes_unmanaged and not any(d.covers_every_pod and d.at_least(side) for d in denies)
    ]


def without_unmanaged(objects: Sequence[Object]) -> tuple[list[Object], list[Object]]:
    """Give these objects without their defeating denies of ``unmanaged``, and those denies as objects of their own.

    Together they say what they said; the second list waits for P8. A direction that loses its last element stays
    isolated.
    """
    wrong = {(side.object, id(side.element)) for side in defeating(objects)}
    taken = {path_of(item) for item in objects}
    staged: list[Object] = []
    waiting: list[Object] = []
    for item in objects:
        parts = [_parted(item, rule, wrong) for rule in rules_of(item)]
        later = [rest for _, rest in parts if rest]
        if later:
            waiting.append(_window_object(item, later, taken, "unmanaged"))
            body = {k: v for k, v in item.items() if k not in {"spec", "specs"}}
            rules = [rule for rule, _ in parts]
            staged.append({**body, **({"spec": rules[0]} if len(rules) == 1 else {"specs": rules})})
        else:
            staged.append(item)
    return staged, waiting


def _parted(item: Object, rule: Object, wrong: set[tuple[str, int]]) -> tuple[Object, Object | None]:
    now, later = dict(rule), dict[str, Any]()
    for direction, prefix in PREFIXES.items():
        section = f"{direction}Deny"
        if not any((path_of(item), id(e)) in wrong for e in maps(rule, section)):
            continue
        stay: list[Object] = []
        for element in maps(rule, section):
            if (path_of(item), id(element)) not in wrong:
                stay.append(element)
                continue
            field = f"{prefix}Entities"
            rest = [e for e in items(element, field) if e != UNMANAGED]
            stay += [{**element, field: rest}] if rest else []
            later.setdefault(section, []).append({**element, field: [UNMANAGED]})
        now[section] = stay
        if not stay:
            del now[section]
            now.setdefault(direction, [{}])
    if not later:
        return rule, None
    return now, {
        k: rule[k] for k in ("endpointSelector", "nodeSelector", "enableDefaultDeny", "log") if k in rule
    } | later


def lacking(objects: Sequence[Object], allowance: Sequence[Object], pods: Pods | None = None) -> list[Side]:
    """Give the allows for pods that no allow of ``unmanaged`` goes with: there pods of Calico would be dropped."""
    known = pods or Pods()
    allows = [side for side in sides_of([*objects, *allowance]) if not side.deny]
    open_ = [side for side in allows if side.reaches_unmanaged]
    return [
        side
        for side in allows
        if not side.reaches_unmanaged
        and side.may_match_pods(known.ranges)
        and (wanted := _wanted(side, known)) is not None
        and not any(o.at_least(wanted) for o in open_)
    ]


def _wanted(side: Side, pods: Pods) -> Side | None:
    """Give the element with its ports as numbers; None where nothing is meant."""
    traffic = _traffic(side, pods)
    plain = {k: v for k, v in side.element.items() if k not in {"toPorts", "icmps"}}
    return None if traffic is None else replace(side, element={**plain, **traffic})
