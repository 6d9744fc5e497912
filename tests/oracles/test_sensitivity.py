"""The oracles are not blind: each deliberate misreading of an evaluator is caught by the sample that runs here.

A misreading replaces one piece of an evaluator's source, which is then imported afresh beside the right one and asked
what the right one is asked: Calico's two evaluators the vectors of its data plane, Cilium's two the claims and random
worlds that the engine has answered. What two evaluators share is misread in each of them.
"""

from __future__ import annotations

import importlib
import random
import sys
from collections.abc import Iterator, Mapping, Sequence
from contextlib import contextmanager
from dataclasses import dataclass
from functools import cache
from importlib.abc import MetaPathFinder, SourceLoader
from importlib.machinery import ModuleSpec
from pathlib import Path
from types import ModuleType
from typing import Any

import pytest
import yaml

from tests import capabilities
from tests.oracles import worlds
from tests.oracles.claim import CLAIMS, SUBJECT
from tests.oracles.engine import Engine
from tests.oracles.random_cilium import Case, case
from tests.oracles.test_calico_vectors import holds, key, universe_of
from tests.oracles.test_cilium_engine import asked_points
from translators import CiliumConfig
from translators.flows import Direction, Flow, PeerKind
from translators.proof.compare import MatrixDifference, flow_of
from translators.semantics.calico.matrix import CalicoSide
from translators.semantics.calico.model import CalicoPolicies
from translators.semantics.cilium.matrix import CiliumSide
from translators.semantics.cilium.model import CiliumPolicies
from translators.source import Document
from translators.universe import Universe
from translators.world import World

ROWS: Mapping[str, Mapping[str, Sequence[Mapping[str, str]]]] = yaml.safe_load(
    (Path(__file__).parent / "misreadings.yaml").read_text(encoding="utf-8")
)
SEMANTICS = Path(__file__).resolve().parents[2] / "translators" / "semantics"
WORLDS = 1_200
LEAST = 30
VERSION = (3, 34)
BROKEN = (KeyError, ValueError, TypeError, AttributeError, IndexError)
"""What an evaluator that misreads may break with: it is seen by that."""


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


@dataclass(frozen=True)
class Package:
    """The modules of an evaluator package of which one line is misread."""

    model: ModuleType
    point: ModuleType
    matrix: ModuleType


@contextmanager
def misread(engine: str, row: Mapping[str, str]) -> Iterator[Package]:
    """Give the package of an engine's evaluators that misreads one line."""
    source = (SEMANTICS / engine / f"{row['module']}.py").read_text(encoding="utf-8")
    assert source.count(row["was"]) == 1, f"{row['name']}: the line is there {source.count(row['was'])} times"
    package = f"translators.semantics.{engine}"
    finder = _Misread(f"{package}.{row['module']}", source.replace(row["was"], row["reads"]))
    kept = {name: module for name, module in sys.modules.items() if name.startswith(package)}
    for name in kept:
        del sys.modules[name]
    sys.meta_path.insert(0, finder)
    try:
        yield Package(
            *(importlib.import_module(f"{package}.{part}") for part in ("model", "point", "matrix"))
        )
    finally:
        sys.meta_path.remove(finder)
        for name in [n for n in sys.modules if n.startswith(package)]:
            del sys.modules[name]
        sys.modules.update(kept)
        setattr(sys.modules["translators.semantics"], engine, kept[package])


def rows(engine: str, evaluator: str) -> list[Mapping[str, str]]:
    """Give every misreading of one evaluator: what it shares with the other, and its own."""
    return [*ROWS[engine]["shared"], *ROWS[engine][evaluator]]


def row_id(row: Mapping[str, str]) -> str:
    return row["name"]


@cache
def vectors() -> tuple[worlds.VectorWorld, ...]:
    """Give the edge worlds first, then every fourth of the others."""
    capabilities.shared("vectors", "calico")
    listed = list(worlds.lines())
    edges = [worlds.load(data, edges=True) for data, is_edge in listed if is_edge]
    others = [worlds.load(data, edges=False) for data, is_edge in listed if not is_edge]
    return (*edges, *others[::4])


@pytest.mark.parametrize("row", rows("calico", "point"), ids=row_id)
def test_a_misreading_of_calicos_point_evaluator_is_caught(row: Mapping[str, str]) -> None:
    with misread("calico", row) as package:
        assert any(point_errs(world, package) for world in vectors())


def point_errs(world: worlds.VectorWorld, package: Package) -> bool:
    """Say whether the point evaluator contradicts Calico's data plane in a world, or breaks on it."""
    try:
        policies = package.model.CalicoPolicies.build(world.world, world.documents, VERSION)
        evaluator = package.point.PointEvaluator(policies)
        for expected in world.flows:
            found = evaluator.judge(expected.flow)
            for decision, verdict in ((found.egress, expected.egress), (found.ingress, expected.ingress)):
                if verdict is not None and (decision.verdict.value if decision else None) != verdict:
                    return True
    except BROKEN:
        return True
    return False


@dataclass(frozen=True)
class Cells:
    """A universe of one world, and cells of its matrix with what must stand in them."""

    world: worlds.VectorWorld
    universe: Universe
    expected: tuple[tuple[Direction, int, int, int, bool], ...]


@cache
def vector_cells() -> tuple[Cells, ...]:
    """Give the vectors as cells: (direction, row, atom, peer, allowed), in the universe of the right evaluator."""
    found = []
    for world in vectors():
        side = CalicoSide(CalicoPolicies.build(world.world, world.documents, VERSION))
        universe = universe_of(side, [e.flow for e in world.flows])
        places = {key(p.representative): i for i, p in enumerate(universe.peers)}
        cells = []
        for expected in world.flows:
            flow = expected.flow
            atom = next((i for i, a in enumerate(universe.atoms) if holds(a, flow)), len(universe.atoms) - 1)
            for direction, own, other, verdict, by in (
                (Direction.EGRESS, flow.source, flow.destination, expected.egress, expected.egress_by),
                (Direction.INGRESS, flow.destination, flow.source, expected.ingress, expected.ingress_by),
            ):
                if own.kind is PeerKind.POD and verdict is not None and by != "Encap#drop":
                    row = universe.subjects.index(places[key(own)])
                    cells.append((direction, row, atom, places[key(other)], verdict == "allow"))
        found.append(Cells(world, universe, tuple(cells)))
    return tuple(found)


@pytest.mark.parametrize("row", rows("calico", "matrix"), ids=row_id)
def test_a_misreading_of_calicos_matrix_is_caught(row: Mapping[str, str]) -> None:
    with misread("calico", row) as package:
        assert any(matrix_errs(cells, package) for cells in vector_cells())


def matrix_errs(cells: Cells, package: Package) -> bool:
    """Say whether the matrix contradicts Calico's data plane in a world, or breaks on it."""
    try:
        policies = package.model.CalicoPolicies.build(cells.world.world, cells.world.documents, VERSION)
        matrix = package.matrix.CalicoSide(policies).matrix(cells.universe)
    except BROKEN:
        return True
    return any(
        bool(matrix[direction][row][atom] >> peer & 1) is not allowed
        for direction, row, atom, peer, allowed in cells.expected
    )


@dataclass(frozen=True)
class Answered:
    """A world of Cilium policies; flows and, where there is one, their points in a universe, with the engine's word."""

    world: World
    documents: list[Document]
    config: CiliumConfig
    flows: tuple[tuple[Flow, Direction, str | None], ...]
    universe: Universe | None = None
    points: tuple[MatrixDifference, ...] = ()


def put_to(engine: Engine, asked: Answered) -> Answered:
    """Let the engine answer."""
    said = engine.judge(asked.world, asked.documents, asked.config, [flow for flow, _, _ in asked.flows])
    answers = tuple(
        (flow, direction, v[0] if direction is Direction.INGRESS else v[1])
        for (flow, direction, _), v in zip(asked.flows, said.flows, strict=True)
    )
    return Answered(asked.world, asked.documents, asked.config, answers, asked.universe, asked.points)


def claims() -> Iterator[Answered]:
    """Give the claims that evaluators model, flow by flow."""
    for claim in CLAIMS:
        if claim.flows and not claim.alone:
            world, flows = claim.world, tuple((claim.flow(t), claim.direction(t), None) for t in claim.flows)
            yield Answered(world, claim.documents, claim.config, flows)
            yield with_points(
                Case(world, tuple(claim.documents), claim.config), len(claim.name), subject=SUBJECT, count=100
            )


def with_points(world: Case, seed: int, **chosen: Any) -> Answered:
    """Give a world with points of the universe of the right evaluator."""
    policies = CiliumPolicies.build(world.world, world.documents, world.config)
    universe, points = asked_points(world, CiliumSide(policies), random.Random(seed), **chosen)
    flows = tuple((flow_of(universe, point), point.direction, None) for point in points)
    return Answered(world.world, list(world.documents), world.config, flows, universe, tuple(points))


@pytest.fixture(scope="module")
def answered(engine: Engine) -> list[Answered]:
    """Give claims and random worlds, with the engine's verdicts."""
    random_worlds = (with_points(case(number), number) for number in range(WORLDS))
    return [put_to(engine, asked) for asked in (*claims(), *random_worlds)]


@pytest.mark.parametrize("row", rows("cilium", "point"), ids=row_id)
def test_a_misreading_of_ciliums_point_evaluator_is_caught(
    row: Mapping[str, str], answered: list[Answered]
) -> None:
    with misread("cilium", row) as package:
        assert any(contradicts(item, package) for item in answered)


def contradicts(item: Answered, package: Package) -> bool:
    """Say whether the point evaluator contradicts the engine in a world, or breaks on it."""
    try:
        policies = package.model.CiliumPolicies.build(item.world, item.documents, item.config)
        evaluator = package.point.PointEvaluator(policies)
        for flow, direction, verdict in item.flows:
            found = evaluator.judge(flow)
            decision = found.ingress if direction is Direction.INGRESS else found.egress
            if (decision.verdict.value if decision else None) != verdict:
                return True
    except BROKEN:
        return True
    return False


@pytest.mark.parametrize("row", rows("cilium", "matrix"), ids=row_id)
def test_a_misreading_of_ciliums_matrix_is_caught(row: Mapping[str, str], answered: list[Answered]) -> None:
    with misread("cilium", row) as package:
        assert any(cells_contradict(item, package) for item in answered if item.universe is not None)


def cells_contradict(item: Answered, package: Package) -> bool:
    """Say whether the matrix contradicts the engine in a random world, or breaks on it."""
    assert item.universe is not None
    try:
        policies = package.model.CiliumPolicies.build(item.world, item.documents, item.config)
        matrix = package.matrix.CiliumSide(policies).matrix(item.universe)
    except BROKEN:
        return True
    for point, (_, direction, verdict) in zip(item.points, item.flows, strict=True):
        row = matrix[direction][item.universe.subjects.index(point.subject)]
        if bool(row[point.atom] >> point.peer & 1) is not (verdict == "allow"):
            return True
    return False


@pytest.mark.parametrize("engine", ["calico", "cilium"])
@pytest.mark.parametrize("evaluator", ["point", "matrix"])
def test_there_are_enough_misreadings_of_each_evaluator(engine: str, evaluator: str) -> None:
    names = [row["name"] for row in rows(engine, evaluator)]
    assert len(ROWS[engine][evaluator]) >= LEAST
    assert len(set(names)) == len(names), sorted(n for n in names if names.count(n) > 1)
