"""Take one translation apart: what the drawn set holds, what became of it, and where the time went.

Run as ``python -m tests.bench.anatomy KIND PODS POLICIES CLASSES SEED [DENY]``; prints one JSON object.
"""

from __future__ import annotations

import gc
import json
import re
import sys
import time
from collections import Counter
from collections.abc import Callable
from pathlib import Path
from tempfile import TemporaryDirectory
from typing import Any

from migrate.adapters import files
from tests.bench.cutting import cut_beside
from tests.bench.sets import InputSet, Shape, draw
from translators import Translation, translate, translation
from translators.compiler import Compilation
from translators.passes import decide
from translators.settings import Limits
from translators.source import read

STEPS = ("build_world", "read_policies", "screen", "compile_policies", "emit", "prove", "witnessed", "grade")
"""The steps of a translation, in order; ``prove`` is P1–P5, ``witnessed`` the two matrices."""


class Stopwatch:
    """Times the steps of ``translators.translation`` from outside, and keeps what the compiler gave."""

    def __init__(self) -> None:
        self.seconds: dict[str, float] = {}
        self.compilation: Compilation | None = None

    def around(self, name: str, function: Callable[..., Any]) -> Callable[..., Any]:
        """Give the function, timed under a name."""

        def timed(*args: Any, **more: Any) -> Any:
            begin = time.process_time()
            try:
                result = function(*args, **more)
            finally:
                self.seconds[name] = self.seconds.get(name, 0.0) + time.process_time() - begin
            if isinstance(result, Compilation):
                self.compilation = result
            return result

        return timed


class Sandwiches:
    """Counts the Denies that stand between Allows which overlap them, as the compiler decides on each."""

    def __init__(self) -> None:
        self.early: list[int] = []
        self.later: list[int] = []

    def watch(self) -> None:
        """Look over the shoulder of the decision per Deny; a second try with wider caps is not counted again."""
        choose = decide._choose  # the figures are asked for by the specification, and nothing else gives them

        def watched(walk: Any, j: int, around: Any, decided: Any) -> Any:
            if around.factor == 1 and around.early:
                self.early.append(len(around.early))
                self.later.append(len(around.cuttable) + len(around.natives))
            return choose(walk, j, around, decided)

        decide._choose = watched

    def stated(self) -> dict[str, float]:
        """Give their number, and how many Allows stand before and after on average."""
        count = len(self.early)
        return {
            "count": count,
            "mean_early": round(sum(self.early) / count, 1) if count else 0,
            "mean_later": round(sum(self.later) / count, 1) if count else 0,
        }


def taken_apart(shape: Shape) -> dict[str, Any]:
    """Translate one set and give facts, sizes and seconds by step."""
    drawn = draw(shape)
    watch, sandwiches = Stopwatch(), Sandwiches()
    sandwiches.watch()
    gc.disable()  # as the command does
    for name in STEPS:
        setattr(translation, name, watch.around(name, getattr(translation, name)))
    with TemporaryDirectory() as folder:
        policies, cluster = drawn.write(Path(folder))
        load = watch.around("load", files.load)
        own, around = load([str(policies)]), load([str(cluster)])
    result = translate(own.documents, cluster=around.documents)
    seconds = {name: round(value, 3) for name, value in watch.seconds.items()}
    with cut_beside() as cutting:
        translate(own.documents, cluster=around.documents)
    assert watch.compilation is not None
    directions = watch.compilation.directions
    statuses: Counter[str] = Counter()
    for compiled in directions.values():
        statuses.update({str(status): count for status, count in compiled.statuses.items()})
    return {
        "facts": stated(drawn),
        "statuses": dict(sorted(statuses.items())),
        "sandwiches": sandwiches.stated(),
        "budget": {name: getattr(Limits(), name) for name in Limits.__dataclass_fields__},
        "sizes": {**result.report.method.sizes, "cubes_l2": cutting.cubes, "literals": literals(result)},
        "grades": result.report.grades(),
        "open": result.report.method.open_obligations,
        "seconds": seconds,
    }


def literals(result: Translation) -> int:
    """Count the requirements on labels that were written: of subjects and of peers."""
    bodies = [d.data for file in result.files for d in read(file.path, file.text.encode()).documents]
    return sum(map(_literals, bodies))


def _literals(value: object) -> int:
    if isinstance(value, list):
        return sum(map(_literals, value))
    if not isinstance(value, dict):
        return 0
    own = len(value.get("matchExpressions") or ()) + len(value.get("matchLabels") or ())
    return own + sum(map(_literals, value.values()))


def stated(drawn: InputSet) -> dict[str, Any]:
    """Give what must stand beside a figure, counted over the objects themselves."""
    pods = [item for item in drawn.cluster if item["kind"] == "Pod"]
    policies = [item for item in drawn.policies if item["kind"] != "Tier"]
    rules = [(d, r) for p in policies for d in ("ingress", "egress") for r in p["spec"].get(d, ())]
    actions = Counter(rule["action"] for _, rule in rules)
    text = json.dumps([p["spec"] for p in policies])
    values: dict[str, set[str]] = {}
    for key, value in re.findall(r"([\w./-]+) [!=]= '([^']*)'", text):
        values.setdefault(key, set()).add(value)
    return {
        "pods": len(pods),
        "classes": len({(p["metadata"]["namespace"], json.dumps(p["metadata"]["labels"])) for p in pods}),
        "namespaces": drawn.shape.namespaces,
        "policies": len(policies),
        "cluster_wide": sum(1 for p in policies if p["kind"] == "GlobalNetworkPolicy"),
        "rules": dict(sorted(Counter(direction for direction, _ in rules).items())),
        "actions": {name: round(count / len(rules), 3) for name, count in sorted(actions.items())},
        "tiers": {
            t["metadata"]["name"]: t["spec"]["defaultAction"] for t in drawn.policies if t["kind"] == "Tier"
        },
        "values_by_key": {key: len(found) for key, found in sorted(values.items())},
        "nets": len(set(re.findall(r"\d+\.\d+\.\d+\.\d+/\d+", text))),
        "seed": drawn.shape.seed,
    }


if __name__ == "__main__":
    print(json.dumps(taken_apart(Shape.of(sys.argv[1:]))))
