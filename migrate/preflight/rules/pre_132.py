"""PRE-132: what a policy means hangs on keys of the agent; the translation was proved under some values of them.

Every key that changes a policy's meaning is compared with what the translation assumed, in the stages that enforce:
A and F, and on switched nodes (M) with ``policyInWindow: bridged``. Where nothing was translated, the agent's defaults
were assumed. SCTP counts only where some policy names it. Beyond the specification's list: switches with which the
agent ignores a whole kind of policy, as they change the meaning most.
"""

from __future__ import annotations

from collections.abc import Iterator, Mapping
from functools import partial

from migrate.engine.chart import agent_default
from migrate.model.draft import Stage
from migrate.model.findings import Severity
from migrate.preflight.rule import Case, Group, Hit, Rule
from migrate.preflight.views_policy import names_sctp
from migrate.preflight.views_values import config_map_path, departures, is_on, node_configs

__all__ = ["RULE"]

WORDS = frozenset({"policy-cidr-match-mode", "labels"})
SWITCHES = frozenset(
    {
        "policy-default-local-cluster", "enable-k8s-cluster-network-policy", "enable-node-selector-labels", "enable-sctp",
        "enable-extended-ip-protocols", "enable-host-firewall", "enable-non-default-deny-policies",
        "enable-k8s-networkpolicy", "enable-cilium-network-policy", "enable-cilium-clusterwide-network-policy",
    }
)  # fmt: skip
TEXTS = frozenset({"allow-localhost"})
KEYS = tuple(sorted(WORDS | SWITCHES | TEXTS))


def check(case: Case) -> Iterator[Hit]:
    """Compare every key of every stage that enforces, then those that CiliumNodeConfigs set."""
    bridged = case.draft.settings.policy_in_window == "bridged"
    stages = [s for s in Stage if s is not Stage.MIGRATION or bridged]
    keys = [key for key in KEYS if key != "enable-sctp" or names_sctp(case)]
    for key in keys:
        wanted = _assumed(case, key)
        for value, where in departures(case, key, partial(_is_assumed, key, wanted), stages):
            yield _hit(config_map_path(case), key, value, wanted, {"stages": where})
    for path, config in node_configs(case):
        for key in keys:
            wanted = _assumed(case, key)
            if key in config and not _is_assumed(key, wanted, config[key]):
                yield _hit(path, key, config[key], wanted, {})


def _assumed(case: Case, key: str) -> str:
    return case.draft.policies.assumed.get(key, agent_default(key, case.draft.settings.cilium.minor))


def _is_assumed(key: str, wanted: str, value: str) -> bool:
    if key in WORDS:
        return set(value.replace(",", " ").split()) == set(wanted.replace(",", " ").split())
    return is_on(value) == is_on(wanted) if key in SWITCHES else value == wanted


def _hit(path: str, key: str, value: str, wanted: str, evidence: Mapping[str, object]) -> Hit:
    fills = {"key": key, "v": value or "empty", "w": wanted or "empty"}
    return Hit(path, fills, {"key": key, "value": value, "assumed": wanted, **evidence})


RULE = Rule(
    number=132,
    group=Group.VALUES,
    severity=Severity.BLOCK,
    title="Knob of policies differs from the translation's",
    message="{key} changes policy meaning: it is {v}, the translation assumed {w}",
    remedy="align the values with cilium.config, by which the translation was made, or translate again",
    check=check,
    failures=(24, 53),
)
