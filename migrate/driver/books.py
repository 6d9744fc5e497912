"""Keeps the journal and plays it back: a run's state is what its recorded events make of the empty one.

An event is durable before the engine hears of it; what the engine orders is durable before it is done (``state.md`` §5.1).
"""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from copy import copy
from dataclasses import dataclass, field, replace
from itertools import islice
from typing import Any

from migrate.driver.hours import Worked
from migrate.engine.machine import Stepped, begin, step
from migrate.model.commands import Command
from migrate.model.events import Event, Kind
from migrate.model.plan import Plan
from migrate.model.run import Run
from migrate.model.serial import decode, encode
from migrate.ports import Desired, Ports

__all__ = ["ANSWERS", "Books", "Playback", "Standing", "mirrored", "played_back", "standing"]

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


class Playback:
    """Plays records back, one after another; what they lead to may be asked after each."""

    def __init__(self, plan: Plan, run_id: str) -> None:
        self.plan, self.run_id = plan, run_id
        self._stands = Standing(begin(run_id, plan, sorted(plan.draft.nodes)))
        self.count = 0
        self._begun = False

    @property
    def stands(self) -> Standing:
        """Give what the records so far lead to."""
        return replace(self._stands, worked=copy(self._stands.worked))

    @stands.setter
    def stands(self, known: Standing) -> None:
        """Take what is known otherwise to be what they lead to."""
        self._stands = known

    def fork(self) -> Playback:
        """Give one that goes on from here by itself."""
        other = copy(self)
        other.stands = self.stands
        return other

    def go_on(self, records: Sequence[Mapping[str, Any]]) -> Standing:
        """Play what these records hold beyond those that were played already."""
        for record in islice(records, self.count, None):
            self._take(record)
        self.count = max(self.count, len(records))
        return self.stands

    def _take(self, record: Mapping[str, Any]) -> None:
        """Take a record.

        An event that is recorded and was not worked off any more is worked off now: its orders are found in flight.
        """
        stands = self._stands
        if record["kind"] == "header" and not self._begun:
            self._stands, self._begun = self._beginning(record), True
        elif not self._begun:
            return
        elif record["kind"] in REPLAYED and "event" in record:
            event = decode(Event, record["event"])
            stepped = step(stands.run, event).run
            stands.worked.passes(stands.run, stepped, event.at)
            self._stands = replace(stands, run=stepped, at=event.at)
        elif record["kind"] == "decision":
            self._stands = replace(stands, heard=decode(Desired, record["desired"]))

    def _beginning(self, header: Mapping[str, Any]) -> Standing:
        if "state" in header:
            return standing(decode(Run, header["state"], plan=self.plan), header["state"])
        attended = bool(header.get("attended"))
        return Standing(begin(self.run_id, self.plan, header["nodes"], attended=attended))


def played_back(records: Sequence[Mapping[str, Any]], plan: Plan, run_id: str) -> Standing:
    """Give what the records lead to."""
    return Playback(plan, run_id).go_on(records)
