"""Each way in which Calico came into a cluster: a whole move there and back.

Its operator reverts what goes around it, Typha stands between the nodes and the API, Canal has ranges of its own.
"""

from __future__ import annotations

from collections.abc import Iterator
from contextlib import contextmanager, nullcontext
from pathlib import Path

import pytest

from tests import capabilities
from tests.controlplane import checker, nodes
from tests.controlplane.calico_install import POOL, Install, Kind
from tests.controlplane.checker import Snapshot
from tests.controlplane.instance import ControlPlane
from tests.controlplane.product import Product
from tests.controlplane.stage import shop
from tests.controlplane.tigera import TigeraOperator
from tests.controlplane.whole import there_and_back
from tests.controlplane.world import World, built

pytestmark = [pytest.mark.needs("controlplane", "helm", "helm3", "operator"), pytest.mark.timeout(900)]
SWITCH_S = 20.0
HELM = {Kind.TYPHA: "helm3"}
"""Where Helm 3 installs Cilium; elsewhere it is Helm 4."""
ACCEPTED = {Kind.CANAL: ("CP2013=the tunnel port is another one, and the range is known",)}


@contextmanager
def cluster(folder: Path, kind: Kind) -> Iterator[World]:
    """Give a control-plane node and two workers with Calico installed so."""
    install = Install(kind)
    with (
        ControlPlane(folder / "plane") as plane,
        TigeraOperator(plane.api()) if install.is_operated else nullcontext(),
        built(plane, install, nodes.plans(2, 1, host_local=kind is Kind.CANAL), shop(4, 2)) as world,
    ):
        yield world


@pytest.mark.parametrize(
    "kind", [Kind.OPERATOR, Kind.HELM, Kind.TYPHA, Kind.CANAL], ids=lambda kind: kind.name
)
def test_a_cluster_moves_and_goes_back(tmp_path: Path, kind: Kind) -> None:
    with cluster(tmp_path, kind) as world:
        product = Product.of(world, tmp_path / "c2c")
        product.helm = capabilities.binary(HELM.get(kind, "helm"))
        whole = there_and_back(world, product, *ACCEPTED.get(kind, ()))
        checker.pods_are_on_cilium(whole.moved)
        checker.nothing_of_the_run_is_left(whole.moved, checker.KEPT)
        on_calico(whole.back, kind)
        checker.calico_is_whole(whole.before, whole.back)
        checker.nodes_are_marked_alike(whole.before, whole.back)
        checker.nothing_of_the_run_is_left(whole.back, ["namespaces"])
        assert not [k for k in whole.back.objects if "cilium" in k[0]]
        whole.observed.check(SWITCH_S)


def on_calico(snapshot: Snapshot, kind: Kind) -> None:
    """Every pod has an address of the pool, or of Canal's ranges."""
    checker.pods_are_in(snapshot, ["10.244.0.0/16"] if kind is Kind.CANAL else [POOL])
