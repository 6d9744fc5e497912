"""What may go wrong in the middle of a run, and how each ends: rows that are data, from which a page is made.

A row says what a person sees. How it is brought about, and that it ends so, stands in ``test_run_faults.py``, how one follows another in ``stage.py``.
"""

from __future__ import annotations

from dataclasses import dataclass
from enum import StrEnum


class Ends(StrEnum):
    """How a run takes it."""

    GOES_ON = "the run goes on by itself"
    HALTS = "the run halts"
    GOES_BACK = "the node goes back to Calico, then the run halts"
    WAITS = "the run waits for a person"


@dataclass(frozen=True, slots=True)
class RunFault:
    """One thing that goes wrong at one moment; ``reason`` is the halt's runbook, ``code`` what the process exits with.

    ``says`` is a part of what is said last.
    """

    slug: str
    what: str
    moment: str
    ends: Ends
    reason: str = ""
    code: int = 0
    cure: str = ""
    says: str = ""

    @property
    def state(self) -> str:
        """Give the state in which the run is left."""
        return f"PAUSED({self.reason})" if self.ends is Ends.WAITS else f"HALTED({self.reason})"


CALLS = (
    RunFault("slow", "every call takes a second longer", "P1 and P2", Ends.GOES_ON),
    RunFault("throttled", "the API answers 429 to every third call", "P3", Ends.GOES_ON),
    RunFault("errors", "the API answers 500 to every fifth call", "the canary", Ends.GOES_ON),
    RunFault("unacknowledged", "the connection ends after a write was done and before its answer came", "a node's move", Ends.GOES_ON),
    RunFault("away", "nothing answers for ten seconds", "a drain", Ends.GOES_ON),
    RunFault("token", "the token expires", "a node's move", Ends.HALTS, "command", 7, "a new token, then `c2c resume`"),
    RunFault("expired", "every fourth list expires while it is read (410)", "a node's move", Ends.GOES_ON),
    RunFault("rights", "the role is taken away", "P6", Ends.HALTS, "command", 7, "give the role back, then `c2c resume`"),
)  # fmt: skip
"""Between the run and the API server; ``onFailure: halt``."""

HALTING = (
    RunFault("lock", "nothing answers for longer than the lock lasts", "a drain", Ends.GOES_ON),
    RunFault("refused", "a disruption budget refuses every eviction until the drain's time is over", "a drain", Ends.HALTS, "drain", 4, "change the budget, then `c2c resume`"),
    RunFault("two-budgets", "a second budget over the same pods makes every eviction an error", "a drain", Ends.HALTS, "drain", 4, "delete one of the two, then `c2c resume`"),
    RunFault("agent", "the new agent is never Ready", "the switch of a node", Ends.HALTS, "agent", 4, "mend the agent, then `c2c resume`"),
    RunFault("uncordoned", "a person uncordons the node in hand", "a drain", Ends.HALTS, "drift", 4, "`c2c resume` looks at the node again"),
    RunFault("not-ready", "the node in hand restarts by itself, and is never Ready again", "the switch of a node", Ends.HALTS, "gate-01-node-ready", 4, "mend the node, then `c2c resume`"),
    RunFault("helm", "Helm is killed in the middle of its upgrade", "P6", Ends.GOES_ON),
    RunFault("policy", "a person changes a policy that was translated", "P6", Ends.HALTS, "drift", 4, "put the policy back, then `c2c resume`"),
    RunFault("stolen", "somebody else takes the lock", "P6", Ends.HALTS, "lease", 4, "find out who it was, then `c2c resume`"),
    RunFault("gone", "nothing answers for more than five minutes", "P8", Ends.HALTS, "api", 7, "bring the API back, then `c2c resume`"),
    RunFault("disk", "the disk of the journal is full", "P8", Ends.HALTS, "journal", 4, "make room, then `c2c resume`"),
)  # fmt: skip
"""On nodes, in the cluster and where the run is driven; ``onFailure: halt``."""

GOING_BACK = (
    RunFault("crash-loop", "the new agent is in a crash loop", "the canary", Ends.GOES_BACK, "node-rolled-back", 5, "mend the agent, then `c2c resume --retry NODE`"),
    RunFault("clock", "the clock is set an hour ahead, and back", "a soak", Ends.GOES_ON),
    RunFault("joined", "a node joins the cluster", "P5", Ends.GOES_ON),
    RunFault("deleted", "a person deletes a node whose turn has not come", "P5", Ends.GOES_ON),
    RunFault("slow-image", "the image of the new agent takes fifteen seconds to come", "the switch of a node", Ends.GOES_ON),
    RunFault("no-conf", "the new agent is Ready and writes no CNI file", "the switch of a node", Ends.GOES_BACK, "node-rolled-back", 5, "mend the agent, then `c2c resume --retry NODE`"),
)  # fmt: skip
"""The same sort; ``onFailure: rollback-node``, which is the default."""

ALL = (*CALLS, *HALTING, *GOING_BACK)
