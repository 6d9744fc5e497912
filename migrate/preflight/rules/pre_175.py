"""PRE-175: a driver that was detached from a terminal dies with the login where logind kills what is left.

The controller's facts say ``kill_user_processes``, ``lingering`` and ``start``: ``foreground``, ``detach``, ``in-cluster``,
``service``. Only a detached driver of a user without lingering is killed.
"""

from __future__ import annotations

from collections.abc import Iterator

from migrate.model.fields import text, truth
from migrate.model.findings import Severity
from migrate.preflight.rule import Case, Group, Hit, Rule

__all__ = ["RULE"]


def check(case: Case) -> Iterator[Hit]:
    """Look at logind and at how the driver is started."""
    seen = case.snapshot.answers.controller or {}
    kills = truth(seen, "kill_user_processes") and not truth(seen, "lingering")
    if kills and text(seen, "start") == "detach":
        yield Hit("controller", {}, {"start": "detach", "kill_user_processes": True})


RULE = Rule(
    number=175,
    group=Group.PERMISSIONS,
    severity=Severity.WARN,
    title="Detached driver would be killed",
    message="logind kills detached processes",
    remedy="--in-cluster, or systemd-run --user with lingering (loginctl enable-linger)",
    check=check,
    answers=("controller",),
)
