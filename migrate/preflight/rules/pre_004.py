"""PRE-004: the target must be a Cilium that is maintained and known here.

What chart values become, which defaults policies get, which Kubernetes is tested: all of it hangs on the minor, and
nothing of it is guessed for one that the tables do not hold.
"""

from __future__ import annotations

from collections.abc import Iterator

from migrate.model.findings import Severity
from migrate.model.versions import NEWEST, OLDEST, Release
from migrate.preflight.rule import Case, Group, Hit, Rule

__all__ = ["RULE"]


def check(case: Case) -> Iterator[Hit]:
    """Look the minor up."""
    version = case.draft.settings.cilium.version
    release = Release.parse(version)
    if release is None or not OLDEST <= release.two <= NEWEST:
        old = release is not None and release.two < OLDEST
        fills = {"v": version or "(no version)", "state": "end of life" if old else "unknown"}
        known = f"{'.'.join(map(str, OLDEST))} to {'.'.join(map(str, NEWEST))}"
        yield Hit("cilium.version", fills, {"version": version, "known": known})


RULE = Rule(
    number=4,
    group=Group.IDENTITY,
    severity=Severity.MANDATORY,
    title="Target is out of support or unknown",
    message="Cilium {v} is {state}",
    remedy="in c2c.yaml: cilium.version, 1.16 or newer and known to this release of c2c",
    check=check,
)
