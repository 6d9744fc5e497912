"""PRE-182: Calico may only go once Cilium enforces: the running configuration of every agent says so, nothing else does.

``answers.running`` maps each node to the keys that its agent runs with, CiliumNodeConfigs merged. Enforcing is the mode
``default`` without audit; ``never`` protects nobody, ``audit`` neither. A node whose agent was not asked is unknown.
"""

from __future__ import annotations

from collections.abc import Iterator

from migrate.engine.drafting import in_scope
from migrate.model.fields import mapping, text
from migrate.model.findings import Severity
from migrate.preflight.rule import Case, Group, Hit, Repeat, Rule, Unread
from migrate.preflight.views_values import is_on

__all__ = ["RULE"]


def check(case: Case) -> Iterator[Hit | Unread]:
    """Look at every agent."""
    running = case.snapshot.answers.running or {}
    for node in in_scope(case.snapshot):
        config = mapping(running, node.name)
        if not config:
            yield Unread(f"the running configuration of node/{node.name}")
            continue
        mode, audit = (
            text(config, "enable-policy", default="default"),
            is_on(text(config, "policy-audit-mode")),
        )
        if mode == "never" or audit:
            state = "in audit" if audit and mode != "never" else f"at enable-policy {mode}"
            yield Hit(
                f"node/{node.name}", {"n": node.name, "state": state}, {"enable-policy": mode, "audit": audit}
            )


RULE = Rule(
    number=182,
    group=Group.NO_RETURN,
    severity=Severity.MANDATORY,
    title="Not every agent enforces",
    message="{n} still {state}",
    remedy="finish P8 on {n}: label it for enforcement and restart its agent",
    check=check,
    failures=(23,),
    answers=("running",),
    reads=("nodes",),
    repeat=frozenset({Repeat.NO_RETURN}),
)
