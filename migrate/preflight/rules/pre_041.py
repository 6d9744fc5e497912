"""PRE-041: what a pod keeps in an emptyDir is gone once it is evicted, also where it comes back to the same node.

Sizes are seen on the node alone. A node that was not looked at and holds such a pod leaves the rule unknown. Consent is
given by workload: the finding's object is the controller, so one acceptance covers its pods.
"""

from __future__ import annotations

from collections.abc import Iterator

from migrate.model.fields import number
from migrate.model.findings import Severity
from migrate.preflight.rule import Case, Group, Hit, Rule, Unread
from migrate.preflight.views_eviction import evicted, in_words
from migrate.preflight.views_owners import maker_of

__all__ = ["RULE"]


def check(case: Case) -> Iterator[Hit | Unread]:
    """Name every pod that has something in one."""
    for pod in evicted(case):
        volumes = [v for v in pod.volumes if v.kind == "emptyDir"]
        if not volumes:
            continue
        facts = case.snapshot.facts.get(pod.node)
        if facts is None or not facts.has("empty_dirs"):
            yield Unread(f"facts of node/{pod.node}: empty_dirs")
            continue
        size = number(facts.at("empty_dirs"), pod.label)
        if size:
            fills = {"p": pod.label, "size": in_words(size), "w": maker_of(case, pod).label}
            evidence = {"bytes": size, "volumes": len(volumes), "in memory": any(v.memory for v in volumes)}
            yield Hit(maker_of(case, pod).path, fills, evidence, pod.node)


RULE = Rule(
    number=41,
    group=Group.EVICTION,
    severity=Severity.BLOCK,
    title="emptyDir with data",
    message="{p} loses {size} of emptyDir",
    remedy="--accept CP2041:{w}=REASON once the workload's owner agrees",
    check=check,
    failures=(35,),
    reads=("pods",),
)
