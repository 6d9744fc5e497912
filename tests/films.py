"""Plays the engine by hand: a film is a text of directives and of what the engine says and orders in answer.

Directives, one a line, in blocks that end with ``----``; below it stands what came out, up to an empty line:

- ``given {json}``: settings over the healthy cluster's; a plan is drafted from it, and a new run of it is to begin
- ``event KIND [NODE] [{json}]``: something happened, ``gate`` names whose alarm; ``gate ID [NODE] OUTCOME``: a gate's answer
- ``done COMMAND [{json}]``, ``fail COMMAND CLASS [{json}]``, ``unknown COMMAND``: the answer of the command in flight
  whose key begins so
- ``play [until STATE | until NODE STATUS | until COMMAND]``: answer everything well until there; output is not shown
- ``after SECONDS``: time passes; ``state``: say where everything stands; ``crash``: a new process takes over
"""

from __future__ import annotations

import json
from collections.abc import Iterator
from dataclasses import replace
from typing import Any

from migrate.engine.drafting import draft
from migrate.engine.machine import begin, step
from migrate.model.commands import Command, Name
from migrate.model.events import Event, FailureClass, GateOutcome, Kind
from migrate.model.hooks import numbers
from migrate.model.plan import Plan
from migrate.model.run import Run
from migrate.model.settings import Settings
from migrate.model.snapshot import Snapshot, SnapshotBuilder
from tests import clusters

MAX_STEPS = 20_000


def healthy_snapshot() -> Snapshot:
    builder = SnapshotBuilder()
    for item in clusters.healthy():
        builder.add(item)
    return builder.snapshot()


class Player:
    """A run, and the hand that answers its commands."""

    def __init__(self, settings: dict[str, Any] | None = None, *, clean_up: bool = False) -> None:
        self.snapshot = healthy_snapshot()
        said = {**clusters.settings(), **(settings or {})}
        made = draft(self.snapshot, Settings.from_mapping(said))
        self.run: Run = begin(
            "7f3a0000", Plan(made, clean_up=clean_up), [n.name for n in self.snapshot.nodes]
        )
        self.at = 0.0
        self.waiting: list[Command] = []
        self.out: list[str] = []
        self.history: list[Run] = [self.run]

    def send(self, event: Event) -> None:
        """Give an event to the engine and keep what it says and orders."""
        stepped = step(self.run, replace(event, at=self.at))
        self.run = stepped.run
        self.history.append(stepped.run)
        for said in stepped.said:
            moved = f"{said.before} -> {said.after}  " if said.before != said.after and said.after else ""
            self.out.append(f"{moved}{said.text}  [{' '.join(said.rows)}]")
        for command in stepped.commands:
            self.waiting = [c for c in self.waiting if c.key != command.key] + [command]
            flags = (f" after {command.after_s:g}s" if command.after_s else "") + (
                " looking first" if command.reconcile else ""
            )
            self.out.append(f"  {command.words}{flags}")
        self.waiting = [c for c in self.waiting if c.key in self.run.open]

    def find(self, prefix: str) -> Command:
        found = [c for c in self.waiting if c.words.startswith(prefix)]
        assert found, f"no command {prefix!r} is in flight: {[c.words for c in self.waiting]}"
        return found[0]

    def good(self, command: Command) -> Event:
        """Give the answer of a world in which everything goes well."""
        if command.name is Name.EVALUATE_GATE:
            gate = str(command.args["gate"])
            return Event(Kind.GATE_RESULT, command.node, command=command, gate=gate, outcome=GateOutcome.PASS)
        detail: dict[str, Any] = {}
        if command.name is Name.CORDON:
            pods = self._pods(command.node) if command.args["leave"] == "calico" else []
            detail = {"unschedulable": False, "pods": pods}
        return Event(Kind.COMMAND_DONE, command.node, command=command, detail=detail)

    def _pods(self, node: str) -> list[dict[str, Any]]:
        hooks = self.run.plan.draft.settings.nodes.hooks
        return [
            {"uid": p.uid, "namespace": p.namespace, "name": p.name, "hooks": numbers(hooks, [p])}
            for p in self.snapshot.pods
            if p.node == node and p.movable and not p.host_network
        ]

    def play(self, until: str = "") -> None:
        """Answer everything well, oldest first, until the state is reached or nothing is left to answer."""
        for _ in range(MAX_STEPS):
            if (until and self._reached(until)) or not self.waiting:
                return
            self.at += 1
            self.send(self.good(self.waiting[0]))
        raise AssertionError(f"no end in sight: {self.run.where}")

    def _reached(self, until: str) -> bool:
        words = until.split()
        if len(words) == 2 and words[0] in self.run.nodes:
            return self.run.nodes[words[0]].status == words[1]
        return self.run.where.startswith(until) or any(c.words.startswith(until) for c in self.waiting)

    def state(self) -> Iterator[str]:
        yield self.run.where
        for name, node in sorted(self.run.nodes.items()):
            yield f"  {name} {node.status}" + (f" ({node.reason})" if node.reason else "")
        for words in sorted(o.command.words for o in self.run.open.values()):
            yield f"  in flight {words}"


def play(film: str) -> str:
    """Play a film and give it with what came out now."""
    player: Player | None = None
    result: list[str] = []
    for block in film.strip().split("\n\n"):
        directives = block.split("\n----")[0].split("\n")
        given = next((d[6:] for d in directives if d.startswith("given ")), "" if player else "{}")
        if given or player is None:
            player = Player(json.loads(given or "{}"))
        player.out = []
        for line in directives:
            _direct(player, line)
        result += [*directives, "----", *player.out, ""]
    return "\n".join(result)


def _direct(player: Player, line: str) -> None:
    word, _, rest = line.partition(" ")
    match word:
        case "#" | "" | "given":
            return
        case "play":
            player.play(rest.removeprefix("until "))
            player.out = []
        case "after":
            player.at += float(rest)
        case "state":
            player.out += player.state()
        case "crash":
            player.send(Event(Kind.LEASE_ACQUIRED))
        case "event":
            player.send(_event(rest))
        case "gate":
            words = rest.split()
            node = words[1] if len(words) == 3 else ""
            command = player.find(f"{words[0]}({node}")
            outcome = GateOutcome(words[-1])
            player.send(Event(Kind.GATE_RESULT, node, command=command, gate=words[0], outcome=outcome))
        case "done" | "fail" | "unknown":
            player.send(_answer(player, word, rest))
        case _:
            raise AssertionError(f"no such directive: {line}")


def _event(rest: str) -> Event:
    head, brace, tail = rest.partition("{")
    words = head.split()
    detail = json.loads(brace + tail) if brace else {}
    return Event(
        Kind(words[0]),
        words[1] if len(words) > 1 else "",
        gate=detail.pop("gate", ""),
        detail=detail,
        by="alice",
    )


def _answer(player: Player, word: str, rest: str) -> Event:
    head, brace, tail = rest.partition(" {")
    words = head.split()
    detail = json.loads("{" + tail) if brace else {}
    prefix = words[0]
    command = player.find(prefix)
    if word == "done":
        good = player.good(command)
        return replace(good, detail={**good.detail, **detail})
    if word == "unknown":
        return Event(Kind.COMMAND_UNKNOWN, command.node, command=command, detail=detail)
    text = str(detail.pop("text", ""))
    return Event(
        Kind.COMMAND_FAILED,
        command.node,
        command=command,
        failure=FailureClass(words[1]),
        detail=detail,
        text=text,
    )
