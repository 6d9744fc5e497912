"""PRE-171: admission that refuses what the migration must create stops it in the middle, at the worst moment.

Creations and evictions are tried with ``dryRun=All``. A dead webhook answers 500 ``failed calling webhook`` within
milliseconds, evictions alike (measured). Policies of the plan are PRE-144's, a quota is PRE-172's, an object that is
there already (409) is no refusal, and a PDB's 429 is PRE-030's.
"""

from __future__ import annotations

import re
from collections.abc import Iterator

from migrate.engine.sides import path_of
from migrate.model.findings import Severity
from migrate.preflight.rule import Case, Group, Hit, Rule

__all__ = ["RULE"]

REFUSED, CONFLICT = 400, 409
_WEBHOOK = re.compile(r'webhook "([^"]+)"')
_POLICY = re.compile(r"ValidatingAdmissionPolicy '([^']+)'|ValidatingAdmissionPolicy \"([^\"]+)\"")
BY_ADMISSION = ("webhook", "ValidatingAdmissionPolicy", "PodSecurity", "denied the request")
QUOTA = "exceeded quota"


def check(case: Case) -> Iterator[Hit]:
    """Name every creation and every eviction that admission refuses."""
    policies = {path_of(item) for item in (*case.draft.policies.objects, *case.draft.policies.allowance)}
    for path, (status, message) in sorted((case.snapshot.answers.creations or {}).items()):
        refused = status >= REFUSED and status != CONFLICT and QUOTA not in message
        if refused and path not in policies:
            yield _hit(path, status, message)
    for pod, (status, message) in sorted((case.snapshot.answers.evictions or {}).items()):
        if status >= REFUSED and any(word in message for word in BY_ADMISSION):
            yield _hit(f"Pod/{pod}", status, message)


def _hit(path: str, status: int, message: str) -> Hit:
    found = _WEBHOOK.search(message) or _POLICY.search(message)
    who = next((g for g in found.groups() if g), "") if found else "the server"
    fills = {"webhook": who or "the server", "object": path, "msg": message[:200]}
    return Hit(path, fills, {"status": status, "message": message})


RULE = Rule(
    number=171,
    group=Group.PERMISSIONS,
    severity=Severity.BLOCK,
    title="Admission refuses",
    message="{webhook} rejects {object}: {msg}",
    remedy="exempt the namespaces c2c-system and kube-system, or repair the webhook's backend",
    check=check,
    failures=(21,),
    answers=("creations", "evictions"),
)
