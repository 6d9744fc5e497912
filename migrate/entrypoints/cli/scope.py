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
class _Term:
    """One requirement of a label selector; a negated one is also met by whoever has no such label."""

    key: str
    values: frozenset[str] = frozenset()
    negated: bool = False

    def holds(self, labels: Mapping[str, str]) -> bool:
        found = self.key in labels and (not self.values or labels[self.key] in self.values)
        return found is not self.negated


@dataclass(frozen=True, slots=True)
class Scope:
    """The namespaces and labels asked for; without either everything is in it."""

    namespaces: frozenset[str] = frozenset()
    terms: tuple[_Term, ...] = ()
    labels: Mapping[object, Mapping[str, str]] = field(default_factory=dict)

    @classmethod
    def of(
        cls, loaded: Loaded, *, namespaces: Iterable[str], all_namespaces: bool, selector: str | None
    ) -> Scope:
        """Read the options; raises ``UsageError`` for both of two that exclude each other, ``Failure`` for no selector."""
        chosen = frozenset(namespaces)
        if chosen and all_namespaces:
            raise click.UsageError("-n and -A exclude each other")
        terms = tuple(_term(part) for part in _parts(selector)) if selector is not None else ()
        return cls(chosen, terms, {d.span: _labels(d) for d in loaded.documents} if terms else {})

    @property
    def is_limited(self) -> bool:
        """Say whether anything is left out."""
        return bool(self.namespaces or self.terms)

    def holds(self, policy: PolicyEntry) -> bool:
        """Say whether a policy is told of."""
        if self.namespaces and policy.namespace not in self.namespaces:
            return False
        return all(term.holds(self.labels.get(policy.source, {})) for term in self.terms)

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
            item for item in found if (own := _object_at(item, loaded)) is None or self._holds_object(own)
        ]

    def _holds_object(self, document: Document) -> bool:
        if self.namespaces and (document.namespace or "") not in self.namespaces:
            return False
        return all(term.holds(_labels(document)) for term in self.terms)


def _object_at(item: Diagnostic, loaded: Loaded) -> Document | None:
    before = [d for d in loaded.documents if d.span.file == item.span.file and d.span.line <= item.span.line]
    return max(before, key=lambda d: d.span.line, default=None)


def _labels(document: Document) -> dict[str, str]:
    found = document.metadata.get("labels")
    return {str(k): str(v) for k, v in found.items()} if isinstance(found, Mapping) else {}


def _parts(selector: str) -> list[str]:
    """Cut at the commas that stand outside of parentheses."""
    return re.split(r",(?![^()]*\))", selector)


def _term(text: str) -> _Term:
    if found := _SET.match(text):
        key, word, listed = found.groups()
        return _Term(key, frozenset(v.strip() for v in listed.split(",")), negated=word == "notin")
    if found := _EQUAL.match(text):
        key, word, value = found.groups()
        return _Term(key, frozenset({value}), negated=word == "!=")
    if found := _BARE.match(text):
        return _Term(found[2], negated=bool(found[1]))
    raise Failure(
        f"-l: {text!r} is no label selector", fix="write it as kubectl does: app=web,env in (dev,test),!old"
    )
