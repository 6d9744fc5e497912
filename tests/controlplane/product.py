"""The product as a user runs it: a process of its own, with a ServiceAccount that has what ``c2c rbac`` prints and no more."""

from __future__ import annotations

import json
import os
import signal
import subprocess
import sys
from collections.abc import Mapping, Sequence
from dataclasses import dataclass, field
from pathlib import Path
from typing import Any

from migrate.entrypoints.cli.rbac import manifests
from migrate.model.rights import Right, rights_for
from tests import capabilities
from tests.controlplane import jumping, users
from tests.controlplane.world import World

OURS, ACCOUNT = "c2c-system", "c2c"
QUICK: Mapping[str, Any] = {
    "waves": {"canary": {"approval": False, "soak": "1s"}, "soak": "1s"},
    "audit": "1s",
    "finalSoak": "1s",
    "gates": {"flows": {"source": "none"}, "probes": {"longLived": False}},
    "nodes": {"access": "api"},
}
"""Settings of tests: nothing is waited for but what has to happen."""
ACCEPTED = ("CP2110=nothing is cleaned up here",)
"""Findings of preflight that every world of this layer has: nodes are reached through the API alone."""


@dataclass(slots=True)
class Product:
    """The command line against one world; every call is a process with its own environment."""

    world: World
    folder: Path
    kubeconfig: Path
    token: str
    settings: Mapping[str, Any] = field(default_factory=dict)
    program: str = "migrate"
    helm: Path = field(default_factory=lambda: capabilities.binary("helm"))

    @classmethod
    def of(cls, world: World, folder: Path, **settings: Any) -> Product:
        """Grant what ``c2c rbac`` prints, and give the product as that account."""
        folder.mkdir(parents=True, exist_ok=True)
        grant(world, rights_for(["apply"]))
        token = users.service_account_token(world.api, OURS, ACCOUNT)
        kubeconfig = users.write_kubeconfig(
            folder / "kubeconfig", world.plane.url, token, world.plane.ca_file
        )
        cilium = {"version": "1.20.2", "podCIDRs": ["10.245.0.0/16"], "chart": str(world.chart)}
        kind = {"apiVersion": "c2c/v1alpha1", "kind": "Config"}
        said = {**kind, "externalCIDRs": [], "cilium": cilium, **QUICK, **settings}
        return cls(world, folder, kubeconfig, token, said)

    def config(self) -> Path:
        """Write the configuration."""
        path = self.folder / "c2c.yaml"
        path.write_text(json.dumps(self.settings), encoding="utf-8")
        return path

    def plan(self, *accepted: str) -> Path:
        """Make a plan of the world as it is now; the findings of preflight that it may have are named."""
        done = self.run(*self.planning(*accepted))
        assert done.returncode == 0, f"{done.stdout}\n{done.stderr}"
        return self.folder / "plan.json"

    def planning(self, *accepted: str) -> list[str | Path]:
        """Give the command that makes the plan."""
        words = [w for text in (*ACCEPTED, *accepted) for w in ("--accept", text)]
        out = self.folder / "plan.json"
        return ["plan", "--cluster", "live", "--config", self.config(), *words, "-o", out]

    def begin(self, *words: str | Path, kubeconfig: Path | None = None) -> subprocess.Popen[str]:
        """Start a command; its output goes to files in the folder. ``kubeconfig``: another way to the cluster."""
        out = (self.folder / "stdout").open("a", encoding="utf-8")
        err = (self.folder / "stderr").open("a", encoding="utf-8")
        with out, err:
            return subprocess.Popen(
                [sys.executable, "-m", self.program, *map(str, words)],
                stdin=subprocess.DEVNULL, stdout=out, stderr=err, text=True, env=self.environment(kubeconfig),
            )  # fmt: skip

    def run(self, *words: str | Path, timeout_s: float = 600) -> subprocess.CompletedProcess[str]:
        """Run a command to its end."""
        return subprocess.run(
            [sys.executable, "-m", self.program, *map(str, words)],
            stdin=subprocess.DEVNULL, capture_output=True, text=True, timeout=timeout_s, check=False,
            env=self.environment(),
        )  # fmt: skip

    def environment(self, kubeconfig: Path | None = None) -> dict[str, str]:
        """Give the environment of a command: nothing of this machine's own configuration."""
        return {
            **os.environ,
            "KUBECONFIG": str(kubeconfig or self.kubeconfig),
            "C2C_STATE_DIR": str(self.folder / "state"),
            "C2C_HELM": str(self.helm),
            jumping.OFFSET: str(self.folder / "clock"),
        }

    def told(self) -> str:
        """Give the end of what the commands told, for a failed assertion."""
        path = self.folder / "stderr"
        return path.read_text(encoding="utf-8")[-6000:] if path.exists() else ""

    def journal(self) -> Path | None:
        """Give the journal of the newest run."""
        found = sorted((self.folder / "state").glob("*/journal.jsonl"), key=lambda p: p.stat().st_mtime)
        return found[-1] if found else None

    def records(self) -> Sequence[Mapping[str, Any]]:
        """Give what the newest journal holds."""
        path = self.journal()
        lines = path.read_text(encoding="utf-8").splitlines() if path else []
        return [json.loads(line) for line in lines if line.endswith("}")]


def grant(world: World, rights: Sequence[Right]) -> None:
    """Give the product these rights, and take away what it had beside."""
    for obj in manifests(rights):
        world.api.apply(obj)


def kill(process: subprocess.Popen[str]) -> None:
    """Kill a command as a lost machine would."""
    process.send_signal(signal.SIGKILL)
    process.wait(timeout=30)
