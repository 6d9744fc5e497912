from __future__ import annotations

import pytest

from translators.algebra.cidrs import parse_address
from translators.ends import End, EndKind, Packet, in_world, matching, parse_end, parse_packet, parse_target
from translators.errors import InputError
from translators.world import Namespace, Node, Pod, World


def _pod(name: str, **labels: str) -> Pod:
    return Pod("shop", name, labels, addresses=(parse_address("10.244.0.1"),))


WORLD = World(
    namespaces={"shop": Namespace("shop")},
    pods=(
        _pod("web-6c9f", app="web"),
        _pod("web", app="old"),
        _pod("api-77d4", app="api"),
        _pod("api-1", app="api"),
    ),
    nodes={"n1": Node("n1")},
    is_cluster=True,
)


@pytest.mark.parametrize(
    ("text", "end"),
    [
        ("world", End(EndKind.WORLD, "world")),
        ("host:n1", End(EndKind.NODE, "host:n1", name="n1")),
        ("shop/web", End(EndKind.POD, "shop/web", "shop", "web")),
        (
            "shop/app=web,tier=",
            End(EndKind.LABELS, "shop/app=web,tier=", "shop", labels={"app": "web", "tier": ""}),
        ),
        ("10.0.0.1", End(EndKind.ADDRESS, "10.0.0.1", address=parse_address("10.0.0.1"))),
        ("[fd00::1]", End(EndKind.ADDRESS, "[fd00::1]", address=parse_address("fd00::1"))),
    ],
)
def test_every_form_of_an_end_is_read(text: str, end: End) -> None:
    assert parse_end(text) == end


@pytest.mark.parametrize(
    "text", ["", "web", "shop/", "/web", "host:", "10.0.0.256", "shop/=web", "shop/app=web,x"]
)
def test_what_is_no_end_says_what_ends_are(text: str) -> None:
    with pytest.raises(InputError) as error:
        parse_end(text)
    assert "shop/app=web" in error.value.fix or "ns/app=web" in error.value.fix


@pytest.mark.parametrize(
    ("text", "packet", "words"),
    [
        ("5432", Packet(6, 5432), "TCP 5432"),
        ("53/udp", Packet(17, 53), "UDP 53"),
        ("9/SCTP", Packet(132, 9), "SCTP 9"),
        ("icmp", Packet(1, 0, 8, 0), "ICMP 8/0"),
        ("ICMP/3/4", Packet(1, 0, 3, 4), "ICMP 3/4"),
        ("icmpv6", Packet(58, 0, 128, 0), "ICMPv6 128/0"),
        ("proto/47", Packet(47), "protocol 47"),
    ],
)
def test_every_form_of_a_packet_is_read(text: str, packet: Packet, words: str) -> None:
    assert parse_packet(text) == packet
    assert str(packet) == words


@pytest.mark.parametrize("text", ["", "http", "70000", "80/ICMP", "icmp/256", "proto/300", "80/TCP/1", "-1"])
def test_what_is_no_packet_is_refused(text: str) -> None:
    with pytest.raises(InputError, match="names no protocol and port"):
        parse_packet(text)


@pytest.mark.parametrize(
    ("text", "end", "packet"),
    [
        ("shop/db:5432", "shop/db", "TCP 5432"),
        ("shop/app=db:53/UDP", "shop/app=db", "UDP 53"),
        ("host:n1:22", "host:n1", "TCP 22"),
        ("world:443", "world", "TCP 443"),
        ("10.0.0.1:icmp/8", "10.0.0.1", "ICMP 8/0"),
        ("[fd00::1]:443", "[fd00::1]", "TCP 443"),
    ],
)
def test_a_target_is_an_end_and_a_packet(text: str, end: str, packet: str) -> None:
    found, sent = parse_target(text)
    assert (found.text, str(sent)) == (end, packet)


@pytest.mark.parametrize("text", ["shop/db", "fd00::1:443", "shop/db:"])
def test_a_target_without_a_port_is_refused(text: str) -> None:
    with pytest.raises(InputError):
        parse_target(text)


@pytest.mark.parametrize(
    ("text", "names"),
    [
        ("shop/web", ["web"]),
        ("shop/api", ["api-1", "api-77d4"]),
        ("shop/app=web", ["web-6c9f"]),
        ("shop/app=none", []),
        ("other/web", []),
    ],
)
def test_a_pod_is_found_by_name_by_its_owner_or_by_labels(text: str, names: list[str]) -> None:
    assert [pod.name for pod in matching(WORLD, parse_end(text))] == names


def test_of_several_pods_the_first_by_name_is_asked() -> None:
    assert in_world(WORLD, parse_end("shop/api"), 1)[1] == {"pod": "shop/api-1"}


def test_a_pod_that_labels_name_but_nobody_has_is_made() -> None:
    larger, asked = in_world(WORLD, parse_end("shop/app=new"), 1)
    made = larger.pods[-1]
    assert asked == {"pod": f"shop/{made.name}"}
    assert made.labels == {"app": "new"}
    assert {a.family for a in made.addresses} == {4, 6}


@pytest.mark.parametrize("text", ["shop/gone", "host:n9", "elsewhere/app=web"])
def test_a_cluster_that_does_not_hold_an_end_is_believed(text: str) -> None:
    with pytest.raises(InputError, match="there is no"):
        in_world(WORLD, parse_end(text), 1)


@pytest.mark.parametrize(
    ("text", "key"), [("shop/web", "pod"), ("host:n9", "node"), ("world", "ip"), ("10.0.0.1", "ip")]
)
def test_without_a_cluster_every_end_can_be_asked(text: str, key: str) -> None:
    larger, asked = in_world(World(), parse_end(text), 1)
    assert list(asked) == [key]
    assert key != "pod" or larger.pods[0].labels == {"app": "web"}
