"""What may go wrong on a simulated node, as a table that a test passes to the node agent.

A fault has a kind, a node and a time; it stands until the test removes it. The agent asks the table at the moment at
which the fault matters, so a test may plant one in the middle of a run.
"""

from __future__ import annotations

import threading
from dataclasses import dataclass, field
from enum import StrEnum


class Fault(StrEnum):
    """One way in which a node, its runtime, Calico or Cilium departs from what it should do."""

    NO_ADDRESS = "pods get no address and stay Pending"
    WRONG_POOL = "the runtime calls the plugin that the first conf file does not name"
    LATE_SWITCH = "the runtime notices a change of the conf folder `seconds` late"
    AGENT_NEVER_READY = "the cilium-agent runs and is never ready"
    AGENT_CRASH_LOOP = "the cilium-agent is in a crash loop"
    CONF_NOT_WRITTEN = "the cilium-agent is ready and has written no conf file"
    CONF_WITHOUT_LABEL = "the cilium-agent writes its conf file though nothing told it to"
    FOREIGN_CONF = "a file 00-other.conflist of a third plugin lies in the conf folder"
    ENDPOINT_NOT_READY = "CiliumEndpoints stay in state waiting-for-identity"
    IDENTITY_MISSING = "CiliumEndpoints have no identity, and none is made"
    NODE_NEVER_READY = "after a reboot the node stays NotReady"
    BOOT_ID_UNCHANGED = "a reboot is asked for and does not happen"
    SLOW_IMAGE = "the image of the cilium-agent takes `seconds` to come"
    COREDNS_RESTART = "pods of CoreDNS on the node restart when the fault is planted"
    AGENT_UNHEALTHY = "a controller of the cilium-agent fails, though the agent is ready"
    CALICO_NOT_READY = "calico-node runs and is not ready"
    CONF_COMES_BACK = "something on the host puts Calico's conf file first, whatever the agent does"
    PODS_CUT_OFF = "the kubelet's probes of pods fail while the agent enforces policies"
    ADDRESS_JUMP = "calico-node chooses another address at its next start"


@dataclass(slots=True)
class Faults:
    """The faults that stand now, by node; safe to use from several threads."""

    _standing: dict[tuple[Fault, str], float] = field(default_factory=dict)
    _lock: threading.Lock = field(default_factory=threading.Lock)

    def plant(self, fault: Fault, node: str, seconds: float = 0.0) -> None:
        """Let a fault stand on a node from now on; ``seconds`` is what its text calls so."""
        with self._lock:
            self._standing[fault, node] = seconds

    def remove(self, fault: Fault, node: str) -> None:
        with self._lock:
            self._standing.pop((fault, node), None)

    def stands(self, fault: Fault, node: str) -> bool:
        with self._lock:
            return (fault, node) in self._standing

    def seconds(self, fault: Fault, node: str) -> float:
        """Give the delay of a fault, 0 where it does not stand."""
        with self._lock:
            return self._standing.get((fault, node), 0.0)

    def take(self, fault: Fault, node: str) -> bool:
        """Say whether a fault stands, and remove it: for those that happen once."""
        with self._lock:
            return self._standing.pop((fault, node), None) is not None
