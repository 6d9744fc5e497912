"""What is done in each phase, in the order of ``procedure.md`` §3; of P4 and P5 what follows the nodes' own scripts."""

from __future__ import annotations

from collections.abc import Callable, Iterator, Mapping
from operator import is_

from migrate.engine.script import CALICO, ENFORCE_CNC, MIGRATION_CNC, Keyed, Script, gate, measurable, moved
from migrate.model.commands import Command, Name
from migrate.model.draft import Draft, Stage
from migrate.model.run import Phase, Run

__all__ = ["phase_script"]


def _bridged(draft: Draft) -> bool:
    return draft.settings.policy_in_window == "bridged"


def phase_script(run: Run) -> Script:
    """Give the commands of the run's phase, in order; of P4 and P5 those that follow the nodes' own."""
    written = _PHASE_SCRIPTS.get(run.phase)
    if written is None:
        return ()
    seen = (run.plan, run.phase, run.nodes, run.order, run.waves)
    if _LAST and all(map(is_, _LAST[0][0], seen)):
        return _LAST[0][2]
    about = (run.phase, tuple(moved(run)), tuple(run.nodes))
    if _LAST and _LAST[0][0][0] is run.plan and _LAST[0][1] == about:
        script = _LAST[0][2]
    else:
        script = Keyed(measurable(run, written(run, run.plan.draft)))
    _LAST[:] = [(seen, about, script)]
    return script


_LAST: list[tuple[tuple[object, ...], tuple[object, ...], Keyed]] = []
"""The script that was made last and what it was made of: it is the same until a node joins or leaves, or the phase ends."""


def _backing_up(run: Run, draft: Draft) -> Iterator[Command]:
    del run, draft
    yield Command(Name.BACKUP_CLUSTER)


def _proving_the_canary(run: Run, draft: Draft) -> Iterator[Command]:
    del run, draft
    yield Command(Name.PROBE, args={"rows": "mixed"})
    yield from (gate(g) for g in (6, 7, 8, 5, 26))


def _closing_the_loop(run: Run, draft: Draft) -> Iterator[Command]:
    del run, draft
    yield from (gate(26), gate(19))


def _auditing(run: Run, draft: Draft) -> Iterator[Command]:
    del run
    yield Command(Name.SOAK, args={"seconds": draft.settings.audit_s, "flows": True, "name": "audit"})
    yield from (gate(18, window="audit"), gate(27, window="audit"))


def _watching(run: Run, draft: Draft) -> Iterator[Command]:
    del run
    yield Command(Name.SOAK, args={"seconds": draft.settings.final_soak_s, "flows": True, "name": "final"})
    yield Command(Name.PROBE, args={"rows": "all"})
    yield from (gate(g) for g in (5, 10, 14))
    yield from (gate(g, window="final") for g in (15, 18, 17, 28))


def _cleaning(run: Run, draft: Draft) -> Iterator[Command]:
    del draft
    yield from (Command(Name.CLEAN_NODE, name) for name in sorted(run.nodes))


def _verifying(run: Run, draft: Draft) -> Iterator[Command]:
    del draft
    for scan in (1, 2):
        yield from (Command(Name.VERIFY_NODE, name, {"scan": scan}) for name in sorted(run.nodes))
    yield from (
        Command(Name.VERIFY_CLUSTER),
        gate(21),
        Command(Name.PROBE, args={"rows": "all"}),
        gate(5),
        gate(9),
    )


def _reporting(run: Run, draft: Draft) -> Iterator[Command]:
    del run, draft
    yield from (Command(Name.SWEEP_MARKS), Command(Name.WRITE_REPORT), Command(Name.RELEASE_LEASE))


def _pinning(run: Run, draft: Draft) -> Iterator[Command]:
    del run
    yield gate(22)
    yield from (command for command, _ in draft.pins)
    yield from (gate(12), gate(13))


def _installing(run: Run, draft: Draft) -> Iterator[Command]:
    """Install Cilium beside Calico; what is there before is measured before (``procedure.md`` §3, P3)."""
    del run
    yield gate(22)
    yield Command(Name.PROBE, args={"rows": "baseline"})
    yield Command(Name.COLLECT_BASELINE_FLOWS)
    yield Command(Name.HELM_INSTALL, args={"stage": str(Stage.MIGRATION)})
    yield Command(Name.WAIT_CRDS)
    yield from (gate(2), gate(30, stage=str(Stage.MIGRATION)))
    yield Command(Name.APPLY_NODE_CONFIG, args={"name": MIGRATION_CNC})
    yield Command(Name.STAGE_POLICIES, args={"set": "staged"})
    if _bridged(draft):
        yield Command(Name.STAGE_POLICIES, args={"set": "allowance"})
    yield from (gate(1), gate(3, expect=CALICO))
    yield Command(Name.PROBE, args={"rows": "baseline", "again": True})
    yield from (gate(4, expect=CALICO), gate(5), gate(10), gate(12), gate(13))


def _finishing(run: Run, draft: Draft) -> Iterator[Command]:
    stage = str(Stage.FINAL if _bridged(draft) else Stage.AUDIT)
    yield from (gate(26), gate(22))
    if _bridged(draft):
        yield Command(Name.UNSTAGE_POLICIES, args={"set": "allowance"})
    yield Command(Name.HELM_UPGRADE, args={"stage": stage})
    yield Command(Name.RESTART_OPERATOR, args={"stage": stage})
    for node in moved(run):
        yield Command(Name.RESTART_AGENT, node, {"as": stage})
        yield from (gate(g, node) for g in (2, 3, 30))
    yield Command(Name.DELETE_NODE_CONFIG, args={"name": MIGRATION_CNC})
    for node in moved(run):
        yield Command(Name.UNLABEL_NODE, node, {"label": MIGRATION_CNC})
    yield from (gate(30, stage=stage), gate(3), gate(29))


def _enforcing(run: Run, draft: Draft) -> Iterator[Command]:
    stage = str(Stage.FINAL)
    yield gate(22)
    if draft.policies.deferred:
        yield Command(Name.STAGE_POLICIES, args={"set": "deferred"})
    if _bridged(draft):
        yield gate(30, stage=stage)
        return
    yield Command(Name.APPLY_NODE_CONFIG, args={"name": ENFORCE_CNC})
    soak_s = draft.settings.waves.soak_s
    for node in moved(run):
        yield Command(Name.SET_ENFORCEMENT, node, {"on": True})
        yield from (gate(g, node) for g in (2, 30))
        yield Command(Name.SOAK, node, {"seconds": soak_s, "flows": True, "name": "enforce"})
        yield from (gate(10, node), gate(18, node, window="enforce"), gate(17, node, window="enforce"))
    yield Command(Name.HELM_UPGRADE, args={"stage": stage})
    yield Command(Name.RESTART_OPERATOR, args={"stage": stage})
    for node in moved(run):
        yield Command(Name.RESTART_AGENT, node, {"as": stage})
        yield gate(2, node)
    yield Command(Name.DELETE_NODE_CONFIG, args={"name": ENFORCE_CNC})
    for node in moved(run):
        yield Command(Name.UNLABEL_NODE, node, {"label": ENFORCE_CNC})
    yield gate(30, stage=stage)


def _removing(run: Run, draft: Draft) -> Iterator[Command]:
    """Remove Calico from the cluster in the safe order of ``removal.md`` §4."""
    del run
    yield from (gate(22), gate(19), gate(30, stage=str(Stage.FINAL)))
    yield Command(Name.DISABLE_AUTO_HEP)
    yield Command(Name.DELETE_HOST_ENDPOINTS)
    yield gate(14)
    if draft.variant.install in {"operator", "helm"}:
        yield Command(Name.DELETE_OPERATOR_CRS)
    yield Command(Name.DELETE_WORKLOADS)
    yield Command(Name.DELETE_API_SERVICE)
    yield Command(Name.DELETE_WEBHOOKS)
    yield from (gate(25), gate(9))
    for name in (
        Name.DELETE_CRS,
        Name.DELETE_CRDS,
        Name.DELETE_RBAC,
        Name.DELETE_NAMESPACES,
        Name.CLEAN_NODE_ANNOTATIONS,
    ):
        yield Command(name)
    yield from (gate(25), gate(9), gate(29))


_PHASE_SCRIPTS: Mapping[Phase, Callable[[Run, Draft], Iterator[Command]]] = {
    Phase.BACKUP: _backing_up,
    Phase.PIN_CALICO: _pinning,
    Phase.INSTALL_CILIUM: _installing,
    Phase.CANARY: _proving_the_canary,
    Phase.NODE_LOOP: _closing_the_loop,
    Phase.FINAL_HELM: _finishing,
    Phase.AUDIT: _auditing,
    Phase.ENFORCE: _enforcing,
    Phase.SOAK: _watching,
    Phase.REMOVE_CALICO: _removing,
    Phase.CLEAN_NODES: _cleaning,
    Phase.VERIFY: _verifying,
    Phase.REPORT: _reporting,
}
