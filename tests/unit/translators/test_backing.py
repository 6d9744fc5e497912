"""What backs a Service: where its slices follow its selector, where they do not, and what a translation says of it."""

from __future__ import annotations

from typing import Any

import pytest

from translators import AddressPlan, translate
from translators.algebra.cidrs import parse_address
from translators.backing import ANY, backing
from translators.world import EndpointSlice, NamedPort, Pod, Service, ServicePort, SlicePort, World

SERVICE = ("shop", "db")
WEB = parse_address("10.244.1.10")
NEXT = parse_address("10.244.1.11")
AWAY = parse_address("203.0.113.7")
TCP_5432 = frozenset({(6, 5432)})


def pod(name: str, *addresses: Any, app: str = "db", **more: Any) -> Pod:
    return Pod("shop", name, {"app": app}, addresses=addresses, **more)


def world(
    *pods: Pod,
    listed: tuple[Any, ...] = (),
    port: int | None = 5432,
    target: int | str = 5432,
    **selector: str,
) -> World:
    ports = (ServicePort("", "TCP", 80, target),)
    items = (EndpointSlice("shop", "db-1", "db", (SlicePort("", "TCP", port),), listed),) if listed else ()
    return World(pods=pods, services={SERVICE: Service(*SERVICE, selector, ports)}, slices=items)


@pytest.mark.parametrize(
    ("made", "egress", "ingress"),
    [
        pytest.param(world(pod("a", WEB), listed=(WEB,), app="db"), {}, {}, id="as the selector says"),
        pytest.param(
            world(pod("a", WEB), pod("b", NEXT), listed=(WEB,), app="db"),
            {NEXT: frozenset()}, {NEXT: frozenset()}, id="a pod is left out",
        ),
        pytest.param(
            world(pod("a", WEB), listed=(WEB, AWAY), app="db"), {AWAY: TCP_5432}, {AWAY: ANY}, id="somebody else is listed"
        ),
        pytest.param(
            world(pod("a", WEB), listed=(WEB,), port=6000, app="db"), {WEB: frozenset({(6, 6000)})}, {}, id="another port"
        ),
        pytest.param(
            world(pod("a", WEB, ports=(NamedPort("pg", "TCP", 5432),)), listed=(WEB,), target="pg", app="db"),
            {}, {}, id="a port by name",
        ),
        pytest.param(world(pod("a", WEB, finished=True), app="db"), {}, {}, id="a finished pod backs nothing"),
        pytest.param(world(pod("a", WEB, app="web"), app="db"), {}, {}, id="another pod backs nothing"),
        pytest.param(world(listed=(AWAY,)), {AWAY: TCP_5432}, {AWAY: ANY}, id="without a selector all is odd"),
        pytest.param(world(listed=(AWAY,), app="db"), {}, {}, id="no pods are known"),
    ],
)  # fmt: skip
def test_an_address_is_odd_where_the_slices_say_otherwise_than_the_selector(
    made: World, egress: object, ingress: object
) -> None:
    assert backing(made, SERVICE, egress=True).odd == egress
    assert backing(made, SERVICE, egress=False).odd == ingress


def test_a_pod_of_two_families_is_not_asked_for_the_one_that_no_slice_has() -> None:
    six = parse_address("fd00::10")
    found = backing(world(pod("a", WEB, six), listed=(WEB,), app="db"), SERVICE, egress=True)
    assert (found.families, found.odd) == ((4,), {})


def test_a_service_that_does_not_exist_has_nothing_behind_it() -> None:
    assert backing(World(), ("shop", "gone"), egress=True).odd == {}


PLAN = AddressPlan.of({"pods": ["10.244.0.0/16"], "nodes": ["10.0.0.0/24"]})
POLICY = {
    "apiVersion": "projectcalico.org/v3",
    "kind": "NetworkPolicy",
    "metadata": {"name": "p", "namespace": "shop"},
    "spec": {
        "selector": "app == 'web'",
        "types": ["Egress"],
        "egress": [{"action": "Allow", "destination": {"services": {"name": "db", "namespace": "shop"}}}],
    },
}


def cluster(*listed: str) -> list[dict[str, Any]]:
    """Give a namespace with a web pod, two database pods and their Service, whose slice lists these addresses."""

    def obj(version: str, kind: str, name: str, **more: Any) -> dict[str, Any]:
        home = {} if kind == "Namespace" else {"namespace": "shop"}
        return {
            "apiVersion": version,
            "kind": kind,
            "metadata": {"name": name, **home, **more.pop("meta", {})},
            **more,
        }

    def running(name: str, app: str, address: str) -> dict[str, Any]:
        status = {"phase": "Running", "podIP": address, "podIPs": [{"ip": address}]}
        return obj("v1", "Pod", name, meta={"labels": {"app": app}}, spec={"nodeName": "n"}, status=status)

    return [
        obj("v1", "Namespace", "shop"),
        running("web", "web", "10.244.1.9"),
        running("db-0", "db", "10.244.1.10"),
        running("db-1", "db", "10.244.1.11"),
        obj("v1", "Service", "db", spec={"selector": {"app": "db"}, "ports": [{"port": 80, "targetPort": 5432}]}),
        obj("discovery.k8s.io/v1", "EndpointSlice", "db-1", meta={"labels": {"kubernetes.io/service-name": "db"}},
            addressType="IPv4", endpoints=[{"addresses": [a]} for a in listed], ports=[{"port": 5432, "protocol": "TCP"}]),
    ]  # fmt: skip


@pytest.mark.parametrize(
    ("listed", "grade", "named"),
    [
        pytest.param(("10.244.1.10", "10.244.1.11"), "S1", [], id="exact while the slices follow the selector"),
        pytest.param(
            ("10.244.1.10",), "A", [("opens", "any pod app=db in shop at 10.244.1.11/32", "TCP 5432")],
            id="a pod that is not listed is opened",
        ),
        pytest.param(
            ("10.244.1.10", "10.244.1.11", "203.0.113.7"), "S1", [], id="an address of no pod is written as a network"
        ),
    ],
)  # fmt: skip
def test_a_translation_names_the_pods_of_which_the_slices_say_otherwise(
    listed: tuple[str, ...], grade: str, named: list[tuple[str, str, str]]
) -> None:
    result = translate([POLICY], cluster=cluster(*listed), plan=PLAN)
    [policy] = result.report.policies
    assert result.report.method.open_obligations == 0
    assert [(d.effect, d.dst, d.packets) for d in result.report.differences] == named
    assert str(policy.grade) == grade
    text = str(result.files)
    assert ("203.0.113.7" in text) is ("203.0.113.7" in listed)
