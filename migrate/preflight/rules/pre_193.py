"""PRE-193: Helm applies server-side as manager ``helm``; a field that somebody else owns makes the upgrade fail.

Looked at are the fields that some stage changes: keys of ``cilium-config``, and the rules of the operator's ClusterRole,
which come and go with its watcher. Entries of a subresource, and managers of other fields, are no conflict.
"""

from __future__ import annotations

from collections.abc import Iterator

from migrate.model.draft import Stage
from migrate.model.fields import at, mapping, maps, text
from migrate.model.findings import Severity
from migrate.model.resources import Resource
from migrate.preflight.rule import Case, Group, Hit, Repeat, Rule, Unread
from migrate.preflight.views_values import config_map_path, effective, live_config

__all__ = ["RULE"]

OURS = "helm"


def check(case: Case) -> Iterator[Hit | Unread]:
    """Name each manager and field of the release's objects that an upgrade would meet."""
    live = live_config(case)
    if live is None:
        return
    path = config_map_path(case)
    changed = _changed_keys(case, live)
    for item in case.snapshot.of("configmaps"):
        if item.path == path:
            yield from _owned(item, ("f:data",), changed)
    for item in case.snapshot.of("clusterroles.rbac.authorization.k8s.io"):
        if item.name == "cilium-operator":
            yield from _owned(item, (), {"rules"})


def _changed_keys(case: Case, live: object) -> set[str]:
    keys = set[str]()
    for stage in Stage:
        planned = {**case.draft.meant.get(stage, {}), **effective(case, stage).data}
        keys |= {key for key, value in planned.items() if at(live, key) != value}
    return keys


def _owned(item: Resource, below: tuple[str, ...], fields: set[str]) -> Iterator[Hit | Unread]:
    entries = [e for e in maps(item.data, "metadata", "managedFields") if not text(e, "subresource")]
    if not entries:
        yield Unread(f"managedFields of {item.path}")
    for entry in entries:
        manager = text(entry, "manager")
        held = mapping(entry, "fieldsV1", *below)
        for name in sorted(fields):
            if manager != OURS and f"f:{name}" in held:
                field = ".".join(part.removeprefix("f:") for part in (*below, name))
                fills = {"manager": manager, "field": field, "object": item.path}
                yield Hit(item.path, fills, {"manager": manager, "operation": text(entry, "operation")})


RULE = Rule(
    number=193,
    group=Group.VALUES,
    severity=Severity.BLOCK,
    title="Another manager owns a field of the release",
    message="{manager} owns {field} of {object}: the upgrade would fail with a conflict",
    remedy="stop {manager} from writing {field}; accepted, this call goes with --force-conflicts",
    check=check,
    failures=(33, 47),
    reads=("configmaps",),
    repeat=frozenset({Repeat.CONTINUOUS}),
)
