"""What a deed is: how one kind of command is done and how the cluster shows that it has happened.

``act`` makes the change and returns at once; ``look`` asks the cluster. A command is finished only when ``look`` says so,
so the same deed serves the first run, the repetition and the resume.
"""

from __future__ import annotations

from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass, field
from typing import Any

from migrate.model.commands import Command
from migrate.model.events import FailureClass
from migrate.model.plan import Plan
from migrate.model.run import Run
from migrate.ports import ApiError, Ports

__all__ = ["Absent", "Act", "Deed", "Done", "Failed", "Look", "Seen", "Waiting", "Workshop"]


@dataclass(slots=True)
class Workshop:
    """What a deed works with: the ports, the plan, the run as it stands."""

    ports: Ports
    plan: Plan
    run: Run

    def prior(self, node: str, key: str) -> Any:  # noqa: ANN401  # a JSON value
        """Give what the engine remembers of a node from before."""
        return self.run.nodes[node].prior.get(key) if node in self.run.nodes else None


@dataclass(frozen=True, slots=True)
class Done:
    """It has happened; ``detail`` goes to the engine."""

    detail: Mapping[str, Any] = field(default_factory=dict)


@dataclass(frozen=True, slots=True)
class Waiting:
    """It is on its way; the sentence says for what it waits, ``again_s`` when to look again (0: at the usual pace)."""

    text: str
    again_s: float = 0


@dataclass(frozen=True, slots=True)
class Absent:
    """Nothing of it is to be seen, or something else: it has to be done, again where it was done already."""

    text: str = ""


@dataclass(frozen=True, slots=True)
class Failed:
    """It cannot come to an end by itself; ``anew``: unless it is done again, which a run tries once when it goes on."""

    failure: FailureClass
    text: str
    detail: Mapping[str, Any] = field(default_factory=dict)
    anew: bool = False


Look = Done | Waiting | Absent | Failed
Act = Callable[[Workshop, Command], None]
Seen = Callable[[Workshop, Command], Look]


@dataclass(frozen=True, slots=True)
class Deed:
    """One kind of command. ``once``: ``look`` counts only after ``act`` (a measurement is taken anew each time).

    ``traceless``: nothing shows afterwards whether it was done, so a process that resumes does it again.
    ``together`` does several at once, in place of ``act``, and gives for each what refused it.
    """

    act: Act
    look: Seen
    once: bool = False
    traceless: bool = False
    together: Callable[[Workshop, Sequence[Command]], Sequence[ApiError | None]] | None = None


def nothing(work: Workshop, command: Command) -> None:
    """Do nothing: of commands that only look."""
    del work, command


def refused(error: ApiError) -> Failed:
    """Give what a refused call means to the engine."""
    detail = {"after_s": error.retry_after_s} if error.retry_after_s else {}
    return Failed(error.failure, str(error), detail)
