"""PRE-006: exactly one install method must be recognised: where to pin, and how to remove, both hang on it.

Two methods at once mean a half-done move from one to the other; none, that nobody has seen this before. Calico
Enterprise and the VPP data plane are not among the variants of ``procedure.md`` §2 and are refused here as well. A
method set by hand counts, if it is one that exists.
"""

from __future__ import annotations

from collections.abc import Iterator

from migrate.model.findings import Severity
from migrate.model.installs import METHODS
from migrate.model.snapshot import Snapshot
from migrate.preflight.rule import Case, Group, Hit, Rule

__all__ = ["RULE"]

MARKS = ("calico", "canal", "tigera", "flannel")


def check(case: Case) -> Iterator[Hit]:
    """Say what was seen, unless it is one known method."""
    variant = case.draft.variant
    known = variant.install in METHODS and variant.product == "Calico" and variant.data_plane != "vpp"
    if not known:
        facts = _facts(case.snapshot)
        told = [f"matches {' and '.join(variant.installs) or 'no method'}", *facts]
        if variant.product != "Calico":
            told.insert(0, variant.product)
        if variant.data_plane == "vpp":
            told.insert(0, "data plane VPP")
        evidence = {"installs": list(variant.installs), "product": variant.product, "facts": facts}
        yield Hit("cluster/calico", {"facts": "; ".join(told)}, evidence)


def _facts(snapshot: Snapshot) -> list[str]:
    kinds = {"DaemonSet", "Deployment"}
    found = [
        f"{w.kind} {w.label} ({', '.join(w.images)})"
        for w in snapshot.workloads
        if w.kind in kinds and any(mark in w.name for mark in MARKS)
    ]
    installations = [i.path for i in snapshot.of("installations.operator.tigera.io")]
    charts = [
        c.path for c in snapshot.of("helmcharts.helm.cattle.io") if any(mark in c.name for mark in MARKS)
    ]
    return [*installations, *charts, *found] or ["nothing of Calico"]


RULE = Rule(
    number=6,
    group=Group.IDENTITY,
    severity=Severity.MANDATORY,
    title="Install method not recognised",
    message="Calico install method not recognised: {facts}",
    remedy="report these facts; set calico.variant by hand only with evidence",
    check=check,
    reads=("daemonsets.apps", "installations.operator.tigera.io"),
)
