"""Keeps the journal and plays it back: a run's state is what its recorded events make of the empty one.

An event is durable before the engine hears of it; what the engine orders is durable before it is done (``state.md`` §5.1).
"""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import dataclass, field
from typing import Any

from migrate.driver.hours import Worked
from migrate.engine.machine import Stepped, begin, step
from migrate.model.commands import Command
from migrate.model.events import Event, Kind
from migrate.model.plan import Plan
from migrate.model.run import Run
from migrate.model.serial import decode, encode
from migrate.ports import Desired, Ports

__all__ = ["ANSWERS", "Books", "Standing", "mirrored", "played_back", "standing"]

ANSWERS = frozenset({Kind.COMMAND_DONE, Kind.COMMAND_FAILED, Kind.COMMAND_UNKNOWN, Kind.GATE_RESULT})
REPLAYED = frozenset({"event", "outcome", "gate"})


class Books:
    """Writes what happens, in order, and tells whoever looks on."""

    def __init__(self, ports: Ports, run: str, holder: str) -> None:
        self._journal = ports.journal
        self._reporter = ports.reporter
        self._clock = ports.clock
        self._about = {"run": run, "holder": holder}
        self._intents: dict[str, int] = {}
        self.seq = 0
        self.hash = ""

    def header(
        self, plan: Plan, nodes: Sequence[str], cluster: str, *, attended: bool, rehearsal: bool = False
    ) -> None:
        """Write the first record of a run; a rehearsal says that it is one."""
        more = {"rehearsal": True} if rehearsal else {}
        self.write("header", plan=plan.hash, cluster=cluster, nodes=list(nodes), attended=attended, **more)

    def goes_on(self, plan: Plan, cluster: str, state: Mapping[str, Any]) -> None:
        """Write the first record of a run that goes on here from the mirror's state; it follows the mirror's chain."""
        self.write("header", plan=plan.hash, cluster=cluster, state=dict(state))

    def wishes(self, wanted: Desired) -> None:
        """Write what is wanted of the run, once it was heard."""
        self.write("decision", desired=encode(wanted), by=wanted.by)

    def heard(self, event: Event) -> None:
        """Write an event before the engine hears of it."""
        kind = "gate" if event.kind is Kind.GATE_RESULT else "outcome" if event.kind in ANSWERS else "event"
        of = {"of": self._intents.get(event.command.key, 0)} if event.command is not None else {}
        self.write(kind, node=event.node, event=encode(event), **of)

    def decided(self, run: Run, stepped: Stepped) -> None:
        """Write what the engine said of it."""
        for said in stepped.said:
            if said.rows == ("i",):
                self.write("event", node=said.node, text=said.text, ignored=True)
            else:
                self.write("transition", node=said.node, phase=str(run.phase), text=said.text, rows=list(said.rows),
                           before=said.before, after=said.after)  # fmt: skip

    def intends(self, command: Command, deadline: float) -> None:
        """Write a command before it is done."""
        record = self.write("intent", node=command.node, command=str(command.name), args=dict(command.args),
                            key=command.key, deadline=deadline)  # fmt: skip
        self._intents[command.key] = int(record["seq"])

    def write(self, kind: str, **fields: Any) -> Mapping[str, Any]:  # noqa: ANN401  # JSON values
        """Write one record; raises ``OSError`` where the journal cannot be written."""
        time = self._clock.now().strftime("%Y-%m-%dT%H:%M:%SZ")
        record = self._journal.append(kind, time=time, **self._about, **fields)
        self.seq, self.hash = int(record["seq"]), str(record["hash"])
        self._reporter.event(record)
        return record


@dataclass(frozen=True, slots=True)
class Standing:
    """Where a run stands: its state, its own time, and the wishes that it has heard."""

    run: Run
    at: float = 0.0
    heard: Desired = field(default_factory=Desired)
    worked: Worked = field(default_factory=Worked)


def mirrored(standing: Standing) -> dict[str, Any]:
    """Give what the mirror keeps of a run; the plan is beside it."""
    state = encode(standing.run, skip=frozenset({"plan"}))
    worked = standing.worked.until(standing.run, standing.at)
    return {**state, "at": standing.at, "heard": encode(standing.heard), "worked": worked}


def standing(run: Run, state: Mapping[str, Any]) -> Standing:
    """Give where a run stands by the mirror's state."""
    at = float(state.get("at", 0.0))
    worked = Worked(float(state.get("worked", 0.0)), at)
    return Standing(run, at, decode(Desired, state.get("heard", {})), worked)


def played_back(records: Sequence[Mapping[str, Any]], plan: Plan, run_id: str) -> Standing:
    """Give what the records lead to.

    An event that is recorded and was not worked off any more is worked off now: its orders are found in flight.
    """
    first = next((r for r in records if r["kind"] == "header"), None)
    if first is None:
        return Standing(begin(run_id, plan, sorted(plan.draft.nodes)))
    if "state" in first:
        stands = standing(decode(Run, first["state"], plan=plan), first["state"])
        run, at, heard, worked = stands.run, stands.at, stands.heard, stands.worked
    else:
        run = begin(run_id, plan, first["nodes"], attended=bool(first.get("attended")))
        at, heard, worked = 0.0, Desired(), Worked()
    for record in records:
        if record["kind"] in REPLAYED and "event" in record:
            event = decode(Event, record["event"])
            stepped = step(run, event).run
            worked.passes(run, stepped, event.at)
            run, at = stepped, event.at
        elif record["kind"] == "decision":
            heard = decode(Desired, record["desired"])
    return Standing(run, at, heard, worked)
