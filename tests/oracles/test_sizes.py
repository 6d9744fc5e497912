"""How large the output is: golden figures with a fifth of slack, and the ceilings that the method promises.

The figures of tests/fixtures/sizes.json are those of a run; C2C_REWRITE=1 writes them anew. A figure that falls by
more than a fifth fails too: then the golden one no longer says anything.
"""

from __future__ import annotations

import json
import os
from collections import Counter
from collections.abc import Mapping, Sequence
from dataclasses import dataclass, field
from typing import Any

import pytest

from tests.bench.anatomy import literals
from tests.bench.cutting import cut_beside
from tests.bench.sets import Shape, draw
from tests.capabilities import ROOT, is_long, shared
from tests.oracles import worlds
from translators import CiliumConfig, Options, translate
from translators.frontends import is_policy
from translators.report import Report
from translators.source import Document, read

GOLDEN = ROOT / "tests" / "fixtures" / "sizes.json"
SLACK = 1.2
COMPARED = (
    "objects",
    "cubes",
    "cubes_l2",
    "literals",
    "elements",
    "naive_elements",
    "map_entries",
    "naive_map_entries",
)
"""Beside each figure that of the naive translation, one element for each rule, and that of cutting every Deny (L2)."""
SETS = {
    "realistic 500 x 200": (Shape("realistic", 500, 200, 50), 454),
    "random 500 x 200": (Shape("random", 500, 200, 50), 797),
    "adversarial 200 x 60": (Shape("adversarial", 200, 60, 200), 491),
    "adversarial 500 x 200, 10 % Deny": (Shape("adversarial", 500, 200, 500, deny=0.1), 2_629),
    "adversarial 500 x 200, 40 % Deny": (Shape("adversarial", 500, 200, 500, deny=0.4), 7_823),
    "realistic 5,000 x 1,000": (Shape("realistic", 5_000, 1_000, 500), 2_273),
    "random 5,000 x 1,000": (Shape("random", 5_000, 1_000, 500), 6_499),
    "realistic 5,000 x 1,000, all distinct": (Shape("realistic", 5_000, 1_000, 5_000), 2_326),
    "realistic 100,000 x 5,000": (Shape("realistic", 100_000, 5_000, 2_000), 11_475),
}
"""Each with the cubes that the method needs for a set of its kind (the specification's measurements)."""
LONG = {"realistic 100,000 x 5,000"}
DRAWN = [name for name in SETS if is_long() or name not in LONG]
VECTORS_CONFIG = CiliumConfig(enable_sctp=True, enable_extended_ip_protocols=True, ipv6=True)
MANY_ADVERSARIES = Shape("vectors", 600, 120, 600)


@dataclass
class Sized:
    """Figures added up over translations: of the reports, of the literals written, and of L2."""

    sizes: Counter[str] = field(default_factory=Counter)
    report: Report | None = None

    def add(self, policies: Sequence[Document | Mapping[str, Any]], **more: Any) -> None:
        """Translate one set; its objects are let go."""
        with cut_beside() as cutting:
            result = translate(policies, **more)
        self.report = result.report
        self.sizes.update(result.report.method.sizes)
        self.sizes.update({"literals": literals(result), "cubes_l2": cutting.cubes or 0})

    def compared(self) -> dict[str, int]:
        """Give the figures that are kept."""
        return {key: self.sizes[key] for key in COMPARED if key in self.sizes}


def of_set(name: str) -> Sized:
    found, drawn = Sized(), draw(SETS[name][0])
    found.add(drawn.policies, cluster=drawn.cluster)
    return found


def of_corpus() -> Sized:
    """Add up the files of others, each alone."""
    found = Sized()
    for path in sorted(shared("corpus").glob("*.yaml")):
        reading = read(path.name, path.read_bytes())
        found.add(reading.documents, diagnostics=reading.diagnostics)
    return found


def of_vectors() -> Sized:
    """Add up every twentieth world of the vectors; the largest map of each says nothing together."""
    found = Sized()
    shared("vectors", "calico", "worlds.jsonl.gz")
    for number, (data, edges) in enumerate(worlds.lines()):
        if number % 20:
            continue
        world = worlds.load(data, edges=edges)
        policies = [d for d in world.documents if is_policy(d) or d.kind == "Tier"]
        around = [d for d in world.documents if not is_policy(d)]
        options = worlds.options(policies, VECTORS_CONFIG)
        found.add(policies, cluster=around, options=options, plan=world.world.plan)
    for key in ("map_entries", "naive_map_entries"):
        del found.sizes[key]
    return found


def golden() -> dict[str, Any]:
    found: dict[str, Any] = json.loads(GOLDEN.read_text(encoding="utf-8")) if GOLDEN.exists() else {}
    return found


def keeps_its_size(name: str, sizes: Mapping[str, int]) -> None:
    """Hold figures against the golden ones."""
    if os.environ.get("C2C_REWRITE") == "1":
        kept = json.dumps({**golden(), name: sizes}, indent=1, sort_keys=True)
        GOLDEN.write_text(kept + "\n", encoding="utf-8")
    for key, value in golden()[name].items():
        assert value / SLACK <= sizes[key] <= value * SLACK, f"{name}: {key} was {value}, is {sizes[key]}"


@pytest.mark.parametrize("name", ["corpus", "vectors"])
def test_what_others_wrote_keeps_its_size(name: str) -> None:
    found = of_corpus() if name == "corpus" else of_vectors()
    keeps_its_size(name, found.compared())
    assert found.sizes["cubes"] <= found.sizes["cubes_l2"]


@pytest.mark.timeout(1_800)
@pytest.mark.parametrize("name", DRAWN)
def test_a_drawn_set_is_as_small_as_the_method_promises_and_proved(name: str) -> None:
    found = of_set(name)
    sizes, report = found.sizes, found.report
    keeps_its_size(name, found.compared())
    assert sizes["cubes"] <= SETS[name][1] * SLACK
    assert sizes["cubes"] <= sizes["cubes_l2"]
    assert sizes["map_entries"] < sizes["naive_map_entries"]
    assert report is not None
    assert report.method.open_obligations == 0
    assert {grade for grade, count in report.grades().items() if count} <= {"S0", "S1"}


def test_what_cannot_fit_a_policy_map_is_refused_with_a_remedy() -> None:
    drawn = draw(MANY_ADVERSARIES)
    options = Options(cilium=CiliumConfig(policy_map_max=256))
    found = translate(drawn.policies, cluster=drawn.cluster, options=options).report
    refused = [f for f in found.findings if f.code == "CAL-V802"]
    assert refused and all(f.severity == "error" and f.remedy for f in refused)
