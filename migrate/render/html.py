"""The report as one self-contained page: nothing is fetched, it reads without a script, it prints.

Every name in a cluster is hostile input: jinja2 escapes all of it, and the page's policy lets nothing run but
its own script, by hash. The report's JSON is inside, so the page is its own source.
"""

from __future__ import annotations

import base64
import hashlib
import json
import re
from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from functools import cache
from importlib import resources
from typing import Any

import jinja2

from migrate.render import words
from migrate.render.matrix import changes, picture
from translators.layout import OutputFile
from translators.report import Finding, PolicyEntry, Report, to_json

__all__ = ["embedded", "page", "resource", "template"]

MAX_LINES = 80
MAX_OUTPUTS = 4
_LISTS = {"error": "✖", "warning": "▲", "note": "·"}


@dataclass(frozen=True, slots=True)
class _Line:
    """One line of an excerpt; ``marked`` where a finding points at it."""

    number: int
    text: str
    marked: bool = False


@dataclass(frozen=True, slots=True)
class _Policy:
    """One policy as the page shows it: source beside output, then what is to be said about it."""

    entry: PolicyEntry
    anchor: str
    findings: tuple[Finding, ...]
    source: tuple[_Line, ...]
    outputs: tuple[tuple[str, tuple[_Line, ...]], ...]
    more: int


def page(report: Report, files: Sequence[OutputFile], texts: Mapping[str, str]) -> str:
    """Give the whole page; equal reports give equal bytes.

    ``texts``: the source files by the name that spans use, for the excerpts; one that is missing leaves its
    excerpt out.
    """
    script = resource("report.js")
    return template("report.html.j2").render(
        report=report,
        words=words,
        grades=report.grades(),
        policies=_policies(report, files, texts),
        pending=words.pending(report),
        accepted=[f for f in report.findings if f.accepted is not None],
        picture=picture(report.matrix) if report.matrix else "",
        changes=list(changes(report.matrix)) if report.matrix else [],
        marks=_LISTS,
        data=embedded(to_json(report)),
        style=resource("report.css"),
        script=script,
        script_hash=base64.b64encode(hashlib.sha256(script.encode()).digest()).decode(),
    )


def _policies(report: Report, files: Sequence[OutputFile], texts: Mapping[str, str]) -> list[_Policy]:
    by_id = {finding.id: finding for finding in report.findings}
    sources = {name: text.splitlines() for name, text in texts.items()}
    written = {item.path: item.text.splitlines() for item in files}
    starts: dict[str, list[int]] = {}
    for entry in report.policies:
        starts.setdefault(entry.source.file, []).append(entry.source.line)
    anchors: dict[str, int] = {}
    found = []
    for entry in report.policies:
        findings = tuple(by_id[key] for key in entry.findings if key in by_id)
        marked = {f.span.line for f in findings if f.span.file == entry.source.file and f.severity != "note"}
        following = [line for line in starts[entry.source.file] if line > entry.source.line]
        lines = sources.get(entry.source.file, [])
        source = _excerpt(lines, entry.source.line, min(following, default=len(lines) + 1), marked)
        outputs = [_output(place, written) for place in entry.outputs[:MAX_OUTPUTS]]
        anchor = _anchor(entry, anchors)
        more = max(0, len(entry.outputs) - MAX_OUTPUTS)
        found.append(_Policy(entry, anchor, findings, source, tuple(outputs), more))
    return found


def _output(place: str, written: Mapping[str, Sequence[str]]) -> tuple[str, tuple[_Line, ...]]:
    path, _, line = place.rpartition(":")
    lines = written.get(path, [])
    return place, _excerpt(lines, int(line) if line.isdigit() else 1, len(lines) + 1, set())


def _excerpt(lines: Sequence[str], first: int, stop: int, marked: set[int]) -> tuple[_Line, ...]:
    """Give the lines of one document: up to the next one, the next ``---``, or 80 lines."""
    found: list[_Line] = []
    for number in range(max(first, 1), min(stop, first + MAX_LINES, len(lines) + 1)):
        text = lines[number - 1]
        if text.startswith("---") and found:
            break
        found.append(_Line(number, text, number in marked))
    while found and not found[-1].text.strip():
        found.pop()
    return tuple(found)


def _anchor(entry: PolicyEntry, taken: dict[str, int]) -> str:
    """Give a stable, harmless anchor; names that look alike get a number."""
    name = "p-" + re.sub(r"[^a-z0-9]+", "-", entry.label.lower()).strip("-")
    taken[name] = taken.get(name, 0) + 1
    return name if taken[name] == 1 else f"{name}-{taken[name]}"


def embedded(data: Mapping[str, Any]) -> str:
    """Give data as JSON in a form that cannot end its own script element."""
    text = json.dumps(data, ensure_ascii=True)
    return text.replace("<", "\\u003c").replace(">", "\\u003e").replace("&", "\\u0026")


def resource(name: str) -> str:
    """Give the text of a file that lies beside this module."""
    return resources.files("migrate.render").joinpath(name).read_text(encoding="utf-8")


@cache
def template(name: str) -> jinja2.Template:
    """Give a template that escapes whatever it is given."""
    environment = jinja2.Environment(
        autoescape=True, undefined=jinja2.StrictUndefined, trim_blocks=True, lstrip_blocks=True
    )
    return environment.from_string(resource(name))
