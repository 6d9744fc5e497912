"""Workloads that make a migration hard, each a list of objects: budgets, sets, bare pods, volumes, webhooks.

Every builder takes a namespace, so that a test takes the ones that it needs; ``apply_all`` plants them in order.
"""

from __future__ import annotations

from collections.abc import Iterable

from tests.controlplane.client import Api, Object

IMAGE = "pause:3.10"
DNS_LABELS = {"k8s-app": "kube-dns"}


def namespace(name: str, **labels: str) -> Object:
    return {"apiVersion": "v1", "kind": "Namespace", "metadata": {"name": name, "labels": labels}}


def template(labels: dict[str, str], **spec: object) -> Object:
    """Give a pod template with one container."""
    container = {"name": "main", "image": IMAGE}
    return {"metadata": {"labels": labels}, "spec": {"containers": [container], **spec}}


def deployment(where: str, name: str, replicas: int, **spec: object) -> Object:
    """Give a Deployment whose pods have the label ``app``."""
    labels = {"app": name}
    return {
        "apiVersion": "apps/v1",
        "kind": "Deployment",
        "metadata": {"name": name, "namespace": where, "labels": labels},
        "spec": {
            "replicas": replicas,
            "selector": {"matchLabels": labels},
            "template": template(labels, **spec),
        },
    }


def stateful_set(where: str, name: str, replicas: int, **spec: object) -> Object:
    """Give a StatefulSet whose pods have the label ``app``."""
    made = deployment(where, name, replicas, **spec)
    return {**made, "kind": "StatefulSet", "spec": {**made["spec"], "serviceName": name}}


def daemon_set(where: str, name: str, *, host: bool = False, labels: dict[str, str] | None = None) -> Object:
    """Give a DaemonSet that tolerates everything, in the node's network or not."""
    own = labels or {"app": name}
    spec = template(own, hostNetwork=host, tolerations=[{"operator": "Exists"}])
    return {
        "apiVersion": "apps/v1",
        "kind": "DaemonSet",
        "metadata": {"name": name, "namespace": where, "labels": own},
        "spec": {"selector": {"matchLabels": own}, "template": spec},
    }


def bare_pod(where: str, name: str, node: str = "", **spec: object) -> Object:
    """Give a pod that no controller makes again."""
    pinned = {"nodeName": node} if node else {}
    made = template({"app": name}, **pinned, **spec)
    made["metadata"] |= {"name": name, "namespace": where}
    return {"apiVersion": "v1", "kind": "Pod", **made}


def budget(where: str, name: str, app: str, **limit: int | str) -> Object:
    """Give a PodDisruptionBudget over the pods of an app; ``minAvailable`` or ``maxUnavailable`` is its limit."""
    return {
        "apiVersion": "policy/v1",
        "kind": "PodDisruptionBudget",
        "metadata": {"name": name, "namespace": where},
        "spec": {"selector": {"matchLabels": {"app": app}}, **limit},
    }


def service(where: str, name: str, port: int = 80) -> Object:
    return {
        "apiVersion": "v1",
        "kind": "Service",
        "metadata": {"name": name, "namespace": where},
        "spec": {"selector": {"app": name}, "ports": [{"port": port, "protocol": "TCP"}]},
    }


def local_volume(where: str, name: str, node: str) -> list[Object]:
    """Give a local volume of one node, its claim, and the bare pod that mounts it; the claim is bound by hand."""
    at = {"key": "kubernetes.io/hostname", "operator": "In", "values": [node]}
    claim = {"kind": "PersistentVolumeClaim", "name": name, "namespace": where, "apiVersion": "v1"}
    room = {"capacity": {"storage": "1Gi"}, "accessModes": ["ReadWriteOnce"], "storageClassName": "local"}
    volume = {
        "apiVersion": "v1",
        "kind": "PersistentVolume",
        "metadata": {"name": f"{where}-{name}"},
        "spec": {
            **room,
            "local": {"path": f"/mnt/{name}"},
            "claimRef": claim,
            "nodeAffinity": {"required": {"nodeSelectorTerms": [{"matchExpressions": [at]}]}},
        },
    }
    asked = {
        "apiVersion": "v1",
        "kind": "PersistentVolumeClaim",
        "metadata": {
            "name": name,
            "namespace": where,
            "annotations": {
                "pv.kubernetes.io/bind-completed": "yes",
                "pv.kubernetes.io/bound-by-controller": "yes",
            },
        },
        "spec": {
            "accessModes": ["ReadWriteOnce"],
            "storageClassName": "local",
            "volumeName": f"{where}-{name}",
            "resources": {"requests": {"storage": "1Gi"}},
        },
    }
    mounted = [{"name": "data", "persistentVolumeClaim": {"claimName": name}}]
    return [volume, asked, stateful_set(where, name, 1, volumes=mounted)]


def coredns(replicas: int = 2) -> list[Object]:
    """Give CoreDNS as kubeadm installs it: Deployment, Service, and a budget of one pod that may be away."""
    labels = {**DNS_LABELS, "app": "coredns"}
    made = deployment("kube-system", "coredns", replicas, priorityClassName="system-cluster-critical")
    made["spec"]["selector"] = {"matchLabels": DNS_LABELS}
    made["spec"]["template"]["metadata"]["labels"] = labels
    ports = [
        {"name": "dns", "port": 53, "protocol": "UDP"},
        {"name": "dns-tcp", "port": 53, "protocol": "TCP"},
    ]
    dns = {
        "apiVersion": "v1",
        "kind": "Service",
        "metadata": {"name": "kube-dns", "namespace": "kube-system", "labels": DNS_LABELS},
        "spec": {"clusterIP": "10.96.0.10", "selector": DNS_LABELS, "ports": ports},
    }
    return [made, dns, budget("kube-system", "coredns", "coredns", maxUnavailable=1)]


def kube_proxy(cluster_cidr: str = "192.168.0.0/16") -> list[Object]:
    """Give kube-proxy with its ConfigMap, in iptables mode."""
    text = f"apiVersion: kubeproxy.config.k8s.io/v1alpha1\nkind: KubeProxyConfiguration\nmode: iptables\nclusterCIDR: {cluster_cidr}\n"
    config = {
        "apiVersion": "v1",
        "kind": "ConfigMap",
        "metadata": {"name": "kube-proxy", "namespace": "kube-system"},
        "data": {"config.conf": text},
    }
    return [config, daemon_set("kube-system", "kube-proxy", host=True, labels={"k8s-app": "kube-proxy"})]


def dead_webhook(
    name: str, where: str, *, policy: str = "Fail", url: str = "", timeout_s: int = 10
) -> Object:
    """Give a webhook over the pods of a namespace whose backend is dead: a Service that is not there, or ``url``."""
    backend: Object = {"url": url} if url else {"service": {"name": "gone", "namespace": where, "path": "/"}}
    rule = {
        "apiGroups": [""],
        "apiVersions": ["v1"],
        "operations": ["CREATE", "DELETE"],
        "resources": ["pods", "pods/eviction"],
    }
    hook = {
        "name": f"{name}.example.com",
        "clientConfig": backend,
        "rules": [rule],
        "namespaceSelector": {"matchLabels": {"kubernetes.io/metadata.name": where}},
        "failurePolicy": policy,
        "timeoutSeconds": timeout_s,
        "sideEffects": "None",
        "admissionReviewVersions": ["v1"],
    }
    return {
        "apiVersion": "admissionregistration.k8s.io/v1",
        "kind": "ValidatingWebhookConfiguration",
        "metadata": {"name": name},
        "webhooks": [hook],
    }


def apply_all(api: Api, objects: Iterable[Object]) -> None:
    """Create objects in their order."""
    for obj in objects:
        api.create(obj)
