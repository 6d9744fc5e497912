"""PRE-174: credentials that end before the migration does leave it standing where it is.

The end is now, all waves at p90, audit and final soak, and an hour for what lies between. The controller's facts say when
the credentials expire (``credentials_expire``: RFC 3339, empty for never); clusters that renew them by an exec plugin
say never.
"""

from __future__ import annotations

from collections.abc import Iterator
from datetime import timedelta

from migrate.model.calendar import moment
from migrate.model.fields import at, text
from migrate.model.findings import Severity
from migrate.preflight.rule import Case, Group, Hit, Repeat, Rule, Unread
from migrate.preflight.views_plan import wave_times

__all__ = ["RULE"]

BETWEEN_S = 3600.0


def check(case: Case) -> Iterator[Hit | Unread]:
    """Compare the expiry with the estimated end."""
    controller = case.snapshot.answers.controller or {}
    if at(controller, "credentials_expire") is None:
        yield Unread("when the credentials expire")
        return
    said = text(controller, "credentials_expire")
    if not said:
        return
    expiry, now = moment(said), moment(case.now)
    if expiry is None or now is None:
        yield Unread("the time of day" if now is None else f"the expiry {said!r}")
        return
    settings = case.draft.settings
    needed = (
        sum(seconds for seconds, _ in wave_times(case)) + settings.audit_s + settings.final_soak_s + BETWEEN_S
    )
    end = now + timedelta(seconds=needed)
    if expiry < end:
        yield Hit("controller", {"t": said}, {"expires": said, "end": end.isoformat()})


RULE = Rule(
    number=174,
    group=Group.PERMISSIONS,
    severity=Severity.MANDATORY,
    title="Credentials expire",
    message="Credentials expire {t}",
    remedy="renew them, or use credentials that renew themselves (exec plugin, ServiceAccount token of a pod)",
    check=check,
    failures=(30,),
    answers=("controller",),
    repeat=frozenset({Repeat.CONTINUOUS}),
)
