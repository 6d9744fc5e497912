"""A report from its own JSON, the reverse of ``report.to_json``: a file that was written is read back whole.

Keys that a newer minor version added are left out; another major version is refused.
"""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from typing import Any

from translators.errors import InputError
from translators.report import (
    SCHEMA_VERSION,
    Condition,
    DifferenceEntry,
    Finding,
    Matrix,
    MatrixLabel,
    Method,
    PolicyEntry,
    Report,
)
from translators.report_schema import report_schema
from translators.schema_check import departure
from translators.span import Span

__all__ = ["report_from"]

KIND = "TranslationReport"
Data = Mapping[str, Any]


def report_from(data: object, where: str = "the report") -> Report:
    """Give the report of parsed JSON; raises ``InputError`` for anything else, naming where."""
    if not isinstance(data, Mapping) or data.get("kind") != KIND:
        raise InputError(f"{where} is not a {KIND}")
    version = str(data.get("schemaVersion", ""))
    if version.partition(".")[0] != SCHEMA_VERSION.partition(".")[0]:
        raise InputError(
            f"{where} has version {version or 'none'} of its format; this reads {SCHEMA_VERSION}"
        )
    if wrong := departure({**data, "schemaVersion": SCHEMA_VERSION}, report_schema(), where):
        raise InputError(wrong)
    return _report(data)


def _report(data: Data) -> Report:
    method = data["method"]
    return Report(
        input_hash=data["input"]["hash"],
        output_hash=data["output"]["hash"],
        policies=tuple(map(_policy, data["policies"])),
        findings=tuple(map(_finding, data["findings"])),
        differences=tuple(map(_difference, data["differences"])),
        conditions=tuple(map(_condition, data["conditions"])),
        method=Method(
            tool=data["tool"]["version"],
            calico=data["input"]["calico"],
            cilium=data["output"]["cilium"],
            cluster=data["input"]["cluster"],
            obligations=dict(method["obligations"]),
            open_obligations=method["openObligations"],
            not_considered=tuple(method["notConsidered"]),
            sizes=dict(method["sizes"]),
            compared=dict(method["compared"]),
            command=str(method.get("command") or ""),
        ),
        others=method["otherDocuments"],
        matrix=_matrix(data["matrix"]) if data["matrix"] else None,
    )


def _span(data: Data) -> Span:
    return Span(str(data["file"]), int(data["line"]), int(data["column"]))


def _policy(data: Data) -> PolicyEntry:
    return PolicyEntry(
        kind=data["kind"],
        namespace=data["namespace"],
        name=data["name"],
        source=_span(data["source"]),
        disposition=data["disposition"],
        grade=data["grade"],
        direction=data["direction"],
        codes=tuple(data["codes"]),
        outputs=tuple(data["outputs"]),
        conditions=tuple(data["conditions"]),
        findings=tuple(data["findings"]),
        tier=data["tier"],
        order=data["order"],
    )


def _finding(data: Data) -> Finding:
    return Finding(
        id=data["id"],
        code=data["code"],
        severity=data["severity"],
        text=data["text"],
        remedy=data["remedy"],
        span=_span(data["span"]),
        object=data["object"],
        accepted=data["accepted"],
    )


def _difference(data: Data) -> DifferenceEntry:
    def engine(side: Data) -> tuple[str, str, str]:
        return side["verdict"], side["by"], side["place"]

    pods = data["pods"]
    return DifferenceEntry(
        id=data["id"],
        finding=data["finding"],
        effect=data["effect"],
        direction=data["direction"],
        src=data["src"],
        dst=data["dst"],
        packets=data["packets"],
        confirmed=data["confirmed"],
        example=data["example"],
        calico=engine(data["calico"]),
        cilium=engine(data["cilium"]),
        pods=(pods["src"], pods["dst"]) if pods else None,
    )


def _condition(data: Data) -> Condition:
    return Condition(data["object"], data["code"], tuple(data["policies"]), data["state"])


def _matrix(data: Data) -> Matrix:
    def labels(items: Sequence[Data]) -> tuple[MatrixLabel, ...]:
        return tuple(MatrixLabel(i["group"], i["name"], i["pods"]) for i in items)

    def table(rows: Sequence[Sequence[str]]) -> tuple[tuple[str, ...], ...]:
        return tuple(tuple(row) for row in rows)

    return Matrix(
        labels(data["rows"]),
        labels(data["columns"]),
        table(data["before"]),
        table(data["after"]),
        table(data["marks"]),
        data["hidden"]["classes"],
        data["hidden"]["traffic"],
    )
