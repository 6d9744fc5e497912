"""Gates: a measurement in, pass, fail or inconclusive out; pure, and never a guess (``gates.md``).

A measurement is plain data that the driver took; what it could not take is None there and *inconclusive* here, whatever
the rest says, unless the rest already fails. Shapes of measurements stand at each gate.
"""

from __future__ import annotations

from collections.abc import Callable, Iterable, Mapping, Sequence
from dataclasses import dataclass, field
from ipaddress import ip_address, ip_network
from typing import Any

from migrate.model.events import GateOutcome
from migrate.model.installs import CONF_FILES
from migrate.model.settings import Gates

__all__ = ["CONVERGING", "OF_PROBES", "GateResult", "Measure", "judge_gate", "listed"]

Measure = Mapping[str, Any]
MAX_NAMED = 3

OF_PROBES = frozenset({"G-04", "G-05", "G-06", "G-07", "G-08"})
"""Gates that judge what the newest probes of their step found; asked again alone they would find the same."""
CONVERGING = frozenset(
    {"G-01", "G-02", "G-03", "G-09", "G-10", "G-11", "G-12", "G-13", "G-19", "G-25", "G-26", "G-29", "G-30"}
)
"""Gates that are asked again until they pass or their time is over; the others are asked once.

G-24 is not among them: that a node has to wait is the engine's affair, which lets others go first (N49)."""


@dataclass(frozen=True, slots=True)
class GateResult:
    """A gate's answer: a sentence, and the values that it rests on; ``failing`` has a sentence for each thing that fails."""

    gate: str
    outcome: GateOutcome
    text: str
    evidence: Measure = field(default_factory=dict)
    failing: tuple[str, ...] = ()


def judge_gate(gate: str, seen: Measure, limits: Gates) -> GateResult:
    """Judge one gate; raises ``KeyError`` for a gate that is not known."""
    bad, blind, good = _GATES[gate](seen, limits)
    if bad:
        return GateResult(gate, GateOutcome.FAIL, listed(bad), seen, tuple(bad))
    if blind:
        return GateResult(gate, GateOutcome.INCONCLUSIVE, listed(blind), seen)
    return GateResult(gate, GateOutcome.PASS, good, seen)


_Found = tuple[list[str], list[str], str]
"""What fails, what could not be seen, and the sentence where neither is so."""


def listed(found: Sequence[str]) -> str:
    """Give the first sentences as one, and how many more there are."""
    more = f"; {len(found) - MAX_NAMED} more" if len(found) > MAX_NAMED else ""
    return "; ".join(found[:MAX_NAMED]) + more


def _by_node(seen: Measure, judged: Callable[[str, Any], Iterable[str]]) -> tuple[list[str], list[str]]:
    """Judge ``nodes``: name → what was seen there, None where nothing was."""
    bad: list[str] = []
    blind: list[str] = []
    for name, value in sorted(seen["nodes"].items()):
        if value is None:
            blind.append(f"{name} could not be asked")
        else:
            bad += [f"{name}: {what}" for what in judged(name, value)]
    return bad, blind


def _ready(seen: Measure, limits: Gates) -> _Found:
    """``nodes``: ``{ready, network_unavailable, taints}``."""
    del limits

    def judged(name: str, value: Measure) -> Iterable[str]:
        del name
        if not value["ready"]:
            yield "not Ready"
        if value["network_unavailable"]:
            yield "NetworkUnavailable"
        yield from (f"taint {taint}" for taint in value["taints"])

    return (*_by_node(seen, judged), "Ready, network available")


def _agent(seen: Measure, limits: Gates) -> _Found:
    """``nodes``: ``{agent, envoy, failures, pod_cidrs, endpoints}``; ``envoy`` None: there is no such DaemonSet."""
    del limits

    def judged(name: str, value: Measure) -> Iterable[str]:
        del name
        if not value["agent"]:
            yield "cilium is not Ready"
        if value["envoy"] is False:
            yield "cilium-envoy is not Ready"
        yield from value["failures"]
        if not value["pod_cidrs"]:
            yield "the CiliumNode has no podCIDR"
        waiting = sorted(pod for pod, state in value["endpoints"].items() if state != "ready")
        if waiting:
            yield f"endpoint of {waiting[0]} is {value['endpoints'][waiting[0]]}"

    return (*_by_node(seen, judged), "agents and endpoints ready")


def _first_file(seen: Measure, limits: Gates) -> _Found:
    """``nodes``: the files in the runtime's order; ``expect``: node → ``cilium`` or ``calico``."""
    del limits
    known = {"cilium": ("05-cilium.conflist",), "calico": CONF_FILES}

    def judged(name: str, files: list[str]) -> Iterable[str]:
        wanted = known[seen["expect"][name]]
        if not files:
            yield "no CNI file at all"
        elif files[0] not in wanted:
            yield f"{files[0]} is first, {wanted[0]} should be"

    return (*_by_node(seen, judged), "the right CNI file is first")


def _address(seen: Measure, limits: Gates) -> _Found:
    """``nodes``: addresses of the probe pod; ``cilium``, ``calico``: ranges; ``expect`` as in G-03."""
    del limits

    def judged(name: str, addresses: list[str]) -> Iterable[str]:
        side = seen["expect"][name]
        if not addresses:
            yield "the probe pod has no address"
        yield from (f"{a} is not of {side}" for a in addresses if not _inside(a, seen[side]))

    return (*_by_node(seen, judged), "probe pods have addresses of the right CNI")


def _inside(address: str, ranges: Iterable[str]) -> bool:
    found = ip_address(address)
    return any(
        found.version == net.version and found in net for net in (ip_network(r, strict=False) for r in ranges)
    )


def _matrix(*kinds: str) -> Callable[[Measure, Gates], _Found]:
    """Give the gate over rows of these kinds; none: of every kind.

    Where pods do not reach each other at all, their rows of one kind say nothing: G-05, which is asked behind it, says so.
    ``results``: ``[{kind, source, target, family, outcome, reason}]``; ``baseline``: outcome by ``kind source target
    family`` where one was taken before.
    """

    def judged(seen: Measure, limits: Gates) -> _Found:
        apart = {_pair(r) for r in seen["results"] if r["kind"] == "cross-node" and _is_wrong(r, seen)}
        of_kind = [r for r in seen["results"] if not kinds or r["kind"] in kinds]
        rows = [r for r in of_kind if not (kinds and _pair(r) in apart)]
        left = (
            f"; {len(of_kind) - len(rows)} of pods that do not reach each other: G-05"
            if rows != of_kind
            else ""
        )
        blind = [
            f"{_row(r)}: {r.get('reason') or 'not measured'}" for r in rows if r["outcome"] == "unmeasured"
        ]
        wrong = [r for r in rows if _is_wrong(r, seen)]
        if not rows and kinds:
            return [], [], f"no such row applies{left}"
        if not rows:
            return [], ["no probe was made"], ""
        if len(wrong) <= limits.probe_failures:
            return [], blind, f"{len(rows) - len(wrong)} of {len(rows)} as before{left}"
        return [f"{_row(r)}: {r['outcome']}" for r in wrong], blind, ""

    return judged


def _is_wrong(row: Measure, seen: Measure) -> bool:
    return row["outcome"] not in {"unmeasured", _before(seen["baseline"], row)}


def _pair(row: Measure) -> tuple[str, str, int]:
    return row["source"], row["target"], row.get("family", 4)


def _before(baseline: Measure, row: Measure) -> str:
    """Give a row's outcome of the time before; one that could not be measured then is held to what it should be."""
    known = str(baseline.get(_row(row), "ok"))
    return "ok" if known == "unmeasured" else known


def _row(row: Measure) -> str:
    family = " v6" if row.get("family") == 6 else ""
    return f"{row['kind']} {row['source']} → {row['target']}{family}"


def _apis(seen: Measure, limits: Gates) -> _Found:
    """``api_services``: name → reason, empty where Available; ``webhooks``: name → ready backends; ``namespaces``: stuck."""
    del limits
    if any(seen.get(key) is None for key in ("api_services", "webhooks", "namespaces")):
        return [], ["API services, webhooks or namespaces could not be read"], ""
    bad = [f"APIService {name}: {why}" for name, why in sorted(seen["api_services"].items()) if why]
    bad += [
        f"webhook {name} has no ready backend"
        for name, count in sorted(seen["webhooks"].items())
        if count == 0
    ]
    bad += [f"namespace {name} hangs in deletion" for name in seen["namespaces"]]
    return bad, [], "API services Available, webhooks answer"


def _workloads(seen: Measure, limits: Gates) -> _Found:
    """``workloads``: label → (ready now, ready before); ``pods``: pod → problem; ``dns_restarts``: (now, before)."""
    del limits
    if seen.get("workloads") is None:
        return [], ["workloads, or the record of the time before, could not be read"], ""
    bad = [
        f"{name}: {now} ready, {before} before"
        for name, (now, before) in sorted(seen["workloads"].items())
        if now < before
    ]
    bad += [f"{pod}: {problem}" for pod, problem in sorted(seen["pods"].items())]
    now, before = seen["dns_restarts"]
    if now > before:
        bad.append(f"CoreDNS restarted {now - before} times")
    return bad, [], "workloads as ready as before"


def _on_cilium(seen: Measure, limits: Gates) -> _Found:
    """``pods``: pod → what is wrong, empty where nothing is; None: not read."""
    del limits
    if seen.get("pods") is None:
        return [], ["pods could not be read"], ""
    return (
        [f"{p}: {why}" for p, why in sorted(seen["pods"].items()) if why],
        [],
        f"{len(seen['pods'])} pods on Cilium",
    )


def _unchanged(seen: Measure, limits: Gates) -> _Found:
    """``nodes``: (address now, address before)."""
    del limits

    def judged(name: str, value: tuple[str, str]) -> Iterable[str]:
        del name
        if value[0] != value[1]:
            yield f"Calico's address is {value[0] or 'gone'}, was {value[1]}"

    return (*_by_node(seen, judged), "Calico's addresses unchanged")


def _rolled_out(seen: Measure, limits: Gates) -> _Found:
    """``workloads``: name → ``ready/wanted`` where it lags, empty where it does not; ``degraded``: TigeraStatus names."""
    del limits
    if seen.get("workloads") is None:
        return [], ["Calico's workloads could not be read"], ""
    bad = [f"{name} {lag}" for name, lag in sorted(seen["workloads"].items()) if lag]
    return [*bad, *(f"{name} is degraded" for name in seen["degraded"])], [], "Calico rolled out"


def _reach(seen: Measure, limits: Gates) -> _Found:
    """``nodes``: longest gap of the heartbeat in seconds; ``limit_s``."""
    del limits

    def judged(name: str, gap: float) -> Iterable[str]:
        del name
        if gap > seen["limit_s"]:
            yield "no sign of life" if gap == float("inf") else f"no sign of life for {gap:.0f} s"

    return (*_by_node(seen, judged), "every node reaches the API")


def _configured(what: str) -> Callable[[Measure, Gates], _Found]:
    """Give a gate of the user's own: ``configured``, ``new``: what fires now and did not before; None: not answered."""

    def judged(seen: Measure, limits: Gates) -> _Found:
        del limits
        if not seen.get("configured"):
            return [], [], f"{what}: not configured"
        if seen.get("new") is None:
            return [], [f"{what}: no answer"], ""
        return [str(item) for item in seen["new"]], [], f"{what}: none new"

    return judged


def _parity(seen: Measure, limits: Gates) -> _Found:
    """``keys``: ``[{key, class, text}]`` of judged flow keys; ``seen``: flows by node; None: no window was taken.

    Classes: match, accepted, exposure, over-blocking, over-allowing, unexplained, ambiguous, noise.
    """
    if seen.get("keys") is None:
        return [], [str(seen.get("reason") or "no flows were collected")], ""
    wrong = [
        k["text"] for k in seen["keys"] if k["class"] in {"over-blocking", "over-allowing", "unexplained"}
    ]
    unclear = [k["text"] for k in seen["keys"] if k["class"] == "ambiguous"]
    quiet = [
        f"{n}: {c} flows, {limits.flows_at_least} wanted"
        for n, c in sorted(seen["seen"].items())
        if c < limits.flows_at_least
    ]
    if len(wrong) > limits.flows_unexplained:
        return wrong, [], ""
    return [], [*unclear, *quiet], f"{len(seen['keys'])} flow keys judged, none unexplained"


def _complete(seen: Measure, limits: Gates) -> _Found:
    """``lost``: source → events; ``blind``, ``restarted``: nodes; ``skew_s``, ``versions``; None: no source at all."""
    if seen.get("lost") is None:
        return [], [str(seen.get("reason") or "no flow source answers")], ""
    lost = sum(seen["lost"].values())
    blind = [f"{lost} events lost ({', '.join(sorted(seen['lost']))})"] if lost > limits.flows_lost else []
    blind += [f"{name} was not seen" for name in seen["blind"]]
    blind += [f"the agent of {name} restarted in the window" for name in seen["restarted"]]
    blind += ["relay and agents differ in version"] if len(set(seen.get("versions", ()))) > 1 else []
    return [], blind, "nothing lost, every node seen"


def _none_on_calico(seen: Measure, limits: Gates) -> _Found:
    """``pods``: names of pods with an address in a Calico pool; None: not read."""
    del limits
    if seen.get("pods") is None:
        return [], ["pods could not be read"], ""
    return [f"{pod} has an address of Calico" for pod in seen["pods"]], [], "no address of Calico is left"


def _network_manager(seen: Measure, limits: Gates) -> _Found:
    """``nodes``: what is gone after its network manager restarted."""
    del limits
    return (
        *_by_node(seen, lambda _, gone: [f"{thing} is gone" for thing in gone]),
        "rules, routes and devices stay",
    )


def _nothing_left(seen: Measure, limits: Gates) -> _Found:
    """``nodes``: ``{left, unknown}`` lists of both scans; ``cluster``: what is left there."""
    del limits
    bad, blind = _by_node(seen, lambda _, value: [f"{thing} is left" for thing in value["left"]])
    for name, value in sorted(seen["nodes"].items()):
        blind += [f"{name}: {thing} is not known" for thing in (value or {}).get("unknown", ())]
    return (
        [*bad, *(f"{thing} is left" for thing in seen["cluster"])],
        blind,
        "nothing of Calico is left, twice",
    )


def _held(seen: Measure, limits: Gates) -> _Found:
    """``lease``: held; ``denied``: rights that are gone, None: not answered; ``locks``: nodes on which a module works."""
    del limits
    bad = [] if seen["lease"] else ["the lock is not ours"]
    bad += [*(seen["denied"] or ()), *(f"{n}: a module still works there" for n in seen["locks"])]
    return (
        bad,
        ["the server does not say what we may do"] if seen["denied"] is None else [],
        "rights and lock held",
    )


def _none_cordoned(seen: Measure, limits: Gates) -> _Found:
    """``unknown``: nodes cordoned by us that no step knows; ``late``: cordoned past their step."""
    del limits
    bad = [f"{name} is cordoned and no step of ours needs it" for name in seen["unknown"]]
    return (
        [*bad, *(f"{name} is cordoned past its step" for name in seen["late"])],
        [],
        "no node is left cordoned",
    )


def _may_drain(seen: Measure, limits: Gates) -> _Found:
    """``refused``: pod → why; ``single``: service → its only backend is on the node; None: could not be asked.

    ``hooked``: pods that a budget refuses now and a hook of the user's goes before: they do not hold a node back.
    """
    del limits
    if seen.get("refused") is None:
        return [], ["evictions could not be asked for"], ""
    bad = [f"{pod}: {why}" for pod, why in sorted(seen["refused"].items())]
    return (
        [*bad, *(f"{name} has its only backend here" for name in seen["single"])],
        [],
        "budgets and backends allow the drain" + _but(seen.get("hooked", ())),
    )


def _but(hooked: Iterable[str]) -> str:
    return f", once hooks have gone before {', '.join(hooked)}" if hooked else ""


def _available_after_removal(seen: Measure, limits: Gates) -> _Found:
    """``nodes``: NetworkUnavailable as read; ``pending``: pods that wait for that taint."""
    del limits
    bad, blind = _by_node(
        seen, lambda _, status: [] if status == "False" else [f"NetworkUnavailable is {status}"]
    )
    return (
        [*bad, *(f"{pod} waits for the network taint" for pod in seen["pending"])],
        blind,
        "the network is available everywhere",
    )


def _as_planned(seen: Measure, limits: Gates) -> _Found:
    """``unplanned``, ``missing``: names of nodes."""
    del limits
    bad = [f"{name} joined and is not adopted" for name in seen["unplanned"]]
    return [*bad, *(f"{name} is gone" for name in seen["missing"])], [], "the nodes are those of the plan"


def _connections(seen: Measure, limits: Gates) -> _Found:
    """``cuts``: node → ends that nothing explains; ``moved``: node → ends with a pod of ours; ``blind``: node → why.

    ``ended``: each end that counts, in words; None for ``cuts``: no connection was to be held.
    """
    if seen.get("cuts") is None:
        return [], [], "no connection was to be held"
    over = {n: c for n, c in seen["cuts"].items() if c > limits.cuts}
    bad = [f"{n}: {c} held connections ended, {limits.cuts} may" for n, c in sorted(over.items())]
    moved, within = sum(seen["moved"].values()), sum(seen["cuts"].values())
    more = f", {within} ended as may be" if within else ""
    good = f"{len(seen['cuts'])} connections held from start to end, but for {moved} that ended with their pods{more}"
    return bad, [f"{n}: {why}" for n, why in sorted(seen["blind"].items())], good


def _in_step(seen: Measure, limits: Gates) -> _Found:
    """``daemon_sets``: label → (wanted, ready, misscheduled)."""
    del limits
    if seen.get("daemon_sets") is None:
        return [], ["DaemonSets could not be read"], ""
    bad = [
        f"{name}: {ready} of {wanted} ready, {stray} misscheduled"
        for name, (wanted, ready, stray) in sorted(seen["daemon_sets"].items())
        if ready < wanted or stray
    ]
    return bad, [], "DaemonSets in step"


def _running(seen: Measure, limits: Gates) -> _Found:
    """``nodes`` (and ``operator`` among them): key → (running, meant) of every key that is meant; ``stale``: not restarted."""
    del limits

    def judged(name: str, keys: Measure) -> Iterable[str]:
        del name
        for key, (running, meant) in sorted(keys.items()):
            if running != meant:
                yield f"{key} runs as {running!r}, meant {meant!r}"

    bad, blind = _by_node(seen, judged)
    return (
        [*bad, *(f"{name} has not restarted since the change" for name in seen["stale"])],
        blind,
        "what runs is what is meant",
    )


_GATES: Mapping[str, Callable[[Measure, Gates], _Found]] = {
    "G-01": _ready,
    "G-02": _agent,
    "G-03": _first_file,
    "G-04": _address,
    "G-05": _matrix(),
    "G-06": _matrix("source-address"),
    "G-07": _matrix("large-packet"),
    "G-08": _matrix("node-port", "host-port"),
    "G-09": _apis,
    "G-10": _workloads,
    "G-11": _on_cilium,
    "G-12": _unchanged,
    "G-13": _rolled_out,
    "G-14": _reach,
    "G-15": _configured("alerts"),
    "G-16": _configured("service objectives"),
    "G-17": _parity,
    "G-18": _complete,
    "G-19": _none_on_calico,
    "G-20": _network_manager,
    "G-21": _nothing_left,
    "G-22": _held,
    "G-23": _none_cordoned,
    "G-24": _may_drain,
    "G-25": _available_after_removal,
    "G-26": _as_planned,
    "G-27": _parity,
    "G-28": _connections,
    "G-29": _in_step,
    "G-30": _running,
}
