"""Helm as a test runs it, and the charts that it is given.

``C2C_TEST_CHART=PATH`` puts a genuine chart in the place of ``charts/cilium-small``, which keeps the contract of
``testing.md`` §4.7; variants that misbehave are made of the small chart only.
"""

from __future__ import annotations

import json
import os
import shutil
import subprocess
from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from pathlib import Path
from typing import Any

from tests import capabilities

FOLDER = Path(__file__).parent / "charts"
SMALL, CALICO_SMALL = FOLDER / "cilium-small", FOLDER / "tigera-operator-small"
VERSIONS = ("1.18.12", "1.19.6", "1.20.2")
NAMESPACE, RELEASE = "kube-system", "cilium"
POOL = "10.245.0.0/16"

MIGRATION: Mapping[str, Any] = {
    "routingMode": "tunnel",
    "tunnelProtocol": "vxlan",
    "tunnelPort": 8473,
    "cni": {"customConf": True, "uninstall": False},
    "ipam": {
        "mode": "cluster-pool",
        "operator": {"clusterPoolIPv4PodCIDRList": [POOL], "clusterPoolIPv4MaskSize": 24},
    },
    "policyEnforcementMode": "never",
    "bpf": {"hostLegacyRouting": True},
    "kubeProxyReplacement": False,
    "operator": {"unmanagedPodWatcher": {"restart": False}},
    "hubble": {
        "enabled": True,
        "relay": {"enabled": True},
        "eventBufferCapacity": "16383",
        "metrics": {"enabled": ["drop", "flow", "policy", "dns", "tcp"]},
    },
}
"""The values of stage M as ``migration/procedure.md`` §4.2 has them."""

AUDIT: Mapping[str, Any] = {
    "operator": {"unmanagedPodWatcher": {"restart": True}},
    "cni": {"customConf": False},
    "policyEnforcementMode": "default",
    "policyAuditMode": True,
}
"""What stage A puts over stage M; never given to Helm alone."""


def is_genuine() -> bool:
    """Say whether a genuine chart was given."""
    return bool(os.environ.get("C2C_TEST_CHART"))


def chart(folder: Path, version: str = VERSIONS[-1], variant: str = "") -> Path:
    """Give a chart of Cilium: the genuine one where it was given, else the small one as that version, in ``folder``."""
    if given := os.environ.get("C2C_TEST_CHART"):
        if variant:
            capabilities.missing(f"the variant {variant} is made of the small chart: unset C2C_TEST_CHART")
        return Path(given)
    made = folder / f"cilium-{version}{'-' + variant if variant else ''}"
    if not made.exists():
        shutil.copytree(SMALL, made)
        text = (SMALL / "Chart.yaml").read_text(encoding="utf-8").replace("1.20.2", version)
        (made / "Chart.yaml").write_text(text, encoding="utf-8")
        if variant:
            shutil.copy(FOLDER / "variants" / f"{variant}.yaml", made / "templates")
    return made


def values(folder: Path, name: str, content: Mapping[str, Any]) -> Path:
    """Write a values file; JSON is YAML."""
    path = folder / f"{name}.yaml"
    path.write_text(json.dumps(content, indent=1), encoding="utf-8")
    return path


@dataclass(frozen=True, slots=True)
class Helm:
    """Helm against one API server; every call gives back the finished process, whatever its status."""

    kubeconfig: Path
    folder: Path
    program: str = "helm"
    namespace: str = NAMESPACE

    def run(self, *arguments: str | Path, timeout_s: float = 120.0) -> subprocess.CompletedProcess[str]:
        """Run to the end."""
        return subprocess.run(
            self._command(arguments),
            env=self._environment(),
            capture_output=True,
            text=True,
            check=False,
            timeout=timeout_s,
        )

    def begin(self, *arguments: str | Path) -> subprocess.Popen[str]:
        """Start, for calls that are to be killed or that run beside another."""
        return subprocess.Popen(
            self._command(arguments),
            env=self._environment(),
            stdout=subprocess.PIPE,
            stderr=subprocess.STDOUT,
            text=True,
            start_new_session=True,
        )

    def install(self, path: Path, files: Sequence[Path], *more: str) -> subprocess.CompletedProcess[str]:
        return self.run("install", RELEASE, path, *_given(files), *more)

    def upgrade(self, path: Path, files: Sequence[Path], *more: str) -> subprocess.CompletedProcess[str]:
        return self.run("upgrade", RELEASE, path, *_given(files), *more)

    def history(self, release: str = RELEASE) -> list[tuple[int, str]]:
        """Give the revisions and their states, oldest first."""
        done = self.run("history", release, "-o", "json")
        return (
            [(int(r["revision"]), str(r["status"])) for r in json.loads(done.stdout)]
            if not done.returncode
            else []
        )

    def _command(self, arguments: Sequence[str | Path]) -> list[str]:
        program = str(capabilities.binary(self.program))
        return [
            program,
            *map(str, arguments),
            "--namespace",
            self.namespace,
            "--kubeconfig",
            str(self.kubeconfig),
        ]

    def _environment(self) -> dict[str, str]:
        """Keep Helm's own folders apart from those of the person who runs the tests."""
        kept = {key: value for key, value in os.environ.items() if not key.startswith("HELM_")}
        return kept | {
            f"HELM_{part}_HOME": str(self.folder / part.lower()) for part in ("CACHE", "CONFIG", "DATA")
        }


def _given(files: Sequence[Path]) -> list[str]:
    return [part for path in files for part in ("--values", str(path))]
