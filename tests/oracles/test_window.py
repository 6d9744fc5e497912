"""The allowance of ``policyInWindow: bridged`` against Cilium's own engine, over the worlds of Calico's vectors.

A pod that is still on Calico has no endpoint: to Cilium it is ``unmanaged``. Whatever pod may reach a subject once all
have moved must be able to reach it now; without the allowance it is not, a network over the old range changes
nothing, and a deny of a complement defeats the allowance unless it waits.
"""

from __future__ import annotations

from collections import Counter
from collections.abc import Iterable, Sequence
from dataclasses import replace
from itertools import islice

import pytest

from migrate.engine.sides import Object, path_of
from migrate.engine.staging import staged
from migrate.engine.window import Pods
from migrate.model.draft import Policies
from tests import capabilities
from tests.oracles import worlds
from tests.oracles.engine import Engine
from translators import CiliumConfig, Options, translate
from translators.flows import Flow, Peer, PeerKind
from translators.frontends import is_policy
from translators.source import Document, from_object

CONFIG = CiliumConfig(enable_sctp=True, enable_extended_ip_protocols=True, ipv6=True)
UNMANAGED = Peer(PeerKind.ENTITY, entity="unmanaged")
EVERY = 1 if capabilities.is_long() else 4
pytestmark = pytest.mark.timeout(3600 if capabilities.is_long() else 300)


def documents(objects: Iterable[Object]) -> list[Document]:
    return [from_object(item) for item in objects]


def still_on_calico(flow: Flow, *, source: bool) -> Flow:
    """Give the flow with one end on Calico."""
    return replace(flow, source=UNMANAGED) if source else replace(flow, destination=UNMANAGED)


def asked(world: worlds.VectorWorld) -> list[tuple[int, Flow]]:
    """Give flows between pods: the end whose policy is asked (0 ingress, 1 egress), and the flow."""
    between = [e.flow for e in world.flows if {e.flow.source.kind, e.flow.destination.kind} == {PeerKind.POD}]
    return [(end, flow) for flow in between for end in (0, 1)]


class Window:
    """The policies of one world, staged both ways, and the engine that judges them."""

    def __init__(self, engine: Engine, world: worlds.VectorWorld, policies: Sequence[Document]) -> None:
        self._engine, self._world = engine, world
        around = [d for d in world.documents if not is_policy(d)]
        options = Options(cilium=CONFIG, explicit_denies=True)
        result = translate(policies, cluster=around, options=options, plan=world.world.plan)
        self.emitted = worlds.emitted(result, policies)
        ports: dict[tuple[str, str], set[int]] = {}
        for port in (p for pod in world.world.pods for p in pod.ports):
            ports.setdefault((port.name, port.protocol), set()).add(port.number)
        pods = Pods(named_ports=ports)
        self.staged: Policies = staged(result, kept=policies, config=CONFIG, bridged=True, pods=pods)
        self.kept = [d for d in policies if path_of(d.data) in self.staged.kept]

    def judge(self, objects: Iterable[Object], flows: Sequence[tuple[int, Flow]]) -> list[str | None]:
        """Give the verdict of the asked end of each flow."""
        listed = [*documents(objects), *self.kept]
        said = self._engine.judge(self._world.world, listed, CONFIG, [flow for _, flow in flows])
        invalid = [p for p in said.policies if not p["valid"] or p.get("schemaValid") is False]
        assert not invalid, invalid
        return [verdicts[end] for verdicts, (end, _) in zip(said.flows, flows, strict=True)]

    def now(self) -> list[Object]:
        """Give what is enforced in the window, without the allowance."""
        return [o for o in self.staged.objects if path_of(o) not in self.staged.deferred]


@pytest.fixture(scope="module")
def windows(engine: Engine) -> list[tuple[worlds.VectorWorld, Window]]:
    found = []
    for data, edges in islice(worlds.lines(), 0, None, EVERY):
        world = worlds.load(data, edges=edges)
        policies = [d for d in world.documents if is_policy(d) or d.kind == "Tier"]
        found.append((world, Window(engine, world, policies)))
    return found


def test_what_waits_and_what_stands_say_together_what_was_translated(
    windows: list[tuple[worlds.VectorWorld, Window]],
) -> None:
    compared = waiting = 0
    for world, window in windows:
        flows = asked(world)
        flows += [(end, still_on_calico(f, source=end == 0)) for end, f in flows]
        plain = window.judge(
            [d.data for d in window.emitted if path_of(d.data) not in window.staged.kept], flows
        )
        assert window.judge(window.staged.objects, flows) == plain, world.id
        compared += len(plain)
        waiting += len(window.staged.deferred)
    assert compared > 1000
    assert waiting > 0


def test_no_pod_of_calico_is_dropped_where_that_pod_may_pass(
    windows: list[tuple[worlds.VectorWorld, Window]],
) -> None:
    seen: Counter[str] = Counter()
    for world, window in windows:
        flows = asked(world)
        managed = window.judge(
            [d.data for d in window.emitted if path_of(d.data) not in window.staged.kept], flows
        )
        old = [(end, still_on_calico(f, source=end == 0)) for end, f in flows]
        allowance = list(window.staged.allowance)
        bridged = window.judge([*window.now(), *allowance], old)
        bare = window.judge(window.now(), old)
        defeated = window.judge([*window.staged.objects, *allowance], old)
        for verdict, now, without, with_denies, flow in zip(
            managed, bridged, bare, defeated, flows, strict=True
        ):
            if verdict != "allow":
                continue
            assert now == "allow", (world.id, flow)
            seen["allowed"] += 1
            seen["dropped without the allowance"] += without == "deny"
            seen["dropped by a deny that does not wait"] += with_denies == "deny"
    assert seen["dropped without the allowance"] > 0
    assert seen["dropped by a deny that does not wait"] > 0, seen


def test_a_network_over_the_old_range_lets_nobody_in(engine: Engine) -> None:
    from tests.unit.migrate.engine.test_window import DB, HTTP, WORLD, end, policy  # noqa: PLC0415  # one small world

    flow = Flow(UNMANAGED, end(DB), 6, port=80)
    selector = policy(ingress=[{"fromEndpoints": [{}], "toPorts": HTTP}])
    network = policy("old-range", ingress=[{"fromCIDR": ["0.0.0.0/0"]}])
    entity = policy("window", ingress=[{"fromEntities": ["unmanaged"], "toPorts": HTTP}])
    deny = policy("deny", ingressDeny=[{"fromEntities": ["world", "unmanaged"]}])

    def says(*objects: Object, modes: tuple[str, ...] = ()) -> str | None:
        config = CiliumConfig(cidr_match_mode=frozenset(modes))
        return engine.judge(WORLD, documents(objects), config, [flow]).flows[0][0]

    assert says(selector) == "deny"
    assert says(selector, network) == "deny"
    assert says(selector, network, modes=("nodes", "pods")) == "deny"
    assert says(selector, entity) == "allow"
    assert says(selector, entity, deny) == "deny"
