"""Deeds on Cilium as a whole: its release, CRDs, operator, node configurations and staged policies.

Helm's exit code proves nothing: what counts is the live ``cilium-config`` against the map that was meant, and of policies
the hash that they carry.
"""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from typing import Any

from migrate.driver.deeds import Absent, Deed, Done, Failed, Look, Waiting, Workshop, nothing
from migrate.driver.sight import CNC_LABELS, OPERATOR, OWNED, ready
from migrate.engine.script import CONF_PATH, ENFORCE_CNC, MIGRATION_CNC
from migrate.model.commands import Command, Name
from migrate.model.draft import Meant, Stage
from migrate.model.events import FailureClass
from migrate.model.fields import at, labels, maps, text
from migrate.model.plan import digest
from migrate.model.resources import condition, resource_of
from migrate.ports import ApiError, Object

__all__ = ["CRDS", "DEEDS", "live_differences", "lost_policies", "policy_objects"]

SYSTEM, SECRETS = "kube-system", "cilium-secrets"
CRDS = (
    "ciliumnodeconfigs", "ciliumnodes", "ciliumendpoints", "ciliumidentities", "ciliumnetworkpolicies",
    "ciliumclusterwidenetworkpolicies", "ciliumcidrgroups",
)  # fmt: skip
"""The CRDs that the migration itself uses; the operator makes them about 15 s after its start."""
HASH = "c2c/hash"
PENDING = ("pending-install", "pending-upgrade", "pending-rollback", "uninstalling")


# The release.


def _stage(command: Command) -> Stage:
    return Stage(command.args["stage"])


def live_differences(work: Workshop, meant: Meant) -> dict[str, tuple[str | None, str | None]]:
    """Give by key (live, meant) of the ConfigMap ``cilium-config`` where the two differ."""
    config = work.ports.cluster.get("configmaps", "cilium-config", SYSTEM)
    data = labels(config or {}, "data")
    return {k: (data.get(k), v) for k, v in meant.items() if data.get(k) != v}


def _install(work: Workshop, command: Command) -> None:
    values = work.plan.draft.values[_stage(command)]
    release = work.ports.charts.release()
    if release is not None:
        _repair_if_stuck(work, release.status, release.deployed)
        if work.ports.charts.release() is not None:
            work.ports.charts.upgrade(values)
            return
    if _secrets_are_going(work):
        raise ApiError(FailureClass.TRANSIENT, f"{SECRETS}: the namespace of the release before is being deleted", status=-1)  # fmt: skip
    work.ports.charts.install(values)


def _secrets_are_going(work: Workshop) -> bool:
    """Say whether the namespace that the chart makes is being deleted: nothing can be made in it until it is gone."""
    return text(work.ports.cluster.get("namespaces", SECRETS) or {}, "status", "phase") == "Terminating"


def _repair_if_stuck(work: Workshop, status: str, deployed: int) -> None:
    """Free a release that a killed Helm left pending: back to its last deployed revision, or away if it never had one."""
    if status not in PENDING:
        return
    if deployed:
        work.ports.charts.rollback(deployed)
    else:
        work.ports.charts.uninstall()


def _installed(work: Workshop, command: Command) -> Look:
    release = work.ports.charts.release()
    if release is None or release.status != "deployed":
        return Absent()
    if wrong := live_differences(work, work.plan.draft.meant[_stage(command)]):
        return _as_meant(wrong, release.values == work.plan.draft.values[_stage(command)])
    return Done({"revision": release.revision})


def _as_meant(wrong: Mapping[str, tuple[str | None, str | None]], ours: bool) -> Look:  # one question
    """Values that are ours and yet mean something else come out so again, until somebody mends the chart."""
    key, (live, meant) = next(iter(sorted(wrong.items())))
    more = f" and {len(wrong) - 1} more" if len(wrong) > 1 else ""
    what = f"cilium-config has {key}={live!r}, meant {meant!r}{more}"
    if not ours:
        return Absent(f"{what}: the release has other values than it was given")
    differences = {"differences": {k: list(v) for k, v in wrong.items()}}
    return Failed(FailureClass.PERMANENT, what, differences, anew=True)


def _uninstall(work: Workshop, command: Command) -> None:
    del command
    work.ports.charts.uninstall()


def _uninstalled(work: Workshop, command: Command) -> Look:
    del command
    if work.ports.charts.release() is not None:
        return Absent()
    if work.ports.cluster.list("pods", SYSTEM, labels={"k8s-app": "cilium"}):
        return Waiting("Cilium's agents are stopping")
    return Waiting(f"the namespace {SECRETS} is being deleted") if _secrets_are_going(work) else Done()


def _crds(work: Workshop, command: Command) -> Look:
    del command
    known = {
        text(c, "metadata", "name"): c
        for c in work.ports.cluster.list("customresourcedefinitions.apiextensions.k8s.io")
    }
    for plural in CRDS:
        crd = known.get(f"{plural}.cilium.io")
        if crd is None or condition(crd, "Established")[0] != "True":
            return Waiting(f"the CRD {plural}.cilium.io is not Established; the operator makes it")
    return Done()


def _cilium_crds(work: Workshop) -> list[str]:
    crds = work.ports.cluster.list("customresourcedefinitions.apiextensions.k8s.io")
    return [text(c, "metadata", "name") for c in crds if text(c, "spec", "group") == "cilium.io"]


def _delete_crds(work: Workshop, command: Command) -> None:
    """Remove the CRDs that the run brought; objects go with them."""
    del command
    for name in _cilium_crds(work):
        work.ports.cluster.delete("customresourcedefinitions.apiextensions.k8s.io", name)


def _crds_deleted(work: Workshop, command: Command) -> Look:
    del command
    if "kept_crds" in work.run.undo:
        return Done()
    return Absent() if _cilium_crds(work) else Done()


# The operator.


def _operators(work: Workshop) -> list[Object]:
    return work.ports.cluster.list("pods", SYSTEM, labels=OPERATOR)


def _restart_operator(work: Workshop, command: Command) -> None:
    """Delete every operator pod by uid; the uids before are kept with the run."""
    del command
    for pod in _operators(work):
        work.ports.cluster.delete(
            "pods", text(pod, "metadata", "name"), SYSTEM, uid=text(pod, "metadata", "uid")
        )


def _operator_restarted(work: Workshop, command: Command) -> Look:
    key = "unmanaged-pod-watcher-interval"
    meant = work.plan.draft.meant[_stage(command)].get(key)
    pods = _operators(work)
    running = work.ports.nodes.operator_config() if pods and all(ready(p) for p in pods) else None
    if running is not None and running.get(key) == meant:
        return Done({"operators": [text(p, "metadata", "uid") for p in pods]})
    if running is None:
        return Waiting("cilium-operator is starting")
    return Absent()


# Node configurations.


def node_config(name: str, work: Workshop) -> Object:
    """Give the CiliumNodeConfig of a name (``procedure.md`` §6); the defaults are strings, anything else is refused."""
    bridged = work.plan.draft.settings.policy_in_window == "bridged"
    exclusive = "false" if "multus" in work.plan.draft.variant.extras else "true"
    values = work.plan.draft.values.get(Stage.MIGRATION, {})
    defaults = {
        MIGRATION_CNC: {
            "write-cni-conf-when-ready": CONF_PATH,
            "custom-cni-conf": "false",
            "cni-chaining-mode": str(at(values, "cni", "chainingMode") or "none"),
            "cni-exclusive": exclusive,
            **({"enable-policy": "default"} if bridged else {}),
        },
        ENFORCE_CNC: {"policy-audit-mode": "false"},
    }[name]
    return {
        "apiVersion": f"cilium.io/{_served(work)}",
        "kind": "CiliumNodeConfig",
        "metadata": {"name": name, "namespace": SYSTEM, "labels": {**OWNED, "c2c/run": work.run.id}},
        "spec": {"nodeSelector": {"matchLabels": {CNC_LABELS[name]: "true"}}, "defaults": defaults},
    }


def _served(work: Workshop) -> str:
    """Give the version of CiliumNodeConfig to write: v2 where the cluster serves it."""
    crd = work.ports.cluster.get(
        "customresourcedefinitions.apiextensions.k8s.io", "ciliumnodeconfigs.cilium.io"
    )
    served = {text(v, "name") for v in maps(crd, "spec", "versions") if v.get("served") is True}
    return "v2" if "v2" in served or not served else "v2alpha1"


def _apply_config(work: Workshop, command: Command) -> None:
    work.ports.cluster.apply(node_config(command.args["name"], work))


def _config_applied(work: Workshop, command: Command) -> Look:
    found = work.ports.cluster.get("ciliumnodeconfigs.cilium.io", command.args["name"], SYSTEM)
    wanted = node_config(command.args["name"], work)
    return Done() if found is not None and at(found, "spec") == wanted["spec"] else Absent()


def _delete_config(work: Workshop, command: Command) -> None:
    work.ports.cluster.delete("ciliumnodeconfigs.cilium.io", command.args["name"], SYSTEM)


def _config_deleted(work: Workshop, command: Command) -> Look:
    found = work.ports.cluster.get("ciliumnodeconfigs.cilium.io", command.args["name"], SYSTEM)
    return Done() if found is None else Absent()


# Policies.


def policy_objects(work: Workshop, which: str) -> Sequence[Mapping[str, Any]]:
    """Give the objects of a set: ``staged`` (without the deferred denies), ``allowance``, ``deferred``; as applied."""
    policies = work.plan.draft.policies
    if which == "allowance":
        chosen = policies.allowance
    else:
        later = set(policies.deferred)
        chosen = tuple(o for o in policies.objects if (_path(o) in later) == (which == "deferred"))
    return [_stamped(o, work.run.id) for o in chosen]


def _path(item: Object) -> str:
    parts = (text(item, "kind"), text(item, "metadata", "namespace"), text(item, "metadata", "name"))
    return "/".join(p for p in parts if p)


def _stamped(item: Mapping[str, Any], run: str) -> dict[str, Any]:
    """Add the hash of what the object says, and whose it is."""
    metadata = {**item["metadata"]}
    metadata["annotations"] = {
        **(metadata.get("annotations") or {}),
        HASH: digest({k: v for k, v in item.items() if k != "metadata"}),
    }
    metadata["labels"] = {**(metadata.get("labels") or {}), **OWNED, "c2c/run": run}
    return {**item, "metadata": metadata}


def _live(work: Workshop, item: Object) -> Object | None:
    namespace, name = _names(item)
    return work.ports.cluster.get(_resource(item), name, namespace)


def _stage_policies(work: Workshop, command: Command) -> None:
    for item in policy_objects(work, command.args["set"]):
        if not _same(_live(work, item), item):
            work.ports.cluster.apply(item)


def _same(live: Object | None, item: Object) -> bool:
    return (
        live is not None
        and labels(live, "metadata", "annotations").get(HASH) == item["metadata"]["annotations"][HASH]
    )


def _staged(work: Workshop, command: Command) -> Look:
    missing = [o for o in policy_objects(work, command.args["set"]) if not _same(_live(work, o), o)]
    return Absent() if missing else Done()


def lost_policies(work: Workshop, which: str) -> list[str]:
    """Give the policies of a set that are not there as they were applied, by one list of each kind."""
    live: dict[tuple[str, str], str] = {}
    wanted = {_path(o): o for o in policy_objects(work, which)}
    for resource in sorted({_resource(o) for o in wanted.values()}):
        for item in work.ports.cluster.list(resource, labels={**OWNED, "c2c/run": work.run.id}):
            mark = labels(item, "metadata", "annotations").get(HASH, "")
            live[resource, "/".join(_names(item))] = mark
    return [
        path
        for path, item in wanted.items()
        if live.get((_resource(item), "/".join(_names(item)))) != item["metadata"]["annotations"][HASH]
    ]


def _resource(item: Object) -> str:
    return resource_of(text(item, "apiVersion"), text(item, "kind"))


def _names(item: Object) -> tuple[str, str]:
    return text(item, "metadata", "namespace"), text(item, "metadata", "name")


def _unstage(work: Workshop, command: Command) -> None:
    for item in reversed(policy_objects(work, command.args["set"])):
        namespace, name = _names(item)
        work.ports.cluster.delete(_resource(item), name, namespace)


def _unstaged(work: Workshop, command: Command) -> Look:
    left = [o for o in policy_objects(work, command.args["set"]) if _live(work, o) is not None]
    return Absent() if left else Done()


DEEDS: Mapping[Name, Deed] = {
    Name.HELM_INSTALL: Deed(_install, _installed),
    Name.HELM_UPGRADE: Deed(_install, _installed),
    Name.HELM_UNINSTALL: Deed(_uninstall, _uninstalled),
    Name.WAIT_CRDS: Deed(nothing, _crds),
    Name.DELETE_CILIUM_CRDS: Deed(_delete_crds, _crds_deleted),
    Name.RESTART_OPERATOR: Deed(_restart_operator, _operator_restarted),
    Name.APPLY_NODE_CONFIG: Deed(_apply_config, _config_applied),
    Name.DELETE_NODE_CONFIG: Deed(_delete_config, _config_deleted),
    Name.STAGE_POLICIES: Deed(_stage_policies, _staged),
    Name.UNSTAGE_POLICIES: Deed(_unstage, _unstaged),
}
