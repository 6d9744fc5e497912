"""Deeds that programs of the user's do: a hook is begun, and looked at in later turns until it has ended.

Nothing shows from outside whether one was run: a process that resumes runs it again, so it has to bear that.
"""

from __future__ import annotations

from collections.abc import Mapping

from migrate.driver.artefacts import artefact
from migrate.driver.deeds import Deed, Done, Failed, Look, Waiting, Workshop
from migrate.driver.sight import movable, pods_of
from migrate.model.commands import Command, Name
from migrate.model.events import FailureClass
from migrate.model.hooks import Hook
from migrate.ports import ProgramState

__all__ = ["DEEDS"]

MARGIN_S = 1.0
"""A program's own time ends before its command's: that it took too long is its failure, nothing that nobody knows."""
WORDS = 3


def _hook(work: Workshop, command: Command) -> Hook:
    return work.plan.draft.settings.nodes.hooks[int(command.args["hook"]) - 1]


def _run_hook(work: Workshop, command: Command) -> None:
    """Begin a hook for the pods of the node that it names now; without any there is nothing to be done."""
    hook = _hook(work, command)
    pods = [p.name for p in movable(pods_of(work.ports.cluster, command.node)) if hook.names(p)]
    if not pods:
        return
    environment = {
        "C2C_NODE": command.node,
        "C2C_NAMESPACE": hook.namespace,
        "C2C_PODS": " ".join(sorted(pods)),
        "C2C_RUN": work.run.id,
    }
    work.ports.programs.begin(command.key, hook.command, environment, _limit_s(work, command))


def _limit_s(work: Workshop, command: Command) -> float:
    opened = work.run.open.get(command.key)
    limits = work.plan.draft.settings.deadlines
    known = limits.commands.get(command.name, command.nature.timeout_s or limits.step_s)
    return (opened.until - opened.since if opened is not None else known) - MARGIN_S


def _hook_ran(work: Workshop, command: Command) -> Look:
    ran, hook = work.ports.programs.look(command.key), _hook(work, command)
    if ran is None:
        return Done()
    if ran.code is None:
        return Waiting(f"{command.node}: {hook.command[0]} works before the drain")
    found = {"hook": hook.selector, "namespace": hook.namespace, "command": hook.command[0]}
    sha = artefact(
        work,
        f"evidence/{command.node}/hook-{command.args['hook']}.json",
        {**found, "exit": ran.code, "late": ran.late, "last": list(ran.last)},
    )
    if ran.code == 0 and not ran.late:
        return Done({"evidence": sha})
    return Failed(FailureClass.PERMANENT, how_it_ended(hook.command[0], ran), {"evidence": sha})


def how_it_ended(program: str, ran: ProgramState) -> str:
    """Give the end of a program that failed in words, its own last ones too."""
    how = "did not end in its time and was killed" if ran.late else f"ended with {ran.code}"
    last = " ".join(ran.last[-WORDS:])
    return f"{program} {how}" + (f": {last}" if last else "")


DEEDS: Mapping[Name, Deed] = {
    Name.RUN_HOOK: Deed(_run_hook, _hook_ran, once=True, traceless=True),
}
