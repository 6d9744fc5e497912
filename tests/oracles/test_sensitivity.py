"""The oracles are not blind: each deliberate misreading of an evaluator is caught by the sample that runs here.

A misreading replaces one piece of the evaluator's source, which is then imported afresh beside the right one.
"""

from __future__ import annotations

import importlib
import random
import sys
from collections.abc import Iterator, Mapping, Sequence
from contextlib import contextmanager
from functools import cache
from importlib.abc import MetaPathFinder, SourceLoader
from importlib.machinery import ModuleSpec
from pathlib import Path
from types import ModuleType

import pytest
import yaml

from tests import capabilities
from tests.oracles import worlds
from tests.oracles.claim import CLAIMS
from tests.oracles.engine import Engine
from tests.oracles.random_cilium import case
from tests.oracles.test_cilium_engine import questions
from translators import CiliumConfig
from translators.flows import Direction, Flow
from translators.semantics.cilium import CiliumPolicies
from translators.source import Document
from translators.world import World

ROWS: Mapping[str, Sequence[Mapping[str, str]]] = yaml.safe_load(
    (Path(__file__).parent / "misreadings.yaml").read_text(encoding="utf-8")
)
SEMANTICS = Path(__file__).resolve().parents[2] / "translators" / "semantics"
WORLDS = 1_200
LEAST = 30


class _Misread(MetaPathFinder, SourceLoader):
    """Imports one module from changed source."""

    def __init__(self, name: str, source: str) -> None:
        self._name, self._source = name, source

    def find_spec(self, fullname: str, path: object, target: object = None) -> ModuleSpec | None:
        return ModuleSpec(fullname, self) if fullname == self._name else None

    def get_filename(self, fullname: str) -> str:
        return f"<misread {fullname}>"

    def get_data(self, path: str) -> bytes:
        return self._source.encode()


@contextmanager
def misread(engine: str, row: Mapping[str, str]) -> Iterator[tuple[ModuleType, ModuleType]]:
    """Give the modules ``model`` and ``point`` of an evaluator that misreads one line."""
    source = (SEMANTICS / engine / f"{row['module']}.py").read_text(encoding="utf-8")
    assert source.count(row["was"]) == 1, f"{row['name']}: the line is there {source.count(row['was'])} times"
    package = f"translators.semantics.{engine}"
    finder = _Misread(f"{package}.{row['module']}", source.replace(row["was"], row["reads"]))
    kept = {name: module for name, module in sys.modules.items() if name.startswith(package)}
    for name in kept:
        del sys.modules[name]
    sys.meta_path.insert(0, finder)
    try:
        yield importlib.import_module(f"{package}.model"), importlib.import_module(f"{package}.point")
    finally:
        sys.meta_path.remove(finder)
        for name in [n for n in sys.modules if n.startswith(package)]:
            del sys.modules[name]
        sys.modules.update(kept)
        setattr(sys.modules["translators.semantics"], engine, kept[package])


@cache
def vectors() -> tuple[worlds.VectorWorld, ...]:
    """Give the edge worlds first, then every fourth of the others."""
    capabilities.shared("vectors", "calico")
    listed = list(worlds.lines())
    edges = [worlds.load(data, edges=True) for data, is_edge in listed if is_edge]
    others = [worlds.load(data, edges=False) for data, is_edge in listed if not is_edge]
    return (*edges, *others[::4])


def row_id(row: Mapping[str, str]) -> str:
    return row["name"]


@pytest.mark.parametrize("row", ROWS["calico"], ids=row_id)
def test_a_misreading_of_calico_is_caught_by_the_vectors(row: Mapping[str, str]) -> None:
    with misread("calico", row) as (model, point):
        assert any(is_wrong(world, model, point) for world in vectors())


def is_wrong(world: worlds.VectorWorld, model: ModuleType, point: ModuleType) -> bool:
    """Say whether the misreading evaluator contradicts Calico's data plane in a world, or breaks on it."""
    try:
        policies = model.CalicoPolicies.build(world.world, world.documents, (3, 34))
        evaluator = point.PointEvaluator(policies)
        for expected in world.flows:
            found = evaluator.judge(expected.flow)
            for decision, verdict in ((found.egress, expected.egress), (found.ingress, expected.ingress)):
                if (decision.verdict.value if decision else None) != verdict:
                    return True
    except (KeyError, ValueError, TypeError, AttributeError):
        return True
    return False


Answered = tuple[World, list[Document], CiliumConfig, list[tuple[Flow, Direction, str | None]]]


@pytest.fixture(scope="module")
def answered(engine: Engine) -> list[Answered]:
    """Give claims and random worlds, each with flows and the engine's verdicts."""
    found = []
    for claim in CLAIMS:
        if claim.flows and not claim.alone:
            asked = [(claim.flow(text), claim.direction(text)) for text in claim.flows]
            found.append((claim.world, claim.documents, claim.config, asked))
    for number in range(WORLDS):
        world = case(number)
        policies = CiliumPolicies.build(world.world, world.documents, world.config)
        asked = [(q.flow, q.direction) for q in questions(world, policies, random.Random(number))]
        found.append((world.world, list(world.documents), world.config, asked))
    result = []
    for place, documents, config, asked in found:
        said = engine.judge(place, documents, config, [flow for flow, _ in asked])
        verdicts = [
            (flow, direction, v[0] if direction is Direction.INGRESS else v[1])
            for (flow, direction), v in zip(asked, said.flows, strict=True)
        ]
        result.append((place, documents, config, verdicts))
    return result


@pytest.mark.parametrize("row", ROWS["cilium"], ids=row_id)
def test_a_misreading_of_cilium_is_caught_by_the_engine(
    row: Mapping[str, str], answered: list[Answered]
) -> None:
    with misread("cilium", row) as (model, point):
        assert any(contradicts(item, model, point) for item in answered)


def contradicts(item: Answered, model: ModuleType, point: ModuleType) -> bool:
    """Say whether the misreading evaluator contradicts the engine in a world."""
    world, documents, config, verdicts = item
    evaluator = point.PointEvaluator(model.CiliumPolicies.build(world, documents, config))
    for flow, direction, verdict in verdicts:
        found = evaluator.judge(flow)
        decision = found.ingress if direction is Direction.INGRESS else found.egress
        if (decision.verdict.value if decision else None) != verdict:
            return True
    return False


@pytest.mark.parametrize("engine", ["calico", "cilium"])
def test_there_are_enough_misreadings(engine: str) -> None:
    assert len(ROWS[engine]) >= LEAST
    assert len({row["name"] for row in ROWS[engine]}) == len(ROWS[engine])
