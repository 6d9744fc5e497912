"""JUnit XML: one suite a verb, one case a policy or a check; failed is ``failure``, could not tell is ``error``.

Inconclusive is an error, never skipped: blind is not green. Characters that XML forbids are replaced.
"""

from __future__ import annotations

import re
from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from xml.etree import ElementTree as ET

from migrate.render.issues import Issue
from translators.report import PolicyEntry, Report

__all__ = ["ERROR", "FAILED", "Case", "cases_of_findings", "cases_of_report", "suite"]

_FORBIDDEN = re.compile("[^\t\n\r\x20-\ud7ff\ue000-\ufffd\U00010000-\U0010ffff]")
PASSED, FAILED, ERROR, SKIPPED = "", "failure", "error", "skipped"


@dataclass(frozen=True, slots=True)
class Case:
    """One test case: ``outcome`` is empty, failure, error or skipped; ``text`` says why."""

    name: str
    group: str
    outcome: str = PASSED
    text: str = ""


def suite(name: str, cases: Sequence[Case], properties: Mapping[str, str]) -> str:
    """Give one suite as a document; nothing in it depends on when it ran."""
    counts = {key: sum(case.outcome == key for case in cases) for key in (FAILED, ERROR, SKIPPED)}
    totals = {"tests": str(len(cases)), "failures": str(counts[FAILED]), "errors": str(counts[ERROR]),
              "skipped": str(counts[SKIPPED])}  # fmt: skip
    root = ET.Element("testsuites", totals)
    node = ET.SubElement(root, "testsuite", {"name": _clean(name), **totals})
    listed = ET.SubElement(node, "properties")
    for key, value in properties.items():
        ET.SubElement(listed, "property", {"name": key, "value": _clean(value)})
    for case in cases:
        item = ET.SubElement(node, "testcase", {"classname": _clean(case.group), "name": _clean(case.name)})
        if case.outcome:
            told = ET.SubElement(item, case.outcome, {"message": _clean(case.text.partition("\n")[0])})
            told.text = _clean(case.text)
    ET.indent(root)
    return '<?xml version="1.0" encoding="UTF-8"?>\n' + ET.tostring(root, encoding="unicode") + "\n"


def cases_of_report(report: Report, issues: Sequence[Issue]) -> list[Case]:
    """Give a case for every policy, one for every error that belongs to none, and one for the proof."""
    by_key = {issue.key: issue for issue in issues}
    cases = [_of_policy(entry, by_key) for entry in report.policies]
    owned = {key for entry in report.policies for key in entry.findings}
    strays = [i for i in issues if i.key not in owned and i.level == "error"]
    cases += [Case(f"{i.code} {i.span}", "findings", *_told([i])) for i in strays]
    left = report.method.open_obligations
    total = sum(report.method.obligations.values())
    proof = (ERROR, f"{left} of {total} obligations are open") if left else (PASSED, "")
    return [*cases, Case("every obligation holds outside what is named", "proof", *proof)]


def _of_policy(entry: PolicyEntry, by_key: Mapping[str, Issue]) -> Case:
    name, group = entry.label, entry.kind
    if entry.disposition == "kept":
        return Case(name, group, SKIPPED, "kept as it is: nothing is translated")
    if entry.grade not in {"A", "X"}:
        return Case(name, group)
    issues = [by_key[key] for key in entry.findings if key in by_key and by_key[key].level != "note"]
    if issues and all(issue.accepted is not None for issue in issues):
        return Case(name, group)
    return Case(name, group, FAILED, _told(issues)[1] or f"grade {entry.grade}")


def cases_of_findings(issues: Sequence[Issue]) -> list[Case]:
    """Give a failed case for every error and warning of a lint, else one that passed."""
    grave = [issue for issue in issues if issue.level != "note"]
    named = [Case(f"{i.code} {i.object or i.span}", "lint", *_told([i])) for i in grave]
    return named or [Case("no defect was found", "lint")]


def _told(issues: Sequence[Issue]) -> tuple[str, str]:
    if issues and all(issue.accepted is not None for issue in issues):
        return PASSED, ""
    return FAILED, "\n".join(f"{i.code} {i.span}: {i.message}" for i in issues)


def _clean(text: str) -> str:
    return _FORBIDDEN.sub("�", text)
