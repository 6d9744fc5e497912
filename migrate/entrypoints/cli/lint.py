"""``c2c lint``: defects of the Calico policies themselves, whether or not anybody migrates; and their repair."""

from __future__ import annotations

import difflib
from collections.abc import Sequence
from dataclasses import dataclass
from functools import partial
from pathlib import Path
from typing import Any

import click

from migrate.adapters.files import Loaded, load, replace_text
from migrate.entrypoints.cli.face import next_step, say
from migrate.entrypoints.cli.options import chosen, cluster_from, plan_from, shared
from migrate.entrypoints.cli.output import emit, formats, outputs_option
from migrate.entrypoints.cli.progress import progress
from migrate.entrypoints.cli.scope import Scope, scope_options
from migrate.exitcodes import ExitCode
from migrate.render.lint import Linted, renderers, table
from migrate.render.terminal import Sign, sign
from translators.diagnostics import Diagnostic, Severity
from translators.fixing import Fixed, edits, fixed
from translators.frontends import is_policy
from translators.linting import lint
from translators.reachability import reachability
from translators.report import Matrix
from translators.settings import Options
from translators.source import Document
from translators.world import AddressPlan

UNREADABLE = frozenset({"CAL-P101", "CAL-P118"})
FIXABLE = frozenset({".yaml", ".yml"})


@click.command("lint")
@click.argument("paths", nargs=-1, type=click.Path())
@click.option("--select", metavar="CODE,…", help="Only these codes, or families: CAL-S,CAL-O301.")
@click.option("--fix", is_flag=True, help="Repair what keeps every verdict, proved; prints the difference.")
@click.option("--exit-zero", is_flag=True, help="Report, but exit 0.")
@outputs_option
@shared
@scope_options
def command(paths: Sequence[str], outputs: Sequence[str], exit_zero: bool, **given: Any) -> int:  # noqa: ANN401
    """List defects of Calico policies: dead rules, ties, selectors that select nothing.

    \b
    c2c lint policies/
    c2c lint policies/ --select CAL-S,CAL-O301 --cluster prod.tgz -o json
    c2c lint policies/ -n shop --fix
    """
    around = cluster_from(given["cluster"])
    if not paths and around is None:
        raise click.UsageError("name the policies, or a --cluster to take them from")
    if given["fix"] and not paths:
        raise click.UsageError("--fix rewrites files: name them")
    options = chosen(given["cilium_version"] or "", given["calico_version"], given["cilium_config"])
    scope = Scope.of(
        Loaded(),
        namespaces=given["namespaces"],
        all_namespaces=given["all_namespaces"],
        selector=given["selector"],
    )
    setting = _Setting(around, options, plan_from(given["address_plan"]), given["select"], scope)
    found, loaded = _linted(paths, setting, fix=given["fix"])
    if "svg" in formats(outputs):
        found.matrix = _matrix(loaded, setting)
    emit(outputs, partial(table, found), renderers(found))
    return _leave(found, loaded, exit_zero=exit_zero)


def _leave(found: Linted, loaded: Loaded, *, exit_zero: bool) -> int:
    if any(d.code in UNREADABLE for d in loaded.diagnostics):
        return ExitCode.USAGE
    grave = [d for d in found.findings if d.severity is not Severity.NOTE]
    if not grave:
        return ExitCode.DONE
    next_step(f"c2c explain {grave[0].code}")
    return ExitCode.DONE if exit_zero else ExitCode.BLOCKED


@dataclass(frozen=True, slots=True)
class _Setting:
    around: Loaded | None
    options: Options
    plan: AddressPlan | None
    select: str | None
    scope: Scope

    def policies(self, loaded: Loaded) -> list[Document]:
        """Give what is judged: all of the files, of a cluster its policies and tiers."""
        return [d for d in loaded.documents if loaded is not self.around or is_policy(d) or d.kind == "Tier"]

    def cluster(self, loaded: Loaded) -> list[Document] | None:
        """Give what surrounds it."""
        if self.around is None:
            return None
        return [d for d in self.around.documents if loaded is not self.around or not is_policy(d)]

    def findings(self, loaded: Loaded) -> list[Diagnostic]:
        """Give what was asked for, unreadable documents among it."""
        with progress("walking the policies"):
            found = lint(
                self.policies(loaded), cluster=self.cluster(loaded), options=self.options, plan=self.plan
            )
        wanted = tuple(self.select.split(",")) if self.select else ("",)
        of_these = [d for d in (*loaded.diagnostics, *found) if d.code.startswith(wanted)]
        return self.scope.findings(of_these, loaded)


def _linted(paths: Sequence[str], setting: _Setting, *, fix: bool) -> tuple[Linted, Loaded]:
    """Lint; with ``fix`` repair, and lint what is left."""
    loaded = load(paths) if paths else setting.around
    assert loaded is not None  # one of both was named
    found = setting.findings(loaded)
    if not fix:
        return Linted(found), loaded
    texts = _texts(found)
    wanted = edits(found, loaded.documents, texts)
    with progress("proving the repairs"):
        done = fixed(
            wanted,
            texts,
            setting.policies(loaded),
            cluster=setting.cluster(loaded),
            options=setting.options,
            plan=setting.plan,
        )
    difference = _written(done, texts)
    loaded = load(paths) if done.done else loaded
    return Linted(setting.findings(loaded) if done.done else found, done, difference), loaded


def _texts(findings: Sequence[Diagnostic]) -> dict[str, str]:
    """Give the text of every file that may be rewritten, byte for byte; archives and stdin are none."""
    names = dict.fromkeys(d.span.file for d in findings)
    return {
        name: Path(name).read_bytes().decode("utf-8", "surrogateescape")
        for name in names
        if Path(name).suffix in FIXABLE and Path(name).is_file()
    }


def _written(done: Fixed, texts: dict[str, str]) -> str:
    """Write the files, and give what changed as a unified difference."""
    lines: list[str] = []
    for name, after in done.texts.items():
        replace_text(name, after)
        before = texts[name].splitlines(keepends=True)
        lines += difflib.unified_diff(before, after.splitlines(keepends=True), name, name)
    count = len(done.done)
    say(f"  Repaired {count} {'finding' if count == 1 else 'findings'} in {len(done.texts)} files")
    for edit in done.left:
        say(sign(Sign.UNSURE), f" {edit.code} {edit.span}: not repaired, no proof that every verdict stays")
    return "".join(
        line if line.endswith("\n") else f"{line}\n\\ No newline at end of file\n" for line in lines
    )


def _matrix(loaded: Loaded, setting: _Setting) -> Matrix:
    """Draw who can talk to whom under these policies: before and after are the same."""
    policies = setting.policies(loaded)
    with progress("drawing who can talk to whom"):
        return reachability(
            policies, policies, cluster=setting.cluster(loaded), options=setting.options, plan=setting.plan
        )
