"""The judgement of a cluster for people and for machines: verdict first, then what stops, what to know, who goes first.

Findings of one rule stand together: its title and where it struck, the first sentences, the remedy once. Every sentence
is the rule's own.
"""

from __future__ import annotations

import json
from collections.abc import Callable, Iterator, Mapping, Sequence
from typing import Any

import yaml

from migrate import __version__
from migrate.model.findings import Finding, RuleResult, Severity
from migrate.preflight.judge import Verdict
from migrate.preflight.report import PreflightReport, plain, to_json
from migrate.render import github, sarif
from migrate.render.issues import Issue, key_of
from migrate.render.markdown import MARK, cell, fitted
from migrate.render.terminal import Canvas, Line, Piece, Role, Sign, paint, prose, sign
from migrate.render.words import plural
from translators.span import NOWHERE, Span

__all__ = ["data_of", "headline", "issues", "renderers", "table"]

TITLES = {Verdict.GO: "Go", Verdict.NO_GO: "No-go", Verdict.UNKNOWN: "Not known"}
LEVELS = {
    Severity.MANDATORY: "error",
    Severity.BLOCK: "error",
    Severity.WARN: "warning",
    Severity.INFO: "note",
}
MAX_MESSAGES = 3
MAX_WARNINGS = 5
MAX_BLIND = 3
INDENT = "            "


def headline(report: PreflightReport) -> str:
    """Say in one line what it comes to."""
    blockers = len(report.of(Severity.MANDATORY, Severity.BLOCK))
    warnings = len(report.of(Severity.WARN))
    parts = [
        f"{blockers} {plural(blockers, 'blocker', 'blockers')}" if blockers else "",
        f"{warnings} {plural(warnings, 'warning', 'warnings')}" if warnings else "",
        f"{len(report.accepted)} accepted" if report.accepted else "",
        f"{len(report.blind)} {plural(len(report.blind), 'check', 'checks')} could not look"
        if report.blind
        else "",
        f"{report.passed} {plural(report.passed, 'check', 'checks')} passed",
    ]
    subject = f"{report.node}: " if report.node else ""
    return f"{subject}{TITLES[report.verdict]}: {', '.join(part for part in parts if part)}."


def table(report: PreflightReport, canvas: Canvas) -> str:
    """Paint the judgement: ``wide`` holds every finding, and what was looked at in vain."""
    if canvas.rows_only:
        return paint(list(_rows(report)), canvas)
    return paint([["  ", _verdict(report)], [], *_body(report, canvas), *_canary(report, canvas)], canvas)


def _verdict(report: PreflightReport) -> Piece:
    role = {Verdict.GO: Role.GOOD, Verdict.NO_GO: Role.BAD, Verdict.UNKNOWN: Role.WARN}[report.verdict]
    return Piece(headline(report), role)


def _rows(report: PreflightReport) -> Iterator[Line]:
    for finding in report.findings:
        yield [f"{finding.severity}\t{finding.code}\t{finding.object}\t{finding.message}"]


def _body(report: PreflightReport, canvas: Canvas) -> Iterator[Line]:
    stopping = _grouped(report.of(Severity.MANDATORY, Severity.BLOCK))
    for findings in stopping:
        yield from _group(report, findings, Sign.FAIL, canvas)
    yield from _blind(report, canvas)
    warnings = _grouped(report.of(Severity.WARN))
    if canvas.wide:
        for findings in warnings:
            yield from _group(report, findings, Sign.WARN, canvas)
        for findings in _grouped(report.of(Severity.INFO)):
            yield from _group(report, findings, Sign.NOTE, canvas)
    else:
        yield from _short(report, warnings, canvas)
    yield from _accepted(report, canvas)
    if report.deferred:
        codes = ", ".join(report.rules[r.rule].code for r in report.deferred)
        text = f"{len(report.deferred)} {plural(len(report.deferred), 'check waits', 'checks wait')} for the chart: {codes}"
        yield from prose(text, canvas, first=["  ", sign(Sign.NOT_RUN), " "], indent="    ")


def _grouped(findings: Sequence[Finding]) -> list[list[Finding]]:
    found: dict[str, list[Finding]] = {}
    for finding in findings:
        found.setdefault(finding.code, []).append(finding)
    return list(found.values())


def _group(
    report: PreflightReport, findings: Sequence[Finding], which: Sign, canvas: Canvas
) -> Iterator[Line]:
    code = findings[0].code
    rule = next(r for r in report.rules.values() if r.code == code)
    yield _titled(which, code, rule.title, _where(findings), canvas)
    shown = findings if canvas.wide else findings[:MAX_MESSAGES]
    for finding in shown:
        yield from prose(finding.message, canvas, first=[INDENT], indent=INDENT + "  ")
    if len(findings) > len(shown):
        yield [INDENT, f"and {len(findings) - len(shown)} more (-o wide)"]
    for remedy in dict.fromkeys(f.remedy for f in shown if f.remedy):
        yield from prose(remedy, canvas, first=[INDENT, Piece("→ ", Role.DIM)], indent=INDENT + "  ")
        if not canvas.wide:
            break


def _titled(which: Sign, code: str, title: str, where: str, canvas: Canvas) -> Line:
    left = f"  {canvas.text(sign(which))} {code}  {title}"
    room = (canvas.width or 0) - len(left) - len(where)
    gap = " " * room if canvas.width is not None and room >= 2 else "  "
    return ["  ", sign(which), " ", Piece(code, Role.ACCENT), "  ", title, gap, Piece(where, Role.DIM)]


def _where(findings: Sequence[Finding]) -> str:
    """Say where a rule struck: the object, or how many of which sort."""
    if len(findings) == 1:
        return findings[0].object.removeprefix("node/")
    nodes = {f.node for f in findings}
    if "" not in nodes and all(f.object.startswith("node/") for f in findings):
        return f"{len(nodes)} {plural(len(nodes), 'node', 'nodes')}"
    return f"{len(findings)} findings"


def _blind(report: PreflightReport, canvas: Canvas) -> Iterator[Line]:
    """Say what could not be looked at, by what was missing: the same lack blinds many checks."""
    lacks: dict[str, list[RuleResult]] = {}
    for result in report.blind:
        lacks.setdefault(_lack(result), []).append(result)
    for lack, results in sorted(lacks.items(), key=lambda pair: -len(pair[1])):
        stopping = sum(report.rules[r.rule].severity.blocks for r in results)
        codes = [report.rules[r.rule].code for r in results]
        shown = codes if canvas.wide else codes[:MAX_BLIND]
        more = f" and {len(codes) - len(shown)} more" if len(codes) > len(shown) else ""
        grave = f", {stopping} of which may stop" if stopping else ""
        text = f"{lack}: {len(codes)} {plural(len(codes), 'check', 'checks')} could not look{grave} ({', '.join(shown)}{more})"
        yield from prose(text, canvas, first=["  ", sign(Sign.UNSURE), " "], indent="    ")


def _lack(result: RuleResult) -> str:
    first = result.missing[0] if result.missing else "something"
    return "no facts of the nodes" if first.startswith("facts of node/") else f"not read: {first}"


def _short(report: PreflightReport, warnings: Sequence[Sequence[Finding]], canvas: Canvas) -> Iterator[Line]:
    for findings in warnings[:MAX_WARNINGS]:
        rule = next(r for r in report.rules.values() if r.code == findings[0].code)
        alone = len(findings) == 1
        yield _titled(Sign.WARN, rule.code, rule.title, "" if alone else _where(findings), canvas)
        if alone:
            yield from prose(findings[0].message, canvas, first=[INDENT], indent=INDENT + "  ")
    if len(warnings) > MAX_WARNINGS:
        yield ["  ", sign(Sign.WARN), f" {len(warnings) - MAX_WARNINGS} more  (-o wide)"]


def _accepted(report: PreflightReport, canvas: Canvas) -> Iterator[Line]:
    for finding in report.accepted:
        text = f"{finding.code} {finding.object}: {finding.message}. Accepted: {finding.accepted}."
        yield from prose(text, canvas, first=["  ", sign(Sign.NOTE), " "], indent="    ")


def _canary(report: PreflightReport, canvas: Canvas) -> Iterator[Line]:
    canary = report.draft.canary
    if report.node:
        return
    yield []
    if not canary.node:
        yield from prose("No node can go first.", canvas)
        return
    reasons = ", ".join((*canary.reasons, f"{report.headroom} % headroom"))
    yield from prose(f"Best canary: {canary.node}. {reasons}.", canvas)
    if canary.given_up:
        yield from prose(f"Given up, as no node had it: {', '.join(canary.given_up)}.", canvas)


def data_of(report: PreflightReport) -> dict[str, Any]:
    """Give the report as plain data."""
    return to_json(report, {"name": "c2c", "version": __version__})


def issues(report: PreflightReport, place: str = "") -> tuple[Issue, ...]:
    """Give one issue for every finding, and one for every check that could not look and may stop."""
    span = Span(place) if place else NOWHERE
    found = [
        Issue(
            f.code, LEVELS[f.severity], f"{f.object}: {f.message}.", span, key_of(f.code, f.object, f.message),
            f.object, f"Remedy: {f.remedy}." if f.remedy else "", accepted=f.accepted,
        )
        for f in report.findings
    ]  # fmt: skip
    for result in report.blind:
        rule = report.rules[result.rule]
        level = "error" if rule.severity.blocks else "warning"
        text = f"{rule.title}: could not look: {_listed(result.missing)}."
        found.append(Issue(rule.code, level, text, span, key_of(rule.code, "unknown")))
    rank = {"error": 0, "warning": 1, "note": 2}
    return tuple(sorted(found, key=lambda i: rank[i.level]))


def _listed(words: Sequence[str]) -> str:
    shown = ", ".join(words[:MAX_MESSAGES])
    return f"{shown} and {len(words) - MAX_MESSAGES} more" if len(words) > MAX_MESSAGES else shown


def renderers(report: PreflightReport, place: str) -> Mapping[str, Callable[[], str]]:
    """Give every format but the tables; ``place`` is the snapshot that was judged."""
    return {
        "json": lambda: json.dumps(data_of(report), indent=2, ensure_ascii=False) + "\n",
        "yaml": lambda: yaml.safe_dump(data_of(report), sort_keys=False, allow_unicode=True),
        "jsonl": lambda: _lines(report),
        "markdown": lambda: fitted(_comment_lines(report)),
        "html": lambda: _page(report),
        "sarif": lambda: sarif.log(issues(report, place)),
        "junit": lambda: _suite(report),
        "github": lambda: github.commands(issues(report)),
    }


def _lines(report: PreflightReport) -> str:
    data = data_of(report)
    hello = {"type": "hello", "schemaVersion": data["schemaVersion"], "tool": __version__, "run": None}
    by_rule: dict[str, list[Any]] = {}
    for finding in data["findings"]:
        by_rule.setdefault(finding["rule"], []).append(finding)
    rows = [
        {"type": "check", **check, "findings": by_rule.get(check["rule"], [])} for check in data["checks"]
    ]
    return "".join(json.dumps(row, ensure_ascii=False) + "\n" for row in (hello, *rows))


def _comment_lines(report: PreflightReport) -> Iterator[str]:
    yield MARK
    yield f"### Preflight: {cell(headline(report))}"
    stopping = report.of(Severity.MANDATORY, Severity.BLOCK)
    warnings = report.of(Severity.WARN)
    if stopping or warnings:
        yield ""
        yield "| | code | finding | remedy |"
        yield "|---|---|---|---|"
    for mark, findings in (("✖", stopping), ("▲", warnings)):
        for f in findings:
            yield f"| {mark} | {f.code} | {cell(f'{f.object}: {f.message}')} | {cell(f.remedy)} |"
    for result in report.blind:
        rule = report.rules[result.rule]
        yield ""
        yield f"- ? {rule.code} {cell(rule.title)}: could not look: {cell(_listed(result.missing))}"
    if report.accepted:
        yield ""
        yield f"<details><summary>{len(report.accepted)} accepted</summary>"
        yield ""
        for f in report.accepted:
            yield f"- {f.code} {cell(f.object)}: {cell(f.accepted or '')}"
        yield ""
        yield "</details>"
    if report.draft.canary.node:
        yield ""
        yield f"Best canary: {cell(report.draft.canary.node)}. {cell(', '.join(report.draft.canary.reasons))}."


def _page(report: PreflightReport) -> str:
    from migrate.render.html import embedded, resource, template  # noqa: PLC0415  # jinja2 only for a page

    return template("preflight.html.j2").render(
        report=report,
        headline=headline(report),
        stopping=report.of(Severity.MANDATORY, Severity.BLOCK),
        warnings=report.of(Severity.WARN),
        notes=report.of(Severity.INFO),
        data=embedded(data_of(report)),
        evidence=lambda finding: json.dumps(plain(finding.evidence), ensure_ascii=False),
        style=resource("report.css"),
    )


def _suite(report: PreflightReport) -> str:
    from migrate.render import junit  # noqa: PLC0415  # the XML library is loaded only for this

    identity = report.snapshot.identity
    properties = {"cluster": identity.uid or "offline", "verdict": str(report.verdict)}
    return junit.suite(
        "c2c preflight", [_case(report, result) for result in report.judgement.results], properties
    )


def _case(report: PreflightReport, result: RuleResult) -> Any:  # noqa: ANN401  # a case of a module that is loaded late
    from migrate.render import junit  # noqa: PLC0415  # see above

    rule = report.rules[result.rule]
    grave = [
        f
        for f in report.findings
        if f.code == rule.code and f.accepted is None and f.severity is not Severity.INFO
    ]
    name, group = f"{rule.code} {rule.title}", str(rule.group)
    if any(f.severity.blocks for f in grave):
        return junit.Case(
            name,
            group,
            junit.FAILED,
            "\n".join(f"{f.object}: {f.message}. Remedy: {f.remedy}" for f in grave),
        )
    if result in report.blind:
        return junit.Case(name, group, junit.ERROR, f"could not look: {_listed(result.missing)}")
    if result in report.deferred:
        return junit.Case(name, group, "skipped", "waits for the chart")
    return junit.Case(name, group)
