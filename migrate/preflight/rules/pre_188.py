"""PRE-188: what PRE-160 and PRE-161 named before the migration and is still as it was."""

from __future__ import annotations

from collections.abc import Iterator

from migrate.model.findings import Severity
from migrate.preflight.rule import Case, Group, Hit, Repeat, Rule
from migrate.preflight.views_observers import alerts_on_calico, pipelines_on_calico

__all__ = ["RULE"]


def check(case: Case) -> Iterator[Hit]:
    """Name each object once."""
    found = [*alerts_on_calico(case.snapshot), *pipelines_on_calico(case.snapshot)]
    for path in dict.fromkeys(watcher.path for watcher in found):
        parts = [watcher.part for watcher in found if watcher.path == path]
        yield Hit(path, {"x": path}, {"parts": parts})


RULE = Rule(
    number=188,
    group=Group.NO_RETURN,
    severity=Severity.WARN,
    title="Watchers of Calico left",
    message="Alerts on Calico still active: {x}",
    remedy="adapt {x}, as CP2160 and CP2161 say",
    check=check,
    reads=("configmaps",),
    repeat=frozenset({Repeat.NO_RETURN}),
)
