"""PRE-147: nodes that have not moved keep deciding by Calico's rules, and rules by address know only the old range.

A migrated pod has an address of the new range. Every network of a rule, of a native ``ipBlock`` and of a network set is
held against old pools and new ranges of its family: where one of the two is inside and the other is not, traffic of
migrated pods is decided differently. Which way follows from the action and from whether the network is excluded
(``notNets``, ``except``). Networks that hold both, or neither, decide as before; a set is named by itself, as its rules
may be of either action. Networks of the subject's own side (``source`` in egress) are looked at like the others.
"""

from __future__ import annotations

from collections.abc import Iterable, Iterator, Mapping
from typing import Any

from migrate.model.fields import items, mapping, maps, text
from migrate.model.findings import Severity
from migrate.model.resources import Resource
from migrate.preflight.rule import Case, Group, Hit, Rule
from migrate.preflight.views import Network, calico_pools, networks
from migrate.preflight.views_policy import CALICO_POLICIES, NATIVE_POLICIES

__all__ = ["RULE"]

SETS = ("networksets", "globalnetworksets")


def check(case: Case) -> Iterator[Hit]:
    """Hold every network of every policy and set against both ranges."""
    old = networks(cidr for _, cidr in calico_pools(case.snapshot))
    new = networks(case.draft.settings.cilium.pod_cidrs)
    for item, net, what in _spoken(case):
        for parsed in networks([net]):
            theirs, ours = _meets(parsed, old), _meets(parsed, new)
            if theirs is not ours:
                # The rule takes effect on the old range alone, or on the new one alone.
                verdict = what if theirs else _OTHER[what]
                yield Hit(item.path, {"p": item.path, "what": verdict, "net": net}, {"network": net})


_OTHER = {
    "dropped": "allowed",
    "allowed": "dropped",
    "decided differently": "decided differently",
}


def _meets(net: Network, ranges: Iterable[Network]) -> bool:
    return any(net.version == r.version and net.overlaps(r) for r in ranges)


def _spoken(case: Case) -> Iterator[tuple[Resource, str, str]]:
    """Give (object, network, what becomes of a peer that is outside of it although it was inside)."""
    for plural in CALICO_POLICIES:
        for item in case.snapshot.calico(plural):
            for direction in ("ingress", "egress"):
                for rule in maps(item.data, "spec", direction):
                    yield from ((item, net, what) for net, what in _of_rule(rule))
    for item in case.snapshot.of(NATIVE_POLICIES):
        yield from ((item, net, what) for net, what in _of_native(item.data))
    for plural in SETS:
        for item in case.snapshot.calico(plural):
            yield from ((item, str(net), "decided differently") for net in items(item.data, "spec", "nets"))


def _of_rule(rule: Mapping[str, Any]) -> Iterator[tuple[str, str]]:
    allows = text(rule, "action").lower() != "deny"
    for side in ("source", "destination"):
        for net in items(rule, side, "nets"):
            yield str(net), "dropped" if allows else "allowed"
        for net in items(rule, side, "notNets"):
            yield str(net), "allowed" if allows else "dropped"


def _of_native(policy: Mapping[str, Any]) -> Iterator[tuple[str, str]]:
    for direction, peers in (("ingress", "from"), ("egress", "to")):
        for rule in maps(policy, "spec", direction):
            for peer in maps(rule, peers):
                block = mapping(peer, "ipBlock")
                if block:
                    yield text(block, "cidr"), "dropped"
                    yield from ((str(net), "allowed") for net in items(block, "except"))


RULE = Rule(
    number=147,
    group=Group.POLICY,
    severity=Severity.WARN,
    title="Rules by address know only one range",
    message="{p}: migrated pods are {what} by address ({net})",
    remedy="add the new range to {net} of {p} before node 1",
    check=check,
    failures=(41,),
    reads=(NATIVE_POLICIES,),
    calico=("networkpolicies", "globalnetworkpolicies", "ippools"),
)
