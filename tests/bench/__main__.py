"""``make bench``: run the cases, write ``docs/benchmarks/latest.json`` and its page, print what changed.

``BENCH=name`` runs the cases whose name holds that text, the long ones too; ``BENCH=growth`` the growth curves,
``BENCH=live`` the run on a real control plane, which needs the binaries of ``make tools``. A case that ran while others used the machine is measured once more; if they still do, it is marked noisy and judged by
the processor's seconds. ``C2C_BENCH_ONCE=1`` does without the second time, where it is known not to be quieter.
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

from tests.bench.cases import CASES, FLOWS, GROWTH, Case, Prepared, case_of
from tests.bench.estates import Estate
from tests.bench.measure import (
    REFERENCE_CALIBRATION_S,
    ROOT,
    Sample,
    busy,
    calibration,
    commit,
    exponent,
    machine,
    mad,
    run,
)
from tests.bench.sets import Shape
from tests.bench.table import page

FOLDER = ROOT / "docs" / "benchmarks"
PAIRS_OF_A_POINT = 4


def main(wanted: str) -> int:
    """Run what is wanted; 0 if every limit that was set is met."""
    chosen = [case for case in CASES if (wanted in case.name if wanted else not case.long)]
    cases = []
    for case in chosen:
        print(f"{case.name} …", file=sys.stderr, flush=True)
        cases.append(measured(case))
        _keep(cases[-1:], [])
    curves = GROWTH if not wanted or wanted == "growth" else {}
    for by, shapes in curves.items():
        _keep([], [curve(by, shapes)])
    if wanted == "live":
        cases.append(_live())
    return 0 if all(case["ok"] for case in cases) else 1


def _live() -> dict[str, Any]:
    """Measure a run on a real control plane, and keep it over the one before."""
    from tests.bench import live  # noqa: PLC0415  # the other cases need neither its binaries nor pytest

    found = live.figures()
    print(json.dumps(found, indent=1))
    _keep([], [], found)
    return found


def measured(case: Case) -> dict[str, Any]:
    """Measure one case against its floor, once more where the machine was busy."""
    with TemporaryDirectory() as folder:
        prepared = case.prepare(Path(folder))
        figures = _figures(case, prepared)
        if figures["noisy"] and not (case.long or os.environ.get("C2C_BENCH_ONCE")):
            figures = _figures(case, prepared)
    if isinstance(case.shape, Shape) and case.name.startswith("translate."):
        figures["anatomy"] = _anatomy(case.shape)
    return figures


def _figures(case: Case, prepared: Prepared) -> dict[str, Any]:
    before = calibration()
    own, floor, loading = _interleaved(prepared, case.pairs)
    speed = (before + calibration()) / 2
    wall, cpu = [sample.seconds for sample in own], [sample.cpu_seconds for sample in own]
    least, least_cpu = median(s.seconds for s in floor), median(s.cpu_seconds for s in floor)
    noisy = busy()
    figures: dict[str, Any] = {
        "name": case.name,
        "params": case.params,
        "commit": commit(),
        "samples_s": [round(value, 4) for value in wall],
        "median_s": round(median(wall), 4),
        "mad_s": round(mad(wall), 4),
        "cpu_samples_s": [round(value, 4) for value in cpu],
        "cpu_median_s": round(median(cpu), 4),
        "cpu_mad_s": round(mad(cpu), 4),
        "peak_rss_bytes": max(sample.peak_rss_bytes for sample in own),
        "floor": {
            "name": case.floor,
            "median_s": round(least, 4),
            "cpu_median_s": round(least_cpu, 4),
            "ratio": round(median(cpu) / least_cpu, 2),
        },
        "baseline": _baseline(case, median(cpu) if noisy else median(wall)),
        "limit": None,
        "calibration_s": round(speed, 4),
        "load1": round(os.getloadavg()[0], 2),
        "nice": os.nice(0),
        "noisy": noisy,
    }
    if loading:
        spent = (
            (median(cpu) - median(s.cpu_seconds for s in loading))
            if noisy
            else (median(wall) - median(s.seconds for s in loading))
        )
        figures["rate"] = round((FLOWS - 1) / spent)
    worked = all(sample.code in {0, 3} for sample in (*own, *floor, *loading))
    return {**figures, **_judged(case, figures, speed / REFERENCE_CALIBRATION_S, worked=worked)}


def _judged(case: Case, figures: dict[str, Any], slower: float, *, worked: bool) -> dict[str, Any]:
    """Hold a case against its limit, by the wall's seconds if the machine was left alone, else by the processor's.

    A limit widens where the machine was slower than the one for which it is stated, and never narrows.
    """
    if case.limit is None:
        return {"ok": worked}
    limit = case.limit
    if limit.kind == "rate":
        kept = figures["rate"] >= limit.value / max(1.0, slower)
    else:
        taken = figures["cpu_median_s" if figures["noisy"] else "median_s"]
        kept = taken <= limit.value * max(1.0, slower)
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


def curve(by: str, shapes: Sequence[Shape | Estate]) -> dict[str, Any]:
    """Measure one growth curve by the processor's seconds, and fit its exponent."""
    points = []
    for shape in shapes:
        print(f"growth by {by}: {shape.name} …", file=sys.stderr, flush=True)
        case = case_of(by, shape)
        with TemporaryDirectory() as folder:
            own, _, _ = _interleaved(case.prepare(Path(folder)), PAIRS_OF_A_POINT)
        points.append(
            {
                "x": _x(by, shape),
                "cpu_median_s": round(median(s.cpu_seconds for s in own), 4),
                "peak_rss_bytes": max(s.peak_rss_bytes for s in own),
                "load1": round(os.getloadavg()[0], 2),
            }
        )
    return {
        "by": by,
        "kind": shapes[0].kind,
        "points": points,
        "exponent": round(exponent([(p["x"], p["cpu_median_s"]) for p in points]), 3),
    }


def _x(by: str, shape: Shape | Estate) -> float:
    if isinstance(shape, Estate):
        return shape.nodes
    sizes = {"pods": shape.pods, "classes": shape.classes, "policies": shape.policies}
    return sizes.get(by.partition(",")[0], shape.deny or 0)


def _anatomy(shape: Shape) -> dict[str, Any]:
    command = [sys.executable, "-m", "tests.bench.anatomy", *shape.words()]
    done = subprocess.run(command, cwd=ROOT, check=True, capture_output=True, text=True)
    found: dict[str, Any] = json.loads(done.stdout)
    return found


def _keep(
    measured_now: Sequence[dict[str, Any]],
    growth: Sequence[dict[str, Any]],
    live: dict[str, Any] | None = None,
) -> None:
    """Write the figures over the kept ones, case by case and curve by curve."""
    path = FOLDER / "latest.json"
    before = json.loads(path.read_text(encoding="utf-8")) if path.exists() else {"cases": [], "growth": []}
    kept = {case["name"]: case for case in before["cases"]}
    curves = {one["by"]: one for one in before["growth"]} | {one["by"]: one for one in growth}
    for case in measured_now:
        old = kept.get(case["name"])
        was = f"  was {old['median_s']:.3f} s" if old else ""
        verdict = ("ok" if case["ok"] else "MISSED") + (", noisy" if case["noisy"] else "")
        print(
            f"{case['name']:<44} {case['median_s']:>9.3f} s  {case['cpu_median_s']:>8.3f} s CPU  {verdict}{was}"
        )
        kept[case["name"]] = case
    order = [case.name for case in CASES]
    cases = sorted((c for c in kept.values() if c["name"] in order), key=lambda c: order.index(c["name"]))
    data = {
        "schemaVersion": 2,
        "machine": machine() if measured_now or growth or "machine" not in before else before["machine"],
        "reference_calibration_s": REFERENCE_CALIBRATION_S,
        "cases": cases,
        "growth": [curves[by] for by in GROWTH if by in curves],
        "live": live or before.get("live"),
    }
    FOLDER.mkdir(parents=True, exist_ok=True)
    path.write_text(json.dumps(data, indent=1, ensure_ascii=False) + "\n", encoding="utf-8")
    (FOLDER / "latest.md").write_text(page(data), encoding="utf-8")


if __name__ == "__main__":
    sys.exit(main(os.environ.get("BENCH", "")))
