"""Write the example cluster: a shop with its platform on Calico, as ``c2c snapshot`` would have read it.

Run ``python -m examples.make_cluster`` from the repository's root after a change; the result is committed. Everything
is derived from the table of workloads below, so that a reader sees the cluster here and not in the JSON.
"""

from __future__ import annotations

import json
import shutil
from collections import defaultdict
from collections.abc import Iterable, Iterator
from pathlib import Path

from migrate.model.resources import resource_of
from migrate.model.rights import rights_for
from tests import clusters
from tests.clusters import Object

HERE = Path(__file__).parent / "cluster"
UID = "6f0e2c41-6d1f-4f5e-9a55-0c1c9d6e2f10"
NAMESPACES = {
    "shop": {"env": "prod", "team": "shop"},
    "billing": {"env": "prod", "team": "billing", "pci": "true"},
    "catalog": {"env": "prod", "team": "shop"},
    "search": {"env": "prod", "team": "search"},
    "shop-staging": {"env": "staging", "team": "shop"},
    "data": {"env": "prod", "team": "data"},
    "monitoring": {"env": "prod", "team": "platform"},
    "logging": {"env": "prod", "team": "platform"},
    "ingress": {"env": "prod", "team": "platform"},
    "kube-system": {"team": "platform"},
}
# namespace, workload, replicas, service account, ports (name, number), further labels
WORKLOADS = [
    ("shop", "web", 6, "web", [("http", 8080)], {"tier": "front"}),
    ("shop", "api", 4, "api", [("http", 8080), ("metrics", 9090)], {"tier": "back"}),
    ("shop", "cart", 3, "cart", [("http", 8080)], {"tier": "back"}),
    ("shop", "worker", 4, "worker", [], {"tier": "back"}),
    ("billing", "api", 3, "billing-api", [("https", 8443)], {"tier": "back"}),
    ("billing", "ledger", 2, "ledger", [("grpc", 9000)], {"tier": "back"}),
    ("billing", "db", 2, "db", [("pg", 5432)], {"tier": "data"}),
    ("catalog", "api", 3, "default", [("http", 8080)], {"tier": "back"}),
    ("catalog", "cache", 2, "default", [("redis", 6379)], {"tier": "data"}),
    ("search", "query", 4, "default", [("http", 8080)], {"tier": "back"}),
    ("search", "indexer", 2, "indexer", [], {"tier": "back"}),
    ("search", "index", 3, "default", [("transport", 9300)], {"tier": "data"}),
    ("shop-staging", "web", 2, "web", [("http", 8080)], {"tier": "front"}),
    ("shop-staging", "api", 2, "api", [("http", 8080)], {"tier": "back"}),
    ("data", "postgres", 3, "postgres", [("pg", 5432)], {"tier": "data"}),
    ("data", "kafka", 3, "kafka", [("broker", 9092)], {"tier": "data"}),
    ("data", "etl", 2, "etl", [], {"tier": "back"}),
    ("monitoring", "prometheus", 2, "prometheus", [("http", 9090)], {}),
    ("monitoring", "grafana", 1, "grafana", [("http", 3000)], {}),
    ("monitoring", "alertmanager", 2, "alertmanager", [("http", 9093)], {}),
    ("logging", "loki", 2, "loki", [("http", 3100)], {}),
    ("logging", "shipper", 8, "shipper", [], {}),
    ("ingress", "controller", 3, "ingress", [("http", 8080), ("https", 8443)], {}),
    ("kube-system", "coredns", 2, "coredns", [("dns", 53)], {"k8s-app": "kube-dns"}),
    ("kube-system", "metrics-server", 2, "metrics-server", [("https", 10250)], {}),
]
ANSWERS: dict[str, Object] = {
    "controller": {
        "python": "3.12.3", "ansible_core": "2.21.5", "ansible_playbook": "/usr/bin/ansible-playbook",
        "ansible_runner": "2.4.3", "helm": "v4.3.1", "credentials_expire": "",
    },
    "release": {},
    "creations": {"object": "Namespace/c2c-system", "status": 201, "message": ""},
    "evictions": {"pod": "shop/web-0", "status": 201, "message": ""},
}  # fmt: skip
"""What the machine that took the snapshot has, which Helm release of Cilium it found (none), what the server answered."""
KINDS = {"postgres": "StatefulSet", "kafka": "StatefulSet", "index": "StatefulSet", "shipper": "DaemonSet"}
ZONES = ("a", "b", "c")
NODES = {f"node-{i:02}": (f"10.0.0.{10 + i}", ZONES[i % 3]) for i in range(1, 9)}
CONTROL_PLANE, *WORKERS = NODES


def system() -> Iterator[Object]:
    """Give the cluster and Calico, with the labels of the namespaces."""
    own = [n for n in NAMESPACES if n != "kube-system"]
    for found in (*clusters.system(NODES, own), *clusters.calico(NODES)):
        kind, name = found["kind"], found["metadata"]["name"]
        if "coredns" in name or (kind, name) == ("Service", "kube-dns"):
            continue
        if kind == "Namespace":
            found["metadata"]["labels"].update(NAMESPACES.get(name, {}))
            found["metadata"]["uid"] = UID if name == "kube-system" else found["metadata"]["uid"]
        yield found
    yield clusters.pod(
        "calico-kube-controllers-1-a", "calico-system", WORKERS[0], address(WORKERS[0], 3),
        owner=("ReplicaSet", "calico-kube-controllers-1"), labels={"k8s-app": "calico-kube-controllers"},
    )  # fmt: skip


def address(node: str, number: int) -> str:
    """Give an address of Calico's pool on a node."""
    return f"10.244.{list(NODES).index(node) + 1}.{number}"


def accounts() -> Iterator[Object]:
    """Give the service accounts besides the default ones."""
    used = {(ns, account) for ns, _, _, account, _, _ in WORKLOADS if account != "default"}
    for namespace, name in sorted(used):
        yield clusters.thing(
            "ServiceAccount", name, namespace, labels={"role": "reader" if name == "prometheus" else "app"}
        )


def applications() -> Iterator[Object]:
    """Give the workloads with their pods, budgets, services and the addresses of these."""
    used = dict.fromkeys(NODES, 9)
    turn = 0
    for number, (namespace, app, replicas, account, ports, more) in enumerate(WORKLOADS, start=1):
        labels = {"app": app, **more}
        kind = KINDS.get(app, "Deployment")
        anywhere = [{"operator": "Exists"}] if kind == "DaemonSet" else []
        template = {"serviceAccountName": account, **({"tolerations": anywhere} if anywhere else {})}
        yield clusters.workload(kind, app, namespace, replicas, labels, **template)
        owner = (kind, app)
        if kind == "Deployment":
            owner = ("ReplicaSet", f"{app}-1")
            owned = clusters.workload("ReplicaSet", owner[1], namespace, replicas, labels, **template)
            owned["metadata"]["ownerReferences"] = [
                {"apiVersion": "apps/v1", "kind": kind, "name": app, "uid": f"uid-deployment-{namespace}-{app}", "controller": True}
            ]  # fmt: skip
            yield owned
        if replicas > 1 and kind != "DaemonSet":
            yield clusters.budget(app, namespace, {"app": app}, pods=replicas)
        addresses = []
        for replica in range(replicas):
            node = list(NODES)[replica] if kind == "DaemonSet" else WORKERS[turn % len(WORKERS)]
            turn += kind != "DaemonSet"
            used[node] += 1
            addresses.append(address(node, used[node]))
            found = clusters.pod(
                f"{app}-{replica}", namespace, node, addresses[-1], owner=owner, labels=dict(labels), **template
            )
            found["spec"]["containers"][0]["ports"] = [
                {"name": n, "containerPort": p, "protocol": protocol(n)} for n, p in ports
            ]
            yield found
        if ports:
            yield from service(namespace, app, f"10.96.0.{number + 19}", ports, addresses)


def protocol(name: str) -> str:
    """Give the protocol of a named port."""
    return "UDP" if name == "dns" else "TCP"


def service(
    namespace: str, app: str, cluster_ip: str, ports: list[tuple[str, int]], addresses: Iterable[str]
) -> Iterator[Object]:
    """Give a Service and its EndpointSlice."""
    listed = [{"name": n, "protocol": protocol(n), "port": p, "targetPort": p} for n, p in ports]
    yield clusters.thing(
        "Service", app, namespace, spec={"selector": {"app": app}, "clusterIP": cluster_ip, "ports": listed}
    )
    yield clusters.thing(
        "EndpointSlice", f"{app}-1", namespace, api="discovery.k8s.io/v1",
        labels={"kubernetes.io/service-name": app, "endpointslice.kubernetes.io/managed-by": "endpointslice-controller.k8s.io"},
        addressType="IPv4", ports=[{k: v for k, v in p.items() if k != "targetPort"} for p in listed],
        endpoints=[{"addresses": [a]} for a in addresses],
    )  # fmt: skip


def objects() -> Iterator[Object]:
    """Give all objects of the cluster."""
    yield from system()
    yield from accounts()
    yield from applications()
    yield clusters.thing(
        "EndpointSlice", "kubernetes", "default", api="discovery.k8s.io/v1",
        labels={"kubernetes.io/service-name": "kubernetes"}, addressType="IPv4",
        ports=[{"name": "https", "protocol": "TCP", "port": 6443}], endpoints=[{"addresses": [NODES[CONTROL_PLANE][0]]}],
    )  # fmt: skip


def main() -> None:
    """Write the folder anew."""
    shutil.rmtree(HERE, ignore_errors=True)
    for folder in ("nodes", "answers"):
        (HERE / folder).mkdir(parents=True)
    granted = [
        {"verb": verb, "resource": resource, "namespace": namespace, "allowed": True}
        for right in rights_for(["apply"])
        for verb, resource, namespace in right.asked
    ]
    lines = "".join(json.dumps(answer) + "\n" for answer in granted)
    (HERE / "answers" / "access.jsonl").write_text(lines, encoding="utf-8")
    for name, answer in ANSWERS.items():
        (HERE / "answers" / f"{name}.jsonl").write_text(json.dumps(answer) + "\n", encoding="utf-8")
    found: dict[str, list[Object]] = defaultdict(list)
    for obj in objects():
        found[resource_of(obj["apiVersion"], obj["kind"])].append(obj)
    kinds = {}
    for resource, listed in sorted(found.items()):
        lines = ",\n".join(json.dumps(item, sort_keys=True) for item in listed)
        (HERE / f"{resource}.json").write_text(
            f'{{"apiVersion": "v1", "kind": "List", "items": [\n{lines}\n]}}\n', encoding="utf-8"
        )
        kinds[resource] = {"count": len(listed), "resourceVersion": "1"}
    cluster = {"name": "prod-eu-1", "context": "prod-eu-1", "uid": UID, "version": "v1.34.2"}
    about = {"schemaVersion": "1.0", "kind": "Snapshot", "cluster": cluster, "complete": True, "kinds": kinds}
    (HERE / "snapshot.json").write_text(json.dumps(about, indent=2) + "\n", encoding="utf-8")
    addresses = {name: at for name, (at, _) in NODES.items()}
    for name in NODES:
        facts = json.dumps(clusters.facts(name, addresses), sort_keys=True)
        (HERE / "nodes" / f"{name}.json").write_text(facts + "\n", encoding="utf-8")


if __name__ == "__main__":
    main()
