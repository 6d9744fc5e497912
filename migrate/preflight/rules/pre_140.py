"""PRE-140: forwarded traffic, traffic before DNAT and untracked traffic have no place of their own in Cilium.

Looked at are the policies themselves, and what the translator says of policies that came from files.
"""

from __future__ import annotations

from collections.abc import Iterator

from migrate.model.fields import truth
from migrate.model.findings import Severity
from migrate.preflight.rule import Case, Group, Hit, Rule
from migrate.preflight.views_policy import reported

__all__ = ["RULE"]

FLAGS = ("applyOnForward", "preDNAT", "doNotTrack")
CODES = {"CAL-H603": "applyOnForward", "CAL-H604": "preDNAT", "CAL-H605": "doNotTrack"}


def check(case: Case) -> Iterator[Hit]:
    """Name each policy with its flags."""
    found: dict[str, list[str]] = {}
    for item in case.snapshot.calico("globalnetworkpolicies"):
        flags = [flag for flag in FLAGS if truth(item.data, "spec", flag)]
        if flags:
            found[item.path] = flags
    for finding in reported(case):
        if finding.code in CODES and CODES[finding.code] not in found.setdefault(finding.policy, []):
            found[finding.policy].append(CODES[finding.code])
    for policy, flags in sorted(found.items()):
        yield Hit(policy, {"p": policy, "flags": ", ".join(flags)}, {"flags": flags})


RULE = Rule(
    number=140,
    group=Group.POLICY,
    severity=Severity.WARN,
    title="Meaning lost with forwarding or NAT",
    message="{p}: forwarded/pre-NAT meaning is lost ({flags})",
    remedy="loadBalancerSourceRanges, or CIDRs in the ingress of the pods behind it",
    check=check,
    failures=(41,),
    calico=("globalnetworkpolicies",),
)
