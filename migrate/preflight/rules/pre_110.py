"""PRE-110: a node whose files and kernel nothing reaches cannot be given files, rebooted, or cleaned up.

What needs a way: files of P2, a reboot, and Calico's clean-up, which comes for every node but one that is replaced. The
rollback's own file has a way by the API. A collector that brought back facts has shown one; a way that is only
configured is believed, and the collector is asked for by the rules on facts.
"""

from __future__ import annotations

from collections.abc import Iterator

from migrate.engine.access import API
from migrate.engine.host_files import drop_ins
from migrate.model.findings import Severity
from migrate.preflight.rule import Case, Group, Hit, Rule, Unread
from migrate.preflight.views_access import access

__all__ = ["RULE"]


def check(case: Case) -> Iterator[Hit | Unread]:
    """Name each node without a way, with what it would be needed for."""
    for name, plan in sorted(case.draft.nodes.items()):
        needs = _needs(case, name, plan.mode, reboots=plan.reboot)
        if access(case, name) != API or not needs:
            continue
        if case.draft.settings.nodes.access == "auto" and case.snapshot.answers.access is None:
            yield Unread(f"a way to node/{name}: no facts, no inventory, and the server was not asked")
            continue
        yield Hit(f"node/{name}", {"n": name, "needs": ", ".join(needs)}, {"needs": needs}, name)


def _needs(case: Case, name: str, mode: str, *, reboots: bool) -> list[str]:
    if mode == "replace":
        return []
    facts = case.snapshot.facts.get(name)
    files = [f.path for f in drop_ins(facts)] if facts is not None else []
    return [*files, *(["reboot"] if reboots else []), "clean-up"]


RULE = Rule(
    number=110,
    group=Group.ACCESS,
    severity=Severity.BLOCK,
    title="No way to a node's files",
    message="{n}: no way to touch files ({needs})",
    remedy="accept it until the clean-up: moving a node and bringing it back take the API alone, but then no check sees the "
    "node's own facts; or replace the node (nodes.move: replace)",
    check=check,
    failures=(36,),
    reads=("nodes",),
)
