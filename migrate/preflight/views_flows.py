"""Differences of the report by cause, and observed flows as Cilium will judge them.

An observed flow is a key of ``gates.md`` §5.7: ``{source, destination, protocol, port, verdict, count, last}``. An end is
``{namespace, workload}`` (an owner's name, or a GenerateName with its star), ``{pod: namespace/name}``, ``{ip}``, ``{node}``
or ``{entity}``; ``verdict`` is ``allow`` or ``deny``, ``last`` RFC 3339.
"""

from __future__ import annotations

import re
from collections.abc import Iterator, Mapping
from dataclasses import dataclass
from typing import Any

from migrate.model.calendar import seconds_between
from migrate.model.fields import mapping, number, text
from migrate.model.pods import Pod
from migrate.preflight.rule import Case
from migrate.preflight.views_policy import Difference, cilium_judge, differences
from translators.flows import Verdict

__all__ = ["Judged", "grouped", "judged_flows"]

DAY_S = 24 * 3600
_HASH = re.compile(r"-[a-z0-9]{1,10}\Z")


def grouped(case: Case, effect: str) -> dict[tuple[str, str], list[Difference]]:
    """Give the differences that open (or close) something, by policy and finding, in the report's order."""
    found: dict[tuple[str, str], list[Difference]] = {}
    for item in differences(case):
        if item.effect == effect:
            found.setdefault((item.policy, item.finding), []).append(item)
    return found


@dataclass(frozen=True, slots=True)
class Judged:
    """An observed flow and what Cilium will do with it; ``by`` is what decides, empty where nothing drops it."""

    words: str
    observed: str
    allowed: bool
    by: str
    count: int
    object: str


def judged_flows(case: Case) -> list[Judged]:
    """Give every flow of the last 24 hours whose ends are still there.

    Where pods of one workload differ in their labels, the flow is dropped if it is for any of them, and newly allowed
    only if it is for all. Without a clock, or without ``last``, every flow counts.
    """
    return case.once(_judged_flows)


def _judged_flows(case: Case) -> list[Judged]:
    return [item for flow in case.snapshot.flows or () if _recent(case, flow) for item in _judged(case, flow)]


def _recent(case: Case, flow: Mapping[str, Any]) -> bool:
    age = seconds_between(text(flow, "last"), case.moment)
    return age is None or age <= DAY_S


def _judged(case: Case, flow: Mapping[str, Any]) -> Iterator[Judged]:
    sources, targets = _ends(case, mapping(flow, "source")), _ends(case, mapping(flow, "destination"))
    against: list[str] = []
    asked = 0
    for source in sources:
        for target in targets:
            question = {"src": source, "dst": target, "protocol": text(flow, "protocol", default="TCP"),
                        "port": number(flow, "port"), "icmp_type": number(flow, "icmpType")}  # fmt: skip
            try:
                verdict = cilium_judge(case).verdict(question)
            except (ValueError, TypeError, KeyError):
                continue
            asked += 1
            decided = [d for d in (verdict.egress, verdict.ingress) if d is not None]
            against += [d.by for d in decided if d.verdict is Verdict.DENY]
    if asked:
        words = f"{_words(flow, 'source')} → {_words(flow, 'destination')} {text(flow, 'protocol')}/{text(flow, 'port')}"
        yield Judged(
            words, text(flow, "verdict"), not against, against[0] if against else "", number(flow, "count", default=1),
            f"flow/{_words(flow, 'source')}/{_words(flow, 'destination')}",
        )  # fmt: skip


def _words(flow: Mapping[str, Any], end: str) -> str:
    side = mapping(flow, end)
    if text(side, "workload"):
        return f"{text(side, 'namespace')}/{text(side, 'workload')}"
    return next((text(side, key) for key in ("pod", "ip", "node", "entity") if text(side, key)), "?")


def _ends(case: Case, end: Mapping[str, Any]) -> list[dict[str, str]]:
    """Give an end as the evaluator takes it: of a workload one pod of each set of labels."""
    if not text(end, "workload"):
        return [{k: text(end, k)} for k in ("pod", "ip", "node", "entity") if text(end, k)]
    found: dict[object, dict[str, str]] = {}
    for pod in case.snapshot.pods:
        if (
            pod.namespace == text(end, "namespace")
            and not pod.finished
            and _belongs(pod, text(end, "workload"))
        ):
            found.setdefault(frozenset(pod.labels.items()), {"pod": pod.label})
    return list(found.values())


def _belongs(pod: Pod, workload: str) -> bool:
    if workload.endswith("*"):
        return pod.name.startswith(workload.rstrip("*"))
    owner = pod.owner.name if pod.owner is not None else pod.name
    return workload in {owner, _HASH.sub("", owner)}
