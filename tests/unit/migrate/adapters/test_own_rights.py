"""Which rights a run asks for before it changes anything, and how one that is gone is said."""

from __future__ import annotations

from collections.abc import Iterator, Mapping, Sequence
from typing import Any

from migrate.adapters.own_rights import KubeRights
from migrate.model.rights import OURS, Right, held_by_a_run


def asked(rights: Sequence[Right]) -> set[tuple[str, str, str]]:
    return {one for right in rights for one in right.asked}


def without(*gone: tuple[str, str, str]) -> KubeRights:
    def access(rights: Sequence[Right]) -> Iterator[Mapping[str, Any]]:
        for verb, resource, namespace in sorted(asked(rights)):
            allowed = (verb, resource, namespace) not in gone
            yield {"verb": verb, "resource": resource, "namespace": namespace, "allowed": allowed}

    return KubeRights(access, OURS)


def test_a_right_that_is_gone_is_named() -> None:
    rights = without(("create", "pods/eviction", ""), ("create", "pods/exec", "kube-system"))
    assert list(rights.withdrawn(of_nodes=True)) == [
        "the right to create pods/eviction is gone",
        "the right to create pods/exec in kube-system is gone",
    ]


def test_the_steps_of_a_node_ask_for_less() -> None:
    node, every = asked(held_by_a_run(OURS, of_nodes=True)), asked(held_by_a_run(OURS, of_nodes=False))
    assert {("patch", "nodes", ""), ("create", "pods/eviction", ""), ("delete", "pods", "")} <= node < every
    assert list(without(("patch", "daemonsets.apps", "kube-system")).withdrawn(of_nodes=True)) == []


def test_what_a_chart_makes_on_its_way_is_not_asked_for() -> None:
    places = {namespace for _, _, namespace in asked(held_by_a_run(OURS, of_nodes=False))}
    assert places == {"", "kube-system", OURS}
    assert OURS not in {n for _, _, n in asked(held_by_a_run("elsewhere", of_nodes=False))}
