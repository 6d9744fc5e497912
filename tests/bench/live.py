"""What a run costs on a real control plane: its own time, its requests, its memory, and drains beside ``kubectl drain``.

One run, one process: it asks before every node, and while it waits a node beside is drained by kubectl, so that the two
are measured in turn on the same machine (A B A B …); the first pair is dropped. The product's time outside requests,
subprocesses and timers is noted by ``waiting.py``, its requests are counted by the API server's audit log.
"""

from __future__ import annotations

import json
import os
import subprocess
import sys
import time
from collections.abc import Iterator, Mapping
from dataclasses import dataclass, replace
from pathlib import Path
from statistics import median
from tempfile import TemporaryDirectory
from typing import Any

from tests import capabilities
from tests.bench.measure import busy, commit, machine, mad
from tests.bench.waiting import NOTE
from tests.controlplane import audit, nodes, scale, workloads
from tests.controlplane.calico_install import Install, Kind
from tests.controlplane.client import Api, Object, eventually
from tests.controlplane.instance import ControlPlane
from tests.controlplane.product import QUICK, Product
from tests.controlplane.runs import Course, Record
from tests.controlplane.world import World, built

NAME = "live"
PODS, WORKERS, SPARES = 100, 7, 2
BESIDE = f"wrk-{WORKERS:02}"
"""The node that kubectl drains again and again; the run takes it last."""
MOST_OWN_S, MOST_RATIO, MOST_REQUESTS = 1.0, 1.5, 1500
"""Seconds of its own a node; a drain against kubectl's; requests a node, each of whose hundred pods takes two."""
PERSON = "PAUSED"


@dataclass(frozen=True, slots=True)
class Costs:
    """One run as it was seen from outside."""

    seconds: float
    waited_s: float
    cpu_s: float
    own_cpu_s: float
    requests: int
    peak_rss_bytes: int
    drains: Mapping[str, float]
    beside: tuple[float, ...]


def figures() -> dict[str, Any]:
    """Carry the run out, and hold it against what was asked for."""
    with TemporaryDirectory() as folder:
        costs = _measured(Path(folder))
    own, theirs = list(costs.drains.values())[1:], list(costs.beside)[1:]
    count = WORKERS + SPARES
    ratio = median(own) / median(theirs)
    overhead = (costs.seconds - costs.waited_s) / count
    noisy = busy()
    judged = min(overhead, costs.own_cpu_s / count) if noisy else overhead
    return {
        "name": NAME,
        "commit": commit(),
        "machine": machine(),
        "params": {"nodes": count, "pods_a_node": PODS},
        "seconds": round(costs.seconds, 1),
        "own_s_a_node": round(overhead, 3),
        "cpu_s_a_node": round(costs.cpu_s / count, 3),
        "own_cpu_s_a_node": round(costs.own_cpu_s / count, 3),
        "requests_a_node": round(costs.requests / count),
        "peak_rss_bytes": costs.peak_rss_bytes,
        "drain": {
            "samples_s": [round(s, 3) for s in own], "median_s": round(median(own), 3), "mad_s": round(mad(own), 3),
            "kubectl_samples_s": [round(s, 3) for s in theirs], "kubectl_median_s": round(median(theirs), 3),
            "ratio": round(ratio, 2),
        },
        "limits": {"own_s_a_node": MOST_OWN_S, "drain_ratio": MOST_RATIO, "requests_a_node": MOST_REQUESTS},
        "load1": round(os.getloadavg()[0], 2),
        "noisy": noisy,
        "ok": judged <= MOST_OWN_S and ratio <= MOST_RATIO and costs.requests / count <= MOST_REQUESTS,
    }  # fmt: skip


def _measured(folder: Path) -> Costs:
    planned = [*nodes.plans(WORKERS), *(nodes.Plan(f"wrk-9{n}", 90 + n) for n in range(SPARES))]
    with (
        ControlPlane(folder / "plane", audited=True, audited_user=scale.ACCOUNT) as plane,
        built(
            plane, Install(Kind.MANIFEST, writes_ipam=False), planned, list(_workloads()), within_s=600
        ) as world,
    ):
        waves = {**QUICK["waves"], "canary": {"approval": True, "soak": "1s"}, "approvalEvery": 1}
        product = Product.of(world, folder / "c2c", waves=waves)
        plan = product.plan()
        product.program = "tests.bench.waiting"
        person = replace(product, program="migrate", kubeconfig=plane.kubeconfig())
        before = sum(1 for _ in audit.entries(plane.audit_log, scale.ACCOUNT))
        os.environ[NOTE] = str(folder / "waited.json")
        course, started = Course(product), time.monotonic()
        course.begin("apply", plan, "--wait")
        beside, peak = _driven(course, world, person)
        seconds = time.monotonic() - started
        waited = json.loads((folder / "waited.json").read_text(encoding="utf-8"))
        calls = sum(1 for _ in audit.entries(plane.audit_log, scale.ACCOUNT)) - before
        drains = _drains(product.records())
    return Costs(seconds, **waited, requests=calls, peak_rss_bytes=peak, drains=drains, beside=tuple(beside))


def _workloads() -> Iterator[Object]:
    """Give for each worker a Deployment that keeps to it while it may, and goes to the spare nodes where it may not."""
    yield workloads.namespace("crowd")
    for number in range(1, WORKERS + 1):
        home = f"wrk-{number:02}"
        places = [home, *(f"wrk-9{n}" for n in range(SPARES))]
        yield workloads.deployment("crowd", home, PODS, affinity=_affinity(home, places))


def _affinity(home: str, places: list[str]) -> Object:
    def at(names: list[str]) -> Object:
        return {"matchExpressions": [{"key": "kubernetes.io/hostname", "operator": "In", "values": names}]}

    return {
        "nodeAffinity": {
            "requiredDuringSchedulingIgnoredDuringExecution": {"nodeSelectorTerms": [at(places)]},
            "preferredDuringSchedulingIgnoredDuringExecution": [{"weight": 100, "preference": at([home])}],
        }
    }


def _driven(course: Course, world: World, person: Product) -> tuple[list[float], int]:
    """Say yes before every node; before that, drain the node beside and bring everything home. Gives kubectl's times."""
    assert course.process is not None
    beside: list[float] = []
    peak = 0
    while _asks(
        course.until(lambda r: _asks(r) or _is_over(r), 900, "the run asks for the next node, or ends")
    ):
        peak = max(peak, scale.peak_bytes(course.process.pid))
        if len(beside) < WORKERS - 1:
            _bring_home(world.api)
            beside.append(_drained_by_kubectl(world))
            _bring_home(world.api)
        done = person.run("approve", "--yes")
        assert done.returncode == 0, done.stderr
    while course.process.poll() is None:
        peak = max(peak, scale.peak_bytes(course.process.pid))
        time.sleep(0.2)
    assert course.process.returncode == 0, course.product.told()
    return beside, peak


def _asks(record: Record) -> bool:
    return record["kind"] == "transition" and str(record["after"] or "").startswith(PERSON)


def _is_over(record: Record) -> bool:
    return record["kind"] == "transition" and record["after"] == "DONE" and not record["node"]


def _drained_by_kubectl(world: World) -> float:
    command = [str(capabilities.binary("kubectl")), f"--kubeconfig={world.plane.kubeconfig()}"]
    started = time.monotonic()
    subprocess.run(
        [*command, "drain", BESIDE, "--ignore-daemonsets", "--delete-emptydir-data", "--force", "--timeout=300s"],
        check=True, capture_output=True,
    )  # fmt: skip
    seconds = time.monotonic() - started
    subprocess.run([*command, "uncordon", BESIDE], check=True, capture_output=True)
    return seconds


def _bring_home(api: Api) -> None:
    """Delete the pods that lie on spare nodes, which take none meanwhile, and wait until every worker has its own again."""
    path, spares = "/api/v1/namespaces/crowd/pods", [f"/api/v1/nodes/wrk-9{n}" for n in range(SPARES)]
    for spare in spares:
        api.patch(spare, {"spec": {"unschedulable": True}})
    for pod in api.items(path):
        if str(pod["spec"].get("nodeName", "")).startswith("wrk-9"):
            api.delete(f"{path}/{pod['metadata']['name']}")

    def at_home() -> bool:
        pods = api.items(path)
        return len(pods) == PODS * WORKERS and all(
            p["status"].get("phase") == "Running" and p["spec"]["nodeName"] == p["metadata"]["labels"]["app"]
            for p in pods
        )

    eventually(at_home, 120, "every pod is at home", 0.3)
    for spare in spares:
        api.patch(spare, {"spec": {"unschedulable": None}})


def _drains(records: Any) -> dict[str, float]:  # records of a journal
    """Give by worker how long it took to empty it, from the step before its cordon to the last eviction that was done."""
    begun: dict[str, float] = {}
    ended: dict[str, float] = {}
    last = 0.0
    for record in records:
        if record["kind"] == "intent" and record["command"] == "Cordon":
            begun[record["node"]] = last
        if "event" in record:
            last = float(record["event"]["at"])
            of = (record["event"].get("command") or {}).get("name")
            if of == "Evict" and record["event"]["kind"] == "CommandDone":
                ended[record["node"]] = last
    return {n: ended[n] - begun[n] for n in ended if n in begun and not n.startswith("wrk-9")}


if __name__ == "__main__":
    found = figures()
    print(json.dumps(found, indent=1))
    sys.exit(0 if found["ok"] else 1)
