"""Deeds that programs of the user's do: one is begun, and looked at in later turns until it has ended.

Nothing shows from outside whether one was run: a process that resumes runs it again, so it has to bear that.
"""

from __future__ import annotations

from collections.abc import Mapping

from migrate.driver.artefacts import artefact
from migrate.driver.deeds import Deed, Done, Failed, Look, Waiting, Workshop, nothing
from migrate.driver.sight import is_labelled, movable, pods_of
from migrate.model.commands import Command, Name
from migrate.model.events import FailureClass
from migrate.model.fields import text
from migrate.model.hooks import Hook
from migrate.model.run import NodeStatus
from migrate.ports import ProgramState

__all__ = ["DEEDS"]

MARGIN_S = 1.0
"""A program's own time ends before its command's: that it took too long is its failure, nothing that nobody knows."""
WORDS = 3


def _limit_s(work: Workshop, command: Command) -> float:
    opened = work.run.open.get(command.key)
    limits = work.plan.draft.settings.deadlines
    known = limits.commands.get(command.name, command.nature.timeout_s or limits.step_s)
    return (opened.until - opened.since if opened is not None else known) - MARGIN_S


def _kept(work: Workshop, command: Command, name: str, program: str, ran: ProgramState) -> str:
    """Write how a program ended as evidence of the node, and give its sum."""
    found = {"program": program, "exit": ran.code, "late": ran.late, "last": list(ran.last)}
    return artefact(work, f"evidence/{command.node}/{name}.json", found)


def _failed(work: Workshop, command: Command, name: str, program: str, ran: ProgramState) -> Failed:
    how = "did not end in its time and was killed" if ran.late else f"ended with {ran.code}"
    last = " ".join(ran.last[-WORDS:])
    sha = _kept(work, command, name, program, ran)
    return Failed(
        FailureClass.PERMANENT, f"{program} {how}" + (f": {last}" if last else ""), {"evidence": sha}
    )


def _went_wrong(ran: ProgramState) -> bool:
    return ran.late or ran.code not in {None, 0}


# Hooks.


def _hook(work: Workshop, command: Command) -> Hook:
    return work.plan.draft.settings.nodes.hooks[int(command.args["hook"]) - 1]


def _run_hook(work: Workshop, command: Command) -> None:
    """Begin a hook for the pods of the node that it names now; without any there is nothing to be done."""
    hook = _hook(work, command)
    pods = [p.name for p in movable(pods_of(work.ports.cluster, command.node)) if hook.names(p)]
    if not pods:
        work.ports.programs.forget(command.key)
        return
    environment = {
        "C2C_NODE": command.node,
        "C2C_NAMESPACE": hook.namespace,
        "C2C_PODS": " ".join(sorted(pods)),
        "C2C_RUN": work.run.id,
    }
    work.ports.programs.begin(command.key, hook.command, environment, _limit_s(work, command))


def _hook_ran(work: Workshop, command: Command) -> Look:
    ran, program = work.ports.programs.look(command.key), _hook(work, command).command[0]
    name = f"hook-{command.args['hook']}"
    if ran is None:
        return Done()
    if _went_wrong(ran):
        return _failed(work, command, name, program, ran)
    if ran.code is None:
        return Waiting(f"{command.node}: {program} works before the drain")
    return Done({"evidence": _kept(work, command, name, program, ran)})


# Machines.


def _is_gone(work: Workshop, command: Command) -> bool:
    """Say whether the Node of before is gone; another machine may have come under its name."""
    live = work.ports.cluster.get("nodes", command.node)
    return live is None or text(live, "metadata", "uid") != work.prior(command.node, "uid")


def _delete_machine(work: Workshop, command: Command) -> None:
    """Begin the user's program that deletes the machine of a node, by the Node's UID, unless it is gone already."""
    live = work.ports.cluster.get("nodes", command.node)
    if live is None or _is_gone(work, command):
        work.ports.programs.forget(command.key)
        return
    environment = {
        "C2C_NODE": command.node,
        "C2C_NODE_UID": text(live, "metadata", "uid"),
        "C2C_PROVIDER_ID": text(live, "spec", "providerID"),
        "C2C_RUN": work.run.id,
    }
    words = work.plan.draft.settings.nodes.replace
    work.ports.programs.begin(command.key, words, environment, _limit_s(work, command))


def _machine_gone(work: Workshop, command: Command) -> Look:
    """The program has ended well, and the Node of before is gone."""
    ran, program = work.ports.programs.look(command.key), work.plan.draft.settings.nodes.replace[0]
    if ran is not None and _went_wrong(ran):
        return _failed(work, command, "replace", program, ran)
    if ran is not None and ran.code is None:
        return Waiting(f"{command.node}: {program} deletes its machine")
    if not _is_gone(work, command):
        return Waiting(f"{command.node}: its machine was deleted, its Node is still there")
    kept = {"evidence": _kept(work, command, "replace", program, ran)} if ran is not None else {}
    return Done({"deleted": True, **kept})


def _followed(work: Workshop, command: Command) -> Look:
    """A machine has come in the place of the one that was deleted: under its name, or as many new ones as are gone.

    The watch tells of new machines; here they are counted, so that no machine is taken away before the last one has come
    back.
    """
    nodes, planned = work.run.nodes, work.plan.draft.nodes
    live = work.ports.cluster.get("nodes", command.node)
    if live is not None and _is_gone(work, command):
        again = {"again": text(live, "metadata", "uid"), "labelled": is_labelled(live)}
        return Done({"followed": True, **again})
    new = {n for n in nodes if n not in planned}
    followed = [
        n for n, s in nodes.items()
        if s.status is NodeStatus.GONE and s.prior.get("followed")
    ]  # fmt: skip
    waiting = (o.command for o in work.run.open.values() if o.command.name is Name.AWAIT_MACHINE)
    before = [c.node for c in waiting if c.node < command.node]
    if len(new) > len(followed) + len(before):
        return Done({"followed": True})
    return Waiting(f"{command.node}: no machine has come in its place yet")


DEEDS: Mapping[Name, Deed] = {
    Name.RUN_HOOK: Deed(_run_hook, _hook_ran, once=True, traceless=True),
    Name.DELETE_MACHINE: Deed(_delete_machine, _machine_gone, once=True, traceless=True),
    Name.AWAIT_MACHINE: Deed(nothing, _followed),
}
