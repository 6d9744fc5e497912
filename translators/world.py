"""What both CNIs see of a cluster: endpoints, their addresses and labels, sets, services, the address plan.

Only facts, no meaning: which labels a selector sees, or whether a host-network pod is an endpoint, is
decided by the evaluators, each for its own CNI. Labels here are the objects' own labels as stored.
``frozen`` values throughout; maps are plain dicts by contract never changed after ``build_world``.
"""

from __future__ import annotations

from collections.abc import Iterable, Mapping, Sequence
from dataclasses import dataclass, field, replace

from translators.algebra.cidrs import Address, Cidr, parse_cidr

__all__ = [
    "RANGES",
    "AddressPlan",
    "EndpointSlice",
    "Felix",
    "HostEndpoint",
    "NamedPort",
    "Namespace",
    "NetworkSet",
    "Node",
    "Pod",
    "Profile",
    "Service",
    "ServiceAccount",
    "ServicePort",
    "SlicePort",
    "World",
]

Labels = Mapping[str, str]


@dataclass(frozen=True, slots=True)
class Namespace:
    """A Namespace; its labels are what ``namespaceSelector`` is matched against."""

    name: str
    labels: Labels = field(default_factory=dict)
    resource_version: str = ""


@dataclass(frozen=True, slots=True)
class ServiceAccount:
    """A ServiceAccount; Calico sees its labels, Cilium only its name."""

    namespace: str
    name: str
    labels: Labels = field(default_factory=dict)
    resource_version: str = ""


@dataclass(frozen=True, slots=True)
class NamedPort:
    """A named container port (or a named port of a HostEndpoint); protocol TCP, UDP or SCTP."""

    name: str
    protocol: str
    number: int


@dataclass(frozen=True, slots=True)
class Pod:
    """A Pod as stored; ``finished`` is phase Succeeded or Failed, ``addresses`` are ``status.podIPs``.

    ``profiles`` is None for a pod of Kubernetes (Calico then derives ``kns.`` and ``ksa.``).
    """

    namespace: str
    name: str
    labels: Labels = field(default_factory=dict)
    service_account: str = "default"
    node: str = ""
    host_network: bool = False
    finished: bool = False
    addresses: tuple[Address, ...] = ()
    ports: tuple[NamedPort, ...] = ()
    resource_version: str = ""


@dataclass(frozen=True, slots=True)
class Node:
    """A Node: ``addresses`` are InternalIP, ExternalIP and Calico's tunnel addresses."""

    name: str
    labels: Labels = field(default_factory=dict)
    addresses: tuple[Address, ...] = ()
    pod_cidrs: tuple[Cidr, ...] = ()
    control_plane: bool = False
    resource_version: str = ""


@dataclass(frozen=True, slots=True)
class Failsafes:
    """Ports, as (IP protocol, number), that no policy closes on a host endpoint."""

    inbound: tuple[tuple[int, int], ...]
    outbound: tuple[tuple[int, int], ...]


_CONTROL = tuple((6, port) for port in (179, 2379, 2380, 5473, 6443, 6666, 6667))
FAILSAFES = Failsafes(((6, 22), (17, 68), *_CONTROL), ((17, 53), (17, 67), *_CONTROL))
"""Felix's defaults (projectcalico/calico ``felix/config/config_params.go``)."""

EVERY_INTERFACE = "*"


@dataclass(frozen=True, slots=True)
class HostEndpoint:
    """A Calico HostEndpoint; ``interface`` is ``*``, a name, or empty (then ``addresses`` identify it)."""

    name: str
    node: str = ""
    interface: str = ""
    addresses: tuple[Address, ...] = ()
    labels: Labels = field(default_factory=dict)
    profiles: tuple[str, ...] = ()
    ports: tuple[NamedPort, ...] = ()
    resource_version: str = ""


@dataclass(frozen=True, slots=True)
class NetworkSet:
    """A NetworkSet (``namespace`` given) or GlobalNetworkSet (``namespace`` None)."""

    namespace: str | None
    name: str
    labels: Labels = field(default_factory=dict)
    nets: tuple[Cidr, ...] = ()
    resource_version: str = ""


@dataclass(frozen=True, slots=True)
class ServicePort:
    """A port of a Service; ``target`` is a number, a port name, or None (then ``port``)."""

    name: str
    protocol: str
    port: int
    target: int | str | None = None


@dataclass(frozen=True, slots=True)
class Service:
    """A Service; an empty ``selector`` means that its endpoints are kept by somebody else.

    ``external_policy`` ``Local`` keeps the sender's address for what comes from outside.
    """

    namespace: str
    name: str
    selector: Labels = field(default_factory=dict)
    ports: tuple[ServicePort, ...] = ()
    cluster_ips: tuple[Address, ...] = ()
    type: str = "ClusterIP"
    external_policy: str = "Cluster"
    resource_version: str = ""


@dataclass(frozen=True, slots=True)
class SlicePort:
    """A port of an EndpointSlice; ``number`` None is "not set" and matches nothing in Calico."""

    name: str
    protocol: str
    number: int | None


@dataclass(frozen=True, slots=True)
class EndpointSlice:
    """An EndpointSlice: all addresses, ready or not, as Calico takes them."""

    namespace: str
    name: str
    service: str
    ports: tuple[SlicePort, ...] = ()
    addresses: tuple[Address, ...] = ()
    resource_version: str = ""


@dataclass(frozen=True, slots=True)
class Profile:
    """A Calico Profile object: rules as plain Calico rule dicts, interpreted by the evaluators."""

    name: str
    labels_to_apply: Labels = field(default_factory=dict)
    ingress: tuple[Mapping[str, object], ...] = ()
    egress: tuple[Mapping[str, object], ...] = ()


RANGES = {"pods": "pods", "nodes": "nodes", "services": "services", "apiServer": "api_servers"}
"""The fields of an address plan by their names in the configuration."""


@dataclass(frozen=True, slots=True)
class AddressPlan:
    """The ranges of Calico's side: pods, nodes, services, API servers. ``stated`` False: nobody said.

    Without a plan (``stated`` False) private ranges may belong to anything (CAL-P115). ``cilium_pods``: the ranges
    that pods get in Cilium, empty where they keep Calico's.
    """

    pods: tuple[Cidr, ...] = ()
    nodes: tuple[Cidr, ...] = ()
    services: tuple[Cidr, ...] = ()
    api_servers: tuple[Cidr, ...] = ()
    stated: bool = False
    cilium_pods: tuple[Cidr, ...] = ()

    @classmethod
    def of(cls, ranges: Mapping[str, Sequence[str]]) -> AddressPlan:
        """Read ranges by the names of the configuration: ``pods``, ``nodes``, ``services``, ``apiServer``.

        Raises ``ValueError`` for another name, or for a text that is no network.
        """
        if unknown := sorted(set(map(str, ranges)) - set(RANGES)):
            message = f"{', '.join(unknown)} is no range of an address plan; they are {', '.join(RANGES)}"
            raise ValueError(message)
        read = {
            name: tuple(parse_cidr(str(c)) for c in ranges.get(key) or ()) for key, name in RANGES.items()
        }
        return cls(**read, stated=True)

    def renumbered(self, ranges: Iterable[str]) -> AddressPlan:
        """Give the plan with the ranges that pods get in Cilium; raises ``ValueError`` for a text that is no network."""
        found = tuple(parse_cidr(str(text)) for text in ranges)
        return replace(self, cilium_pods=() if set(found) == set(self.pods) else found)

    @property
    def families(self) -> tuple[int, ...]:
        """Give the pod families, sorted; IPv4 alone where no pod range is known."""
        return tuple(sorted({cidr.family for cidr in self.pods})) or (4,)


@dataclass(frozen=True, slots=True)
class Felix:
    """Settings of Calico's agent that decide traffic beside any policy; the defaults are those of its manifests.

    ``endpoint_to_host``: what happens to a pod's traffic to its own node that no policy decided.
    """

    endpoint_to_host: str = "Accept"
    bpf: bool = False
    vxlan_port: int = 4789


@dataclass(frozen=True, slots=True)
class World:
    """One cluster as far as policy can see it.

    ``is_cluster`` is True where the objects come from a cluster snapshot, so that an absent object does not
    exist; False where only policy files were given, so that an absent object is merely not known.
    ``unread`` names kinds that a snapshot says it could not read. Keys: namespaces by name, accounts and
    services by (namespace, name), nodes and host endpoints by name.
    """

    namespaces: Mapping[str, Namespace] = field(default_factory=dict)
    service_accounts: Mapping[tuple[str, str], ServiceAccount] = field(default_factory=dict)
    pods: tuple[Pod, ...] = ()
    nodes: Mapping[str, Node] = field(default_factory=dict)
    host_endpoints: Mapping[str, HostEndpoint] = field(default_factory=dict)
    network_sets: tuple[NetworkSet, ...] = ()
    services: Mapping[tuple[str, str], Service] = field(default_factory=dict)
    slices: tuple[EndpointSlice, ...] = ()
    profiles: Mapping[str, Profile] = field(default_factory=dict)
    plan: AddressPlan = field(default_factory=AddressPlan)
    felix: Felix = field(default_factory=Felix)
    is_cluster: bool = False
    unread: frozenset[str] = frozenset()
