"""PRE-172: quotas and limits of the two namespaces in which pods appear: ours, and Cilium's.

Counted are agents and envoy (one a node), two operators, the relay, and our probe pods (one a node). A quota on
requests or limits refuses pods that state none, as the chart's do by default, unless a LimitRange gives them a default;
and a LimitRange whose default memory is too small for an agent gets it killed. Quotas for terminating pods are of others.
"""

from __future__ import annotations

from collections.abc import Iterator, Mapping

from migrate.engine.drafting import in_scope
from migrate.model.fields import at, items, mapping, maps, quantity, text
from migrate.model.findings import Severity
from migrate.model.resources import Resource
from migrate.preflight.rule import Case, Group, Hit, Rule

__all__ = ["RULE"]

POD_COUNTS = ("pods", "count/pods")
COMPUTE = ("cpu", "memory", "requests.cpu", "requests.memory", "limits.cpu", "limits.memory")
SINGLE_PODS = 3
"""Two operators and the relay."""
AGENT_MEMORY = 512 * 2**20
TOO_SMALL = "Quota {q} gives containers {what} by default: an agent would be killed"


def check(case: Case) -> Iterator[Hit]:
    """Hold the needs of both namespaces against their quotas and defaults."""
    nodes = len(in_scope(case.snapshot))
    settings = case.draft.settings
    needs = {settings.namespace: nodes, settings.cilium.namespace: 2 * nodes + SINGLE_PODS}
    for namespace, pods in needs.items():
        defaults = [r for r in case.snapshot.of("limitranges") if r.namespace == namespace]
        for quota in case.snapshot.of("resourcequotas"):
            if quota.namespace == namespace and "Terminating" not in items(quota.data, "spec", "scopes"):
                yield from _counts(quota, pods)
                yield from _unstated(quota, defaults)
        for item in defaults if namespace == settings.cilium.namespace else []:
            yield from _small(item)


def _counts(quota: Resource, pods: int) -> Iterator[Hit]:
    for key in POD_COUNTS:
        hard = at(quota.data, "spec", "hard", key)
        if hard is None:
            continue
        left = quantity(hard) - quantity(at(quota.data, "status", "used", key))
        if left < pods:
            fills = {"q": f"{quota.path}: {key} leaves {left}, {pods} are needed"}
            yield Hit(
                quota.path,
                fills,
                {"hard": text(quota.data, "spec", "hard", key), "left": left, "needed": pods},
            )


def _unstated(quota: Resource, defaults: list[Resource]) -> Iterator[Hit]:
    hard = mapping(quota.data, "spec", "hard")
    given = {name for item in defaults for name in _given(item)}
    missing = [key for key in COMPUTE if key in hard and _kind(key) not in given]
    if missing:
        fills = {"q": f"{quota.path}: pods without {', '.join(missing)} are refused"}
        yield Hit(quota.path, fills, {"missing": missing})


def _kind(key: str) -> str:
    """Give which default answers a quota: ``cpu`` alone means requests."""
    return key if "." in key else f"requests.{key}"


def _given(item: Resource) -> Iterator[str]:
    for limit in maps(item.data, "spec", "limits"):
        if text(limit, "type") == "Container":
            named: Mapping[str, Mapping[str, object]] = {
                "requests": {**mapping(limit, "default"), **mapping(limit, "defaultRequest")},
                "limits": mapping(limit, "default"),
            }
            yield from (f"{sort}.{name}" for sort, values in named.items() for name in values)


def _small(item: Resource) -> Iterator[Hit]:
    for limit in maps(item.data, "spec", "limits"):
        memory = at(limit, "default", "memory")
        if text(limit, "type") == "Container" and memory is not None and quantity(memory) < AGENT_MEMORY:
            fills = {"q": item.path, "what": str(memory)}
            yield Hit(item.path, fills, {"default": str(memory)}, message=TOO_SMALL)


RULE = Rule(
    number=172,
    group=Group.PERMISSIONS,
    severity=Severity.BLOCK,
    title="Quota in the way",
    message="Quota {q}",
    remedy="raise the quota, or exempt the namespace while Cilium is installed",
    check=check,
    reads=("resourcequotas", "limitranges", "nodes"),
)
