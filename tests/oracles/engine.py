"""A client of Cilium's policy engine: worlds and policies of this project in, the engine's verdicts out."""

from __future__ import annotations

import json
import subprocess
from collections.abc import Iterable, Mapping, Sequence
from dataclasses import dataclass
from pathlib import Path
from types import TracebackType
from typing import Any, Self

from translators.flows import ICMP, ICMPV6, Flow, Peer, PeerKind
from translators.settings import CiliumConfig
from translators.source import Document
from translators.world import Pod, World

POLICY_KINDS = frozenset(
    {"CiliumNetworkPolicy", "CiliumClusterwideNetworkPolicy", "NetworkPolicy", "ClusterNetworkPolicy"}
)


@dataclass(frozen=True)
class Said:
    """The engine's answer: for each policy whether it is valid, for each flow (ingress, egress).

    ``proxied`` says for each flow where an allowed one goes through a proxy, ``logged`` which texts for the log its
    verdicts carry, where that was asked.
    """

    policies: tuple[Mapping[str, Any], ...]
    flows: tuple[tuple[str | None, str | None], ...]
    map_sizes: Mapping[str, int]
    proxied: tuple[tuple[bool, bool], ...] = ()
    logged: tuple[tuple[Sequence[str], Sequence[str]], ...] = ()


class Engine:
    """The running engine; a context manager."""

    def __init__(self, path: Path) -> None:
        self._process = subprocess.Popen(
            [str(path)], stdin=subprocess.PIPE, stdout=subprocess.PIPE, text=True, bufsize=1
        )

    def __enter__(self) -> Self:
        return self

    def __exit__(
        self, kind: type[BaseException] | None, error: BaseException | None, trace: TracebackType | None
    ) -> None:
        self._process.kill()
        self._process.communicate()

    def ask(self, request: Mapping[str, Any]) -> Mapping[str, Any]:
        """Send one request as it is and give its answer."""
        assert self._process.stdin is not None
        assert self._process.stdout is not None
        self._process.stdin.write(json.dumps(request) + "\n")
        self._process.stdin.flush()
        answer: Mapping[str, Any] = json.loads(self._process.stdout.readline())
        return answer

    def judge(
        self,
        world: World,
        documents: Iterable[Document],
        config: CiliumConfig,
        flows: Sequence[Flow],
        *,
        schema: str = "enforce",
        explain: bool = False,
    ) -> Said:
        """Judge flows in a world; a verdict is allow, deny, or None where that end is no endpoint."""
        listed = list(documents)
        request = {
            "options": {**_options(config), "schema": schema, "explain": explain},
            "policies": [d.data for d in listed if d.kind in POLICY_KINDS],
            "cidrGroups": [d.data for d in listed if d.kind == "CiliumCIDRGroup"],
            "services": _services(world),
            "endpoints": [_endpoint(pod, world) for pod in world.pods if _has_endpoint(pod)],
            "nodes": _nodes(world, flows),
            "kubeAPIServers": [str(c).partition("/")[0] for c in world.plan.api_servers],
            "flows": [_flow(flow) for flow in flows],
        }
        answer = self.ask(request)
        if "error" in answer:
            raise AssertionError(f"the engine cannot read the request: {answer['error']}")
        verdicts = tuple((_verdict(f["ingress"]), _verdict(f["egress"])) for f in answer["flows"])
        proxied = tuple((f.get("ingressL7", False), f.get("egressL7", False)) for f in answer["flows"])
        logged = tuple((f.get("ingressLog", ()), f.get("egressLog", ())) for f in answer["flows"])
        return Said(tuple(answer["policies"]), verdicts, answer.get("mapSizes") or {}, proxied, logged)

    def constants(self) -> Mapping[str, Any]:
        """Give the numbers and defaults of the version."""
        found: Mapping[str, Any] = self.ask({"constants": True})["constants"]
        return found


def _options(config: CiliumConfig) -> dict[str, Any]:
    return {
        "ipv4": config.ipv4,
        "ipv6": config.ipv6,
        "policyDefaultLocalCluster": config.default_local_cluster,
        "cidrMatchMode": sorted(config.cidr_match_mode),
        "sctp": config.enable_sctp,
        "extendedProtocols": config.enable_extended_ip_protocols,
        "hostFirewall": config.host_firewall,
        "nodeSelectorLabels": config.node_selector_labels,
        "nonDefaultDeny": config.non_default_deny,
        "allowLocalhost": config.allow_localhost,
        "policyEnforcement": config.enforcement,
        "labels": config.labels.split(),
    }


def _services(world: World) -> list[dict[str, Any]]:
    return [
        {
            "namespace": s.namespace,
            "name": s.name,
            "selector": dict(s.selector),
            "addresses": sorted(
                {
                    str(a)
                    for item in world.slices
                    if (item.namespace, item.service) == (s.namespace, s.name)
                    for a in item.addresses
                }
            ),
        }
        for s in world.services.values()
    ]


def _nodes(world: World, flows: Sequence[Flow]) -> list[dict[str, Any]]:
    """Give the nodes of the world, and those that only flows know of."""
    found = {
        n.name: {"name": n.name, "addresses": [str(a) for a in n.addresses], "labels": dict(n.labels)}
        for n in world.nodes.values()
    }
    for flow in flows:
        for peer in (flow.source, flow.destination):
            if peer.node is not None and peer.kind in {PeerKind.HOST, PeerKind.REMOTE}:
                name, addresses = peer.node.name, [str(peer.address)]
                found.setdefault(name, {"name": name, "addresses": addresses, "labels": {}})
    return list(found.values())


def _has_endpoint(pod: Pod) -> bool:
    return not pod.host_network and not pod.finished and bool(pod.addresses)


def _endpoint(pod: Pod, world: World) -> dict[str, Any]:
    namespace = world.namespaces.get(pod.namespace)
    return {
        "namespace": pod.namespace,
        "name": pod.name,
        "labels": dict(pod.labels),
        "namespaceLabels": dict(namespace.labels) if namespace else {},
        "serviceAccount": pod.service_account,
        "addresses": [str(a) for a in pod.addresses],
        "ports": [{"name": p.name, "port": p.number, "protocol": p.protocol} for p in pod.ports if p.name],
        "node": pod.node,
    }


def _flow(flow: Flow) -> dict[str, Any]:
    port = flow.icmp_type if flow.protocol in {ICMP, ICMPV6} else flow.port
    return {
        "from": _end(flow.source),
        "to": _end(flow.destination),
        "proto": flow.protocol,
        "port": port,
    }


def _end(peer: Peer) -> str:
    match peer.kind:
        case PeerKind.POD if peer.pod is not None:
            return f"ep:{peer.pod.namespace}/{peer.pod.name}"
        case PeerKind.ENTITY if ":" in peer.entity:
            return peer.entity
        case PeerKind.ENTITY:
            return f"entity:{peer.entity}"
        case PeerKind.WORLD:
            return f"ip:{peer.address}"
    if peer.node is not None:
        return (
            f"node:{peer.node.name}@{peer.address}" if peer.address is not None else f"node:{peer.node.name}"
        )
    return "entity:host" if peer.kind is PeerKind.HOST else "entity:remote-node"


def _verdict(text: str) -> str | None:
    return {"allowed": "allow", "denied": "deny"}.get(text)
