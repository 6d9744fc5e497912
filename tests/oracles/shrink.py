"""Make a world that shows a mismatch smaller: drop objects, rules, terms, values, as long as the mismatch stays.

``python -m tests.oracles.shrink cilium NUMBER`` shrinks a random world in which an evaluator and Cilium's engine
differ, ``calico NUMBER`` one in which the engine contradicts what a translation says; each prints what is left.
"""

from __future__ import annotations

import copy
import random
import sys
from collections.abc import Callable, Iterator
from dataclasses import replace
from typing import Any

import yaml

from tests import capabilities
from tests.oracles import random_calico, random_cilium, test_cilium_engine, test_end_to_end
from tests.oracles.engine import Engine
from translators.source import from_object
from translators.worldbuilder import build_world

Objects = list[dict[str, Any]]
Path = tuple[str | int, ...]
KEPT = frozenset({"apiVersion", "kind", "metadata", "name", "namespace", "key", "operator", "action"})
"""Keys without which an object is another one, or none."""


def shrink(objects: Objects, shows: Callable[[Objects], bool]) -> Objects:
    """Give a smallest list of objects that still shows the mismatch: no single cut can be made any more."""
    current = copy.deepcopy(objects)
    progress = True
    while progress:
        progress = False
        for path in sorted(_places(current), key=len):
            smaller = _without(current, path)
            if smaller is not None and shows(smaller):
                current, progress = smaller, True
                break
    return current


def _places(node: Any, path: Path = ()) -> Iterator[Path]:
    """Give every place at which something could be cut, outermost first."""
    listed = node.items() if isinstance(node, dict) else enumerate(node) if isinstance(node, list) else ()
    for key, value in listed:
        if key not in KEPT:
            yield (*path, key)
        if key != "metadata":
            yield from _places(value, (*path, key))


def _without(objects: Objects, path: Path) -> Objects | None:
    found = copy.deepcopy(objects)
    node: Any = found
    for step in path[:-1]:
        node = node[step]
    del node[path[-1]]
    return found


def cilium(engine: Engine, number: int) -> Objects:
    """Shrink the objects of a random world in which point evaluator, matrix and engine do not agree."""
    made = random_cilium.case(number)

    def kinds(objects: Objects) -> set[bool]:
        """Give what sort of mismatch shows: of validity, of verdicts."""
        world = replace(made, documents=tuple(from_object(item) for item in objects))
        found: set[bool] = set()
        for seed in (number, *range(4)):
            for item in test_cilium_engine.world_differences(engine, world, random.Random(seed), number):
                found.add(item[1] == "validity")
        return found

    wanted = kinds([dict(d.data) for d in made.documents])

    def shows(objects: Objects) -> bool:
        try:
            return bool(kinds(objects) & wanted)
        except (AssertionError, KeyError, TypeError, ValueError, AttributeError):
            return False

    return shrink([dict(d.data) for d in made.documents], shows)


def calico(engine: Engine, number: int) -> Objects:
    """Shrink the objects of a random world whose translation says what the engine does not bear out."""
    made = random_calico.case(number)

    def shows(objects: Objects) -> bool:
        documents = tuple(from_object(item, f"world-{number}") for item in objects)
        try:
            world, _ = build_world(documents, plan=random_calico.PLAN, is_cluster=True)
            tally = test_end_to_end.Tally()
            test_end_to_end.judge_case(engine, random_calico.Case(number, world, documents), tally)
        except test_end_to_end.NotProvedError:
            return True
        except (AssertionError, KeyError, TypeError, ValueError, AttributeError, IndexError):
            return False
        return bool(tally.wrong or tally.invalid)

    return shrink([dict(d.data) for d in made.documents], shows)


def main(arguments: list[str]) -> int:
    """Print what is left of a world."""
    with Engine(capabilities.binary("cilium-engine")) as engine:
        left = {"cilium": cilium, "calico": calico}[arguments[0]](engine, int(arguments[1]))
    print(yaml.safe_dump_all(left, default_flow_style=None, width=110, sort_keys=False))
    return 0


if __name__ == "__main__":
    raise SystemExit(main(sys.argv[1:]))
