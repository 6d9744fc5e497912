"""Judges the flow keys of a window: what the original Calico policy says of each, against what was seen (``gates.md`` §5.8).

The verdicts come from the translator's evaluators; a key that they cannot place is *ambiguous*, never a match.
"""

from __future__ import annotations

from collections.abc import Mapping
from typing import Any

from migrate.driver.deeds import Workshop
from migrate.model.fields import maps, text

__all__ = ["judged_keys"]

NOISE = frozenset(
    {"STALE_OR_UNROUTABLE_IP", "CT_MAP_INSERTION", "UNSUPPORTED_L3_PROTOCOL", "INVALID_SOURCE_IP"}
)
BLOCKED = frozenset({"DROPPED", "AUDIT"})
PASSED = frozenset({"FORWARDED", "REDIRECTED"})


def judged_keys(work: Workshop, window: Mapping[str, Any]) -> list[dict[str, str]]:
    """Give for each flow key ``{key, class, text}``; a flow carries ``verdict``, ``reason`` and Calico's ``calico`` verdict.

    In stage M nothing is enforced on Cilium's side, so what Calico would have denied there is *exposure*, and is reported.
    """
    enforced = work.run.phase.number >= 8 or work.plan.draft.settings.policy_in_window == "bridged"
    return [_judged(flow, enforced=enforced) for flow in maps(window, "flows")]


def _judged(flow: Mapping[str, Any], *, enforced: bool) -> dict[str, str]:
    key, verdict, calico = text(flow, "key"), text(flow, "verdict"), text(flow, "calico")
    sort = _class(verdict, calico, text(flow, "reason"), enforced=enforced)
    said = {
        "over-blocking": f"{key}: {verdict}, Calico allows it",
        "over-allowing": f"{key}: {verdict}, Calico denies it",
    }
    return {"key": key, "class": sort, "text": said.get(sort, f"{key}: {verdict}, {sort}")}


def _class(verdict: str, calico: str, reason: str, *, enforced: bool) -> str:
    if verdict in BLOCKED and reason in NOISE:
        return "noise"
    if calico not in {"allow", "deny"}:
        return "ambiguous"
    if verdict in BLOCKED:
        return "match" if calico == "deny" else "over-blocking"
    if verdict in PASSED:
        if calico == "allow":
            return "match"
        return "over-allowing" if enforced else "exposure"
    return "unexplained"
