"""How many cases each layer runs, as lower bounds: a layer that finds nothing to do is a bug, not a pass."""

from __future__ import annotations

import re
import subprocess
import sys
from pathlib import Path

ROOT = Path(__file__).resolve().parents[2]
AT_LEAST = {
    "unit": 600,
    "golden": 50,
    "meta": 150,
    "oracles": 1500,
    "property": 9,
    "robustness": 40,
    "controlplane": 185,
}


def test_no_layer_has_fewer_cases_than_it_had() -> None:
    program = [
        sys.executable,
        "-m",
        "pytest",
        "--collect-only",
        "-qq",
        "-p",
        "no:randomly",
        "-p",
        "no:cacheprovider",
    ]
    layers = [f"tests/{layer}" for layer in AT_LEAST]
    done = subprocess.run([*program, *layers], cwd=ROOT, capture_output=True, text=True, check=True)
    counted: dict[str, int] = dict.fromkeys(AT_LEAST, 0)
    for layer, count in re.findall(r"^tests/(\w+)/.*: (\d+)$", done.stdout, re.MULTILINE):
        counted[layer] += int(count)
    short = {layer: counted[layer] for layer, least in AT_LEAST.items() if counted[layer] < least}
    assert not short, f"fewer cases than {AT_LEAST}"
