"""PRE-148: features of policies that the target does not have, or that need something beside them.

Kafka and proxylib (``l7proto``) rules are gone from 1.20 on; mutual authentication is deprecated there and does not encrypt
(named, so that nobody relies on it); ``toFQDNs`` learns addresses only through a DNS rule with ``rules.dns`` that
selects the same pods. The translator writes none of these, so policies of Cilium that the cluster holds are looked at
with the staged ones.
"""

from __future__ import annotations

from collections.abc import Iterator, Mapping
from typing import Any

from migrate.engine.sides import Side, path_of, sides_of
from migrate.model.fields import mapping, maps, text
from migrate.model.findings import Severity
from migrate.preflight.rule import Case, Group, Hit, Rule, Unread
from migrate.preflight.views_policy import CILIUM_POLICIES, cilium_policies, staged_objects

__all__ = ["RULE"]

WITHOUT_PROXYLIB = (1, 20)
NO_DNS = "{p}: toFQDNs without a DNS rule learns no address in {v}"


def check(case: Case) -> Iterator[Hit | Unread]:
    """Look at every element of every policy of Cilium."""
    yield from (Unread(kind) for kind in CILIUM_POLICIES if not _known(case, kind))
    every = [*staged_objects(case), *(item.data for item in cilium_policies(case.snapshot))]
    version, late = case.draft.settings.cilium.version, case.draft.settings.cilium.minor >= WITHOUT_PROXYLIB
    sides = sides_of(every)
    for side in sides:
        for feature in _gone(side.element) if late else ():
            fills = {"p": side.object, "feature": feature, "v": version}
            yield Hit(side.object, fills, {"element": dict(side.element)})
    learning = [s for s in sides if _learns(s.element)]
    for item in every:
        path = path_of(item)
        naming = [s for s in sides if s.object == path and s.element.get("toFQDNs")]
        if any(not _taught(s, learning) for s in naming):
            names = [dict(entry) for s in naming for entry in maps(s.element, "toFQDNs")]
            yield Hit(path, {"p": path, "v": version}, {"toFQDNs": names}, message=NO_DNS)


def _known(case: Case, kind: str) -> bool:
    """Say whether the kind was read; where no Cilium is, its kinds need not have been asked for."""
    return case.snapshot.knows(kind) or kind not in case.snapshot.reads


def _gone(element: Mapping[str, Any]) -> Iterator[str]:
    rules = [mapping(port, "rules") for port in maps(element, "toPorts")]
    if any("kafka" in rule for rule in rules):
        yield "Kafka rules are"
    if any(text(rule, "l7proto") for rule in rules):
        yield "proxylib rules (l7proto) are"
    if text(element, "authentication", "mode") not in {"", "disabled"}:
        yield "mutual authentication (deprecated) is"


def _learns(element: Mapping[str, Any]) -> bool:
    return any("dns" in mapping(port, "rules") for port in maps(element, "toPorts"))


def _taught(side: Side, learning: list[Side]) -> bool:
    """Say whether a DNS rule selects whom the rule by names selects."""
    asked = {(r.key, r.operator, r.values) for r in side.subject.requirements}
    return any(
        not other.of_nodes and {(r.key, r.operator, r.values) for r in other.subject.requirements} <= asked
        for other in learning
    )


RULE = Rule(
    number=148,
    group=Group.POLICY,
    severity=Severity.BLOCK,
    title="Feature of policies not available",
    message="{p}: {feature} not available in {v}",
    remedy="change the policy before the migration",
    check=check,
)
