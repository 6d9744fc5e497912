"""A run as it goes: each record of the journal as an event for programs, a line for pipelines, a sentence for people.

The types are what ``jsonl`` promises; readers ignore types and keys that they do not know.
"""

from __future__ import annotations

from collections.abc import Iterator, Mapping
from typing import Any

from migrate.model.fields import text
from migrate.render.terminal import Line, Piece, Role, Sign, sign

__all__ = ["beat", "event_of", "plain_line", "sentence"]

_OUTCOMES = {
    "CommandDone": "command.done",
    "CommandFailed": "command.failed",
    "CommandUnknown": "command.unknown",
}
_LEVELS = {
    "command.failed": "warn",
    "command.unknown": "warn",
    "gate.fail": "warn",
    "gate.inconclusive": "warn",
}
_SIGNS = {
    "command.done": Sign.PASS,
    "command.failed": Sign.FAIL,
    "command.unknown": Sign.UNSURE,
    "gate.pass": Sign.PASS,
    "gate.fail": Sign.FAIL,
    "gate.inconclusive": Sign.UNSURE,
    "state.changed": Sign.RUNNING,
    "run.begun": Sign.RUNNING,
}
_QUIET = frozenset({"command.begun", "run.wishes", "event.ignored"})


def event_of(record: Mapping[str, Any]) -> dict[str, Any]:
    """Give the event of a record: ``type``, ``time``, ``run``, ``seq`` and what belongs to the type."""
    found = {
        "type": _type(record),
        "time": text(record, "time"),
        "run": text(record, "run"),
        "seq": record.get("seq"),
    }
    found.update(_more(record))
    return {k: v for k, v in found.items() if v not in ("", None)}


def _type(record: Mapping[str, Any]) -> str:
    event = record.get("event") or {}
    match record.get("kind"):
        case "header":
            return "run.begun"
        case "intent":
            return "command.begun"
        case "outcome":
            return _OUTCOMES.get(text(event, "kind"), "command.unknown")
        case "gate":
            return f"gate.{text(event, 'outcome')}"
        case "transition":
            return "state.changed"
        case "decision":
            return "run.wishes"
    return "event.ignored" if record.get("ignored") else f"event.{_dotted(text(event, 'kind'))}"


def _dotted(name: str) -> str:
    """Give ``NodeRemoved`` as ``node-removed``."""
    return "".join(f"-{c.lower()}" if c.isupper() and i else c.lower() for i, c in enumerate(name))


def _more(record: Mapping[str, Any]) -> Mapping[str, Any]:
    event = record.get("event") or {}
    node = text(record, "node") or text(event, "node")
    command = text(record, "command") or text(event, "command", "name")
    return {
        "node": node,
        "phase": text(record, "phase"),
        "command": command,
        "gate": text(event, "gate"),
        "class": text(event, "failure"),
        "before": text(record, "before"),
        "after": text(record, "after"),
        "rows": record.get("rows"),
        "by": text(event, "by") or text(record, "by"),
        "text": text(record, "text") or text(event, "text"),
    }


def plain_line(record: Mapping[str, Any]) -> str:
    """Give one line: time, level, node, type and the rest as ``key=value``; empty for what pipelines need not see."""
    event = event_of(record)
    kind = event["type"]
    if kind in _QUIET:
        return ""
    words = [event.get("time", ""), _LEVELS.get(kind, "info"), event.get("node", "-"), kind]
    keys = ("command", "gate", "class", "phase", "before", "after", "by", "text")
    words += [f"{k}={_quoted(str(event[k]))}" for k in keys if k in event]
    return " ".join(w for w in words if w)


def _quoted(value: str) -> str:
    """Quote what has blanks, so that the line splits again; no line end survives."""
    clean = " ".join(value.split()).replace('"', "'")
    return f'"{clean}"' if " " in clean or not clean else clean


def beat(where: str, waits: tuple[tuple[str, float], ...], done: int, total: int, run: str, time: str) -> str:
    """Give the line that says that a run lives, and what it waits for longest."""
    words = [time, "beat", f"run={run}", f"nodes={done}/{total}", f"state={where}"]
    if waits:
        waiting, seconds = max(waits, key=lambda w: w[1])
        words += [f"waiting={_quoted(waiting)}", f"for={seconds:.0f}s"]
    return " ".join(words)


def sentence(record: Mapping[str, Any]) -> Line | None:
    """Give a line for people: the time of day, the node, what happened; None for what they need not see."""
    event = event_of(record)
    kind = str(event["type"])
    if kind in _QUIET or (kind == "state.changed" and not event.get("text")):
        return None
    clock = str(event.get("time", ""))[11:19]
    line: list[Piece | str] = [Piece(f"{clock:<8}", Role.DIM), "  ", f"{event.get('node', ''):<12}", " "]
    if kind in _SIGNS:
        line += [sign(_SIGNS[kind]), " "]
    return [*line, " ".join(_words(kind, event))]


def _words(kind: str, event: Mapping[str, Any]) -> Iterator[str]:
    if kind == "state.changed" and event.get("after"):
        yield f"{event['after']}:"
    if event.get("text"):
        yield str(event["text"])
    elif event.get("command"):
        yield str(event["command"])
    else:
        yield kind
