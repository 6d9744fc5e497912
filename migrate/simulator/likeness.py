"""Says whether two simulated clusters will do the same from now on: everything that is to come depends on is compared.

What nothing looks at again is left out: times of day as they were written down, versions of objects, uids of objects
that are known by their name. Moments still to come count as seen from now.
"""

from __future__ import annotations

import hashlib
import pickle
import re
from collections.abc import Iterator
from functools import lru_cache
from io import BytesIO
from typing import Any

from migrate.model.pods import Pod
from migrate.simulator.build import Simulation
from migrate.simulator.world import Host, Object, World

__all__ = ["likeness"]

WRITTEN_TIMES = re.compile(rb'\d{4}-\d\d-\d\dT[0-9:.+]+Z?|"(?:window|end|wall|monotonic)":[0-9.]+')
"""Times of day in files of evidence, and the window of flows that is named by one."""
PODS = "pods"
BY_NAME = ("baseline", "flows-", "probes-", "window-", "addresses", "connections")
"""Evidence that later steps read again; ``backup/nodes.json`` is read as well. The other files are for people."""


def likeness(sim: Simulation) -> bytes:
    """Give a digest that is equal for clusters that will do the same from now on."""
    parts = BytesIO()
    pickler = pickle.Pickler(parts, protocol=pickle.HIGHEST_PROTOCOL)
    pickler.fast = True  # equal values give equal bytes, whichever of them are one object
    for part in (*_world(sim.world), *_beside(sim)):
        pickler.dump(part)
    return hashlib.blake2b(parts.getbuffer(), digest_size=16).digest()


def _world(world: World) -> Iterator[object]:
    yield world.serial
    yield [(_from(world, when), what, args) for when, _, what, args in sorted(world.queue, key=_moment)]
    for resource, objects in sorted(world.objects.items()):
        known = objects.items() if resource == PODS else sorted(objects.items())
        yield resource, [(key, _plain(item, resource)) for key, item in known]
    yield [(node, list(keys)) for node, keys in world.pods_at.items()]
    yield [(key, _made(pod)) for key, pod in world.typed.items()]
    yield [(name, _host(host)) for name, host in world.hosts.items()]
    yield world.covers, world.healthy, world.blocks, world.cilium_blocks
    yield world.release, world.operator_config, sorted(world.images), world.templates
    yield (
        world.faults,
        world.happened,
        sorted(world.withdrawn),
        _from(world, max(world.now, world.down_until)),
        world.skew,
    )
    yield world.scheduler.place_of
    yield world.probes, {n: (h.target, h.pod, [c[1:] for c in h.cuts]) for n, h in world.held.items()}


def _beside(sim: Simulation) -> Iterator[object]:
    yield sim.lock.ours, sim.lock.other, sim.lock.lost_after, sim.mirror.wanted, sim.mirror.other_driver
    yield sorted((name, nodes) for name, (_, nodes) in sim.flows.begun.items())
    for name, content in sorted(sim.store.files.items()):
        if name.rpartition("/")[2].startswith(BY_NAME) or name == "backup/nodes.json":
            yield name, _undated(content)


@lru_cache(maxsize=4096)
def _undated(content: bytes) -> bytes:
    """Give the digest of a file without its times; copies of a cluster hold the same files."""
    return hashlib.blake2b(WRITTEN_TIMES.sub(b"", content), digest_size=16).digest()


def _moment(entry: tuple[float, int, str, tuple[Any, ...]]) -> tuple[float, int]:
    return entry[:2]


def _from(world: World, moment: float) -> float:
    """Give a moment as seen from now, without what adding and subtracting seconds leaves behind."""
    return round(moment - world.now, 6)


def _host(host: Host) -> tuple[object, ...]:
    return (
        host.files, host.config, sorted(host.images), host.calico, host.cilium, host.leaked, host.reboots, host.drop_ins,
    )  # fmt: skip


def _made(pod: Pod) -> tuple[object, ...]:
    """Give what tells pods apart; what its controller made it of is the same for all pods of a name."""
    owner = (pod.owner.kind, pod.owner.name) if pod.owner is not None else ()
    return pod.uid, owner, pod.node, pod.addresses, pod.ready, pod.phase, bool(pod.deleted_at), pod.restarts


def _plain(item: Object, resource: str) -> Object:
    """Give an object without what differs from run to run and means nothing; a pod's uid does."""
    metadata = {k: v for k, v in item["metadata"].items() if k != "resourceVersion"}
    if resource != PODS:
        metadata.pop("uid", None)
    if "deletionTimestamp" in metadata:
        metadata["deletionTimestamp"] = ""
    if marks := metadata.get("annotations"):
        metadata["annotations"] = {k: "" if k == "c2c/migrated-at" else v for k, v in marks.items()}
    return {**item, "metadata": metadata}
