"""Why a run stops: the slugs that name runbooks, the words of JSON results, and the gates' names (``state.md`` §2.5)."""

from __future__ import annotations

from collections.abc import Mapping

__all__ = ["GATES", "HALTS", "gate_slug", "reason_word"]

GATES: Mapping[str, str] = {
    "G-01": "node ready",
    "G-02": "agent ready",
    "G-03": "first CNI file",
    "G-04": "probe address",
    "G-05": "probe matrix",
    "G-06": "source address",
    "G-07": "large packets",
    "G-08": "node ports and host ports",
    "G-09": "API services and webhooks",
    "G-10": "workloads ready",
    "G-11": "pods on Cilium",
    "G-12": "Calico's addresses unchanged",
    "G-13": "Calico rolled out",
    "G-14": "nodes reach the API",
    "G-15": "alerts",
    "G-16": "service objectives",
    "G-17": "flow parity",
    "G-18": "evidence complete",
    "G-19": "no Calico address left",
    "G-20": "network manager restarts",
    "G-21": "nothing of Calico left",
    "G-22": "rights and lock",
    "G-23": "no node left cordoned",
    "G-24": "budgets and backends allow a drain",
    "G-25": "network available after removal",
    "G-26": "set of nodes as planned",
    "G-27": "audit verdicts",
    "G-28": "long-lived connections",
    "G-29": "DaemonSets in step",
    "G-30": "running configuration",
}
"""Every gate of ``gates.md`` §3, by its short name."""

HALTS: Mapping[str, tuple[str, str]] = {
    "precondition": ("Precondition", "a precondition of the phase does not hold"),
    "denied": ("ApprovalDenied", "somebody refused the approval"),
    "command": ("CommandFailed", "a command failed and repeating it does not help"),
    "api": ("ApiUnreachable", "the API server stayed away"),
    "journal": ("JournalFailed", "the journal cannot be written"),
    "inconclusive": ("GateInconclusive", "a gate cannot be decided"),
    "watch": ("WatchAlarm", "something that must hold all the time does not"),
    "lease": ("LeaseLost", "another process may hold the lock"),
    "drift": ("Drift", "the cluster differs from what was done, and nothing explains it"),
    "drain": ("DrainBlocked", "pods cannot be evicted"),
    "agent": ("AgentNotReady", "Cilium's agent does not become Ready"),
    "reboot": ("NodeNotReady", "the node does not come back after its reboot"),
    "leftover": ("Leftover", "a pod keeps an address of Calico"),
    "regress": ("Regress", "a node that was done fell back"),
    "node-rolled-back": ("NodeRolledBack", "a node went back to Calico"),
    "nodes-left": ("NodesLeft", "nodes are left on Calico"),
    "rollback": ("RollbackFailed", "the way back did not come through"),
    "abort-incomplete": ("AbortIncomplete", "the abort did not come through"),
}
"""Slug → (word in JSON, what it means); each gate adds ``gate-NN-NAME``, see ``gate_slug``."""

PAUSES: Mapping[str, str] = {
    "approval": "AwaitingApproval",
    "window": "WindowClosed",
    "deadline": "DeadlineExpired",
    "inconclusive": "GateInconclusive",
    "operator": "PausedByOperator",
    "hang-up": "HangUp",
}
"""Why a run waits: reason → word in JSON."""


def gate_slug(gate: str) -> str:
    """Give the halt reason of a failed gate: ``gate-06-source-address``; ``watch`` where no gate is named."""
    if gate not in GATES:
        return "watch"
    words = GATES[gate].lower().replace("'", "").replace(",", "")
    return f"gate-{gate[2:]}-{'-'.join(words.split())}"


def every_halt() -> dict[str, tuple[str, str]]:
    """Give every halt reason there is, the gates' included: slug → (word, meaning)."""
    gates = {gate_slug(g): ("GateFailed", f"{g} ({name}) failed") for g, name in GATES.items()}
    return {**HALTS, **gates}


def reason_word(reason: str) -> str:
    """Give the ``reason`` of JSON results for a halt or a pause."""
    if reason.startswith("gate-"):
        return "GateFailed"
    return HALTS[reason][0] if reason in HALTS else PAUSES.get(reason, "")
