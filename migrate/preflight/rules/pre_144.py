"""PRE-144: an object that Cilium refuses is not enforced at all, and its subject stays open.

Offline by the translator's own reading of schema and of the agent's checks, for everything that the plan would apply,
allowance and deferred denies included; where a server was asked (``dryRun`` with ``fieldValidation=Strict``, in P3),
by its answer. The name, which Kubernetes checks too, is part of it; two objects of one name would overwrite each other.
"""

from __future__ import annotations

import re
from collections import Counter
from collections.abc import Iterator, Mapping
from typing import Any

from migrate.engine.sides import path_of
from migrate.model.fields import maps, text
from migrate.model.findings import Severity
from migrate.preflight.rule import Case, Group, Hit, Rule
from migrate.preflight.views import networks
from migrate.preflight.views_policy import assumed_config
from translators.semantics.cilium.validate import reasons

__all__ = ["RULE"]

GROUP = "CiliumCIDRGroup"
REFUSED = 400
_NAME = re.compile(r"[a-z0-9]([-a-z0-9]*[a-z0-9])?(\.[a-z0-9]([-a-z0-9]*[a-z0-9])?)*\Z")
MAX_NAME = 253


def check(case: Case) -> Iterator[Hit]:
    """Hold every object against schema, agent's checks and server."""
    policies, config = case.draft.policies, assumed_config(case)
    every = [*policies.objects, *policies.allowance]
    for item in every:
        found = _group(item) if text(item, "kind") == GROUP else reasons(item, config)
        yield from (_hit(path_of(item), why) for why in [*_name(item), *found])
    for path, count in Counter(path_of(item) for item in every).items():
        if count > 1:
            yield _hit(path, f"{count} objects have this name")
    answers = case.snapshot.answers.creations or {}
    for path in dict.fromkeys(path_of(item) for item in every):
        status, message = answers.get(path, (0, ""))
        if status >= REFUSED:
            yield _hit(path, f"{status} {message}")


def _hit(path: str, why: str) -> Hit:
    return Hit(path, {"object": path, "error": why}, {"error": why})


def _name(item: Mapping[str, Any]) -> Iterator[str]:
    name = text(item, "metadata", "name")
    if not _NAME.match(name) or len(name) > MAX_NAME:
        yield f"{name!r} is no name that Kubernetes takes"


def _group(item: Mapping[str, Any]) -> Iterator[str]:
    cidrs = item.get("spec", {}).get("externalCIDRs") or []
    if len(networks(str(c) for c in cidrs)) != len(cidrs) or list(maps(item, "spec", "externalCIDRs")):
        yield "an entry of externalCIDRs is no network"


RULE = Rule(
    number=144,
    group=Group.POLICY,
    severity=Severity.MANDATORY,
    title="Cilium would refuse an object",
    message="{object}: {error}",
    remedy="this is a fault of the translator: report it with the policy; until then leave the policy out",
    check=check,
    failures=(48,),
)
