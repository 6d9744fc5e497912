"""The benchmark cases: what is run, what its floor is, and the limit that was set for it."""

from __future__ import annotations

import json
import random
import subprocess
import sys
from collections.abc import Callable, Sequence
from dataclasses import dataclass
from pathlib import Path
from typing import Any

from tests.bench.estates import Estate
from tests.bench.sets import PORTS, Shape

MIB = 2**20
FLOWS = 50_000
C2C = (sys.executable, "-m", "migrate")
FLOOR = (sys.executable, "-m", "tests.bench.floors")
Command = tuple[str, ...]


@dataclass(frozen=True)
class Limit:
    """What was asked for: ``kind`` is seconds (scaled by the calibration) or rate (flows a second)."""

    kind: str
    value: float
    memory_bytes: int | None = None


@dataclass(frozen=True)
class Prepared:
    """The commands of one case; ``loading`` is what is subtracted where a rate is asked for."""

    command: Command
    floor: Command
    loading: Command | None = None


@dataclass(frozen=True)
class Case:
    """One case; ``pairs`` of case and floor are run, the first is dropped. ``long`` ones run when named."""

    name: str
    floor: str
    prepare: Callable[[Path], Prepared]
    limit: Limit | None
    shape: Shape | Estate | None = None
    pairs: int = 6
    long: bool = False
    peer: tuple[str, float] | None = None

    @property
    def params(self) -> dict[str, Any]:
        """Say what the case was run on."""
        if self.shape is None:
            return {}
        if isinstance(self.shape, Estate):
            return {"nodes": self.shape.nodes, "pods": self.shape.pods}
        kept = {"pods": self.shape.pods, "policies": self.shape.policies, "classes": self.shape.classes,
                "kind": self.shape.kind, "seed": self.shape.seed}  # fmt: skip
        return kept if self.shape.deny is None else {**kept, "deny": self.shape.deny}


def translation_of(shape: Shape, limit: Limit | None, **more: Any) -> Case:
    """Give the case that translates and proves a set: the whole command, from files to files."""

    def prepare(folder: Path) -> Prepared:
        policies, cluster = written(shape, folder)
        out = f"yaml={folder / 'out.yaml'}"
        return Prepared(
            (*C2C, "translate", str(policies), "--cluster", str(cluster), "-o", out, "--exit-zero"),
            (*FLOOR, "yaml-c-loader", str(policies), str(cluster)),
        )

    return Case(f"translate.{shape.name}", "yaml-c-loader", prepare, limit, shape, **more)


def _explain(engine: str, shape: Shape, limit: Limit | None) -> Case:
    def prepare(folder: Path) -> Prepared:
        policies, cluster = written(shape, folder)
        one, many = folder / "one.jsonl", folder / "many.jsonl"
        lines = flows(json.loads((cluster / "pods.json").read_text(encoding="utf-8"))["items"])
        one.write_text(lines[0] + "\n", encoding="utf-8")
        many.write_text("\n".join(lines) + "\n", encoding="utf-8")
        base = (*C2C, "explain", "--engine", engine, "--cluster", str(cluster), "--policies", str(policies))
        if engine == "cilium":
            output = folder / "cilium.yaml"
            _translated(policies, cluster, output)
            base = (
                *C2C,
                "explain",
                "--engine",
                engine,
                "--cluster",
                str(cluster),
                "--policies",
                str(output),
            )
        return Prepared(
            (*base, "--flows", str(many), "-o", "jsonl"),
            (*FLOOR, "flows-decoded", str(many)),
            (*base, "--flows", str(one), "-o", "jsonl"),
        )

    return Case(f"explain.{engine}.{shape.name}", "flows-decoded", prepare, limit, shape)


def written(shape: Shape, folder: Path) -> tuple[Path, Path]:
    """Draw and write a set in a process of its own: a child's peak memory begins with that of its parent."""
    subprocess.run([sys.executable, "-m", "tests.bench.sets", str(folder), *shape.words()], check=True)
    return folder / "policies.yaml", folder / "cluster"


def _translated(policies: Path, cluster: Path, path: Path) -> None:
    command = (
        *C2C,
        "translate",
        str(policies),
        "--cluster",
        str(cluster),
        "-o",
        f"yaml={path}",
        "--exit-zero",
    )
    subprocess.run(command, check=True, capture_output=True)


def flows(pods: Sequence[dict[str, Any]]) -> list[str]:
    """Give as many flows as the case asks, between pods drawn from a fixed seed."""
    dice = random.Random("flows")  # repeatable, not secret
    names = [f"{pod['metadata']['namespace']}/{pod['metadata']['name']}" for pod in pods]
    return [
        json.dumps({"id": str(number), "src": {"pod": dice.choice(names)}, "dst": {"pod": dice.choice(names)},
                    "protocol": "TCP", "port": dice.choice(PORTS)})
        for number in range(FLOWS)
    ]  # fmt: skip


def planning_of(estate: Estate, limit: Limit | None, **more: Any) -> Case:
    """Give the case that judges and plans a cluster without policies: what translating costs is measured by itself."""

    def prepare(folder: Path) -> Prepared:
        cluster, config = _estate(estate, folder)
        out = f"json={folder / 'plan.json'}"
        return Prepared(
            (*C2C, "plan", "--cluster", cluster, "--config", config, "-o", out, "-q"),
            (*FLOOR, "yaml-c-loader", cluster),
        )

    return Case(f"plan.{estate.name}", "yaml-c-loader", prepare, limit, estate, **more)


def rehearsal_of(estate: Estate, limit: Limit | None, *words: str, **more: Any) -> Case:
    """Give the case that rehearses such a plan; ``words`` are further options, the first names the case."""

    def prepare(folder: Path) -> Prepared:
        cluster, config = _estate(estate, folder)
        plan = folder / "plan.json"
        made = (*C2C, "plan", "--cluster", cluster, "--config", config, "-o", f"json={plan}", "-q")
        subprocess.run(made, check=True, capture_output=True)
        state = ("--state-dir", str(folder / "state"), "--progress", "none")
        return Prepared(
            (*C2C, "rehearse", str(plan), "--cluster", cluster, *state, *words),
            (*FLOOR, "yaml-c-loader", cluster),
        )

    name = f"rehearse.{estate.name}{'.killed-at-every-step' if words else ''}"
    return Case(name, "yaml-c-loader", prepare, limit, estate, **more)


def _estate(estate: Estate, folder: Path) -> tuple[str, str]:
    words = (str(folder), str(estate.nodes), str(estate.pods))
    subprocess.run([sys.executable, "-m", "tests.bench.estates", *words], check=True)
    return str(folder / "cluster"), str(folder / "c2c.yaml")


def _start(name: str, limit_s: float, *arguments: str) -> Case:
    def prepare(folder: Path) -> Prepared:
        del folder
        return Prepared((*C2C, *arguments), (sys.executable, "-c", "pass"))

    return Case(f"start.{name}", "python-pass", prepare, Limit("seconds", limit_s), pairs=11)


_PEER = (
    "np-guard network-config-analyzer 2.1.0 `--equiv` on its random 500 × 200 (published in the specification)",
    158.4,
)
_ONE_FILE = "examples/policies/shop.yaml"

CASES: tuple[Case, ...] = (
    _start("version", 0.12, "--version"),
    _start("translate-one-file", 0.4, "translate", _ONE_FILE, "--exit-zero"),
    translation_of(Shape("realistic", 500, 200, 50), Limit("seconds", 0.8)),
    translation_of(Shape("random", 500, 200, 50), Limit("seconds", 0.8), peer=_PEER),
    translation_of(Shape("adversarial", 500, 200, 500, deny=0.1), None),
    translation_of(Shape("adversarial", 500, 200, 500, deny=0.4), None),
    _explain("calico", Shape("realistic", 500, 200, 50), Limit("rate", 50_000)),
    _explain("cilium", Shape("realistic", 500, 200, 50), Limit("rate", 50_000)),
    _explain("calico", Shape("realistic", 5_000, 1_000, 500), None),
    _explain("cilium", Shape("realistic", 5_000, 1_000, 500), None),
    translation_of(Shape("realistic", 5_000, 1_000, 500), Limit("seconds", 5, 200 * MIB)),
    translation_of(Shape("random", 5_000, 1_000, 500), Limit("seconds", 10)),
    translation_of(Shape("realistic", 5_000, 1_000, 5_000), Limit("seconds", 40, 400 * MIB)),
    translation_of(Shape("realistic", 100_000, 5_000, 2_000), Limit("seconds", 90, 1536 * MIB), long=True),
    planning_of(Estate(1_000, 30_000), Limit("seconds", 10, 400 * MIB), long=True, pairs=4),
    rehearsal_of(Estate(1_000, 30_000), Limit("seconds", 60), long=True, pairs=2),
    rehearsal_of(Estate(4, 90), Limit("seconds", 15), "--kill-at", "every-step", long=True, pairs=2),
)

GROWTH: dict[str, tuple[Shape | Estate, ...]] = {
    "pods": tuple(Shape("realistic", n, 400, 200) for n in (1_000, 4_000, 16_000, 64_000)),
    "classes": tuple(Shape("realistic", 4_000, 400, n) for n in (80, 400, 1_600, 4_000)),
    "policies": tuple(Shape("realistic", 4_000, n, 400) for n in (200, 400, 800, 1_600)),
    "policies, random": tuple(Shape("random", 4_000, n, 400) for n in (200, 400, 800, 1_600)),
    "nodes, planned": tuple(Estate(n, 30 * n) for n in (125, 250, 500, 1_000)),
    "nodes, rehearsed": tuple(Estate(n, 30 * n) for n in (50, 100, 200, 400)),
    "deny share": tuple(Shape("adversarial", 500, 200, 500, deny=d) for d in (0.05, 0.1, 0.2, 0.4)),
}


def case_of(by: str, shape: Shape | Estate) -> Case:
    """Give the case of a point of a growth curve."""
    if isinstance(shape, Estate):
        return rehearsal_of(shape, None) if by.endswith("rehearsed") else planning_of(shape, None)
    return next((c for c in CASES if c.shape == shape), None) or translation_of(shape, None)
