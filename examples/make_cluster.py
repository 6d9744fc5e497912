"""Write the example cluster: a shop with its platform, as ``c2c snapshot`` would have read it.

Run it from the repository's root after a change; the result is committed. Everything is derived from the table
of workloads below, so that a reader sees the cluster here and not in the JSON.
"""

from __future__ import annotations

import json
from pathlib import Path

HERE = Path(__file__).parent
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
NODES = [f"node-{i:02}" for i in range(1, 9)]


def meta(name: str, namespace: str | None = None, **labels: str) -> dict[str, object]:
    found: dict[str, object] = {"name": name, "resourceVersion": "1"}
    if namespace:
        found["namespace"] = namespace
    if labels:
        found["labels"] = labels
    return found


def namespaces() -> list[dict[str, object]]:
    return [
        {"apiVersion": "v1", "kind": "Namespace",
         "metadata": {**meta(n), "labels": {"kubernetes.io/metadata.name": n, **labels}}}
        for n, labels in NAMESPACES.items()
    ]  # fmt: skip


def accounts() -> list[dict[str, object]]:
    used = {(ns, account) for ns, _, _, account, _, _ in WORKLOADS} | {(n, "default") for n in NAMESPACES}
    return [
        {"apiVersion": "v1", "kind": "ServiceAccount",
         "metadata": {**meta(a, ns), "labels": {"role": "reader" if a == "prometheus" else "app"}}}
        for ns, a in sorted(used)
    ]  # fmt: skip


def nodes() -> list[dict[str, object]]:
    return [
        {"apiVersion": "v1", "kind": "Node",
         "metadata": {**meta(n), "labels": {"kubernetes.io/hostname": n, "kubernetes.io/os": "linux",
                      **({"node-role.kubernetes.io/control-plane": ""} if i == 1 else {})}},
         "spec": {"podCIDRs": [f"10.244.{i}.0/24"]},
         "status": {"addresses": [{"type": "InternalIP", "address": f"10.0.0.{10 + i}"}]}}
        for i, n in enumerate(NODES, start=1)
    ]  # fmt: skip


def workload_pods() -> list[dict[str, object]]:
    pods, used = [], dict.fromkeys(NODES, 9)
    for namespace, app, replicas, account, ports, labels in WORKLOADS:
        for replica in range(replicas):
            node = NODES[(len(pods) + 1) % len(NODES)]
            used[node] += 1
            address = f"10.244.{NODES.index(node) + 1}.{used[node]}"
            listed = [{"name": n, "containerPort": p, "protocol": "UDP" if n == "dns" else "TCP"} for n, p in ports]
            pods.append({
                "apiVersion": "v1", "kind": "Pod",
                "metadata": {**meta(f"{app}-{replica}", namespace), "labels": {"app": app, **labels}},
                "spec": {"serviceAccountName": account, "nodeName": node,
                         "containers": [{"name": app, "image": app, "ports": listed}]},
                "status": {"phase": "Running", "podIP": address, "podIPs": [{"ip": address}]},
            })  # fmt: skip
    return pods


def services(pods: list[dict[str, object]]) -> tuple[list[dict[str, object]], list[dict[str, object]]]:
    found, slices = [], []
    for number, (namespace, app, _, _, ports, _) in enumerate(WORKLOADS, start=1):
        if not ports:
            continue
        listed = [{"name": n, "protocol": "UDP" if n == "dns" else "TCP", "port": p, "targetPort": p} for n, p in ports]
        found.append({"apiVersion": "v1", "kind": "Service", "metadata": meta(app, namespace),
                      "spec": {"selector": {"app": app}, "clusterIP": f"10.96.0.{number + 9}", "ports": listed}})
        addresses = [
            p["status"]["podIP"] for p in pods  # type: ignore[index]
            if p["metadata"]["namespace"] == namespace and p["metadata"]["labels"]["app"] == app  # type: ignore[index]
        ]  # fmt: skip
        slices.append({"apiVersion": "discovery.k8s.io/v1", "kind": "EndpointSlice",
                       "metadata": {**meta(f"{app}-1", namespace), "labels": {"kubernetes.io/service-name": app}},
                       "addressType": "IPv4",
                       "ports": [{"name": p["name"], "protocol": p["protocol"], "port": p["port"]} for p in listed],
                       "endpoints": [{"addresses": [a]} for a in addresses]})
    api = {"apiVersion": "discovery.k8s.io/v1", "kind": "EndpointSlice",
           "metadata": {**meta("kubernetes", "default"), "labels": {"kubernetes.io/service-name": "kubernetes"}},
           "addressType": "IPv4", "ports": [{"name": "https", "protocol": "TCP", "port": 6443}],
           "endpoints": [{"addresses": ["10.0.0.11"]}]}
    return found, [*slices, api]


def pools() -> list[dict[str, object]]:
    return [{"apiVersion": "projectcalico.org/v3", "kind": "IPPool", "metadata": meta("default-ipv4"),
             "spec": {"cidr": "10.244.0.0/16", "vxlanMode": "Always"}}]


def write(name: str, kind: str, version: str, items: list[dict[str, object]]) -> int:
    lines = ",\n".join(json.dumps(item, sort_keys=True) for item in items)
    text = f'{{"apiVersion": "{version}", "kind": "{kind}List", "items": [\n{lines}\n]}}\n'
    (HERE / "cluster" / name).write_text(text, encoding="utf-8")
    return len(items)


def main() -> None:
    pods = workload_pods()
    listed, slices = services(pods)
    counts = {
        "Namespace": write("namespaces.json", "Namespace", "v1", namespaces()),
        "ServiceAccount": write("serviceaccounts.json", "ServiceAccount", "v1", accounts()),
        "Node": write("nodes.json", "Node", "v1", nodes()),
        "Pod": write("pods.json", "Pod", "v1", pods),
        "Service": write("services.json", "Service", "v1", listed),
        "EndpointSlice": write("endpointslices.discovery.k8s.io.json", "EndpointSlice", "discovery.k8s.io/v1", slices),
        "IPPool": write("ippools.projectcalico.org.json", "IPPool", "projectcalico.org/v3", pools()),
    }
    about = {"schemaVersion": "1.0", "kind": "Snapshot", "cluster": {"name": "example", "uid": "6f0e2c41", "version": "v1.34.2"},
             "kinds": {kind: {"count": count, "resourceVersion": "1"} for kind, count in counts.items()}}
    (HERE / "cluster" / "snapshot.json").write_text(json.dumps(about, indent=2) + "\n", encoding="utf-8")


if __name__ == "__main__":
    main()
