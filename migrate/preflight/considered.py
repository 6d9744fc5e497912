"""A draft that has been judged: the planner's first answer, what the rules say of it, and a better answer if they object.

A node that a rule stops is no canary; so where the first draft would begin with such a node it is made again without it,
and judged again. Two rounds are enough: what stops a node does not hang on which goes first.
"""

from __future__ import annotations

from collections.abc import Iterable, Mapping
from dataclasses import dataclass, field

from migrate.engine.drafting import draft
from migrate.model.draft import Draft, Policies, Rendered, Stage
from migrate.model.settings import Settings
from migrate.model.snapshot import Snapshot
from migrate.preflight.judge import Judgement, judge
from migrate.preflight.rule import Case, Rule

__all__ = ["Given", "considered"]


@dataclass(frozen=True, slots=True)
class Given:
    """What a draft is made from beside the cluster; ``accepted`` maps what ``keys`` of a finding say to the reason."""

    settings: Settings = field(default_factory=Settings)
    policies: Policies = field(default_factory=Policies)
    rendered: Mapping[Stage, Rendered] | None = None
    repeated_keys: tuple[str, ...] = ()
    own_node: str = ""
    accepted: Mapping[str, str] = field(default_factory=dict)
    now: str = ""


def considered(snapshot: Snapshot, given: Given, rules: Iterable[Rule]) -> tuple[Draft, Judgement]:
    """Give the draft and its judgement."""
    asked = tuple(rules)
    made, judgement = _round(snapshot, given, asked, frozenset())
    if made.canary.node in judgement.no_go_nodes:
        made, judgement = _round(snapshot, given, asked, judgement.no_go_nodes)
    return made, judgement


def _round(
    snapshot: Snapshot, given: Given, rules: tuple[Rule, ...], no_go: frozenset[str]
) -> tuple[Draft, Judgement]:
    made = draft(
        snapshot,
        given.settings,
        given.policies,
        rendered=given.rendered,
        own_node=given.own_node,
        no_go=no_go,
        repeated_keys=given.repeated_keys,
    )
    return made, judge(Case(snapshot, made, given.now), rules, given.accepted)
