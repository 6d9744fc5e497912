"""The record of a simulated node: addresses are not given twice, and the wrong DEL leaves what it leaves."""

from __future__ import annotations

import json
from pathlib import Path

import pytest

from tests.controlplane.cni import Plugin
from tests.controlplane.record import NodeRecord, Sandbox, free_address, free_block


@pytest.fixture
def record(tmp_path: Path) -> NodeRecord:
    return NodeRecord("wrk-01", "192.0.2.11", tmp_path / "wrk-01")


def sandbox(address: str, plugin: Plugin = Plugin.CALICO) -> Sandbox:
    return Sandbox(f"uid-{address}", "shop", "web", plugin, address)


def added(record: NodeRecord, made: Sandbox) -> Sandbox:
    record.sandboxes[made.uid] = made
    return made


def test_an_address_that_was_released_is_given_again_only_when_no_fresh_one_is_left(
    record: NodeRecord,
) -> None:
    pool = ["10.0.0.0/30"]
    for expected in ("10.0.0.0", "10.0.0.1", "10.0.0.2"):
        assert free_address(pool, record) == expected
        added(record, sandbox(expected))
    record.tear_down(record.sandboxes["uid-10.0.0.1"], Plugin.CALICO)
    assert free_address(pool, record) == "10.0.0.3"
    added(record, sandbox("10.0.0.3"))
    assert free_address(pool, record) == "10.0.0.1"


def test_reserved_and_kept_addresses_are_never_given(record: NodeRecord) -> None:
    assert free_address(["10.245.0.0/24"], record, skip=3) == "10.245.0.3"
    assert free_address(["192.168.0.0/26"], record, kept=["192.168.0.0"]) == "192.168.0.1"
    assert free_address(["10.245.0.0/30"], record, skip=3) is None


def test_a_delete_by_the_plugin_that_made_the_sandbox_leaves_nothing(record: NodeRecord) -> None:
    assert record.tear_down(added(record, sandbox("10.0.0.1")), Plugin.CALICO) is None
    assert not record.leaks
    assert not record.used()


def test_a_delete_by_the_other_plugin_leaves_a_veth_and_keeps_the_address(record: NodeRecord) -> None:
    leak = record.tear_down(added(record, sandbox("10.0.0.1")), Plugin.CILIUM)
    assert leak is not None
    assert leak.veth.startswith("cali")
    assert leak.handle.startswith("k8s-pod-network.")
    assert record.used() == {"10.0.0.1"}


def test_a_reboot_clears_the_kernel_but_not_the_datastore(record: NodeRecord) -> None:
    record.tear_down(added(record, sandbox("10.0.0.1")), Plugin.CILIUM)
    record.tear_down(added(record, sandbox("10.245.0.3", Plugin.CILIUM)), None)
    before = record.boot_id
    record.new_boot()
    assert record.boot_id != before
    assert (record.root / "proc/sys/kernel/random/boot_id").read_text(
        encoding="utf-8"
    ).strip() == record.boot_id
    assert [(leak.veth, leak.address) for leak in record.leaks] == [("", "10.0.0.1")]


def test_each_new_sandbox_of_a_pod_has_a_container_of_its_own(record: NodeRecord) -> None:
    asked = record.sandbox("u", "n", "p", Plugin.CALICO, "10.0.0.1")
    first = record.hold(record.sandbox("u", "n", "p", Plugin.CALICO, "10.0.0.1"))
    assert asked == first, "a sandbox that was not made does not count"
    second = record.hold(record.sandbox("u", "n", "p", Plugin.CALICO, "10.0.0.2"))
    assert (first.serial, second.serial) == (1, 2)
    assert first.handle != second.handle


def test_a_block_is_given_once() -> None:
    assert free_block(["192.168.0.0/25"], set()) == "192.168.0.0/26"
    assert free_block(["192.168.0.0/25"], {"192.168.0.0/26"}) == "192.168.0.64/26"
    assert free_block(["192.168.0.0/26"], {"192.168.0.0/26"}) is None


def test_the_record_can_be_read_from_the_nodes_folder(record: NodeRecord) -> None:
    added(record, sandbox("10.0.0.1"))
    record.save()
    known = json.loads((record.root / "sim" / "record.json").read_text(encoding="utf-8"))
    assert known["sandboxes"][0]["plugin"] == "calico"
