"""``c2c version``: what this tool is, and which versions of the two CNIs it knows."""

from __future__ import annotations

import json

import click

from migrate.entrypoints.cli.output import emit, outputs_option
from translators.grading import TOOL_VERSION
from translators.report import SCHEMA_VERSION
from translators.settings import CALICO_NEWEST, CILIUM_NEWEST


@click.command("version")
@outputs_option
def command(outputs: tuple[str, ...]) -> None:
    """Print versions.

    \b
    c2c version
    c2c version -o json
    c2c version -o yaml
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
    rows = [f"{text:<22}{facts[key]}\n" for key, text in names.items()]
    emit(
        outputs,
        lambda _: "".join(rows),
        {
            "json": lambda: json.dumps(facts, indent=2) + "\n",
            "yaml": lambda: "".join(f"{key}: {json.dumps(value)}\n" for key, value in facts.items()),
        },
    )
