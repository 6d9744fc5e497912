"""Gather the world from Kubernetes and Calico objects: facts only, nothing decided.

One odd object never spoils the rest: what cannot be read of it is left out and named (CAL-P119, CAL-P105).
Source of the address plan: ``translation.md`` §5, "Address plan": given ranges win over what objects say.
"""

from __future__ import annotations

from collections.abc import Collection, Iterable, Iterator, Mapping, Sequence
from dataclasses import replace
from typing import Any

from translators.algebra.cidrs import Address, Cidr, parse_address, parse_cidr
from translators.diagnostics import Diagnostic, diagnostic
from translators.felix import felix_of, felix_says
from translators.source import Document
from translators.world import (
    AddressPlan,
    EndpointSlice,
    HostEndpoint,
    NamedPort,
    Namespace,
    NetworkSet,
    Node,
    Pod,
    Profile,
    Service,
    ServiceAccount,
    ServicePort,
    SlicePort,
    World,
)

__all__ = ["build_world"]

CALICO = frozenset({"projectcalico.org", "crd.projectcalico.org"})
_OF_SET = frozenset({"nets"})
_OF_HOST = frozenset({"node", "interfaceName", "expectedIPs", "profiles", "ports"})
FINISHED = frozenset({"Succeeded", "Failed"})
TUNNELS = ("projectcalico.org/IPv4IPIPTunnelAddr", "projectcalico.org/IPv4VXLANTunnelAddr",
           "projectcalico.org/IPv6VXLANTunnelAddr", "projectcalico.org/IPv4WireguardInterfaceAddr",
           "projectcalico.org/IPv6WireguardInterfaceAddr")  # fmt: skip
CONTROL_PLANE = ("node-role.kubernetes.io/control-plane", "node-role.kubernetes.io/master")


def build_world(
    documents: Iterable[Document],
    *,
    plan: AddressPlan | None = None,
    is_cluster: bool = False,
    unread: frozenset[str] = frozenset(),
) -> tuple[World, list[Diagnostic]]:
    """Give the world of these objects, and what could not be read of them.

    ``unread`` names kinds that a snapshot could not read; policies and unknown kinds are left alone.
    """
    gathered = _Gathered()
    for document in documents:
        gathered.take(document)
    world = World(
        namespaces={n.name: n for n in gathered.namespaces},
        service_accounts={(a.namespace, a.name): a for a in gathered.accounts},
        pods=tuple(gathered.pods),
        nodes={n.name: n for n in gathered.nodes},
        host_endpoints={h.name: h for h in gathered.hosts},
        network_sets=tuple(gathered.sets),
        services={(s.namespace, s.name): s for s in gathered.services},
        slices=tuple(gathered.slices),
        profiles={p.name: p for p in gathered.profiles},
        felix=felix_of(gathered.felix),
        is_cluster=is_cluster,
        unread=unread,
    )
    chosen = plan if plan is not None else _plan_of(world, gathered.pools)
    return replace(world, plan=chosen), gathered.found


def _plan_of(world: World, pools: Sequence[Cidr]) -> AddressPlan:
    pods = tuple(pools) or tuple(c for node in world.nodes.values() for c in node.pod_cidrs)
    nodes = tuple(
        Cidr(a.family, a.value, 32 if a.family == 4 else 128)
        for node in world.nodes.values()
        for a in node.addresses
    )
    api = tuple(
        Cidr(a.family, a.value, 32 if a.family == 4 else 128)
        for item in world.slices
        if (item.namespace, item.service) == ("default", "kubernetes")
        for a in item.addresses
    )
    return AddressPlan(pods, nodes, (), api, stated=bool(pods and nodes))


class _Gathered:
    """Objects by kind, and the findings about them."""

    def __init__(self) -> None:
        self.namespaces: list[Namespace] = []
        self.accounts: list[ServiceAccount] = []
        self.pods: list[Pod] = []
        self.nodes: list[Node] = []
        self.hosts: list[HostEndpoint] = []
        self.sets: list[NetworkSet] = []
        self.services: list[Service] = []
        self.slices: list[EndpointSlice] = []
        self.profiles: list[Profile] = []
        self.pools: list[Cidr] = []
        self.felix: dict[str, Any] = {}
        self.found: list[Diagnostic] = []

    def take(self, document: Document) -> None:
        """File one document; anything odd in it is named, and the object left out."""
        key = document.kind if document.group not in CALICO else f"calico {document.kind}"
        try:
            self.felix |= felix_says(document)
            self._file(key, document)
        except (TypeError, AttributeError, ValueError, KeyError, RecursionError) as error:
            wanted = "an object as Kubernetes stores it"
            found = diagnostic("CAL-P119", document.span, about=_full_name(document),
                               path=document.name, found=f"odd ({str(error)[:60]})", wanted=wanted)  # fmt: skip
            self.found.append(found)

    def _file(self, key: str, document: Document) -> None:
        if key.startswith("calico "):
            self._file_calico(key.removeprefix("calico "), document)
            return
        match key:
            case "Namespace":
                self.namespaces.append(Namespace(document.name, _labels(document), _version(document)))
            case "ServiceAccount":
                self.accounts.append(
                    ServiceAccount(_home(document), document.name, _labels(document), _version(document))
                )
            case "Pod":
                self.pods.append(_pod(document))
            case "Node":
                self.nodes.append(_node(document))
            case "Service":
                self.services.append(_service(document))
            case "EndpointSlice":
                self.slices.append(_slice(document))

    def _file_calico(self, kind: str, document: Document) -> None:
        match kind:
            case "HostEndpoint":
                self._known(document, _OF_HOST)
                self.hosts.append(_host_endpoint(document))
            case "NetworkSet" | "GlobalNetworkSet":
                self._known(document, _OF_SET)
                self.sets.append(_network_set(document, self.found))
            case "Profile":
                self.profiles.append(_profile(document))
            case "IPPool":
                if not _spec(document).get("disabled"):
                    self.pools.append(parse_cidr(str(_spec(document)["cidr"])))

    def _known(self, document: Document, keys: Collection[str]) -> None:
        """Name every field that open source Calico does not have: what it would have meant is lost."""
        for key in _spec(document):
            if key not in keys:
                place = document.at("spec", str(key))
                found = diagnostic("CAL-P103", place, about=_full_name(document), path=f"spec.{key}")
                self.found.append(found)


def _full_name(document: Document) -> str:
    return f"{document.kind} " + "/".join(part for part in (document.namespace, document.name) if part)


def _labels(document: Document) -> dict[str, str]:
    found = document.metadata.get("labels") or {}
    return {str(key): str(value) for key, value in found.items()}


def _version(document: Document) -> str:
    return str(document.metadata.get("resourceVersion") or "")


def _home(document: Document) -> str:
    return document.namespace or "default"


def _spec(document: Document) -> Mapping[str, Any]:
    found = document.data.get("spec") or {}
    if not isinstance(found, Mapping):
        message = "spec is no map"
        raise TypeError(message)
    return found


def _addresses(values: Iterable[object]) -> tuple[Address, ...]:
    return tuple(parse_address(str(value).partition("/")[0]) for value in values if value)


def _pod(document: Document) -> Pod:
    spec, status = _spec(document), document.data.get("status") or {}
    listed = [entry.get("ip") for entry in status.get("podIPs") or []]
    ports = tuple(
        NamedPort(str(port["name"]), str(port.get("protocol") or "TCP"), int(port["containerPort"]))
        for container in spec.get("containers") or []
        for port in container.get("ports") or []
        if port.get("name")
    )
    return Pod(
        namespace=_home(document),
        name=document.name,
        labels=_labels(document),
        service_account=str(spec.get("serviceAccountName") or "default"),
        node=str(spec.get("nodeName") or ""),
        host_network=bool(spec.get("hostNetwork")),
        finished=str(status.get("phase") or "") in FINISHED,
        addresses=_addresses(listed or [status.get("podIP")]),
        ports=ports,
        resource_version=_version(document),
    )


def _node(document: Document) -> Node:
    spec, status = _spec(document), document.data.get("status") or {}
    kinds = {"InternalIP", "ExternalIP"}
    own = [e.get("address") for e in status.get("addresses") or [] if e.get("type") in kinds]
    annotations = document.metadata.get("annotations") or {}
    tunnels = [annotations[key] for key in TUNNELS if annotations.get(key)]
    cidrs = spec.get("podCIDRs") or [spec.get("podCIDR")]
    labels = _labels(document)
    return Node(
        name=document.name,
        labels=labels,
        addresses=tuple(dict.fromkeys(_addresses([*own, *tunnels]))),
        pod_cidrs=tuple(parse_cidr(str(c)) for c in cidrs if c),
        control_plane=any(key in labels for key in CONTROL_PLANE),
        resource_version=_version(document),
    )


def _service(document: Document) -> Service:
    spec = _spec(document)
    ports = tuple(
        ServicePort(
            str(port.get("name") or ""),
            str(port.get("protocol") or "TCP"),
            int(port["port"]),
            _target(port.get("targetPort")),
        )
        for port in spec.get("ports") or []
    )
    listed = spec.get("clusterIPs") or [spec.get("clusterIP")]
    return Service(
        namespace=_home(document),
        name=document.name,
        selector={str(k): str(v) for k, v in (spec.get("selector") or {}).items()},
        ports=ports,
        cluster_ips=_addresses(ip for ip in listed if ip and ip != "None"),
        type=str(spec.get("type") or "ClusterIP"),
        external_policy=str(spec.get("externalTrafficPolicy") or "Cluster"),
        resource_version=_version(document),
    )


def _target(value: object) -> int | str | None:
    if value is None or isinstance(value, int):
        return value or None
    text = str(value)
    return int(text) if text.isdigit() else text


def _slice(document: Document) -> EndpointSlice:
    data = document.data
    ports = tuple(
        SlicePort(
            str(port.get("name") or ""),
            str(port.get("protocol") or "TCP"),
            None if port.get("port") is None else int(port["port"]),
        )
        for port in data.get("ports") or []
    )
    values = (a for entry in data.get("endpoints") or [] for a in entry.get("addresses") or [])
    service = _labels(document).get("kubernetes.io/service-name", "")
    usable = () if data.get("addressType") == "FQDN" else _addresses(values)
    return EndpointSlice(_home(document), document.name, service, ports, usable, _version(document))


def _host_endpoint(document: Document) -> HostEndpoint:
    spec = _spec(document)
    ports = tuple(
        NamedPort(str(p["name"]), str(p.get("protocol") or "TCP"), int(p["port"]))
        for p in spec.get("ports") or []
    )
    return HostEndpoint(
        name=document.name,
        node=str(spec.get("node") or ""),
        interface=str(spec.get("interfaceName") or ""),
        addresses=_addresses(spec.get("expectedIPs") or []),
        labels=_labels(document),
        profiles=tuple(str(p) for p in spec.get("profiles") or []),
        ports=ports,
        resource_version=_version(document),
    )


def _network_set(document: Document, found: list[Diagnostic]) -> NetworkSet:
    """A set takes a bare address where a rule does not."""
    nets = []
    for index, text in enumerate(_spec(document).get("nets") or []):
        try:
            nets.append(parse_cidr(str(text)))
        except ValueError:
            place = document.at("spec", "nets", index)
            reason = f"{text!r} is neither a network nor an address"
            found.append(diagnostic("CAL-P105", place, about=_full_name(document), reason=reason))
    namespace = None if document.kind == "GlobalNetworkSet" else _home(document)
    return NetworkSet(namespace, document.name, _labels(document), tuple(nets), _version(document))


def _profile(document: Document) -> Profile:
    spec = _spec(document)
    labels = {str(k): str(v) for k, v in (spec.get("labelsToApply") or {}).items()}
    return Profile(document.name, labels, _rules(spec.get("ingress")), _rules(spec.get("egress")))


def _rules(value: object) -> tuple[Mapping[str, object], ...]:
    return tuple(_maps(value))


def _maps(value: object) -> Iterator[Mapping[str, object]]:
    for item in value if isinstance(value, list) else []:
        if isinstance(item, Mapping):
            yield item
