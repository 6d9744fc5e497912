"""PRE-112: a login that is not root changes nothing; Ansible calls a sudo that asks for a password UNREACHABLE (F-52).

The collector classifies by the tool's text: ``Permission denied``, ``sudo: not found``, a password asked for. None of
them is a fault of the network, and none goes away by itself.
"""

from __future__ import annotations

from collections.abc import Iterator

from migrate.model.fields import text, truth
from migrate.model.findings import Severity
from migrate.preflight.rule import Case, Group, Hit, Rule

__all__ = ["RULE"]


def check(case: Case) -> Iterator[Hit]:
    """Name each node on which becoming root failed, with the tool's text."""
    for facts in case.facts("root"):
        if not truth(facts.at("root"), "ok"):
            why = text(facts.at("root"), "why") or "the test said nothing"
            yield Hit(
                f"node/{facts.node}", {"n": facts.node, "why": why}, {"root": facts.at("root")}, facts.node
            )


RULE = Rule(
    number=112,
    group=Group.ACCESS,
    severity=Severity.BLOCK,
    title="Not root on a node",
    message="{n}: not root: {why}",
    remedy="give the login a sudo rule without a password (NOPASSWD), or use node pods (nodes.access: pod)",
    check=check,
    failures=(52,),
    facts=("root",),
)
