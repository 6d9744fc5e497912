"""What a probe pod is asked to run, and what its answers mean: ``curl`` and ``dig``, each row three times.

The server side is ``agnhost netexec``: ``/clientip`` says which address it saw, ``/echo`` sends back what it was sent.
"""

from __future__ import annotations

import shlex
from collections import Counter
from collections.abc import Iterable, Mapping, Sequence
from dataclasses import dataclass, field

from migrate.ports import ProbeResult, ProbeRow

__all__ = ["PORT", "Targets", "results_of", "script_of"]

PORT, TRIES, LIMIT_S = 8080, 3, 3
LARGE = (1400, 4000, 9000)
OUTCOMES = {0: "ok", 6: "unresolved", 7: "refused", 28: "timeout", 52: "reset", 56: "reset"}
"""curl's exit codes; ``dig`` ends with 9 where no server answers."""
NO_SERVER = 9
UNMEASURED = 127
RESOLVED = "kubernetes.default.svc"


@dataclass(frozen=True, slots=True)
class Targets:
    """Where the rows lead: addresses by (pod, family), of nodes by (node, family), and of what the cluster serves."""

    pods: Mapping[tuple[str, int], str] = field(default_factory=dict)
    nodes: Mapping[tuple[str, int], str] = field(default_factory=dict)
    service: Mapping[int, str] = field(default_factory=dict)
    node_port: int = 0
    dns: Mapping[int, str] = field(default_factory=dict)
    api: Mapping[int, str] = field(default_factory=dict)


def script_of(rows: Iterable[tuple[int, ProbeRow]], targets: Targets) -> str:
    """Give the shell script that runs numbered rows; each try prints number, exit code and answer in one line."""
    lines = []
    for number, row in rows:
        command = _command(row, targets)
        if command:
            tries = " ".join(str(t) for t in range(TRIES))
            lines.append(
                f'for t in {tries}; do o=$({command}); printf "%s\\t%s\\t%s\\n" {number} "$?" "$o"; done'
            )
    return "\n".join(lines)


def _command(row: ProbeRow, targets: Targets) -> str:
    """Give the command of a row; empty where its target is not there."""
    match row.kind:
        case "cluster-ip":
            return _get(targets.service.get(row.family, ""), PORT, "clientip")
        case "node-port":
            node = targets.nodes.get((row.source.removeprefix("host:"), row.family), "")
            return _get(node, targets.node_port, "clientip") if targets.node_port else ""
        case "dns":
            return _resolve(targets.dns.get(row.family, ""), row.family)
        case "api-server":
            place = targets.api.get(row.family, "")
            return f"curl -sk -m {LIMIT_S} -o /dev/null https://{_bracketed(place)}/version" if place else ""
        case "external":
            return _connect(row.target)
        case "large-packet":
            return _large(targets.pods.get((row.target, row.family), ""))
    return _get(targets.pods.get((row.target, row.family), ""), PORT, "clientip")


def _get(address: str, port: int, path: str) -> str:
    return f"curl -s -m {LIMIT_S} http://{_bracketed(address)}:{port}/{path}" if address else ""


def _connect(target: str) -> str:
    """Open a connection and close it; ``agnhost`` says why it could not, which becomes the exit code that curl has for it."""
    why = "case $r in TIMEOUT*) exit 28;; REFUSED*) exit 7;; DNS*) exit 6;; OTHER*) exit 56;; esac; exit 127"
    return f"r=$(/agnhost connect {shlex.quote(target)} --timeout={LIMIT_S}s 2>&1) || {{ {why}; }}"


def _large(address: str) -> str:
    """Send and get back bodies of several sizes; a short answer counts as one that was cut off."""
    if not address:
        return ""
    place = f"http://{_bracketed(address)}:{PORT}/echo?msg="
    sizes = " ".join(str(s) for s in LARGE)
    body = "head -c $s /dev/zero | tr '\\0' x"
    return (
        f'for s in {sizes}; do r=$(curl -s -m {LIMIT_S} "{place}$({body})") || exit $?; '
        f"[ ${{#r}} -ge $s ] || exit 56; done"
    )


def _resolve(server: str, family: int) -> str:
    if not server:
        return ""
    kind = "A" if family == 4 else "AAAA"
    ask = f"dig +time={LIMIT_S} +tries=1 +search @{server} {shlex.quote(RESOLVED)} {kind}"
    return f"{ask} > /dev/null && {ask} +tcp > /dev/null"


def _bracketed(address: str) -> str:
    return f"[{address}]" if ":" in address else address


def results_of(rows: Sequence[tuple[int, ProbeRow]], said: str, targets: Targets) -> list[ProbeResult]:
    """Give the result of each row from the lines of a script: the worst of its tries counts."""
    tries: dict[int, list[tuple[int, str]]] = {}
    for line in said.splitlines():
        number, _, rest = line.partition("\t")
        code, _, answer = rest.partition("\t")
        if number.isdigit() and code.isdigit():
            tries.setdefault(int(number), []).append((int(code), answer.strip()))
    return [_result(row, tries.get(number, []), targets) for number, row in rows]


def _result(row: ProbeRow, tries: Sequence[tuple[int, str]], targets: Targets) -> ProbeResult:
    if not tries:
        asked = bool(_command(row, targets))
        reason = "the probe pod said nothing" if asked else "no address of the target is known"
        return ProbeResult(row, "unmeasured", reason=reason)
    if len(tries) < TRIES:
        return ProbeResult(row, "unmeasured", reason=f"{len(tries)} of {TRIES} tries came to an end")
    outcomes = Counter(_outcome(code) for code, _ in tries)
    worst = next((o for o in outcomes if o != "ok"), "ok")
    if worst != "ok":
        reason = (
            f"{outcomes[worst]} of {TRIES} tries"
            if worst != "unmeasured"
            else "the probe's tools are missing"
        )
        return ProbeResult(row, worst, reason=reason)
    client = targets.pods.get((row.source, row.family), "")
    seen = sorted({_seen(answer) for _, answer in tries})
    if row.kind == "source-address" and seen != [client]:
        return ProbeResult(
            row, "wrong-source", ", ".join(seen), client, f"the echo server saw {', '.join(seen)}"
        )
    return ProbeResult(row, "ok", seen[0] if row.kind == "source-address" else "", client)


def _outcome(code: int) -> str:
    if code in {NO_SERVER, 10}:
        return "timeout"
    return "unmeasured" if code >= UNMEASURED else OUTCOMES.get(code, "reset")


def _seen(answer: str) -> str:
    """Give the address of ``ADDRESS:PORT`` or ``[ADDRESS]:PORT``."""
    return answer.rpartition(":")[0].strip("[]")
