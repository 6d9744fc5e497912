"""Turn a judged draft into a plan: every step with its undo, limits and gates, bound to what it was made from.

Pure and deterministic: the same input gives the same bytes, so that the hash names the plan.
"""

from __future__ import annotations

from collections.abc import Iterator, Mapping, Sequence
from dataclasses import replace
from typing import Any

from migrate.engine.bound import bound
from migrate.engine.machine import begin
from migrate.engine.node_moves import SWITCHED
from migrate.engine.node_scripts import node_script
from migrate.engine.phase_scripts import phase_script
from migrate.engine.placement import movable_pods
from migrate.engine.plan_file import plan_document
from migrate.engine.run_moves import phases
from migrate.model.commands import Command, Name
from migrate.model.draft import Draft
from migrate.model.findings import Finding
from migrate.model.hooks import numbers
from migrate.model.plan import Plan, Step, digest
from migrate.model.pods import Pod
from migrate.model.run import PATH, NodeRun, NodeStatus, Phase, Run
from migrate.model.serial import encode
from migrate.model.snapshot import Snapshot

__all__ = ["make_plan", "steps_of"]

_REBOOT_ONLY, _RECYCLE_ONLY = NodeStatus.REBOOTED, NodeStatus.RECYCLED


def make_plan(
    snapshot: Snapshot,
    draft: Draft,
    findings: Sequence[Finding] = (),
    *,
    blocked: bool = False,
    exposure: Sequence[Mapping[str, Any]] = (),
    inputs: Mapping[str, Any] | None = None,
    clean_up: bool = False,
) -> Plan:
    """Give the plan of a draft; ``findings`` and ``blocked`` are preflight's."""
    empty = Plan(draft, clean_up=clean_up, blocked=blocked)
    plan = replace(
        empty,
        steps=tuple(steps_of(empty, snapshot)),
        bound=bound(snapshot),
        findings=tuple(encode(f) for f in findings),
        exposure=tuple(exposure),
        inputs=inputs or {},
    )
    return replace(plan, hash=digest(plan_document(plan, with_hash=False)))


# Steps.


def steps_of(plan: Plan, snapshot: Snapshot) -> Iterator[Step]:
    """Give every step of a run in which all goes well, in the order in which it is taken."""
    run = begin("plan", plan, sorted(plan.draft.nodes))
    moving = movable_pods(snapshot)
    for phase in phases(run):
        at = replace(run, phase=phase)
        canaries = plan.draft.canaries
        if phase is Phase.CANARY:
            for name in canaries:
                yield from _node_steps(at, name, moving.get(name, ()))
        if phase is Phase.NODE_LOOP:
            for name in (n for wave in plan.draft.waves for n in wave if n not in canaries):
                yield from _node_steps(at, name, moving.get(name, ()))
        yield from _with_gates(phase, phase_script(at), plan)


def _node_steps(run: Run, name: str, pods: Sequence[Pod]) -> Iterator[Step]:
    """Give the steps of one node; hooks are those that name a pod there now, and the run looks again."""
    how = run.plan.draft.nodes.get(name)
    after = how is not None and how.mode == "recycle" and how.recycle_order == "after"
    for status in PATH[:-1]:
        replaced = how is not None and how.mode == "replace"
        if (
            replaced and status is NodeStatus.LABELLED
        ):  # whoever comes in its place is switched from its birth
            continue
        wrong_way = status is (_RECYCLE_ONLY if how is not None and how.reboot else _REBOOT_ONLY)
        if wrong_way or (after and status is NodeStatus.DRAINED):
            continue
        born = replaced and status in SWITCHED
        node = NodeRun(name, status, selected=True, prior={} if born else {"unschedulable": False})
        script = list(node_script(run, node))
        if status is NodeStatus.CORDONED:
            named = numbers(run.plan.draft.settings.nodes.hooks, pods)
            script = [*(Command(Name.RUN_HOOK, name, {"hook": n}) for n in named), *script]
        if status is NodeStatus.CORDONED and not after and pods:
            script.append(Command(Name.EVICT, name, {"pods": len(pods)}))
        yield from _with_gates(run.phase, script, run.plan)


def _with_gates(phase: Phase, script: Sequence[Command], plan: Plan) -> Iterator[Step]:
    """Give a step for each command, the gates that follow it beside it."""
    step: Step | None = None
    for command in script:
        if command.name is Name.EVALUATE_GATE and step is not None:
            step = replace(step, gates=(*step.gates, str(command.args["gate"])))
            continue
        if step is not None:
            yield step
        step = _step(phase, command, plan)
    if step is not None:
        yield step


def _step(phase: Phase, command: Command, plan: Plan) -> Step:
    deadlines, nature = plan.draft.settings.deadlines, command.nature
    limit = deadlines.commands.get(command.name, nature.timeout_s or deadlines.step_s)
    if command.name is Name.EVICT:
        limit = deadlines.drain_s
    if command.name is Name.SOAK:
        limit = float(command.args["seconds"])
    gates = (str(command.args["gate"]),) if command.name is Name.EVALUATE_GATE else ()
    file = str(command.args.get("path", "")).rpartition("/")[2] if command.name is Name.HOST_DROP_IN else ""
    return Step(
        id="/".join(part for part in (str(phase), command.node, str(command.name), file) if part),
        phase=str(phase),
        command=str(command.name),
        node=command.node,
        args=command.args,
        undo=str(nature.undo or ""),
        timeout_s=limit,
        gates=gates,
    )
