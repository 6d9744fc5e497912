"""How large the output is: golden figures with a fifth of slack, and the ceilings that the method promises.

The figures of tests/fixtures/sizes.json are those of a run; C2C_REWRITE=1 writes them anew. A figure that falls by
more than a fifth fails too: then the golden one no longer says anything.
"""

from __future__ import annotations

import json
import os
from collections import Counter
from functools import cache
from typing import Any

import pytest

from tests.bench.sets import Shape, draw
from tests.capabilities import ROOT, shared
from tests.oracles import worlds
from translators import CiliumConfig, Options, translate
from translators.frontends import is_policy
from translators.report import Report
from translators.source import read

GOLDEN = ROOT / "tests" / "fixtures" / "sizes.json"
SLACK = 1.2
COMPARED = ("objects", "cubes", "elements", "map_entries")
SETS = {
    "realistic 500 x 200": (Shape("realistic", 500, 200, 50), 454),
    "random 500 x 200": (Shape("random", 500, 200, 50), 797),
    "adversarial 200 x 60": (Shape("adversarial", 200, 60, 200), 491),
}
"""Each with the cubes that the method needs for a set of its kind (the specification's measurements)."""
VECTORS_CONFIG = CiliumConfig(enable_sctp=True, enable_extended_ip_protocols=True, ipv6=True)
MANY_ADVERSARIES = Shape("vectors", 600, 120, 600)


@cache
def report(name: str) -> Report:
    drawn = draw(SETS[name][0])
    return translate(drawn.policies, cluster=drawn.cluster).report


def corpus() -> dict[str, int]:
    """Add up the files of others, each alone."""
    total: Counter[str] = Counter()
    for path in sorted(shared("corpus").glob("*.yaml")):
        reading = read(path.name, path.read_bytes())
        total.update(translate(reading.documents, diagnostics=reading.diagnostics).report.method.sizes)
    return dict(total)


def vectors() -> dict[str, int]:
    """Add up every twentieth world of the vectors."""
    total: Counter[str] = Counter()
    shared("vectors", "calico", "worlds.jsonl.gz")
    options = Options(cilium=VECTORS_CONFIG)
    for number, (data, edges) in enumerate(worlds.lines()):
        if number % 20:
            continue
        world = worlds.load(data, edges=edges)
        policies = [d for d in world.documents if is_policy(d) or d.kind == "Tier"]
        around = [d for d in world.documents if not is_policy(d)]
        found = translate(policies, cluster=around, options=options, plan=world.world.plan)
        sizes = found.report.method.sizes
        total.update({key: value for key, value in sizes.items() if "map" not in key})
    return dict(total)


def measured(name: str) -> dict[str, int]:
    sizes = {"corpus": corpus, "vectors": vectors}.get(name, lambda: report(name).method.sizes)()
    return {key: sizes[key] for key in COMPARED if key in sizes}


def golden() -> dict[str, Any]:
    found: dict[str, Any] = json.loads(GOLDEN.read_text(encoding="utf-8")) if GOLDEN.exists() else {}
    return found


@pytest.mark.parametrize("name", [*SETS, "corpus", "vectors"])
def test_the_output_keeps_its_size(name: str) -> None:
    sizes = measured(name)
    if os.environ.get("C2C_REWRITE") == "1":
        GOLDEN.write_text(
            json.dumps({**golden(), name: sizes}, indent=1, sort_keys=True) + "\n", encoding="utf-8"
        )
    for key, value in golden()[name].items():
        assert value / SLACK <= sizes[key] <= value * SLACK, f"{name}: {key} was {value}, is {sizes[key]}"


@pytest.mark.parametrize("name", SETS)
def test_a_drawn_set_needs_no_more_cubes_than_the_method_promises(name: str) -> None:
    assert report(name).method.sizes["cubes"] <= SETS[name][1] * SLACK


@pytest.mark.parametrize("name", SETS)
def test_every_policy_of_a_drawn_set_is_exact_and_proved(name: str) -> None:
    found = report(name)
    assert found.method.open_obligations == 0
    assert set(found.grades()) - {k for k, v in found.grades().items() if v == 0} <= {"S0", "S1"}


def test_the_policy_map_is_smaller_than_that_of_the_naive_translation() -> None:
    sizes = report("realistic 500 x 200").method.sizes
    assert sizes["map_entries"] < sizes["naive_map_entries"]


def test_what_cannot_fit_a_policy_map_is_refused_with_a_remedy() -> None:
    drawn = draw(MANY_ADVERSARIES)
    options = Options(cilium=CiliumConfig(policy_map_max=256))
    found = translate(drawn.policies, cluster=drawn.cluster, options=options).report
    refused = [f for f in found.findings if f.code == "CAL-V802"]
    assert refused and all(f.severity == "error" and f.remedy for f in refused)
