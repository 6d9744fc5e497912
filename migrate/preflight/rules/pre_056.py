"""PRE-056: before a control-plane node is touched every member of etcd is healthy; before it is stopped, there is quorum.

Seen are mirror pods of etcd and kube-apiserver, and what the API server says of etcd (``/readyz/etcd``) where it was
asked. A drain and a switch stop neither, as both use the host's network; a reboot or a replacement stops both, so then a
majority of members and one other API server must be left. Where control-plane nodes are in the plan and no member is to
be seen (external etcd, or one inside another process), the rule is unknown; without such nodes there is nothing to ask.
"""

from __future__ import annotations

from collections.abc import Iterator, Sequence

from migrate.model.findings import Severity
from migrate.model.pods import Pod
from migrate.preflight.rule import Case, Group, Hit, Repeat, Rule, Unread

__all__ = ["RULE"]


def check(case: Case) -> Iterator[Hit | Unread]:
    """Count members and API servers, as they are and as each control-plane node would leave them."""
    planes = [n.name for n in case.snapshot.nodes if n.control_plane and n.name in case.draft.nodes]
    if not planes:
        return
    members, servers = _static(case, "etcd"), _static(case, "kube-apiserver")
    healthy = sum(p.ready for p in members)
    if not members:
        yield Unread("the members of etcd: no mirror pod of etcd is to be seen")
    said = (case.snapshot.answers.health or {}).get("etcd", True)
    for name in planes:
        fills = {"n": name, "k": healthy, "m": len(members)}
        evidence = {"members": {p.label: p.ready for p in members}, "readyz/etcd": said}
        if healthy < len(members):
            yield Hit(f"node/{name}", fills, evidence, name)
        elif not said:
            yield Hit(
                f"node/{name}",
                fills,
                evidence,
                name,
                message="{n}: the API server says that etcd is not ready",
            )
        plan = case.draft.nodes[name]
        if plan.reboot or plan.mode == "replace":
            yield from _without(name, members, servers)


def _static(case: Case, component: str) -> list[Pod]:
    return [
        p
        for p in case.snapshot.pods
        if p.mirror and (p.labels.get("component") == component or p.name.startswith(f"{component}-"))
    ]


def _without(name: str, members: Sequence[Pod], servers: Sequence[Pod]) -> Iterator[Hit]:
    left = sum(p.ready for p in members if p.node != name)
    fills = {"n": name, "k": left, "m": len(members)}
    if any(p.node == name for p in members) and left < len(members) // 2 + 1:
        message = "{n}: with it out {k} of {m} etcd members are healthy, which is no quorum"
        yield Hit(
            f"node/{name}", fills, {"members": {p.label: p.ready for p in members}}, name, message=message
        )
    if not any(p.ready for p in servers if p.node != name):
        message = "{n}: no other healthy API server while it is out"
        yield Hit(
            f"node/{name}", fills, {"servers": {p.label: p.ready for p in servers}}, name, message=message
        )


RULE = Rule(
    number=56,
    group=Group.PLACEMENT,
    severity=Severity.BLOCK,
    title="etcd or API server at risk",
    message="{n}: {k} of {m} etcd members healthy",
    remedy="repair the member; no reboot (nodes.reboot: never): a sole control-plane node is only drained and switched",
    check=check,
    reads=("nodes", "pods"),
    repeat=frozenset({Repeat.CONTINUOUS}),
)
