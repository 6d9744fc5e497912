"""Random worlds of Cilium policies: what people write and what bites, for evaluator against engine.

Everything comes from one seeded generator, so a number names a world.
"""

from __future__ import annotations

import random
from collections.abc import Sequence
from dataclasses import dataclass
from typing import Any

from translators import CiliumConfig
from translators.algebra.cidrs import parse_address, parse_cidr
from translators.source import Document, from_object
from translators.world import AddressPlan, EndpointSlice, NamedPort, Namespace, Node, Pod, Service, World

NAMESPACES = ("a", "b", "c")
VALUES = {"app": ("web", "db", "api"), "tier": ("front", "back"), "pod-template-hash": ("x1", "x2")}
NETWORKS = ("203.0.113.0/24", "203.0.113.0/28", "198.51.100.0/24", "10.0.0.0/8", "10.244.0.0/16", "0.0.0.0/0",
            "10.0.0.11/32", "203.0.113.9/32", "2001:db8::/32", "::/0", "fd00::/8")  # fmt: skip
HOLES = {"203.0.113.0/24": ("203.0.113.0/28", "203.0.113.64/26"), "0.0.0.0/0": ("10.0.0.0/8", "203.0.113.0/24"),
         "10.0.0.0/8": ("10.244.0.0/16",), "2001:db8::/32": ("2001:db8:1::/48",)}  # fmt: skip
ENTITIES = ("all", "world", "cluster", "host", "remote-node", "kube-apiserver", "health", "ingress", "init",
            "unmanaged", "none")  # fmt: skip
RESERVED = ("host", "remote-node", "world", "health")
LISTS = ("Endpoints", "CIDR", "CIDRSet", "Entities")
GROUPS = ("g1", "g2", "missing")
NAMESPACE = "io.kubernetes.pod.namespace"
LABEL_ENV = "io.cilium.k8s.namespace.labels.env"
ACCOUNT = "io.cilium.k8s.policy.serviceaccount"


@dataclass(frozen=True)
class Case:
    """One world with its policies and settings."""

    world: World
    documents: tuple[Document, ...]
    config: CiliumConfig


def case(seed: int) -> Case:
    """Give the world of a number."""
    made = _Maker(random.Random(seed))
    return Case(made.world(), tuple(from_object(o) for o in made.objects()), made.config())


class _Maker:
    def __init__(self, rng: random.Random) -> None:
        self.rng = rng
        self.nodes_told_apart = rng.random() < 0.25
        self.ends = {name: rng.choice([None, None, 100, 9000]) for name in ("http", "dns")}

    def chance(self, share: float) -> bool:
        return self.rng.random() < share

    def world(self) -> World:
        rng = self.rng
        pods = []
        for number in range(rng.randint(3, 6)):
            labels = {k: rng.choice(v) for k, v in VALUES.items() if rng.random() < 0.7}
            named = NamedPort("http", rng.choice(["TCP", "TCP", "SCTP"]), rng.choice([8080, 8081]))
            ports = (named, NamedPort("dns", "UDP", 53)) if self.chance(0.6) else ()
            addresses = [parse_address(f"10.244.{number}.5")]
            if self.chance(0.3):
                addresses.append(parse_address(f"fd00:10:244:{number}::5"))
            pods.append(
                Pod(
                    rng.choice(NAMESPACES),
                    f"p{number}",
                    labels,
                    service_account=rng.choice(["default", "robot"]),
                    node=rng.choice(["n1", "n2"]),
                    addresses=tuple(addresses),
                    ports=ports,
                )
            )
        envs = {"a": {"env": "prod"}, "b": {"env": "dev"}, "c": {}}
        api = rng.choice(["203.0.113.9/32", "10.0.0.12/32"])
        return World(
            namespaces={n: Namespace(n, envs[n]) for n in NAMESPACES},
            pods=tuple(pods),
            nodes={
                n: Node(n, {"role": n, "app": app}, tuple(map(parse_address, addresses)))
                for n, app, addresses in (
                    ("n1", "web", ("10.0.0.11",)),
                    ("n2", "db", ("10.0.0.12", "fd00::12") if self.chance(0.3) else ("10.0.0.12",)),
                )
            },
            services={
                ("a", "db"): Service("a", "db", {"app": "db"}),
                ("a", "outside"): Service("a", "outside"),
            },
            slices=(EndpointSlice("a", "outside", "outside", addresses=(parse_address("203.0.113.9"),)),),
            plan=AddressPlan(
                (parse_cidr("10.244.0.0/16"), parse_cidr("fd00:10:244::/48")),
                (parse_cidr("10.0.0.0/24"),),
                (),
                (parse_cidr(api),),
                stated=True,
            ),
            is_cluster=True,
        )

    def config(self) -> CiliumConfig:
        rng = self.rng
        return CiliumConfig(
            # Both modes at once are left out: 0.0.0.0/0 then matches a node if another rule names its network.
            cidr_match_mode=frozenset(rng.choice([(), (), (), ("nodes",), ("pods",)])),
            enable_sctp=self.chance(0.8),
            enable_extended_ip_protocols=self.chance(0.8),
            node_selector_labels=self.nodes_told_apart,
            labels=rng.choice(["", "", "", "", "k8s:app$ k8s:tier", "!tier", "k8s:!app", "tier !t app"]),
            allow_localhost=rng.choice(["auto", "auto", "policy"]),
            enforcement=rng.choice(["default"] * 8 + ["always", "never"]),
            default_local_cluster=self.chance(0.7),
            non_default_deny=self.chance(0.8),
            ipv6=True,
        )

    def objects(self) -> list[dict[str, Any]]:
        found = [self.group(name) for name in GROUPS[:2]]
        for number in range(self.rng.randint(1, 4)):
            if self.chance(0.2):
                found.append(self.kubernetes(f"k{number}"))
            else:
                found.append(self.cilium(f"p{number}"))
        return found

    def group(self, name: str) -> dict[str, Any]:
        labels = {
            k: v for k, v in (("trust", self.rng.choice(["yes", "no"])), ("zone", "x")) if self.chance(0.6)
        }
        cidrs = self.rng.sample(["203.0.113.0/24", "203.0.113.0/28", "198.51.100.0/24", "2001:db8::/32"], 2)
        return {
            "apiVersion": "cilium.io/v2",
            "kind": "CiliumCIDRGroup",
            "metadata": {"name": name, "labels": labels},
            "spec": {"externalCIDRs": cidrs},
        }

    def cilium(self, name: str) -> dict[str, Any]:
        clusterwide = self.chance(0.4)
        kind = "CiliumClusterwideNetworkPolicy" if clusterwide else "CiliumNetworkPolicy"
        metadata: dict[str, Any] = {"name": name}
        if not clusterwide:
            metadata["namespace"] = self.rng.choice(NAMESPACES)
        body: dict[str, Any] = {"apiVersion": "cilium.io/v2", "kind": kind, "metadata": metadata}
        if self.chance(0.2):
            return body | {"specs": [self.rule(clusterwide) for _ in range(2)]}
        return body | {"spec": self.rule(clusterwide)}

    def rule(self, clusterwide: bool) -> dict[str, Any]:
        rule: dict[str, Any] = {"endpointSelector": self.subject(clusterwide)}
        sections = [s for s in ("ingress", "egress", "ingressDeny", "egressDeny") if self.chance(0.45)]
        for section in sections or ["ingress"]:
            rule[section] = [self.element(section) for _ in range(self.rng.randint(1, 2))]
        if self.chance(0.2):
            rule["enableDefaultDeny"] = {
                d: self.chance(0.3) for d in ("ingress", "egress") if self.chance(0.8)
            }
        return rule

    def subject(self, clusterwide: bool) -> dict[str, Any]:
        found = self.selector(places=False)
        if clusterwide and self.chance(0.5):
            where = {"key": NAMESPACE, "operator": "Exists"}
            found["matchExpressions"] = [*found.get("matchExpressions", []), where]
        return found

    def selector(self, *, places: bool) -> dict[str, Any]:
        requirements = [self.requirement(*self.label()) for _ in range(self.rng.choice([0, 1, 1, 2]))]
        if places and self.chance(0.5):
            key, values = self.rng.choice(
                [(NAMESPACE, NAMESPACES), (LABEL_ENV, ("prod", "dev")), (ACCOUNT, ("default", "robot"))]
            )
            requirements.append(self.requirement(key, values))
        if places and self.chance(0.03):
            operator = self.rng.choice(["Exists", "DoesNotExist"])
            requirements.append({"key": f"reserved:{self.rng.choice(RESERVED)}", "operator": operator})
        labels, expressions = {}, []
        for item in requirements:
            if item["operator"] == "In" and len(item["values"]) == 1 and self.chance(0.7):
                prefix = self.rng.choice(["", "", "", "k8s:", "any:"])
                # The key with and without "any:" is one key: which value counts is left to chance by the agent.
                labels.pop(item["key"], None)
                labels.pop(f"any:{item['key']}", None)
                labels[prefix + item["key"]] = item["values"][0]
            else:
                expressions.append(item)
        found: dict[str, Any] = {}
        if labels:
            found["matchLabels"] = labels
        if expressions:
            found["matchExpressions"] = expressions
        return found

    def label(self) -> tuple[str, Sequence[str]]:
        key = self.rng.choice(list(VALUES))
        return key, VALUES[key]

    def requirement(self, key: str, values: Sequence[str]) -> dict[str, Any]:
        operator = self.rng.choice(["In", "In", "NotIn", "Exists", "DoesNotExist"])
        found: dict[str, Any] = {"key": key, "operator": operator}
        if operator in {"In", "NotIn"}:
            found["values"] = self.rng.sample(list(values), self.rng.randint(1, min(2, len(values))))
        return found

    def element(self, section: str) -> dict[str, Any]:
        prefix = "from" if section.startswith("ingress") else "to"
        found: dict[str, Any] = {}
        chosen = self.rng.random()
        if chosen < 0.4:
            found[f"{prefix}Endpoints"] = [self.selector(places=True) for _ in range(self.rng.randint(1, 2))]
        elif chosen < 0.6:
            found[f"{prefix}Entities"] = self.rng.sample(ENTITIES, self.rng.randint(1, 2))
        elif chosen < 0.7:
            found[f"{prefix}CIDR"] = self.rng.sample(NETWORKS, self.rng.randint(1, 2))
        elif chosen < 0.88:
            found[f"{prefix}CIDRSet"] = [self.network() for _ in range(self.rng.randint(1, 2))]
        elif chosen < 0.91:
            found[f"{prefix}{self.rng.choice(LISTS)}"] = []
        elif chosen < 0.94 and section.startswith("egress"):
            name = self.rng.choice(["db", "none", "outside"])
            found["toServices"] = [{"k8sService": {"serviceName": name, "namespace": "a"}}]
        if self.nodes_told_apart and self.chance(0.12):
            found = {f"{prefix}Nodes": [self.node_selector()]}
        if found and self.chance(0.03):
            found.setdefault(f"{prefix}{self.rng.choice(LISTS)}", [])
        if self.chance(0.55):
            found["toPorts"] = [{"ports": [self.port() for _ in range(self.rng.randint(1, 3))]}]
        elif self.chance(0.25):
            found["icmps"] = [{"fields": [self.icmp() for _ in range(self.rng.randint(1, 2))]}]
        return _without_names(found) if section.startswith("egress") else found

    def node_selector(self) -> dict[str, Any]:
        key = self.rng.choice(["role", "app", "missing"])
        return {} if self.chance(0.3) else {"matchExpressions": [self.requirement(key, ("n1", "n2", "web"))]}

    def network(self) -> dict[str, Any]:
        chosen = self.rng.random()
        if chosen < 0.4:
            cidr = self.rng.choice(list(HOLES))
            return {"cidr": cidr, "except": [self.rng.choice(HOLES[cidr])]}
        if chosen < 0.55:
            return {"cidrGroupRef": self.rng.choice(GROUPS)}
        if chosen < 0.65:
            return {"cidrGroupRef": "g1", "except": ["203.0.113.0/28"]}
        if self.chance(0.1):
            return {"cidrGroupSelector": {}, **({"except": ["203.0.113.0/28"]} if self.chance(0.5) else {})}
        key = self.rng.choice(["trust", "zone"])
        return {"cidrGroupSelector": {"matchExpressions": [self.requirement(key, ("yes", "no", "x"))]}}

    def port(self) -> dict[str, Any]:
        chosen = self.rng.random()
        protocol = self.rng.choice(["TCP", "TCP", "UDP", "SCTP", "ANY", None])
        found: dict[str, Any] = {} if protocol is None else {"protocol": protocol}
        if chosen < 0.2:
            name = self.rng.choice(["http", "http", "HTTP", "dns", "nowhere"])
            # One end for each name: the agent merges rules of one name, and the end of the first of them counts.
            end = self.ends.get(name.lower())
            return {**found, "port": name, **({"endPort": end} if end else {})}
        if chosen < 0.3:
            return {**found, "port": "0"}
        if chosen < 0.36:
            return {"port": "0", "protocol": self.rng.choice(["GRE", "ESP"])}
        first = self.rng.choice([1, 53, 80, 443, 8080, 65535])
        if chosen < 0.55:
            return {**found, "port": str(first), "endPort": self.rng.choice([first, 100, 9000, 65535])}
        return {**found, "port": str(first)}

    def icmp(self) -> dict[str, Any]:
        family = self.rng.choice(["IPv4", "IPv6", None])
        kind = self.rng.choice([0, 3, 8, 128, "EchoRequest"])
        return {"type": kind} if family is None else {"family": family, "type": kind}

    def kubernetes(self, name: str) -> dict[str, Any]:
        spec: dict[str, Any] = {"podSelector": self.plain(), "policyTypes": self.rng.choice(
            [["Ingress"], ["Egress"], ["Ingress", "Egress"]])}  # fmt: skip
        for kind, key, peer in (("Ingress", "ingress", "from"), ("Egress", "egress", "to")):
            if self.chance(0.8 if kind in spec["policyTypes"] else 0.1):
                spec[key] = [self.kubernetes_rule(peer) for _ in range(self.rng.randint(0, 2))]
        return {
            "apiVersion": "networking.k8s.io/v1",
            "kind": "NetworkPolicy",
            "metadata": {"name": name, "namespace": self.rng.choice(NAMESPACES)},
            "spec": spec,
        }

    def plain(self) -> dict[str, Any]:
        key, values = self.rng.choice([("app", VALUES["app"]), ("tier", VALUES["tier"])])
        requirement = self.requirement(key, values)
        return {} if self.chance(0.3) else {"matchExpressions": [requirement]}

    def kubernetes_rule(self, peer: str) -> dict[str, Any]:
        found: dict[str, Any] = {}
        if self.chance(0.8):
            found[peer] = [self.kubernetes_peer() for _ in range(self.rng.randint(1, 2))]
        if self.chance(0.6):
            found["ports"] = [self.kubernetes_port() for _ in range(self.rng.randint(1, 2))]
        return found

    def kubernetes_peer(self) -> dict[str, Any]:
        chosen = self.rng.random()
        if chosen < 0.3:
            cidr = self.rng.choice(list(HOLES))
            holes = [self.rng.choice(HOLES[cidr])] if self.chance(0.5) else []
            return {"ipBlock": {"cidr": cidr, **({"except": holes} if holes else {})}}
        found: dict[str, Any] = {}
        if chosen < 0.8:
            found["podSelector"] = self.plain()
        if chosen > 0.6:
            requirement = self.requirement("env", ("prod", "dev"))
            found["namespaceSelector"] = {} if self.chance(0.3) else {"matchExpressions": [requirement]}
        return found

    def kubernetes_port(self) -> dict[str, Any]:
        found: dict[str, Any] = (
            {"protocol": self.rng.choice(["TCP", "UDP", "SCTP"])} if self.chance(0.8) else {}
        )
        chosen = self.rng.random()
        if chosen < 0.2:
            return {**found, "port": self.rng.choice(["http", "dns"])}
        if chosen < 0.3:
            return found
        first = self.rng.choice([53, 80, 8080])
        return {**found, "port": first, **({"endPort": 9000} if self.chance(0.2) else {})}


def _without_names(element: dict[str, Any]) -> dict[str, Any]:
    """Take port names from an egress element of every group: merged, they hide those of other elements from the agent.

    An element of its own is a claim (``identities.yaml``); what it does to others is upstream's, and nobody's intent.
    """
    empty = any(entry.get("cidrGroupSelector") == {} for entry in element.get("toCIDRSet") or [])
    if empty:
        for rule in element.get("toPorts") or []:
            rule["ports"] = [{**p, "port": "80"} if not p["port"].isdigit() else p for p in rule["ports"]]
    return element
