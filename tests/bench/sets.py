"""Generated clusters and policy sets whose shape can be stated: what a figure is measured on.

A set is drawn from a seed and from nothing else, so the same name gives the same bytes on every machine. What
each kind holds is told in ``docs/benchmarks.md``; what one drawing came to, ``tests.bench.facts`` counts.
"""

from __future__ import annotations

import json
import random
import sys
from collections.abc import Callable, Iterator, Mapping
from dataclasses import dataclass
from pathlib import Path
from typing import Any

import yaml

Object = dict[str, Any]
PORTS = (80, 443, 3306, 5432, 6379, 8080, 8443, 9092, 9300)
ENVS = ("prod", "staging", "dev")
TIERS = ("front", "back", "data")
POD_BASE = 10 << 24 | 64 << 16
PODS_PER_NODE = 100


@dataclass(frozen=True)
class Shape:
    """How large a set is; ``classes`` are distinct pairs of namespace and labels, ``deny`` a share of rules."""

    kind: str
    pods: int
    policies: int
    classes: int
    seed: int = 1
    deny: float | None = None

    @property
    def namespaces(self) -> int:
        """About 25 pods and at least 5 policies a namespace."""
        return max(2, min(self.pods // 25, self.policies // 5))

    @property
    def name(self) -> str:
        """Give a name that tells sets apart."""
        share = "" if self.deny is None else f"-deny{round(self.deny * 100)}"
        return f"{self.kind}-{self.pods}x{self.policies}-{self.classes}{share}"

    def words(self) -> list[str]:
        """Give the words of a command line that ``of`` reads."""
        found = [self.kind, str(self.pods), str(self.policies), str(self.classes), str(self.seed)]
        return found if self.deny is None else [*found, str(self.deny)]

    @classmethod
    def of(cls, words: list[str]) -> Shape:
        """Read KIND PODS POLICIES CLASSES SEED [DENY]."""
        kind, pods, policies, classes, seed, *deny = words
        return cls(kind, int(pods), int(policies), int(classes), int(seed), float(deny[0]) if deny else None)


@dataclass(frozen=True)
class InputSet:
    """Policies and tiers on one side, the cluster that they live in on the other, as plain objects."""

    shape: Shape
    policies: list[Object]
    cluster: list[Object]

    def write(self, folder: Path) -> tuple[Path, Path]:
        """Write policies as YAML and the cluster as a snapshot, one item a line; give both paths."""
        cluster = folder / "cluster"
        cluster.mkdir(parents=True, exist_ok=True)
        policies = folder / "policies.yaml"
        with policies.open("w", encoding="utf-8") as stream:
            yaml.dump_all(self.policies, stream, Dumper=yaml.CSafeDumper, sort_keys=False)
        by_kind: dict[tuple[str, str], list[Object]] = {}
        for item in self.cluster:
            by_kind.setdefault((item["apiVersion"], item["kind"]), []).append(item)
        for (version, kind), items in by_kind.items():
            lines = ",\n".join(json.dumps(item) for item in items)
            text = f'{{"apiVersion": "{version}", "kind": "{kind}List", "items": [\n{lines}\n]}}\n'
            (cluster / f"{kind.lower()}s.json").write_text(text, encoding="utf-8")
        return policies, cluster


def draw(shape: Shape) -> InputSet:
    """Give the set of a shape."""
    dice = random.Random(f"{shape.name}/{shape.seed}")  # repeatable, not secret
    pod_labels, policies = KINDS[shape.kind]
    return InputSet(shape, list(policies(shape, dice)), list(_cluster(shape, dice, pod_labels)))


def _cluster(
    shape: Shape, dice: random.Random, labels_of: Callable[..., Mapping[str, str]]
) -> Iterator[Object]:
    yield {"apiVersion": "projectcalico.org/v3", "kind": "IPPool", "metadata": {"name": "pods"},
           "spec": {"cidr": "10.64.0.0/10", "vxlanMode": "Always"}}  # fmt: skip
    nodes = max(3, shape.pods // PODS_PER_NODE)
    for index in range(nodes):
        address = f"10.0.{index // 250}.{index % 250 + 1}"
        yield {"apiVersion": "v1", "kind": "Node", "metadata": {"name": f"node-{index:04}"},
               "status": {"addresses": [{"type": "InternalIP", "address": address}]}}  # fmt: skip
    for index in range(shape.namespaces):
        labels = {"kubernetes.io/metadata.name": _space(index), "env": ENVS[index % 3], "team": f"team-{index % 8}",
                  **({f"n{k}": f"v{dice.randrange(4)}" for k in range(2)} if shape.kind == "adversarial" else {})}  # fmt: skip
        yield {"apiVersion": "v1", "kind": "Namespace", "metadata": {"name": _space(index), "labels": labels}}
    for index in range(shape.pods):
        labels = dict(labels_of(shape, index, dice))
        value = POD_BASE + index + 1
        address = ".".join(str(value >> shift & 255) for shift in (24, 16, 8, 0))
        yield {"apiVersion": "v1", "kind": "Pod",
               "metadata": {"name": f"pod-{index:06}", "namespace": _space(index % shape.namespaces), "labels": labels},
               "spec": {"serviceAccountName": "default", "nodeName": f"node-{index % nodes:04}",
                        "containers": [{"name": "main", "ports": [{"name": "http", "containerPort": 8080}]}]},
               "status": {"phase": "Running", "podIP": address, "podIPs": [{"ip": address}]}}  # fmt: skip


def _space(index: int) -> str:
    return f"ns-{index:04}"


def _apps(shape: Shape) -> int:
    """Give how many apps a namespace has."""
    return max(1, round(shape.classes / shape.namespaces + 0.01))


def _vocabulary(shape: Shape) -> int:
    """Give how many names of apps there are: a realistic namespace names its own, a random one draws from 20."""
    return _apps(shape) if shape.kind == "realistic" else max(20, _apps(shape))


def _app_labels(shape: Shape, index: int, dice: random.Random) -> Mapping[str, str]:
    """Give pods of one namespace their apps in turn, so that the classes come out as asked for."""
    del dice
    space, apps = index % shape.namespaces, _apps(shape)
    own = index // shape.namespaces * apps // -(-shape.pods // shape.namespaces)
    number = (own + space * apps) % _vocabulary(shape)
    return {"app": f"app-{number}", "tier": TIERS[number % 3]}


def _key_labels(shape: Shape, index: int, dice: random.Random) -> Mapping[str, str]:
    del shape, index
    return {f"k{key}": f"v{dice.randrange(4)}" for key in range(4) if dice.random() < 0.9}


def _vector_labels(shape: Shape, index: int, dice: random.Random) -> Mapping[str, str]:
    del shape, index
    return {f"b{key}": str(dice.randrange(2)) for key in range(12)}


def _policy(name: str, namespace: str | None, order: float, spec: Object, tier: str = "default") -> Object:
    metadata = {"name": name if tier == "default" else f"{tier}.{name}"}
    if namespace:
        metadata["namespace"] = namespace
    kind = "NetworkPolicy" if namespace else "GlobalNetworkPolicy"
    return {"apiVersion": "projectcalico.org/v3", "kind": kind, "metadata": metadata,
            "spec": {"tier": tier, "order": order, **spec}}  # fmt: skip


def _tier(name: str, order: float, action: str = "Deny") -> Object:
    return {"apiVersion": "projectcalico.org/v3", "kind": "Tier", "metadata": {"name": name},
            "spec": {"order": order, "defaultAction": action}}  # fmt: skip


def _ported(action: str, port: int, **ends: Object) -> Object:
    """Give a TCP rule to a port; ``source`` and ``destination`` limit its ends."""
    rule: Object = {"action": action, "protocol": "TCP"}
    if source := ends.get("source"):
        rule["source"] = source
    rule["destination"] = {**ends.get("destination", {}), "ports": [port]}
    return rule


def _realistic(shape: Shape, dice: random.Random) -> Iterator[Object]:
    """Give three tiers ending in Deny: security, platform, and each namespace's own policies."""
    yield _tier("security", 100)
    yield _tier("platform", 200)
    yield _tier("default", 1_000_000)
    listed = [*_security(dice), *_platform()]
    yield from listed
    for index in range(shape.policies - len(listed) - 1):
        yield _own(shape, dice, index)
    yield _policy("default-deny", None, 1000, {"selector": "all()", "types": ["Ingress", "Egress"]})


def _security(dice: random.Random) -> Iterator[Object]:
    metadata = {"nets": ["169.254.169.254/32"]}
    yield _policy("metadata", None, 10, {"selector": "all()", "types": ["Egress"], "egress": [
        _ported("Allow", 80, source={"selector": "app == 'app-0'"}, destination=metadata),
        {"action": "Deny", "destination": metadata}]}, "security")  # fmt: skip
    bad = [f"{dice.randrange(11, 223)}.{dice.randrange(256)}.{dice.randrange(256)}.0/24" for _ in range(20)]
    yield _policy("bad-nets", None, 20, {"selector": "all()", "types": ["Egress"], "egress": [
        {"action": "Deny", "destination": {"nets": bad}}]}, "security")  # fmt: skip
    for number, env in enumerate(ENVS):
        others = ", ".join(f"'{other}'" for other in ENVS if other != env)
        yield _policy(f"apart-{env}", None, 30 + number, {
            "namespaceSelector": f"env == '{env}'", "types": ["Ingress"], "ingress": [
                {"action": "Allow", "source": {"namespaceSelector": "team == 'team-0'", "selector": "app == 'app-0'"}},
                {"action": "Deny", "source": {"namespaceSelector": f"env in {{{others}}}"}}]}, "security")  # fmt: skip
    yield _pass_all("security")


def _platform() -> Iterator[Object]:
    yield _policy("dns", None, 10, {"selector": "all()", "types": ["Egress"], "egress": [
        {"action": "Allow", "protocol": protocol,
         "destination": {"namespaceSelector": "projectcalico.org/name == 'ns-0000'", "selector": "app == 'app-0'",
                         "ports": [53]}} for protocol in ("UDP", "TCP")]}, "platform")  # fmt: skip
    yield _policy("monitoring", None, 20, {"selector": "all()", "types": ["Ingress"], "ingress": [
        _ported("Allow", 9090, source={"namespaceSelector": "team == 'team-0'"})]}, "platform")  # fmt: skip
    yield _pass_all("platform")


def _pass_all(tier: str) -> Object:
    rules = [{"action": "Pass"}]
    return _policy("pass", None, 900, {"selector": "all()", "types": ["Ingress", "Egress"],
                                       "ingress": rules, "egress": rules}, tier)  # fmt: skip


def _own(shape: Shape, dice: random.Random, index: int) -> Object:
    """Give one policy of a namespace: one to three Allows, one in ten begins with a Deny."""
    ingress = dice.random() < 0.7
    end = "source" if ingress else "destination"

    def app() -> str:
        return f"app == 'app-{dice.randrange(_apps(shape))}'"

    def peer() -> Object:
        if dice.random() < 0.7:
            return {"selector": app()}
        other = _space(dice.randrange(shape.namespaces))
        return {"selector": app(), "namespaceSelector": f"projectcalico.org/name == '{other}'"}

    rules = [_ported("Allow", dice.choice(PORTS), **{end: peer()}) for _ in range(dice.randint(1, 3))]
    chance = dice.random()
    if chance < 0.05:
        rules.insert(0, _ported("Deny", dice.choice(PORTS)))
    elif chance < 0.1:
        rules.insert(0, {"action": "Deny", end: {"selector": app()}})
    direction = "ingress" if ingress else "egress"
    spec = {"selector": app(), "types": [direction.capitalize()], direction: rules}
    return _policy(f"p-{index:05}", _space(index % shape.namespaces), dice.randint(100, 899), spec)


def _random(shape: Shape, dice: random.Random) -> Iterator[Object]:
    """Give one tier in which orders and actions are drawn: 80 % Allow, 13 % Deny, 7 % Pass."""

    def pod_term() -> str:
        if dice.random() < 0.7:
            return f"app == 'app-{dice.randrange(_vocabulary(shape))}'"
        return f"tier == '{dice.choice(TIERS)}'"

    def peer() -> Object:
        chance = dice.random()
        if chance < 0.1:
            return {"nets": [f"{dice.choice((5, 31, 80, 151, 198))}.{dice.randrange(256)}.0.0/16"]}
        if chance < 0.4:
            key = dice.choice((f"env == '{dice.choice(ENVS)}'", f"team == 'team-{dice.randrange(8)}'"))
            return {"namespaceSelector": key}
        return {"selector": pod_term()}

    def rule(end: str) -> Object:
        action = dice.choices(("Allow", "Deny", "Pass"), (80, 13, 7))[0]
        return _ported(action, dice.choice(PORTS), **{end: peer()})

    yield _tier("default", 1_000_000)
    yield from _drawn(shape, dice, pod_term, rule, 0.4)


def _vectors(shape: Shape, dice: random.Random) -> Iterator[Object]:
    """Give a random set in which every selector is two of twelve binary labels."""

    def term() -> str:
        one, two = dice.sample(range(12), 2)
        return f"b{one} == '{dice.randrange(2)}' && b{two} == '{dice.randrange(2)}'"

    def rule(end: str) -> Object:
        action = dice.choices(("Allow", "Deny", "Pass"), (80, 13, 7))[0]
        return _ported(action, dice.choice(PORTS), **{end: {"selector": term()}})

    yield _tier("default", 1_000_000)
    yield from _drawn(shape, dice, term, rule, 0.4)


def _adversarial(shape: Shape, dice: random.Random) -> Iterator[Object]:
    """Give two tiers of drawn rules with many Denies, over selectors with negations and alternatives."""
    deny = 0.4 if shape.deny is None else shape.deny

    def literal() -> str:
        key, value = f"k{dice.randrange(4)}", f"v{dice.randrange(4)}"
        return dice.choice((f"{key} == '{value}'", f"{key} != '{value}'", f"has({key})", f"!has({key})"))

    def term() -> str:
        joined = dice.choices((" && ", " || "), (70, 30))[0]
        return joined.join(literal() for _ in range(dice.randint(1, 2)))

    def rule(end: str) -> Object:
        action = dice.choices(("Allow", "Deny", "Pass"), (0.9 - deny, deny, 0.1))[0]
        peer: Object = {"selector": term()}
        if dice.random() < 0.5:
            peer["namespaceSelector"] = f"n{dice.randrange(2)} == 'v{dice.randrange(4)}'"
        return _ported(action, dice.choice(PORTS), **{end: peer})

    yield _tier("first", 100, dice.choice(("Deny", "Pass")))
    yield _tier("default", 1_000_000)
    half = shape.policies // 2
    parts = (("first", half), ("default", shape.policies - half))
    for tier, count in parts:
        for item in _drawn(shape, dice, term, rule, 0.5, count):
            item["spec"]["tier"] = tier
            if tier != "default":
                item["metadata"]["name"] = f"{tier}.{item['metadata']['name']}"
            yield item


def _drawn(
    shape: Shape,
    dice: random.Random,
    subject: Callable[[], str],
    rule: Callable[[str], Object],
    cluster_wide: float,
    count: int | None = None,
) -> Iterator[Object]:
    for index in range(shape.policies if count is None else count):
        ingress = dice.random() < 0.5
        rules = [rule("source" if ingress else "destination") for _ in range(dice.randint(1, 3))]
        direction = "ingress" if ingress else "egress"
        spec = {"selector": subject(), "types": [direction.capitalize()], direction: rules}
        namespace = None if dice.random() < cluster_wide else _space(dice.randrange(shape.namespaces))
        yield _policy(f"p-{index:05}", namespace, dice.randint(1, 999), spec)


KINDS: Mapping[
    str, tuple[Callable[..., Mapping[str, str]], Callable[[Shape, random.Random], Iterator[Object]]]
] = {
    "realistic": (_app_labels, _realistic),
    "random": (_app_labels, _random),
    "adversarial": (_key_labels, _adversarial),
    "vectors": (_vector_labels, _vectors),
}

if __name__ == "__main__":
    draw(Shape.of(sys.argv[2:])).write(Path(sys.argv[1]))
