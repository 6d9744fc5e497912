"""The table of faults."""

from __future__ import annotations

from tests.controlplane.faults import Fault, Faults


def test_a_fault_stands_on_its_node_until_it_is_removed() -> None:
    faults = Faults()
    faults.plant(Fault.SLOW_IMAGE, "wrk-01", seconds=2)
    assert faults.seconds(Fault.SLOW_IMAGE, "wrk-01") == 2
    assert not faults.stands(Fault.SLOW_IMAGE, "wrk-02")
    faults.remove(Fault.SLOW_IMAGE, "wrk-01")
    assert faults.seconds(Fault.SLOW_IMAGE, "wrk-01") == 0


def test_a_fault_that_happens_once_is_taken_once() -> None:
    faults = Faults()
    faults.plant(Fault.ADDRESS_JUMP, "wrk-01")
    assert faults.take(Fault.ADDRESS_JUMP, "wrk-01")
    assert not faults.take(Fault.ADDRESS_JUMP, "wrk-01")
