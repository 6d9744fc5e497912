"""What the orchestrator needs of the world, as protocols: real adapters and the simulator implement the same ones.

Objects are plain Kubernetes objects; a *resource* is written as kubectl writes it (``pods``,
``ippools.crd.projectcalico.org``). Every call ends within its own time limit and raises ``ApiError`` when it fails;
an adapter that repeats an HTTP call on transport faults says so in its docstring, nothing else here repeats anything.
"""

from __future__ import annotations

from collections.abc import Collection, Iterable, Iterator, Mapping, Sequence
from dataclasses import dataclass, field
from datetime import datetime
from enum import StrEnum
from typing import Any, Protocol

from migrate.model.draft import Rendered
from migrate.model.events import FailureClass
from migrate.model.facts import NodeFacts
from migrate.model.pods import Pod
from migrate.model.run import Run
from migrate.model.snapshot import Identity

__all__ = [
    "Answer",
    "Api",
    "ApiError",
    "Charts",
    "Clock",
    "Cluster",
    "Cut",
    "Daemon",
    "Desired",
    "Eviction",
    "Evictor",
    "FlowWindow",
    "Flows",
    "Held",
    "Holder",
    "Journal",
    "Lock",
    "Mirror",
    "Mirrored",
    "Networked",
    "Nodes",
    "Object",
    "Ports",
    "ProbeResult",
    "ProbeRow",
    "Prober",
    "Ran",
    "Release",
    "Reporter",
    "Rights",
    "Shell",
    "Store",
    "Watcher",
    "refusal_of",
]

Object = Mapping[str, Any]


class ApiError(Exception):
    """A call that failed, with the class that decides what happens next.

    ``status`` is the HTTP status or 0; ``reason`` the API's word (``DisruptionBudget``, ``FieldManagerConflict``);
    ``causes`` its details; ``retry_after_s`` as the server asked. The message is cut to 256 characters and holds no body.
    """

    def __init__(
        self,
        failure: FailureClass,
        message: str,
        *,
        status: int = 0,
        reason: str = "",
        causes: Sequence[Mapping[str, Any]] = (),
        retry_after_s: float = 0,
    ) -> None:
        super().__init__(message[:256])
        self.failure = failure
        self.status = status
        self.reason = reason
        self.causes = tuple(causes)
        self.retry_after_s = retry_after_s


@dataclass(frozen=True, slots=True)
class Answer:
    """A server's answer: status, headers in small letters, the body as JSON, or as text where it is none."""

    status: int
    headers: Mapping[str, str]
    body: Any


class Api(Protocol):
    """One HTTP call to the API server; what several adapters need of it is handed in to each."""

    def call(
        self,
        method: str,
        path: str,
        *,
        query: Mapping[str, str] | None = None,
        body: object = None,
        content: str = "application/json",
        timeout_s: float = 0,
    ) -> Answer:
        """Make a call; every answer above 399 but 404 raises ``ApiError``, and so does none at all."""


@dataclass(frozen=True, slots=True)
class Ran:
    """What a command in a pod said; ``code`` is not 0 where it failed (what exactly is not always told)."""

    code: int
    out: str
    err: str


class Shell(Protocol):
    """Commands in pods, through the API server."""

    def run(self, namespace: str, pod: str, container: str, command: Sequence[str]) -> Ran:
        """Run a command and give what it said; raises ``ApiError`` where it could not be started."""

    def logs(self, namespace: str, pod: str, container: str, *, limit: int = 0) -> str:
        """Give the first bytes of a container's log."""


class Cluster(Protocol):
    """The Kubernetes API, raw and tolerant."""

    def identity(self) -> Identity:
        """Give the cluster's UID, context, server and version."""

    def get(self, resource: str, name: str, namespace: str = "") -> Object | None:
        """Give one object; None where the server says that it, or its kind, does not exist."""

    def pods(self, node: str = "") -> list[Pod]:
        """Give all pods, or those that are bound to a node, those that have ended among them."""

    def replicas(self) -> Mapping[str, tuple[int, int]]:
        """Give by ``Kind/namespace/name`` how many replicas of each workload are ready, and how many are wanted."""

    def waiting_pods(self) -> Iterable[Object]:
        """Give the pods of which a container waits, wherever they run; others may be among them."""

    def each(self, resource: str) -> Iterator[Object]:
        """Give all objects of a kind as they come, none held; raises ``ApiError`` where they change faster than they come."""

    def list(
        self, resource: str, namespace: str = "", *, labels: Mapping[str, str] | None = None, node: str = ""
    ) -> list[Object]:
        """Give all objects, page by page; ``node`` selects pods by ``spec.nodeName``. A kind that is absent is empty."""

    def create(self, item: Object) -> Object:
        """Create an object; ``ApiError`` of class conflict with reason ``AlreadyExists`` where it is there."""

    def apply(self, item: Object, *, force: bool = False) -> Object:
        """Apply server-side as field manager ``c2c``, unknown fields refused; conflicts name the other manager."""

    def patch(
        self,
        resource: str,
        name: str,
        namespace: str,
        changes: Object,
        *,
        kind: str = "merge",
        version: str = "",
    ) -> Object:
        """Change an object; null removes a key. ``kind``: merge, or strategic (named list members are found by name).

        With ``version`` only if that is still its resourceVersion.
        """

    def delete(self, resource: str, name: str, namespace: str = "", *, uid: str = "") -> bool:
        """Delete an object, only if it still has that uid; give False where it is gone already."""


class Eviction(StrEnum):
    """What became of asking for an eviction."""

    ACCEPTED = "accepted"
    GONE = "gone"


class Evictor(Protocol):
    """The eviction API."""

    def evict(self, namespace: str, name: str, uid: str, *, dry_run: bool = False) -> Eviction:
        """Ask for the eviction of exactly this pod.

        A refusal raises ``ApiError``: wait where a PDB allows none now (``causes`` hold its sentence), permanent where
        it never will (two PDBs, a dead webhook).
        """

    def evict_all(
        self, pods: Sequence[tuple[str, str, str]], *, dry_run: bool = False
    ) -> Sequence[ApiError | None]:
        """Ask for the evictions of (namespace, name, uid), some at a time; give for each its refusal, None without one."""


def refusal_of(evictor: Evictor, pod: tuple[str, str, str], *, dry_run: bool) -> ApiError | None:
    """Ask for one eviction and give its refusal, None without one: what ``evict_all`` gives for each pod."""
    try:
        evictor.evict(*pod, dry_run=dry_run)
    except ApiError as error:
        return error
    return None


class Nodes(Protocol):
    """Verbs on nodes and on the agents that run there, by whichever access the node has."""

    def conf_files(self, node: str) -> tuple[str, ...]:
        """Give the CNI configuration files as the runtime sorts them (``.conf``, ``.conflist``, ``.json``)."""

    def restore_calico_conf(self, node: str) -> None:
        """Remove ``05-cilium.conflist`` and bring Calico's file back."""

    def agent_config(self, node: str) -> Mapping[str, str] | None:
        """Give the running configuration of that node's agent, overrides merged; None where no agent runs."""

    def agent_status(self, node: str) -> Mapping[str, Any] | None:
        """Give ``{failures: [..], endpoints: [{pod, state}]}`` of that node's agent; None where no agent runs."""

    def operator_config(self) -> Mapping[str, str] | None:
        """Give the running configuration of the operator; None where none runs."""

    def boot_id(self, node: str) -> str:
        """Give the boot id; empty where the node cannot be asked."""

    def reboot(self, node: str) -> None:
        """Ask the node to reboot; the proof is another boot id."""

    def facts(self, node: str) -> NodeFacts:
        """Collect the facts of a node, reading only."""

    def drop_in(self, node: str, path: str, content: str | None, apply: Sequence[Sequence[str]] = ()) -> None:
        """Write a configuration file of the host, None removes it, then run the commands that make that count."""

    def drop_in_content(self, node: str, path: str) -> str | None:
        """Give the content of a file of the host; None where it is not there."""

    def sweep(self, node: str) -> Mapping[str, Any]:
        """Remove ``cali*`` veths without a live sandbox and release their IPAM handles; give what was removed."""

    def after_network_restart(self, node: str) -> Sequence[str]:
        """Restart the host's network manager, where one runs, and give what of Cilium's rules, routes and devices is gone.

        Raises ``ApiError`` where the host cannot be reached.
        """

    def lock_free(self, node: str) -> bool:
        """Say whether no module of ours still works on the node."""


@dataclass(frozen=True, slots=True)
class Release:
    """A Helm release; ``deployed`` is its last revision with status ``deployed``, 0 where there is none."""

    status: str
    revision: int
    deployed: int = 0
    values: Mapping[str, Any] = field(default_factory=dict)
    chart: str = ""


class Charts(Protocol):
    """The Cilium chart; rc 0 of Helm is never taken as proof of anything."""

    def release(self) -> Release | None:
        """Give the release ``cilium``; None where there is none."""

    def render(self, values: Mapping[str, Any]) -> Rendered:
        """Render the chart with these values, and with its own."""

    def install(self, values: Mapping[str, Any]) -> None:
        """Install the release."""

    def upgrade(self, values: Mapping[str, Any], *, force_conflicts: bool = False) -> None:
        """Upgrade the release with complete values."""

    def rollback(self, revision: int) -> None:
        """Go back to a revision."""

    def uninstall(self) -> None:
        """Remove the release; nothing happens where there is none."""


@dataclass(frozen=True, slots=True)
class ProbeRow:
    """One cell of the probe matrix (``gates.md`` §3.1); ``kind`` names the row, ends are node names or targets.

    ``expect`` is ``reach`` or ``refuse``.
    """

    kind: str
    source: str
    target: str
    family: int = 4
    expect: str = "reach"


@dataclass(frozen=True, slots=True)
class ProbeResult:
    """The outcome of one row: ok, refused, timeout, reset, wrong-source, unresolved, or unmeasured with its reason."""

    row: ProbeRow
    outcome: str
    seen_source: str = ""
    client: str = ""
    reason: str = ""


@dataclass(frozen=True, slots=True)
class Cut:
    """The end of a connection that a probe pod held: when (RFC 3339), node and uid of the pod at its other end, how.

    ``how``: reset, or silent for too long.
    """

    at: str
    target: str
    pod: str
    how: str


@dataclass(frozen=True, slots=True)
class Held:
    """What a node's probe pods hold: since when, what ended since then, and the uid of the pod that others hold to."""

    since: str
    pod: str
    cuts: tuple[Cut, ...] = ()


class Prober(Protocol):
    """Pods that reach each other and say what they saw."""

    def prepare(self, nodes: Iterable[str], made_for: str = "") -> str:
        """See to a pair of probe pods on each node, and give what they wait for; empty when all can be asked.

        With ``made_for``, pods that were made for something else are made anew. A pod that stays away for long is not
        waited for: its rows are unmeasured.
        """

    def run(self, rows: Sequence[ProbeRow]) -> list[ProbeResult]:
        """Run every row three times between the pods that are there."""

    def addresses(self, nodes: Iterable[str]) -> Mapping[str, tuple[str, ...]]:
        """Give by node the addresses of its probe pod."""

    def hold(self, pairs: Mapping[str, str]) -> None:
        """Let the probe pod of each node hold a connection to that of the other, from now on.

        One that is held to that very pod stays. A pod that is not there, or cannot, holds none, and ``held`` shows it.
        """

    def held(self, nodes: Iterable[str]) -> Mapping[str, Held | None]:
        """Give by node what its probe pods hold; None where nothing is held, or nobody says."""

    def remove(self, node: str = "") -> None:
        """Delete the probe pods of a node, or all of this run."""


@dataclass(frozen=True, slots=True)
class FlowWindow:
    """Flows seen in a window and what was not seen: ``lost`` by source, ``blind`` nodes, ``skew_s`` of clocks.

    ``flows`` are plain objects with the keys of ``gates.md`` §5.7; ``seen`` counts by node; None: no source at all.
    """

    start: str
    end: str
    flows: tuple[Mapping[str, Any], ...] = ()
    seen: Mapping[str, int] = field(default_factory=dict)
    lost: Mapping[str, int] = field(default_factory=dict)
    blind: tuple[str, ...] = ()
    restarted: tuple[str, ...] = ()
    reason: str = ""


class Flows(Protocol):
    """An observer of flows: Hubble after the move, Goldmane or counters before."""

    def begin(self, name: str, nodes: Sequence[str]) -> None:
        """Begin to collect a window under a name; beginning it again starts it anew."""

    def end(self, name: str) -> FlowWindow:
        """Close the window and give what it holds."""


@dataclass(frozen=True, slots=True)
class Daemon:
    """A pod of Cilium's agent or of calico-node; ``start`` names this very start of it, restarts of its containers too."""

    start: str
    ready: bool


@dataclass(frozen=True, slots=True)
class Networked:
    """A pod of the network, and the state of its CiliumEndpoint, empty where it has none."""

    pod: Pod
    endpoint: str = ""


class Rights(Protocol):
    """What the server grants us now."""

    def withdrawn(self, *, of_nodes: bool) -> Sequence[str]:
        """Give the rights of a run that are not granted (any more): those of a node's steps, or all."""


class Watcher(Protocol):
    """What is looked at between two steps, beside the nodes themselves: reads only, each a few pages."""

    def daemons(self) -> Mapping[str, Mapping[str, Daemon]]:
        """Give by node what lives there of ``cilium`` (the agent) and of ``calico`` (calico-node)."""

    def networked(self, nodes: Collection[str]) -> Mapping[str, Sequence[Networked]]:
        """Give by node the pods of the network that live there; our own probes are none of them."""


@dataclass(frozen=True, slots=True)
class ProgramState:
    """A program of the user's: its exit code, None while it runs; ``last`` are the last lines that it wrote.

    ``late``: it did not end in its time and was killed.
    """

    code: int | None = None
    last: tuple[str, ...] = ()
    late: bool = False


class Programs(Protocol):
    """Programs of the user's, where c2c runs; none outlives the process that began it."""

    def begin(
        self, name: str, command: Sequence[str], environment: Mapping[str, str], limit_s: float
    ) -> None:
        """Begin one under a name and return at once; one that runs under it already is left to go on.

        Raises ``ApiError`` (permanent) where it cannot be run.
        """

    def look(self, name: str) -> ProgramState | None:
        """Say how it stands; None where this process began none under the name, or has forgotten it."""

    def forget(self, name: str) -> None:
        """Forget one that has ended."""


class Journal(Protocol):
    """The durable record of intent; an append that returns is on disk."""

    def append(self, kind: str, **fields: Any) -> Mapping[str, Any]:  # noqa: ANN401  # JSON values
        """Write one record and give it back with its ``seq`` and ``hash``; raises ``OSError`` where it cannot."""

    def records(self) -> Sequence[Mapping[str, Any]]:
        """Give all records, in order."""

    def free_reserve(self) -> None:
        """Give space back that was kept for the last record of a run whose disk is full."""


@dataclass(frozen=True, slots=True)
class Desired:
    """What somebody wants of a run, written from anywhere (``state.md`` §5.2)."""

    state: str = "running"
    now: bool = False
    rollback: bool = False
    rollback_nodes: tuple[str, ...] | str = ()
    approve: tuple[str, ...] = ()
    deny: tuple[str, ...] = ()
    accept: tuple[Mapping[str, str], ...] = ()
    skip: tuple[str, ...] = ()
    retry: tuple[str, ...] = ()
    by: str = ""
    generation: int = 0


@dataclass(frozen=True, slots=True)
class Mirrored:
    """The state of a run as the cluster holds it."""

    state: Mapping[str, Any]
    seq: int
    hash: str
    plan_hash: str
    run: str = ""


class Mirror(Protocol):
    """The run's state in the cluster, so that any machine can watch and resume."""

    def read(self) -> Mirrored | None:
        """Give the state; None where no run of ours was here."""

    def begin(self, run: str, plan: Mapping[str, Any]) -> None:
        """Begin a run's mirror with its plan (a document); what an earlier run left there goes."""

    def plan(self) -> Mapping[str, Any] | None:
        """Give the plan of the run that was here last, as a document; None where it is not whole."""

    def write(self, state: Mapping[str, Any], seq: int, hash_: str) -> None:
        """Write the state; ``ApiError`` of class conflict where another driver wrote in between."""

    def desired(self) -> Desired:
        """Give what is wanted of the run."""

    def want(self, changes: Mapping[str, Any], by: str) -> Desired:
        """Change what is wanted; lists only grow."""


@dataclass(frozen=True, slots=True)
class Holder:
    """Who holds the lock: ``user@host:pid:run``, and how long we have seen it unrenewed."""

    identity: str
    age_s: float


class Lock(Protocol):
    """The Lease; losing it stops every further change."""

    def acquire(self, *, steal: bool = False) -> Holder | None:
        """Take the lock; give None where it is ours now, else who holds it."""

    def held(self) -> bool:
        """Say whether it is ours with a margin to spare."""

    def regain(self) -> bool:
        """Renew a lock that ran out, once; False where it is another's. Raises ``ApiError`` where nobody can say so."""

    def release(self) -> None:
        """Give it back."""


class Clock(Protocol):
    """Time; nothing else in the orchestrator asks for it."""

    def now(self) -> datetime:
        """Give the time of day, in UTC."""

    def monotonic(self) -> float:
        """Give seconds that never jump."""

    def sleep(self, seconds: float) -> None:
        """Let time pass."""


class Store(Protocol):
    """Files of a run: backup and evidence, each with its sum."""

    def write(self, name: str, content: bytes) -> str:
        """Write a file under the run's folder and give its SHA-256."""

    def read(self, name: str) -> bytes | None:
        """Give a file's content; None where it is not there."""


class Reporter(Protocol):
    """Whoever looks on: a terminal, a pipeline, a log."""

    def event(self, record: Mapping[str, Any]) -> None:
        """Take one record of the journal, as it was written."""

    def beat(self, run: Run, waits: Sequence[tuple[str, float]]) -> None:
        """Take the state as it is now, and what is waited for since how many seconds; called at every turn."""


@dataclass(frozen=True, slots=True)
class Ports:
    """The world, as the driver reaches it."""

    cluster: Cluster
    evictor: Evictor
    nodes: Nodes
    charts: Charts
    prober: Prober
    flows: Flows
    watcher: Watcher
    rights: Rights
    journal: Journal
    mirror: Mirror
    lock: Lock
    clock: Clock
    store: Store
    programs: Programs
    reporter: Reporter
