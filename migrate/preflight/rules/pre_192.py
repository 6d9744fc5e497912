"""PRE-192: Helm must be able to work: a release at rest, with our values, and no foreign object in its way.

A release that stands ``pending-…`` refuses every call, one in ``failed`` is mended by going back to the last deployed
revision; one that never was deployed has none, and is uninstalled while no CiliumNodeConfig and no label are there. Its
values must be those of one of the stages: another's values would be reset by our next call. Objects of the chart's
names count as Helm's by label and annotations. Kinds that a snapshot does not hold (RBAC) are looked at if they are there.
"""

from __future__ import annotations

from collections.abc import Iterator, Mapping

from migrate.model.fields import Labels, mapping, number, text
from migrate.model.findings import Severity
from migrate.preflight.rule import Case, Group, Hit, Repeat, Rule, Unread

__all__ = ["RULE"]

RELEASE = "cilium"
AT_REST = "deployed"
WORKLOADS = {"DaemonSet": ("cilium", "cilium-envoy"), "Deployment": ("cilium-operator", "hubble-relay")}
OTHERS = {
    "configmaps": ("cilium-config", "cilium-envoy-config", "hubble-relay-config"),
    "serviceaccounts": ("cilium", "cilium-envoy", "cilium-operator", "hubble-relay"),
    "services": ("cilium-envoy", "hubble-metrics", "hubble-peer", "hubble-relay"),
    "clusterroles.rbac.authorization.k8s.io": ("cilium", "cilium-operator"),
    "clusterrolebindings.rbac.authorization.k8s.io": ("cilium", "cilium-operator"),
    "roles.rbac.authorization.k8s.io": ("cilium-config-agent",),
    "rolebindings.rbac.authorization.k8s.io": ("cilium-config-agent",),
}
NEEDED = ("daemonsets.apps", "deployments.apps", "configmaps", "serviceaccounts", "services")
FOREIGN = "{object} is not Helm's: invalid ownership metadata"
VALUES = "Release cilium at revision {r} has other values than the plan's: {paths}"
NEVER = (
    "helm uninstall cilium, while no CiliumNodeConfig and no migration label exists; then the install again"
)
ADOPT = "delete {object}, or accept PRE-014 so that the plan adopts it"
REPLAN = "make the plan anew with these values, or put the plan's back (all values files)"
MAX_NAMED = 5


def check(case: Case) -> Iterator[Hit | Unread]:
    """Judge the release, then look for objects of the chart's names."""
    release = case.snapshot.answers.release or {}
    namespace = case.draft.settings.cilium.namespace
    if release:
        yield from _state(release, namespace)
        yield from _values(case, release, namespace)
    yield from (Unread(kind) for kind in NEEDED if not case.snapshot.knows(kind))
    for path, marks in _objects(case, namespace):
        if not _is_helms(marks, namespace):
            yield Hit(path, {"object": path}, {"marks": dict(marks)}, message=FOREIGN, remedy=ADOPT)


def _state(release: Mapping[str, object], namespace: str) -> Iterator[Hit]:
    status, deployed = text(release, "status"), number(release, "deployed")
    if status != AT_REST:
        fills = {"status": status, "r": number(release, "revision"), "deployed": deployed}
        remedy = "" if deployed else NEVER
        yield Hit(f"release/{namespace}/{RELEASE}", fills, {"deployed": deployed}, remedy=remedy)


def _values(case: Case, release: Mapping[str, object], namespace: str) -> Iterator[Hit]:
    """Name what differs from the nearest stage; a release that failed holds the values of the call that did."""
    if text(release, "status") != AT_REST:
        return
    held = mapping(release, "values")
    departing = [sorted(_different(held, values)) for values in case.draft.values.values()]
    nearest = min(departing, key=len, default=[])
    if nearest:
        more = f" and {len(nearest) - MAX_NAMED} more" if len(nearest) > MAX_NAMED else ""
        paths = ", ".join(nearest[:MAX_NAMED]) + more
        fills = {"r": number(release, "revision"), "paths": paths}
        path = f"release/{namespace}/{RELEASE}"
        yield Hit(path, fills, {"paths": nearest}, message=VALUES, remedy=REPLAN)


def _different(held: object, meant: object, above: str = "") -> Iterator[str]:
    if not (isinstance(held, Mapping) and isinstance(meant, Mapping)):
        if held != meant:
            yield above.removesuffix(".")
        return
    for key in {*held, *meant}:
        yield from _different(held.get(key), meant.get(key), f"{above}{key}.")


def _objects(case: Case, namespace: str) -> Iterator[tuple[str, Labels]]:
    """Give (path, labels and annotations) of every object of the cluster that has a name of the chart's."""
    for workload in case.snapshot.workloads:
        if workload.namespace == namespace and workload.name in WORKLOADS.get(workload.kind, ()):
            marks = {**workload.annotations, **workload.labels}
            yield f"{workload.kind}/{workload.label}", marks
    for resource, names in OTHERS.items():
        for item in case.snapshot.of(resource):
            if item.name in names and item.namespace in {"", namespace}:
                yield item.path, {**item.annotations, **item.labels}


def _is_helms(marks: Labels, namespace: str) -> bool:
    return (
        marks.get("app.kubernetes.io/managed-by") == "Helm"
        and marks.get("meta.helm.sh/release-name") == RELEASE
        and marks.get("meta.helm.sh/release-namespace") == namespace
    )


RULE = Rule(
    number=192,
    group=Group.VALUES,
    severity=Severity.MANDATORY,
    title="Helm cannot work",
    message="Release cilium is {status} at revision {r}",
    remedy="helm rollback cilium {deployed}",
    check=check,
    failures=(47,),
    answers=("release",),
    repeat=frozenset({Repeat.CONTINUOUS}),
)
