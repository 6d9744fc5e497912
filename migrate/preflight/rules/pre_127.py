"""PRE-127: a value that the chart does not know is ignored in silence, and so has no effect.

Values that charts lost, gained or never had are known without a chart; whatever else it lacks the chart alone can
tell. Source of the table: ``migrate.model.versions``.
"""

from __future__ import annotations

from collections.abc import Iterator

from migrate.model.findings import Severity
from migrate.model.versions import ValueChange, changes_of
from migrate.preflight.rule import Case, Group, Hit, Rule

__all__ = ["RULE"]


def check(case: Case) -> Iterator[Hit]:
    """Name the user's values that the table knows to be gone, then those that the chart lacks."""
    cilium = case.draft.settings.cilium
    named = set()
    for change in changes_of(cilium.values, cilium.minor):
        named.add(change.path)
        fills = {"key": change.path, "what": _fate(change), "v": cilium.version}
        yield Hit(f"values/{change.path}", fills, {"since": change.since, "until": change.until})
    unknown = {path for r in (case.draft.rendered or {}).values() for path in r.unknown_values}
    for path in sorted(unknown):
        if not any(path == known or path.startswith(f"{known}.") for known in named):
            fills = {"key": path, "what": "unknown", "v": cilium.version}
            yield Hit(f"values/{path}", fills, {"chart": cilium.chart or cilium.version})


def _fate(change: ValueChange) -> str:
    if change.until is not None and change.to:
        return f"renamed to {change.to}"
    if change.until is not None:
        return "removed"
    return f"unknown (write {change.to})" if change.to else "unknown"


RULE = Rule(
    number=127,
    group=Group.VALUES,
    severity=Severity.BLOCK,
    title="Value without effect",
    message="{key} is {what} in {v}",
    remedy="rename or remove {key} in the values file",
    check=check,
    failures=(46,),
    chart=True,
)
