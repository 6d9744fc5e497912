"""Control planes for the tests of this layer: one that is shared, one of its own for a module that asks for it.

A test that touches nothing but its namespace takes ``shared``. What touches nodes, kinds, APIServices or webhooks, or
restarts a process, and cleans up after itself, takes ``disturbed``, the second one of the session; what leaves a world
behind takes ``own``. When a test fails, the ends of all logs stand in its report.
"""

from __future__ import annotations

import itertools
import shutil
from collections.abc import Generator, Iterator
from dataclasses import dataclass
from pathlib import Path

import pytest

from tests.controlplane import nodes, workloads
from tests.controlplane.client import Api, eventually
from tests.controlplane.instance import WHOLE, ControlPlane

_numbers = itertools.count(1)
_running: list[ControlPlane] = []


def pytest_collection_modifyitems(items: list[pytest.Item]) -> None:
    """Whatever uses a control plane needs its binaries."""
    for item in items:
        if "controlplane" in item.path.parts and {"shared", "disturbed", "own", "api", "space"} & set(
            getattr(item, "fixturenames", ())
        ):
            item.add_marker(pytest.mark.needs("controlplane"))


@pytest.hookimpl(wrapper=True)
def pytest_runtest_makereport() -> Generator[None, pytest.TestReport, pytest.TestReport]:
    report = yield
    if report.failed:
        for plane in _running:
            report.sections.append((f"control plane in {plane.folder}", plane.logs()))
    return report


def _started(folder: Path, request: pytest.FixtureRequest) -> Iterator[ControlPlane]:
    """Start one, and keep its folder only where something failed meanwhile."""
    failed = request.session.testsfailed
    with ControlPlane(folder, WHOLE, audited=True) as plane:
        _running.append(plane)
        try:
            yield plane
        finally:
            _running.remove(plane)
    if request.session.testsfailed == failed:
        shutil.rmtree(folder, ignore_errors=True)


@pytest.fixture(scope="session")
def shared(
    tmp_path_factory: pytest.TempPathFactory, request: pytest.FixtureRequest
) -> Iterator[ControlPlane]:
    """One control plane of the whole session, for tests that keep to a namespace."""
    yield from _started(tmp_path_factory.mktemp("shared"), request)


@pytest.fixture(scope="session")
def disturbed(
    tmp_path_factory: pytest.TempPathFactory, request: pytest.FixtureRequest
) -> Iterator[ControlPlane]:
    """One control plane of the whole session, for tests that disturb a cluster and put it right again."""
    yield from _started(tmp_path_factory.mktemp("disturbed"), request)


@pytest.fixture(scope="session")
def workers(disturbed: ControlPlane) -> None:
    """Two workers and a control-plane node on ``disturbed``, from the first test that needs them on."""
    nodes.plant(disturbed.api(), nodes.plans(2, 1))


@pytest.fixture(scope="module")
def own(tmp_path_factory: pytest.TempPathFactory, request: pytest.FixtureRequest) -> Iterator[ControlPlane]:
    """A control plane of one module."""
    yield from _started(tmp_path_factory.mktemp("own"), request)


@dataclass(frozen=True, slots=True)
class Space:
    """A namespace of one test, with the admin's way to it."""

    api: Api
    name: str

    def path(self, plural: str, group: str = "") -> str:
        """Give the path of a collection in this namespace; ``group`` with its version, the core group where empty."""
        root = f"/apis/{group}" if group else "/api/v1"
        return f"{root}/namespaces/{self.name}/{plural}"


@pytest.fixture
def api(shared: ControlPlane) -> Api:
    return shared.api()


@pytest.fixture
def space(shared: ControlPlane) -> Space:
    """A fresh namespace on the shared control plane, whose default ServiceAccount is there."""
    return new_space(shared)


def new_space(plane: ControlPlane, **labels: str) -> Space:
    """Make a namespace and wait until pods may be created in it."""
    space = Space(plane.api(), f"t{next(_numbers)}")
    space.api.create(workloads.namespace(space.name, **labels))
    eventually(
        lambda: space.api.call("GET", space.path("serviceaccounts/default")).ok, 10, "the default account"
    )
    return space
