"""The report of a comparison in every format: a table for people, the rest for programs."""

from __future__ import annotations

import json
from collections.abc import Callable, Iterator, Mapping
from typing import Any

import yaml

from migrate import __version__
from migrate.render import github, sarif, words
from migrate.render.comparison import comment, page
from migrate.render.issues import COUNTEREXAMPLE, REFUSED, Issue
from migrate.render.outcome import (
    Outcome,
    answered,
    broken_issue,
    compared_issues,
    difference,
    headline,
    issues,
    sides_of,
)
from migrate.render.terminal import (
    PLAIN,
    Canvas,
    Column,
    Line,
    Piece,
    Role,
    Sign,
    columns,
    paint,
    prose,
    sign,
)
from translators.expectations import Answer
from translators.report import DifferenceEntry
from translators.verification import Verification

__all__ = ["data", "renderers", "table"]

MAX_SHOWN = 20
SCHEMA_VERSION = "1.0"


def data(outcome: Outcome) -> dict[str, Any]:
    """Give the outcome as plain data, keys in the published order."""
    found = outcome.found
    listed = [difference(item) for item in found.counterexamples] if found else []
    return {
        "schemaVersion": SCHEMA_VERSION,
        "kind": "VerificationReport",
        "tool": {"name": "c2c", "version": __version__},
        "engines": {"before": found.engines[0], "after": found.engines[1]} if found else None,
        "proved": not (outcome.fails or outcome.inconclusive),
        "reason": outcome.reason,
        "summary": {
            "checked": found.checked if found else 0,
            "differences": len(listed),
            "opens": sum(d.effect == "opens" for d in listed),
            "closes": sum(d.effect == "closes" for d in listed),
            "unconfirmed": found.unconfirmed if found else 0,
            "refused": len(found.refused) if found else 0,
            "incomplete": len(found.incomplete) if found else 0,
            "expectations": len(outcome.answers),
            "unmet": len(outcome.unmet),
            "conditions": outcome.conditions,
            "broken": len(outcome.broken),
        },
        "findings": [_finding(issue) for issue in issues(outcome)],
        "differences": [_difference(entry) for entry in listed],
        "expectations": [_expectation(answer) for answer in outcome.answers],
        "conditions": [
            {"object": b.object, "code": b.code, "policies": list(b.policies), "how": b.how, "known": b.known}
            for b in outcome.broken
        ],
        "method": {
            "compared": dict(found.compared) if found else {},
            "notCompared": list(found.not_compared) if found else [],
        },
    }


def _finding(issue: Issue) -> dict[str, Any]:
    span = {"file": issue.span.file, "line": issue.span.line, "column": issue.span.column}
    return {"id": issue.key, "code": issue.code, "severity": issue.level, "object": issue.object,
            "text": issue.message, "remedy": issue.remedy, "span": span, "accepted": issue.accepted}  # fmt: skip


def _difference(entry: DifferenceEntry) -> dict[str, Any]:
    def side(values: tuple[str, str, str]) -> dict[str, str]:
        return {"verdict": values[0], "by": values[1], "place": values[2]}

    return {
        "id": entry.id,
        "finding": entry.finding,
        "effect": entry.effect,
        "direction": entry.direction,
        "src": entry.src,
        "dst": entry.dst,
        "packets": entry.packets,
        "pods": {"src": entry.pods[0], "dst": entry.pods[1]} if entry.pods else None,
        "before": side(entry.calico),
        "after": side(entry.cilium),
    }


def _expectation(answer: Answer) -> dict[str, Any]:
    wanted = answer.expectation
    return {
        "from": wanted.source.text,
        "to": wanted.target.text,
        "packet": str(wanted.packet),
        "expect": "allow" if wanted.expected == "allow" else "drop",
        "why": wanted.why,
        "engine": answer.engine,
        "holds": answer.holds,
        "asked": answer.asked,
        "flow": answer.flow,
        "by": answer.by,
        "place": answer.place,
        "span": {"file": wanted.span.file, "line": wanted.span.line, "column": wanted.span.column},
    }


def table(outcome: Outcome, canvas: Canvas = PLAIN) -> str:
    """Give the outcome for a terminal."""
    return paint(_rows(outcome) if canvas.rows_only else _lines(outcome, canvas), canvas)


def _rows(outcome: Outcome) -> Iterator[Line]:
    for issue in issues(outcome):
        yield [
            Piece(issue.level, Role.BAD if issue.level == "error" else Role.WARN),
            f"  {issue.code}  {issue.message}",
        ]


def _lines(outcome: Outcome, canvas: Canvas) -> Iterator[Line]:
    if outcome.found is not None:
        yield from _comparison(outcome.found, outcome.accepted, canvas)
    if outcome.answers:
        held = len(outcome.answers) - len(outcome.unmet)
        which = Sign.FAIL if outcome.unmet else Sign.PASS
        yield ["  ", sign(which), f" {held} of {len(outcome.answers)} expectations hold."]
    for answer in outcome.unmet:
        yield from prose(answered(answer), canvas, first=["      "], indent="        ")
    if outcome.conditions:
        held = outcome.conditions - len(outcome.broken)
        which = (
            Sign.FAIL
            if any(b.known for b in outcome.broken)
            else Sign.UNSURE
            if outcome.broken
            else Sign.PASS
        )
        yield ["  ", sign(which), f" {held} of {outcome.conditions} conditions of the translation hold."]
    for item in outcome.broken:
        yield from prose(broken_issue(item).text, canvas, first=["      "], indent="        ")


def _comparison(found: Verification, accepted: Mapping[str, str], canvas: Canvas) -> Iterator[Line]:
    yield from prose(_looked_at(found), canvas, indent="  ")
    for span, name, reason in found.refused:
        text = f"Cilium would refuse {name} ({span}): {reason}; its subject stays open."
        yield from prose(text, canvas, first=["  ", sign(Sign.FAIL), " "])
    shown = found.counterexamples if canvas.wide else found.counterexamples[:MAX_SHOWN]
    sides = sides_of(found)
    for item in shown:
        entry = difference(item)
        if entry.id in accepted:
            text = f"Accepted ({accepted[entry.id]}): {words.claim(entry, sides)}"
            yield from prose(text, canvas, first=["  ", sign(Sign.NOTE), " "])
        else:
            yield from _counterexample(entry, sides, canvas)
    if len(found.counterexamples) > len(shown):
        yield [Piece(f"  {len(found.counterexamples) - len(shown)} more (-o wide)", Role.DIM)]
    if found.unconfirmed:
        text = f"{found.unconfirmed:,} points are open without an example that both evaluations confirm."
        yield from prose(text, canvas, first=["  ", sign(Sign.UNSURE), " "])
    for odd in found.incomplete:
        text = f"{odd.code} {odd.span}: {odd.message} {words.remedy(odd.remedy)}"
        yield from prose(text.rstrip(), canvas, first=["  ", sign(Sign.UNSURE), " "])
    if found.not_compared:
        text = f"Not compared, no pod's policy decides it: {', '.join(found.not_compared)}."
        yield from prose(text, canvas, first=["  ", sign(Sign.NOTE), " "])
    if found.proved:
        yield ["  ", sign(Sign.PASS), " The two sets give the same verdicts."]


def _looked_at(found: Verification) -> str:
    if found.engines[0] == found.engines[1]:
        count = found.checked
        same = words.plural(count, "policy is not the same", "policies are not the same")
        return f"{count:,} {same}; looked at for every label set."
    text = f"{found.checked:,} obligations checked, for every label set"
    if points := found.compared.get("points"):
        differ = found.compared["differ"]
        text += f"; over the cluster {points - differ:,} of {points:,} points agree"
    return f"{text}."


def _counterexample(entry: DifferenceEntry, sides: tuple[str, str], canvas: Canvas) -> Iterator[Line]:
    """Say who is affected; then, side by side, what either set does and where."""
    yield from prose(
        words.claim(entry, sides),
        canvas,
        first=["  ", sign(Sign.FAIL if entry.effect == "opens" else Sign.WARN), " "],
    )
    rows: list[Line] = []
    for name, (verdict, by, where) in zip(sides, (entry.calico, entry.cilium), strict=True):
        told = Piece("allow", Role.WARN) if verdict == "allow" else Piece("drop", Role.GOOD)
        rows.append([name, told, words.rule(by, entry.direction), Piece(where, Role.DIM)])
    yield from columns(rows, (Column(), Column(), Column(16), Column(16, tail=True)), canvas, indent="      ")


def renderers(outcome: Outcome, title: str) -> dict[str, Callable[[], str]]:
    """Give every format but the table."""

    def comment_() -> str:
        return comment(headline(outcome), issues(outcome))

    return {
        "json": lambda: json.dumps(data(outcome), indent=2, ensure_ascii=False) + "\n",
        "yaml": lambda: yaml.safe_dump(data(outcome), sort_keys=False, allow_unicode=True),
        "jsonl": lambda: _jsonl(outcome),
        "markdown": comment_,
        "html": lambda: page(title, headline(outcome), issues(outcome), data(outcome)),
        "sarif": lambda: sarif.log(issues(outcome)),
        "junit": lambda: _suite(outcome, title),
        "github": lambda: github.commands(issues(outcome)),
        "svg": lambda: _picture(outcome),
    }


def _jsonl(outcome: Outcome) -> str:
    hello = {"type": "hello", "schemaVersion": SCHEMA_VERSION, "tool": __version__, "run": None}
    rows: list[dict[str, Any]] = [hello, *({"type": "finding", **f} for f in data(outcome)["findings"])]
    return "".join(json.dumps(row, ensure_ascii=False) + "\n" for row in rows)


def _picture(outcome: Outcome) -> str:
    from migrate.render.matrix import picture  # noqa: PLC0415  # only where it is drawn

    return picture(outcome.matrix) if outcome.matrix else ""


def _suite(outcome: Outcome, title: str) -> str:
    from migrate.render import junit  # noqa: PLC0415  # the XML library is loaded only for this

    return junit.suite(
        title, _cases(outcome), {"checked": str(outcome.found.checked if outcome.found else 0)}
    )


def _cases(outcome: Outcome) -> list[Any]:
    from migrate.render.junit import ERROR, FAILED, Case  # noqa: PLC0415  # see above

    cases: list[Case] = []
    for issue in compared_issues(outcome):
        open_ = issue.code not in {COUNTEREXAMPLE, REFUSED}
        if issue.accepted is not None:
            cases.append(Case(issue.key, "comparison"))
            continue
        cases.append(
            Case(
                issue.key,
                "comparison",
                ERROR if open_ else FAILED,
                f"{issue.code} {issue.span}: {issue.message}",
            )
        )
    found = outcome.found
    if found is not None and found.unconfirmed:
        text = f"{found.unconfirmed} points are open without an example that both evaluations confirm"
        cases.append(Case("every open point has an example", "comparison", ERROR, text))
    if found is not None and not cases:
        cases.append(Case("the two sets give the same verdicts", "comparison"))
    for answer in outcome.answers:
        text = "" if answer.holds else answered(answer)
        expected = "allow" if answer.expectation.expected == "allow" else "drop"
        name = f"{answer.expectation.words}: {expected}"
        cases.append(Case(name, f"expectations.{answer.engine}", "" if answer.holds else FAILED, text))
    for item in outcome.broken:
        cases.append(
            Case(item.object, "conditions", FAILED if item.known else ERROR, broken_issue(item).text)
        )
    if outcome.conditions and not outcome.broken:
        cases.append(Case("every condition of the translation holds", "conditions"))
    return cases
