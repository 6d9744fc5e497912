"""What a policy's author should know of each rule beyond its region: codes, and what a grade depends on.

A grade says for how long the translation is exact: networks hang on the address plan, text matches and labels
of service accounts on what exists now (``translation.md`` §5). Nothing here changes a region.
"""

from __future__ import annotations

from collections.abc import Iterator, Mapping, Sequence

from translators.algebra.cidrs import Cidr, overlaps
from translators.algebra.space import AddressAtom, AtomKind, Space
from translators.flows import Direction
from translators.ir.items import Grade, Note, ScopedPeer, ScopedPolicy, Source
from translators.ir.policy import Entity, Policy, PolicyKind, Rule
from translators.lowering.addresses import Addresses
from translators.lowering.keys import Home, home_of, leaves, pod_can_carry
from translators.selectors.ast import All, And, Compare, Has, In, Node, Not, Or
from translators.selectors.evaluate import matches
from translators.world import World

__all__ = ["endpoints_of", "rule_remarks", "subject_remarks"]

_TEXT = frozenset({"contains", "starts with", "ends with"})
PLAN = "address plan"


Endpoints = Mapping[str, Sequence[Mapping[str, str]]]
"""The distinct label sets of the pods that exist, by namespace."""


def subject_remarks(
    scoped: ScopedPolicy, source: Source, world: World, endpoints: Endpoints
) -> Iterator[Note]:
    """Give the notes on whom a policy selects; ``endpoints`` is empty where no pods are known."""
    policy = scoped.policy
    yield from _selector(scoped.subject, source, world)
    rewritten = policy.namespace_selector is not None or policy.account_selector is not None
    if policy.namespace is None and rewritten and "all()" in policy.selector_text:
        yield Note("CAL-S214", source)
    if endpoints and not _selects_any(scoped, endpoints):
        yield Note("CAL-S207", source, fills={"selector": policy.selector_text or "all()"})


def rule_remarks(
    rule: Rule,
    peers: tuple[ScopedPeer, ScopedPeer],
    source: Source,
    facts: tuple[Space, World, Addresses],
) -> Iterator[Note]:
    """Give the notes on one rule: its selectors, networks, accounts and protocol."""
    space, world, addresses = facts
    policy = source.policy
    if policy is None:
        return
    ingress = source.direction is Direction.INGRESS
    own, other = (rule.destination, rule.source) if ingress else (rule.source, rule.destination)
    for peer in peers:
        for node in (peer.positive, peer.negative):
            if node is not None:
                yield from _selector(node, source, world)
    if own.selector is not None or own.not_selector is not None or own.namespace_selector is not None:
        yield Note("CAL-S213", source, fills={"selector": "its own side of the rule"})
    scoped = peers[0] if ingress else peers[1]
    if policy.kind.is_calico:
        yield from _scope(policy, other, scoped, source)
    elif policy.kind is not PolicyKind.KUBERNETES_NETWORK_POLICY and scoped.positive is not None:
        yield from _sets_reached(scoped.positive, source, addresses)
    yield from _networks(other, source, space, addresses)
    yield from _services(other, source, world)
    yield from _traffic(rule, source)


def _selector(node: Node, source: Source, world: World) -> Iterator[Note]:
    for leaf in leaves(node):
        home, name = home_of(leaf.key)
        text = _written(leaf)
        if isinstance(leaf, Compare) and leaf.op in _TEXT:
            fills = {"op": leaf.op, "values": "the values known", "choice": "not matched"}
            yield Note("CAL-S203", source, Grade.S1, fills, (f"values of label {leaf.key}",))
        if home is Home.ACCOUNT_LABEL:
            listed = sorted(f"ServiceAccount {ns}/{n}" for ns, n in world.service_accounts)
            shown = tuple(listed[:20]) or ("ServiceAccounts",)
            yield Note("CAL-S205", source, Grade.S1, {"accounts": ", ".join(shown[:5])}, shown)
        elif home in {Home.LABEL, Home.NAMESPACE_LABEL} and not _possible(leaf, name):
            yield Note("CAL-S206", source, fills={"literal": text, "bool": matches(leaf, {})})
    yield from _without_label(node, source)


def _without_label(node: Node, source: Source) -> Iterator[Note]:
    """Name the literals on pod labels that are true where the label is missing, unless ``has`` stands beside."""
    for leaf, negated, present in _literals(node, negated=False, present=frozenset()):
        absent_too = matches(leaf, {}) is not negated
        if not isinstance(leaf, Has) and absent_too and leaf.key not in present:
            if home_of(leaf.key).home is Home.LABEL:
                text = f"!({_written(leaf)})" if negated else _written(leaf)
                yield Note("CAL-S212", source, fills={"literal": text, "key": leaf.key})


def _literals(
    node: Node, *, negated: bool, present: frozenset[str]
) -> Iterator[tuple[Has | Compare | In, bool, frozenset[str]]]:
    """Give every literal with its polarity and the keys that its conjunction demands."""
    match node:
        case Not(operand):
            yield from _literals(operand, negated=not negated, present=present)
        case And(operands) | Or(operands):
            joint = isinstance(node, And) is not negated
            demanded = {p.key for p in operands if isinstance(p, Has)} if joint and not negated else set()
            for part in operands:
                yield from _literals(part, negated=negated, present=present | demanded)
        case Has() | Compare() | In():
            yield node, negated, present


def _possible(leaf: Has | Compare | In, name: str) -> bool:
    if not pod_can_carry(name):
        return False
    match leaf:
        case Compare(_, op, value) if op not in _TEXT:
            return pod_can_carry(name, value)
        case In(_, values, _):
            return all(pod_can_carry(name, value) for value in values)
    return True


def _written(leaf: Has | Compare | In) -> str:
    match leaf:
        case Has(key):
            return f"has({key})"
        case Compare(key, op, value):
            return f"{key} {op} '{value}'"
        case In(key, values, negated):
            listed = ", ".join(f"'{v}'" for v in sorted(values))
            return f"{key} {'not in' if negated else 'in'} {{{listed}}}"


def _scope(policy: Policy, entity: Entity, scoped: ScopedPeer, source: Source) -> Iterator[Note]:
    is_global = policy.kind is PolicyKind.GLOBAL_NETWORK_POLICY
    if scoped.negative is not None:
        yield Note("CAL-S210", source)
    elif entity.not_selector is not None and entity.selector is None and not is_global:
        yield Note("CAL-S209", source)
    reaches_all = scoped.positive is not None and matches(scoped.positive, {})
    if reaches_all and entity.namespace_selector is not None and entity.namespace_selector != All():
        yield Note("CAL-S208", source, fills={"selector": "the namespaceSelector"})
    if reaches_all and entity.account_selector is not None:
        yield Note("CAL-S215", source, fills={"selector": "the account selector"})
    if is_global and entity.account_names and entity.namespace_selector is None:
        yield Note("CAL-N419", source)


def _sets_reached(node: Node, source: Source, addresses: Addresses) -> Iterator[Note]:
    """A ``namespaces`` peer of a cluster-wide Kubernetes policy is true of network sets too."""
    names = [f"{s.namespace}/{s.name}" if s.namespace else s.name for s in addresses.selected_sets(node)]
    names += [h.name for h in addresses.selected_hosts(node)]
    if names:
        name = source.policy.name if source.policy else ""
        yield Note("CAL-K710", source, fills={"name": name, "sets": ", ".join(names[:5])})


def _networks(entity: Entity, source: Source, space: Space, addresses: Addresses) -> Iterator[Note]:
    """Networks are exact while the address plan is what it is; a whole family needs none."""
    for net in entity.nets:
        if net.length == 0:
            continue
        held = addresses.inside([net])
        yield Note("", source, Grade.S1, objects=(PLAN,))
        if addresses.is_unplaced(net):
            fills = {"object": "The address plan", "path": net}
            yield Note("CAL-P115", source, Grade.S1, fills, (PLAN,))
        yield from _renumbered(net, source, addresses)
        fills = {"cidr": net, "n": "all", "m": "all"}
        for code, kind in (("CAL-N402", AtomKind.POD), ("CAL-N403", AtomKind.REMOTE)):
            bits = _of_kind(space, kind)
            if bits and held & bits == bits:
                yield Note(code, source, Grade.S1, fills, (PLAN,))
        if held & space.peer.where(lambda a: isinstance(a, AddressAtom) and a.api_server):
            yield Note("CAL-N421", source, Grade.S1, fills, (PLAN,))
    if entity.not_nets:
        yield Note("", source, Grade.S1, objects=(PLAN,))
        yield Note("CAL-N418", source, fills={"cidr": ", ".join(map(str, entity.not_nets))})


def _renumbered(net: Cidr, source: Source, addresses: Addresses) -> Iterator[Note]:
    """Say that a network means pods whose range changes with the migration."""
    plan = addresses.plan
    if plan.cilium_pods and overlaps([net.interval], (c.interval for c in plan.pods)):
        fills = {"cidr": net, "new": ", ".join(map(str, plan.cilium_pods))}
        yield Note("CAL-N420", source, Grade.S1, fills, (PLAN,))


def _services(entity: Entity, source: Source, world: World) -> Iterator[Note]:
    """A Service's own address is translated before any policy is asked, on both sides."""
    for net in entity.nets:
        if any(
            s.family == net.family and s.first <= net.first and net.last <= s.last
            for s in world.plan.services
        ):
            yield Note("CAL-N404", source, fills={"cidr": net})


def _of_kind(space: Space, kind: AtomKind) -> int:
    return space.peer.where(lambda a: isinstance(a, AddressAtom) and a.kind is kind and bool(a.intervals))


def _traffic(rule: Rule, source: Source) -> Iterator[Note]:
    if rule.protocol in {1, 58} and rule.icmp is None and rule.not_icmp is None:
        yield Note("CAL-L503", source, fills={"n": 7, "form": ""})
    if rule.not_icmp is not None:
        yield Note("CAL-L512", source)
    if rule.protocol == 132:
        yield Note("CAL-L506", source)
    if len(rule.destination.ports) > 40:
        yield Note("CAL-L511", source, fills={"n": len(rule.destination.ports), "m": 2})


def _selects_any(scoped: ScopedPolicy, endpoints: Endpoints) -> bool:
    namespace = scoped.policy.namespace
    near = endpoints.values() if namespace is None else [endpoints.get(namespace, ())]
    return any(matches(scoped.subject, labels) for listed in near for labels in listed)


def endpoints_of(world: World) -> Endpoints:
    """Give the label sets that Calico sees on the pods of a cluster, each once; nothing without a cluster."""
    found: dict[str, dict[frozenset[tuple[str, str]], Mapping[str, str]]] = {}
    for pod in world.pods if world.is_cluster else ():
        namespace = world.namespaces.get(pod.namespace)
        account = world.service_accounts.get((pod.namespace, pod.service_account))
        key = frozenset({*pod.labels.items(), ("", pod.service_account)})
        if key in found.setdefault(pod.namespace, {}):
            continue
        found[pod.namespace][key] = {
            **{f"pcns.{k}": v for k, v in (namespace.labels if namespace else {}).items()},
            **{f"pcsa.{k}": v for k, v in (account.labels if account else {}).items()},
            "pcns.projectcalico.org/name": pod.namespace,
            "pcsa.projectcalico.org/name": pod.service_account,
            **pod.labels,
            "projectcalico.org/namespace": pod.namespace,
            "projectcalico.org/serviceaccount": pod.service_account,
            "projectcalico.org/orchestrator": "k8s",
        }
    return {name: list(sets.values()) for name, sets in found.items()}
