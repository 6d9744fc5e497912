"""What changes on the way from one data plane to the other, whatever the policies say.

Felix's settings, addresses that are rewritten before a policy sees them, connections that are running, the time in
which both CNIs run: no rule of the output speaks of these, so each is named once (``translation.md`` C5).
"""

from __future__ import annotations

from collections.abc import Iterator, Sequence

from translators.diagnostics import Diagnostic, diagnostic
from translators.flows import Direction
from translators.ir.policy import Policy
from translators.passes.scope import scope_policy
from translators.selectors.evaluate import matches
from translators.semantics.calico.labels import pod_labels, selects
from translators.semantics.calico.model import CalicoPolicies
from translators.settings import Options
from translators.world import Service, World

__all__ = ["of_crossing"]

ACCEPT = "Accept"
TARGET, CALICO = "the target", "Felix"
_EXTERNAL = frozenset({"NodePort", "LoadBalancer"})
_LISTED = 8


def of_crossing(calico: CalicoPolicies, policies: Sequence[Policy], options: Options) -> Iterator[Diagnostic]:
    """Give the findings about the cluster as a whole; ``policies`` are those that are translated."""
    world = calico.world
    enforced = [p for p in policies if not p.staged]
    if not enforced:
        return
    if world.felix.endpoint_to_host != ACCEPT:
        yield diagnostic("CAL-H607", None, about=CALICO)
    if not options.drop_encapsulation:
        yield diagnostic("CAL-L514", None, about=CALICO, port=world.felix.vxlan_port)
    if world.felix.bpf:
        yield from (_on_bpf(policy) for policy in enforced if _selects_hosts(policy, world))
    if changed := _readdressed(calico):
        more = f" and {len(changed) - _LISTED} more" if len(changed) > _LISTED else ""
        yield diagnostic("CAL-H609", None, about="Services", service=", ".join(changed[:_LISTED]) + more)
    if world.is_cluster and any(not p.host_network for p in world.pods):
        count = len(enforced)
        subjects = f"the pods that {count} {'policy selects' if count == 1 else 'policies select'}"
        yield diagnostic("CAL-V810", None, about=TARGET, subjects=subjects)


def _on_bpf(policy: Policy) -> Diagnostic:
    return diagnostic("CAL-H614", policy.span, about=f"{policy.api_kind} {policy.label}")


def _selects_hosts(policy: Policy, world: World) -> bool:
    scoped = scope_policy(policy)
    return scoped.selects_hosts and any(
        matches(scoped.subject, h.labels) for h in world.host_endpoints.values()
    )


def _readdressed(calico: CalicoPolicies) -> list[str]:
    """Name the Services that are reached from outside through another node, where a policy asks who sends."""
    outside = [
        s for s in calico.world.services.values() if s.type in _EXTERNAL and s.external_policy != "Local"
    ]
    return sorted(f"{s.namespace}/{s.name}" for s in outside if s.selector and _is_policed(calico, s))


def _is_policed(calico: CalicoPolicies, service: Service) -> bool:
    backends = [
        pod
        for pod in calico.world.pods
        if pod.namespace == service.namespace and service.selector.items() <= pod.labels.items()
    ]
    labels = {frozenset(pod.labels.items()): pod_labels(pod, calico.world) for pod in backends}
    ingress = [
        policy
        for tier in calico.tiers
        for policy in tier.policies
        if policy.applies(Direction.INGRESS) and not policy.special
    ]
    return any(selects(policy.subject, own) for policy in ingress for own in labels.values())
