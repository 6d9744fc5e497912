"""Policies as the compiler reads them: one shape for Calico's own and for Kubernetes' kinds.

Selectors are the syntax trees as written, not yet limited to a scope; only for Kubernetes kinds are they
already over the labels that Calico sees, as Calico's own conversion builds them (``calico.md`` §10).
"""

from __future__ import annotations

from dataclasses import dataclass, field
from enum import StrEnum

from translators.algebra.cidrs import Cidr
from translators.selectors.ast import All, Node
from translators.source import Document
from translators.span import Span

__all__ = [
    "DEFAULT_TIER",
    "FIXED_TIERS",
    "KUBERNETES_ORDER",
    "Action",
    "Entity",
    "Policy",
    "PolicyKind",
    "PortRange",
    "Rule",
    "Tier",
]


class Action(StrEnum):
    """What a rule of Calico does with a flow that it matches."""

    ALLOW = "Allow"
    DENY = "Deny"
    PASS = "Pass"  # noqa: S105  # an action of Calico, not a password
    LOG = "Log"


class PolicyKind(StrEnum):
    """Where a policy comes from; the values are the names that Calico gives in its traces."""

    NETWORK_POLICY = "NetworkPolicy"
    GLOBAL_NETWORK_POLICY = "GlobalNetworkPolicy"
    KUBERNETES_NETWORK_POLICY = "KubernetesNetworkPolicy"
    CLUSTER_NETWORK_POLICY = "KubernetesClusterNetworkPolicy"
    ADMIN_NETWORK_POLICY = "KubernetesAdminNetworkPolicy"
    BASELINE_ADMIN_NETWORK_POLICY = "KubernetesBaselineAdminNetworkPolicy"
    FELIX = "FelixConfiguration"

    @property
    def is_calico(self) -> bool:
        """Say whether the kind is Calico's own, so that its selectors still need their scope."""
        return self in {PolicyKind.NETWORK_POLICY, PolicyKind.GLOBAL_NETWORK_POLICY}


@dataclass(frozen=True, slots=True)
class PortRange:
    """Closed range of port numbers."""

    first: int
    last: int


@dataclass(frozen=True, slots=True)
class Entity:
    """One end of a rule; every criterion that is set must hold. ``service`` is (namespace, name)."""

    nets: tuple[Cidr, ...] = ()
    not_nets: tuple[Cidr, ...] = ()
    selector: Node | None = None
    not_selector: Node | None = None
    namespace_selector: Node | None = None
    account_names: tuple[str, ...] = ()
    account_selector: Node | None = None
    service: tuple[str, str] | None = None
    ports: tuple[PortRange | str, ...] = ()
    not_ports: tuple[PortRange | str, ...] = ()


@dataclass(frozen=True, slots=True)
class Rule:
    """One rule; ``index`` counts from 0 in its direction, after conversion for Kubernetes kinds.

    ``protocol`` and ``not_protocol`` are IP protocol numbers; ``icmp`` is (type, code or None). ``http`` holds
    (method, path as a regular expression), either empty where it may be any; it says nothing about layer 4.
    """

    action: Action
    index: int
    span: Span
    ip_version: int | None = None
    protocol: int | None = None
    not_protocol: int | None = None
    icmp: tuple[int, int | None] | None = None
    not_icmp: tuple[int, int | None] | None = None
    source: Entity = field(default_factory=Entity)
    destination: Entity = field(default_factory=Entity)
    http: tuple[tuple[str, str], ...] = ()


@dataclass(frozen=True, slots=True, eq=False)
class Policy:
    """One policy; ``order`` None sorts last; ``staged`` ones are reported and never enforced."""

    kind: PolicyKind
    namespace: str | None
    name: str
    tier: str
    order: float | None
    span: Span
    document: Document
    selector: Node = field(default_factory=All)
    selector_text: str = ""
    namespace_selector: Node | None = None
    account_selector: Node | None = None
    ingress: tuple[Rule, ...] = ()
    egress: tuple[Rule, ...] = ()
    applies_ingress: bool = True
    applies_egress: bool = False
    staged: bool = False
    do_not_track: bool = False
    pre_dnat: bool = False
    apply_on_forward: bool = False

    @property
    def label(self) -> str:
        """Give ``namespace/name``, or the name alone."""
        return f"{self.namespace}/{self.name}" if self.namespace else self.name

    @property
    def api_kind(self) -> str:
        """Give the kind as the manifest writes it."""
        return self.document.kind or str(self.kind)


@dataclass(frozen=True, slots=True)
class Tier:
    """A tier; ``order`` None sorts last; only ``Pass`` as default action lets flows go on."""

    name: str
    order: float | None
    default_action: Action = Action.DENY
    span: Span | None = None


KUBERNETES_ORDER = 1000.0
"""Where Kubernetes NetworkPolicies stand in tier ``default``."""

DEFAULT_TIER = "default"
FIXED_TIERS = {
    DEFAULT_TIER: Tier(DEFAULT_TIER, 1_000_000.0),
    "kube-admin": Tier("kube-admin", 1_000.0, Action.PASS),
    "kube-baseline": Tier("kube-baseline", 10_000_000.0, Action.PASS),
    "adminnetworkpolicy": Tier("adminnetworkpolicy", 1_000.0, Action.PASS),
    "baselineadminnetworkpolicy": Tier("baselineadminnetworkpolicy", 10_000_000.0, Action.PASS),
}
"""Tiers that always exist, listed or not (``calico.md`` §2)."""
