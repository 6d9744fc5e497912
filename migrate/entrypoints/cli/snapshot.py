"""``c2c snapshot``: a cluster as one redacted file, for work without access."""

from __future__ import annotations

import sys
from collections.abc import Sequence
from dataclasses import replace
from typing import Any

import click

from migrate.adapters.snapshot_files import ARCHIVES, Wishes, Written, write_snapshot
from migrate.entrypoints.cli.connecting import connected, connection_options
from migrate.entrypoints.cli.face import say
from migrate.entrypoints.cli.planning import dumped
from migrate.entrypoints.cli.progress import progress
from migrate.errors import Failure
from migrate.exitcodes import ExitCode
from migrate.render.terminal import Sign, sign
from migrate.render.words import plural

__all__ = ["command"]

MAX_NAMED = 5
DOING = "reading, redacting, writing"


@click.command("snapshot")
@click.option(
    "--from",
    "source",
    metavar="DIR",
    help="Folder or .tgz of files that kubectl wrote; else the live cluster.",
)
@click.option("-o", "target", metavar="FILE.tgz|DIR|-", help="Where to write; - streams the archive.")
@click.option("--pseudonyms", is_flag=True, help="Replace the names of nodes, namespaces and objects.")
@click.option(
    "--no-redact", "whole", multiple=True, metavar="KIND", help="Keep the texts of this kind; never a secret."
)
@connection_options
def command(
    source: str | None,
    target: str | None,
    pseudonyms: bool,
    whole: Sequence[str],
    **said: Any,  # noqa: ANN401  # options of the connection
) -> int:
    """Write a cluster as one redacted file that every reading verb takes as --cluster.

    Kinds that nobody asks for are left out. No Secret data, no environment but the keys that rules read, no command
    lines but those of the cluster's own parts; of ConfigMaps that no rule knows, addresses and words of Calico.

    \b
    c2c snapshot -o prod.tgz
    kubectl get nodes,pods,deployments,daemonsets,… -A -o yaml > raw/all.yaml
    c2c snapshot --from raw/ -o prod.tgz --pseudonyms
    """
    if target is None:
        raise click.UsageError("name an archive or a folder with -o")
    if target == "-" and sys.stdout.isatty():
        raise Failure("an archive is nothing for a terminal", fix="c2c snapshot … -o prod.tgz")
    if any(kind.lower() in {"secret", "secrets"} for kind in whole):
        raise Failure("--no-redact Secret: the data of Secrets never leaves", fix="leave it out")
    wishes = Wishes(pseudonyms, frozenset(kind.casefold() for kind in whole))
    stream = sys.stdout.buffer if target == "-" else target
    if source is not None:
        with progress(DOING):
            return _leave(write_snapshot(source, stream, wishes), target)
    there = connected(**said)
    with progress(DOING), dumped(there, ["apply"], wishes) as folder:
        return _leave(write_snapshot(folder, stream, replace(wishes, pseudonyms=False)), target)


def _leave(written: Written, target: str) -> int:
    counts = written.counts
    told = ", ".join(f"{counts[r]:,} {r}" for r in ("nodes", "pods", "namespaces") if r in counts)
    rest = len([r for r in counts if r not in {"nodes", "pods", "namespaces"}])
    say(f"  Wrote {target if target != '-' else 'the archive'}: {told or 'no nodes'} and {rest} more kinds")
    if written.left_out:
        names = sorted(written.left_out)
        more = f" and {len(names) - MAX_NAMED} more" if len(names) > MAX_NAMED else ""
        kinds = f"{len(names)} {plural(len(names), 'kind', 'kinds')}"
        say(f"  Left out, as nobody asks for them: {kinds} ({', '.join(names[:MAX_NAMED])}{more})")
    for problem in written.problems:
        say(sign(Sign.UNSURE), f" {problem}", always=True)
    if not counts:
        say(sign(Sign.UNSURE), " there was no object that anybody asks for", always=True)
    if target != "-" and not target.endswith(ARCHIVES):
        say(f"  {target} is a folder; its files are for you alone", detail=True)
    return ExitCode.USAGE if written.problems or not counts else ExitCode.DONE
