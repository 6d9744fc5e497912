"""A whole move and its way back by the command line, with what was seen before, between, after and meanwhile."""

from __future__ import annotations

from dataclasses import dataclass

from tests.controlplane.checker import Snapshot
from tests.controlplane.product import Product
from tests.controlplane.watcher import Observed, Watcher
from tests.controlplane.world import World


@dataclass(frozen=True, slots=True)
class Whole:
    """A move and its way back that nobody disturbed; ``records`` are how many the journal took for each."""

    before: Snapshot
    moved: Snapshot
    back: Snapshot
    observed: Observed
    records: tuple[int, int]


def there_and_back(world: World, product: Product, *accepted: str) -> Whole:
    """Plan, move every node to Cilium, and bring all back; raises ``AssertionError`` where either does not end well.

    ``accepted``: findings of preflight that this world has.
    """
    before = Snapshot.take(world.api)
    plan = product.plan(*accepted)
    folders = {n.name: world.agent.record(n.name).conf_folder for n in world.nodes}
    with Watcher(world.api, folders) as watcher:
        done = product.run("apply", plan, "--yes", "-o", "json")
        assert done.returncode == 0, done.stderr[-5000:]
        moved, there = Snapshot.take(world.api), len(product.records())
        done = product.run("rollback", "--all", "--yes", "-o", "json")
    assert done.returncode == 0, done.stderr[-5000:]
    back = len(product.records()) - there
    return Whole(before, moved, Snapshot.take(world.api), watcher.observed, (there, back))
