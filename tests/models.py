"""Three reports from which every rendering is tested: clean, all grades, hostile names."""

from __future__ import annotations

from dataclasses import replace

from translators.report import (
    Condition,
    DifferenceEntry,
    Finding,
    Matrix,
    MatrixLabel,
    Method,
    PolicyEntry,
    Report,
)
from translators.span import Span

HOSTILE = (
    "</script><script>alert(1)</script>",
    '"><img src=x onerror=alert(1)>',
    "a|b`c`*d*[e](https://evil.example)",
    "<!-- c2c:report -->",
    "{{ 7 * 7 }}{% raw %}",
    "&lt;b&gt;",
)

SOURCE = """\
apiVersion: projectcalico.org/v3
kind: NetworkPolicy
metadata: {name: probes, namespace: shop}
spec:
  ingress:
  - action: Allow
    protocol: ICMP
    icmp: {type: 3, code: 4}
"""


def _entry(name: str, grade: str, disposition: str, direction: str | None, *findings: str) -> PolicyEntry:
    return PolicyEntry(
        kind="NetworkPolicy",
        namespace="shop",
        name=name,
        source=Span("shop.yaml", 1, 1),
        disposition=disposition,
        grade=grade,
        direction=direction,
        codes=tuple(f[:8] for f in findings),
        outputs=("shop.yaml:3",) if disposition == "translated" else (),
        findings=findings,
        tier="default",
        order=500.0,
    )


def clean() -> Report:
    """Nothing to decide."""
    return Report(
        input_hash="sha256:in",
        output_hash="sha256:out",
        policies=(_entry("web", "S0", "translated", None), _entry("db", "S0", "translated", None)),
        findings=(),
        differences=(),
        conditions=(),
        method=Method("0.1.0", "3.34", "1.20", None, {"P1": 4, "P2": 8}, 0, ("layer 7",), {"objects": 2}),
        matrix=matrix(),
    )


def all_grades() -> Report:
    """Every grade, disposition and severity once."""
    finding = Finding(
        "CAL-L502-5b0d7c0e",
        "CAL-L502",
        "warning",
        "Cilium has no ICMP code; all codes of type 3 are left out.",
        "Accept, or drop the code.",
        Span("shop.yaml", 8, 5),
        "NetworkPolicy shop/probes",
    )
    guard = replace(
        finding,
        id="CAL-H604-9393ff00",
        code="CAL-H604",
        severity="error",
        text="Cilium has no policy before DNAT.",
        object="GlobalNetworkPolicy guard",
    )
    note = replace(
        finding, id="CAL-N411-00000001", code="CAL-N411", severity="note", text="Set becomes a group."
    )
    difference = DifferenceEntry(
        "5b0d7c0e",
        finding.id,
        "closes",
        "ingress",
        "any pod",
        "any pod app=api in shop",
        "ICMP 3/4",
        True,
        "a -> b",
        ("allow", "NetworkPolicy:shop/probes#0", "shop.yaml:6:5"),
        ("deny", "default deny", ""),
    )
    return replace(
        clean(),
        policies=(
            _entry("web", "S0", "translated", None),
            replace(_entry("sets", "S1", "translated", None, note.id), conditions=("GlobalNetworkSet bad",)),
            _entry("today", "S2", "translated", None),
            _entry("probes", "A", "translated", "stricter", finding.id),
            _entry("guard", "X", "refused", "looser", guard.id),
            _entry("native", "S0", "kept", None),
        ),
        findings=(guard, finding, note),
        differences=(difference,),
        conditions=(Condition("GlobalNetworkSet bad", "CAL-N411", ("shop/sets",)),),
    )


def hostile() -> Report:
    """Every text that comes from a cluster or a file tries to become markup."""
    base = all_grades()
    evil = " ".join(HOSTILE)
    return replace(
        base,
        policies=tuple(
            replace(p, name=f"{p.name}{evil}", namespace=evil, source=Span(f"{evil}.yaml", 1, 1), tier=evil)
            for p in base.policies
        ),
        findings=tuple(
            replace(f, text=evil, remedy=evil, object=evil, accepted=evil) for f in base.findings[:1]
        )
        + tuple(replace(f, text=evil, object=evil) for f in base.findings[1:]),
        differences=tuple(replace(d, src=evil, dst=evil, packets=evil) for d in base.differences),
        conditions=(Condition(evil, "CAL-N411", (evil,)),),
        matrix=replace(
            matrix(), rows=(MatrixLabel(evil, evil, 1),) * 2, columns=(MatrixLabel("shop", evil, 1),) * 2
        ),
    )


def matrix() -> Matrix:
    """Two by two: one cell the same, one opens, one closes, one not asked."""
    labels = (MatrixLabel("shop", "app=web", 3), MatrixLabel("outside", "world", 0))
    return Matrix(
        labels,
        labels,
        (("all", ""), ("TCP 443", "-")),
        (("all", "TCP 25"), ("", "-")),
        (("", "+"), ("–", "")),
    )


MODELS = {"clean": clean, "grades": all_grades, "hostile": hostile}
