"""A large migration and what it took: the cluster, the measuring from outside, and the record that a page is made from.

Nothing of the product is asked: phases come from its journal, requests from the API server's audit log, memory from the
kernel. A record is kept where ``C2C_REWRITE=1`` asks for it.
"""

from __future__ import annotations

import json
import os
import time
from collections import Counter
from collections.abc import Mapping, Sequence
from dataclasses import dataclass, replace
from datetime import datetime
from pathlib import Path
from typing import Any

from tests.bench.measure import ROOT, commit, machine
from tests.controlplane import audit, checker, nodes, workloads
from tests.controlplane.checker import Snapshot
from tests.controlplane.client import Object, patience
from tests.controlplane.product import OURS, Product, kill
from tests.controlplane.runs import Record
from tests.controlplane.watcher import Observed

KEPT = ROOT / "docs" / "benchmarks" / "scale.json"
ACCOUNT = f"system:serviceaccount:{OURS}:c2c"
LOOK_S = 0.5
SWITCH_S = 60.0  # the longest that a node may be without a file in its conf folder, beside so much else
MANY = 8  # resources that a record names one by one
NAMES = {
    1: "backup", 2: "pins of Calico", 3: "Cilium beside Calico", 4: "the canary", 5: "the other nodes", 6: "final values",
    7: "audit", 8: "enforcement", 9: "the last look", 14: "report",
}  # fmt: skip


@dataclass(frozen=True, slots=True)
class Size:
    """How large a cluster is: ``workers`` lie in pools of ``pool`` nodes, and an app keeps to one of them.

    Nodes that share an app under a budget are never out together: as many may be as there are pools.
    """

    slug: str
    workers: int
    control: int
    pool: int
    parallel: int
    replicas: int
    within_s: float

    @property
    def pools(self) -> int:
        return -(-self.workers // self.pool)

    @property
    def pods(self) -> int:
        """Give the pods of its workloads, what every node has beside them left out."""
        return self.pools * 3 * self.replicas

    def nodes(self) -> list[nodes.Plan]:
        """Give its nodes, every worker with the label of its pool."""
        planned = nodes.plans(self.workers, self.control)
        plain = [p for p in planned if p.is_control_plane]
        rest = [p for p in planned if not p.is_control_plane]
        return [
            *plain,
            *(replace(p, labels=(("pool", f"p{n % self.pools:02}"),)) for n, p in enumerate(rest)),
        ]

    def workloads(self) -> list[Object]:
        """Give for each pool a namespace with a Deployment under a budget, one without, and a StatefulSet under one."""
        return [o for number in range(self.pools) for o in self._pool(f"p{number:02}")]

    def _pool(self, name: str) -> list[Object]:
        where, at = f"team-{name}", {"pool": name}
        return [
            workloads.namespace(where),
            workloads.deployment(where, "web", self.replicas, nodeSelector=at),
            workloads.budget(where, "web", "web", minAvailable="75%"),
            workloads.deployment(where, "job", self.replicas, nodeSelector=at),
            at_once(workloads.stateful_set(where, "db", self.replicas, nodeSelector=at)),
            workloads.budget(where, "db", "db", maxUnavailable="25%"),
        ]  # fmt: skip


def at_once(stateful_set: Object) -> Object:
    """Let the pods of a StatefulSet be made without waiting for one another."""
    return {**stateful_set, "spec": {**stateful_set["spec"], "podManagementPolicy": "Parallel"}}


def planned(product: Product, within_s: float) -> tuple[Path, dict[str, Any]]:
    """Make the plan, and give what that took."""
    seconds, peak = _driven(product, product.planning(), within_s)
    return product.folder / "plan.json", {"seconds": seconds, "peak_rss_bytes": peak}


def carried_out(product: Product, plan: Path, audit_log: Path, within_s: float) -> dict[str, Any]:
    """Carry a plan out, and give what it took; raises ``AssertionError`` where it does not come to its end in time."""
    before = sum(1 for _ in audit.entries(audit_log, ACCOUNT))
    seconds, peak = _driven(product, ["apply", plan, "--yes"], within_s)
    records, calls = product.records(), list(audit.entries(audit_log, ACCOUNT))[before:]
    return {
        "seconds": seconds,
        "peak_rss_bytes": peak,
        "phases": phases(records),
        "node_s": longest(records),
        "requests": requests(calls),
        "records": len(records),
    }


def _driven(product: Product, words: Sequence[str | Path], within_s: float) -> tuple[float, int]:
    """Run a command to its end; give the seconds and the most memory that it held."""
    process, started, peak = product.begin(*words), time.monotonic(), 0
    while process.poll() is None:
        peak = max(peak, peak_bytes(process.pid))
        if time.monotonic() - started > within_s * patience():
            kill(process)
        time.sleep(LOOK_S)
    seconds = time.monotonic() - started
    assert process.returncode == 0, f"{process.returncode} after {seconds:.0f} s\n{product.told()}"
    return round(seconds, 1), peak


def ended_well(before: Snapshot, now: Snapshot, observed: Observed) -> list[str]:
    """Hold the end against what must be; give what was found to hold, in words."""
    checker.pods_are_on_cilium(now)
    checker.cordons_are_kept(before, now)
    checker.calico_is_whole(before, now)
    checker.nothing_of_the_run_is_left(now, checker.KEPT)
    observed.check(SWITCH_S)
    return [
        f"{len(now.pods())} pods have an address of their own node's range, none given twice",
        "nothing of Calico is gone, and nothing of the run is left but what it leaves on purpose",
        "a cordon of a person stands",
        f"{len(observed.budgets)} budgets were kept throughout, and no node was without a CNI file for {SWITCH_S:g} s",
    ]


def peak_bytes(pid: int) -> int:
    """Give the most memory that a process has ever held, its children left out; 0 where it is gone."""
    try:
        status = Path(f"/proc/{pid}/status").read_text(encoding="utf-8")
    except OSError:
        return 0
    found = [line.split()[1] for line in status.splitlines() if line.startswith("VmHWM:")]
    return int(found[0]) * 1024 if found else 0


def phases(records: Sequence[Record]) -> list[dict[str, Any]]:
    """Give how long the run was in each phase, in whole seconds, as its journal dates them."""
    moved = [
        (r["after"][len("RUNNING(P") : -1], r["time"])
        for r in records
        if r["kind"] == "transition" and str(r["after"] or "").startswith("RUNNING(P")
    ]
    firsts: dict[int, datetime] = {}
    for number, when in moved:
        firsts.setdefault(int(number), datetime.fromisoformat(when))
    ends = [*list(firsts.values())[1:], datetime.fromisoformat(records[-1]["time"])]
    return [
        {"phase": number, "seconds": round((end - begun).total_seconds())}
        for (number, begun), end in zip(firsts.items(), ends, strict=True)
    ]


def longest(records: Sequence[Record]) -> dict[str, float]:
    """Give how long nodes were under way, from being taken up to being done: the middle one and the longest."""
    begun: dict[str, datetime] = {}
    taken: list[float] = []
    for record in (r for r in records if r["kind"] == "transition" and r["node"]):
        when = datetime.fromisoformat(record["time"])
        begun.setdefault(record["node"], when)
        if record["after"] == "DONE":
            taken.append((when - begun[record["node"]]).total_seconds())
    ordered = sorted(taken)
    return {"median": ordered[len(ordered) // 2], "most": ordered[-1]}


def requests(calls: Sequence[audit.Entry]) -> dict[str, Any]:
    """Count calls, Helm's among them: all, by verb, and the resources that were asked for most."""
    verbs, resources = Counter(c.verb for c in calls), Counter(f"{c.verb} {c.resource}" for c in calls)
    return {
        "all": len(calls),
        "refused": sum(c.code >= 400 and c.code != 404 for c in calls),
        "verbs": dict(verbs.most_common()),
        "most": dict(resources.most_common(MANY)),
    }


def keep(size: Size, figures: Mapping[str, Any]) -> None:
    """Write a record over the one of this size, where that is asked for."""
    about = {
        "slug": size.slug, "nodes": size.workers + size.control, "pods": size.pods, "parallel": size.parallel,
        "commit": commit(), "machine": machine(), "load1": round(os.getloadavg()[0], 2),
    }  # fmt: skip
    print(json.dumps({**about, **figures}, indent=1))
    if os.environ.get("C2C_REWRITE") != "1":
        return
    kept = [run for run in kept_records() if run["slug"] != size.slug]
    runs = sorted([*kept, {**about, **figures}], key=lambda run: run["nodes"])
    KEPT.write_text(json.dumps({"schemaVersion": 1, "runs": runs}, indent=1) + "\n", encoding="utf-8")


def kept_records() -> list[dict[str, Any]]:
    """Give the records that are kept."""
    if not KEPT.exists():
        return []
    runs: list[dict[str, Any]] = json.loads(KEPT.read_text(encoding="utf-8"))["runs"]
    return runs
