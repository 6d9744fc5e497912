"""``-n``, ``-A`` and ``-l``: of which policies a verb tells. All are read and decided together, whatever is shown.

What one policy comes to hangs on its neighbours, those of other namespaces included, so nothing is left out before the
proof; manifests and the report in ``--out`` are those of all.
"""

from __future__ import annotations

import re
from collections.abc import Callable, Iterable, Mapping, Sequence
from dataclasses import dataclass, field, replace
from typing import Any

import click

from migrate.adapters.files import Loaded
from migrate.errors import Failure
from migrate.model.workloads import selects
from translators.diagnostics import Diagnostic
from translators.layout import OutputFile
from translators.report import PolicyEntry, Report
from translators.source import Document

__all__ = ["Scope", "scope_options"]

_SET = re.compile(r"\s*(\S+)\s+(in|notin)\s+\(([^()]*)\)\s*\Z")
_EQUAL = re.compile(r"\s*([^!=\s]+)\s*(==|=|!=)\s*([^!=\s]*)\s*\Z")
_BARE = re.compile(r"\s*(!?)\s*([^!=\s()]+)\s*\Z")


def scope_options[F: Callable[..., Any]](command: F) -> F:
    """Add the three options."""
    for option in (
        click.option("-n", "--namespace", "namespaces", multiple=True, metavar="NS", help="Tell of its policies."),
        click.option("-A", "--all-namespaces", is_flag=True, help="Tell of all policies, which is the default."),
        click.option("-l", "--selector", metavar="SELECTOR", help="Tell of policies with these labels."),
    ):  # fmt: skip
        command = option(command)
    return command


@dataclass(frozen=True, slots=True)
class Scope:
    """The namespaces and labels asked for; without either everything is in it."""

    namespaces: frozenset[str] = frozenset()
    selector: Mapping[str, Any] = field(default_factory=dict)
    labels: Mapping[object, Mapping[str, str]] = field(default_factory=dict)

    @classmethod
    def of(
        cls, loaded: Loaded, *, namespaces: Iterable[str], all_namespaces: bool, selector: str | None
    ) -> Scope:
        """Read the options; raises ``UsageError`` for both of two that exclude each other, ``Failure`` for no selector."""
        chosen = frozenset(namespaces)
        if chosen and all_namespaces:
            raise click.UsageError("-n and -A exclude each other")
        if selector is None:
            return cls(chosen)
        wanted = {"matchExpressions": [_term(part) for part in _parts(selector)]}
        return cls(chosen, wanted, {d.span: _labels(d) for d in loaded.documents})

    @property
    def is_limited(self) -> bool:
        """Say whether anything is left out."""
        return bool(self.namespaces or self.selector)

    def holds(self, policy: PolicyEntry) -> bool:
        """Say whether a policy is told of."""
        return self._has(policy.namespace, self.labels.get(policy.source, {}))

    def _has(self, namespace: str | None, labels: Mapping[str, str]) -> bool:
        return (not self.namespaces or namespace in self.namespaces) and selects(self.selector, labels)

    def report(self, report: Report) -> Report:
        """Give what a report says of the policies in scope, and of none in particular."""
        if not self.is_limited:
            return report
        kept = tuple(p for p in report.policies if self.holds(p))
        told = {f for p in kept for f in p.findings}
        others = {f for p in report.policies for f in p.findings} - told
        names = {f"{p.namespace}/{p.name}" if p.namespace else p.name for p in kept}
        return replace(
            report,
            policies=kept,
            findings=tuple(f for f in report.findings if f.id not in others),
            differences=tuple(d for d in report.differences if d.finding not in others),
            conditions=tuple(
                c for c in report.conditions if any(p.split(" ")[-1] in names for p in c.policies)
            ),
        )

    def files(self, files: Sequence[OutputFile], report: Report) -> list[OutputFile]:
        """Give the files that hold something of a report's policies."""
        if not self.is_limited:
            return list(files)
        paths = {output.rpartition(":")[0] for policy in report.policies for output in policy.outputs}
        return [file for file in files if file.path in paths]

    def findings(self, found: Iterable[Diagnostic], loaded: Loaded) -> list[Diagnostic]:
        """Give the findings about objects in scope, by the object whose place is nearest before each."""
        if not self.is_limited:
            return list(found)
        return [
            item
            for item in found
            if (own := _object_at(item, loaded)) is None or self._has(own.namespace, _labels(own))
        ]


def _object_at(item: Diagnostic, loaded: Loaded) -> Document | None:
    before = [d for d in loaded.documents if d.span.file == item.span.file and d.span.line <= item.span.line]
    return max(before, key=lambda d: d.span.line, default=None)


def _labels(document: Document) -> dict[str, str]:
    found = document.metadata.get("labels")
    return {str(k): str(v) for k, v in found.items()} if isinstance(found, Mapping) else {}


def _parts(selector: str) -> list[str]:
    """Cut at the commas that stand outside of parentheses."""
    return re.split(r",(?![^()]*\))", selector)


def _term(text: str) -> dict[str, Any]:
    """Give one requirement as a LabelSelector writes it."""
    if found := _SET.match(text):
        key, word, listed = found.groups()
        return _among(key, [v.strip() for v in listed.split(",")], negated=word == "notin")
    if found := _EQUAL.match(text):
        key, word, value = found.groups()
        return _among(key, [value], negated=word == "!=")
    if found := _BARE.match(text):
        return {"key": found[2], "operator": "DoesNotExist" if found[1] else "Exists"}
    raise Failure(
        f"-l: {text!r} is no label selector", fix="write it as kubectl does: app=web,env in (dev,test),!old"
    )


def _among(key: str, values: list[str], *, negated: bool) -> dict[str, Any]:
    return {"key": key, "operator": "NotIn" if negated else "In", "values": values}
