"""Control planes for the tests of this layer: one that most share, and one with a world of nodes.

``shared`` serves whatever cleans up after itself: a namespace of its own for each test (``space``), kinds and webhooks
that go again, restarts of a process. ``world`` is a cluster with Calico, Cilium at stage M, the node agent and the
genuine operator; a test leaves it as it found it (``stages`` helps). When a test fails, the ends of all logs stand in
its report.
"""

from __future__ import annotations

import itertools
import shutil
import subprocess
from collections.abc import Callable, Generator, Iterator
from dataclasses import dataclass
from pathlib import Path
from typing import Any

import pytest

from tests import capabilities
from tests.controlplane import charts, cilium_kinds, nodes, workloads
from tests.controlplane.calico_install import Install, Kind
from tests.controlplane.client import Api, eventually
from tests.controlplane.instance import WHOLE, ControlPlane
from tests.controlplane.product import Product
from tests.controlplane.proxy import FaultProxy
from tests.controlplane.runs import Course
from tests.controlplane.stage import SHORT, Shared, Stage, ordered
from tests.controlplane.world import World, built

_numbers = itertools.count(1)
_running: list[ControlPlane] = []


def pytest_collection_modifyitems(config: pytest.Config, items: list[pytest.Item]) -> None:
    """Whatever uses a control plane needs its binaries; campaigns are for ``make test-long``."""
    if not capabilities.is_long():
        campaigns = [item for item in items if item.get_closest_marker("campaign")]
        config.hook.pytest_deselected(items=campaigns)
        items[:] = [item for item in items if item not in campaigns]
    for item in items:
        if "controlplane" in item.path.parts and {"shared", "own", "api", "space"} & set(
            getattr(item, "fixturenames", ())
        ):
            item.add_marker(pytest.mark.needs("controlplane"))


FAILED = pytest.StashKey[bool]()
"""Of a test that failed: who shares something with others asks for it."""


@pytest.hookimpl(wrapper=True)
def pytest_runtest_makereport(item: pytest.Item) -> Generator[None, pytest.TestReport, pytest.TestReport]:
    report = yield
    if report.failed:
        item.stash[FAILED] = True
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


@pytest.fixture(scope="module")
def own(tmp_path_factory: pytest.TempPathFactory, request: pytest.FixtureRequest) -> Iterator[ControlPlane]:
    """A control plane of one module, for a world that no other module could use."""
    yield from _started(tmp_path_factory.mktemp("own"), request)


@pytest.fixture(scope="session")
def workers(shared: ControlPlane) -> None:
    """Two workers and a control-plane node on ``shared``, from the first test that needs them on."""
    nodes.plant(shared.api(), nodes.plans(2, 1))


@pytest.fixture(scope="session")
def kinds(shared: ControlPlane) -> None:
    """Cilium's kinds on ``shared``, from the first test that needs them on."""
    cilium_kinds.install(shared.api())


WORKERS = ("wrk-01", "wrk-02", "wrk-03")
SHOP = (workloads.namespace("shop"), workloads.deployment("shop", "web", 6))


@pytest.fixture(scope="session")
def world(tmp_path_factory: pytest.TempPathFactory, request: pytest.FixtureRequest) -> Iterator[World]:
    """Three workers with Calico by manifest, a shop of six pods, and Cilium at stage M."""
    for name in ("helm", "operator", "controlplane"):
        capabilities.need(name)
    for plane in _started(tmp_path_factory.mktemp("world"), request):
        with built(plane, Install(Kind.MANIFEST), nodes.plans(3), SHOP) as made:
            made.install_cilium()
            yield made


@pytest.fixture
def stages(world: World) -> Iterator[World]:
    """The world, put back to stage M with every agent and the operator as they were."""
    yield world
    world.upgrade(charts.values(world.helm.folder, "migration", charts.MIGRATION))
    world.restart_operator()
    for node in WORKERS:
        world.put_back(node)
    world.recycle("shop")


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


@pytest.fixture
def small(tmp_path: Path) -> Iterator[World]:
    """Two workers with Calico and a shop."""
    shop = [workloads.namespace("shop"), workloads.deployment("shop", "web", 4)]
    with (
        ControlPlane(tmp_path / "plane") as plane,
        built(plane, Install(Kind.MANIFEST), nodes.plans(2), shop) as world,
    ):
        yield world


@pytest.fixture(scope="module")
def stage_worlds(tmp_path_factory: pytest.TempPathFactory) -> Iterator[Shared]:
    shared = Shared(lambda: tmp_path_factory.mktemp("stage"))
    yield shared
    shared.leave()


@pytest.fixture
def stage_world(stage_worlds: Shared, request: pytest.FixtureRequest) -> Iterator[World]:
    yield stage_worlds.give()
    if request.node.stash.get(FAILED, False):
        stage_worlds.leave()


@pytest.fixture
def room(tmp_path: Path) -> Iterator[Path]:
    """A small disk for the folder of a run."""
    folder = tmp_path / "c2c"
    (folder / "state").mkdir(parents=True)
    subprocess.run(["mount", "-t", "tmpfs", "-o", "size=64m", "tmpfs", str(folder / "state")], check=True)
    yield folder
    subprocess.run(["umount", str(folder / "state")], check=True)


@pytest.fixture
def staged(stage_world: World, room: Path, tmp_path: Path) -> Iterator[Callable[..., tuple[Stage, Path]]]:
    """Give what makes a stage and its plan from settings; in the end everything is taken back, and the cluster is as it was."""
    opened: list[Stage] = []
    with FaultProxy(stage_world.api, tmp_path / "proxy") as proxy:

        def make(*, through: bool = True, program: str = "migrate", **settings: Any) -> tuple[Stage, Path]:
            product = Product.of(stage_world, room, **{"deadlines": SHORT, **settings})
            product.program = program
            plan = product.plan()
            order = ordered(plan)
            way = proxy.kubeconfig(product.token) if through else None
            opened.append(Stage(stage_world, product, proxy, Course(product, way), order))
            return opened[0], plan

        yield make
        for stage in opened:
            stage.course.stop()
