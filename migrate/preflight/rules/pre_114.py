"""PRE-114: a reboot that the plan wants needs somebody who can do it: a play, the cloud's API, kured."""

from __future__ import annotations

from collections.abc import Iterator

from migrate.model.fields import text
from migrate.model.findings import Severity
from migrate.preflight.rule import Case, Group, Hit, Rule, Unread

__all__ = ["RULE"]


def check(case: Case) -> Iterator[Hit | Unread]:
    """Name each node that the plan reboots and nothing can reboot."""
    kured = any(w.kind == "DaemonSet" and w.name.startswith("kured") for w in case.snapshot.workloads)
    for name, plan in sorted(case.draft.nodes.items()):
        if not plan.reboot or plan.mode == "replace" or kured:
            continue
        facts = case.snapshot.facts.get(name)
        if facts is None or not facts.has("reboot"):
            yield Unread(f"how node/{name} can be rebooted")
        elif not text(facts.data, "reboot"):
            yield Hit(f"node/{name}", {"n": name}, {"reboot": facts.at("reboot")}, name)


RULE = Rule(
    number=114,
    group=Group.ACCESS,
    severity=Severity.WARN,
    title="No way to reboot",
    message="{n}: cannot reboot",
    remedy="recycle its pods instead (nodes.reboot: auto), or give SSH, a cloud's API, or kured",
    check=check,
    reads=("daemonsets.apps",),
)
