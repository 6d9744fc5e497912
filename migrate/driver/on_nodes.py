"""Deeds on one node: cordon, evict, label, restart its agent, renew its pods, and all of it back (``state.md`` §4)."""

from __future__ import annotations

from collections.abc import Iterable, Iterator, Mapping, Sequence
from datetime import datetime, timedelta
from typing import Any

from migrate.driver.deeds import Absent, Deed, Done, Failed, Look, Waiting, Workshop
from migrate.driver.sight import (
    CNC_LABELS,
    OWNED,
    agent_pod,
    calico_ranges,
    cilium_ranges,
    movable,
    node_annotations,
    node_labels,
    pod_start,
    pods_of,
    pods_with_addresses_in,
    ready,
    taints,
)
from migrate.engine.script import CALICO, CILIUM, CONF_PATH, ENFORCE_CNC, MIGRATION_CNC, node_plan
from migrate.model.commands import Command, Name
from migrate.model.draft import Stage
from migrate.model.events import FailureClass
from migrate.model.fields import at, text
from migrate.model.hooks import numbers
from migrate.model.installs import CONF_FILES
from migrate.model.pods import Pod
from migrate.model.run import NodeStatus
from migrate.ports import ApiError, Object

__all__ = ["DEEDS"]

CORDONED_BY, WAS_UNSCHEDULABLE = "c2c/cordoned-by", "c2c/was-unschedulable"
RUN, DESIRED, LAST_APPLIED, STATE = "c2c/run", "c2c/desired", "c2c/last-applied", "c2c/state"
AGENT_BEFORE, BOOT_BEFORE, MIGRATED_AT = "c2c/agent", "c2c/boot-id", "c2c/migrated-at"
MARKS = (
    CORDONED_BY,
    WAS_UNSCHEDULABLE,
    RUN,
    DESIRED,
    LAST_APPLIED,
    STATE,
    "c2c/reason",
    AGENT_BEFORE,
    BOOT_BEFORE,
)


def _node(work: Workshop, command: Command) -> Object:
    """Give the Node; raises ``ApiError`` where it is gone."""
    found = work.ports.cluster.get("nodes", command.node)
    if found is None:
        raise ApiError(FailureClass.NOT_FOUND, f"node {command.node} is gone", status=404)
    return found


def _patch(work: Workshop, command: Command, **parts: Any) -> None:  # noqa: ANN401  # parts of a Node
    work.ports.cluster.patch("nodes", command.node, "", parts)


def _annotate(work: Workshop, command: Command, values: Mapping[str, str | None]) -> None:
    _patch(work, command, metadata={"annotations": values})


# Scheduling.


def _cordon(work: Workshop, command: Command) -> None:
    """Remember what was, then cordon: a crash in between leaves a mark that does no harm."""
    node = _node(work, command)
    marks = node_annotations(work.ports.cluster, command.node)
    if marks.get(CORDONED_BY) != work.run.id:
        was = "true" if at(node, "spec", "unschedulable") else "false"
        _annotate(work, command, {CORDONED_BY: work.run.id, WAS_UNSCHEDULABLE: was, RUN: work.run.id})
    _patch(work, command, spec={"unschedulable": True})


def _cordoned(work: Workshop, command: Command) -> Look:
    node = _node(work, command)
    marks = node_annotations(work.ports.cluster, command.node)
    if not at(node, "spec", "unschedulable") or marks.get(CORDONED_BY) != work.run.id:
        return Absent()
    pods = _to_leave(work, command.node, command.args["leave"])
    replaced = (
        node_plan(work.run, command.node).mode == "replace"
    )  # whose machine is deleted by its Node's UID
    return Done(
        {
            **({"uid": text(node, "metadata", "uid")} if replaced else {}),
            "unschedulable": marks.get(WAS_UNSCHEDULABLE) == "true",
            "pods": to_evict(work, pods),
        }
    )


def _to_leave(work: Workshop, node: str, side: str) -> list[Pod]:
    """Give the pods that a drain must move: all that are movable, on the way back those on Cilium addresses."""
    pods = movable(pods_of(work.ports.cluster, node))
    return pods if side == CALICO else pods_with_addresses_in(pods, cilium_ranges(work))


def to_evict(work: Workshop, pods: Iterable[Pod]) -> list[dict[str, Any]]:
    """Give pods as the engine keeps them, each with the numbers of the hooks that go before its eviction."""
    said = work.plan.draft.settings.nodes.hooks
    named = [(p, numbers(said, [p])) for p in pods]
    return [
        {"uid": p.uid, "namespace": p.namespace, "name": p.name, **({"hooks": found} if found else {})}
        for p, found in named
    ]


def _uncordon(work: Workshop, command: Command) -> None:
    """Take our cordon off; the mark goes last, so that a crash in between is seen. A person's cordon stays."""
    if node_annotations(work.ports.cluster, command.node).get(WAS_UNSCHEDULABLE) != "true":
        _patch(work, command, spec={"unschedulable": None})
    _annotate(work, command, {CORDONED_BY: None, WAS_UNSCHEDULABLE: None})


def _uncordoned(work: Workshop, command: Command) -> Look:
    if work.ports.cluster.get("nodes", command.node) is None:
        return Done()
    ours = node_annotations(work.ports.cluster, command.node).get(CORDONED_BY) == work.run.id
    return Absent() if ours else Done()


def _guard_key(work: Workshop) -> str:
    return f"c2c/guard-{work.run.id}"


def _guard(work: Workshop, command: Command) -> None:
    """Taint every other node, so that evicted pods come back to this one."""
    for node in work.ports.cluster.list("nodes"):
        name = text(node, "metadata", "name")
        if name != command.node and not _guarded_by(work, node):
            _set_taints(work, node, [*taints(node), {"key": _guard_key(work), "effect": "NoSchedule"}])


def _set_taints(work: Workshop, node: Object, wanted: Sequence[Object]) -> None:
    """Replace a node's taints, only if nobody changed the node since it was read; else it is tried again."""
    name, version = text(node, "metadata", "name"), text(node, "metadata", "resourceVersion")
    try:
        work.ports.cluster.patch(
            "nodes", name, "", {"spec": {"taints": list(wanted) or None}}, version=version
        )
    except ApiError as error:
        if error.failure is FailureClass.CONFLICT:
            raise ApiError(
                FailureClass.TRANSIENT, f"{name} was changed by somebody meanwhile", status=409
            ) from error
        raise


def _guarded_by(work: Workshop, node: Object) -> bool:
    return any(t.get("key") == _guard_key(work) for t in taints(node))


def _guarded(work: Workshop, command: Command) -> Look:
    others = [n for n in work.ports.cluster.list("nodes") if text(n, "metadata", "name") != command.node]
    return Done() if all(_guarded_by(work, n) for n in others) else Absent()


def _unguard(work: Workshop, command: Command) -> None:
    del command
    for node in work.ports.cluster.list("nodes"):
        if _guarded_by(work, node):
            _set_taints(work, node, [t for t in taints(node) if t.get("key") != _guard_key(work)])


def _unguarded(work: Workshop, command: Command) -> Look:
    """Wait for the pods that the guard keeps for this node: the scheduler looks at them again when it pleases.

    Once the command's own time is over (it is looked at anew then) the guard goes in any case.
    """
    if not any(_guarded_by(work, n) for n in work.ports.cluster.list("nodes")):
        return Done()
    held = [] if command.reconcile else list(_held_back(work))
    return Waiting(f"{command.node}: {', '.join(held[:3])} wait for their place") if held else Absent()


def _held_back(work: Workshop) -> Iterator[str]:
    """Give the pods without a node that may be the node's own: those made since a node may be out at all."""
    since = work.ports.clock.now() - timedelta(seconds=work.plan.draft.settings.deadlines.node_s)
    for pod in work.ports.cluster.each("pods"):
        made = text(pod, "metadata", "creationTimestamp")
        if made and not text(pod, "spec", "nodeName") and datetime.fromisoformat(made) >= since:
            yield f"{text(pod, 'metadata', 'namespace')}/{text(pod, 'metadata', 'name')}"


# Pods.


def _evict(work: Workshop, command: Command) -> None:
    for refusal in _evict_together(work, [command]):
        if refusal is not None:
            raise refusal


def _evict_together(work: Workshop, commands: Sequence[Command]) -> Sequence[ApiError | None]:
    """Ask for evictions side by side; where another pod has the name, ours is gone."""
    refusals = work.ports.evictor.evict_all(
        [(c.args["namespace"], c.args["pod"], c.args["uid"]) for c in commands]
    )
    return [None if r is not None and r.failure is FailureClass.CONFLICT else r for r in refusals]


def _evicted(work: Workshop, command: Command) -> Look:
    args = command.args
    pod = work.ports.cluster.get("pods", args["pod"], args["namespace"])
    if pod is None or text(pod, "metadata", "uid") != args["uid"]:
        return Done()
    if at(pod, "metadata", "deletionTimestamp"):
        return Waiting(f"{command.node}: {args['namespace']}/{args['pod']} is stopping")
    return Absent()


def _side(work: Workshop, name: str) -> tuple[str, ...]:
    return calico_ranges(work.ports.cluster) if name == CALICO else cilium_ranges(work)


def _left_over(work: Workshop, command: Command, *, daemon_sets: bool) -> list[Pod]:
    pods = pods_with_addresses_in(
        pods_of(work.ports.cluster, command.node), _side(work, command.args["from"])
    )
    own = [p for p in pods if p.labels.get("c2c/owned") != "true"]
    return [p for p in own if p.movable or (daemon_sets and p.of_daemon_set)]


def _recycle(work: Workshop, command: Command) -> None:
    """Evict what is movable, delete what a DaemonSet owns: its controller makes it anew at once."""
    for pod in _left_over(work, command, daemon_sets=bool(command.args.get("daemon_sets"))):
        if pod.deleted_at:
            continue
        if pod.of_daemon_set:
            work.ports.cluster.delete("pods", pod.name, pod.namespace, uid=pod.uid)
        else:
            work.ports.evictor.evict(pod.namespace, pod.name, pod.uid)


def _recycled(work: Workshop, command: Command) -> Look:
    left = _left_over(work, command, daemon_sets=bool(command.args.get("daemon_sets")))
    if not left:
        return Done()
    stopping = all(p.deleted_at for p in left)
    return Waiting(f"{command.node}: {left[0].label} keeps its address") if stopping else Absent()


def _restart_daemons(work: Workshop, command: Command) -> None:
    """Restart the DaemonSet pods on old addresses, one DaemonSet at a time."""
    left = [p for p in _daemon_pods(work, command) if not p.deleted_at]
    for pod in left:
        if _owner(pod) == _owner(left[0]):
            work.ports.cluster.delete("pods", pod.name, pod.namespace, uid=pod.uid)


def _daemon_pods(work: Workshop, command: Command) -> list[Pod]:
    pods = pods_with_addresses_in(
        pods_of(work.ports.cluster, command.node), _side(work, command.args["from"])
    )
    return sorted((p for p in pods if p.of_daemon_set), key=_owner)


def _owner(pod: Pod) -> tuple[str, str]:
    return pod.namespace, pod.owner.name if pod.owner is not None else ""


def _daemons_restarted(work: Workshop, command: Command) -> Look:
    left = _daemon_pods(work, command)
    if not left:
        return Done()
    return (
        Waiting(f"{command.node}: {left[0].label} is stopping")
        if all(p.deleted_at for p in left)
        else Absent()
    )


# Label and agent.


def _label(work: Workshop, command: Command) -> None:
    """Arm the node: what the agent was is recorded before, and no pod with a Calico address may be left."""
    if command.args.get("drained"):
        left = pods_with_addresses_in(
            movable(pods_of(work.ports.cluster, command.node)), calico_ranges(work.ports.cluster)
        )
        if left:
            raise NotDrained(to_evict(work, left))
    if CNC_LABELS[MIGRATION_CNC] not in node_labels(work.ports.cluster, command.node):
        before = pod_start(agent_pod(work.ports.cluster, command.node))
        _annotate(work, command, {AGENT_BEFORE: f"{CILIUM} {before}", DESIRED: CILIUM})
    _patch(work, command, metadata={"labels": {CNC_LABELS[MIGRATION_CNC]: "true"}})


class NotDrained(Exception):  # an outcome that travels to the loop
    """Pods with a Calico address came to a node that was thought drained."""

    def __init__(self, pods: Sequence[Mapping[str, Any]]) -> None:
        self.pods = pods
        super().__init__(f"{len(self.pods)} pods with a Calico address are left")


def _labelled(work: Workshop, command: Command) -> Look:
    if node_labels(work.ports.cluster, command.node).get(CNC_LABELS[MIGRATION_CNC]) != "true":
        return Absent()
    before = node_annotations(work.ports.cluster, command.node).get(AGENT_BEFORE, "")
    return Done({"agent": before.partition(" ")[2]})


def _unlabel(work: Workshop, command: Command) -> None:
    name = command.args.get("label", MIGRATION_CNC)
    _patch(work, command, metadata={"labels": {CNC_LABELS[name]: None}})


def _unlabelled(work: Workshop, command: Command) -> Look:
    key = CNC_LABELS[command.args.get("label", MIGRATION_CNC)]
    return Absent() if key in node_labels(work.ports.cluster, command.node) else Done()


def _restart_agent(work: Workshop, command: Command) -> None:
    _restart(work, command, str(command.args["as"]))


def _restart(work: Workshop, command: Command, role: str) -> None:
    """Delete the agent's pod by uid; for which role, and which start it was, is kept before."""
    pod = agent_pod(work.ports.cluster, command.node)
    if pod is None:
        return
    metadata = at(pod, "metadata")
    _annotate(work, command, {AGENT_BEFORE: f"{role} {pod_start(pod)}"})
    work.ports.cluster.delete(
        "pods", text(metadata, "name"), text(metadata, "namespace"), uid=text(metadata, "uid")
    )


def _renewed(work: Workshop, command: Command, role: str, pod: Object | None) -> bool:
    """Say whether the agent was restarted for this role already: then what it is not yet is waited for."""
    for_role, _, before = (
        node_annotations(work.ports.cluster, command.node).get(AGENT_BEFORE, "").partition(" ")
    )
    return for_role == role and (pod is None or pod_start(pod) != before)


def _agent_restarted(work: Workshop, command: Command) -> Look:
    """The agent that runs is what it should be; an old one that is not is absent, a new one that is not yet, waited for."""
    role = str(command.args["as"])
    wanted = wanted_config(work, role)
    pod = agent_pod(work.ports.cluster, command.node)
    running = work.ports.nodes.agent_config(command.node) if ready(pod) else None
    if running is not None and all(running.get(k) == v for k, v in wanted.items()):
        return Done({"agent_now": pod_start(pod)})
    return (
        Waiting(f"{command.node}: the agent is starting") if _renewed(work, command, role, pod) else Absent()
    )


def wanted_config(work: Workshop, role: str) -> dict[str, str | None]:
    """Give the keys that tell whether an agent runs as it should, overrides of its node merged."""
    if role == CALICO:
        return {"custom-cni-conf": "true"}
    if role == CILIUM:
        return {"custom-cni-conf": "false", "write-cni-conf-when-ready": CONF_PATH}
    meant = work.plan.draft.meant[Stage(role)]
    keys = ("custom-cni-conf", "enable-policy", "policy-audit-mode")
    found = {k: meant.get(k) for k in keys}
    if role == Stage.FINAL or work.plan.draft.settings.policy_in_window == "bridged":
        found.pop("policy-audit-mode")
    return found


def _set_enforcement(work: Workshop, command: Command) -> None:
    on = bool(command.args["on"])
    labels_ = node_labels(work.ports.cluster, command.node)
    if (CNC_LABELS[ENFORCE_CNC] in labels_) != on:
        _patch(work, command, metadata={"labels": {CNC_LABELS[ENFORCE_CNC]: "true" if on else None}})
    _restart(work, command, _enforcement(command))


def _enforcement(command: Command) -> str:
    return "enforce" if command.args["on"] else "audit"


def _enforcing(work: Workshop, command: Command) -> Look:
    on = bool(command.args["on"])
    labelled = CNC_LABELS[ENFORCE_CNC] in node_labels(work.ports.cluster, command.node)
    pod = agent_pod(work.ports.cluster, command.node)
    running = work.ports.nodes.agent_config(command.node) if ready(pod) else None
    audits = (running or {}).get("policy-audit-mode") == "true"
    if labelled == on and running is not None and audits != on:
        return Done()
    fresh = labelled == on and _renewed(work, command, _enforcement(command), pod)
    return Waiting(f"{command.node}: the agent is starting") if fresh else Absent()


# The host.


def _reboot(work: Workshop, command: Command) -> None:
    work.ports.nodes.reboot(command.node)


def _rebooted(work: Workshop, command: Command) -> Look:
    before = work.prior(command.node, "boot_id") or node_annotations(work.ports.cluster, command.node).get(
        BOOT_BEFORE, ""
    )
    now = text(_node(work, command), "status", "nodeInfo", "bootID")
    if not before:
        return Failed(FailureClass.PERMANENT, f"{command.node}: the boot id before is not known")
    if now == before:
        return Absent()
    if not ready(agent_pod(work.ports.cluster, command.node)):
        return Waiting(f"{command.node}: rebooted, its agent is starting")
    return Done({"boot_now": now})


def _restore_conf(work: Workshop, command: Command) -> None:
    work.ports.nodes.restore_calico_conf(command.node)


def _conf_restored(work: Workshop, command: Command) -> Look:
    files = work.ports.nodes.conf_files(command.node)
    calico = [f for f in files if f in CONF_FILES]
    return Done() if calico and files[0] == calico[0] and "05-cilium.conflist" not in files else Absent()


def _sweep(work: Workshop, command: Command) -> None:
    work.ports.nodes.sweep(command.node)


def _swept(work: Workshop, command: Command) -> Look:
    if not work.ports.nodes.lock_free(command.node):
        return Waiting(f"{command.node}: a module still works there")
    return Done()


def _mark(work: Workshop, command: Command) -> None:
    now = work.ports.clock.now().strftime("%Y-%m-%dT%H:%M:%SZ")
    _annotate(work, command, {MIGRATED_AT: now, LAST_APPLIED: CILIUM, DESIRED: CILIUM})


def _marked(work: Workshop, command: Command) -> Look:
    return Done() if MIGRATED_AT in node_annotations(work.ports.cluster, command.node) else Absent()


def _sweep_marks(work: Workshop, command: Command) -> None:
    """Remove our taints, annotations and probe pods; ``migrated-at`` stays where a node has stayed on Cilium."""
    _unguard(work, command)
    work.ports.prober.remove()
    for node in work.ports.cluster.list("nodes"):
        if ours := _marks_to_go(work, node):
            name = text(node, "metadata", "name")
            work.ports.cluster.patch("nodes", name, "", {"metadata": {"annotations": dict.fromkeys(ours)}})


def _marks_to_go(work: Workshop, node: Object) -> list[str]:
    state = work.run.nodes.get(text(node, "metadata", "name"))
    back = state is not None and state.status is NodeStatus.ROLLED_BACK
    found = at(node, "metadata", "annotations") or {}
    return [k for k in (*MARKS, *((MIGRATED_AT,) if back else ())) if k in found]


def _probes_left(work: Workshop) -> bool:
    ours = {**OWNED, "c2c/run": work.run.id}
    pods = work.ports.cluster.list("pods", work.plan.draft.settings.namespace, labels=ours)
    return any(not at(pod, "metadata", "deletionTimestamp") for pod in pods)


def _marks_swept(work: Workshop, command: Command) -> Look:
    del command
    nodes = work.ports.cluster.list("nodes")
    left = any(_marks_to_go(work, n) for n in nodes) or _probes_left(work)
    return Absent() if left or any(_guarded_by(work, n) for n in nodes) else Done()


DEEDS: Mapping[Name, Deed] = {
    Name.CORDON: Deed(_cordon, _cordoned),
    Name.UNCORDON: Deed(_uncordon, _uncordoned),
    Name.GUARD_TAINT: Deed(_guard, _guarded),
    Name.UNGUARD_TAINT: Deed(_unguard, _unguarded),
    Name.EVICT: Deed(_evict, _evicted, once=True, together=_evict_together),
    Name.RECYCLE_PODS: Deed(_recycle, _recycled),
    Name.RESTART_DAEMON_PODS: Deed(_restart_daemons, _daemons_restarted),
    Name.LABEL_NODE: Deed(_label, _labelled),
    Name.UNLABEL_NODE: Deed(_unlabel, _unlabelled),
    Name.RESTART_AGENT: Deed(_restart_agent, _agent_restarted),
    Name.SET_ENFORCEMENT: Deed(_set_enforcement, _enforcing),
    Name.REBOOT: Deed(_reboot, _rebooted),
    Name.RESTORE_CALICO_CONF: Deed(_restore_conf, _conf_restored),
    Name.SWEEP_NODE: Deed(_sweep, _swept, once=True, traceless=True),
    Name.ANNOTATE_NODE: Deed(_mark, _marked),
    Name.SWEEP_MARKS: Deed(_sweep_marks, _marks_swept),
}
