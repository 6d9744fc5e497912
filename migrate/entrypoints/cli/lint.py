"""``c2c lint``: defects of the Calico policies themselves, whether or not anybody migrates."""

from __future__ import annotations

import json
from collections.abc import Callable, Sequence
from functools import partial

import click
import yaml

from migrate.adapters.files import load
from migrate.entrypoints.cli.face import next_step
from migrate.entrypoints.cli.options import chosen, cluster_from, plan_from, shared
from migrate.entrypoints.cli.output import emit, outputs_option
from migrate.exitcodes import ExitCode
from migrate.render import github, sarif
from migrate.render.comparison import comment, page
from migrate.render.issues import Issue, of_findings
from migrate.render.table import folder_of, short_place
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
from migrate.render.words import remedy, title
from translators.diagnostics import Diagnostic, Severity
from translators.frontends import is_policy
from translators.linting import lint

SIGNS = {Severity.ERROR: Sign.FAIL, Severity.WARNING: Sign.WARN, Severity.NOTE: Sign.NOTE}
UNREADABLE = frozenset({"CAL-P101", "CAL-P118"})


@click.command("lint")
@click.argument("paths", nargs=-1)
@click.option("--select", metavar="CODE,…", help="Only these codes, or families: CAL-S,CAL-O301.")
@outputs_option
@click.option("--exit-zero", is_flag=True, help="Report, but exit 0.")
@shared
def command(
    paths: Sequence[str],
    select: str | None,
    outputs: Sequence[str],
    cluster: str | None,
    address_plan: str | None,
    exit_zero: bool,
    **versions: str | None,
) -> int:
    """List defects of Calico policies: dead rules, ties, selectors that select nothing.

    \b
    c2c lint policies/
    c2c lint policies/ --select CAL-S,CAL-O301
    c2c lint policies/ --cluster prod.tgz -o json
    """
    around = cluster_from(cluster)
    loaded = load(paths) if paths else around
    if loaded is None:
        raise click.UsageError("name the policies, or a --cluster to take them from")
    policies = [d for d in loaded.documents if loaded is not around or is_policy(d) or d.kind == "Tier"]
    findings = lint(
        policies,
        cluster=[d for d in around.documents if loaded is not around or not is_policy(d)] if around else None,
        options=chosen(
            versions["cilium_version"] or "", versions["calico_version"], versions["cilium_config"]
        ),
        plan=plan_from(address_plan),
    )
    wanted = tuple(select.split(",")) if select else ("",)
    shown = [d for d in (*loaded.diagnostics, *findings) if d.code.startswith(wanted)]
    emit(outputs, partial(_table, shown), _renderers(shown))
    if any(d.code in UNREADABLE for d in loaded.diagnostics):
        return ExitCode.USAGE
    grave = [d for d in shown if d.severity is not Severity.NOTE]
    if not grave:
        return ExitCode.DONE
    next_step(f"c2c explain {grave[0].code}")
    return ExitCode.DONE if exit_zero else ExitCode.BLOCKED


def _renderers(shown: Sequence[Diagnostic]) -> dict[str, Callable[[], str]]:
    issues = of_findings(shown)
    return {
        "json": lambda: json.dumps(_data(shown), indent=2, ensure_ascii=False) + "\n",
        "yaml": lambda: yaml.safe_dump(_data(shown), sort_keys=False, allow_unicode=True),
        "jsonl": lambda: _lines(shown),
        "markdown": lambda: comment(_headline(shown), issues),
        "html": lambda: page("Defects of Calico policies", _headline(shown), issues, _data(shown)),
        "sarif": lambda: sarif.log(issues),
        "junit": lambda: _suite(issues),
        "github": lambda: github.commands(issues),
    }


def _headline(findings: Sequence[Diagnostic]) -> str:
    counts = [(name, sum(d.severity is name for d in findings)) for name in Severity]
    told = ", ".join(f"{count} {name}{'s' * (count != 1)}" for name, count in counts if count)
    return f"Lint: {told or 'nothing found'}"


def _suite(issues: Sequence[Issue]) -> str:
    from migrate.render import junit  # noqa: PLC0415  # the XML library is loaded only for this

    return junit.suite("c2c lint", junit.cases_of_findings(issues), {})


def _table(findings: Sequence[Diagnostic], canvas: Canvas = PLAIN) -> str:
    folder = "" if canvas.wide else folder_of(d.span for d in findings)
    rows: list[Line] = [
        [
            sign(SIGNS[d.severity]),
            Piece(d.code, Role.ACCENT),
            d.object.rpartition(" ")[2],
            title(d.code),
            Piece(short_place(d.span, folder), Role.DIM),
        ]
        for d in findings
    ]
    laid = columns(rows, (Column(), Column(), Column(12), Column(16), Column(16, tail=True)), canvas)
    lines: list[Line] = []
    for line, finding in zip(laid, findings, strict=True):
        lines.append(line)
        if not canvas.rows_only:
            text = f"{finding.message} {remedy(finding.remedy)}"
            lines += prose(text, canvas, first=["      "], indent="      ")
    if not findings and not canvas.rows_only:
        lines.append(["  ", sign(Sign.PASS), " Nothing found."])
    return paint(lines, canvas)


def _entry(finding: Diagnostic) -> dict[str, object]:
    place = {"file": finding.span.file, "line": finding.span.line, "column": finding.span.column}
    return {
        "code": finding.code,
        "severity": str(finding.severity),
        "object": finding.object,
        "text": finding.message,
        "remedy": finding.remedy,
        "span": place,
    }


def _data(findings: Sequence[Diagnostic]) -> dict[str, object]:
    return {"schemaVersion": "1.0", "kind": "LintReport", "findings": [_entry(d) for d in findings]}


def _lines(findings: Sequence[Diagnostic]) -> str:
    hello = {"type": "hello", "schemaVersion": "1.0", "run": None}
    rows = [hello, *({"type": "finding", **_entry(d)} for d in findings)]
    return "".join(json.dumps(row, ensure_ascii=False) + "\n" for row in rows)
