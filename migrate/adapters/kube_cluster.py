"""The cluster through its API: raw objects, page by page, writes by server-side apply and patches.

Which path a resource has is asked of the server (discovery) and remembered; a group that is not served is *absent*, one
whose backend is dead is an error, never absence.
"""

from __future__ import annotations

import json
from collections.abc import Callable, Iterator, Mapping, Sequence
from dataclasses import dataclass, field
from typing import Any

from migrate.model.events import FailureClass
from migrate.model.fields import items, maps, text
from migrate.model.pods import Pod
from migrate.model.resources import resource_of
from migrate.model.snapshot import Identity
from migrate.model.workloads import path_of, ready_of
from migrate.ports import Answer, Api, ApiError, Object

__all__ = ["Kind", "KubeCluster"]

MANAGER = "c2c"
PAGE = "500"
APPLY = "application/apply-patch+yaml"
PATCHES = {"merge": "application/merge-patch+json", "strategic": "application/strategic-merge-patch+json"}
NOT_FOUND, GONE = 404, 410
MAX_RESTARTS = 3
REPLICATED = ("deployments.apps", "statefulsets.apps", "daemonsets.apps")
PREFERRED = {"cilium.io": ("v2", "v2alpha1")}


@dataclass(frozen=True, slots=True)
class Kind:
    """Where a resource is served: ``prefix`` is ``/api/v1`` or ``/apis/GROUP/VERSION``."""

    prefix: str
    plural: str
    namespaced: bool

    def path(self, namespace: str = "", name: str = "", sub: str = "") -> str:
        """Give the path of an object, of a namespace's objects, or of all."""
        place = f"/namespaces/{namespace}" if namespace and self.namespaced else ""
        return "/".join(p for p in (self.prefix + place, self.plural, name, sub) if p)


@dataclass(slots=True)
class KubeCluster:
    """One cluster; ``context`` and ``server`` are what people know it by."""

    api: Api
    context: str = ""
    server: str = ""
    _kinds: dict[str, Kind] = field(default_factory=dict)

    def identity(self) -> Identity:
        """Give which cluster this is; the UID is that of kube-system."""
        system = self.get("namespaces", "kube-system") or {}
        version = self.api.call("GET", "/version").body
        return Identity(
            text(system, "metadata", "uid"), self.context, self.server, text(version, "gitVersion")
        )

    # Reading.

    def get(self, resource: str, name: str, namespace: str = "") -> Object | None:
        """Give one object; None where it or its kind does not exist."""
        kind = self._kind(resource)
        if kind is None:
            return None
        answer = self.api.call("GET", kind.path(namespace, name))
        return None if answer.status == NOT_FOUND else _object(answer)

    def each(self, resource: str) -> Iterator[Object]:
        """Give all objects of a kind as they come, none held; a list whose token expired is begun by the caller."""
        kind = self._kind(resource)
        if kind is not None:
            yield from self._pages(kind, "", {"limit": PAGE})

    def served(self) -> tuple[set[str], dict[str, str]]:
        """Give every resource that is served and can be listed, and by group what is not known as its server is away."""
        answer = self.api.call("GET", "/apis")
        groups = ["", *(text(g, "name") for g in maps(_object(answer), "groups"))]
        broken: dict[str, str] = {}
        for group in groups:
            try:
                for prefix in self._prefixes(group):
                    self._remember(prefix, group, self.api.call("GET", prefix))
            except ApiError as error:
                if error.status == 0:
                    raise
                broken[group] = str(error)
        return set(self._kinds), broken

    def pods(self, node: str = "") -> list[Pod]:
        """Give the pods of a node, or all."""
        if node:
            return [Pod.from_dict(pod) for pod in self.list("pods", node=node)]
        return self.anew("pods", lambda: [Pod.from_dict(pod) for pod in self.each("pods")])

    def replicas(self) -> dict[str, tuple[int, int]]:
        """Give the counts of all workloads."""
        return {path_of(w): ready_of(w) for resource in REPLICATED for w in self.list(resource)}

    def waiting_pods(self) -> Iterator[Object]:
        """Give every pod: no selector of the API knows what a container does."""
        return self.each("pods")

    def list(
        self, resource: str, namespace: str = "", *, labels: Mapping[str, str] | None = None, node: str = ""
    ) -> list[Object]:
        """Give all objects of a kind; empty where it is not served. A list whose token expired is begun again."""
        kind = self._kind(resource)
        if kind is None:
            return []
        query = {"limit": PAGE}
        if labels:
            query["labelSelector"] = ",".join(f"{k}={v}" for k, v in labels.items())
        if node:
            query["fieldSelector"] = f"spec.nodeName={node}"
        return self.anew(resource, lambda: list(self._pages(kind, namespace, query)))

    @staticmethod
    def anew[T](resource: str, read: Callable[[], T]) -> T:
        """Read a list, from its beginning where its token expired on the way."""
        for _ in range(MAX_RESTARTS):
            try:
                return read()
            except ApiError as error:
                if error.status != GONE:
                    raise
        raise ApiError(
            FailureClass.TRANSIENT, f"{resource} changes faster than it can be listed", status=GONE
        )

    def _pages(self, kind: Kind, namespace: str, query: dict[str, str]) -> Iterator[Object]:
        token = ""
        while True:
            answer = self.api.call(
                "GET", kind.path(namespace), query={**query, **({"continue": token} if token else {})}
            )
            if answer.status == NOT_FOUND:
                return
            body = _object(answer)
            api_version, single = text(body, "apiVersion"), text(body, "kind").removesuffix("List")
            for item in maps(body, "items"):
                yield {"apiVersion": api_version, "kind": single, **item}
            token = text(body, "metadata", "continue")
            if not token:
                return

    # Writing.

    def create(self, item: Object) -> Object:
        """Create an object; unknown fields are refused."""
        kind = self._needed(resource_of(text(item, "apiVersion"), text(item, "kind")))
        return _object(
            self.api.call("POST", kind.path(text(item, "metadata", "namespace")), query=_strict(), body=item)
        )

    def tried(self, item: Object) -> bool:
        """Say whether the server would create an object, changing nothing; False where its kind is not served.

        Raises ``ApiError`` where it would not.
        """
        kind = self._kind(resource_of(text(item, "apiVersion"), text(item, "kind")))
        if kind is None:
            return False
        self.api.call(
            "POST", kind.path(text(item, "metadata", "namespace")), query={"dryRun": "All"}, body=item
        )
        return True

    def apply(self, item: Object, *, force: bool = False) -> Object:
        """Apply server-side as ``c2c``; a conflict names the field and whose it is."""
        resource = resource_of(text(item, "apiVersion"), text(item, "kind"))
        kind = self._needed(resource)
        place = kind.path(text(item, "metadata", "namespace"), text(item, "metadata", "name"))
        query = {**_strict(), "force": "true" if force else "false"}
        return _object(self.api.call("PATCH", place, query=query, body=json.dumps(item), content=APPLY))

    def patch(
        self,
        resource: str,
        name: str,
        namespace: str,
        changes: Object,
        *,
        kind: str = "merge",
        version: str = "",
    ) -> Object:
        """Change an object; with ``version`` only if nobody changed it meanwhile."""
        body: dict[str, Any] = dict(changes)
        if version:
            body["metadata"] = {**(body.get("metadata") or {}), "resourceVersion": version}
        served = self._needed(resource)
        answer = self.api.call(
            "PATCH", served.path(namespace, name), query=_strict(), body=body, content=PATCHES[kind]
        )
        if answer.status == NOT_FOUND:
            raise ApiError(FailureClass.NOT_FOUND, f"{resource} {name} does not exist", status=NOT_FOUND)
        return _object(answer)

    def delete(self, resource: str, name: str, namespace: str = "", *, uid: str = "") -> bool:
        """Delete an object in the background; False where it, or its kind, is gone already."""
        kind = self._kind(resource)
        if kind is None:
            return False
        body: dict[str, Any] = {
            "apiVersion": "v1",
            "kind": "DeleteOptions",
            "propagationPolicy": "Background",
        }
        if uid:
            body["preconditions"] = {"uid": uid}
        return self.api.call("DELETE", kind.path(namespace, name), body=body).status != NOT_FOUND

    # Discovery.

    def _needed(self, resource: str) -> Kind:
        kind = self._kind(resource)
        if kind is None:
            raise ApiError(FailureClass.NOT_FOUND, f"the cluster does not serve {resource}", status=NOT_FOUND)
        return kind

    def _kind(self, resource: str) -> Kind | None:
        """Give where a resource is served; None where it is not. What is absent is asked for again each time."""
        if resource not in self._kinds:
            group = resource.partition(".")[2]
            for prefix in self._prefixes(group):
                answer = self.api.call("GET", prefix)
                if answer.status != NOT_FOUND:
                    self._remember(prefix, group, answer)
                if resource in self._kinds:
                    break
        return self._kinds.get(resource)

    def _prefixes(self, group: str) -> Sequence[str]:
        if not group:
            return ["/api/v1"]
        answer = self.api.call("GET", f"/apis/{group}")
        if answer.status == NOT_FOUND or not isinstance(answer.body, Mapping):
            return []
        served = [text(v, "version") for v in maps(answer.body, "versions")]
        wanted = text(answer.body, "preferredVersion", "version")
        order = [*(v for v in PREFERRED.get(group, ()) if v in served), wanted, *served]
        return [f"/apis/{group}/{v}" for v in dict.fromkeys(order) if v]

    def _remember(self, prefix: str, group: str, answer: Answer) -> None:
        for item in maps(answer.body, "resources"):
            plural = text(item, "name")
            if "/" not in plural and "list" in items(item, "verbs"):
                name = f"{plural}.{group}" if group else plural
                self._kinds.setdefault(name, Kind(prefix, plural, bool(item.get("namespaced"))))


def _strict() -> dict[str, str]:
    return {"fieldManager": MANAGER, "fieldValidation": "Strict"}


def _object(answer: Answer) -> Object:
    if not isinstance(answer.body, Mapping):
        raise ApiError(FailureClass.UNKNOWN, "the server's answer is no object", status=answer.status)
    return answer.body
