"""Good documents that only the product itself makes: a plan, the journal of a run, a saved report.

Each is made once by the command line, from the example cluster.
"""

from __future__ import annotations

import subprocess
import sys
from functools import cache
from pathlib import Path
from tempfile import TemporaryDirectory

from tests.capabilities import ROOT

CLUSTER = ROOT / "examples" / "cluster"
SETTINGS = """\
apiVersion: c2c/v1alpha1
kind: Config
cilium: {podCIDRs: [10.245.0.0/16], version: "1.20"}
externalCIDRs: [203.0.113.0/24]
"""
VALUES = """\
ipam: {operator: {clusterPoolIPv4PodCIDRList: [10.245.0.0/16], clusterPoolIPv4MaskSize: 24}}
hubble: {relay: {enabled: true}}
bpf: {masquerade: false, mapDynamicSizeRatio: 0.0025}
tolerations:
- operator: Exists
extraArgs: ["--x=y"]
"""


def c2c(*arguments: str) -> None:
    """Run one command; exits that only judge are no failure."""
    done = subprocess.run(
        [sys.executable, "-m", "migrate", *arguments], cwd=ROOT, capture_output=True, text=True, check=False
    )
    assert done.returncode in {0, 3}, done.stderr


@cache
def plan() -> bytes:
    """Give a plan that nothing blocks."""
    with TemporaryDirectory() as folder:
        path, settings = Path(folder) / "plan.json", Path(folder) / "c2c.yaml"
        settings.write_text(SETTINGS, encoding="utf-8")
        c2c("plan", "--cluster", str(CLUSTER), "--config", str(settings), "-o", str(path))
        return path.read_bytes()


@cache
def journal() -> bytes:
    """Give the journal of a rehearsal that came to its end."""
    with TemporaryDirectory() as folder:
        path, runs = Path(folder) / "plan.json", Path(folder) / "runs"
        path.write_bytes(plan())
        c2c("rehearse", str(path), "--cluster", str(CLUSTER), "--state-dir", str(runs))
        (found,) = runs.rglob("journal.jsonl")
        return found.read_bytes()


@cache
def report(suffix: str) -> bytes:
    """Give a report of a translation as a page or as JSON."""
    with TemporaryDirectory() as folder:
        path = Path(folder) / f"report{suffix}"
        c2c("translate", str(ROOT / "examples" / "policies" / "shop.yaml"), "-o", str(path))
        return path.read_bytes()
