"""Addresses and networks in free text and in fields, host bits and rubbish included."""

from __future__ import annotations

from ipaddress import ip_network

import pytest

from migrate.model.addresses import address, contains, covering, mentioned, network, networks


@pytest.mark.parametrize(
    ("text", "found"),
    [
        ("allow 10.244.0.0/16;", ["10.244.0.0/16"]),
        ("10.244.3.7:8080 and 10.244.3.8", ["10.244.3.7", "10.244.3.8"]),
        ("v1.10.244.3.7.2 is a version, 300.1.1.1 nothing", []),
        ("set_real_ip_from 10.244.0.5/16", ["10.244.0.5/16"]),
        ("fd00:244::/64 on fd00:244::1", ["fd00:244::/64", "fd00:244::1"]),
        ("at 12:30:45, mac 00:11:22:33:44:55", []),
        ("host-10.244.0.1.example", []),
        ("x=10.0.0.0/33", []),
    ],
)
def test_what_a_text_mentions(text: str, found: list[str]) -> None:
    assert [written for written, _ in mentioned(text)] == found


def test_host_bits_are_cut_off_and_rubbish_is_left_out() -> None:
    assert networks(["10.1.2.3/8", "", "x", " fd00::1/64 "]) == [
        ip_network("10.0.0.0/8"),
        ip_network("fd00::/64"),
    ]
    assert network("10.1.2.3") == ip_network("10.1.2.3/32")
    assert str(address("10.0.0.11/24")) == "10.0.0.11"
    assert str(address("[fd00::1]")) == "fd00::1"
    assert address("") is None


def test_the_smallest_network_of_several() -> None:
    assert covering(networks(["10.244.0.0/16", "10.245.0.0/16"])) == ip_network("10.244.0.0/15")
    assert covering(networks(["10.0.0.0/8", "192.168.0.0/16"])) == ip_network("0.0.0.0/0")
    assert covering([]) is None
    assert not contains(ip_network("10.0.0.0/8"), ip_network("fd00::/8"))
