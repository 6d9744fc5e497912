"""What a host's daemons would do to Cilium's devices, and which files stop them."""

from __future__ import annotations

from typing import Any

import pytest

from migrate.engine.host_files import DEVICES, drop_ins, foreign_flags, managed_devices, reverse_path
from migrate.model.facts import NodeFacts

ROUTES, RULES = "ManageForeignRoutes", "ManageForeignRoutingPolicyRules"


def facts(**parts: Any) -> NodeFacts:
    return NodeFacts("wrk-1", parts)


@pytest.mark.parametrize(
    ("networkd", "options"),
    [
        ({"active": False, "manage_foreign_routes": True}, ()),
        ({}, ()),
        ({"active": True}, (ROUTES, RULES)),
        ({"active": True, "manage_foreign_routes": False}, (RULES,)),
        ({"active": True, "manage_foreign_routes": False, "manage_foreign_rules": False}, ()),
    ],
)
def test_an_active_networkd_takes_what_it_is_not_told_to_leave(networkd: Any, options: Any) -> None:
    assert foreign_flags(facts(networkd=networkd)) == options


@pytest.mark.parametrize(
    ("unmanaged", "managed"),
    [
        ([], DEVICES),
        (["interface-name:cilium*"], ("lxc0123456789a",)),
        (["interface-name:cilium_host", "interface-name:lxc*"], ("cilium_net", "cilium_vxlan")),
        (["interface-name:cilium*", " interface-name:=lxc* "], ()),
        (["cilium*", "lxc*"], ()),
        (["*"], ()),
        (["*", "except:interface-name:lxc*"], ("lxc0123456789a",)),
        (["except:*", "*"], DEVICES),
        (["driver:veth", "type:vxlan", "mac:00:11:22:33:44:55"], DEVICES),
    ],
)
def test_networkmanager_manages_what_no_name_leaves_out(unmanaged: list[str], managed: Any) -> None:
    assert managed_devices(facts(network_manager={"active": True, "unmanaged": unmanaged})) == managed
    assert managed_devices(facts(network_manager={"active": False, "unmanaged": unmanaged})) == ()


def line(interface: str, value: int) -> dict[str, Any]:
    return {"file": "/etc/sysctl.d/x.conf", "interface": interface, "value": value}


@pytest.mark.parametrize(
    ("systemd", "live", "lines", "value"),
    [
        (252, {"all": 0, "default": 0}, [], 0),
        (252, {"all": 0, "default": 1}, [], 1),
        (252, {"all": 2, "default": 0}, [line("*", 0)], 2),
        (245, {"all": 0, "default": 0}, [line("*", 2)], 2),
        (244, {"all": 1, "default": 1}, [line("*", 2)], 0),
        (0, {"all": 1}, [], 0),
        (252, {"all": 0, "default": 2}, [line("*", 2), line("lxc*", 0)], 2),
        (252, {"all": 0, "default": 2}, [line("*", 2), line("lxc*", 0), line("cilium_*", 0)], 0),
        (252, {"all": 0, "default": 2}, [line("lxc*", 0), line("cilium_*", 0), line("*", 2)], 2),
    ],
)
def test_the_filter_that_a_new_device_comes_under(systemd: int, live: Any, lines: Any, value: int) -> None:
    assert reverse_path(facts(systemd=systemd, rp_filter=live, rp_filter_files=lines)) == value


def test_a_host_that_leaves_cilium_alone_gets_no_file() -> None:
    quiet = facts(
        systemd=252,
        rp_filter={"all": 0, "default": 0},
        networkd={"active": False},
        network_manager={"active": False},
    )
    assert list(drop_ins(quiet)) == []


def test_only_what_is_on_for_all_devices_is_set_live_and_set_back() -> None:
    (one,) = drop_ins(facts(systemd=252, rp_filter={"all": 0, "default": 2}))
    assert (one.apply, one.undo) == ((), ())
    assert "conf.all" not in one.content
    (two,) = drop_ins(facts(systemd=252, rp_filter={"all": 1, "default": 2}))
    assert two.content.endswith("net.ipv4.conf.all.rp_filter = 0\n")
    assert two.undo == (("sysctl", "-w", "net.ipv4.conf.all.rp_filter=1"),)


def test_networkd_is_told_at_once_and_left_alone_by_the_undo() -> None:
    (file,) = drop_ins(facts(networkd={"active": True}))
    assert file.apply == (("systemctl", "restart", "systemd-networkd.service"),)
    assert file.undo == ()
