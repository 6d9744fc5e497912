"""PRE-063: objects that name the old pod range will not mean migrated pods.

*Named* is a network or address that lies in or cuts into a pool of Calico and does not hold the whole new range as
well: ``10.0.0.0/8`` or ``0.0.0.0/0`` means both and is left alone, the address of one pod is not. Read are rules of
Kubernetes and Calico, network sets, ``loadBalancerSourceRanges``, annotations of Services, Ingresses and Gateways, and
ConfigMaps as free text. Configuration that other rules judge (kube-proxy, Calico's own, Cilium's) is left out.
Patterns (``10\\.244\\.``) cannot be seen.
"""

from __future__ import annotations

from collections.abc import Iterable, Iterator

from migrate.model.addresses import network
from migrate.model.fields import items, mapping, maps, text
from migrate.model.findings import Severity
from migrate.model.resources import Resource
from migrate.preflight.rule import Case, Group, Hit, Rule
from migrate.preflight.views_network import only_old, only_old_in

__all__ = ["RULE"]

NETWORK_POLICIES = "networkpolicies.networking.k8s.io"
RULES = ("networkpolicies", "globalnetworkpolicies", "stagednetworkpolicies", "stagedglobalnetworkpolicies")
SETS = ("networksets", "globalnetworksets")
ANNOTATED = ("services", "ingresses.networking.k8s.io", "gateways.gateway.networking.k8s.io")
OURS_OR_JUDGED = frozenset(
    {
        ("kube-system", "kube-proxy"),
        ("kube-system", "kube-proxy-config"),
        ("kube-system", "calico-config"),
        ("kube-system", "canal-config"),
        ("kube-system", "cilium-config"),
    }
)
OWN_NAMESPACES = frozenset({"calico-system", "calico-apiserver", "tigera-operator"})
MAX_SHOWN = 5


def check(case: Case) -> Iterator[Hit]:
    """Name every object that means pods by today's addresses, with what it says."""
    for item, said in _mentions(case):
        if said:
            more = f" and {len(said) - MAX_SHOWN} more" if len(said) > MAX_SHOWN else ""
            shown = ", ".join(said[:MAX_SHOWN])
            yield Hit(item.path, {"object": item.path, "cidr": shown + more}, {"mentions": said})


def _mentions(case: Case) -> Iterator[tuple[Resource, list[str]]]:
    snapshot = case.snapshot
    for item in snapshot.of(NETWORK_POLICIES):
        yield item, _old(_blocks(item), case)
    for kind in RULES:
        for item in snapshot.calico(kind):
            yield item, _old(_nets(item), case)
    for kind in SETS:
        for item in snapshot.calico(kind):
            yield item, _old((str(n) for n in items(item.data, "spec", "nets")), case)
    for resource in ANNOTATED:
        for item in snapshot.of(resource):
            ranges = _old((str(r) for r in items(item.data, "spec", "loadBalancerSourceRanges")), case)
            yield item, list(dict.fromkeys([*ranges, *_in_annotations(item, case)]))
    for item in snapshot.of("configmaps"):
        if (item.namespace, item.name) not in OURS_OR_JUDGED and item.namespace not in OWN_NAMESPACES:
            words = "\n".join(v for v in mapping(item.data, "data").values() if isinstance(v, str))
            yield item, only_old_in(words, case)


def _old(texts: Iterable[str], case: Case) -> list[str]:
    found = [t for t in texts if (net := network(t)) is not None and only_old(net, case)]
    return list(dict.fromkeys(found))


def _in_annotations(item: Resource, case: Case) -> list[str]:
    kept = (v for k, v in item.annotations.items() if k != "kubectl.kubernetes.io/last-applied-configuration")
    return only_old_in("\n".join(kept), case)


def _blocks(policy: Resource) -> Iterator[str]:
    for direction, peers in (("ingress", "from"), ("egress", "to")):
        for rule in maps(policy.data, "spec", direction):
            for peer in maps(rule, peers):
                block = mapping(peer, "ipBlock")
                yield text(block, "cidr")
                yield from (str(e) for e in items(block, "except"))


def _nets(policy: Resource) -> Iterator[str]:
    for direction in ("ingress", "egress"):
        for rule in maps(policy.data, "spec", direction):
            for end in ("source", "destination"):
                for key in ("nets", "notNets"):
                    yield from (str(n) for n in items(rule, end, key))


RULE = Rule(
    number=63,
    group=Group.NETWORK,
    severity=Severity.WARN,
    title="Object names the old pod range",
    message="{object} mentions {cidr}",
    remedy="let it name both ranges before the first node moves, and the new one alone after the last",
    check=check,
    failures=(28, 41),
    reads=(NETWORK_POLICIES, "services", "configmaps"),
    calico=("ippools", "networkpolicies", "globalnetworkpolicies"),
)
