"""What goes out next: it follows from the state alone, so a resumed run goes on exactly as it would have.

At most one command of a script is out at a time, but for evictions, which go out together: budgets hold them back.
"""

from __future__ import annotations

from collections.abc import Iterable
from itertools import chain, count, islice, takewhile

from migrate.engine import node_machine, run_machine
from migrate.engine.node_scripts import node_script
from migrate.engine.phase_scripts import phase_script
from migrate.engine.rollback import after_the_nodes, before_the_nodes
from migrate.engine.run_moves import NODES, stop
from migrate.engine.script import awaits_machine, pending
from migrate.engine.turn import Turn
from migrate.model.census import census
from migrate.model.commands import Command, Name
from migrate.model.events import Event, Kind
from migrate.model.run import IN_HAND, OUT, NodeRun, NodeStatus, Phase, Run, RunStatus

__all__ = ["advance"]

FINAL = frozenset(
    {NodeStatus.DONE, NodeStatus.SKIPPED, NodeStatus.GONE, NodeStatus.ROLLED_BACK, NodeStatus.HALTED}
)
MOVED = frozenset({NodeStatus.DONE, NodeStatus.GONE})
SAFE = (
    frozenset({NodeStatus.UNCORDONED, NodeStatus.SOAKED})
    | FINAL
    | {NodeStatus.PENDING, NodeStatus.PREFLIGHTED}
)
"""States in which a stopping run leaves a node."""


def advance(turn: Turn) -> None:
    """Send out what the state asks for."""
    match turn.run.status:
        case RunStatus.RUNNING:
            _run(turn)
        case RunStatus.STOPPING:
            _stop(turn)
        case RunStatus.ABORTING:
            _abort(turn)
        case RunStatus.ROLLING_BACK:
            _roll_back(turn)


def _run(turn: Turn) -> None:
    run = turn.run
    if not run.window_open and _changes_something(run):
        turn.change(
            status=RunStatus.STOPPING,
            target=RunStatus.PAUSED,
            target_reason="window",
            resume_as=RunStatus.RUNNING,
        )
        _stop(turn)
        return
    if run.phase in {Phase.CANARY, Phase.NODE_LOOP} and not _nodes_finished(turn):
        return
    _next(turn, phase_script(turn.run))
    if not any(pending(phase_script(turn.run), turn.run.done)) and not turn.run.open:
        run_machine.deliver(turn, Event(Kind.PHASE_COMPLETE, at=turn.at))
        if turn.run.status is not RunStatus.RUNNING or turn.run.phase is not run.phase:
            advance(turn)


def _changes_something(run: Run) -> bool:
    """Say whether a changing step is due or in hand; soaks and audits go on outside the window."""
    if run.phase in {Phase.CANARY, Phase.NODE_LOOP}:
        out = {NodeStatus.PENDING, *OUT, NodeStatus.PREFLIGHTED}
        return any(n.status in out for n in run.nodes.values())
    due = next(iter(pending(phase_script(run), run.done)), None)
    return due is not None and due.nature.mutates


def _next(turn: Turn, script: Iterable[Command], owner: str = "") -> None:
    """Send out the next command of a script, or all evictions that stand first."""
    done = turn.node(owner).done if owner else turn.run.done
    waiting = pending(script, done)
    first = next(waiting, None)
    if first is not None and first.name is Name.EVICT:
        for command in takewhile(lambda c: c.name is Name.EVICT, chain((first,), waiting)):
            turn.order(command, owner)
        return
    if first is not None and not any(o.owner == owner for o in turn.run.open.values()):
        turn.order(first, owner)


# The nodes.


def _nodes_finished(turn: Turn) -> bool:
    """Send the nodes of the phase on; say whether none is left to wait for."""
    steady = turn.is_steady
    if not steady or any(_moved(turn, name) for name in turn.touched):
        _select(turn)
    nodes = turn.run.nodes
    for name in census(nodes).busy:
        waits = steady and name not in turn.touched
        if not waits and (nodes[name].selected or nodes[name].status in IN_HAND):
            _go_on(turn, name)
    run = turn.run
    if run.status is not RunStatus.RUNNING or _is_awaited(run) or _asks_for_more(turn):
        return False
    concerned = [run.nodes[n] for n in _concerned(run)]
    if any(n.status not in FINAL for n in concerned):
        return False
    left = [n.name for n in concerned if n.status not in MOVED]
    if left and not run.open:
        stop(turn, RunStatus.HALTED, "nodes-left")
        turn.tell(f"left on Calico: {', '.join(left)}", "R58")
        _stop(turn)
        return False
    return not left


def _moved(turn: Turn, name: str) -> bool:
    """Say whether a node is another one for those who wait for their turn."""
    before, now = turn.began.nodes.get(name), turn.run.nodes.get(name)
    return before is None or now is None or _turn_of(before) != _turn_of(now)


def _turn_of(node: NodeRun) -> tuple[object, ...]:
    return node.status, node.selected, node.by_policy, node.rollbacks


def _is_awaited(run: Run) -> bool:
    """Say whether a node in hand is waited for; most events find one, and nobody has to be looked for."""
    busy = (run.nodes[name] for name in census(run.nodes).busy)
    return run.phase is Phase.NODE_LOOP and any(
        n.status not in FINAL and n.name in _planned(run) for n in busy
    )


def _planned(run: Run) -> frozenset[str]:
    """Give the nodes of all waves."""
    if not _WAVES or _WAVES[0][0] is not run.waves:
        _WAVES[:] = [(run.waves, frozenset(name for wave in run.waves for name in wave))]
    return _WAVES[0][1]


_WAVES: list[tuple[tuple[tuple[str, ...], ...], frozenset[str]]] = []
"""The waves that were asked for last, and their nodes: they seldom change."""


def _concerned(run: Run) -> list[str]:
    """Give the nodes whose end the phase waits for: the canaries, or every one."""
    if run.phase is Phase.CANARY:
        return _canaries(run)
    return [n for n in run.nodes if n in _planned(run)]


def _canaries(run: Run) -> list[str]:
    """Give the canaries; where one is left out, the next is one in its place."""
    order = (n for wave in run.waves for n in wave if n in run.nodes)
    there = (n for n in order if run.nodes[n].status not in {NodeStatus.SKIPPED, NodeStatus.GONE})
    return list(islice(there, run.plan.draft.settings.waves.canaries))


def _select(turn: Turn) -> None:
    """Take up nodes: the canaries one by one, then wave by wave, never more at once than the plan allows."""
    run = turn.run
    if census(run.nodes).are(NodeStatus.ROLLING_BACK):
        return
    for name in _due(run):
        node = turn.node(name)
        again = node.status is NodeStatus.ROLLED_BACK
        if node.status is NodeStatus.PENDING or again:
            kind = Kind.SELECTED
            node_machine.deliver(turn, Event(kind, name, turn.at, text=f"{name}: its turn has come"))
            turn.change_node(name, selected=True)


def _due(run: Run) -> list[str]:
    busy = (run.nodes[name] for name in census(run.nodes).busy)
    out = sum(n.selected or n.status in OUT for n in busy)
    if run.phase is Phase.CANARY:
        left = [n for n in _canaries(run) if run.nodes[n].status not in MOVED]
        return [n for n in left[:1] if not out and _waits(run, run.nodes[n])]
    free = min(run.plan.draft.settings.waves.parallel - out, _approved(run) - _taken_up(run))
    if free <= 0:
        return []
    return [n for n in _current_wave(run) if _waits(run, run.nodes[n])][:free]


# Approvals on the way (``waves.approvalEvery``).


def _approved(run: Run) -> int:
    """Give how many nodes may be moved after the canary before somebody is asked: all, where it is for the canary alone."""
    every = run.plan.draft.settings.waves.approval_every
    if not every:
        return len(run.nodes)
    given = takewhile(lambda moved: _question(moved) in run.approvals, count(every, every))
    return max(given, default=0) + every


def _question(moved: int) -> str:
    """Give the approval that is asked for after so many nodes."""
    return f"{NODES}{moved}"


def _taken_up(run: Run) -> int:
    """Give how many nodes were taken up after the canaries, those in hand among them."""
    known = census(run.nodes)
    return known.are(NodeStatus.DONE) + len(known.busy) - run.plan.draft.settings.waves.canaries


def _asks_for_more(turn: Turn) -> bool:
    """Ask before the next nodes, where so many were moved as were approved and none is in hand."""
    run = turn.run
    waiting = any(_waits(run, run.nodes[n]) for n in _current_wave(run))
    if run.phase is not Phase.NODE_LOOP or not waiting or census(run.nodes).busy or run.open:
        return False
    if _taken_up(run) < _approved(run):
        return False
    asked = _question(_approved(run))
    turn.change(asked=asked)
    stop(turn, RunStatus.PAUSED, "approval")
    turn.order(Command(Name.ASK, args={"id": asked}))
    turn.tell("an approval is awaited before the next nodes", "R5", before=run.where, after=turn.run.where)
    return True


def _current_wave(run: Run) -> list[str]:
    """Give the first wave that is not finished."""
    for wave in run.waves:
        alive = [n for n in wave if n in run.nodes]
        if any(run.nodes[n].status not in FINAL or _waits(run, run.nodes[n]) for n in alive):
            return alive
    return []


def _waits(run: Run, node: NodeRun) -> bool:
    """Say whether a node may be taken up: it was not yet, or it went back and the policy tries again."""
    if node.status is NodeStatus.PENDING:
        return not node.selected
    retries = run.plan.draft.settings.node_retries
    return node.status is NodeStatus.ROLLED_BACK and node.by_policy and node.rollbacks <= retries


def _go_on(turn: Turn, name: str) -> None:
    """Send a node on; a script that turns out to be empty leads to the next state at once."""
    for _ in range(len(NodeStatus)):
        node = turn.node(name)
        if node.status in FINAL or (node.status is NodeStatus.PENDING and not node.selected):
            return
        if _all_is_out(turn, node):
            return
        _next(turn, node_script(turn.run, node), name)
        if any(o.owner == name for o in turn.run.open.values()):
            return
        before = node.status
        rows = node_machine.finish_if_done(turn, name)
        if turn.node(name).status is before:
            return
        turn.tell(
            node_machine.words(name, rows),
            *(f"N{r}" for r in rows),
            node=name,
            before=before,
            after=turn.node(name).status,
        )


def _all_is_out(turn: Turn, node: NodeRun) -> bool:
    """Say whether what may be in flight for a node at once is: one command, or all its evictions."""
    ours = [o.command for o in turn.run.open.values() if o.owner == node.name]
    evicted = {c.args["uid"] for c in ours if c.name is Name.EVICT}
    return bool(ours) and evicted == node.evict.keys()


# Stopping, aborting, going back.


def _stop(turn: Turn) -> None:
    """Finish what must be finished, then come to rest."""
    run = turn.run
    settle = run.target in {RunStatus.PAUSED, RunStatus.HALTED} and not run.now
    _let_wait(turn)
    if settle and run.reason not in {"lease", "journal"}:
        for name, node in list(run.nodes.items()):
            if not _is_safe(run, node) and (
                run.scope in {"", name} or run.resume_as is not RunStatus.ROLLING_BACK
            ):
                _go_on(turn, name)
    run = turn.run
    busy = any(not _is_safe(run, n) for n in run.nodes.values()) if settle else False
    if run.open and not (run.target is None and run.now):
        return
    if busy or run.status is not RunStatus.STOPPING:
        return
    _rest(turn)


def _is_safe(run: Run, node: NodeRun) -> bool:
    return node.status in SAFE or awaits_machine(run, node.name)


def _let_wait(turn: Turn) -> None:
    """Wait no longer for machines to come: nobody is adopted before the checkpoint, and they are awaited anew behind it."""
    left = {k: o for k, o in turn.run.open.items() if o.command.name is not Name.AWAIT_MACHINE}
    if len(left) < len(turn.run.open):
        turn.change(open=left)


def _rest(turn: Turn) -> None:
    """The checkpoint is reached."""
    run = turn.run
    if run.target is None:
        turn.tell("the process leaves at a checkpoint", "R18", before=run.where)
        turn.change(open={} if not run.now else run.open)
        return
    turn.change(status=run.target, reason=run.target_reason, target=None, target_reason="")
    turn.tell(f"{turn.run.where}", "R18", before=run.where, after=turn.run.where)
    turn.queue.extend(turn.run.kept)
    turn.change(kept=())


def _abort(turn: Turn) -> None:
    """Bring every node in hand to its nearest stable state, then write the report and let go."""
    for name, node in list(turn.run.nodes.items()):
        if (node.status in IN_HAND and node.status not in {NodeStatus.UNCORDONED, NodeStatus.SOAKED}) or (
            node.status is NodeStatus.UNCORDONED and node.selected and turn.run.rollback_wanted
        ):
            _go_on(turn, name)
    run = turn.run
    if run.status is not RunStatus.ABORTING or any(
        n.status in OUT or n.status is NodeStatus.ROLLING_BACK for n in run.nodes.values()
    ):
        return
    last = (Command(Name.SWEEP_MARKS), Command(Name.WRITE_REPORT), Command(Name.RELEASE_LEASE))
    _next(turn, last)
    if not any(pending(last, turn.run.done)) and not turn.run.open:
        turn.change(status=RunStatus.ABORTED)
        turn.tell("aborted: every node is in a stable state", "R20", before=run.where, after=turn.run.where)


def _roll_back(turn: Turn) -> None:
    if turn.run.scope != "all":
        _go_on(turn, turn.run.scope)
        return
    if not _through(turn, before_the_nodes(turn.run), 0):
        return
    if not _nodes_back(turn):
        return
    before = len(before_the_nodes(turn.run))
    if _through(turn, after_the_nodes(turn.run), before):
        run = turn.run
        turn.change(status=RunStatus.ROLLED_BACK)
        turn.tell("everything is back on Calico", "R30", before=run.where, after=turn.run.where)


def _through(turn: Turn, script: tuple[Command, ...], skip: int) -> bool:
    """Work off a part of the rollback; ``skip`` keys of the run's ``done`` belong to the part before it."""
    done = turn.run.done[skip:]
    waiting = list(pending(script, done))
    if waiting and not turn.run.open:
        turn.order(waiting[0])
    return not waiting and not turn.run.open


def _nodes_back(turn: Turn) -> bool:
    """Bring the nodes back one at a time, the last moved first; say whether all are."""
    run = turn.run
    touched = [
        n for n, node in run.nodes.items()
        if node.status in IN_HAND or node.status is NodeStatus.HALTED or _is_born_moved(node)
    ]  # fmt: skip
    order = [*touched, *(n for n in reversed(run.order) if n not in touched)]
    for name in order:
        node = turn.node(name)
        if node.status is NodeStatus.ROLLED_BACK:
            continue
        if _is_born_moved(node):
            turn.move_node(name, NodeStatus.CNI_SWITCHED)
        if node.status is not NodeStatus.ROLLING_BACK:
            node_machine.deliver(
                turn, Event(Kind.ROLLBACK_REQUESTED, name, turn.at, text=f"{name}: back to Calico")
            )
            if turn.node(name).status is not NodeStatus.ROLLING_BACK:
                continue
        _go_on(turn, name)
        if turn.node(name).status is not NodeStatus.ROLLED_BACK:
            return False
    return not turn.run.open


def _is_born_moved(node: NodeRun) -> bool:
    """Say whether a node waits for its turn and is on Cilium since its birth."""
    return node.status is NodeStatus.PENDING and node.on_cilium
