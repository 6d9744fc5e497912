"""Probes between pods of our own: a pair and one in the node's network on each node, asked by ``exec``.

Pods are pinned by ``nodeName`` and tolerate everything, so neither cordon nor taint keeps them away; a drain leaves them
alone by their label.
"""

from __future__ import annotations

import hashlib
from collections.abc import Collection, Iterable, Iterator, Mapping, Sequence
from concurrent.futures import ThreadPoolExecutor
from dataclasses import dataclass, field
from typing import Any

from migrate.adapters.probe_holding import asking, holding, noted
from migrate.adapters.probe_scripts import PORT, Targets, results_of, script_of
from migrate.model.fields import at, items, labels, maps, text
from migrate.ports import ApiError, Clock, Cluster, Held, Object, ProbeResult, ProbeRow, Shell

__all__ = ["PodProber"]

OWNED, ROLE, MADE_FOR = "c2c/owned", "c2c/probe", "c2c/made-for"
SERVER, CLIENT, HOST = "server", "client", "host"
ROLES = (SERVER, CLIENT, HOST)
CONTAINER, SERVICE = "probe", "c2c-probe"
PATIENCE_S = 120.0
AT_ONCE = 8  # sources that are asked at a time
FEW = 8  # nodes whose probe pods are asked for one by one: hundreds of nodes have thousands of them
AT_NODES = frozenset({"same-node", "cross-node", "source-address", "large-packet", "own-host"})
"""Rows whose target is a node; the others ask a Service."""
HOST_PORT = 18080
KEPT_TOGETHER = 60  # characters of a node's name that a pod's name keeps


@dataclass(slots=True)
class PodProber:
    """The probes of one run, in the run's namespace."""

    cluster: Cluster
    shell: Shell
    clock: Clock
    namespace: str
    run_id: str
    image: str
    _asked: dict[str, str] = field(default_factory=dict)
    _awaited: dict[str, float] = field(default_factory=dict)

    # Pods.

    def prepare(self, nodes: Iterable[str], made_for: str = "") -> str:
        """See to the probe pods of these nodes; give what they wait for."""
        wanted = list(nodes)
        if not wanted:
            return ""
        self._see_to_service()
        there = self._pods(wanted)
        waiting = []
        for node in wanted:
            for role in ROLES:
                pod = there.get((node, role))
                if pod is not None and made_for and _note(pod) != made_for:
                    self._delete(pod)
                    pod = None
                    waiting.append(f"{node}: probe pods are made anew")
                elif pod is None:
                    self._create(node, role, made_for)
                    waiting.append(f"{node}: probe pods are made")
                elif not _is_ready(pod) and self._waited_s(pod) < PATIENCE_S:
                    waiting.append(
                        f"{node}: {text(pod, 'metadata', 'name')} is {text(pod, 'status', 'phase') or 'new'}"
                    )
        return waiting[0] + (f" and {len(waiting) - 1} more" if len(waiting) > 1 else "") if waiting else ""

    def _waited_s(self, pod: Object) -> float:
        """Give how long a pod has been waited for: by us, since clocks differ, and may be set."""
        now = self.clock.monotonic()
        return now - self._awaited.setdefault(text(pod, "metadata", "uid"), now)

    def _pods(self, nodes: Collection[str] = ()) -> dict[tuple[str, str], Object]:
        """Give the probe pods by (node, role), of these nodes or of all; those on their way out are not there."""
        found = {}
        for pod in self._listed(set(nodes)):
            role = labels(pod, "metadata", "labels").get(ROLE, "")
            if role and not at(pod, "metadata", "deletionTimestamp"):
                found[text(pod, "spec", "nodeName"), role] = pod
        return found

    def _listed(self, nodes: Collection[str]) -> Iterator[Object]:
        own = {"c2c/run": self.run_id, OWNED: "true"}
        for node in sorted(nodes) if 0 < len(nodes) <= FEW else [""]:
            yield from self.cluster.list("pods", self.namespace, labels=own, node=node)

    def example(self, node: str) -> Object:
        """Give a pod as it would be made on a node, for whoever asks whether it would be let in."""
        return self._pod(node, HOST, "")

    def _create(self, node: str, role: str, made_for: str) -> None:
        try:
            self.cluster.create(self._pod(node, role, made_for))
        except ApiError as error:
            if error.reason != "AlreadyExists":  # the old one is on its way out
                raise

    def _delete(self, pod: Object) -> None:
        meta = (text(pod, "metadata", "name"), self.namespace)
        self.cluster.delete("pods", *meta, uid=text(pod, "metadata", "uid"))

    def _pod(self, node: str, role: str, made_for: str) -> dict[str, Any]:
        own = hashlib.sha256(node.encode()).hexdigest()[:8]
        port = HOST_PORT if role == HOST else PORT
        return {
            "apiVersion": "v1",
            "kind": "Pod",
            "metadata": {
                "name": f"c2c-probe-{node[:KEPT_TOGETHER].replace('.', '-')}-{own}-{role}",
                "namespace": self.namespace,
                "labels": {OWNED: "true", "c2c/run": self.run_id, ROLE: role},
                "annotations": {MADE_FOR: made_for},
            },
            "spec": {
                "nodeName": node,
                "hostNetwork": role == HOST,
                "tolerations": [{"operator": "Exists"}],
                "terminationGracePeriodSeconds": 0,
                "automountServiceAccountToken": False,
                "enableServiceLinks": False,
                "restartPolicy": "Always",
                "securityContext": {"runAsNonRoot": True, "runAsUser": 65534, "seccompProfile": {"type": "RuntimeDefault"}},
                "containers": [
                    {
                        "name": CONTAINER,
                        "image": self.image,
                        "args": ["netexec", f"--http-port={port}", "--udp-port=-1"],
                        "securityContext": {"allowPrivilegeEscalation": False, "capabilities": {"drop": ["ALL"]}},
                        "resources": {"requests": {"cpu": "5m", "memory": "16Mi"}, "limits": {"memory": "64Mi"}},
                    }
                ],
            },
        }  # fmt: skip

    def _see_to_service(self) -> None:
        if SERVICE in self._asked:
            return
        self._asked[SERVICE] = "yes"
        self.cluster.apply({
            "apiVersion": "v1", "kind": "Service",
            "metadata": {"name": SERVICE, "namespace": self.namespace, "labels": {OWNED: "true", "c2c/run": self.run_id}},
            "spec": {
                "type": "NodePort", "ipFamilyPolicy": "PreferDualStack",
                "selector": {OWNED: "true", "c2c/run": self.run_id, ROLE: SERVER},
                "ports": [{"name": "http", "port": PORT, "targetPort": PORT, "protocol": "TCP"}],
            },
        })  # fmt: skip

    # Rows.

    def run(self, rows: Sequence[ProbeRow]) -> list[ProbeResult]:
        """Run every row: all rows of one source by one command, some sources at a time.

        A matrix over all nodes has hundreds of sources, and one that finds nobody waits long for each answer.
        """
        there = self._pods({end for row in rows for end in _ends(row)})
        targets = self._targets(there)
        by_source: dict[tuple[str, str], list[tuple[int, ProbeRow]]] = {}
        for number, row in enumerate(rows):
            by_source.setdefault(_source(row), []).append((number, row))
        found: dict[int, ProbeResult] = {}
        with ThreadPoolExecutor(AT_ONCE, "probes") as pool:
            asked = pool.map(lambda s: self._ask(there.get(s), by_source[s], targets), by_source)
            for own, results in zip(by_source.values(), asked, strict=True):
                found.update(zip((n for n, _ in own), results, strict=True))
        return [found[number] for number in range(len(rows))]

    def _ask(
        self, pod: Object | None, rows: Sequence[tuple[int, ProbeRow]], targets: Targets
    ) -> list[ProbeResult]:
        if pod is None or not _is_ready(pod):
            reason = "the probe pod is not there" if pod is None else f"the probe pod is {_why(pod)}"
            return [ProbeResult(r, "unmeasured", reason=reason) for _, r in rows]
        try:
            script = ["sh", "-c", script_of(rows, targets)]
            said = self.shell.run(self.namespace, text(pod, "metadata", "name"), CONTAINER, script).out
        except ApiError as error:
            return [ProbeResult(r, "unmeasured", reason=str(error)) for _, r in rows]
        return results_of(rows, said, targets)

    def _targets(self, there: Mapping[tuple[str, str], Object]) -> Targets:
        service = self.cluster.get("services", SERVICE, self.namespace)
        ports = list(maps(service, "spec", "ports"))
        nodes = self.cluster.list("nodes")
        return Targets(
            pods={
                (n, _family(a)): a
                for (n, role), pod in there.items()
                if role == SERVER
                for a in _addresses(pod)
            },
            nodes={(text(n, "metadata", "name"), _family(a)): a for n in nodes for a in _internal(n)},
            service=_by_family(service),
            node_port=int(ports[0].get("nodePort") or 0) if ports else 0,
            dns=_by_family(self._dns()),
            api=_by_family(self.cluster.get("services", "kubernetes", "default")),
        )

    def _dns(self) -> Object | None:
        found = self.cluster.list("services", "kube-system", labels={"k8s-app": "kube-dns"})
        return found[0] if found else None

    def addresses(self, nodes: Iterable[str]) -> Mapping[str, tuple[str, ...]]:
        """Give by node the addresses of its probe pod; none where it has none yet."""
        wanted = list(nodes)
        there = self._pods(wanted)
        return {n: tuple(_addresses(there.get((n, SERVER)) or {})) for n in wanted}

    # Connections that last.

    def hold(self, pairs: Mapping[str, str]) -> None:
        """Let the client of each node hold a connection to the server of the other; some are asked at a time."""
        there = self._pods({*pairs, *pairs.values()})

        def begin(source: str) -> None:
            client, server = there.get((source, CLIENT)), there.get((pairs[source], SERVER))
            address = next(_addresses(server or {}), "")
            if client is not None and server is not None and address:
                uid = text(server, "metadata", "uid")
                self._told(client, holding(pairs[source], uid, address, PORT))

        with ThreadPoolExecutor(AT_ONCE, "holding") as pool:
            list(pool.map(begin, pairs))

    def held(self, nodes: Iterable[str]) -> Mapping[str, Held | None]:
        """Give by node what its client noted; None where it is not there, or nothing in it holds a connection."""
        wanted = list(nodes)
        there = self._pods(wanted)

        def ask(node: str) -> Held | None:
            client, server = there.get((node, CLIENT)), there.get((node, SERVER))
            found = noted(self._told(client, asking())) if client is not None else None
            if found is None:
                return None
            return Held(found.since, text(server or {}, "metadata", "uid"), found.cuts)

        with ThreadPoolExecutor(AT_ONCE, "held") as pool:
            return dict(zip(wanted, pool.map(ask, wanted), strict=True))

    def _told(self, pod: Object, script: str) -> str:
        """Run a script in a pod and give what it said; nothing where it could not be run."""
        try:
            name = text(pod, "metadata", "name")
            return self.shell.run(self.namespace, name, CONTAINER, ["sh", "-c", script]).out
        except ApiError:
            return ""

    def remove(self, node: str = "") -> None:
        """Delete the probe pods of a node; without one all of this run, and the service."""
        for (where, _), pod in self._pods([node] if node else []).items():
            if not node or where == node:
                self._delete(pod)
        if not node:
            self.cluster.delete("services", SERVICE, self.namespace)
            self._asked.clear()


def _ends(row: ProbeRow) -> Iterator[str]:
    """Give the nodes of a row."""
    yield row.source.removeprefix("host:")
    if row.kind in AT_NODES:
        yield row.target


def _source(row: ProbeRow) -> tuple[str, str]:
    """Give (node, role) of the pod that asks: within a node the client, so that two pods are in play."""
    if row.source.startswith("host:"):
        return row.source.removeprefix("host:"), HOST
    return row.source, CLIENT if row.kind == "same-node" else SERVER


def _is_ready(pod: Object) -> bool:
    return any(
        c.get("type") == "Ready" and c.get("status") == "True" for c in maps(pod, "status", "conditions")
    )


def _why(pod: Object) -> str:
    reasons = [text(s, "state", "waiting", "reason") for s in maps(pod, "status", "containerStatuses")]
    return next((r for r in reasons if r), text(pod, "status", "phase") or "not started")


def _note(pod: Object) -> str:
    return labels(pod, "metadata", "annotations").get(MADE_FOR, "")


def _addresses(pod: Object) -> Iterator[str]:
    yield from (text(a, "ip") for a in maps(pod, "status", "podIPs"))


def _internal(node: Object) -> Iterator[str]:
    yield from (
        text(a, "address") for a in maps(node, "status", "addresses") if a.get("type") == "InternalIP"
    )


def _family(address: str) -> int:
    return 6 if ":" in address else 4


def _by_family(service: Object | None) -> dict[int, str]:
    found = [str(a) for a in items(service, "spec", "clusterIPs")] or [text(service, "spec", "clusterIP")]
    return {_family(a): a for a in found if a and a != "None"}
