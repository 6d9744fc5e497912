"""``make bench``: run the cases, write ``docs/benchmarks/latest.json`` and its page, print what changed.

``BENCH=name`` runs the cases whose name holds that text, the long ones too. A case that ran while others used
the machine is measured once more, else marked noisy and not kept.
"""

from __future__ import annotations

import json
import os
import subprocess
import sys
from collections.abc import Sequence
from pathlib import Path
from statistics import median
from tempfile import TemporaryDirectory
from typing import Any

from tests.bench.cases import CASES, FLOWS, GROWTH, Case, Prepared, translation_of
from tests.bench.measure import (
    REFERENCE_CALIBRATION_S,
    ROOT,
    Sample,
    busy,
    calibration,
    exponent,
    machine,
    mad,
    run,
)
from tests.bench.sets import Shape
from tests.bench.table import page

FOLDER = ROOT / "docs" / "benchmarks"
PAIRS_OF_A_POINT = 2


def main(wanted: str) -> int:
    """Run what is wanted; 0 if every limit that was set is met."""
    speed = calibration()
    chosen = [case for case in CASES if (wanted in case.name if wanted else not case.long)]
    cases = []
    for case in chosen:
        print(f"{case.name} …", file=sys.stderr, flush=True)
        cases.append(measured(case, speed / REFERENCE_CALIBRATION_S))
        _keep(cases[-1:], [], speed)
    growth = [curve(by, shapes) for by, shapes in GROWTH.items() if not wanted or wanted == "growth"]
    _keep([], growth, speed)
    return 0 if all(case["ok"] for case in cases) else 1


def measured(case: Case, slower: float) -> dict[str, Any]:
    """Measure one case against its floor, once more where the machine was busy."""
    with TemporaryDirectory() as folder:
        prepared = case.prepare(Path(folder))
        figures = _figures(case, prepared, slower)
        if figures["noisy"]:
            figures = _figures(case, prepared, slower)
    if case.shape is not None and case.name.startswith("translate."):
        figures["anatomy"] = _anatomy(case.shape)
    return figures


def _figures(case: Case, prepared: Prepared, slower: float) -> dict[str, Any]:
    own, floor, loading = _interleaved(prepared, case.pairs)
    seconds = [sample.seconds for sample in own]
    middle, least = median(seconds), median(sample.seconds for sample in floor)
    figures: dict[str, Any] = {
        "name": case.name,
        "params": case.params,
        "samples_s": [round(value, 4) for value in seconds],
        "median_s": round(middle, 4),
        "mad_s": round(mad(seconds), 4),
        "peak_rss_bytes": max(sample.peak_rss_bytes for sample in own),
        "floor": {"name": case.floor, "median_s": round(least, 4), "ratio": round(middle / least, 2)},
        "baseline": _baseline(case, middle),
        "limit": None,
        "noisy": busy(),
    }
    if loading:
        figures["rate"] = round((FLOWS - 1) / (middle - median(sample.seconds for sample in loading)))
    worked = all(sample.code in {0, 3} for sample in (*own, *floor, *loading))
    return {**figures, **_judged(case, figures, slower, worked=worked)}


def _judged(case: Case, figures: dict[str, Any], slower: float, *, worked: bool) -> dict[str, Any]:
    if case.limit is None:
        return {"ok": worked}
    limit = case.limit
    if limit.kind == "rate":
        kept = figures["rate"] >= limit.value / max(1.0, slower)
    else:
        kept = figures["median_s"] <= limit.value * max(1.0, slower)
    fits = limit.memory_bytes is None or figures["peak_rss_bytes"] <= limit.memory_bytes
    stated = {"kind": limit.kind, "value": limit.value, "memory_bytes": limit.memory_bytes}
    return {"limit": stated, "ok": worked and kept and fits}


def _interleaved(prepared: Prepared, pairs: int) -> tuple[list[Sample], list[Sample], list[Sample]]:
    """Run case, floor and loading in turn; the first round is dropped."""
    found: tuple[list[Sample], list[Sample], list[Sample]] = ([], [], [])
    for number in range(pairs):
        for index, command in enumerate((prepared.command, prepared.floor, prepared.loading)):
            if command is not None:
                sample = run(command)
                if number:
                    found[index].append(sample)
    return found


def _baseline(case: Case, middle: float) -> dict[str, Any] | None:
    if case.peer is None:
        return None
    name, seconds = case.peer
    return {"name": name, "median_s": seconds, "ratio": round(middle / seconds, 4)}


def curve(by: str, shapes: Sequence[Shape]) -> dict[str, Any]:
    """Measure one growth curve and fit its exponent."""
    points = []
    for shape in shapes:
        print(f"growth by {by}: {shape.name} …", file=sys.stderr, flush=True)
        case = next((c for c in CASES if c.shape == shape), None) or translation_of(shape, None)
        with TemporaryDirectory() as folder:
            own, _, _ = _interleaved(case.prepare(Path(folder)), PAIRS_OF_A_POINT)
        points.append({"x": _x(by, shape), "median_s": round(median(s.seconds for s in own), 4)})
    return {
        "by": by,
        "points": points,
        "exponent": round(exponent([(p["x"], p["median_s"]) for p in points]), 3),
    }


def _x(by: str, shape: Shape) -> float:
    return {"pods": shape.pods, "classes": shape.classes, "policies": shape.policies}.get(by, shape.deny or 0)


def _anatomy(shape: Shape) -> dict[str, Any]:
    command = [sys.executable, "-m", "tests.bench.anatomy", *shape.words()]
    done = subprocess.run(command, cwd=ROOT, check=True, capture_output=True, text=True)
    found: dict[str, Any] = json.loads(done.stdout)
    return found


def _commit() -> str:
    done = subprocess.run(
        ["git", "rev-parse", "--short", "HEAD"], cwd=ROOT, check=True, capture_output=True, text=True
    )
    return done.stdout.strip()


def _keep(measured_now: Sequence[dict[str, Any]], growth: Sequence[dict[str, Any]], speed: float) -> None:
    """Write the figures over the kept ones, case by case; a noisy case leaves the kept one alone."""
    path = FOLDER / "latest.json"
    before = json.loads(path.read_text(encoding="utf-8")) if path.exists() else {"cases": [], "growth": []}
    kept = {case["name"]: case for case in before["cases"]}
    for case in measured_now:
        old = kept.get(case["name"])
        was = f"  was {old['median_s']:.3f} s" if old else ""
        verdict = "noisy" if case["noisy"] else "ok" if case["ok"] else "MISSED"
        print(f"{case['name']:<44} {case['median_s']:>9.3f} s  {verdict}{was}")
        if not case["noisy"]:
            kept[case["name"]] = case
    order = [case.name for case in CASES]
    cases = sorted((c for c in kept.values() if c["name"] in order), key=lambda c: order.index(c["name"]))
    data = {
        "schemaVersion": 1,
        "commit": _commit(),
        "machine": machine(),
        "calibration_s": round(speed, 4),
        "load1": round(os.getloadavg()[0], 2),
        "cases": cases,
        "growth": growth or before["growth"],
    }
    FOLDER.mkdir(parents=True, exist_ok=True)
    path.write_text(json.dumps(data, indent=1, ensure_ascii=False) + "\n", encoding="utf-8")
    (FOLDER / "latest.md").write_text(page(data), encoding="utf-8")


if __name__ == "__main__":
    sys.exit(main(os.environ.get("BENCH", "")))
