"""The translation report as plain values: what every rendering shows, and nothing that it computes.

Field names and their order in ``to_json`` are an interface with its own version (``reports.md`` §8).
"""

from __future__ import annotations

from dataclasses import dataclass, field
from typing import Any

from translators.span import Span

__all__ = [
    "SCHEMA_VERSION",
    "Condition",
    "DifferenceEntry",
    "Finding",
    "Method",
    "PolicyEntry",
    "Report",
    "to_json",
]

SCHEMA_VERSION = "1.0"


@dataclass(frozen=True, slots=True)
class Finding:
    """One finding; ``accepted`` holds the reason where somebody accepted it."""

    id: str
    code: str
    severity: str
    text: str
    remedy: str
    span: Span
    object: str = ""
    accepted: str | None = None


@dataclass(frozen=True, slots=True)
class DifferenceEntry:
    """One region in which the two sets differ; ``effect`` is ``opens`` or ``closes``, seen from Calico.

    ``calico`` and ``cilium`` hold (verdict, what decided, place) of the confirmed example. ``pods`` counts those of
    today's cluster that send and that receive, None for an end that is not pods alone; None without a cluster.
    """

    id: str
    finding: str
    effect: str
    direction: str
    src: str
    dst: str
    packets: str
    confirmed: bool
    example: str
    calico: tuple[str, str, str]
    cilium: tuple[str, str, str]
    pods: tuple[int | None, int | None] | None = None


@dataclass(frozen=True, slots=True)
class Condition:
    """An object on which grades S1 or S2 depend, and the policies that hang on it.

    ``state`` says what of it counts, for ``verify`` to hold against the cluster later; empty where it was not there.
    """

    object: str
    code: str
    policies: tuple[str, ...]
    state: str = ""


@dataclass(frozen=True, slots=True)
class PolicyEntry:
    """One input policy; ``disposition`` is translated, kept or refused; ``grade`` S0, S1, S2, A or X.

    ``direction`` says which way it differs: stricter, looser, both, or None; ``outputs`` name files and lines.
    """

    kind: str
    namespace: str | None
    name: str
    source: Span
    disposition: str
    grade: str
    direction: str | None
    codes: tuple[str, ...] = ()
    outputs: tuple[str, ...] = ()
    conditions: tuple[str, ...] = ()
    findings: tuple[str, ...] = ()
    tier: str = ""
    order: float | None = None

    @property
    def label(self) -> str:
        """Give ``namespace/name``, or the name alone."""
        return f"{self.namespace}/{self.name}" if self.namespace else self.name


@dataclass(frozen=True, slots=True)
class Method:
    """How it was done and what was not considered; the only part that may differ between two equal runs.

    ``command`` is the command line as typed, without where its output went.
    """

    tool: str
    calico: str
    cilium: str
    cluster: str | None
    obligations: dict[str, int] = field(default_factory=dict)
    open_obligations: int = 0
    not_considered: tuple[str, ...] = ()
    sizes: dict[str, int] = field(default_factory=dict)
    compared: dict[str, int] = field(default_factory=dict)
    command: str = ""


@dataclass(frozen=True, slots=True)
class MatrixLabel:
    """A row or column: its namespace (or group), its words, and how many pods it stands for (0: an example)."""

    group: str
    name: str
    pods: int


@dataclass(frozen=True, slots=True)
class Matrix:
    """Who can talk to whom: ``before[i][j]`` is what row i may send to column j, in words.

    ``all``, an empty text for nothing, ``-`` where neither end is policed. ``marks``: ``+`` opens, ``–`` closes,
    ``±`` both. ``hidden_classes`` and ``hidden_traffic`` count what was left out to keep it readable.
    """

    rows: tuple[MatrixLabel, ...]
    columns: tuple[MatrixLabel, ...]
    before: tuple[tuple[str, ...], ...]
    after: tuple[tuple[str, ...], ...]
    marks: tuple[tuple[str, ...], ...]
    hidden_classes: int = 0
    hidden_traffic: int = 0


@dataclass(frozen=True, slots=True)
class Report:
    """The whole report; lists are sorted by a stated key, so equal input gives equal bytes."""

    input_hash: str
    output_hash: str
    policies: tuple[PolicyEntry, ...]
    findings: tuple[Finding, ...]
    differences: tuple[DifferenceEntry, ...]
    conditions: tuple[Condition, ...]
    method: Method
    others: int = 0
    matrix: Matrix | None = None

    def grades(self) -> dict[str, int]:
        """Count the grades of translated and refused policies."""
        counted = dict.fromkeys(("S0", "S1", "S2", "A", "X"), 0)
        for entry in self.policies:
            if entry.disposition != "kept":
                counted[entry.grade] += 1
        return counted

    def count(self, disposition: str) -> int:
        """Count the policies of one disposition."""
        return sum(1 for entry in self.policies if entry.disposition == disposition)


def to_json(report: Report) -> dict[str, Any]:
    """Give the report as plain data, keys in the published order."""
    method = report.method
    return {
        "schemaVersion": SCHEMA_VERSION,
        "kind": "TranslationReport",
        "tool": {"name": "c2c", "version": method.tool},
        "input": {"hash": report.input_hash, "calico": method.calico, "cluster": method.cluster},
        "output": {"hash": report.output_hash, "cilium": method.cilium},
        "summary": {
            "policies": len(report.policies),
            "grades": report.grades(),
            "kept": report.count("kept"),
            "refused": report.count("refused"),
            "differences": len(report.differences),
            "opens": sum(1 for d in report.differences if d.effect == "opens"),
            "closes": sum(1 for d in report.differences if d.effect == "closes"),
            "accepted": sum(1 for f in report.findings if f.accepted is not None),
        },
        "policies": [_policy(entry) for entry in report.policies],
        "findings": [_finding(item) for item in report.findings],
        "differences": [_difference(item) for item in report.differences],
        "conditions": [
            {"object": c.object, "code": c.code, "policies": list(c.policies), "state": c.state}
            for c in report.conditions
        ],
        "matrix": _matrix(report.matrix),
        "method": {
            "obligations": method.obligations,
            "openObligations": method.open_obligations,
            "notConsidered": list(method.not_considered),
            "sizes": method.sizes,
            "compared": method.compared,
            "otherDocuments": report.others,
            "command": method.command,
        },
    }


def _matrix(matrix: Matrix | None) -> dict[str, Any] | None:
    if matrix is None:
        return None

    def labels(items: tuple[MatrixLabel, ...]) -> list[dict[str, Any]]:
        return [{"group": i.group, "name": i.name, "pods": i.pods} for i in items]

    return {
        "rows": labels(matrix.rows),
        "columns": labels(matrix.columns),
        "before": [list(row) for row in matrix.before],
        "after": [list(row) for row in matrix.after],
        "marks": [list(row) for row in matrix.marks],
        "hidden": {"classes": matrix.hidden_classes, "traffic": matrix.hidden_traffic},
    }


def _span(span: Span) -> dict[str, Any]:
    return {"file": span.file, "line": span.line, "column": span.column}


def _policy(entry: PolicyEntry) -> dict[str, Any]:
    return {
        "kind": entry.kind,
        "namespace": entry.namespace,
        "name": entry.name,
        "tier": entry.tier,
        "order": entry.order,
        "source": _span(entry.source),
        "disposition": entry.disposition,
        "grade": entry.grade,
        "direction": entry.direction,
        "codes": list(entry.codes),
        "outputs": list(entry.outputs),
        "conditions": list(entry.conditions),
        "findings": list(entry.findings),
    }


def _finding(item: Finding) -> dict[str, Any]:
    return {
        "id": item.id,
        "code": item.code,
        "severity": item.severity,
        "object": item.object,
        "text": item.text,
        "remedy": item.remedy,
        "span": _span(item.span),
        "accepted": item.accepted,
    }


def _difference(item: DifferenceEntry) -> dict[str, Any]:
    def engine(side: tuple[str, str, str]) -> dict[str, str]:
        return {"verdict": side[0], "by": side[1], "place": side[2]}

    return {
        "id": item.id,
        "finding": item.finding,
        "effect": item.effect,
        "direction": item.direction,
        "src": item.src,
        "dst": item.dst,
        "packets": item.packets,
        "confirmed": item.confirmed,
        "example": item.example,
        "calico": engine(item.calico),
        "cilium": engine(item.cilium),
        "pods": {"src": item.pods[0], "dst": item.pods[1]} if item.pods else None,
    }
