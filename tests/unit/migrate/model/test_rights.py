"""The one table of rights: what a run needs is in it, each right by itself, and answers are looked up by place."""

from __future__ import annotations

from migrate.model.rights import READING, Right, rights_for
from migrate.model.snapshot import Answers


def test_each_verb_on_each_resource_is_asked_for_by_itself() -> None:
    right = Right("apps", ("deployments", "daemonsets"), ("get", "patch"), "why", "kube-system")
    assert list(right.asked) == [
        ("get", "deployments.apps", "kube-system"),
        ("patch", "deployments.apps", "kube-system"),
        ("get", "daemonsets.apps", "kube-system"),
        ("patch", "daemonsets.apps", "kube-system"),
    ]


def test_what_a_drain_and_a_switch_need_is_in_the_table_and_no_reading_verb_gets_it() -> None:
    asked = {a for right in rights_for(["apply"]) for a in right.asked}
    acting = {
        ("create", "pods/eviction", ""),
        ("patch", "nodes", ""),
        ("delete", "pods", ""),
        ("create", "pods/exec", "kube-system"),
        ("patch", "ciliumnodeconfigs.cilium.io", ""),
    }
    assert acting <= asked
    assert not acting & {a for right in rights_for(["preflight", "plan"]) for a in right.asked}


def test_only_kinds_of_others_may_be_missing() -> None:
    optional = {right.group for right in rights_for(["apply"]) if right.where_served}
    assert optional == {
        "policy.networking.k8s.io",
        "crd.projectcalico.org",
        "projectcalico.org",
        "operator.tigera.io",
        "helm.cattle.io",
        "monitoring.coreos.com",
    }
    assert {r.group for r in READING} >= optional


def test_a_right_is_known_by_its_namespace_or_from_everywhere() -> None:
    said = Answers(
        access={
            ("get", "pods", ""): True,
            ("patch", "nodes", ""): False,
            ("create", "pods", "c2c-system"): False,
        }
    )
    assert said.may("get", "pods", "shop") is True
    assert said.may("patch", "nodes") is False
    assert said.may("create", "pods", "c2c-system") is False
    assert said.may("create", "pods", "shop") is None
    assert said.may("patch", "nodes", "shop") is None
    assert Answers().may("get", "pods") is None
