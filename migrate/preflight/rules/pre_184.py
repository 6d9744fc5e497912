"""PRE-184: CRDs that Calico brought but shares with others stay while they hold objects; ``cleanup.sharedCRDs`` decides."""

from __future__ import annotations

from collections.abc import Iterator

from migrate.model.fields import text
from migrate.model.findings import Severity
from migrate.preflight.rule import Case, Group, Hit, Repeat, Rule

__all__ = ["RULE"]

CRDS = "customresourcedefinitions.apiextensions.k8s.io"
SHARED = ("policy.networking.k8s.io", "gateway.networking.k8s.io", "gateway.envoyproxy.io", "istio.io")


def check(case: Case) -> Iterator[Hit]:
    """Name every shared CRD with objects."""
    for crd in case.snapshot.of(CRDS):
        group = text(crd.data, "spec", "group")
        if not any(group == shared or group.endswith(f".{shared}") for shared in SHARED):
            continue
        read = case.snapshot.reads.get(crd.name)
        count = max(len(case.snapshot.of(crd.name)), read.count if read is not None else 0)
        if count:
            yield Hit(
                crd.path, {"c": crd.name}, {"objects": count, "sharedCRDs": case.draft.settings.shared_crds}
            )


RULE = Rule(
    number=184,
    group=Group.NO_RETURN,
    severity=Severity.WARN,
    title="Shared CRDs are kept",
    message="Shared CRD {c}: kept",
    remedy="cleanup.sharedCRDs: remove takes it away too, where Calico made it and nobody has objects of it",
    check=check,
    failures=(14,),
    reads=(CRDS,),
    repeat=frozenset({Repeat.NO_RETURN}),
)
