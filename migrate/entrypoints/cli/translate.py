"""``c2c translate``: policies in, manifests, grades and proof out."""

from __future__ import annotations

import re
from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass, replace
from functools import partial

import click
from click.core import ParameterSource

from migrate.adapters.files import Loaded, differing_files, load, write_files
from migrate.entrypoints.cli.acceptance import LEVELS, accepted, failing, refused_beside
from migrate.entrypoints.cli.configuration import Configuration, configuration
from migrate.entrypoints.cli.face import command_line, next_step, say
from migrate.entrypoints.cli.options import chosen, cluster_from, plan_from, shared, tier_options
from migrate.entrypoints.cli.output import emit, formats, outputs_option
from migrate.entrypoints.cli.progress import progress
from migrate.entrypoints.cli.scope import Scope, scope_options
from migrate.entrypoints.cli.translations import Setting, settled
from migrate.exitcodes import ExitCode
from migrate.render.excerpts import excerpts
from migrate.render.table import summary
from migrate.render.terminal import Sign, sign
from migrate.render.translation import as_json, renderers
from migrate.render.words import plural
from translators import Translation
from translators.diagnostics import CODES, Diagnostic, Severity
from translators.layout import OutputFile
from translators.report import Matrix, Report
from translators.settings import Options
from translators.source import read

PICTURED = frozenset({"html", "json", "svg"})
DELIVERY = frozenset({"out", "outputs", "check", "detailed_exitcode", "exit_zero"})
"""Options that say where a report goes, and change nothing in it."""
UNREADABLE = frozenset({"CAL-P101", "CAL-P118"})


@click.command("translate")
@click.argument("paths", nargs=-1, type=click.Path())
@click.option(
    "--out", type=click.Path(), metavar="DIR", help="Folder for the manifests and .c2c/report.json."
)
@click.option("--layout", type=click.Choice(["namespace", "policy", "single"]), default="namespace")
@click.option("--each", is_flag=True, help="Every file is a cluster of its own.")
@click.option("--tier", "tiers", multiple=True, metavar="NAME=ORDER[:Pass]")
@click.option("--fail-on", type=click.Choice(LEVELS), default="stricter", show_default=True)
@click.option("--accept", multiple=True, metavar="ID[:OBJECT][=REASON]", help="Accept one finding.")
@click.option("--absorb", is_flag=True, help="Convert Kubernetes NetworkPolicies too.")
@click.option("--check", is_flag=True, help="Write nothing; compare with the folder in --out.")
@click.option("--detailed-exitcode", is_flag=True, help="With --check: exit 10 if files differ.")
@outputs_option
@click.option("--exit-zero", is_flag=True, help="Report, but exit 0.")
@click.option(
    "--config", type=click.Path(), metavar="FILE", help="The configuration; else ./c2c.yaml, if there is one."
)
@shared
@scope_options
@click.pass_context
def command(
    ctx: click.Context,
    /,
    paths: Sequence[str],
    config: str | None,
    outputs: Sequence[str],
    cluster: str | None,
    address_plan: str | None,
    **given: object,
) -> int:
    """Translate Calico policies and prove the result.

    \b
    c2c translate policies/ --out cilium/
    c2c translate policies/ --cluster prod.tgz -o report.html
    kubectl get gnp -o yaml | c2c translate -
    """
    conf = configuration(config)
    wanted = {name: given.pop(name) for name in ("namespaces", "all_namespaces", "selector")}
    asked = _Asked(**_preferred(ctx, given, conf), conf=conf)  # type: ignore[arg-type]  # click gives what each option declares
    if asked.check and asked.out is None:
        raise click.UsageError("--check compares with the folder in --out; name it")
    around = cluster_from(cluster)
    paths = paths or ([] if cluster else conf.section("calico").get("policies") or [])
    loaded = load(paths) if paths else around
    if loaded is None:
        raise click.UsageError("name the policies, or a --cluster to take them from")
    scope = Scope.of(loaded, **wanted)  # type: ignore[arg-type]  # as above
    setting = Setting(around, asked.options(), plan_from(address_plan) or conf.plan)
    with progress("translating and proving"):
        results = settled(
            partial(_translated, loaded, each=asked.each), setting, [*asked.accept, *conf.accepted]
        )
    files = [file for result in results for file in result.files]
    report = accepted(_merged([result.report for result in results]), asked.accept, conf.accepted)
    for text in conf.expired:
        say(sign(Sign.WARN), f" no longer accepted: {text}", always=True)
    report = replace(report, method=replace(report.method, command=command_line(without=DELIVERY)))
    if not asked.each and (asked.out or PICTURED & formats(outputs)):
        with progress("drawing who can talk to whom"):
            report = replace(report, matrix=_matrix(report, files, loaded, setting))
    stale = _deliver(asked, files, report)
    every, report = len(report.policies), scope.report(report)
    if scope.is_limited:
        say(f"  Showing {len(report.policies)} of {every} policies; all were read and proved together.")
    emit(outputs, partial(summary, report), _renderers(report, scope.files(files, report), loaded))
    return _leave(asked, report, (loaded, around), stale)


@dataclass(frozen=True, slots=True)
class _Asked:
    """The options of this verb alone, as typed."""

    out: str | None
    layout: str
    each: bool
    tiers: tuple[str, ...]
    fail_on: str
    accept: tuple[str, ...]
    absorb: bool
    check: bool
    detailed_exitcode: bool
    exit_zero: bool
    cilium_version: str
    calico_version: str | None
    cilium_config: str | None
    conf: Configuration

    def options(self) -> Options:
        """Give the translator's settings; raises ``Failure`` for a value that means nothing."""
        return chosen(
            self.cilium_version,
            self.calico_version,
            self.cilium_config,
            layout=self.layout,
            tiers=tier_options(self.tiers),
            kubernetes_policies="absorb" if self.absorb else "native",
            **self.conf.options(),
        )


def _preferred(ctx: click.Context, given: Mapping[str, object], conf: Configuration) -> dict[str, object]:
    """Let the file speak where no flag was typed."""
    said = conf.section("translate")
    from_file = {
        "fail_on": said.get("failOn"),
        "absorb": said.get("kubernetesPolicies") == "absorb" or None,
        "cilium_version": conf.section("cilium").get("version"),
        "cilium_config": conf.section("cilium").get("config"),
    }
    typed = {name for name in given if ctx.get_parameter_source(name) is ParameterSource.COMMANDLINE}
    return {**given, **{k: v for k, v in from_file.items() if v is not None and k not in typed}}


def _translated(loaded: Loaded, setting: Setting, *, each: bool) -> list[Translation]:
    if not each:
        return [setting.run(loaded)]
    results = []
    for folder, part in _parts(loaded).items():
        result = setting.run(part)
        files = tuple(replace(f, path=f"{folder}/{f.path}") for f in result.files)
        policies = tuple(
            replace(p, outputs=tuple(f"{folder}/{o}" for o in p.outputs)) for p in result.report.policies
        )
        results.append(Translation(files, replace(result.report, policies=policies)))
    return results


def _parts(loaded: Loaded) -> dict[str, Loaded]:
    """Give the documents and findings of each file, under the folder that its manifests go to."""
    by_file: dict[str, Loaded] = {}
    for document in loaded.documents:
        by_file.setdefault(document.span.file, Loaded()).documents.append(document)
    for item in loaded.diagnostics:
        by_file.setdefault(item.span.file, Loaded()).diagnostics.append(item)
    folders: dict[str, Loaded] = {}
    for name in sorted(by_file):
        stem = re.sub(r"[^A-Za-z0-9._-]+", "-", name.rpartition(".")[0] or name).strip("-.") or "input"
        number = sum(1 for folder in folders if folder == stem or folder.startswith(f"{stem}~"))
        folders[f"{stem}~{number + 1}" if number else stem] = by_file[name]
    return folders or {"input": Loaded()}


def _merged(reports: Sequence[Report]) -> Report:
    """Give one report for all clusters of ``--each``."""
    if len(reports) == 1:
        return reports[0]
    first = reports[0]
    method = replace(
        first.method,
        obligations=_added([r.method.obligations for r in reports]),
        sizes=_added([r.method.sizes for r in reports]),
        open_obligations=sum(r.method.open_obligations for r in reports),
    )
    findings = {f.id: f for r in reports for f in r.findings}
    return replace(
        first,
        policies=tuple(p for r in reports for p in r.policies),
        findings=tuple(findings.values()),
        differences=tuple(d for r in reports for d in r.differences),
        conditions=tuple(c for r in reports for c in r.conditions),
        method=method,
    )


def _added(counts: Sequence[Mapping[str, int]]) -> dict[str, int]:
    keys = dict.fromkeys(key for count in counts for key in count)
    return {key: sum(count.get(key, 0) for count in counts) for key in keys}


def _matrix(report: Report, files: Sequence[OutputFile], loaded: Loaded, setting: Setting) -> Matrix:
    from translators.reachability import reachability  # noqa: PLC0415  # only where the picture is drawn

    kept = {p.source for p in report.policies if p.disposition == "kept"}
    broken = {p.source for p in report.policies if any(CODES[c].cls == "refuse" for c in p.codes)}
    written = [d for f in files for d in read(f.path, f.text.encode()).documents]
    return reachability(
        [d for d in setting.policies(loaded) if d.span not in broken and d.group != "cilium.io"],
        [*written, *(d for d in loaded.documents if d.span in kept)],
        cluster=setting.cluster(loaded),
        options=setting.options,
        plan=setting.plan,
    )


def _renderers(report: Report, files: Sequence[OutputFile], loaded: Loaded) -> dict[str, Callable[[], str]]:
    made = renderers(report, lambda: excerpts(report, files, loaded.texts))
    return {**made, "yaml": lambda: "".join(file.text for file in files)}


def _deliver(asked: _Asked, files: Sequence[OutputFile], report: Report) -> list[str]:
    """Write the manifests, or give the files that differ from what would be written."""
    if asked.out is None:
        return []
    if asked.check:
        return differing_files(asked.out, files)
    count = write_files(asked.out, files, as_json(report))
    say(f"  Wrote {count} {'file' if count == 1 else 'files'} to {asked.out}")
    return []


def _is_refused_template(found: Diagnostic) -> bool:
    return found.code == "CAL-P117" and found.severity is Severity.ERROR


def _leave(
    asked: _Asked, report: Report, read_from: tuple[Loaded, Loaded | None], stale: Sequence[str]
) -> int:
    """Give the exit code, and on stderr why and what to type next."""
    loaded, around = read_from
    read = (
        loaded.diagnostics
        if around is None or around is loaded
        else [*loaded.diagnostics, *around.diagnostics]
    )
    unreadable = [d for d in read if d.code in UNREADABLE or _is_refused_template(d)]
    for item in unreadable:
        say(sign(Sign.FAIL), f" {item.code} {item.span}: {item.message} {item.remedy}", always=True)
    if unreadable:
        return ExitCode.USAGE
    if around is not None and around.unread:
        kinds = ", ".join(sorted(around.unread))
        say(sign(Sign.FAIL), f" the snapshot could not read {kinds}: nothing is proved", always=True)
        return ExitCode.DONE if asked.exit_zero else ExitCode.BLOCKED
    bad, beside = failing(report, asked.fail_on), refused_beside(report, asked.fail_on)
    if bad or beside:
        told = f'{len(bad)} {plural(len(bad), "policy", "policies")} at or above "{asked.fail_on}"'
        others = f"{len(beside)} {plural(len(beside), 'object', 'objects')} that could not be read"
        parts = [text for text, items in ((told, bad), (others, beside)) if items]
        say(f"{', '.join(parts)}: exit {0 if asked.exit_zero else 3} (--accept ID=REASON accepts a finding)")
        ids = bad[0].findings if bad else (beside[0].id,)
        code = next((f.code for f in report.findings if f.id in ids and f.severity != "note"), "")
        if code:
            next_step(f"c2c explain {code}")
        return ExitCode.DONE if asked.exit_zero else ExitCode.BLOCKED
    if stale:
        say(f"  {asked.out} differs: {', '.join(stale[:10])}", always=True)
        if asked.exit_zero:
            return ExitCode.DONE
        return ExitCode.DIFFERENCES if asked.detailed_exitcode else ExitCode.BLOCKED
    return ExitCode.DONE
