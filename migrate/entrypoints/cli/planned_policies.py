"""The translation for a plan: from a snapshot's policies, or the configuration's files, to what the plan stages.

It is the longest part of a plan and is measured by itself. What the translation assumes of Cilium is what stage F will
run, unless the configuration names a ``cilium.config`` of its own; then PRE-132 compares the two.
"""

from __future__ import annotations

import time
from dataclasses import dataclass
from functools import partial

from migrate.adapters.files import Loaded, load
from migrate.engine.drafting import calico_pools
from migrate.engine.sides import Network
from migrate.engine.staging import is_of_policies, staged
from migrate.engine.window import Pods
from migrate.entrypoints.cli.acceptance import accepted
from migrate.entrypoints.cli.configuration import Configuration
from migrate.entrypoints.cli.options import chosen
from migrate.entrypoints.cli.translations import Setting, settled
from migrate.errors import Failure
from migrate.model.draft import Meant, Policies
from migrate.model.settings import Settings
from migrate.model.snapshot import ReadState, Snapshot
from migrate.model.variant import detect
from migrate.preflight.views import networks
from translators import Translation
from translators.frontends import is_policy
from translators.settings import CiliumConfig, Options

__all__ = ["PlannedPolicies", "planned_policies"]

FROM_CLUSTER = "cluster"
SPOKEN_OF = frozenset({"Tier", "NetworkSet", "GlobalNetworkSet", "HostEndpoint"})


@dataclass(frozen=True, slots=True)
class PlannedPolicies:
    """What the plan stages, and the seconds that translating and proving took."""

    policies: Policies
    seconds: float


def planned_policies(
    around: Loaded, snapshot: Snapshot, conf: Configuration, final: Meant
) -> PlannedPolicies:
    """Translate, prove and stage.

    ``around`` are the objects of the snapshot as they were read, ``final`` the keys of stage F. Raises ``Failure`` for
    paths that cannot be read and for acceptances that cannot be.
    """
    start = time.perf_counter()
    loaded = _policies(conf, around)
    options = _options(conf, snapshot, final)
    setting = Setting(around, options, conf.plan)
    (result,) = settled(partial(_one, loaded), setting, conf.accepted)
    result = Translation(result.files, accepted(result.report, (), conf.accepted), result.named)
    policies = staged(
        result,
        kept=[d for d in loaded.documents if is_policy(d)],
        config=options.cilium,
        bridged=conf.values.get("policyInWindow") == "bridged",
        pods=_pods(snapshot, conf),
        unread=sorted(_unread(around, snapshot)),
    )
    return PlannedPolicies(policies, time.perf_counter() - start)


def _one(loaded: Loaded, setting: Setting) -> list[Translation]:
    return [setting.run(loaded)]


def _policies(conf: Configuration, around: Loaded) -> Loaded:
    """Give where the policies come from: the paths of the configuration, or the cluster where it names none."""
    paths = conf.section("calico").get("policies") or [FROM_CLUSTER]
    if paths == [FROM_CLUSTER]:
        return around
    if FROM_CLUSTER in paths:
        raise Failure(
            "calico.policies names both files and the cluster",
            why="the same policy would be read twice",
            fix="name the paths, or the cluster alone",
        )
    return load(paths)


def _options(conf: Configuration, snapshot: Snapshot, final: Meant) -> Options:
    said, calico = conf.section("translate"), detect(snapshot).minor
    keys = {key: value for key, value in final.items() if value is not None}
    written = conf.section("cilium").get("config")
    more = {} if written else {"cilium": CiliumConfig.from_map(keys)}
    return chosen(
        Settings.from_mapping(conf.values).cilium.version,
        f"{calico[0]}.{calico[1]}" if calico != (0, 0) else None,
        written,
        kubernetes_policies=str(said.get("kubernetesPolicies", "native")),
        **more,
        **conf.options(),
    )


def _pods(snapshot: Snapshot, conf: Configuration) -> Pods:
    ports: dict[tuple[str, str], set[int]] = {}
    for name, protocol, number in (p for pod in snapshot.pods for p in pod.named_ports):
        ports.setdefault((name, protocol), set()).add(number)
    ranges: list[Network] = networks(
        [*calico_pools(snapshot), *Settings.from_mapping(conf.values).cilium.pod_cidrs]
    )
    return Pods(ranges, ports)


def _unread(around: Loaded, snapshot: Snapshot) -> frozenset[str]:
    """Give the kinds of policies, and of what policies speak of, that could not be read."""
    failed = {ReadState.FORBIDDEN, ReadState.UNAVAILABLE}
    reads = {name for name, read in snapshot.reads.items() if read.state in failed and is_of_policies(name)}
    kinds = {k for k in around.unread if k.endswith("Policy") or k in SPOKEN_OF or is_of_policies(k)}
    return frozenset(reads | kinds)
