"""``c2c version``: what this tool is, and which versions of the two CNIs it knows."""

from __future__ import annotations

import json

import click

from migrate.entrypoints.cli.output import emit
from translators.grading import TOOL_VERSION
from translators.report import SCHEMA_VERSION
from translators.settings import CALICO_NEWEST, CILIUM_NEWEST


@click.command("version")
@click.option("-o", "outputs", multiple=True, metavar="FORMAT[=FILE]")
def command(outputs: tuple[str, ...]) -> None:
    """Print versions.

    \b
    c2c version
    c2c version -o json
    """
    facts = {
        "schemaVersion": SCHEMA_VERSION,
        "kind": "Version",
        "c2c": TOOL_VERSION,
        "report": SCHEMA_VERSION,
        "calico": ".".join(map(str, CALICO_NEWEST)),
        "cilium": ".".join(map(str, CILIUM_NEWEST)),
    }
    names = {
        "c2c": "c2c",
        "report": "report format",
        "calico": "newest Calico known",
        "cilium": "newest Cilium known",
    }
    emit(
        outputs,
        {
            "table": lambda: "".join(f"{text:<22}{facts[key]}\n" for key, text in names.items()),
            "json": lambda: json.dumps(facts, indent=2) + "\n",
        },
    )
