"""Write a live cluster as the files that ``c2c snapshot`` and every reading verb take: raw, page by page, nothing dropped.

What may not be read, or whose server is away, is named in the header and never taken for absent.
"""

from __future__ import annotations

import json
from collections.abc import Callable, Iterable, Mapping, Sequence
from dataclasses import dataclass, field
from pathlib import Path
from typing import Any

from migrate.adapters.kube_cluster import KubeCluster
from migrate.model.events import FailureClass
from migrate.model.fields import maps, text, truth
from migrate.model.rights import Asked, Right
from migrate.ports import Answer, Api, ApiError, Evictor

__all__ = ["Dump", "Questions", "access", "dump"]

MAX_EVICTIONS = 2000
GONE, ATTEMPTS = 410, 3
STAY = frozenset({"DaemonSet", "Node"})
"""Owners whose pods no drain evicts."""
Object = Mapping[str, Any]


@dataclass(slots=True)
class Dump:
    """What was written: objects by resource, and by resource why it could not be read."""

    counts: dict[str, int] = field(default_factory=dict)
    errors: dict[str, str] = field(default_factory=dict)


@dataclass(frozen=True, slots=True)
class Questions:
    """What no object says: which rights there are, what our own machine has, which pods may be evicted now."""

    rights: Sequence[Right] = ()
    controller: Mapping[str, Any] | None = None
    evictor: Evictor | None = None


def dump(
    api: Api,
    cluster: KubeCluster,
    folder: Path,
    is_wanted: Callable[[str], bool],
    known: Iterable[str],
    questions: Questions,
    taken: str,
) -> Dump:
    """Write everything into a folder. ``known`` are resources to name even where they are absent.

    Raises ``ApiError`` only where the server does not answer at all.
    """
    done = Dump()
    served, broken = cluster.served()
    done.errors.update(broken)
    for resource in sorted({r for r in served if is_wanted(r)}):
        _write(cluster, folder, resource, done)
    for resource in known:
        if resource not in served:
            done.counts.setdefault(resource, 0)
    _answers(api, cluster, folder, questions)
    identity = cluster.identity()
    kinds: dict[str, Any] = {r: {"count": n} for r, n in done.counts.items()}
    kinds |= {r: {"count": done.counts.get(r, 0), "error": why} for r, why in done.errors.items()}
    _json(folder / "snapshot.json", {
        "schemaVersion": "1.0", "kind": "Snapshot", "taken": taken, "complete": True,
        "cluster": {"uid": identity.uid, "context": identity.context, "server": identity.server, "version": identity.version},
        "kinds": dict(sorted(kinds.items())),
    })  # fmt: skip
    return done


def _write(cluster: KubeCluster, folder: Path, resource: str, done: Dump) -> None:
    """Write all objects of a resource; a list whose token expired is begun again, two lists are never mixed."""
    for attempt in range(ATTEMPTS):
        try:
            done.counts[resource] = _listed(cluster.each(resource), folder / f"{resource}.json")
        except ApiError as error:
            if error.status == 0:
                raise
            (folder / f"{resource}.json").unlink(missing_ok=True)
            if error.status != GONE or attempt + 1 == ATTEMPTS:
                word = "forbidden: " if error.failure is FailureClass.DENIED else ""
                done.errors[resource] = f"{word}{error}"
                return
        else:
            return


def _listed(objects: Iterable[Object], path: Path) -> int:
    """Write objects as they come, one a line between the brackets of a list; gives their number."""
    count = 0
    with path.open("w", encoding="utf-8") as file:
        file.write('{"apiVersion":"v1","kind":"List","items":[\n')
        for item in objects:
            file.write((",\n" if count else "") + json.dumps(item, ensure_ascii=False))
            count += 1
        file.write("\n]}\n")
    return count


def _answers(api: Api, cluster: KubeCluster, folder: Path, questions: Questions) -> None:
    """Ask what no object says."""
    place = folder / "answers"
    place.mkdir(exist_ok=True)
    if questions.rights:
        _lines(place / "access.jsonl", access(api, questions.rights))
    _lines(place / "health.jsonl", _health(api))
    if questions.evictor is not None:
        pods = cluster.anew("pods", lambda: _evictable(cluster.each("pods")))
        _lines(place / "evictions.jsonl", evictions(questions.evictor, pods))
    if questions.controller is not None:
        _lines(place / "controller.jsonl", [questions.controller])


def access(api: Api, rights: Sequence[Right]) -> Iterable[Object]:
    """Ask for each right by itself (SelfSubjectAccessReview)."""
    for right in rights:
        for verb, name, namespace in right.asked:
            allowed = _may(api, right.group, (verb, name, namespace))
            yield {"verb": verb, "resource": name, "namespace": namespace, "allowed": allowed}


def _may(api: Api, group: str, right: Asked) -> bool:
    verb, what, namespace = right
    resource, _, name = what.partition(" ")
    plural, _, sub = resource.removesuffix(f".{group}").partition("/")
    asked = {
        "group": group,
        "resource": plural,
        "subresource": sub,
        "name": name,
        "verb": verb,
        "namespace": namespace,
    }
    body = {
        "apiVersion": "authorization.k8s.io/v1",
        "kind": "SelfSubjectAccessReview",
        "spec": {"resourceAttributes": {k: v for k, v in asked.items() if v}},
    }
    answer: Answer = api.call("POST", "/apis/authorization.k8s.io/v1/selfsubjectaccessreviews", body=body)
    return isinstance(answer.body, Mapping) and (answer.body.get("status") or {}).get("allowed") is True


def _health(api: Api) -> Iterable[Object]:
    """Give the named checks of ``/readyz``: ``[+]etcd ok``, ``[-]etcd failed``."""
    try:
        said = api.call("GET", "/readyz", query={"verbose": "1"}).body
    except ApiError:
        return
    for line in str(said).splitlines():
        if line.startswith(("[+]", "[-]")):
            yield {"check": line[3:].split()[0], "ok": line.startswith("[+]")}


def evictions(evictor: Evictor, pods: Iterable[Object]) -> Iterable[Object]:
    """Ask of each pod whether it could be evicted now, changing nothing."""
    for number, pod in enumerate(pods):
        if number >= MAX_EVICTIONS:
            return
        meta = pod.get("metadata") or {}
        namespace, name = text(meta, "namespace"), text(meta, "name")
        try:
            evictor.evict(namespace, name, text(meta, "uid"), dry_run=True)
            status, said = 201, ""
        except ApiError as error:
            status, said = error.status, str(error)
        yield {"pod": f"{namespace}/{name}", "status": status, "message": said}


def _evictable(pods: Iterable[Object]) -> list[Object]:
    """Give one pod of each owner that a drain would evict: enough to meet every webhook, and few calls."""
    found: dict[tuple[str, str], Object] = {}
    for pod in pods:
        owner = next((o for o in maps(pod, "metadata", "ownerReferences") if o.get("controller")), {})
        if (
            text(owner, "kind") in STAY
            or truth(pod, "spec", "hostNetwork")
            or text(pod, "status", "phase") != "Running"
        ):
            continue
        place = text(pod, "metadata", "namespace")
        found.setdefault((place, text(owner, "uid") or text(pod, "metadata", "name")), pod)
    return [pod for _, pod in sorted(found.items())]


def _lines(path: Path, rows: Iterable[Object]) -> None:
    with path.open("w", encoding="utf-8") as file:
        file.writelines(json.dumps(row, ensure_ascii=False) + "\n" for row in rows)


def _json(path: Path, data: Object) -> None:
    path.write_text(json.dumps(data, ensure_ascii=False, indent=1) + "\n", encoding="utf-8")
