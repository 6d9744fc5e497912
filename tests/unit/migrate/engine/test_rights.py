"""The rights of a plan: what it does needs them, what it does not do needs none."""

from __future__ import annotations

from dataclasses import replace

import pytest

from migrate.engine.rights import EVERY_RIGHT, rights_of
from migrate.model.draft import Draft
from migrate.model.variant import Variant


def test_every_right_stands_once() -> None:
    assert len(EVERY_RIGHT) == len(set(EVERY_RIGHT))
    assert len(rights_of(Draft())) == len(set(rights_of(Draft())))


@pytest.mark.parametrize("install", ["operator", "helm", "manifest", "kubespray"])
def test_only_an_operator_s_installation_is_patched(install: str) -> None:
    found = rights_of(Draft(variant=Variant(installs=(install,))))
    assert (("patch", "installations.operator.tigera.io") in found) is (install in {"operator", "helm"})
    assert set(found) <= set(EVERY_RIGHT)


def test_a_step_that_is_not_in_the_plan_needs_no_right() -> None:
    right = ("create", "globalnetworkpolicies.crd.projectcalico.org")
    plain = Draft(variant=Variant(installs=("operator",)))
    assert right not in rights_of(plain)
    assert right in rights_of(replace(plain, steps_of_pin=("AllowHostPorts",)))


def test_what_a_drain_and_a_switch_need_is_always_asked_for() -> None:
    found = rights_of(Draft())
    assert {
        ("create", "pods/eviction"),
        ("patch", "nodes"),
        ("delete", "pods"),
        ("create", "pods/exec"),
    } <= set(found)
    assert ("patch", "ciliumnodeconfigs.cilium.io") in found
