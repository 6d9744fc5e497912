"""The API server's audit log: the second witness of what a user did, beside the fault proxy."""

from __future__ import annotations

import json
from collections.abc import Iterable, Iterator
from dataclasses import dataclass
from pathlib import Path

WRITES = frozenset({"create", "update", "patch", "delete", "deletecollection"})


@dataclass(frozen=True, slots=True)
class Entry:
    """One call that was answered. ``resource`` is ``plural.group/subresource``, the parts that are empty left out."""

    user: str
    verb: str
    resource: str
    namespace: str
    name: str
    code: int
    is_dry_run: bool


def entries(path: Path, user: str = "") -> Iterator[Entry]:
    """Give the calls of a user, or of all, in their order; a last line that is not whole yet is left out."""
    for line in path.read_text(encoding="utf-8").splitlines():
        try:
            record = json.loads(line)
        except ValueError:
            continue
        name = str(record["user"].get("username", ""))
        if record.get("stage") == "ResponseComplete" and (not user or name == user):
            yield _entry(record, name)


def _entry(record: dict[str, object], user: str) -> Entry:
    target = record.get("objectRef")
    ref = target if isinstance(target, dict) else {}
    group = f".{ref['apiGroup']}" if ref.get("apiGroup") else ""
    sub = f"/{ref['subresource']}" if ref.get("subresource") else ""
    status = record.get("responseStatus")
    code = status.get("code", 0) if isinstance(status, dict) else 0
    return Entry(
        user,
        str(record["verb"]),
        f"{ref.get('resource', '')}{group}{sub}",
        str(ref.get("namespace", "")),
        str(ref.get("name", "")),
        int(code),
        "dryRun=" in str(record["requestURI"]),
    )


def writes(found: Iterable[Entry]) -> list[Entry]:
    """Give the calls that changed something: reviews, dry runs and refusals left out."""
    return [
        entry
        for entry in found
        if entry.verb in WRITES
        and not entry.is_dry_run
        and entry.code < 400
        and not entry.resource.endswith(("reviews.authorization.k8s.io", "reviews.authentication.k8s.io"))
    ]


def denials(found: Iterable[Entry]) -> list[Entry]:
    """Give the calls that rights forbade: none, for a product that knows its rights."""
    return [entry for entry in found if entry.code == 403]
