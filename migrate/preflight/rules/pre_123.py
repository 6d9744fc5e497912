"""PRE-123: addresses come from ``cluster-pool``, in every stage, and a live pool may grow but not change.

The IPAM mode of a running cluster can never be changed; other modes take the nodes' podCIDRs, which are Calico's. A
pool that agents already serve may be followed by another one, but not be taken away, and its mask is part of it.
"""

from __future__ import annotations

from collections.abc import Iterator, Mapping

from migrate.model.draft import Stage
from migrate.model.findings import Severity
from migrate.preflight.rule import Case, Group, Hit, Rule, Unread
from migrate.preflight.views_values import config_map_path, departures, effective, live_config

__all__ = ["RULE"]

WANTED = "cluster-pool"
SHRUNK = "{key} is {live} on the live cluster, the plan says {v}: pools can be appended, not taken away"
LIVE = "IPAM mode can't be changed on a live cluster: it is {live}, the plan says {v}"


def check(case: Case) -> Iterator[Hit | Unread]:
    """Compare the mode of every stage with the one that works, and mode and pools with the live ones."""
    path = config_map_path(case)
    for value, stages in departures(case, "ipam", lambda v: v == WANTED):
        yield Hit(path, {"v": value or "not set"}, {"ipam": value, "stages": stages})
    if not case.snapshot.knows("configmaps"):
        yield Unread("configmaps")
        return
    live, planned = live_config(case), effective(case, Stage.MIGRATION)
    if live is None:
        return
    mode = live.get("ipam", WANTED)
    if mode != planned.get("ipam"):
        yield Hit(path, {"live": mode, "v": planned.get("ipam")}, {"live": mode}, message=LIVE)
    for family in (4, 6):
        yield from _pools(path, live, planned.data, family)


def _pools(path: str, live: Mapping[str, str], planned: Mapping[str, str], family: int) -> Iterator[Hit]:
    for key in (f"cluster-pool-ipv{family}-cidr", f"cluster-pool-ipv{family}-mask-size"):
        held, wanted = live.get(key, "").split(), planned.get(key, "").split()
        if held and wanted[: len(held)] != held:
            fills = {"key": key, "live": " ".join(held), "v": " ".join(wanted) or "nothing"}
            yield Hit(path, fills, {"live": held, "planned": wanted}, message=SHRUNK)


RULE = Rule(
    number=123,
    group=Group.VALUES,
    severity=Severity.MANDATORY,
    title="IPAM mode or live pool would change",
    message="IPAM mode {v}: only cluster-pool has a range of its own, and the mode can't be changed later",
    remedy="ipam.mode=cluster-pool; keep live pools first in cilium.podCIDRs, with their mask",
    check=check,
    failures=(28,),
)
