"""PRE-082: what the migration stands on does not change together with it: one change at a time (F-09).

Judged are the values that the user gave, since the plan's own outrank them in silence, and the stages against each
other: a key that differs between migration, audit and final values would change within the run.
"""

from __future__ import annotations

from collections.abc import Callable, Iterator, Mapping
from typing import Any

from migrate.model.draft import Stage
from migrate.model.fields import at, text, truth
from migrate.model.findings import Severity
from migrate.preflight.rule import Case, Group, Hit, Rule

__all__ = ["RULE"]

OFF = frozenset({"", "false", "disabled"})


def _replaces(values: Mapping[str, Any]) -> bool:
    return str(at(values, "kubeProxyReplacement") or "").lower() not in OFF


def _is_native(values: Mapping[str, Any]) -> bool:
    return text(values, "routingMode", default="tunnel") != "tunnel"


def _skips_host(values: Mapping[str, Any]) -> bool:
    return not truth(values, "bpf", "hostLegacyRouting", default=True)


CHANGES: Mapping[str, Callable[[Mapping[str, Any]], bool]] = {
    "kubeProxyReplacement": _replaces,
    "encryption.enabled": lambda values: truth(values, "encryption", "enabled"),
    "routingMode": _is_native,
    "bpf.hostLegacyRouting": _skips_host,
}
"""Each key, and whether values change it from what the migration stands on."""


def check(case: Case) -> Iterator[Hit]:
    """Name every such key of the user's values, then every one that differs between stages."""
    given = case.draft.settings.cilium.values
    stages = case.draft.values
    for key, changes in CHANGES.items():
        if changes(given):
            yield Hit(f"values/{key}", {"key": key}, {"given": at(given, *key.split("."))})
            continue
        differing = [str(stage) for stage in Stage if stage in stages and changes(stages[stage])]
        if differing:
            yield Hit(f"values/{key}", {"key": key}, {"stages": differing})


RULE = Rule(
    number=82,
    group=Group.NETWORK,
    severity=Severity.MANDATORY,
    title="More than one change at a time",
    message="One change at a time: {key}",
    remedy="take {key} out of the values of this migration; change it afterwards, in a stage of its own",
    check=check,
    failures=(9,),
)
