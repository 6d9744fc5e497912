from __future__ import annotations

from translators.folding import MAX_PARTIES
from translators.reachability import reachability

DENY_OF_ONE = {
    "apiVersion": "cilium.io/v2",
    "kind": "CiliumNetworkPolicy",
    "metadata": {"name": "one", "namespace": "team-03"},
    "spec": {
        "endpointSelector": {"matchLabels": {"app": "app-1"}},
        "ingress": [{"fromEntities": ["cluster"]}],
    },
}


def _selecting(namespace, app):
    return {
        "apiVersion": "projectcalico.org/v3",
        "kind": "NetworkPolicy",
        "metadata": {"name": app, "namespace": namespace},
        "spec": {"selector": f"app == '{app}'", "ingress": [{"action": "Allow"}]},
    }


def _pods(namespace, apps, each=1):
    yield {"apiVersion": "v1", "kind": "Namespace", "metadata": {"name": namespace}}
    for number, app in enumerate(app for app in apps for _ in range(each)):
        yield {
            "apiVersion": "v1",
            "kind": "Pod",
            "metadata": {"name": f"example-{app}-{number}", "namespace": namespace, "labels": {"app": app}},
            "spec": {"nodeName": "n", "serviceAccountName": "default", "containers": [{"name": "c"}]},
            "status": {
                "phase": "Running",
                "podIPs": [{"ip": f"10.0.{int(namespace[-2:])}.{number + 1}"}],
            },
        }


def _teams(count, apps):
    names = [f"team-{i:02}" for i in range(count)]
    cluster = [document for name in names for document in _pods(name, apps)]
    return cluster, [_selecting("team-00", app) for app in apps]


def _named(matrix):
    return [(label.group, label.name, label.pods) for label in matrix.rows]


def test_classes_count_their_pods_whatever_their_names():
    cluster = list(_pods("team-00", ["app-1"], each=3))
    matrix = reachability([_selecting("team-00", "app-1")], [], cluster=cluster)
    assert ("team-00", "app=app-1", 3) in _named(matrix)


def test_too_many_classes_are_folded_by_namespace():
    cluster, policies = _teams(10, [f"app-{i}" for i in range(8)])
    matrix = reachability(policies, [], cluster=cluster)
    assert ("team-03", "8 classes", 8) in _named(matrix)
    assert len(matrix.rows) <= MAX_PARTIES and not matrix.hidden_classes


def test_what_changes_for_one_member_shows_in_the_folded_cell():
    cluster, policies = _teams(10, [f"app-{i}" for i in range(8)])
    matrix = reachability(policies, [DENY_OF_ONE], cluster=cluster)
    rows = [label.group for label in matrix.rows]
    world, team = [label.name for label in matrix.rows].index("world"), rows.index("team-03")
    assert matrix.before[world][team] == "all"
    assert matrix.after[world][team].startswith("for some of them: all")
    assert matrix.marks[world][team] == "–"


def test_more_namespaces_than_rows_says_how_many_are_left_out():
    cluster, policies = _teams(MAX_PARTIES + 6, ["app-1", "app-2"])
    matrix = reachability(policies, [], cluster=cluster)
    assert len(matrix.rows) <= MAX_PARTIES
    assert matrix.hidden_classes >= 6


def test_nobody_polices_traffic_from_outside_to_outside():
    cluster = [*_pods("team-00", ["app-1"]), *_pods("team-01", ["app-2"])]
    matrix = reachability([_selecting("team-00", "app-1")], [], cluster=cluster)
    names = [label.name for label in matrix.rows]
    world, other = names.index("world"), names.index("app=app-2")
    assert matrix.before[world][world] == "-"
    assert matrix.before[world][other] == "all"
