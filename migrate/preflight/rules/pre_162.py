"""PRE-162: an alert gate that cannot be asked is worse than none: it must answer, and its filter must be a filter.

Only a live check can ask the server; the controller's own facts hold the answer as ``prometheus``: ``{ok, why}``. Without
a configured server there is no gate and nothing to say.
"""

from __future__ import annotations

import re
from collections.abc import Iterator

from migrate.model.fields import mapping, text, truth
from migrate.model.findings import Severity
from migrate.preflight.rule import Case, Group, Hit, Rule, Unread

__all__ = ["RULE"]


def check(case: Case) -> Iterator[Hit | Unread]:
    """Compile the filter, and look at what the server said."""
    gates = case.draft.settings.gates
    if gates.alerts_ignore:
        try:
            re.compile(gates.alerts_ignore)
        except re.error as error:
            yield Hit(
                "config/gates.alerts.ignore",
                {"why": f"the filter is no expression ({error})"},
                {"ignore": gates.alerts_ignore},
            )
    if not gates.prometheus:
        return
    asked = mapping(case.snapshot.answers.controller, "prometheus")
    if not asked:
        yield Unread(f"an answer of {gates.prometheus}")
    elif not truth(asked, "ok"):
        why = text(asked, "why", default="no answer")
        yield Hit("config/gates.alerts.prometheus", {"why": f"{gates.prometheus}: {why}"}, dict(asked))


RULE = Rule(
    number=162,
    group=Group.OBSERVABILITY,
    severity=Severity.BLOCK,
    title="Alert gate cannot be asked",
    message="G-15/G-16 cannot be evaluated: {why}",
    remedy="fix gates.alerts, or take it out",
    check=check,
)
