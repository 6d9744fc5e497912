"""PRE-003: Kubernetes must be one that the target Cilium is tested with, and kubelets near enough to their API server.

Upstream guarantees the versions of its table alone: older ones have no support, newer ones "depend on the backward
compatibility offered by Kubernetes". Both are findings; a newer one is what an operator may well accept by id.
Kubelets are never newer than their API server, and at most three minors older (two before 1.28).
Source: Kubernetes version skew policy.
"""

from __future__ import annotations

from collections.abc import Iterator

from migrate.model.findings import Severity
from migrate.model.versions import TESTED_KUBERNETES, Release
from migrate.preflight.rule import Case, Group, Hit, Rule, Unread

__all__ = ["RULE"]

WIDER_SKEW = (1, 28)


def check(case: Case) -> Iterator[Hit | Unread]:
    """Compare the API server with the table of the target, then every kubelet with the API server."""
    cilium = case.draft.settings.cilium
    server = Release.parse(case.snapshot.identity.version)
    if server is None:
        yield Unread("the version of the API server")
        return
    tested = TESTED_KUBERNETES.get(cilium.minor)
    if tested is None:
        yield Unread(f"the Kubernetes versions that Cilium {cilium.version} supports")
    elif not tested[0] <= server.two <= tested[1]:
        oldest, newest = (".".join(map(str, minor)) for minor in tested)
        fills = {"v": case.snapshot.identity.version, "c": cilium.version}
        yield Hit("cluster/version", fills, {"tested": f"{oldest} to {newest}"})
    yield from _kubelets(case, server)


def _kubelets(case: Case, server: Release) -> Iterator[Hit]:
    allowed = 3 if server.two >= WIDER_SKEW else 2
    for node in case.snapshot.nodes:
        version = node.info.get("kubeletVersion", "")
        kubelet = Release.parse(version)
        if kubelet is None or kubelet.major != server.major:
            continue
        if kubelet.minor > server.minor or server.minor - kubelet.minor > allowed:
            yield Hit(
                f"node/{node.name}",
                {"n": node.name, "k": version, "v": case.snapshot.identity.version},
                {"kubelet": version, "server": case.snapshot.identity.version, "minors allowed": allowed},
                node.name,
                message="{n}: kubelet {k} is outside Kubernetes' skew policy for API server {v}",
                remedy="bring the kubelet of {n} to the API server's version first",
            )


RULE = Rule(
    number=3,
    group=Group.IDENTITY,
    severity=Severity.BLOCK,
    title="Kubernetes not supported by the target",
    message="Kubernetes {v} is not supported by Cilium {c}",
    remedy="upgrade Kubernetes first, or choose another release in cilium.version",
    check=check,
    reads=("nodes",),
)
