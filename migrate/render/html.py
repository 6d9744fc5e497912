"""The report as one self-contained page: nothing is fetched, it reads without a script, it prints.

Every name in a cluster is hostile input: jinja2 escapes all of it, and the page's policy lets nothing run but
its own script, by hash. The report's JSON is inside, so the page is its own source.
"""

from __future__ import annotations

import base64
import hashlib
import json
import re
from collections.abc import Iterator, Mapping, Sequence
from dataclasses import dataclass
from functools import cache
from importlib import resources
from typing import Any

import jinja2

from migrate.render import words
from migrate.render.excerpts import Excerpt, Excerpts
from migrate.render.matrix import changes, picture
from translators.report import Finding, PolicyEntry, Report, to_json

__all__ = ["embedded", "page", "resource", "template"]

MAX_ROWS = 12
MAX_DECISIONS = 200
MAX_TOLD = 10
_SIGNS = {"error": "✖", "warning": "▲", "note": "·"}


@dataclass(frozen=True, slots=True)
class _Line:
    """One line of an excerpt; ``marked`` where a finding points at it."""

    number: int
    text: str
    marked: bool


@dataclass(frozen=True, slots=True)
class _Told:
    """One finding of a policy with the flows that differ by it.

    ``pending``: it still asks for a decision; ``shown``: that stands above, among the first 200.
    """

    finding: Finding
    groups: tuple[words.Group, ...]
    pending: bool
    shown: bool


@dataclass(frozen=True, slots=True)
class _Policy:
    """One policy as the page shows it: source beside output, then what is to be said about it."""

    entry: PolicyEntry
    anchor: str
    told: tuple[_Told, ...]
    source: tuple[_Line, ...]
    outputs: tuple[tuple[str, tuple[_Line, ...]], ...]


def page(report: Report, shown: Sequence[Excerpts]) -> str:
    """Give the whole page; equal reports give equal bytes. ``shown``: the excerpts of each policy, in order."""
    script = resource("report.js")
    pending = words.pending(report)
    ids = [p.finding.id if p.finding else "" for p in pending]
    policies = list(_policies(report, shown, dict(zip(ids, range(len(ids)), strict=True))))
    return template("report.html.j2").render(
        report=report,
        words=words,
        grades=report.grades(),
        policies=policies,
        pending=pending,
        max_decisions=MAX_DECISIONS,
        max_told=MAX_TOLD,
        accepted=[f for f in report.findings if f.accepted is not None],
        beside=_beside(report, pending),
        picture=picture(report.matrix, linked=True) if report.matrix else "",
        changes=list(changes(report.matrix)) if report.matrix else [],
        signs=_SIGNS,
        max_rows=MAX_ROWS,
        stamp=_stamp(report),
        data=embedded(to_json(report)),
        style=resource("report.css"),
        script=script,
        script_hash=base64.b64encode(hashlib.sha256(script.encode()).digest()).decode(),
    )


def _policies(report: Report, shown: Sequence[Excerpts], pending: Mapping[str, int]) -> Iterator[_Policy]:
    by_id = {finding.id: finding for finding in report.findings}
    differing: dict[str, list[Any]] = {}
    for difference in report.differences:
        differing.setdefault(difference.finding, []).append(difference)
    anchors: dict[str, int] = {}
    for entry, own in zip(report.policies, shown, strict=True):
        findings = sorted((by_id[key] for key in entry.findings if key in by_id), key=_gravity)
        marked = {f.span.line for f in findings if f.span.file == entry.source.file and f.severity != "note"}
        yield _Policy(
            entry,
            _anchor(entry, anchors),
            tuple(
                _Told(
                    f,
                    words.grouped(differing.get(f.id, ())),
                    f.id in pending,
                    pending.get(f.id, MAX_DECISIONS) < MAX_DECISIONS,
                )
                for f in findings
            ),
            _numbered(own.source, marked),
            tuple((place, _numbered(e, set())) for place, e in zip(entry.outputs, own.outputs, strict=False)),
        )


def _gravity(finding: Finding) -> tuple[int, int]:
    return list(_SIGNS).index(finding.severity), finding.span.line


def _numbered(excerpt: Excerpt, marked: set[int]) -> tuple[_Line, ...]:
    return tuple(_Line(n, text, n in marked) for n, text in enumerate(excerpt.lines, excerpt.first))


def _beside(report: Report, pending: Sequence[words.Pending]) -> list[Finding]:
    """Give what concerns no policy: the target, the services, the nodes."""
    told = {key for entry in report.policies for key in entry.findings}
    told.update(p.finding.id for p in pending if p.finding)
    return sorted((f for f in report.findings if f.id not in told), key=_gravity)


def _stamp(report: Report) -> str:
    """Give what stands on each printed sheet; the tool's own words and digits alone, for they go into the style."""
    found = re.fullmatch(r"sha256:([0-9a-f]{64})", report.input_hash)
    version = re.sub(r"[^0-9A-Za-z.+-]", "", report.method.tool)
    return f"c2c {version} · input sha256:{found[1][:16]}…" if found else f"c2c {version}"


def _anchor(entry: PolicyEntry, taken: dict[str, int]) -> str:
    """Give a stable, harmless anchor; names that look alike get a number."""
    name = "p-" + re.sub(r"[^a-z0-9]+", "-", entry.label.lower()).strip("-")
    taken[name] = taken.get(name, 0) + 1
    return name if taken[name] == 1 else f"{name}--{taken[name]}"


def embedded(data: Mapping[str, Any]) -> str:
    """Give data as JSON in a form that cannot end its own script element."""
    text = json.dumps(data, ensure_ascii=True, separators=(",", ":"))
    return text.replace("<", "\\u003c").replace(">", "\\u003e").replace("&", "\\u0026")


def resource(name: str) -> str:
    """Give the text of a file that lies beside this module."""
    return resources.files("migrate.render").joinpath(name).read_text(encoding="utf-8")


@cache
def template(name: str) -> jinja2.Template:
    """Give a template that escapes whatever it is given."""
    environment = jinja2.Environment(
        autoescape=True,
        undefined=jinja2.StrictUndefined,
        trim_blocks=True,
        lstrip_blocks=True,
        keep_trailing_newline=True,
    )
    return environment.from_string(resource(name))
