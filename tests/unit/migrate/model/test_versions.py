"""Versions compare as their projects count them, and the tables say what the releases were seen to do."""

from __future__ import annotations

import pytest

from migrate.model.versions import NEWEST, OLDEST, TESTED_KUBERNETES, VALUES, Release, changes_of, issues_of


@pytest.mark.parametrize(
    ("text", "release"),
    [
        ("1.20.2", Release(1, 20, 2)),
        ("v1.34.2", Release(1, 34, 2)),
        ("1.20", Release(1, 20, 0)),
        ("v1.33.5+k3s1", Release(1, 33, 5)),
        ("v1.31.4-eks-aeac579", Release(1, 31, 4)),
        ("v1.31.4-gke.1183000", Release(1, 31, 4)),
        ("1.20.0-pre.2", Release(1, 20, 0, (0, "pre", 2))),
        ("1.20.0-rc1", Release(1, 20, 0, (0, "rc", 1))),
        ("latest", None),
        ("1", None),
        ("", None),
    ],
)
def test_a_version_is_read_as_its_project_writes_it(text: str, release: Release | None) -> None:
    assert Release.parse(text) == release


def test_a_pre_release_comes_before_its_release() -> None:
    texts = ["1.19.9", "1.20.0-pre.1", "1.20.0-pre.2", "1.20.0-rc.1", "1.20.0", "1.20.1"]
    releases = [Release.parse(t) for t in texts]
    assert releases == sorted(releases)  # type: ignore[type-var]  # all of them are versions


@pytest.mark.parametrize(
    ("version", "issues"),
    [
        ("1.17.14", ["cilium#38581"]),
        ("1.18.7", []),
        ("1.18.8", ["cilium#45077"]),
        ("1.19.3", ["cilium#45077"]),
        ("1.19.4", ["cilium#45077", "cilium#46584"]),
        ("1.20.0-pre.2", ["cilium#45077", "cilium#46584", "cilium#46253"]),
        ("1.20.0-pre.3", ["cilium#45077", "cilium#46584"]),
        ("1.20.0", ["cilium#45077", "cilium#46584"]),
        ("1.20.2", ["cilium#45077"]),
    ],
)
def test_known_issues_belong_to_their_releases(version: str, issues: list[str]) -> None:
    release = Release.parse(version)
    assert release is not None
    assert [issue.id for issue in issues_of(release)] == issues


@pytest.mark.parametrize(
    ("values", "minor", "paths"),
    [
        ({"tunnel": "vxlan"}, (1, 16), ["tunnel"]),
        ({"hostPort": {"enabled": True}}, (1, 17), []),
        ({"hostPort": {"enabled": True}}, (1, 18), ["hostPort"]),
        ({"k8sClusterNetworkPolicy": {"enabled": False}}, (1, 19), ["k8sClusterNetworkPolicy"]),
        ({"k8sClusterNetworkPolicy": {"enabled": False}}, (1, 20), []),
        ({"allowLocalhost": "policy"}, (1, 20), ["allowLocalhost"]),
        ({"encryption": {"strictMode": {"egress": {"cidr": "x"}}}}, (1, 20), []),
        ({"encryption": {"strictMode": {"cidr": "x"}}}, (1, 19), []),
        ({"encryption": {"strictMode": {"cidr": "x"}}}, (1, 20), ["encryption.strictMode.cidr"]),
        ({"operator": {"unmanagedPodWatcher": None}}, (1, 18), []),
    ],
)
def test_a_value_that_a_chart_does_not_know_is_named(
    values: dict[str, object], minor: tuple[int, int], paths: list[str]
) -> None:
    assert [c.path for c in changes_of(values, minor)] == paths


def test_every_minor_between_the_oldest_and_the_newest_has_its_kubernetes_range() -> None:
    assert list(TESTED_KUBERNETES) == [(1, m) for m in range(OLDEST[1], NEWEST[1] + 1)]
    assert all(first <= last for first, last in TESTED_KUBERNETES.values())


def test_a_path_stands_once_for_each_bound() -> None:
    keys = [(c.path, c.since, c.until) for c in VALUES]
    assert len(keys) == len(set(keys))
