"""Findings about what surrounds the rules: hosts that a policy selects too, tiers, services, Felix's settings.

Nothing here changes what is emitted; each finding names traffic or objects that no rule of the output speaks of.
"""

from __future__ import annotations

from collections.abc import Iterable, Iterator, Mapping, Sequence

from translators.diagnostics import Diagnostic, diagnostic
from translators.flows import TCP, UDP, Flow, Peer, PeerKind, Verdict
from translators.ir.policy import DEFAULT_TIER, Action, Policy, Tier
from translators.passes.scope import scope_policy
from translators.selectors.evaluate import matches
from translators.semantics.calico.model import CalicoPolicies
from translators.semantics.calico.point import PointEvaluator
from translators.settings import CiliumConfig
from translators.world import EVERY_INTERFACE, HostEndpoint, Pod, Service, World

__all__ = ["hairpins", "of_hosts", "of_policy", "of_tiers"]

DEFAULT_ALLOW = "projectcalico-default-allow"
_BASELINE = frozenset({"kube-baseline", "baselineadminnetworkpolicy"})
_PROTOCOLS = {"TCP": TCP, "UDP": UDP}
_LISTED = 8


def of_policy(policy: Policy, world: World, cilium: CiliumConfig) -> Iterator[Diagnostic]:
    """Say where a policy reaches hosts: by its subject, and by traffic that is only forwarded."""
    about = f"{policy.api_kind} {policy.label}"
    scoped = scope_policy(policy)
    if scoped.selects_hosts and not policy.staged:
        hosts = [h for h in world.host_endpoints.values() if matches(scoped.subject, h.labels)]
        open_to_hosts = matches(scoped.subject, {}) or _by_labels_alone(policy)
        if any(h.interface != EVERY_INTERFACE for h in hosts):
            yield diagnostic("CAL-H602", policy.span, about=about)
        if any(h.interface == EVERY_INTERFACE for h in hosts):
            traffic = "between nodes, and from a node's own pods,"
            if not (cilium.host_firewall and cilium.node_selector_labels):
                off = "hostFirewall.enabled and nodeSelectorLabels are off in the target"
                traffic = f"to and from the hosts themselves ({off}, so it is not translated)"
            yield diagnostic("CAL-H601", policy.span, about=about, policy=policy.label, list=traffic)
        elif open_to_hosts:
            yield diagnostic("CAL-H608", policy.span, about=about, policy=policy.label)
        if policy.namespace_selector is not None and (hosts or open_to_hosts):
            yield diagnostic("CAL-S208", policy.span, about=about, selector="The namespaceSelector")
    if policy.apply_on_forward and not (policy.pre_dnat or policy.do_not_track):
        yield diagnostic("CAL-H603", policy.span, about=about)


def _by_labels_alone(policy: Policy) -> bool:
    """Say whether nothing in the subject is true of pods alone."""
    told = "orchestrator" in policy.selector_text or "projectcalico.org/namespace" in policy.selector_text
    return policy.namespace_selector is None and policy.account_selector is None and not told


def of_hosts(world: World) -> Iterator[Diagnostic]:
    """Say which host endpoints hide others, and which are shut because they have no profile."""
    seen: dict[tuple[str, str], HostEndpoint] = {}
    for _, host in sorted(world.host_endpoints.items()):
        first = seen.setdefault((host.node, host.interface), host)
        if first is not host:
            yield diagnostic("CAL-H613", None, about=f"HostEndpoint {host.name}", hep=first.name)
        about = f"HostEndpoint {host.name}"
        for name in host.profiles:
            if name in world.profiles and name != DEFAULT_ALLOW:
                yield diagnostic("CAL-O310", None, about=about, profile=name)
            elif name not in world.profiles and name != DEFAULT_ALLOW:
                yield diagnostic("CAL-O312", None, about=about, object=f"Profile {name}", subject=host.name)
        if not host.profiles and host.interface != EVERY_INTERFACE:
            yield diagnostic("CAL-H606", None, about=f"HostEndpoint {host.name}", hep=host.name)


def of_tiers(policies: Sequence[Policy], tiers: Mapping[str, Tier]) -> Iterator[Diagnostic]:
    """Say which tiers are skipped, which go on by default, and which are never reached."""
    enforced = [p for p in policies if not p.staged]
    by_default = [p for p in enforced if p.tier == DEFAULT_TIER]
    for policy in enforced:
        tier = tiers.get(policy.tier)
        about = f"{policy.api_kind} {policy.label}"
        if tier is not None and tier.default_action is Action.PASS and policy.kind.is_calico:
            yield diagnostic("CAL-O304", policy.span, about=about)
        if policy.tier in _BASELINE and by_default:
            yield diagnostic("CAL-K704", policy.span, about=about)
    for policy in policies:
        alone = policy.staged and policy.tier != DEFAULT_TIER
        if alone and not any(p.tier == policy.tier for p in enforced):
            about = f"{policy.api_kind} {policy.label}"
            yield diagnostic("CAL-O307", policy.span, about=about, tier=policy.tier)


def hairpins(calico: CalicoPolicies) -> Iterator[Diagnostic]:
    """Name the Services whose own pods Calico keeps from reaching themselves: Cilium always allows that."""
    evaluator = PointEvaluator(calico)
    found = [
        f"{service.namespace}/{service.name}"
        for service in calico.world.services.values()
        if any(_is_denied(evaluator, pod, service) for pod in _backends(service, calico.world.pods))
    ]
    if found:
        more = f" and {len(found) - _LISTED} more" if len(found) > _LISTED else ""
        services = ", ".join(sorted(found)[:_LISTED]) + more
        yield diagnostic("CAL-H610", None, about="Services", services=services)


def _backends(service: Service, pods: Iterable[Pod]) -> Iterator[Pod]:
    """Give one backend for each set of labels: policy cannot tell the others apart."""
    seen = set()
    for pod in pods:
        same = pod.namespace == service.namespace and not pod.host_network and pod.addresses
        if not (same and service.selector and service.selector.items() <= pod.labels.items()):
            continue
        key = frozenset(pod.labels.items())
        if key not in seen:
            seen.add(key)
            yield pod


def _is_denied(evaluator: PointEvaluator, pod: Pod, service: Service) -> bool:
    peer = Peer(PeerKind.POD, pod.addresses[0], pod=pod)
    for port in service.ports:
        number = port.target if isinstance(port.target, int) else port.port
        protocol = _PROTOCOLS.get(port.protocol)
        if protocol is None:
            continue
        flow = Flow(peer, peer, protocol, port=number, family=pod.addresses[0].family)
        decision = evaluator.judge(flow)
        if any(d is not None and d.verdict is Verdict.DENY for d in (decision.ingress, decision.egress)):
            return True
    return False
