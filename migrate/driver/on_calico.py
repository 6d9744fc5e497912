"""Deeds of P2 on Calico, kube-proxy and hosts; what is changed and how it goes back stands in the commands themselves.

``patches`` are ``{resource, namespace, name, type, patch}``; a patch has happened when the object holds what it says and
every DaemonSet of ``rollout`` runs its newest template.
"""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from typing import Any

from migrate.driver.deeds import Absent, Deed, Done, Look, Waiting, Workshop
from migrate.model.commands import Command, Name
from migrate.model.fields import at, maps, text
from migrate.model.plan import digest
from migrate.model.resources import resource_of
from migrate.model.workloads import Workload
from migrate.ports import Object

__all__ = ["DEEDS", "holds"]

STAMP = "c2c/config"


def holds(live: object, wanted: object) -> bool:
    """Say whether a live value holds what a patch says: null means absent, named list members are found by name."""
    if isinstance(wanted, Mapping):
        if not isinstance(live, Mapping):
            return not any(v is not None for v in wanted.values()) and live is None
        return all(
            (k not in live or live[k] is None) if v is None else holds(live.get(k), v)
            for k, v in wanted.items()
            if not k.startswith("$")
        )
    if isinstance(wanted, list) and wanted and all(isinstance(w, Mapping) and "name" in w for w in wanted):
        by_name = {
            text(m, "name"): m for m in (live if isinstance(live, list) else []) if isinstance(m, Mapping)
        }
        return all(
            (w["name"] not in by_name) if w.get("$patch") == "delete" else holds(by_name.get(w["name"]), w)
            for w in wanted
        )
    return live == wanted


def _patch(work: Workshop, command: Command) -> None:
    for item in command.args["patches"]:
        place = (item["resource"], item["name"], item.get("namespace", ""))
        match item.get("type", "merge"):
            case "apply":
                work.ports.cluster.apply(item["patch"])
            case "delete":
                work.ports.cluster.delete(*place)
            case kind:
                work.ports.cluster.patch(*place, item["patch"], kind=kind)
    if _read_at_start(command):
        for resource, name, namespace in map(_place, command.args.get("rollout", ())):
            stamp = {"spec": {"template": {"metadata": {"annotations": {STAMP: _stamp(command)}}}}}
            work.ports.cluster.patch(resource, name, namespace, stamp)


def _read_at_start(command: Command) -> bool:
    """Say whether what is changed is read only by new pods: then the workload is rolled by a stamp on its template."""
    return any(item["resource"] == "configmaps" for item in command.args["patches"])


def _stamp(command: Command) -> str:
    return digest(command.args["patches"])[:16]


def _place(path: str) -> tuple[str, str, str]:
    """Give (resource, name, namespace) of ``Kind/namespace/name``."""
    kind, namespace, name = path.split("/")
    return resource_of("apps/v1", kind), name, namespace


def _patched(work: Workshop, command: Command) -> Look:
    for item in command.args["patches"]:
        live = work.ports.cluster.get(item["resource"], item["name"], item.get("namespace", ""))
        if item.get("type") == "delete":
            if live is not None:
                return Absent()
        elif live is None or not holds(live, _said(item)):
            return Absent()
    if _read_at_start(command):
        for place in map(_place, command.args.get("rollout", ())):
            live = work.ports.cluster.get(*place) or {}
            if at(live, "spec", "template", "metadata", "annotations", STAMP) != _stamp(command):
                return Absent()
    return _rolled_out(work, command.args.get("rollout", ()))


def _said(item: Mapping[str, Any]) -> Any:  # noqa: ANN401  # a patch
    patch = item["patch"]
    return (
        {k: v for k, v in patch.items() if k not in {"apiVersion", "kind", "metadata"}}
        if item.get("type") == "apply"
        else patch
    )


def _rolled_out(work: Workshop, paths: Sequence[str]) -> Look:
    """Wait for workloads given as ``Kind/namespace/name``."""
    for path in paths:
        resource, name, namespace = _place(path)
        found = work.ports.cluster.get(resource, name, namespace)
        workload = Workload.from_dict(found) if found is not None else None
        if workload is None or not workload.rolled_out:
            done = f"{workload.updated} of {workload.replicas}" if workload is not None else "none"
            return Waiting(f"{namespace}/{name}: {done} run the new template")
    return Done()


def _apply(work: Workshop, command: Command) -> None:
    for item in command.args["objects"]:
        work.ports.cluster.apply(item)


def _applied(work: Workshop, command: Command) -> Look:
    for item in command.args["objects"]:
        live = _live(work, item)
        if live is None or not holds(at(live, "spec"), item["spec"]):
            return Absent()
    return Done()


def _live(work: Workshop, item: Object) -> Object | None:
    resource = resource_of(text(item, "apiVersion"), text(item, "kind"))
    return work.ports.cluster.get(
        resource, text(item, "metadata", "name"), text(item, "metadata", "namespace")
    )


def _deletions(command: Command) -> list[tuple[str, str, str]]:
    """Give (resource, name, namespace) of what an undo deletes."""
    return [
        (
            resource_of(text(item, "apiVersion"), text(item, "kind")),
            text(item, "name"),
            text(item, "namespace"),
        )
        for item in maps(command.args, "delete")
    ]


def _delete(work: Workshop, command: Command) -> None:
    for place in _deletions(command):
        work.ports.cluster.delete(*place)


def _deleted(work: Workshop, command: Command) -> Look:
    return (
        Absent()
        if any(work.ports.cluster.get(*place) is not None for place in _deletions(command))
        else Done()
    )


def _content(work: Workshop, command: Command) -> str:
    """Give the content of a file as it is written: the run is named in its header, and no plan knows the run."""
    return text(command.args, "content").replace("{run}", work.run.id)


def _write(work: Workshop, command: Command) -> None:
    content, reload = _content(work, command), command.args.get("apply", ())
    work.ports.nodes.drop_in(command.node, command.args["path"], content, reload)


def _written(work: Workshop, command: Command) -> Look:
    there = work.ports.nodes.drop_in_content(command.node, command.args["path"])
    return Done() if there == _content(work, command) else Absent()


def _remove(work: Workshop, command: Command) -> None:
    reload = command.args.get("apply", ())
    work.ports.nodes.drop_in(command.node, command.args["path"], None, reload)


def _removed(work: Workshop, command: Command) -> Look:
    return (
        Absent()
        if work.ports.nodes.drop_in_content(command.node, command.args["path"]) is not None
        else Done()
    )


DEEDS: Mapping[Name, Deed] = {
    Name.PIN_AUTODETECT: Deed(_patch, _patched),
    Name.UNPIN_AUTODETECT: Deed(_patch, _patched),
    Name.PATCH_KUBE_PROXY: Deed(_patch, _patched),
    Name.RESTORE_KUBE_PROXY: Deed(_patch, _patched),
    Name.APPLY_COVER_POOL: Deed(_apply, _applied),
    Name.ALLOW_HOST_PORTS: Deed(_apply, _applied),
    Name.DELETE_COVER_POOL: Deed(_delete, _deleted),
    Name.DISALLOW_HOST_PORTS: Deed(_delete, _deleted),
    Name.HOST_DROP_IN: Deed(_write, _written),
    Name.REMOVE_DROP_IN: Deed(_remove, _removed),
}
