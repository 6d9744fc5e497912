"""Random worlds of Calico policies beyond the vectors: what people write and what bites.

Everything comes from one seeded generator, so a number names a world. Objects are such as Calico's API takes them;
their verdicts come from the point evaluator, which the vectors hold against Calico's data plane.
"""

from __future__ import annotations

import random
from dataclasses import dataclass
from typing import Any

from translators.algebra.cidrs import parse_cidr
from translators.frontends import is_policy
from translators.source import Document, from_object
from translators.world import AddressPlan, World
from translators.worldbuilder import build_world

V3, KUBERNETES = "projectcalico.org/v3", "networking.k8s.io/v1"
NAMESPACES = {"a": {"env": "prod", "team": "x"}, "b": {"env": "dev"}, "c": {}}
ACCOUNTS = {"default": {}, "robot": {"role": "bot"}}
LABELS = {
    "app": ("web", "db", "api"),
    "tier": ("front", "back"),
    "canary": ("yes",),
    "ver.io/x": ("v1", "v2-rc.1"),
}
PORTS = ({"name": "http", "containerPort": 8080, "protocol": "TCP"}, {"name": "dns", "containerPort": 53, "protocol": "UDP"},
         {"name": "http", "containerPort": 8081, "protocol": "TCP"}, {"name": "pg", "containerPort": 5432})  # fmt: skip
NETS = {4: ("203.0.113.0/24", "203.0.113.64/26", "198.51.100.7/32", "10.0.0.0/8", "10.244.0.0/16", "10.244.1.0/24",
            "10.0.0.0/24", "10.0.0.12/32", "0.0.0.0/0", "128.0.0.0/1"),
        6: ("2001:db8::/32", "2001:db8:1::/48", "::/0", "fd00:10:244::/48")}  # fmt: skip
NODES = {"n1": "10.0.0.11", "n2": "10.0.0.12", "n3": "10.0.0.13"}
PLAN = AddressPlan(
    pods=(parse_cidr("10.244.0.0/16"), parse_cidr("fd00:10:244::/48")),
    nodes=tuple(parse_cidr(f"{address}/32") for address in NODES.values()),
    stated=True,
)
ORDERS: tuple[float | None, ...] = (None, 10, 10, 20.5, 100, 999.5, 1000, 1000, 1500, 2000)


@dataclass(frozen=True)
class Case:
    """One world and its objects; ``policies`` are to be translated, ``around`` is the cluster."""

    number: int
    world: World
    documents: tuple[Document, ...]

    @property
    def policies(self) -> list[Document]:
        """Give the policies and tiers."""
        return [d for d in self.documents if is_policy(d) or d.kind == "Tier"]

    @property
    def around(self) -> list[Document]:
        """Give everything that is no policy."""
        return [d for d in self.documents if not is_policy(d)]


def case(number: int) -> Case:
    """Give the world of a number."""
    made = _Maker(random.Random(f"calico/{number}"))
    documents = tuple(from_object(item, f"world-{number}") for item in made.objects())
    world, _ = build_world(documents, plan=PLAN, is_cluster=True)
    return Case(number, world, documents)


class _Maker:
    def __init__(self, rng: random.Random) -> None:
        self.rng = rng
        self.tiers = ["default"]

    def chance(self, share: float) -> bool:
        return self.rng.random() < share

    def objects(self) -> list[dict[str, Any]]:
        found = [_object("v1", "Namespace", n, labels=labels) for n, labels in NAMESPACES.items()]
        found += [
            _object("v1", "ServiceAccount", name, namespace, labels=labels)
            for namespace in NAMESPACES
            for name, labels in ACCOUNTS.items()
        ]
        found += [self.node(name, address) for name, address in NODES.items()]
        found += [self.pod(i) for i in range(self.rng.randint(3, 6))]
        found += self.sets()
        found += self.services()
        found += self.tier_objects()
        found += [self.policy(i) for i in range(self.rng.randint(1, 5))]
        if self.chance(0.35):
            found += [self.native(i) for i in range(self.rng.randint(1, 2))]
        return found

    def node(self, name: str, address: str) -> dict[str, Any]:
        status = {"addresses": [{"type": "InternalIP", "address": address}]}
        return {**_object("v1", "Node", name, labels={"kubernetes.io/hostname": name}), "status": status}

    def pod(self, number: int) -> dict[str, Any]:
        rng = self.rng
        labels = {k: rng.choice(v) for k, v in LABELS.items() if rng.random() < (0.8 if k == "app" else 0.35)}
        ips = [f"10.244.{rng.randint(1, 2)}.{10 + number}"]
        if self.chance(0.3):
            ips.append(f"fd00:10:244::{10 + number}")
        ports = {p["name"]: p for p in rng.sample(PORTS, rng.randint(0, 3))}
        return {
            **_object("v1", "Pod", f"p{number}", rng.choice(list(NAMESPACES)), labels=labels),
            "spec": {
                "nodeName": rng.choice(["n1", "n1", "n2"]),
                "serviceAccountName": rng.choice(list(ACCOUNTS)),
                "containers": [{"name": "c", "image": "i", "ports": list(ports.values())}],
            },
            "status": {"phase": "Running", "podIP": ips[0], "podIPs": [{"ip": ip} for ip in ips]},
        }

    def sets(self) -> list[dict[str, Any]]:
        found = []
        for number in range(self.rng.choice([0, 0, 1, 2])):
            kind, namespace = self.rng.choice([("NetworkSet", "a"), ("GlobalNetworkSet", None)])
            labels = {"trust": self.rng.choice(["yes", "no"])} if self.chance(0.8) else {}
            nets = self.rng.sample([*NETS[4][:4], *NETS[6][:2]], self.rng.randint(1, 2))
            body = _object(V3, kind, f"s{number}", namespace, labels=labels)
            found.append({**body, "spec": {"nets": nets}})
        return found

    def services(self) -> list[dict[str, Any]]:
        if not self.chance(0.2):
            return []
        service = {
            **_object("v1", "Service", "svc", "a"),
            "spec": {"selector": {"app": "db"}, "ports": [{"port": 80}]},
        }
        piece = _object(
            "discovery.k8s.io/v1", "EndpointSlice", "svc-1", "a", labels={"kubernetes.io/service-name": "svc"}
        )
        addresses = self.rng.sample(["10.244.1.10", "10.244.2.11", "203.0.113.70"], self.rng.randint(1, 2))
        endpoints = [{"addresses": [address], "conditions": {"ready": True}} for address in addresses]
        return [service, {**piece, "addressType": "IPv4", "endpoints": endpoints,
                          "ports": [{"name": "", "port": 8080, "protocol": "TCP"}]}]  # fmt: skip

    def tier_objects(self) -> list[dict[str, Any]]:
        found = []
        for name in self.rng.sample(["sec", "plat"], self.rng.choice([0, 0, 1, 1, 2])):
            self.tiers.append(name)
            spec: dict[str, Any] = {"order": self.rng.choice([1, 50, 50.5, 2_000_000])}
            if self.chance(0.5):
                spec["defaultAction"] = self.rng.choice(["Pass", "Deny"])
            found.append({**_object(V3, "Tier", name), "spec": spec})
        return found

    def policy(self, number: int) -> dict[str, Any]:
        rng = self.rng
        kind = rng.choice(
            ["GlobalNetworkPolicy", "GlobalNetworkPolicy", "NetworkPolicy", "NetworkPolicy", "Staged"]
        )
        namespace = rng.choice(list(NAMESPACES)) if kind == "NetworkPolicy" else None
        if kind == "Staged":
            kind = rng.choice(["StagedGlobalNetworkPolicy", "GlobalNetworkPolicy", "GlobalNetworkPolicy"])
        tier = rng.choice(self.tiers)
        name = rng.choice(["", "z", "0"]) + f"p{number}"
        spec: dict[str, Any] = {"tier": tier}
        if (order := rng.choice(ORDERS)) is not None:
            spec["order"] = order
        if self.chance(0.9):
            spec["selector"] = self.selector(2)
        if kind.endswith("GlobalNetworkPolicy") and self.chance(0.25):
            spec["namespaceSelector"] = self.places()
        if self.chance(0.08):
            spec["serviceAccountSelector"] = rng.choice(["role == 'bot'", "has(role)"])
        types = rng.choice([["Ingress"], ["Egress"], ["Ingress", "Egress"], None])
        if types:
            spec["types"] = types
        for direction in ("ingress", "egress"):
            if self.chance(0.75 if not types or direction.capitalize() in types else 0.1):
                spec[direction] = [self.rule(direction) for _ in range(rng.choice([0, 1, 1, 2, 2, 3, 4]))]
        if types is None and any(spec.get(direction) == [] for direction in ("ingress", "egress")):
            spec["types"] = self.rng.choice([["Ingress"], ["Egress"], ["Ingress", "Egress"]])
        full = name if tier == "default" else f"{tier}.{name}"
        return {**_object(V3, kind, full, namespace), "spec": spec}

    def rule(self, direction: str) -> dict[str, Any]:
        rng = self.rng
        found: dict[str, Any] = {"action": rng.choice(["Allow"] * 9 + ["Deny"] * 5 + ["Pass"] * 4 + ["Log"])}
        family = rng.choice([None] * 8 + [4, 6])
        if family is not None:
            found["ipVersion"] = family
        chosen = rng.random()
        if chosen < 0.5:
            found["protocol"] = rng.choice(["TCP", "TCP", "TCP", "UDP", "SCTP"])
        elif chosen < 0.6:
            found["protocol"] = protocol = "ICMPv6" if family == 6 else "ICMP"
            if self.chance(0.7):
                kinds = [128, 1] if protocol == "ICMPv6" else [8, 3, 0, 254]
                found[rng.choice(["icmp", "icmp", "notICMP"])] = {"type": rng.choice(kinds)}
                if self.chance(0.2) and "icmp" in found:
                    found["icmp"]["code"] = rng.choice([0, 1])
        elif chosen < 0.64:
            found["protocol"] = rng.choice([47, 132, 17])
        elif chosen < 0.68:
            found["notProtocol"] = rng.choice(["TCP", "UDP", 47])
        ported = found.get("protocol") in {"TCP", "UDP", "SCTP"}
        nets = family or rng.choice([4, 4, 4, 6])
        near, far = ("destination", "source") if direction == "ingress" else ("source", "destination")
        peer = self.entity(nets)
        own = self.entity(nets) if self.chance(0.06) else {}
        if ported:
            holder = peer if direction == "egress" else own
            if self.chance(0.75) and "services" not in holder:
                holder[rng.choice(["ports", "ports", "ports", "notPorts"])] = self.ports()
            if self.chance(0.05):
                (own if direction == "egress" else peer)["ports"] = [rng.choice([123, "1000:2000"])]
        if not ported or direction == "ingress":
            peer.pop("services", None)
        own.pop("services", None)
        found |= {far: peer} if peer else {}
        return found | ({near: own} if own else {})

    def ports(self) -> list[Any]:
        pool: list[Any] = [
            1,
            53,
            80,
            443,
            8080,
            8081,
            65535,
            "http",
            "dns",
            "80:90",
            "1:1023",
            "1:65535",
            "8000:65535",
        ]
        return self.rng.sample(pool, self.rng.randint(1, 3))

    def entity(self, family: int) -> dict[str, Any]:
        rng = self.rng
        chosen = rng.random()
        if chosen < 0.15:
            return {}
        if chosen < 0.5:
            found: dict[str, Any] = {"selector": self.selector(1)}
            if self.chance(0.35):
                found["namespaceSelector"] = self.places()
            if self.chance(0.1):
                found["notSelector"] = self.selector(0)
            return found
        if chosen < 0.58:
            return {"namespaceSelector": self.places()}
        if chosen < 0.64:
            return {"notSelector": self.selector(1)}
        if chosen < 0.82:
            return self.networks(family)
        if chosen < 0.88:
            return {
                "serviceAccounts": rng.choice(
                    [{"names": ["robot"]}, {"selector": "role == 'bot'"}, {"selector": "role != 'bot'"}]
                )
            }
        if chosen < 0.92:
            return {"selector": rng.choice(["trust == 'yes'", "has(trust)", "trust != 'no'"])}
        if chosen < 0.95 and self.chance(0.8):
            return {"services": {"name": "svc", "namespace": "a"}}
        return {**self.networks(family), "selector": self.selector(0)}

    def networks(self, family: int) -> dict[str, Any]:
        pool = NETS[family]
        found: dict[str, Any] = {}
        if self.chance(0.8):
            found["nets"] = self.rng.sample(pool, self.rng.randint(1, 2))
        if not found or self.chance(0.25):
            found["notNets"] = [self.rng.choice([net for net in pool if not net.endswith("/0")])]
        return found

    def selector(self, depth: int) -> str:
        """Give a selector, of several parts where ``depth`` allows; names in forms that a DNF does not like."""
        if depth and self.chance(0.35):
            parts = [self.selector(depth - 1) for _ in range(self.rng.randint(2, 3))]
            joined = self.rng.choice([" && ", " || "]).join(parts)
            return f"!({joined})" if self.chance(0.15) else f"({joined})"
        key = self.rng.choice(list(LABELS))
        value = self.rng.choice(LABELS[key])
        quote = self.rng.choice("'\"")
        return self.rng.choice(
            [
                f"{key} == {quote}{value}{quote}",
                f"{key} == {quote}{value}{quote}",
                f"{key} != {quote}{value}{quote}",
                f"has({key})",
                f"!has({key})",
                f"{key} in {{{quote}{value}{quote}, 'other'}}",
                f"{key} not in {{{quote}{value}{quote}}}",
                f"{key} starts with '{value[:1]}'",
                f"{key} contains '{value[-1:]}'",
                f"{key} ends with '{value[-1:]}'",
                "all()",
            ]
        )

    def places(self) -> str:
        return self.rng.choice(
            ["env == 'prod'", "env != 'prod'", "has(team)", "!has(env)", "all()", "env in {'dev', 'prod'}",
             "projectcalico.org/name == 'b'", "global()", "env == 'dev' || has(team)"]
        )  # fmt: skip

    def native(self, number: int) -> dict[str, Any]:
        """Give a Kubernetes NetworkPolicy."""
        types = self.rng.choice([["Ingress"], ["Egress"], ["Ingress", "Egress"]])
        spec: dict[str, Any] = {"podSelector": self.term(), "policyTypes": types}
        for kind, key, side in (("Ingress", "ingress", "from"), ("Egress", "egress", "to")):
            if self.chance(0.8 if kind in types else 0.1):
                spec[key] = [self.native_rule(side) for _ in range(self.rng.randint(0, 2))]
        return {**_object(KUBERNETES, "NetworkPolicy", f"k{number}", self.rng.choice("ab")), "spec": spec}

    def native_rule(self, side: str) -> dict[str, Any]:
        found: dict[str, Any] = {}
        if self.chance(0.8):
            found[side] = [self.native_peer() for _ in range(self.rng.randint(1, 2))]
        if self.chance(0.6):
            port = self.rng.choice(
                [
                    {"port": 80},
                    {"port": "http"},
                    {"port": 8000, "endPort": 9000},
                    {},
                    {"port": 53, "protocol": "UDP"},
                ]
            )
            found["ports"] = [{"protocol": "TCP", **port}]
        return found

    def native_peer(self) -> dict[str, Any]:
        chosen = self.rng.random()
        if chosen < 0.25:
            return {
                "ipBlock": self.rng.choice(
                    [
                        {"cidr": "203.0.113.0/24", "except": ["203.0.113.64/26"]},
                        {"cidr": "10.0.0.0/8"},
                        {"cidr": "0.0.0.0/0"},
                    ]
                )
            }
        found: dict[str, Any] = {"podSelector": self.term()} if chosen < 0.75 else {}
        if chosen > 0.55:
            labels = self.rng.choice([{}, {"matchLabels": {"env": "prod"}},
                                      {"matchExpressions": [{"key": "env", "operator": "NotIn", "values": ["prod"]}]}])  # fmt: skip
            found["namespaceSelector"] = labels
        return found

    def term(self) -> dict[str, Any]:
        if self.chance(0.3):
            return {}
        operator = self.rng.choice(["In", "NotIn", "Exists", "DoesNotExist"])
        expression: dict[str, Any] = {"key": "app", "operator": operator}
        if operator in {"In", "NotIn"}:
            expression["values"] = self.rng.sample(list(LABELS["app"]), self.rng.randint(1, 2))
        return {"matchExpressions": [expression]} if self.chance(0.7) else {"matchLabels": {"app": "web"}}


def _object(
    version: str, kind: str, name: str, namespace: str | None = None, *, labels: dict[str, str] | None = None
) -> dict[str, Any]:
    metadata: dict[str, Any] = {"name": name, "labels": dict(labels or {})}
    if namespace is not None:
        metadata["namespace"] = namespace
    return {"apiVersion": version, "kind": kind, "metadata": metadata}
