"""Edits that repair a policy file and keep every verdict: found here, proved here, written elsewhere.

An edit touches the lines that it names and no other: a dead rule goes with its lines, a value is rewritten where it
stands. Whatever cannot be proved to change nothing is not done.
"""

from __future__ import annotations

import re
from collections.abc import Callable, Iterable, Iterator, Mapping, Sequence
from dataclasses import dataclass
from typing import Any

from translators.diagnostics import Diagnostic
from translators.errors import InputError
from translators.settings import Options
from translators.source import Document, read
from translators.span import Span
from translators.verification import verify
from translators.world import AddressPlan
from translators.yaml_reading import child

__all__ = ["Edit", "Fixed", "applied", "edits", "fixed"]

QUOTED, CASED, REMOVED = "quoted", "written as Calico's API has it", "removed: no flow reaches it"
MAX_ALONE = 50
_ACTIONS = {name.lower(): name for name in ("Allow", "Deny", "Log", "Pass")}
_DASH = re.compile(r"\s*- \Z")


@dataclass(frozen=True, slots=True, order=True)
class Edit:
    """One edit: lines ``first`` to ``last`` (from 1, both included) of a file become ``lines``."""

    file: str
    first: int
    last: int
    lines: tuple[str, ...]
    code: str
    what: str
    span: Span


@dataclass(frozen=True, slots=True)
class Fixed:
    """The files that changed, by name, and the edits that were proved and those that were not."""

    texts: Mapping[str, str]
    done: tuple[Edit, ...]
    left: tuple[Edit, ...]


def edits(
    findings: Iterable[Diagnostic], documents: Sequence[Document], texts: Mapping[str, str]
) -> list[Edit]:
    """Give the edits that the findings ask for, in the order of the files; only of block style, never of JSON."""
    lines = {name: text.splitlines(keepends=True) for name, text in texts.items()}
    found: list[Edit] = []
    for item in findings:
        edit = _edit(item, documents, lines.get(item.span.file) or [])
        if edit is not None and not any(_overlap(edit, other) for other in found):
            found.append(edit)
    return sorted(found)


def _overlap(one: Edit, other: Edit) -> bool:
    return one.file == other.file and one.first <= other.last and other.first <= one.last


def _edit(item: Diagnostic, documents: Sequence[Document], lines: Sequence[str]) -> Edit | None:
    if not 1 <= item.span.line <= len(lines):
        return None
    match item.code:
        case "CAL-P120":
            return _rewritten(item, lines, r"\d+:\d+", lambda text: f'"{text}"', QUOTED)
        case "CAL-P104":
            return _rewritten(item, lines, r"[A-Za-z]+", lambda text: _ACTIONS.get(text.lower(), text), CASED)
        case "CAL-O315":
            return _without_rule(item, documents, lines)
    return None


def _rewritten(
    item: Diagnostic, lines: Sequence[str], pattern: str, new: Callable[[str], str], what: str
) -> Edit | None:
    """Rewrite the value that begins at the place of the finding."""
    line = lines[item.span.line - 1]
    found = re.compile(pattern).match(line, item.span.column - 1)
    if found is None or new(found[0]) == found[0]:
        return None
    text = line[: found.start()] + new(found[0]) + line[found.end() :]
    return Edit(item.span.file, item.span.line, item.span.line, (text,), item.code, what, item.span)


def _without_rule(item: Diagnostic, documents: Sequence[Document], lines: Sequence[str]) -> Edit | None:
    """Take out a rule that is an item of its own in a block list, unless it is the last one there."""
    for document in documents:
        if document.span.file != item.span.file or document.node is None:
            continue
        for direction in ("ingress", "egress"):
            rules = child(child(document.node, "spec"), direction)
            nodes = getattr(rules, "value", None)
            if not isinstance(nodes, list) or len(nodes) < 2 or getattr(rules, "flow_style", True):
                continue
            for index, node in enumerate(nodes):
                if document.at("spec", direction, index) == item.span:
                    return _taken_out(item, node, lines)
    return None


def _taken_out(item: Diagnostic, node: Any, lines: Sequence[str]) -> Edit | None:  # noqa: ANN401  # YAML node
    first = item.span.line
    before = lines[first - 1][: item.span.column - 1]
    if not _DASH.match(before):
        return None
    last = first + _last_line(node) - node.start_mark.line
    return Edit(item.span.file, first, last, (), item.code, REMOVED, item.span)


def _last_line(node: Any) -> int:  # noqa: ANN401  # YAML node
    """Give the line on which the text of a node ends; a block's own end lies behind comments that follow it."""
    value = node.value
    if isinstance(value, list) and value and not getattr(node, "flow_style", False):
        last = value[-1]
        return _last_line(last[1] if isinstance(last, tuple) else last)
    end: int = node.end_mark.line
    if isinstance(value, str) and getattr(node, "style", None) in {"|", ">"}:
        return end - 1
    return end


def applied(text: str, wanted: Iterable[Edit]) -> str:
    """Give the text with the edits of its file, the last first so that lines keep their numbers."""
    lines = text.splitlines(keepends=True)
    for edit in sorted(wanted, reverse=True):
        lines[edit.first - 1 : edit.last] = edit.lines
    return "".join(lines)


def fixed(
    wanted: Sequence[Edit],
    texts: Mapping[str, str],
    documents: Sequence[Document],
    *,
    cluster: Sequence[Document] | None = None,
    options: Options | None = None,
    plan: AddressPlan | None = None,
) -> Fixed:
    """Do the edits that are proved to keep every verdict: all together, else one after the other.

    ``documents`` is the whole set, so that the proof speaks of what is really enforced.
    """

    def keeps(chosen: Sequence[Edit]) -> bool:
        after = list(_documents(chosen, texts, documents))
        try:
            found = verify(documents, after, cluster=cluster, options=options, plan=plan)
        except InputError:
            return False
        return not (found.counterexamples or found.unconfirmed) and len(after) == len(documents)

    if keeps(wanted):
        done = list(wanted)
    else:
        done = []
        for edit in wanted[:MAX_ALONE]:
            if keeps([*done, edit]):
                done.append(edit)
    names = dict.fromkeys(edit.file for edit in done)
    changed = {name: applied(texts[name], [e for e in done if e.file == name]) for name in names}
    return Fixed(changed, tuple(done), tuple(edit for edit in wanted if edit not in done))


def _documents(
    chosen: Sequence[Edit], texts: Mapping[str, str], documents: Sequence[Document]
) -> Iterator[Document]:
    """Give the documents as they are after the edits; a file that is not touched is not read again."""
    names = dict.fromkeys(edit.file for edit in chosen)
    yield from (d for d in documents if d.span.file not in names)
    for name in names:
        text = applied(texts[name], [e for e in chosen if e.file == name])
        reading = read(name, text.encode("utf-8", "surrogateescape"))
        yield from reading.documents
