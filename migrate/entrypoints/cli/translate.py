"""``c2c translate``: policies in, manifests, grades and proof out."""

from __future__ import annotations

import json
from collections.abc import Sequence
from dataclasses import replace

import click

from migrate.adapters.files import Loaded, differing_files, load, write_files
from migrate.entrypoints.cli.options import chosen, cluster_from, plan_from, shared, tier_options
from migrate.entrypoints.cli.output import emit
from migrate.exitcodes import ExitCode
from migrate.render.html import page
from migrate.render.markdown import comment
from migrate.render.table import summary
from translators import Translation, translate
from translators.frontends import is_policy
from translators.report import Report, to_json
from translators.settings import Options
from translators.source import Document
from translators.world import AddressPlan

LEVELS = ("never", "looser", "refused", "stricter", "conditional")


@click.command("translate")
@click.argument("paths", nargs=-1)
@click.option("--out", metavar="DIR", help="Folder for the manifests.")
@click.option("--layout", type=click.Choice(["namespace", "policy", "single"]), default="namespace")
@click.option("--each", is_flag=True, help="Every file is a cluster of its own.")
@click.option("--tier", "tiers", multiple=True, metavar="NAME=ORDER[:Pass]")
@click.option("--fail-on", type=click.Choice(LEVELS), default="stricter", show_default=True)
@click.option("--accept", multiple=True, metavar="ID[:OBJECT][=REASON]", help="Accept one finding.")
@click.option("--absorb", is_flag=True, help="Convert Kubernetes NetworkPolicies too.")
@click.option("--check", is_flag=True, help="Write nothing; compare with the folder in --out.")
@click.option("-o", "outputs", multiple=True, metavar="FORMAT[=FILE]")
@click.option("--exit-zero", is_flag=True, help="Report, but exit 0.")
@shared
def command(  # noqa: PLR0913, PLR0917  # click hands over every option by name
    paths: Sequence[str],
    out: str | None,
    layout: str,
    each: bool,
    tiers: Sequence[str],
    fail_on: str,
    accept: Sequence[str],
    absorb: bool,
    check: bool,
    outputs: Sequence[str],
    exit_zero: bool,
    cluster: str | None,
    address_plan: str | None,
    **versions: str | None,
) -> int:
    """Translate Calico policies and prove the result.

    \b
    c2c translate policies/ --out cilium/
    c2c translate policies/ --cluster prod.tgz -o report.html
    kubectl get gnp -o yaml | c2c translate -
    """
    options = chosen(
        versions["cilium_version"] or "",
        versions["calico_version"],
        versions["cilium_config"],
        layout=layout,
        tiers=tier_options(tiers),
        kubernetes_policies="absorb" if absorb else "native",
    )
    plan = plan_from(address_plan)
    around = cluster_from(cluster)
    loaded = load(paths) if paths else around
    if loaded is None:
        raise click.UsageError("name the policies, or a --cluster to take them from")
    results = [_accepted(_run(part, around, options, plan), accept) for part in _parts(loaded, each=each)]
    report = _merged(results)
    renderers = {
        "table": lambda: summary(report),
        "wide": lambda: summary(report, wide=True),
        "json": lambda: json.dumps(to_json(report), indent=2, ensure_ascii=False) + "\n",
        "yaml": lambda: "".join(f.text for r in results for f in r.files),
        "jsonl": lambda: _lines(report),
        "markdown": lambda: comment(report),
        "html": lambda: page(report, [f for r in results for f in r.files], loaded.documents),
    }
    stale = _deliver(results, out, report, check=check, each=each)
    emit(outputs, renderers)
    return _leave(report, loaded, fail_on, stale=stale, exit_zero=exit_zero)


def _parts(loaded: Loaded, *, each: bool) -> list[Loaded]:
    if not each:
        return [loaded]
    by_file: dict[str, Loaded] = {}
    for document in loaded.documents:
        by_file.setdefault(document.span.file, Loaded()).documents.append(document)
    for item in loaded.diagnostics:
        by_file.setdefault(item.span.file, Loaded()).diagnostics.append(item)
    return [by_file[name] for name in sorted(by_file)] or [Loaded()]


def _run(part: Loaded, around: Loaded | None, options: Options, plan: AddressPlan | None) -> Translation:
    cluster: list[Document] | None = None
    if around is not None:
        cluster = (
            [d for d in around.documents if not is_policy(d)] if part is around else list(around.documents)
        )
    return translate(
        part.documents
        if part is not around
        else [d for d in part.documents if is_policy(d) or d.kind == "Tier"],
        cluster=cluster,
        options=options,
        plan=plan,
        diagnostics=part.diagnostics,
    )


def _accepted(result: Translation, accept: Sequence[str]) -> Translation:
    """Mark the findings that were accepted: by id, or by code and object."""
    if not accept:
        return result
    found = []
    for finding in result.report.findings:
        reason = finding.accepted
        for item in accept:
            key, _, why = item.partition("=")
            code, _, wanted = key.partition(":")
            named = not wanted or finding.object.endswith(wanted)
            if code in {finding.id, finding.code} and named:
                reason = why or "accepted on the command line"
        found.append(replace(finding, accepted=reason))
    return Translation(result.files, replace(result.report, findings=tuple(found)))


def _merged(results: Sequence[Translation]) -> Report:
    """Give one report for all clusters of ``--each``."""
    if len(results) == 1:
        return results[0].report
    first = results[0].report
    reports = [r.report for r in results]
    method = replace(
        first.method,
        obligations=_added([r.method.obligations for r in reports]),
        sizes=_added([r.method.sizes for r in reports]),
        open_obligations=sum(r.method.open_obligations for r in reports),
    )
    return replace(
        first,
        policies=tuple(p for r in reports for p in r.policies),
        findings=tuple(f for r in reports for f in r.findings),
        differences=tuple(d for r in reports for d in r.differences),
        conditions=tuple(c for r in reports for c in r.conditions),
        method=method,
    )


def _added(counts: Sequence[dict[str, int]]) -> dict[str, int]:
    keys = dict.fromkeys(key for count in counts for key in count)
    return {key: sum(count.get(key, 0) for count in counts) for key in keys}


def _deliver(
    results: Sequence[Translation], out: str | None, report: Report, *, check: bool, each: bool
) -> list[str]:
    if out is None:
        return []
    if check:
        return differing_files(out, [f for r in results for f in r.files])
    text = json.dumps(to_json(report), indent=2, ensure_ascii=False) + "\n"
    for number, result in enumerate(results):
        folder = f"{out}/{number:03}" if each else out
        count = write_files(folder, result.files, text)
        if not each:
            click.echo(f"  Wrote {count} files to {folder}", err=True)
    return []


def _lines(report: Report) -> str:
    hello = {"type": "hello", "schemaVersion": "1.0", "tool": report.method.tool, "run": None}
    rows = [hello, *({"type": "finding", **f} for f in to_json(report)["findings"])]
    return "".join(json.dumps(row, ensure_ascii=False) + "\n" for row in rows)


def _leave(report: Report, loaded: Loaded, fail_on: str, *, stale: list[str], exit_zero: bool) -> int:
    """Give the exit code, and on stderr why and what to type next."""
    unreadable = [d for d in loaded.diagnostics if d.code in {"CAL-P101", "CAL-P118"}]
    for item in unreadable:
        click.echo(f"✖ {item.code} {item.span}: {item.message} {item.remedy}", err=True)
    if unreadable:
        return ExitCode.USAGE
    if stale:
        click.echo("  differs: " + ", ".join(stale[:10]), err=True)
        return ExitCode.DONE if exit_zero else ExitCode.DIFFERENCES
    count = sum(1 for entry in report.policies if _fails(report, entry.grade, entry, fail_on))
    if not count:
        return ExitCode.DONE
    code = next((f.code for f in report.findings if f.severity != "note"), "CAL-V809")
    click.echo(f'{count} policies at or above "{fail_on}" (--accept ID=REASON accepts a finding)', err=True)
    click.echo(f"Next: c2c explain {code}", err=True)
    return ExitCode.DONE if exit_zero else ExitCode.BLOCKED


def _fails(report: Report, grade: str, entry: object, fail_on: str) -> bool:
    """``stricter``: everything but exact; ``conditional``: S1 and S2 too; an accepted finding does not count."""
    direction = getattr(entry, "direction", None)
    if getattr(entry, "disposition", "") == "kept" or fail_on == "never":
        return False
    ids = set(getattr(entry, "findings", ()))
    grave = [f for f in report.findings if f.id in ids and f.severity != "note"]
    if grave and all(f.accepted for f in grave):
        return False
    if fail_on == "conditional":
        return grade != "S0"
    if fail_on == "stricter":
        return grade in {"A", "X"}
    if fail_on == "refused":
        return grade == "X"
    return direction in {"looser", "both"}
