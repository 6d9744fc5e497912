"""PRE-109: an APIService whose backend does not answer hangs namespace deletions while discovery stays silent (F-15).

An aggregated one without the condition was never judged by the server: the rule cannot look then. Local ones are
served by the API server itself.
"""

from __future__ import annotations

from collections.abc import Iterator

from migrate.model.fields import mapping
from migrate.model.findings import Severity
from migrate.model.resources import condition
from migrate.preflight.rule import Case, Group, Hit, Repeat, Rule, Unread

__all__ = ["RULE"]

RESOURCE = "apiservices.apiregistration.k8s.io"
NO_WORD = ("Unknown", "", "")


def check(case: Case) -> Iterator[Hit | Unread]:
    """Name every APIService that is not Available, with the server's reason."""
    for item in case.snapshot.of(RESOURCE):
        found = condition(item.data, "Available")
        status, reason, message = found
        if status == "True":
            continue
        aggregated = bool(mapping(item.data, "spec", "service"))
        if found == NO_WORD:
            if aggregated:
                yield Unread(f"condition Available of APIService/{item.name}")
            continue
        evidence = {"status": status, "reason": reason, "message": message}
        yield Hit(item.path, {"a": item.name, "why": reason or status}, evidence)


RULE = Rule(
    number=109,
    group=Group.NETWORK,
    severity=Severity.BLOCK,
    title="APIService not Available",
    message="APIService {a} is not Available ({why}): namespace deletion hangs while it exists",
    remedy="repair its backend, or delete the APIService if nothing serves it any more",
    check=check,
    failures=(15, 29),
    reads=(RESOURCE,),
    repeat=frozenset({Repeat.CONTINUOUS, Repeat.NO_RETURN}),
)
