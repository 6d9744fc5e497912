"""Commands as data: what the driver is asked to do, and of each kind how it is undone, repeated and seen (``state.md`` §4).

A command names what it does and to whom; how, is the driver's business. The same command twice does no more than once,
but for ``Reboot``, and for ``RunHook``: what the user's own program does twice is the user's affair.
"""

from __future__ import annotations

import json
from collections.abc import Mapping
from dataclasses import dataclass, field
from enum import StrEnum
from functools import lru_cache
from typing import Any

from migrate.model.serial import encode

__all__ = ["NATURES", "Command", "Name", "Nature"]


class Name(StrEnum):
    """Every command there is."""

    ACQUIRE_LEASE = "AcquireLease"
    RELEASE_LEASE = "ReleaseLease"
    WRITE_RUN_STATE = "WriteRunState"
    BACKUP_CLUSTER = "BackupCluster"
    BACKUP_NODE = "BackupNode"
    BASELINE = "Baseline"
    COLLECT_BASELINE_FLOWS = "CollectBaselineFlows"
    HOST_DROP_IN = "HostDropIn"
    REMOVE_DROP_IN = "RemoveDropIn"
    PIN_AUTODETECT = "PinAutodetect"
    UNPIN_AUTODETECT = "UnpinAutodetect"
    APPLY_COVER_POOL = "ApplyCoverPool"
    DELETE_COVER_POOL = "DeleteCoverPool"
    ALLOW_HOST_PORTS = "AllowHostPorts"
    DISALLOW_HOST_PORTS = "DisallowHostPorts"
    PATCH_KUBE_PROXY = "PatchKubeProxy"
    RESTORE_KUBE_PROXY = "RestoreKubeProxy"
    HELM_INSTALL = "HelmInstall"
    HELM_UPGRADE = "HelmUpgrade"
    HELM_UNINSTALL = "HelmUninstall"
    REPAIR_RELEASE = "RepairRelease"
    WAIT_CRDS = "WaitCRDs"
    DELETE_CILIUM_CRDS = "DeleteCiliumCRDs"
    RESTART_OPERATOR = "RestartOperator"
    APPLY_NODE_CONFIG = "ApplyNodeConfig"
    DELETE_NODE_CONFIG = "DeleteNodeConfig"
    STAGE_POLICIES = "StagePolicies"
    UNSTAGE_POLICIES = "UnstagePolicies"
    CORDON = "Cordon"
    UNCORDON = "Uncordon"
    GUARD_TAINT = "GuardTaint"
    UNGUARD_TAINT = "UnguardTaint"
    RUN_HOOK = "RunHook"
    EVICT = "Evict"
    LABEL_NODE = "LabelNode"
    UNLABEL_NODE = "UnlabelNode"
    RESTART_AGENT = "RestartAgent"
    RECYCLE_PODS = "RecyclePods"
    RESTART_DAEMON_PODS = "RestartDaemonPods"
    DELETE_MACHINE = "DeleteMachine"
    AWAIT_MACHINE = "AwaitMachine"
    REBOOT = "Reboot"
    RESTORE_CALICO_CONF = "RestoreCalicoConf"
    ANNOTATE_NODE = "AnnotateNode"
    SWEEP_NODE = "SweepNode"
    PROBE = "Probe"
    COLLECT_FLOWS = "CollectFlows"
    EVALUATE_GATE = "EvaluateGate"
    SOAK = "Soak"
    ASK = "Ask"
    NOTIFY = "Notify"
    SET_ENFORCEMENT = "SetEnforcement"
    DISABLE_AUTO_HEP = "DisableAutoHEP"
    DELETE_HOST_ENDPOINTS = "DeleteHostEndpoints"
    DELETE_OPERATOR_CRS = "DeleteOperatorCRs"
    DELETE_WORKLOADS = "DeleteWorkloads"
    DELETE_API_SERVICE = "DeleteAPIService"
    DELETE_WEBHOOKS = "DeleteWebhooks"
    DELETE_CRS = "DeleteCRs"
    DELETE_CRDS = "DeleteCRDs"
    DELETE_RBAC = "DeleteRBAC"
    DELETE_NAMESPACES = "DeleteNamespaces"
    CLEAN_NODE_ANNOTATIONS = "CleanNodeAnnotations"
    CLEAN_NODE = "CleanNode"
    VERIFY_NODE = "VerifyNode"
    VERIFY_CLUSTER = "VerifyCluster"
    SWEEP_MARKS = "SweepMarks"
    WRITE_REPORT = "WriteReport"


@dataclass(frozen=True, slots=True)
class Nature:
    """What is true of every command of a kind.

    ``timeout_s`` None: the step's deadline of the settings; ``undo`` None: nothing to undo, or no way to.
    ``mutates``: it changes the cluster or a node, so it needs the Lease and a durable intent.
    """

    timeout_s: float | None
    undo: Name | None = None
    mutates: bool = True
    idempotent: bool = True


MINUTE_S = 60.0


def _reads(timeout_s: float | None) -> Nature:
    return Nature(timeout_s, mutates=False)


NATURES: Mapping[Name, Nature] = {
    Name.ACQUIRE_LEASE: Nature(60, Name.RELEASE_LEASE),
    Name.RELEASE_LEASE: Nature(10),
    Name.WRITE_RUN_STATE: Nature(10),
    Name.BACKUP_CLUSTER: _reads(10 * MINUTE_S),
    Name.BACKUP_NODE: _reads(10 * MINUTE_S),
    Name.BASELINE: _reads(5 * MINUTE_S),
    Name.COLLECT_BASELINE_FLOWS: _reads(None),
    Name.HOST_DROP_IN: Nature(2 * MINUTE_S, Name.REMOVE_DROP_IN),
    Name.REMOVE_DROP_IN: Nature(2 * MINUTE_S),
    Name.PIN_AUTODETECT: Nature(30 * MINUTE_S, Name.UNPIN_AUTODETECT),
    Name.UNPIN_AUTODETECT: Nature(30 * MINUTE_S),
    Name.APPLY_COVER_POOL: Nature(MINUTE_S, Name.DELETE_COVER_POOL),
    Name.DELETE_COVER_POOL: Nature(MINUTE_S),
    Name.ALLOW_HOST_PORTS: Nature(MINUTE_S, Name.DISALLOW_HOST_PORTS),
    Name.DISALLOW_HOST_PORTS: Nature(MINUTE_S),
    Name.PATCH_KUBE_PROXY: Nature(15 * MINUTE_S, Name.RESTORE_KUBE_PROXY),
    Name.RESTORE_KUBE_PROXY: Nature(15 * MINUTE_S),
    Name.HELM_INSTALL: Nature(20 * MINUTE_S, Name.HELM_UNINSTALL),
    Name.HELM_UPGRADE: Nature(20 * MINUTE_S),
    Name.HELM_UNINSTALL: Nature(20 * MINUTE_S),
    Name.REPAIR_RELEASE: Nature(5 * MINUTE_S),
    Name.WAIT_CRDS: _reads(3 * MINUTE_S),
    Name.DELETE_CILIUM_CRDS: Nature(5 * MINUTE_S),
    Name.RESTART_OPERATOR: Nature(5 * MINUTE_S),
    Name.APPLY_NODE_CONFIG: Nature(MINUTE_S, Name.DELETE_NODE_CONFIG),
    Name.DELETE_NODE_CONFIG: Nature(MINUTE_S, Name.APPLY_NODE_CONFIG),
    Name.STAGE_POLICIES: Nature(5 * MINUTE_S, Name.UNSTAGE_POLICIES),
    Name.UNSTAGE_POLICIES: Nature(5 * MINUTE_S, Name.STAGE_POLICIES),
    Name.CORDON: Nature(30, Name.UNCORDON),
    Name.UNCORDON: Nature(30, Name.CORDON),
    Name.GUARD_TAINT: Nature(MINUTE_S, Name.UNGUARD_TAINT),
    Name.UNGUARD_TAINT: Nature(MINUTE_S),
    Name.RUN_HOOK: Nature(10 * MINUTE_S, idempotent=False),
    Name.EVICT: Nature(None),
    Name.LABEL_NODE: Nature(30, Name.UNLABEL_NODE),
    Name.UNLABEL_NODE: Nature(30, Name.LABEL_NODE),
    Name.RESTART_AGENT: Nature(10 * MINUTE_S),
    Name.RECYCLE_PODS: Nature(30 * MINUTE_S),
    Name.RESTART_DAEMON_PODS: Nature(15 * MINUTE_S),
    Name.DELETE_MACHINE: Nature(30 * MINUTE_S),
    Name.AWAIT_MACHINE: _reads(30 * MINUTE_S),
    Name.REBOOT: Nature(20 * MINUTE_S, idempotent=False),
    Name.RESTORE_CALICO_CONF: Nature(2 * MINUTE_S),
    Name.ANNOTATE_NODE: Nature(30),
    Name.SWEEP_NODE: Nature(5 * MINUTE_S),
    Name.PROBE: Nature(10 * MINUTE_S),
    Name.COLLECT_FLOWS: _reads(None),
    Name.EVALUATE_GATE: _reads(MINUTE_S),
    Name.SOAK: _reads(None),
    Name.ASK: _reads(None),
    Name.NOTIFY: _reads(10),
    Name.SET_ENFORCEMENT: Nature(10 * MINUTE_S, Name.SET_ENFORCEMENT),
    Name.DISABLE_AUTO_HEP: Nature(5 * MINUTE_S),
    Name.DELETE_HOST_ENDPOINTS: Nature(5 * MINUTE_S),
    Name.DELETE_OPERATOR_CRS: Nature(10 * MINUTE_S),
    Name.DELETE_WORKLOADS: Nature(10 * MINUTE_S),
    Name.DELETE_API_SERVICE: Nature(10 * MINUTE_S),
    Name.DELETE_WEBHOOKS: Nature(10 * MINUTE_S),
    Name.DELETE_CRS: Nature(10 * MINUTE_S),
    Name.DELETE_CRDS: Nature(10 * MINUTE_S),
    Name.DELETE_RBAC: Nature(10 * MINUTE_S),
    Name.DELETE_NAMESPACES: Nature(10 * MINUTE_S),
    Name.CLEAN_NODE_ANNOTATIONS: Nature(10 * MINUTE_S),
    Name.CLEAN_NODE: Nature(15 * MINUTE_S),
    Name.VERIFY_NODE: _reads(5 * MINUTE_S),
    Name.VERIFY_CLUSTER: _reads(5 * MINUTE_S),
    Name.SWEEP_MARKS: Nature(2 * MINUTE_S),
    Name.WRITE_REPORT: _reads(2 * MINUTE_S),
}
"""Of every kind of command; the times are defaults that ``deadlines.commands`` overrides by name."""


@dataclass(frozen=True, slots=True)
class Command:
    """One command; ``args`` hold JSON values only. ``after_s``: not before that time has passed.

    ``reconcile``: it may have happened already: look first, act only if it has not.
    """

    name: Name
    node: str = ""
    args: Mapping[str, Any] = field(default_factory=dict)
    after_s: float = 0
    reconcile: bool = False

    @property
    def key(self) -> str:
        """Give what makes two commands the same: name, node and arguments, without time.

        Arguments count as a record writes them, so that a command that was read back is the one that was sent out.
        """
        try:
            return _key(self.name, self.node, tuple((k, v, v.__class__) for k, v in self.args.items()))
        except TypeError:  # an argument that holds a list or a map
            return _spelled(self.name, self.node, self.args)

    @property
    def words(self) -> str:
        """Give the command as people read it: ``Evict(shop/web-1)``, ``G-05(wrk-1)``, ``HelmUpgrade(stage=A)``."""
        args = dict(self.args)
        if self.name is Name.EVICT:
            return f"{self.name}({args['namespace']}/{args['pod']})"
        name = args.pop("gate", self.name)
        parts = [self.node, *(f"{k}={v}" for k, v in sorted(args.items()))]
        return f"{name}({', '.join(part for part in parts if part)})"

    @property
    def nature(self) -> Nature:
        """Give what is true of its kind."""
        return NATURES[self.name]


@lru_cache(maxsize=65_536)
def _key(name: Name, node: str, args: tuple[tuple[str, Any, type], ...]) -> str:
    """Remember keys: scripts are compared with what is done at every event, by key."""
    return _spelled(name, node, {key: value for key, value, _ in args})


def _spelled(name: Name, node: str, args: Mapping[str, Any]) -> str:
    extra = json.dumps(encode(args), sort_keys=True, separators=(",", ":")) if args else ""
    return f"{name}({', '.join(part for part in (node, extra) if part)})"
