"""The page of large migrations, made from the records that their test keeps and from nothing else."""

from __future__ import annotations

from collections.abc import Iterator, Mapping, Sequence
from typing import Any

from tests.controlplane.scale import NAMES

type Figures = Mapping[str, Any]
MIB = 2**20


def page(runs: Sequence[Figures]) -> str:
    """Give the Markdown page."""
    return "\n".join(_lines(runs)) + "\n"


def _lines(runs: Sequence[Figures]) -> Iterator[str]:
    yield "# Large migrations"
    yield ""
    yield "Generated from the code by `make docs`, from records of `tests/controlplane/test_many_nodes.py`."
    yield ""
    yield "Whole runs of `c2c apply` on a real control plane (API server, scheduler, controllers, etcd, kwok nodes, the genuine"
    yield "cilium-operator, Helm) with the rights that `c2c rbac` prints. Kubelets and data planes are played, nothing soaks for longer"
    yield "than a second, and the machine serves the cluster too: the seconds say how the parts compare, not how long a cluster takes."
    for run in runs:
        yield from _run(run)


def _run(run: Figures) -> Iterator[str]:
    machine, calls = run["machine"], run["requests"]
    yield ""
    yield f"## {run['slug']}"
    yield ""
    yield (
        f"{run['nodes']} nodes, {run['pods']:,} pods of workloads, {run['parallel']} nodes at a time at most. "
        f"{machine['cpu']}, {machine['cores']} cores, load {run['load1']}, commit {run['commit']}."
    )
    yield ""
    yield "| | |"
    yield "|---|---|"
    yield f"| the plan | {run['plan']['seconds']:.0f} s, {run['plan']['peak_rss_bytes'] / MIB:.0f} MiB |"
    yield f"| the run | {run['seconds']:.0f} s, {run['peak_rss_bytes'] / MIB:.0f} MiB |"
    yield f"| a node, from being taken up to being done | {run['node_s']['median']:.0f} s, the longest {run['node_s']['most']:.0f} s |"
    yield f"| requests | {calls['all']:,}, {calls['all'] / run['nodes']:.0f} a node, Helm's among them |"
    yield f"| records of the journal | {run['records']:,} |"
    yield ""
    yield "| phase | seconds |"
    yield "|---|---|"
    for found in run["phases"]:
        yield f"| P{found['phase']}, {NAMES[found['phase']]} | {found['seconds']} |"
    yield ""
    yield "Asked for most: " + ", ".join(f"{what} {count:,}" for what, count in calls["most"].items()) + "."
    yield ""
    yield "What the independent checker found at the end:"
    yield ""
    yield from (f"- {sentence}" for sentence in run["end"])
