"""Verbs on nodes with nothing but the API: by commands in the node's Cilium agent, which sees the host's CNI folder.

What needs a host itself (reboot, files elsewhere, sweeps) is not possible here, and says so.
"""

from __future__ import annotations

import json
import re
from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from typing import Any

from migrate.model.events import FailureClass
from migrate.model.facts import NodeFacts
from migrate.model.fields import at, items, maps, text
from migrate.model.installs import CONF_FILES
from migrate.ports import ApiError, Cluster, Object, Shell

__all__ = ["ApiNodes"]

SYSTEM, AGENT = "kube-system", "cilium-agent"
AGENT_LABELS, OPERATOR_LABELS = {"k8s-app": "cilium"}, {"io.cilium/app": "operator"}
FOLDER, OURS, SUFFIXES = "/host/etc/cni/net.d", "05-cilium.conflist", (".conf", ".conflist", ".json")
BACKUP = ".cilium_bak"
CONFIG = "/tmp/cilium/config-map"  # noqa: S108  # where the agent's image keeps it
NAMES_END = "\x01"
READ_ALL = f"cd {CONFIG} && ls && printf '\\001' && {{ grep -aH '' -- * || true; }}"
"""Print the names of all files, then every line of each behind its name: two programs, however many keys there are."""
LOG_BYTES = 256 * 1024
FLAG = re.compile(r"--([a-z0-9-]+)='([^']*)'")
ZERO = re.compile(r"^0[a-z]+$")


@dataclass(slots=True)
class ApiNodes:
    """The verbs that the API can serve."""

    cluster: Cluster
    shell: Shell

    # CNI files.

    def conf_files(self, node: str) -> tuple[str, ...]:
        """Give the CNI configuration files as the runtime sorts them."""
        return tuple(sorted(f for f in self._files(node) if f.endswith(SUFFIXES)))

    def _files(self, node: str) -> list[str]:
        return self._in_agent(node, ["ls", "-1", FOLDER]).split()

    def restore_calico_conf(self, node: str) -> None:
        """Bring Calico's file back, then take Cilium's away: at no moment is there none."""
        files = self._files(node)
        for back in CONF_FILES:
            if back not in files and f"{back}{BACKUP}" in files:
                self._in_agent(node, ["mv", f"{FOLDER}/{back}{BACKUP}", f"{FOLDER}/{back}"])
        if not {*CONF_FILES} & {*self._files(node)}:
            raise ApiError(
                FailureClass.PERMANENT,
                f"{node}: no CNI file of Calico is in {FOLDER}, not even set aside; restart its calico-node pod",
                status=-1,
            )
        if OURS in files:
            self._in_agent(node, ["rm", f"{FOLDER}/{OURS}"])

    # Running configuration.

    def agent_config(self, node: str) -> Mapping[str, str] | None:
        """Give what the node's agent runs with, overrides merged: the files that its ``config`` container wrote."""
        pod = self._agent(node)
        return None if pod is None else _files_of(self._in_pod(node, pod, ["sh", "-c", READ_ALL]))

    def agent_status(self, node: str) -> Mapping[str, Any] | None:
        """Give failures and endpoints of the node's agent."""
        pod = self._agent(node)
        if pod is None:
            return None
        status = json.loads(self._in_pod(node, pod, ["cilium-dbg", "status", "-o", "json"]))
        listed = json.loads(self._in_pod(node, pod, ["cilium-dbg", "endpoint", "list", "-o", "json"]))
        return {"failures": list(_failures(status)), "endpoints": list(_endpoints(listed))}

    def operator_config(self) -> Mapping[str, str] | None:
        """Give what the operator runs with: the flags that it logs when it starts; ConfigMaps change beneath it."""
        pods = [p for p in self.cluster.list("pods", SYSTEM, labels=OPERATOR_LABELS) if _lives(p)]
        found: list[dict[str, str]] = []
        for pod in pods:
            name = text(pod, "metadata", "name")
            container = text(next(maps(pod, "spec", "containers"), {}), "name")
            try:
                said = self.shell.logs(SYSTEM, name, container, limit=LOG_BYTES)
            except ApiError as error:
                if error.status == 0 or error.failure is FailureClass.DENIED:
                    raise
                said = ""  # its container has not begun yet
            found.append({k: _plain(v) for k, v in FLAG.findall(said)})
        if not found or not all(found):
            return None
        return {k: v for k, v in found[0].items() if all(f.get(k) == v for f in found)}

    # What is known of a node.

    def boot_id(self, node: str) -> str:
        """Give the boot id, as its kubelet reports it."""
        return text(self.cluster.get("nodes", node), "status", "nodeInfo", "bootID")

    def facts(self, node: str) -> NodeFacts:
        """Give nothing but the name: what a host holds cannot be seen through the API."""
        return NodeFacts(node, {})

    def after_network_restart(self, node: str) -> Sequence[str]:
        """Raise: a host's network manager is out of the API's reach."""
        raise _needs_access(f"{node}: the network manager cannot be restarted")

    def lock_free(self, node: str) -> bool:
        """Say yes: no module of ours runs on a node that is only reached through the API."""
        del node
        return True

    # What needs the host.

    def reboot(self, node: str) -> None:
        """Refuse: a reboot needs access to the host."""
        raise _needs_access(f"{node} cannot be rebooted")

    def drop_in(self, node: str, path: str, content: str | None, apply: Sequence[Sequence[str]] = ()) -> None:
        """Refuse: files of the host need access to it."""
        del content, apply
        raise _needs_access(f"{path} of {node} cannot be written")

    def drop_in_content(self, node: str, path: str) -> str | None:
        """Refuse: files of the host need access to it."""
        raise _needs_access(f"{path} of {node} cannot be read")

    def sweep(self, node: str) -> Mapping[str, Any]:
        """Refuse: interfaces of the host need access to it."""
        raise _needs_access(f"interfaces of {node} cannot be swept")

    # The agent's pod.

    def _agent(self, node: str) -> Object | None:
        found = [p for p in self.cluster.list("pods", SYSTEM, labels=AGENT_LABELS, node=node) if _lives(p)]
        return found[-1] if found else None

    def _in_agent(self, node: str, command: Sequence[str]) -> str:
        pod = self._agent(node)
        if pod is None:
            raise ApiError(FailureClass.TRANSIENT, f"no agent of Cilium runs on {node}: its folder cannot be looked at", status=-1)  # fmt: skip
        return self._in_pod(node, pod, command)

    def _in_pod(self, node: str, pod: Object, command: Sequence[str]) -> str:
        ran = self.shell.run(SYSTEM, text(pod, "metadata", "name"), AGENT, command)
        if ran.code:
            raise ApiError(
                FailureClass.TRANSIENT,
                f"{' '.join(command)} on {node}: {ran.err.strip() or 'it failed'}"[:300],
                status=-1,
            )
        return ran.out


def _lives(pod: Object) -> bool:
    return not at(pod, "metadata", "deletionTimestamp") and text(pod, "status", "phase") == "Running"


def _needs_access(what: str) -> ApiError:
    return ApiError(
        FailureClass.PERMANENT,
        f"{what} through the API alone: set nodes.access to ssh or pod (nodes.inventory)",
        status=-1,
    )


def _files_of(said: str) -> dict[str, str]:
    """Give by name what files hold; a last line that does not end is as one that does."""
    names, _, lines = said.partition(NAMES_END)
    found: dict[str, list[str]] = {name: [] for name in names.split()}
    for line in lines.removesuffix("\n").split("\n") if lines else ():
        name, _, value = line.partition(":")
        found.setdefault(name, []).append(value)
    return {name: "\n".join(values) for name, values in found.items()}


def _plain(value: str) -> str:
    """Give a logged duration as the chart writes it: nothing is plain 0."""
    return "0" if ZERO.match(value) else value


def _failures(status: Mapping[str, Any]) -> Sequence[str]:
    """Give what an agent says is wrong with it: its parts by name with their message."""
    found = []
    for part in ("cilium", "container-runtime", "kubernetes", "kvstore", "ipam"):
        said = status.get(part)
        if isinstance(said, Mapping) and text(said, "state") not in {"", "Ok", "Disabled"}:
            found.append(f"{part}: {text(said, 'msg') or text(said, 'state')}")
    found += [
        f"controller {text(c, 'name')}: {text(c, 'status', 'last-failure-msg')}"
        for c in maps(status, "controllers")
        if int(at(c, "status", "consecutive-failure-count") or 0) > 0
    ]
    return found


def _endpoints(listed: Any) -> Sequence[Mapping[str, Any]]:  # noqa: ANN401  # JSON
    found = []
    for item in listed if isinstance(listed, list) else items(listed, "items"):
        names = at(item, "status", "external-identifiers") or {}
        pod = text(names, "k8s-namespace") + "/" + text(names, "k8s-pod-name")
        addresses = [
            text(a, "ipv4") or text(a, "ipv6") for a in maps(item, "status", "networking", "addressing")
        ]
        found.append({"pod": pod.strip("/"), "state": text(item, "status", "state"), "addresses": addresses})
    return found
